/*
 * sys_time.c - time: clock_gettime(2), nanosleep(2), timer_create(2), setitimer(2),
 * settimeofday(2), adjtimex(2), times(2).
 *
 * CLOCK_MONOTONIC, _RAW and BOOTTIME are one clock: it neither is slewed nor stops.
 */
#include "abi/process.h"
#include "abi/signal.h"
#include "abi/time.h"
#include "compat.h"
#include <policy.h>

#define NS_PER_TICK (NSEC_PER_SEC / 100)

/*
 * Clocks of other programs and threads: the number holds the complement of the pid, a thread bit
 * and a kind (clock_getcpuclockid(3)). 0 and the time, -EINVAL.
 */
static int cpu_clock(int clock, uint64_t *ns)
{
	pid_t pid = ~(clock >> 3);
	bool thread = clock & 4;
	uint64_t user, system;
	struct process *p;
	struct task *t;

	if ((clock & 3) == 3 || pid < 0)
		return -EINVAL;
	if (thread) {
		t = pid ? task_find(pid) : task_get(current);
		if (!t)
			return -EINVAL;
		if (t->process != current->process) {
			task_put(t);
			return -EINVAL;
		}
		task_times(t, &user, &system);
		*ns = user + system;
		task_put(t);
		return 0;
	}
	p = pid ? process_find(pid) : process_get(current->process);
	if (!p)
		return -EINVAL;
	*ns = process_cpu_ns(p);
	process_put(p);
	return 0;
}

/* A clock of a device, by its descriptor (clock_getcpuclockid(3)); there are none. */
static bool is_device_clock(int clock)
{
	return clock < 0 && (clock & 7) == 3;
}

/* Why a clock does not do what not every clock does: -EOPNOTSUPP, or -EINVAL: there is none. */
static int cannot(int clock)
{
	return clock <= CLOCK_BOOTTIME_ALARM || clock == CLOCK_TAI ? -EOPNOTSUPP : -EINVAL;
}

static int clock_now(int clock, int64_t *ns)
{
	uint64_t cpu = 0;
	int err = 0;

	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
		*ns = realtime_ns();
		return 0;
	case CLOCK_TAI:
		*ns = realtime_ns() + realtime_tai_offset() * (int64_t)NSEC_PER_SEC;
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
		*ns = (int64_t)clock_ns();
		return 0;
	case CLOCK_PROCESS_CPUTIME_ID:
		cpu = process_cpu_ns(current->process);
		break;
	case CLOCK_THREAD_CPUTIME_ID:
		err = cpu_clock(~7 | 6, &cpu);
		break;
	default:
		err = clock < 0 ? cpu_clock(clock, &cpu) : -EINVAL;
	}
	*ns = (int64_t)cpu;
	return err;
}

long sys_clock_gettime(int clock, void __user *ts)
{
	struct timespec out;
	int64_t ns;
	int err = clock_now(clock, &ns);

	if (err)
		return err;
	out = ns_to_timespec(ns);
	return copy_to_user(ts, &out, sizeof(out));
}

long sys_clock_getres(int clock, void __user *ts)
{
	bool coarse = clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE;
	struct timespec out = {.tv_nsec = coarse ? COARSE_NS : 1};
	int64_t ns;
	int err = clock_now(clock, &ns);

	if (err || !ts)
		return err;
	return copy_to_user(ts, &out, sizeof(out));
}

static int may_set_time(void)
{
	return capable(CAP_SYS_TIME) ? policy_sys(current->cred, POLICY_TIME) : -EPERM;
}

long sys_clock_settime(int clock, void __user *ts)
{
	struct timespec t;
	int64_t ns;
	int err;

	if (clock != CLOCK_REALTIME)
		return clock < 0 && !clock_now(clock, &ns) ? -EPERM : -EINVAL;
	err = user_timespec(ts, &t);
	if (!err)
		err = may_set_time();
	if (!err)
		realtime_set_ns((int64_t)timespec_to_ns(&t));
	return err;
}

