/*
 * posix_timer.c - timer_create(2) and its family.
 *
 * A timer belongs to a process and is found by number in process->posix_timers. When it is due it
 * queues its signal and rests; it is set going again when the signal is taken, and the periods that
 * passed meanwhile are its overrun. So a short period cannot flood anybody. When the signal is
 * ignored or its like is already pending, it goes on by itself. Timers on CPU clocks look at the
 * time used when it could first be due, like itimer.c. An absolute time of the wall clock is kept
 * as such, and the timer is armed anew when that clock was set.
 *
 * Locks: timers_mutex (create, set, delete) > sig_lock, which guards every field; the callback
 * takes sig_lock only, so timer_cancel_sync() is called with the mutex alone. Does not: alarms
 * (clocks 8, 9).
 */
#include <arch/cpu.h>
#include <error.h>
#include <mutex.h>
#include <process.h>
#include <slab.h>
#include <time.h>
#include "signal_queue.h"

#define MIN_CHECK_NS NSEC_PER_MSEC
#define OVERRUN_MAX  INT32_MAX

enum {
	CLK_REALTIME = 0,
	CLK_MONOTONIC = 1,
	CLK_PROCESS_CPU = 2,
	CLK_THREAD_CPU = 3,
	CLK_BOOTTIME = 7,
	CLK_REALTIME_ALARM = 8,
	CLK_BOOTTIME_ALARM = 9,
	CLK_TAI = 11
};
enum {
	SIGEV_DEFAULT = -1,
	SIGEV_SIGNAL = 0,
	SIGEV_NONE = 1,
	SIGEV_THREAD = 2,
	SIGEV_THREAD_ID = 4
};

/* Key: [c] constant  [s] process->sig_lock */
struct posix_timer {
	struct list_head node; /* [s] */
	struct timer timer;
	struct process *process;    /* [c] alive as long as the timer */
	struct task *target;        /* [c] SIGEV_THREAD_ID; referenced, or NULL */
	struct task *cpu_task;      /* [c] CLK_THREAD_CPU; referenced, or NULL */
	int id, clock, notify, sig; /* [c] */
	uint64_t value;             /* [c] */
	uint64_t deadline_ns; /* [s] on clock_ns()'s scale, of CPU time, or of the wall clock */
	uint64_t interval_ns; /* [s] */
	int overrun;          /* [s] of the last signal taken */
	bool armed;           /* [s] */
	bool by_wall_clock;   /* [s] */
	bool queued;          /* [s] its signal is pending */
};

static struct mutex timers_mutex = MUTEX_INIT(timers_mutex);
static struct slab_cache *timer_cache;

static bool on_cpu_clock(const struct posix_timer *t)
{
	return t->clock == CLK_PROCESS_CPU || t->clock == CLK_THREAD_CPU;
}

static uint64_t now_locked(const struct posix_timer *t)
{
	struct usage u;

	if (t->by_wall_clock)
		return (uint64_t)realtime_ns();
	if (!on_cpu_clock(t))
		return clock_ns();
	if (t->cpu_task)
		task_usage(t->cpu_task, &u);
	else
		process_usage_locked(t->process, &u);
	return u.user_ns + u.system_ns;
}

static uint64_t later(uint64_t now, uint64_t ns)
{
	return now + ns < now ? WAIT_NO_DEADLINE - 1 : now + ns;
}

static void start_locked(struct posix_timer *t)
{
	uint64_t now, left;

	if (t->notify == SIGEV_NONE)
		return;
	if (!on_cpu_clock(t)) {
		timer_arm(&t->timer, t->by_wall_clock ? realtime_deadline((int64_t)t->deadline_ns)
						      : t->deadline_ns);
		return;
	}
	now = now_locked(t);
	left = t->deadline_ns > now ? t->deadline_ns - now : 0;
	if (!t->cpu_task)
		left /= MIN(t->process->nr_live ? t->process->nr_live : 1u, cpu_count());
	timer_arm(&t->timer, later(clock_ns(), MAX(left, MIN_CHECK_NS)));
}

/* The timer was due at deadline_ns: move that on beyond @now. Returns the periods that were missed.
 */
static int next_period_locked(struct posix_timer *t, uint64_t now)
{
	uint64_t missed = now > t->deadline_ns ? (now - t->deadline_ns) / t->interval_ns : 0;

	t->deadline_ns += (missed + 1) * t->interval_ns;
	return missed > OVERRUN_MAX ? OVERRUN_MAX : (int)missed;
}

