/*
 * sys_sched.c - scheduling: sched_setscheduler(2), sched_setattr(2), sched_setaffinity(2),
 * sched_yield(2), getcpu(2), membarrier(2); ioprio_set(2).
 */
#include "abi_state.h"
#include "compat.h"
#include "abi/sched.h"
#include <arch/smp.h>
#include <sched.h>
#include <vm.h>

#define RESET_ON_FORK   0x40000000
#define RT_PRIORITY_MAX 99
#define SCHED_DEADLINE  6 /* has no priorities; cannot be set here */
#define RR_INTERVAL_NS  100000000

long sys_sched_yield(void)
{
	sched_yield();
	return 0;
}

/* The thread that a call names: 0 is the caller. Referenced; NULL: -ESRCH. */
static struct task *target(pid_t pid)
{
	return pid ? task_find(pid) : task_get(current);
}

static bool may_schedule(struct task *t)
{
	const struct cred *c;
	bool same;

	rcu_read_lock();
	c = rcu_dereference(t->cred);
	same = current->cred->euid == c->euid || current->cred->euid == c->uid;
	rcu_read_unlock();
	return same || capable(CAP_SYS_NICE);
}

static bool is_realtime(int policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR;
}

/* Does sched_setattr(2) set a nice value with it? */
static bool is_nice(int policy)
{
	return policy == SCHED_OTHER || policy == SCHED_BATCH;
}

static bool policy_known(int policy)
{
	return policy == SCHED_OTHER || is_realtime(policy) || policy == SCHED_BATCH ||
	       policy == SCHED_IDLE;
}

static uint64_t limit_of(struct task *t, unsigned which)
{
	struct rlimit l;

	return process_rlimit(t->process, which, NULL, &l) ? 0 : l.cur;
}

/* What a thread is to be. */
struct setting {
	int policy; /* negative: it keeps its own, and whether that is reset by fork */
	int priority;
	int nice;
	bool has_nice; /* else, and where the policy knows none, it keeps its own */
	bool reset;
	bool only_reset; /* nothing else is to change */
};

/*
 * What needs no right: as much realtime as RLIMIT_RTPRIO leaves room for, a better nice value and
 * to leave SCHED_IDLE as far as RLIMIT_NICE does, and to keep reset-on-fork (sched(7), Privileges
 * and resource limits).
 */
static int may_become(struct task *t, const struct setting *s)
{
	int nice = s->has_nice && is_nice(s->policy) ? s->nice : t->se.nice;

	if (capable(CAP_SYS_NICE))
		return 0;
	if (is_realtime(s->policy)) {
		uint64_t room = limit_of(t, RLIMIT_RTPRIO);

		if (s->policy != (int)t->se.policy && !room)
			return -EPERM;
		if (s->priority > t->se.own_rt_priority && (uint64_t)s->priority > room)
			return -EPERM;
	} else if (nice < t->se.nice && (uint64_t)(20 - nice) > limit_of(t, RLIMIT_NICE)) {
		return -EPERM;
	}
	if (t->se.policy == SCHED_IDLE && s->policy != SCHED_IDLE &&
		(uint64_t)(20 - t->se.nice) > limit_of(t, RLIMIT_NICE))
		return -EPERM;
	return t->se.reset_on_fork && !s->reset ? -EPERM : 0;
}

static int apply(struct task *t, struct setting *s)
{
	bool keep = s->policy < 0, all = !s->only_reset;
	int err;

	if (keep) {
		s->policy = t->se.policy;
		s->reset = t->se.reset_on_fork;
	}
	if (!policy_known(s->policy) || s->priority < 0 || s->priority > RT_PRIORITY_MAX ||
		is_realtime(s->policy) != (s->priority != 0))
		return -EINVAL;
	if (!may_schedule(t))
		return -EPERM;
	err = may_become(t, s);
	if (!err && all)
		err = sched_set(t, (enum sched_policy)s->policy, (unsigned)s->priority);
	if (err)
		return err;
	if (all && s->has_nice && is_nice(s->policy))
		sched_set_nice(t, s->nice);
	if (all)
		futex_pi_reprioritised(t);
	if (!keep)
		t->se.reset_on_fork = s->reset;
	return 0;
}

/* @policy < 0: keep it. */
static long set_scheduler(pid_t pid, int policy, const void __user *param)
{
	struct setting s = {.policy = policy};
	struct task *t;
	long err;

	if (!param || pid < 0)
		return -EINVAL;
	if (get_user(s.priority, (const int __user *)param))
		return -EFAULT;
	t = target(pid);
	if (!t)
		return -ESRCH;
	if (policy >= 0) {
		s.policy = policy & ~RESET_ON_FORK;
		s.reset = policy & RESET_ON_FORK;
	}
	err = apply(t, &s);
	task_put(t);
	return err;
}