struct linux_timezone {
	int32_t minutes_west, dst;
};

long sys_gettimeofday(void __user *tv, void __user *tz)
{
	struct linux_timezone zone = {0};
	struct timespec now = ns_to_timespec(realtime_ns());
	struct timeval out = {now.tv_sec, now.tv_nsec / 1000};

	if (tv && copy_to_user(tv, &out, sizeof(out)))
		return -EFAULT;
	return tz ? copy_to_user(tz, &zone, sizeof(zone)) : 0;
}

/* The kernel keeps no time zone: one is read, judged and forgotten. */
long sys_settimeofday(void __user *tv, void __user *tz)
{
	struct linux_timezone zone;
	struct timeval t;
	int err;

	if (tv) {
		if (copy_from_user(&t, tv, sizeof(t)))
			return -EFAULT;
		if (t.tv_usec < 0 || t.tv_usec >= 1000000 || t.tv_sec < 0)
			return -EINVAL;
	}
	if (tz && copy_from_user(&zone, tz, sizeof(zone)))
		return -EFAULT;
	err = may_set_time();
	if (err)
		return err;
	if (tz && (zone.minutes_west > 15 * 60 || zone.minutes_west < -15 * 60))
		return -EINVAL;
	if (tv) {
		struct timespec ts = {t.tv_sec, t.tv_usec * 1000};

		realtime_set_ns((int64_t)timespec_to_ns(&ts));
	}
	return 0;
}

long sys_time(void __user *out)
{
	int64_t now = realtime_ns() / (int64_t)NSEC_PER_SEC;

	return out && put_user(now, (int64_t __user *)out) ? -EFAULT : now;
}

/* ---- adjtimex ---- */

/* adjtimex(2), ERRORS. */
static int check_timex(const struct linux_timex *t)
{
	int64_t second = t->modes & ADJ_NANO ? (int64_t)NSEC_PER_SEC : 1000000;

	if (t->modes & ADJ_ADJTIME) {
		if (!(t->modes & ADJ_OFFSET))
			return -EINVAL;
		return t->modes & ADJ_ADJTIME_READ ? 0 : may_set_time();
	}
	if (t->modes && !capable(CAP_SYS_TIME))
		return -EPERM;
	if (t->modes & ADJ_TICK && (t->tick < TIMEX_TICK_LOW || t->tick > TIMEX_TICK_HIGH))
		return -EINVAL;
	if (t->modes & ADJ_SETOFFSET &&
		(t->time.tv_usec < 0 || t->time.tv_usec >= second || t->time.tv_sec > INT32_MAX ||
			t->time.tv_sec < -INT32_MAX))
		return -EINVAL;
	return t->modes ? may_set_time() : 0;
}

static unsigned discipline_fields(uint32_t modes)
{
	static const struct {
		uint32_t mode;
		unsigned field;
	} map[] = {
		{ADJ_OFFSET, DISCIPLINE_OFFSET},
		{ADJ_FREQUENCY, DISCIPLINE_FREQUENCY},
		{ADJ_MAXERROR, DISCIPLINE_MAXERROR},
		{ADJ_ESTERROR, DISCIPLINE_ESTERROR},
		{ADJ_STATUS, DISCIPLINE_STATUS},
		{ADJ_TIMECONST, DISCIPLINE_CONSTANT},
		{ADJ_NANO, DISCIPLINE_NANO},
		{ADJ_MICRO, DISCIPLINE_MICRO},
		{ADJ_TICK, DISCIPLINE_TICK},
	};
	unsigned fields = 0;

	if (modes & ADJ_ADJTIME)
		return modes & ADJ_ADJTIME_READ ? 0 : DISCIPLINE_SINGLE;
	for (unsigned i = 0; i < ARRAY_SIZE(map); i++)
		fields |= modes & map[i].mode ? map[i].field : 0;
	return fields;
}

