/*
 * itimer.c - interval timers of a process (setitimer(2), alarm(2)) and its limit on CPU time.
 *
 * ITIMER_REAL is a timer that sends SIGALRM. ITIMER_VIRTUAL, ITIMER_PROF and RLIMIT_CPU count CPU
 * time: a second timer fires when the earliest of them could be due if all threads ran, looks at
 * the times used and arms itself anew. So nothing is counted at ticks, and a process without such
 * timers pays nothing. Exact to MIN_CHECK_NS. Callbacks run in interrupts and take sig_lock;
 * timer_cancel_sync() is therefore never called under it.
 */
#include <arch/cpu.h>
#include <error.h>
#include <process.h>
#include <time.h>
#include "proc.h"

#define MIN_CHECK_NS NSEC_PER_MSEC
#define MIN_REARM_NS (50 * NSEC_PER_USEC)

enum { ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF };

static uint64_t add_saturating(uint64_t a, uint64_t b)
{
	return a + b < a ? WAIT_NO_DEADLINE - 1 : a + b;
}

static void real_fired(struct timer *t)
{
	struct process *p = container_of(t, struct process, real_timer);
	unsigned long f = spin_lock_irq(&p->sig_lock);

	signal_send_locked(p, NULL, SIGALRM, NULL);
	if (p->real_interval_ns) {
		uint64_t now = clock_ns();
		uint64_t missed = now > t->deadline_ns
					  ? (now - t->deadline_ns) / p->real_interval_ns
					  : 0;

		/* A tiny interval must not keep the processor in the interrupt. */
		timer_arm(t, MAX(t->deadline_ns + (missed + 1) * p->real_interval_ns,
				     now + MIN_REARM_NS));
	}
	spin_unlock_irq(&p->sig_lock, f);
}

/* CPU time until *due; sends @sig and moves *due on when it has come. 0: off. */
static uint64_t check_one_locked(
	struct process *p, uint64_t used, uint64_t *due, uint64_t interval, int sig)
{
	if (!*due)
		return UINT64_MAX;
	if (used >= *due) {
		signal_send_locked(p, NULL, sig, NULL);
		*due = interval ? used + interval : 0;
		if (!*due)
			return UINT64_MAX;
	}
	return *due - used;
}

static uint64_t check_limit_locked(struct process *p, uint64_t used)
{
	const struct rlimit *l = &p->limits[RLIMIT_CPU];

	if (!p->cpu_limit_ns)
		return UINT64_MAX;
	if (l->max != RLIM_INFINITY && used / NSEC_PER_SEC >= MAX(l->max, 1ull)) {
		signal_send_locked(p, NULL, SIGKILL, NULL);
		return UINT64_MAX;
	}
	return check_one_locked(p, used, &p->cpu_limit_ns, NSEC_PER_SEC, SIGXCPU);
}

static void check_cpu_timers_locked(struct process *p)
{
	struct usage u;
	uint64_t left, one, cpus = MIN(p->nr_live ? p->nr_live : 1u, cpu_count());

	process_usage_locked(p, &u);
	left = check_one_locked(p, u.user_ns, &p->virt_value_ns, p->virt_interval_ns, SIGVTALRM);
	one = check_one_locked(
		p, u.user_ns + u.system_ns, &p->prof_value_ns, p->prof_interval_ns, SIGPROF);
	left = MIN(left, one);
	one = check_limit_locked(p, u.user_ns + u.system_ns);
	left = MIN(left, one);
	if (left == UINT64_MAX || p->nr_live == 0)
		return;
	left /= cpus;
	p->timers_used = true;
	timer_arm(&p->cpu_timer, add_saturating(clock_ns(), MAX(left, MIN_CHECK_NS)));
}

static void cpu_timer_fired(struct timer *t)
{
	struct process *p = container_of(t, struct process, cpu_timer);
	unsigned long f = spin_lock_irq(&p->sig_lock);

	check_cpu_timers_locked(p);
	spin_unlock_irq(&p->sig_lock, f);
}

