/*
 * sys_prctl.c - prctl(2), arch_prctl(2), personality(2), limits and usage: getrlimit(2),
 * getrusage(2), getpriority(2).
 */
#include "abi/process.h"
#include "compat.h"
#include <arch/task.h>
#include <vm.h>

enum {
	PR_SET_PDEATHSIG = 1,
	PR_GET_PDEATHSIG,
	PR_GET_DUMPABLE,
	PR_SET_DUMPABLE,
	PR_GET_KEEPCAPS = 7,
	PR_SET_KEEPCAPS,
	PR_GET_TIMING = 13,
	PR_SET_TIMING,
	PR_SET_NAME,
	PR_GET_NAME,
	PR_CAPBSET_READ = 23,
	PR_CAPBSET_DROP,
	PR_GET_TSC = 25,
	PR_GET_SECUREBITS = 27,
	PR_SET_SECUREBITS,
	PR_SET_TIMERSLACK,
	PR_GET_TIMERSLACK,
	PR_SET_CHILD_SUBREAPER = 36,
	PR_GET_CHILD_SUBREAPER,
	PR_SET_NO_NEW_PRIVS,
	PR_GET_NO_NEW_PRIVS,
	PR_GET_TID_ADDRESS,
	PR_GET_THP_DISABLE = 42,
	PR_CAP_AMBIENT = 47
};
enum { AMBIENT_IS_SET = 1, AMBIENT_RAISE, AMBIENT_LOWER, AMBIENT_CLEAR_ALL };
#define DEFAULT_SLACK_NS 50000u
#define SECUREBITS_ALL   0xffu

static long change_cred(void (*change)(struct cred *c, uint64_t value), uint64_t value)
{
	struct cred *c = cred_prepare(current->cred);

	if (!c)
		return -ENOMEM;
	change(c, value);
	cred_commit(c);
	return 0;
}

static void change_keepcaps(struct cred *c, uint64_t on)
{
	c->securebits = on ? c->securebits | SECBIT_KEEP_CAPS
			   : c->securebits & ~(uint32_t)SECBIT_KEEP_CAPS;
}

static void change_no_new_privs(struct cred *c, uint64_t on)
{
	c->no_new_privs = on;
}

static void change_securebits(struct cred *c, uint64_t bits)
{
	c->securebits = (uint32_t)bits;
}

static void drop_bounding(struct cred *c, uint64_t cap)
{
	c->bounding &= ~(1ull << cap);
}

static void change_ambient(struct cred *c, uint64_t set)
{
	c->ambient = set;
}

static long set_name(const void __user *name)
{
	char buf[sizeof(current->name)] = {0};
	ssize_t n = strncpy_from_user(buf, name, sizeof(buf) - 1);

	if (n < 0 && n != -ENAMETOOLONG)
		return n;
	buf[sizeof(buf) - 1] = '\0';
	memcpy(current->name, buf, sizeof(buf));
	return 0;
}

static long get_name(void __user *to)
{
	char buf[sizeof(current->name)] = {0};

	strlcpy(buf, current->name, sizeof(buf));
	return copy_to_user(to, buf, sizeof(buf));
}

/* Each securebit has a lock beside it; locked ones and locks stay (capabilities(7), The securebits
 * flags). */
static long set_securebits(unsigned long bits)
{
	uint32_t now = current->cred->securebits, locked = (now & 0xaau) >> 1;

	if (locked & (now ^ (uint32_t)bits) || now & 0xaau & ~(uint32_t)bits ||
		bits & ~(unsigned long)SECUREBITS_ALL || !capable(CAP_SETPCAP))
		return -EPERM;
	return change_cred(change_securebits, bits);
}