long sys_sched_setparam(pid_t pid, void __user *param)
{
	return set_scheduler(pid, -1, param);
}

long sys_sched_setscheduler(pid_t pid, int policy, void __user *param)
{
	return policy < 0 ? -EINVAL : set_scheduler(pid, policy, param);
}

long sys_sched_getparam(pid_t pid, void __user *param)
{
	struct task *t;
	int priority;

	if (!param || pid < 0)
		return -EINVAL;
	t = target(pid);
	if (!t)
		return -ESRCH;
	priority = is_realtime(t->se.policy) ? t->se.own_rt_priority : 0;
	task_put(t);
	return put_user(priority, (int __user *)param);
}

long sys_sched_getscheduler(pid_t pid)
{
	struct task *t;
	int policy;

	if (pid < 0)
		return -EINVAL;
	t = target(pid);
	if (!t)
		return -ESRCH;
	policy = t->se.policy | (t->se.reset_on_fork ? RESET_ON_FORK : 0);
	task_put(t);
	return policy;
}

long sys_sched_get_priority_max(int policy)
{
	if (!policy_known(policy) && policy != SCHED_DEADLINE)
		return -EINVAL;
	return is_realtime(policy) ? RT_PRIORITY_MAX : 0;
}

long sys_sched_get_priority_min(int policy)
{
	return policy_known(policy) || policy == SCHED_DEADLINE ? is_realtime(policy) : -EINVAL;
}

long sys_sched_rr_get_interval(pid_t pid, void __user *ts)
{
	struct timespec out = {0};
	struct task *t;

	if (pid < 0)
		return -EINVAL;
	t = target(pid);
	if (!t)
		return -ESRCH;
	if (t->se.policy == SCHED_RR)
		out.tv_nsec = RR_INTERVAL_NS;
	else if (t->se.policy != SCHED_FIFO)
		out.tv_nsec = (int64_t)t->se.slice_ns;
	task_put(t);
	return copy_to_user(ts, &out, sizeof(out));
}

/* ---- sched_setattr(2) ---- */

/* What the program passed, of whatever size: -E2BIG tells it ours. */
static int get_attr(struct linux_sched_attr __user *from, struct linux_sched_attr *a)
{
	uint32_t size;
	int err = -E2BIG;

	if (get_user(size, &from->size))
		return -EFAULT;
	if (!size)
		size = SCHED_ATTR_SIZE_VER0;
	if (size >= SCHED_ATTR_SIZE_VER0)
		err = copy_struct(a, sizeof(*a), from, size);
	if (err == -E2BIG && put_user((uint32_t)sizeof(*a), &from->size))
		return -EFAULT;
	if (!err && a->flags & SCHED_FLAG_UTIL_CLAMP && size < sizeof(*a))
		return -EINVAL;
	return err;
}

/* There is neither SCHED_DEADLINE nor a clock to clamp: they are refused as by a Linux built
 * without. */
static int check_attr(const struct linux_sched_attr *a)
{
	if (a->flags & ~(uint64_t)SCHED_FLAGS_KNOWN)
		return -EINVAL;
	if (!(a->flags & SCHED_FLAG_KEEP_POLICY) && a->policy == SCHED_DEADLINE)
		unsupported("scheduling policy", a->policy);
	return 0;
}

static int set_attr(struct task *t, const struct linux_sched_attr *a)
{
	bool keep = a->flags & SCHED_FLAG_KEEP_PARAMS;
	struct setting s = {
		.policy = a->flags & SCHED_FLAG_KEEP_POLICY ? -1 : (int)a->policy,
		.priority = keep ? t->se.own_rt_priority : (int)MIN(a->priority, 100u),
		.nice = a->nice < -20  ? -20
			: a->nice > 19 ? 19
				       : a->nice,
		.has_nice = !keep,
		.only_reset = keep,
		.reset = a->flags & SCHED_FLAG_RESET_ON_FORK,
	};
	int err = check_attr(a);

	if (!err && a->flags & SCHED_FLAG_UTIL_CLAMP)
		err = -EOPNOTSUPP;
	return err ? err : apply(t, &s);
}

long sys_sched_setattr(pid_t pid, void __user *attr, unsigned flags)
{
	struct linux_sched_attr a UNCLEARED;
	struct task *t;
	int err;

	if (!attr || pid < 0 || flags)
		return -EINVAL;
	err = get_attr(attr, &a);
	if (err)
		return err;
	if ((int)a.policy < 0)
		return -EINVAL;
	t = target(pid);
	if (!t)
		return -ESRCH;
	err = set_attr(t, &a);
	task_put(t);
	return err;
}

