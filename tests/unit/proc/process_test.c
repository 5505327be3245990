/*
 * process_test.c - birth and death of processes: fork, exit, wait, groups, sessions, orphans, pids.
 */
/* clang-format off */
/* LINK: kernel/proc/process.c kernel/proc/pgrp.c kernel/proc/jobs.c kernel/proc/fork.c */
/* LINK: kernel/proc/exit.c kernel/proc/wait.c kernel/proc/signal.c kernel/proc/signal_send.c */
/* LINK: kernel/proc/sighand.c kernel/proc/pidfd.c kernel/policy/user.c */
/* LINK: kernel/proc/signal_deliver.c kernel/proc/signal_wait.c kernel/proc/usage.c */
/* LINK: kernel/proc/itimer.c kernel/proc/posix_timer.c kernel/proc/futex.c */
/* LINK: kernel/proc/futex_pi.c kernel/proc/futex_exit.c kernel/proc/rlimit.c kernel/proc/oom.c kernel/proc/reboot.c */
/* LINK: kernel/proc/priority.c kernel/lib/bitmap.c */
/* LINK: kernel/policy/cred.c kernel/policy/cred_exec.c kernel/policy/policy.c */
/* clang-format on */
#include "tests/unit/proc/world.h"

TEST(a_child_exits_and_is_waited_for_once)
{
	struct wait_result r;
	struct task *c;
	pid_t pid;
	long before;

	world_begin();
	unit_rcu_flush();
	before = alloc_live();
	c = spawn();
	REQUIRE(c);
	pid = c->tid;
	EXPECT_EQ(process_wait(WAIT_ANY, 0, WNOHANG | WEXITED, &r), 0);
	EXPECT_EQ(r.pid, 0);
	EXPECT(run_as(c, do_exit_3));
	EXPECT_EQ(process_wait(WAIT_PID, pid, WEXITED | WNOWAIT, &r), 0);
	EXPECT_EQ(r.pid, pid);
	EXPECT_EQ(signal_kill(pid, 0, NULL), 0); /* a zombie can be signalled */
	EXPECT_EQ(signal_kill(pid, SIGKILL, NULL), 0);
	EXPECT_EQ(process_wait(WAIT_ANY, 0, WEXITED, &r), 0);
	EXPECT_EQ(r.status, 3 << 8);
	EXPECT_EQ(r.code, CLD_EXITED);
	EXPECT_EQ(process_wait(WAIT_ANY, 0, WEXITED, &r), -ECHILD);
	EXPECT_EQ(signal_kill(pid, 0, NULL), -ESRCH);
	unit_rcu_flush();
	EXPECT_EQ(alloc_live(), before);
}

TEST(wait_says_echild_for_what_can_never_come)
{
	struct wait_result r;
	struct task *c;

	world_begin();
	EXPECT_EQ(process_wait(WAIT_PID, 12345, WEXITED, &r), -ECHILD);
	c = spawn();
	EXPECT_EQ(process_wait(WAIT_PGRP, 4711, WEXITED, &r), -ECHILD);
	EXPECT_EQ(process_wait(WAIT_ANY, 0, WEXITED | WAIT_CLONES_ONLY, &r), -ECHILD);
	EXPECT(run_as(c, do_exit_3));
	EXPECT_EQ(process_wait(WAIT_ANY, 0, WUNTRACED | WNOHANG, &r), -ECHILD);
	EXPECT_EQ(process_wait(WAIT_ANY, 0, WEXITED | WAIT_CLONES_ALL, &r), 0);
}

TEST(ignoring_sigchld_reaps_children_at_once)
{
	struct sigaction ign = {.handler = SIG_IGN}, old;
	struct wait_result r;
	struct task *c;

	world_begin();
	EXPECT_EQ(signal_action(SIGCHLD, &ign, &old), 0);
	c = spawn();
	EXPECT(run_as(c, do_exit_3));
	EXPECT_EQ(process_wait(WAIT_ANY, 0, WEXITED, &r), -ECHILD);
	EXPECT_EQ(signal_action(SIGCHLD, &old, NULL), 0);
}

