/*
 * pidfd_test.c - pidfds: what they say of a process at each step of its end, what is left of it,
 * and forks that fail half way.
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

static unsigned ready(struct file *f)
{
	return f->ops->poll(f, NULL);
}

TEST(a_pidfd_says_how_far_a_process_is_and_outlives_it)
{
	struct wait_result r;
	struct process *p;
	struct file *f, *g;
	struct task *c;
	pid_t pid;
	long before;

	world_begin();
	unit_rcu_flush();
	before = alloc_live();
	c = spawn();
	pid = c->tid;
	REQUIRE_EQ(pidfd_open(pid, 0, &f), 0);
	REQUIRE_EQ(pidfd_open(pid, O_NONBLOCK, &g), 0);
	EXPECT(f->private == g->private);
	EXPECT_EQ(ready(f), 0);
	EXPECT_EQ(pidfd_process(f, &p), 0);
	EXPECT_EQ(p->pid, pid);
	EXPECT(run_as(c, do_exit_3));
	EXPECT_EQ(ready(f), POLLIN | POLLRDNORM);
	EXPECT_EQ(process_wait_child(p, WEXITED | WNOWAIT, &r), 0);
	EXPECT_EQ(r.pid, pid);
	EXPECT_EQ(signal_kill_process(p, SIGTERM, NULL), 0);
	EXPECT_EQ(process_wait_child(p, WEXITED, &r), 0);
	EXPECT_EQ(r.status, 3 << 8);
	unit_rcu_flush(); /* the first thread's structure is gone, the process's is ours */
	EXPECT_EQ(signal_kill_process(p, 0, NULL), -ESRCH);
	EXPECT_EQ(signal_kill_process(p, 65, NULL), -ESRCH);
	EXPECT(process_leader_get(p) == NULL);
	EXPECT_EQ(process_wait_child(p, WEXITED, &r), -ECHILD);
	process_put(p);
	EXPECT_EQ(ready(g), POLLIN | POLLRDNORM | POLLHUP);
	EXPECT_EQ(pidfd_process(f, &p), -ESRCH);
	EXPECT_EQ(pidfd_open(pid, 0, &f), -ESRCH);
	unit_rcu_flush();
	EXPECT_EQ(alloc_live(), before + 3); /* two files and what they share */
	file_put(f);
	file_put(g);
	EXPECT_EQ(alloc_live(), before);
}

TEST(a_pidfd_is_of_a_process_not_of_a_thread)
{
	struct task *a, *t;
	struct wait_result r;
	struct file *f;

	world_begin();
	a = spawn();
	current_task_ = a;
	t = spawn_flags(THREAD_FLAGS);
	REQUIRE(t);
	current_task_ = init_task;
	EXPECT_EQ(pidfd_open(t->tid, 0, &f), -EINVAL);
	REQUIRE_EQ(pidfd_open(a->tid, 0, &f), 0);
	EXPECT(run_as(a, do_thread_exit));
	EXPECT_EQ(ready(f), 0); /* the other thread goes on */
	EXPECT(run_as(t, do_exit_3));
	EXPECT_EQ(ready(f), POLLIN | POLLRDNORM);
	EXPECT_EQ(process_wait(WAIT_ANY, 0, WEXITED, &r), 0);
	file_put(f);
}

TEST(clone_gives_a_pidfd_or_nothing_at_all)
{
	int fd = 0;
	struct clone_args a = {.flags = CLONE_PIDFD, .exit_signal = SIGCHLD, .pidfd = &fd};
	struct wait_result r;
	struct task *c;
	pid_t pid = -1;
	long before;

	world_begin();
	unit_rcu_flush();
	before = alloc_live();
	no_descriptors = true;
	EXPECT_EQ(process_clone(&a), -EMFILE);
	no_descriptors = false;
	unit_rcu_flush();
	EXPECT_EQ(alloc_live(), before);
	for (long n = 0; n < 100 && pid < 0; n++) {
		alloc_fail_after(n);
		pid = process_clone(&a);
		alloc_fail_after(-1);
		unit_rcu_flush();
		EXPECT_EQ(pid < 0 ? alloc_live() : before, before);
	}
	REQUIRE(pid > 0);
	EXPECT_EQ(fd, 7);
	EXPECT_EQ(ready(opened), 0);
	c = task_find(pid);
	EXPECT(run_as(c, do_exit_3));
	task_put(c);
	EXPECT_EQ(ready(opened), POLLIN | POLLRDNORM);
	EXPECT_EQ(process_wait(WAIT_PID, pid, WEXITED, &r), 0);
	EXPECT_EQ(ready(opened), POLLIN | POLLRDNORM | POLLHUP);
	file_put(opened);
	unit_rcu_flush();
	EXPECT_EQ(alloc_live(), before);
	a.flags |= CLONE_DETACHED;
	EXPECT_EQ(process_clone(&a), -EINVAL);
	a.flags = CLONE_PIDFD | THREAD_FLAGS;
	EXPECT_EQ(process_clone(&a), -EINVAL);
}