static long cap_ambient(unsigned long what, unsigned long cap, unsigned long a4, unsigned long a5)
{
	const struct cred *c = current->cred;

	if (a4 || a5)
		return -EINVAL;
	if (what == AMBIENT_CLEAR_ALL)
		return cap ? -EINVAL : change_cred(change_ambient, 0);
	if (cap >= CAP_COUNT)
		return -EINVAL;
	switch (what) {
	case AMBIENT_IS_SET:
		return (long)(c->ambient >> cap & 1);
	case AMBIENT_LOWER:
		return change_cred(change_ambient, c->ambient & ~(1ull << cap));
	case AMBIENT_RAISE:
		if (!(c->permitted & c->inheritable & 1ull << cap) ||
			c->securebits & SECBIT_NO_CAP_AMBIENT_RAISE)
			return -EPERM;
		return change_cred(change_ambient, c->ambient | 1ull << cap);
	default:
		return -EINVAL;
	}
}

static long set_dumpable(unsigned long on)
{
	if (on > 1)
		return -EINVAL;
	current->process->dumpable = current->mm->dumpable = on;
	return 0;
}

static long drop_bounding_cap(unsigned long cap)
{
	if (!capable(CAP_SETPCAP))
		return -EPERM;
	return cap < CAP_COUNT ? change_cred(drop_bounding, cap) : -EINVAL;
}

/* Of the thread. */
static long prctl_thread(int option, unsigned long a2)
{
	struct uthread *u = current->uthread;

	switch (option) {
	case PR_SET_PDEATHSIG:
		if (a2 > NSIG)
			return -EINVAL;
		u->pdeath_signal = a2;
		return 0;
	case PR_GET_PDEATHSIG:
		return put_user((int)u->pdeath_signal, (int __user *)a2);
	case PR_SET_NAME:
		return set_name((const void __user *)a2);
	case PR_GET_NAME:
		return get_name((void __user *)a2);
	case PR_GET_TIMING:
		return 0;
	case PR_SET_TIMING:
		return a2 ? -EINVAL : 0;
	case PR_SET_TIMERSLACK:
		u->timer_slack_ns = (long)a2 > 0 ? a2 : DEFAULT_SLACK_NS;
		return 0;
	case PR_GET_TIMERSLACK:
		return (long)(u->timer_slack_ns ? u->timer_slack_ns : DEFAULT_SLACK_NS);
	case PR_GET_TID_ADDRESS:
		return put_user((uint64_t)u->clear_child_tid, (uint64_t __user *)a2);
	case PR_GET_TSC:
		return put_user(1, (int __user *)a2);
	}
	unsupported("prctl", (uint64_t)option);
	return -EINVAL;
}

long sys_prctl(int option, unsigned long a2, unsigned long a3, unsigned long a4, unsigned long a5)
{
	struct process *p = current->process;
	const struct cred *c = current->cred;

	switch (option) {
	case PR_GET_DUMPABLE:
		return p->dumpable;
	case PR_SET_DUMPABLE:
		return set_dumpable(a2);
	case PR_GET_KEEPCAPS:
		return c->securebits & SECBIT_KEEP_CAPS ? 1 : 0;
	case PR_SET_KEEPCAPS:
		if (a2 > 1)
			return -EINVAL;
		return c->securebits & SECBIT_KEEP_CAPS << 1 ? -EPERM
							     : change_cred(change_keepcaps, a2);
	case PR_CAPBSET_READ:
		return a2 < CAP_COUNT ? (long)(c->bounding >> a2 & 1) : -EINVAL;
	case PR_CAPBSET_DROP:
		return drop_bounding_cap(a2);
	case PR_GET_SECUREBITS:
		return c->securebits;
	case PR_SET_SECUREBITS:
		return set_securebits(a2);
	case PR_SET_CHILD_SUBREAPER:
		p->child_subreaper = a2 != 0;
		return 0;
	case PR_GET_CHILD_SUBREAPER:
		return put_user((int)p->child_subreaper, (int __user *)a2);
	case PR_SET_NO_NEW_PRIVS:
		return a2 != 1 || a3 || a4 || a5 ? -EINVAL : change_cred(change_no_new_privs, 1);
	case PR_GET_NO_NEW_PRIVS:
		return a2 || a3 || a4 || a5 ? -EINVAL : c->no_new_privs;
	case PR_GET_THP_DISABLE:
		return a2 || a3 || a4 || a5 ? -EINVAL : 0;
	case PR_CAP_AMBIENT:
		return cap_ambient(a2, a3, a4, a5);
	}
	return prctl_thread(option, a2);
}