TEST(orphans_go_to_init)
{
	struct wait_result r;
	struct task *a, *b;
	pid_t pa, pb;

	world_begin();
	a = spawn();
	pa = a->tid;
	current_task_ = a;
	b = spawn();
	pb = b->tid;
	EXPECT_EQ(process_ppid(b->process), pa);
	current_task_ = init_task;
	EXPECT(run_as(a, do_exit_3));
	EXPECT_EQ(process_ppid(b->process), 1);
	EXPECT_EQ(process_wait(WAIT_PID, pa, WEXITED, &r), 0);
	EXPECT_EQ(process_wait(WAIT_PID, pb, WEXITED | WNOHANG, &r), 0);
	EXPECT_EQ(r.pid, 0);
	EXPECT(run_as(b, do_exit_3));
	EXPECT_EQ(process_wait(WAIT_PID, pb, WEXITED, &r), 0);
	EXPECT_EQ(r.pid, pb);
}

TEST(a_process_ends_with_its_last_thread)
{
	struct wait_result r;
	struct task *a, *t;
	pid_t pid, tid;
	long before;

	world_begin();
	unit_rcu_flush();
	before = alloc_live();
	a = spawn();
	pid = a->tid;
	current_task_ = a;
	t = spawn_flags(THREAD_FLAGS);
	REQUIRE(t);
	tid = t->tid;
	EXPECT_EQ(a->process->nr_threads, 2);
	EXPECT(t->process == a->process);
	current_task_ = init_task;
	EXPECT(run_as(a, do_thread_exit)); /* the leader first */
	EXPECT_EQ(process_wait(WAIT_PID, pid, WEXITED | WNOHANG, &r), 0);
	EXPECT_EQ(r.pid, 0);
	EXPECT(run_as(t, do_exit_3));
	EXPECT(task_find(tid) == NULL);
	EXPECT_EQ(process_wait(WAIT_PID, pid, WEXITED, &r), 0);
	EXPECT_EQ(r.status, 3 << 8);
	unit_rcu_flush();
	EXPECT_EQ(alloc_live(), before);
}

TEST(clone_refuses_nonsense)
{
	struct clone_args a = {.flags = CLONE_THREAD};

	world_begin();
	EXPECT_EQ(process_clone(&a), -EINVAL);
	a.flags = CLONE_SIGHAND;
	EXPECT_EQ(process_clone(&a), -EINVAL);
	a.flags = CLONE_NEWNS | CLONE_FS;
	EXPECT_EQ(process_clone(&a), -EINVAL);
	a.flags = CLONE_NEWNS;
	EXPECT_EQ(process_clone(&a), -EPERM);
	a.flags = CLONE_PARENT;
	EXPECT_EQ(process_clone(&a), -EINVAL);
	a = (struct clone_args){.exit_signal = 65};
	EXPECT_EQ(process_clone(&a), -EINVAL);
}

static unsigned pids_in_use(void)
{
	unsigned n = 0;
	pid_t got;

	for (pid_t pid = 1; pid < PID_MAX; pid++)
		if (pid_alloc(pid, &got))
			n++;
		else
			pid_cancel(pid);
	return n;
}

TEST(fork_without_memory_undoes_all)
{
	unsigned failures = 0;
	unsigned pids, threads;

	world_begin();
	threads = user_counted(init_task->uthread->user, USER_THREADS);
	pids = pids_in_use();
	for (long n = 0; n < 40; n++) {
		long before;
		struct task *c;

		unit_rcu_flush();
		before = alloc_live();
		alloc_fail_after(n);
		c = spawn();
		alloc_fail_after(-1);
		if (c) {
			struct wait_result r;

			EXPECT(run_as(c, do_exit_3));
			EXPECT_EQ(process_wait(WAIT_ANY, 0, WEXITED, &r), 0);
			break;
		}
		failures++;
		unit_rcu_flush();
		EXPECT_EQ(alloc_live(), before);
		EXPECT_EQ(pids_in_use(), pids);
		EXPECT_EQ(user_counted(init_task->uthread->user, USER_THREADS), threads);
	}
	EXPECT(failures >= 5);
}