long sys_sched_getattr(pid_t pid, void __user *attr, unsigned size, unsigned flags)
{
	struct linux_sched_attr a = {.size = (uint32_t)MIN(size, (unsigned)sizeof(a))};
	struct task *t;

	if (!attr || pid < 0 || size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE || flags)
		return -EINVAL;
	t = target(pid);
	if (!t)
		return -ESRCH;
	a.policy = t->se.policy;
	a.flags = t->se.reset_on_fork ? SCHED_FLAG_RESET_ON_FORK : 0;
	if (is_realtime(t->se.policy))
		a.priority = t->se.own_rt_priority;
	else
		a.nice = t->se.nice;
	task_put(t);
	return copy_to_user(attr, &a, a.size);
}

/* ---- I/O priorities ---- */

long sys_ioprio_set(int which, int who, int ioprio)
{
	return process_set_ioprio(which, who, ioprio);
}

long sys_ioprio_get(int which, int who)
{
	return process_get_ioprio(which, who);
}

/* ---- processors ---- */

long sys_sched_setaffinity(pid_t pid, unsigned len, void __user *mask)
{
	struct cpumask m = CPUMASK_NONE;
	struct task *t;
	int err;

	if (copy_from_user(&m, mask, MIN(len, (unsigned)sizeof(m))))
		return -EFAULT;
	t = target(pid);
	if (!t)
		return -ESRCH;
	err = may_schedule(t) ? sched_set_affinity(t, m) : -EPERM;
	task_put(t);
	return err;
}

long sys_sched_getaffinity(pid_t pid, unsigned len, void __user *mask)
{
	struct cpumask m;
	struct task *t;

	if (len < sizeof(m) || len % sizeof(uint64_t))
		return -EINVAL;
	t = target(pid);
	if (!t)
		return -ESRCH;
	m = t->affinity;
	task_put(t);
	if (cpu_count() < MAX_CPUS)
		m.bits &= (1ull << cpu_count()) - 1;
	return copy_to_user(mask, &m, sizeof(m)) ? -EFAULT : (long)sizeof(m);
}

long sys_getcpu(void __user *cpu, void __user *node, void __user *cache)
{
	if (cpu && put_user(cpu_id(), (unsigned __user *)cpu))
		return -EFAULT;
	return node ? put_user(0u, (unsigned __user *)node) : 0;
}

enum {
	MB_QUERY = 0,
	MB_GLOBAL = 1,
	MB_GLOBAL_EXPEDITED = 2,
	MB_REGISTER_GLOBAL = 4,
	MB_PRIVATE = 8,
	MB_REGISTER_PRIVATE = 16,
	MB_RSEQ = 128,
	MB_REGISTER_RSEQ = 256
};
#define MB_ALL                                                                                     \
	(MB_GLOBAL | MB_GLOBAL_EXPEDITED | MB_REGISTER_GLOBAL | MB_PRIVATE | MB_REGISTER_PRIVATE | \
		MB_RSEQ | MB_REGISTER_RSEQ)
enum { MB_FLAG_CPU = 1 };

static void full_barrier(void *arg)
{
	smp_mb();
}

/* What runs here does as if it had lost the CPU: rseq_resume() before it goes on. */
static void abort_sequence(void *arg)
{
	smp_mb();
	if (current->tell_switch)
		task_set_work(current, TASK_WORK_SWITCHED);
}

/* Nobody is in a sequence any more that he was in before; on one CPU (@cpu) or on all. */
static long rseq_barrier(unsigned flags, int cpu)
{
	struct cpumask where = current->mm->mmu.active;

	if (flags & ~(unsigned)MB_FLAG_CPU)
		return -EINVAL;
	if (!abi_test(current->process, ABI_MEMBARRIER_RSEQ))
		return -EPERM;
	if (flags && cpu >= 0)
		where.bits &= cpu < MAX_CPUS ? 1ull << cpu : 0;
	smp_call(where, abort_sequence, NULL);
	return 0;
}

long sys_membarrier(int cmd, unsigned flags, int cpu)
{
	if (cmd == MB_RSEQ)
		return rseq_barrier(flags, cpu);
	if (flags)
		return -EINVAL;
	switch (cmd) {
	case MB_QUERY:
		return MB_ALL;
	case MB_PRIVATE:
		if (!abi_test(current->process, ABI_MEMBARRIER))
			return -EPERM;
		smp_call(current->mm->mmu.active, full_barrier, NULL);
		return 0;
	case MB_GLOBAL:
	case MB_GLOBAL_EXPEDITED:
		smp_call(CPUMASK_ALL, full_barrier, NULL);
		return 0;
	case MB_REGISTER_PRIVATE:
		abi_change(current->process, ABI_MEMBARRIER, true);
		return 0;
	case MB_REGISTER_RSEQ:
		abi_change(current->process, ABI_MEMBARRIER_RSEQ, true);
		return 0;
	case MB_REGISTER_GLOBAL:
		return 0;
	default:
		return -EINVAL;
	}
}