static int clock_state(uint32_t status)
{
	bool wants_pps = status & (STA_PPSFREQ | STA_PPSTIME);

	return status & (STA_UNSYNC | STA_CLOCKERR) || (wants_pps && !(status & STA_PPSSIGNAL))
		       ? TIME_ERROR
		       : TIME_OK;
}

static void timex_out(const struct clock_discipline *d, struct linux_timex *t)
{
	struct timespec now = ns_to_timespec(realtime_ns());

	*t = (struct linux_timex){
		.modes = t->modes,
		.offset = t->modes & ADJ_ADJTIME ? d->single_us : d->offset,
		.freq = d->frequency,
		.maxerror = d->maxerror_us,
		.esterror = d->esterror_us,
		.status = (int32_t)d->status,
		.constant = d->constant,
		.precision = 1,
		.tolerance = 32768000, /* 500 ppm */
		.time = {now.tv_sec, d->status & STA_NANO ? now.tv_nsec : now.tv_nsec / 1000},
		.tick = d->tick_us,
		.tai = realtime_tai_offset(),
	};
}

static long adjust(void __user *buf)
{
	struct clock_discipline d;
	struct linux_timex t;
	int err;

	if (copy_from_user(&t, buf, sizeof(t)))
		return -EFAULT;
	err = check_timex(&t);
	if (err)
		return err;
	d = (struct clock_discipline){
		.set = discipline_fields(t.modes),
		.status = (uint32_t)t.status,
		.offset = t.offset,
		.single_us = t.offset,
		.frequency = t.freq,
		.maxerror_us = t.maxerror,
		.esterror_us = t.esterror,
		.constant = t.constant,
		.tick_us = t.tick,
	};
	if (t.modes & ADJ_SETOFFSET && !(t.modes & ADJ_ADJTIME))
		realtime_set_ns(realtime_ns() + t.time.tv_sec * (int64_t)NSEC_PER_SEC +
				t.time.tv_usec * (t.modes & ADJ_NANO ? 1 : 1000));
	if (t.modes & ADJ_TAI && !(t.modes & ADJ_ADJTIME) && t.constant >= 0 &&
		t.constant <= TIMEX_TAI_MAX)
		realtime_set_tai_offset((int32_t)t.constant);
	realtime_discipline(&d);
	timex_out(&d, &t);
	return copy_to_user(buf, &t, sizeof(t)) ? -EFAULT : clock_state(d.status);
}

long sys_adjtimex(void __user *buf)
{
	return adjust(buf);
}

long sys_clock_adjtime(int clock, void __user *buf)
{
	struct linux_timex t;

	if (copy_from_user(&t, buf, sizeof(t)))
		return -EFAULT;
	if (clock != CLOCK_REALTIME)
		return is_device_clock(clock) ? -EINVAL : cannot(clock);
	return adjust(buf);
}

/* ---- sleeping ---- */

/* What is left until @deadline goes to the program. */
static int put_rest(uint64_t deadline, void __user *rem)
{
	uint64_t now = clock_ns();
	struct timespec rest = ns_to_timespec(deadline > now ? (int64_t)(deadline - now) : 0);

	return rem ? copy_to_user(rem, &rest, sizeof(rest)) : 0;
}

static long sleep_relative(uint64_t deadline, void __user *rem);

static long sleep_again(struct restart_block *r)
{
	return sleep_relative(r->arg[0], (void __user *)r->arg[1]);
}

static long sleep_relative(uint64_t deadline, void __user *rem)
{
	int err = sleep_until(deadline);

	if (!err)
		return 0;
	if (put_rest(deadline, rem))
		return -EFAULT;
	current->restart = (struct restart_block){
		.fn = sleep_again, .arg = {deadline, (uint64_t)rem}};
	return -ERESTART_BLOCK;
}