static void as_user(struct task *t, uid_t uid)
{
	struct task *outer = current;
	struct cred *c;

	current_task_ = t;
	c = cred_prepare(current->cred);
	EXPECT_EQ(cred_setresuid(c, uid, uid, uid), 0);
	EXPECT_EQ(process_becomes_user(uid), 0);
	cred_commit(c);
	current_task_ = outer;
}

TEST(threads_count_for_their_own_real_user_until_they_are_reaped)
{
	struct wait_result r;
	struct task *a, *t;
	struct user *rest;
	uint64_t kernels;
	long before;

	world_begin();
	unit_rcu_flush();
	before = alloc_live();
	kernels = user_counted(init_task->uthread->user, USER_THREADS);
	a = spawn();
	current_task_ = a;
	t = spawn_flags(THREAD_FLAGS);
	REQUIRE(t);
	EXPECT_EQ(user_counted(a->uthread->user, USER_THREADS), kernels + 2);
	as_user(t, 77);
	EXPECT_EQ(user_counted(a->uthread->user, USER_THREADS), kernels + 1);
	EXPECT_EQ(user_counted(t->uthread->user, USER_THREADS), 1);
	EXPECT(!t->uthread->over_nproc);
	a->process->limits[RLIMIT_NPROC].cur = 0;
	as_user(a, 77);
	EXPECT(a->uthread->over_nproc);
	EXPECT_EQ(exec_check_nproc(), -EAGAIN);
	EXPECT_EQ(nproc_enter(&rest), -EAGAIN);
	a->process->limits[RLIMIT_NPROC].cur = 2;
	EXPECT_EQ(exec_check_nproc(), 0);
	EXPECT(!spawn());
	a->process->limits[RLIMIT_NPROC].cur = 3;
	EXPECT_EQ(nproc_enter(&rest), 0);
	current_task_ = init_task;
	EXPECT_EQ(user_counted(rest, USER_THREADS), 3);
	EXPECT(run_as(a, do_thread_exit));
	EXPECT_EQ(user_counted(rest, USER_THREADS),
		3); /* the first thread, until the process is waited for */
	EXPECT(run_as(t, do_exit_3));
	EXPECT_EQ(user_counted(rest, USER_THREADS), 2);
	EXPECT_EQ(process_wait(WAIT_ANY, 0, WEXITED, &r), 0);
	EXPECT_EQ(user_counted(rest, USER_THREADS), 1);
	user_uncharge(rest, USER_THREADS, 1);
	EXPECT_EQ(user_counted(init_task->uthread->user, USER_THREADS), kernels);
	unit_rcu_flush();
	EXPECT_EQ(alloc_live(), before);
}

TEST(setpgid_has_its_errors)
{
	struct wait_result r;
	struct task *a, *b;

	world_begin();
	a = spawn();
	b = spawn();
	EXPECT_EQ(process_setpgid(a->tid, 0), 0);
	EXPECT_EQ(process_getpgid(a->tid), a->tid);
	EXPECT_EQ(process_setpgid(b->tid, a->tid), 0);
	EXPECT_EQ(process_setpgid(b->tid, 31000), -EPERM);
	EXPECT_EQ(process_setpgid(31000, 0), -ESRCH);
	EXPECT_EQ(process_setpgid(a->tid, -1), -EINVAL);
	b->process->flags |= PROC_DID_EXEC;
	EXPECT_EQ(process_setpgid(b->tid, 0), -EACCES);
	current_task_ = b;
	EXPECT_EQ(process_setsid(), b->tid);
	EXPECT_EQ(process_setsid(), -EPERM);
	EXPECT_EQ(process_setpgid(0, 0), -EPERM);
	current_task_ = init_task;
	EXPECT_EQ(process_setpgid(b->tid, 0), -EPERM);
	EXPECT_EQ(process_getsid(b->tid), b->tid);
	EXPECT_EQ(signal_kill(-a->tid, 0, NULL), 0);
	EXPECT(run_as(a, do_exit_3));
	EXPECT(run_as(b, do_exit_3));
	EXPECT_EQ(process_wait(WAIT_ANY, 0, WEXITED, &r), 0);
	EXPECT_EQ(process_wait(WAIT_ANY, 0, WEXITED, &r), 0);
}