void cpu_timer_rearm_locked(struct process *p)
{
	uint64_t seconds = p->limits[RLIMIT_CPU].cur;

	ASSERT_LOCKED(&p->sig_lock);
	p->cpu_limit_ns = 0;
	if (seconds < UINT64_MAX / NSEC_PER_SEC)
		p->cpu_limit_ns = MAX(seconds, 1ull) * NSEC_PER_SEC;
	check_cpu_timers_locked(p);
}

void itimer_init_process(struct process *p)
{
	timer_init(&p->real_timer, real_fired);
	timer_init(&p->cpu_timer, cpu_timer_fired);
}

void itimers_stop(struct process *p)
{
	unsigned long f;

	if (!p->timers_used)
		return;
	f = spin_lock_irq(&p->sig_lock);
	p->real_interval_ns = 0;
	p->virt_value_ns = p->prof_value_ns = p->cpu_limit_ns = 0;
	spin_unlock_irq(&p->sig_lock, f);
	timer_cancel_sync(&p->real_timer);
	timer_cancel_sync(&p->cpu_timer);
}

static void get_real_locked(struct process *p, struct itimer *out)
{
	uint64_t now = clock_ns();

	out->interval_ns = p->real_interval_ns;
	out->value_ns = 0;
	if (timer_pending(&p->real_timer))
		out->value_ns = p->real_timer.deadline_ns > now ? p->real_timer.deadline_ns - now
								: 1;
}

static void get_cpu_locked(struct process *p, int which, struct itimer *out)
{
	struct usage u;
	uint64_t used, due = which == ITIMER_PROF ? p->prof_value_ns : p->virt_value_ns;

	process_usage_locked(p, &u);
	used = which == ITIMER_PROF ? u.user_ns + u.system_ns : u.user_ns;
	out->interval_ns = which == ITIMER_PROF ? p->prof_interval_ns : p->virt_interval_ns;
	out->value_ns = !due ? 0 : due > used ? due - used : 1;
}

static void get_locked(struct process *p, int which, struct itimer *out)
{
	if (which == ITIMER_REAL)
		get_real_locked(p, out);
	else
		get_cpu_locked(p, which, out);
}

void process_getitimer(int which, struct itimer *out)
{
	struct process *p = current_process();
	unsigned long f = spin_lock_irq(&p->sig_lock);

	get_locked(p, which, out);
	spin_unlock_irq(&p->sig_lock, f);
}

static void set_real(struct process *p, const struct itimer *t, struct itimer *old)
{
	unsigned long f = spin_lock_irq(&p->sig_lock);

	get_real_locked(p, old);
	p->real_interval_ns = 0;
	spin_unlock_irq(&p->sig_lock, f);
	if (p->timers_used)
		timer_cancel_sync(&p->real_timer);

	f = spin_lock_irq(&p->sig_lock);
	if (t->value_ns) {
		p->timers_used = true;
		p->real_interval_ns = t->interval_ns;
		timer_arm(&p->real_timer, add_saturating(clock_ns(), t->value_ns));
	}
	spin_unlock_irq(&p->sig_lock, f);
}

static void set_cpu(struct process *p, int which, const struct itimer *t, struct itimer *old)
{
	struct usage u;
	uint64_t used, due;
	unsigned long f = spin_lock_irq(&p->sig_lock);

	get_cpu_locked(p, which, old);
	process_usage_locked(p, &u);
	used = which == ITIMER_PROF ? u.user_ns + u.system_ns : u.user_ns;
	due = t->value_ns ? add_saturating(used, t->value_ns) : 0;
	if (which == ITIMER_PROF) {
		p->prof_value_ns = due;
		p->prof_interval_ns = t->interval_ns;
	} else {
		p->virt_value_ns = due;
		p->virt_interval_ns = t->interval_ns;
	}
	check_cpu_timers_locked(p);
	spin_unlock_irq(&p->sig_lock, f);
}

int process_setitimer(int which, const struct itimer *new_, struct itimer *old)
{
	struct itimer was;

	if (which < ITIMER_REAL || which > ITIMER_PROF)
		return -EINVAL;
	if (which == ITIMER_REAL)
		set_real(current_process(), new_, &was);
	else
		set_cpu(current_process(), which, new_, &was);
	if (old)
		*old = was;
	return 0;
}