static long sleep_absolute_real(int64_t until)
{
	int err;

	do {
		__atomic_exchange_n(&current->state, TASK_INTERRUPTIBLE, __ATOMIC_SEQ_CST);
		err = wait_sleep_until_realtime(TASK_INTERRUPTIBLE, until);
	} while (!err);
	WRITE_ONCE(current->state, TASK_RUNNING);
	return err == -ETIME ? 0 : -ERESTARTNOHAND;
}

long sys_nanosleep(void __user *req, void __user *rem)
{
	struct timespec t;
	int err = user_timespec(req, &t);

	return err ? err : sleep_relative(deadline_after_ns(timespec_to_ns(&t)), rem);
}

long sys_clock_nanosleep(int clock, int flags, void __user *req, void __user *rem)
{
	struct timespec t;
	bool is_real = clock == CLOCK_REALTIME || clock == CLOCK_TAI;
	int64_t now;
	int err;

	/* No alarm hardware: nothing wakes a machine that sleeps. */
	if (clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM ||
		is_device_clock(clock))
		return -EOPNOTSUPP;
	err = clock_now(clock, &now);
	if (err)
		return -EINVAL;
	if (clock == CLOCK_THREAD_CPUTIME_ID || clock == CLOCK_MONOTONIC_RAW ||
		clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE)
		return -EOPNOTSUPP;
	err = user_timespec(req, &t);
	if (err)
		return err;
	if (clock == CLOCK_PROCESS_CPUTIME_ID || clock < 0) {
		unsupported("sleep on a CPU clock", (uint64_t)clock);
		return -EOPNOTSUPP;
	}
	if (!(flags & TIMER_ABSTIME))
		return sleep_relative(deadline_after_ns(timespec_to_ns(&t)), rem);
	if (is_real)
		return sleep_absolute_real(
			(int64_t)timespec_to_ns(&t) -
			(clock == CLOCK_TAI ? realtime_tai_offset() : 0) * (int64_t)NSEC_PER_SEC);
	return sleep_until(timespec_to_ns(&t)) ? -ERESTARTNOHAND : 0;
}

/* ---- interval timers ---- */

static int timeval_to_ns(const struct timeval *t, uint64_t *ns)
{
	if (t->tv_sec < 0 || t->tv_usec < 0 || t->tv_usec >= 1000000)
		return -EINVAL;
	*ns = timespec_to_ns(&(struct timespec){t->tv_sec, t->tv_usec * 1000});
	return 0;
}

static int put_itimerval(const struct itimer *t, void __user *to)
{
	struct timespec i = ns_to_timespec((int64_t)t->interval_ns),
			v = ns_to_timespec((int64_t)t->value_ns);
	struct linux_itimerval out = {{i.tv_sec, i.tv_nsec / 1000}, {v.tv_sec, v.tv_nsec / 1000}};

	return copy_to_user(to, &out, sizeof(out));
}

long sys_getitimer(int which, void __user *value)
{
	struct itimer t;

	if (which < 0 || which > 2)
		return -EINVAL;
	process_getitimer(which, &t);
	return put_itimerval(&t, value);
}

long sys_setitimer(int which, void __user *value, void __user *old)
{
	struct linux_itimerval in = {0};
	struct itimer t, was;
	int err;

	if (value && copy_from_user(&in, value, sizeof(in)))
		return -EFAULT;
	err = timeval_to_ns(&in.value, &t.value_ns);
	if (!err)
		err = timeval_to_ns(&in.interval, &t.interval_ns);
	if (!err && (which < 0 || which > 2))
		err = -EINVAL;
	if (!err)
		err = process_setitimer(which, &t, &was);
	return err || !old ? err : put_itimerval(&was, old);
}