TEST(a_pid_stays_taken_while_its_group_lives)
{
	struct wait_result r;
	struct task *a, *b;
	pid_t pid;
	unsigned before;

	world_begin();
	before = pids_in_use();
	a = spawn();
	b = spawn();
	pid = a->tid;
	EXPECT_EQ(process_setpgid(pid, pid), 0);
	EXPECT_EQ(process_setpgid(b->tid, pid), 0);
	EXPECT(run_as(a, do_exit_3));
	EXPECT_EQ(process_wait(WAIT_ANY, 0, WEXITED, &r), 0);
	EXPECT_EQ(pids_in_use(), before + 2);
	EXPECT(run_as(b, do_exit_3));
	EXPECT_EQ(process_wait(WAIT_PGRP, pid, WEXITED, &r), 0);
	EXPECT_EQ(pids_in_use(), before);
}

TEST(a_dying_session_leader_gives_up_its_terminal)
{
	struct wait_result r;
	struct task *a;
	int fake;

	world_begin();
	a = spawn();
	current_task_ = a;
	EXPECT_EQ(process_setsid(), a->tid);
	EXPECT_EQ(tty_proc_ops->set_session_tty((struct tty *)&fake), 0);
	EXPECT(session_tty_get() == (struct tty *)&fake);
	current_task_ = init_task;
	ended_session = 0;
	EXPECT(run_as(a, do_exit_3));
	EXPECT(ended_session != 0);
	EXPECT_EQ(process_wait(WAIT_ANY, 0, WEXITED, &r), 0);
}

TEST(limits_are_checked)
{
	struct rlimit l = {10, 5}, old;
	struct process *p;

	world_begin();
	p = current_process();
	EXPECT_EQ(process_rlimit(p, RLIMIT_NOFILE, &l, NULL), -EINVAL);
	EXPECT_EQ(process_rlimit(p, RLIMIT_COUNT, NULL, &old), -EINVAL);
	l = (struct rlimit){10, 1u << 21};
	EXPECT_EQ(process_rlimit(p, RLIMIT_NOFILE, &l, NULL), -EPERM);
	EXPECT_EQ(process_rlimit(p, RLIMIT_NOFILE, NULL, &old), 0);
	EXPECT_EQ(old.cur, 1024);
	EXPECT_EQ(files_limit(), 1024);
}

TEST(the_largest_process_is_killed_when_memory_is_out)
{
	struct wait_result r;
	struct task *a, *b;
	pid_t pa;

	world_begin();
	a = spawn();
	b = spawn();
	pa = a->tid;
	a->mm->peak_rss = 500;
	b->mm->peak_rss = 900;
	b->process->oom_score_adj = -1000;
	EXPECT(oom_kill_hook("test"));
	EXPECT(oom_kill_hook("test")); /* the victim is on its way */
	EXPECT(!(b->process->flags & PROC_EXITING));
	EXPECT(run_as(a, do_user_work));
	EXPECT_EQ(process_wait(WAIT_PID, pa, WEXITED, &r), 0);
	EXPECT_EQ(r.status, SIGKILL);
	EXPECT_EQ(r.code, CLD_KILLED);
	EXPECT(run_as(b, do_exit_3));
	EXPECT_EQ(process_wait(WAIT_ANY, 0, WEXITED, &r), 0);
}