enum {
	ARCH_SET_GS = 0x1001,
	ARCH_SET_FS,
	ARCH_GET_FS,
	ARCH_GET_GS,
	ARCH_GET_CPUID = 0x1011,
	ARCH_SET_CPUID
};

long sys_arch_prctl(int option, unsigned long addr)
{
	switch (option) {
	case ARCH_SET_FS:
		return arch_set_tls(current, addr) ? 0 : -EPERM;
	case ARCH_SET_GS:
		return arch_set_gs(current, addr) ? 0 : -EPERM;
	case ARCH_GET_FS:
		return put_user(arch_get_tls(current), (uint64_t __user *)addr);
	case ARCH_GET_GS:
		return put_user(arch_get_gs(current), (uint64_t __user *)addr);
	case ARCH_GET_CPUID:
		return 1;
	case ARCH_SET_CPUID:
		return -ENODEV;
	default:
		return -EINVAL;
	}
}

#define PERSONALITY_ASK 0xffffffffu

long sys_personality(unsigned persona)
{
	uint32_t old = current->uthread->personality;

	if (persona != PERSONALITY_ASK)
		current->uthread->personality = persona;
	return old;
}

/* ---- limits ---- */

long sys_getrlimit(unsigned which, void __user *out)
{
	struct rlimit l;
	int err = which < RLIMIT_COUNT ? process_rlimit(current->process, which, NULL, &l)
				       : -EINVAL;

	return err ? err : copy_to_user(out, &l, sizeof(l));
}

long sys_setrlimit(unsigned which, void __user *in)
{
	struct rlimit l;

	if (copy_from_user(&l, in, sizeof(l)))
		return -EFAULT;
	return which < RLIMIT_COUNT ? process_rlimit(current->process, which, &l, NULL) : -EINVAL;
}

/* prlimit(2): all ids of the target are mine, or CAP_SYS_RESOURCE. */
static bool may_limit(struct task *t)
{
	const struct cred *mine = current->cred, *c;
	bool same;

	rcu_read_lock();
	c = rcu_dereference(t->cred);
	same = mine->uid == c->uid && mine->uid == c->euid && mine->uid == c->suid &&
	       mine->gid == c->gid && mine->gid == c->egid && mine->gid == c->sgid;
	rcu_read_unlock();
	return same || capable(CAP_SYS_RESOURCE);
}

long sys_prlimit64(pid_t pid, unsigned which, void __user *in, void __user *out)
{
	struct rlimit new_, old;
	struct task *t;
	int err;

	if (in && copy_from_user(&new_, in, sizeof(new_)))
		return -EFAULT;
	t = pid ? task_find(pid) : task_get(current);
	if (!t)
		return -ESRCH;
	err = t->process == current->process || may_limit(t) ? 0 : -EPERM;
	if (!err)
		err = process_rlimit(t->process, which, in ? &new_ : NULL, out ? &old : NULL);
	task_put(t);
	return err || !out ? err : copy_to_user(out, &old, sizeof(old));
}

enum { RUSAGE_CHILDREN = -1, RUSAGE_SELF = 0, RUSAGE_THREAD = 1 };

long sys_getrusage(int who, void __user *out)
{
	struct linux_rusage r;
	struct usage u;

	switch (who) {
	case RUSAGE_SELF:
	case RUSAGE_CHILDREN:
		process_usage(current->process, &u, who == RUSAGE_CHILDREN);
		break;
	case RUSAGE_THREAD:
		task_usage(current, &u);
		break;
	default:
		return -EINVAL;
	}
	rusage_out(&u, &r);
	return copy_to_user(out, &r, sizeof(r));
}

long sys_getpriority(int which, int who)
{
	return process_getpriority(which, who);
}

long sys_setpriority(int which, int who, int nice)
{
	nice = MIN(nice, 19);
	return process_setpriority(which, who, MAX(nice, -20));
}