long sys_alarm(unsigned seconds)
{
	struct itimer t = {.value_ns = MIN(seconds, (unsigned)INT32_MAX) * NSEC_PER_SEC}, was = {0};
	int err = process_setitimer(0, &t, &was);
	uint64_t left = was.value_ns / NSEC_PER_SEC;

	if (err)
		return err;
	/* Never say 0 of a timer that runs; else to the nearest second. */
	if (was.value_ns % NSEC_PER_SEC >= NSEC_PER_SEC / 2 || (!left && was.value_ns))
		left++;
	return (long)left;
}

/* ---- POSIX timers ---- */

static int check_timer_clock(int clock)
{
	int64_t ns;

	if (clock == CLOCK_MONOTONIC_RAW || clock == CLOCK_REALTIME_COARSE ||
		clock == CLOCK_MONOTONIC_COARSE || clock == CLOCK_REALTIME_ALARM ||
		clock == CLOCK_BOOTTIME_ALARM || is_device_clock(clock))
		return -EOPNOTSUPP;
	return clock_now(clock, &ns);
}

long sys_timer_create(int clock, void __user *ev, void __user *id)
{
	struct linux_sigevent e = {.signo = SIGALRM, .notify = SIGEV_SIGNAL};
	int err, made;

	if (ev && copy_from_user(&e, ev, sizeof(e)))
		return -EFAULT;
	err = check_timer_clock(clock);
	if (err)
		return err;
	if (e.notify != SIGEV_SIGNAL && e.notify != SIGEV_NONE && e.notify != SIGEV_THREAD &&
		e.notify != (SIGEV_SIGNAL | SIGEV_THREAD_ID))
		return -EINVAL;
	if (e.notify != SIGEV_NONE && (e.signo < 1 || e.signo > NSIG))
		return -EINVAL;
	err = posix_timer_create(clock, ev ? e.notify : -1, e.signo, e.value, e.tid, &made);
	if (err)
		return err;
	if (put_user(made, (int __user *)id)) {
		err = posix_timer_delete(made);
		return err ? err : -EFAULT;
	}
	return 0;
}

static int put_itimerspec(const struct itimer *t, void __user *to)
{
	struct linux_itimerspec out = {
		ns_to_timespec((int64_t)t->interval_ns), ns_to_timespec((int64_t)t->value_ns)};

	return copy_to_user(to, &out, sizeof(out));
}

long sys_timer_settime(int id, int flags, void __user *new_value, void __user *old)
{
	struct linux_itimerspec in;
	struct itimer t, was;
	int err;

	if (!new_value)
		return -EINVAL;
	if (copy_from_user(&in, new_value, sizeof(in)))
		return -EFAULT;
	if (!timespec_valid(&in.value) || !timespec_valid(&in.interval))
		return -EINVAL;
	t = (struct itimer){timespec_to_ns(&in.value), timespec_to_ns(&in.interval)};
	err = posix_timer_settime(id, flags & TIMER_ABSTIME, &t, &was);
	return err || !old ? err : put_itimerspec(&was, old);
}

long sys_timer_gettime(int id, void __user *cur)
{
	struct itimer t;
	int err = posix_timer_gettime(id, &t);

	return err ? err : put_itimerspec(&t, cur);
}

long sys_timer_getoverrun(int id)
{
	return posix_timer_overrun(id);
}

long sys_timer_delete(int id)
{
	return posix_timer_delete(id);
}

/* ---- time used ---- */

long sys_times(void __user *out)
{
	struct usage own, children;
	struct linux_tms t;

	if (out) {
		process_usage(current->process, &own, false);
		process_usage(current->process, &children, true);
		t = (struct linux_tms){
			(int64_t)(own.user_ns / NS_PER_TICK),
			(int64_t)(own.system_ns / NS_PER_TICK),
			(int64_t)(children.user_ns / NS_PER_TICK),
			(int64_t)(children.system_ns / NS_PER_TICK),
		};
		if (copy_to_user(out, &t, sizeof(t)))
			return -EFAULT;
	}
	return (long)(clock_ns() / NS_PER_TICK);
}