static void expire_locked(struct posix_timer *t)
{
	struct process *p = t->process;
	struct uthread *u = t->target ? t->target->uthread : NULL;
	struct sigpending *s = u ? &u->pending : &p->pending;
	struct siginfo info = {
		.signo = t->sig, .code = SI_TIMER, .timer_id = t->id, .value = t->value};
	uint32_t before = p->nr_queued;
	uint64_t now;

	if (t->sig >= SIGRTMIN || !(s->set.bits & SIGMASK(t->sig)))
		signal_send_locked(p, u, t->sig, &info);
	t->queued = p->nr_queued != before;
	if (t->queued)
		return;
	if (!t->interval_ns) {
		t->armed = false;
		return;
	}
	now = now_locked(t);
	next_period_locked(t, now);
	/* Nobody sees this one, so it may be late: a tiny period must not keep the processor in
	 * the interrupt. */
	t->deadline_ns = MAX(t->deadline_ns, later(now, MIN_CHECK_NS));
	start_locked(t);
}

static void fired(struct timer *timer)
{
	struct posix_timer *t = container_of(timer, struct posix_timer, timer);
	unsigned long f = spin_lock_irq(&t->process->sig_lock);

	if (t->armed && !t->queued) {
		if (now_locked(t) < t->deadline_ns)
			start_locked(t);
		else
			expire_locked(t);
	}
	spin_unlock_irq(&t->process->sig_lock, f);
}

static struct posix_timer *find_locked(struct process *p, int id)
{
	struct posix_timer *t;

	list_for_each_entry (t, &p->posix_timers, node)
		if (t->id == id)
			return t;
	return NULL;
}

void posix_timer_dequeued_locked(struct process *p, struct siginfo *info)
{
	struct posix_timer *t = find_locked(p, info->timer_id);

	if (!t || !t->queued)
		return;
	t->queued = false;
	t->overrun = 0;
	if (t->armed && t->interval_ns) {
		t->overrun = next_period_locked(t, now_locked(t));
		start_locked(t);
	} else {
		t->armed = false;
	}
	info->overrun = t->overrun;
}

static int check(int clock, int notify, int sig)
{
	if (clock == CLK_REALTIME_ALARM || clock == CLK_BOOTTIME_ALARM)
		return -EOPNOTSUPP;
	if (clock != CLK_REALTIME && clock != CLK_MONOTONIC && clock != CLK_PROCESS_CPU &&
		clock != CLK_THREAD_CPU && clock != CLK_BOOTTIME && clock != CLK_TAI)
		return -EINVAL;
	if (notify == SIGEV_DEFAULT || notify == SIGEV_NONE)
		return 0;
	if (notify != SIGEV_SIGNAL && notify != SIGEV_THREAD &&
		notify != (SIGEV_SIGNAL | SIGEV_THREAD_ID))
		return -EINVAL;
	return signal_valid(sig) ? 0 : -EINVAL;
}

static int find_target(struct posix_timer *t, pid_t tid)
{
	struct task *target;

	if (!(t->notify & SIGEV_THREAD_ID) || t->notify == SIGEV_DEFAULT)
		return 0;
	target = task_find(tid);
	if (!target)
		return -EINVAL;
	if (target->process != current_process()) {
		task_put(target);
		return -EINVAL;
	}
	t->target = target;
	return 0;
}

static void destroy(struct posix_timer *t)
{
	if (t->target)
		task_put(t->target);
	if (t->cpu_task)
		task_put(t->cpu_task);
	slab_free(timer_cache, t);
}

static bool too_many_locked(struct process *p)
{
	const struct posix_timer *t;
	uint64_t n = 0;

	list_for_each_entry (t, &p->posix_timers, node)
		n++;
	return n >= p->limits[RLIMIT_SIGPENDING].cur || p->next_timer_id == INT32_MAX;
}

int posix_timer_create(int clock, int notify, int sig, uint64_t value, pid_t tid, int *id)
{
	struct process *p = current_process();
	struct posix_timer *t;
	unsigned long f;
	int err = check(clock, notify, sig);

	if (err)
		return err;
	t = slab_alloc(timer_cache, GFP_ZERO);
	if (!t)
		return -EAGAIN;
	timer_init(&t->timer, fired);
	t->process = p;
	t->clock = clock;
	t->notify = notify;
	t->sig = notify == SIGEV_DEFAULT ? SIGALRM : sig;
	t->value = value;
	err = find_target(t, tid);
	if (!err && clock == CLK_THREAD_CPU)
		t->cpu_task = task_get(current);
	if (!err) {
		f = spin_lock_irq(&p->sig_lock);
		if (too_many_locked(p)) {
			err = -EAGAIN;
		} else {
			t->id = p->next_timer_id++;
			if (notify == SIGEV_DEFAULT)
				t->value = (uint64_t)t->id;
			list_add_tail(&t->node, &p->posix_timers);
			*id = t->id;
		}
		spin_unlock_irq(&p->sig_lock, f);
	}
	if (err)
		destroy(t);
	return err;
}

