/*
 * rlimit.c - resource limits: getrlimit(2), setrlimit(2), prlimit(2), and the limits that lower
 * rooms ask about.
 *
 * Limits on memory are copied into the address space, where mm looks at them; limits on CPU time
 * arm the process's CPU timer (itimer.c); the others are read where they matter. A limit is one
 * word: readers need no lock.
 *
 * RLIMIT_NPROC binds a real user, whose threads are counted (<user.h>). Who has CAP_SYS_RESOURCE or
 * CAP_SYS_ADMIN may make more. It can be exceeded by becoming another user, too: set*uid(2) must
 * not fail for that (programs that did not look kept their privileges); the thread remembers it,
 * and execve(2) fails while it is so.
 */
#include <cred.h>
#include <error.h>
#include <file.h>
#include <process.h>
#include <vm.h>
#include "proc.h"

#define NR_OPEN_MAX 1048576u

void rlimits_default(struct rlimit *l)
{
	for (unsigned i = 0; i < RLIMIT_COUNT; i++)
		l[i] = (struct rlimit){RLIM_INFINITY, RLIM_INFINITY};
	l[RLIMIT_STACK].cur = 8ull << 20;
	l[RLIMIT_CORE].cur = 0;
	l[RLIMIT_NPROC] = (struct rlimit){PID_MAX / 2, PID_MAX / 2};
	l[RLIMIT_NOFILE] = (struct rlimit){1024, 4096};
	l[RLIMIT_MEMLOCK] = (struct rlimit){8ull << 20, 8ull << 20};
	l[RLIMIT_SIGPENDING] = (struct rlimit){PID_MAX / 2, PID_MAX / 2};
	l[RLIMIT_MSGQUEUE] = (struct rlimit){819200, 819200};
	l[RLIMIT_NICE] = (struct rlimit){0, 0};
	l[RLIMIT_RTPRIO] = (struct rlimit){0, 0};
}

uint64_t rlimit_cur(unsigned which)
{
	const struct process *p = current_process();

	return p && which < RLIMIT_COUNT ? READ_ONCE(p->limits[which].cur) : RLIM_INFINITY;
}

/* The kernel's own user has no limit (setrlimit(2)). */
static uint64_t nproc_limit(uid_t uid)
{
	return uid == task_kernel_cred->uid ? RLIM_INFINITY : rlimit_cur(RLIMIT_NPROC);
}

int nproc_enter(struct user **out)
{
	uid_t uid = current->cred->uid;
	int err = user_charge(uid, USER_THREADS, 1, nproc_limit(uid), out);

	if (err == -EAGAIN && (capable(CAP_SYS_RESOURCE) || capable(CAP_SYS_ADMIN)))
		err = user_charge(uid, USER_THREADS, 1, RLIM_INFINITY, out);
	return err;
}

int process_becomes_user(uid_t uid)
{
	struct uthread *t = current->uthread;
	struct user *u;

	if (uid == current->cred->uid)
		return 0;
	if (user_charge(uid, USER_THREADS, 1, RLIM_INFINITY, &u))
		return -EAGAIN;
	user_uncharge(t->user, USER_THREADS, 1);
	t->user = u;
	t->over_nproc = user_counted(u, USER_THREADS) - 1 > nproc_limit(uid);
	return 0;
}

int exec_check_nproc(void)
{
	struct uthread *t = current->uthread;

	if (likely(!t->over_nproc))
		return 0;
	t->over_nproc = user_counted(t->user, USER_THREADS) > nproc_limit(current->cred->uid);
	return t->over_nproc ? -EAGAIN : 0;
}

void mm_set_limits(struct mm *m, const struct process *p)
{
	m->limit_as = p->limits[RLIMIT_AS].cur;
	m->limit_data = p->limits[RLIMIT_DATA].cur;
	m->limit_stack = p->limits[RLIMIT_STACK].cur;
	m->limit_memlock = p->limits[RLIMIT_MEMLOCK].cur;
}

/* prlimit(2): somebody else's limits need equal ids, or CAP_SYS_RESOURCE. */
static int may_look(struct process *p)
{
	const struct cred *me = current->cred, *him;
	const struct task *leader;
	int err = 0;

	if (p == current_process() || capable(CAP_SYS_RESOURCE))
		return 0;
	rcu_read_lock();
	leader = process_leader(p);
	him = leader ? rcu_dereference(leader->cred) : NULL;
	if (!him)
		err = -ESRCH;
	else if (me->uid != him->uid || me->uid != him->euid || me->uid != him->suid ||
		 me->gid != him->gid || me->gid != him->egid || me->gid != him->sgid)
		err = -EPERM;
	rcu_read_unlock();
	return err;
}

static void applied_locked(struct process *p, unsigned which)
{
	const struct uthread *u;

	if (which == RLIMIT_CPU)
		cpu_timer_rearm_locked(p);
	if (which != RLIMIT_AS && which != RLIMIT_DATA && which != RLIMIT_STACK &&
		which != RLIMIT_MEMLOCK)
		return;
	list_for_each_entry (u, &p->threads, node)
		if (u->task->mm)
			mm_set_limits(u->task->mm, p);
}

int process_rlimit(struct process *p, unsigned which, const struct rlimit *new_, struct rlimit *old)
{
	struct rlimit *l;
	unsigned long f;
	int err = may_look(p);

	if (err)
		return err;
	if (which >= RLIMIT_COUNT || (new_ && new_->cur > new_->max))
		return -EINVAL;
	if (new_ && which == RLIMIT_NOFILE && new_->max > NR_OPEN_MAX)
		return -EPERM;
	l = &p->limits[which];
	f = spin_lock_irq(&p->sig_lock);
	if (new_ && new_->max > l->max && !capable(CAP_SYS_RESOURCE)) {
		err = -EPERM;
	} else {
		if (old)
			*old = *l;
		if (new_) {
			*l = *new_;
			applied_locked(p, which);
		}
	}
	spin_unlock_irq(&p->sig_lock, f);
	return err;
}

static uint64_t limit_files(void)
{
	return rlimit_cur(RLIMIT_NOFILE);
}

static uint64_t limit_file_size(void)
{
	return rlimit_cur(RLIMIT_FSIZE);
}

static void send_to_self(int sig, int code)
{
	struct siginfo info = {
		.signo = sig, .code = code, .pid = current_process() ? current_process()->pid : 0};

	if (!current->uthread)
		return;
	info.uid = current->cred->uid;
	signal_send_task(current, sig, &info);
}

static void on_file_too_big(void)
{
	send_to_self(SIGXFSZ, SI_USER);
}

static void on_pipe_broken(void)
{
	send_to_self(SIGPIPE, SI_USER);
}

void rlimit_hooks_init(void)
{
	files_limit = limit_files;
	file_size_limit = limit_file_size;
	file_too_big = on_file_too_big;
	pipe_broken = on_pipe_broken;
}