static void get_locked(const struct posix_timer *t, struct itimer *out)
{
	uint64_t now = now_locked(t);

	*out = (struct itimer){.interval_ns = t->interval_ns};
	if (!t->armed)
		return;
	if (now < t->deadline_ns)
		out->value_ns = t->deadline_ns - now;
	else if (t->interval_ns)
		out->value_ns = t->interval_ns - (now - t->deadline_ns) % t->interval_ns;
	else
		out->value_ns = t->notify == SIGEV_NONE ? 0 : 1;
}

static void set_locked(struct posix_timer *t, bool absolute, const struct itimer *n)
{
	uint64_t tai = t->clock == CLK_TAI ? (uint64_t)realtime_tai_offset() * NSEC_PER_SEC : 0;

	t->by_wall_clock = absolute && (t->clock == CLK_REALTIME || t->clock == CLK_TAI);
	if (!n->value_ns)
		return;
	t->interval_ns = n->interval_ns;
	if (absolute)
		t->deadline_ns = n->value_ns > tai ? n->value_ns - tai : 0;
	else
		t->deadline_ns = later(now_locked(t), n->value_ns);
	t->armed = true;
	start_locked(t);
}

/* The wall clock was set: what waits for it may be due sooner. */
static void wall_clock_changed(bool stepped)
{
	struct posix_timer *t;
	struct process *p;
	pid_t pid = 0;

	(void)stepped;
	for (; (p = process_next(pid)) != NULL; process_put(p)) {
		unsigned long f = spin_lock_irq(&p->sig_lock);

		pid = p->pid;
		list_for_each_entry (t, &p->posix_timers, node)
			if (t->armed && t->by_wall_clock && !t->queued)
				start_locked(t);
		spin_unlock_irq(&p->sig_lock, f);
	}
}

int posix_timer_settime(int id, bool absolute, const struct itimer *new_, struct itimer *old)
{
	struct process *p = current_process();
	struct posix_timer *t;
	unsigned long f;

	mutex_lock(&timers_mutex);
	f = spin_lock_irq(&p->sig_lock);
	t = find_locked(p, id);
	if (t) {
		if (old)
			get_locked(t, old);
		t->armed = false;
		t->queued = false;
		t->overrun = 0;
		t->interval_ns = 0;
	}
	spin_unlock_irq(&p->sig_lock, f);
	if (t) {
		timer_cancel_sync(&t->timer);
		f = spin_lock_irq(&p->sig_lock);
		set_locked(t, absolute, new_);
		spin_unlock_irq(&p->sig_lock, f);
	}
	mutex_unlock(&timers_mutex);
	return t ? 0 : -EINVAL;
}

int posix_timer_gettime(int id, struct itimer *out)
{
	struct process *p = current_process();
	unsigned long f = spin_lock_irq(&p->sig_lock);
	const struct posix_timer *t = find_locked(p, id);

	if (t)
		get_locked(t, out);
	spin_unlock_irq(&p->sig_lock, f);
	return t ? 0 : -EINVAL;
}

int posix_timer_overrun(int id)
{
	struct process *p = current_process();
	unsigned long f = spin_lock_irq(&p->sig_lock);
	const struct posix_timer *t = find_locked(p, id);
	int n = t ? t->overrun : -EINVAL;

	spin_unlock_irq(&p->sig_lock, f);
	return n;
}

/* Delete timer @id, or any one (-1). */
static int delete (struct process *p, int id)
{
	struct posix_timer *t;
	unsigned long f;

	mutex_lock(&timers_mutex);
	f = spin_lock_irq(&p->sig_lock);
	if (id >= 0)
		t = find_locked(p, id);
	else
		t = list_empty(&p->posix_timers)
			    ? NULL
			    : list_first(&p->posix_timers, struct posix_timer, node);
	if (t) {
		list_del(&t->node);
		t->armed = false;
	}
	spin_unlock_irq(&p->sig_lock, f);
	if (t) {
		timer_cancel_sync(&t->timer);
		destroy(t);
	}
	mutex_unlock(&timers_mutex);
	return t ? 0 : -EINVAL;
}

int posix_timer_delete(int id)
{
	return id < 0 ? -EINVAL : delete (current_process(), id);
}

void posix_timers_delete_all(struct process *p)
{
	while (!list_empty(&p->posix_timers))
		if (delete (p, -1))
			return;
}

void posix_timers_init(void)
{
	static struct realtime_watch watch = {.changed = wall_clock_changed};

	realtime_watch(&watch);
	timer_cache = slab_cache_create("posix_timer", sizeof(struct posix_timer), 0, NULL);
}
