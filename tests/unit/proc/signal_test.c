/*
 * signal_test.c - signals: queues, masks, default actions, stops, restarting, sigwait; timers and
 * futexes that use them.
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

static struct task *child; /* what the functions run as */
static struct wait_result result;

static void begin(void)
{
	world_begin();
	child = spawn();
}

static void end(void)
{
	if (child->state != TASK_DEAD) {
		(void)!signal_kill(child->tid, SIGKILL, NULL);
		run_as(child, do_user_work);
	}
	EXPECT_EQ(process_wait(WAIT_ANY, 0, WEXITED, &result), 0);
	unit_rcu_flush();
}

static void catch (int sig, uint64_t flags)
{
	struct sigaction a = {.handler = 0x1000, .flags = flags};

	EXPECT_EQ(signal_action(sig, &a, NULL), 0);
}

static void send(int sig)
{
	struct siginfo info = from_user(sig);

	EXPECT_EQ(signal_send_process(child->process, sig, &info), 0);
}

TEST(default_action_kills_and_is_reported)
{
	begin();
	send(SIGTERM);
	EXPECT(signal_is_fatal(child));
	EXPECT(run_as(child, do_user_work));
	EXPECT_EQ(process_wait(WAIT_ANY, 0, WEXITED, &result), 0);
	EXPECT_EQ(result.status, SIGTERM);
	EXPECT_EQ(result.code, CLD_KILLED);
	unit_rcu_flush();
}

TEST(ignored_by_default_is_dropped)
{
	begin();
	send(SIGCHLD);
	send(SIGWINCH);
	EXPECT(!signal_is_pending(child));
	EXPECT_EQ(child->process->pending.set.bits, 0);
	end();
}

static void catch_usr1(void)
{
	catch (SIGUSR1, 0);
}
TEST(a_handler_runs_with_info_and_its_mask)
{
	begin();
	run_as(child, catch_usr1);
	send(SIGUSR1);
	EXPECT(signal_is_pending(child));
	EXPECT(!run_as(child, do_user_work));
	EXPECT_EQ(nr_handled, 1);
	EXPECT_EQ(handled.signo, SIGUSR1);
	EXPECT_EQ(handled.pid, 99);
	EXPECT_EQ(child->uthread->blocked.bits, SIGMASK(SIGUSR1));
	EXPECT_EQ(handled_mask, 0);
	EXPECT(!signal_is_pending(child));
	end();
}

static void block_two(void)
{
	signal_mask(SIG_BLOCK, (sigset_t){SIGMASK(SIGUSR1) | SIGMASK(40) | SIGMASK(SIGKILL)}, NULL);
	catch (SIGUSR1, 0);
	catch (40, SA_NODEFER);
}
static void unblock(void)
{
	EXPECT_EQ(signal_pending_set().bits, SIGMASK(SIGUSR1) | SIGMASK(40));
	signal_mask(SIG_SETMASK, (sigset_t){0}, NULL);
}
TEST(standard_signals_coalesce_and_realtime_ones_queue)
{
	begin();
	run_as(child, block_two);
	EXPECT_EQ(child->uthread->blocked.bits & SIGMASK(SIGKILL), 0);
	for (int i = 0; i < 3; i++) {
		send(SIGUSR1);
		send(40);
	}
	EXPECT(!signal_is_pending(child));
	run_as(child, unblock);
	EXPECT(signal_is_pending(child));
	run_as(child, do_user_work);
	EXPECT_EQ(nr_handled, 4);
	EXPECT_EQ(child->process->nr_queued, 0);
	end();
}

TEST(the_realtime_queue_has_a_limit)
{
	struct siginfo info = {.signo = 40, .code = SI_QUEUE};

	begin();
	run_as(child, block_two);
	child->process->limits[RLIMIT_SIGPENDING].cur = 2;
	EXPECT_EQ(signal_send_process(child->process, 40, &info), 0);
	EXPECT_EQ(signal_send_process(child->process, 40, &info), 0);
	EXPECT_EQ(signal_send_process(child->process, 40, &info), -EAGAIN);
	end();
	EXPECT_EQ(alloc_live() >= 0, 1);
}

static void forget_usr1(void)
{
	struct sigaction ign = {.handler = SIG_IGN};

	EXPECT_EQ(signal_action(SIGUSR1, &ign, NULL), 0);
	EXPECT_EQ(signal_pending_set().bits, 0);
	EXPECT_EQ(signal_action(SIGKILL, &ign, NULL), -EINVAL);
	EXPECT_EQ(signal_action(0, NULL, NULL), -EINVAL);
	EXPECT_EQ(signal_action(65, NULL, NULL), -EINVAL);
}
TEST(setting_a_signal_ignored_discards_it)
{
	begin();
	run_as(child, block_two);
	send(SIGUSR1);
	run_as(child, forget_usr1);
	end();
}

static struct task *waker;
static void continue_child(void)
{
	unit_on_sleep = NULL;
	EXPECT_EQ(child->state, TASK_STOPPED);
	EXPECT(child->process->flags & PROC_STOPPED);
	current_task_ = init_task;
	EXPECT_EQ(process_wait(WAIT_ANY, 0, WUNTRACED | WEXITED | WNOHANG, &result), 0);
	EXPECT_EQ(result.pid, child->tid);
	EXPECT_EQ(result.status, SIGSTOP << 8 | 0x7f);
	EXPECT_EQ(process_wait(WAIT_ANY, 0, WUNTRACED | WEXITED | WNOHANG, &result), 0);
	EXPECT_EQ(result.pid, 0);
	(void)!signal_kill(child->tid, SIGTERM, NULL);
	EXPECT_EQ(child->state, TASK_STOPPED);
	catch (SIGCHLD, SA_NOCLDSTOP);
	(void)!signal_kill(child->tid, SIGCONT, NULL);
	EXPECT_EQ(process_wait(WAIT_ANY, 0, WCONTINUED | WEXITED | WNOHANG, &result), 0);
	EXPECT_EQ(result.status, 0xffff);
	EXPECT_EQ(result.code, CLD_CONTINUED);
	current_task_ = waker;
}
static void catch_term(void)
{
	catch (SIGTERM, 0);
}
TEST(stop_and_continue)
{
	struct sigaction dfl = {0};

	begin();
	run_as(child, catch_term);
	send(SIGSTOP);
	waker = child;
	unit_on_sleep = continue_child;
	EXPECT(!run_as(child, do_user_work));
	EXPECT_EQ(child->state, TASK_RUNNING);
	EXPECT_EQ(handled.signo, SIGTERM);
	EXPECT_EQ(init_task->process->pending.set.bits & SIGMASK(SIGCHLD), 0);
	EXPECT_EQ(signal_action(SIGCHLD, &dfl, NULL), 0);
	end();
}

TEST(sigcont_cancels_a_stop_that_was_not_taken_yet)
{
	begin();
	send(SIGSTOP);
	send(SIGCONT);
	EXPECT(!run_as(child, do_user_work));
	EXPECT_EQ(child->state, TASK_RUNNING);
	EXPECT(!(child->process->flags & PROC_STOPPED));
	end();
}

TEST(a_terminal_stop_does_nothing_to_an_orphaned_group)
{
	begin();
	send(SIGTSTP); /* its parent is init: the group is orphaned */
	EXPECT(!run_as(child, do_user_work));
	EXPECT(!(child->process->flags & PROC_STOPPED));
	end();
}

static void catch_restart(void)
{
	catch (SIGUSR1, SA_RESTART);
}
TEST(calls_are_restarted_as_they_ask)
{
	struct frame *f = &the_frame;

	begin();
	run_as(child, catch_usr1);
	in_syscall = true;
	syscall_value = -ERESTARTSYS;
	send(SIGUSR1);
	run_as(child, do_user_work);
	EXPECT(!restarted);
	EXPECT_EQ((int64_t)f->ret, -EINTR);
	child->uthread->blocked.bits = 0;

	run_as(child, catch_restart);
	send(SIGUSR1);
	run_as(child, do_user_work);
	EXPECT(restarted);
	child->uthread->blocked.bits = 0;

	in_syscall = true;
	restarted = false;
	syscall_value = -ERESTART_BLOCK;
	send(SIGUSR1);
	run_as(child, do_user_work);
	EXPECT(!restarted);
	task_set_work(child, TASK_WORK_SIGNAL); /* woken for nothing */
	run_as(child, do_user_work);
	EXPECT(restarted && restarted_block);
	end();
}

static void suspend(void)
{
	unit_on_sleep = NULL;
	send(SIGUSR1);
}
static void do_suspend(void)
{
	unit_on_sleep = suspend;
	EXPECT_EQ(signal_suspend((sigset_t){SIGMASK(SIGHUP)}), -ERESTARTNOHAND);
	signal_user_work(&the_frame);
}
TEST(sigsuspend_hands_the_old_mask_to_the_handler)
{
	begin();
	run_as(child, block_two);
	EXPECT(!run_as(child, do_suspend));
	EXPECT_EQ(nr_handled, 1);
	EXPECT_EQ(handled_mask, SIGMASK(SIGUSR1) | SIGMASK(40));
	EXPECT_EQ(child->uthread->blocked.bits & SIGMASK(SIGHUP), SIGMASK(SIGHUP));
	end();
}

static void wait_for_usr2(void)
{
	struct siginfo info;

	EXPECT_EQ(signal_timedwait((sigset_t){SIGMASK(SIGUSR2)}, &info, 0), -EAGAIN);
	EXPECT_EQ(
		signal_timedwait((sigset_t){SIGMASK(SIGUSR2)}, &info, unit_clock + 1000), -EAGAIN);
	send(SIGUSR2);
	EXPECT_EQ(signal_timedwait((sigset_t){SIGMASK(SIGUSR2)}, &info, 0), SIGUSR2);
	EXPECT_EQ(info.pid, 99);
	EXPECT(!signal_is_pending(current));
}
static void block_usr2(void)
{
	signal_mask(SIG_BLOCK, (sigset_t){SIGMASK(SIGUSR2)}, NULL);
}
TEST(sigtimedwait_takes_a_blocked_signal)
{
	begin();
	run_as(child, block_usr2);
	EXPECT(!run_as(child, wait_for_usr2));
	end();
}

TEST(init_is_not_killed_by_signals_it_does_not_catch)
{
	begin();
	EXPECT_EQ(signal_kill(1, SIGTERM, NULL), 0);
	EXPECT_EQ(signal_kill(1, SIGKILL, NULL), 0);
	EXPECT_EQ(signal_kill(1, SIGSTOP, NULL), 0);
	EXPECT(!signal_is_pending(init_task));
	end();
}

static void no_permission(void)
{
	struct siginfo info = from_user(SIGCONT);

	EXPECT_EQ(signal_kill(1, SIGTERM, NULL), -EPERM);
	EXPECT_EQ(signal_kill(1, SIGCONT, &info), 0); /* same session */
	EXPECT_EQ(signal_kill(30000, 0, NULL), -ESRCH);
	EXPECT_EQ(signal_kill(1, 65, NULL), -EINVAL);
	EXPECT_EQ(signal_tkill(1, 0, 0, NULL), -EINVAL);
	EXPECT_EQ(signal_tkill(4, 1, 0, NULL), -ESRCH);
}
TEST(kill_needs_equal_ids_or_the_capability)
{
	struct cred *c;

	begin();
	c = cred_prepare(&cred_kernel);
	EXPECT_EQ(cred_setuid(c, 77), 0);
	cred_put(child->cred);
	child->cred = c;
	run_as(child, no_permission);
	end();
}

static void alarm(void)
{
	struct itimer t = {5000, 2000}, old;

	catch (SIGALRM, 0);
	EXPECT_EQ(process_setitimer(0, &t, &old), 0);
	unit_advance(4000);
	EXPECT(!signal_is_pending(current));
	process_getitimer(0, &old);
	EXPECT_EQ(old.value_ns, 1000);
	unit_advance(1000);
	EXPECT(signal_is_pending(current));
	t = (struct itimer){0, 0};
	EXPECT_EQ(process_setitimer(0, &t, &old), 0);
	EXPECT_EQ(old.interval_ns, 2000);
	EXPECT_EQ(process_setitimer(3, &t, &old), -EINVAL);
}
TEST(the_interval_timer_sends_sigalrm)
{
	begin();
	EXPECT(!run_as(child, alarm));
	end();
}

static void timers(void)
{
	struct itimer t = {100, 100}, old;
	int id = -1;

	catch (SIGUSR1, SA_NODEFER);
	EXPECT_EQ(posix_timer_create(1, 0, 65, 0, 0, &id), -EINVAL);
	EXPECT_EQ(posix_timer_create(99, 0, SIGUSR1, 0, 0, &id), -EINVAL);
	EXPECT_EQ(posix_timer_create(1, 0, SIGUSR1, 0x1234, 0, &id), 0);
	EXPECT_EQ(posix_timer_settime(id, false, &t, NULL), 0);
	unit_advance(1050);
	signal_user_work(&the_frame);
	EXPECT_EQ(nr_handled, 1);
	EXPECT_EQ(handled.value, 0x1234);
	EXPECT_EQ(handled.overrun, 9);
	EXPECT_EQ(posix_timer_overrun(id), 9);
	EXPECT_EQ(posix_timer_gettime(id, &old), 0);
	EXPECT_EQ(old.value_ns, 50);
	EXPECT_EQ(posix_timer_delete(id), 0);
	EXPECT_EQ(posix_timer_delete(id), -EINVAL);
}
TEST(posix_timers_count_overruns)
{
	begin();
	EXPECT(!run_as(child, timers));
	end();
}

static uint32_t word;
static struct task *other;
static void wake_it(void)
{
	struct futex_args a = {.uaddr = &word, .val = 1};

	unit_on_sleep = NULL;
	word = 8;
	EXPECT_EQ(futex_call(FUTEX_WAKE | FUTEX_PRIVATE, &a), 1);
}
static void futexes(void)
{
	struct futex_args a = {.uaddr = &word, .val = 6, .deadline_ns = WAIT_NO_DEADLINE};

	word = 7;
	EXPECT_EQ(futex_call(FUTEX_WAIT | FUTEX_PRIVATE, &a), -EAGAIN);
	a.val = 7;
	unit_on_sleep = wake_it;
	EXPECT_EQ(futex_call(FUTEX_WAIT | FUTEX_PRIVATE, &a), 0);
	a.val = 8;
	a.deadline_ns = unit_clock + 10;
	EXPECT_EQ(futex_call(FUTEX_WAIT | FUTEX_PRIVATE, &a), -ETIMEDOUT);
	EXPECT_EQ(futex_call(11, &a), -ENOSYS); /* FUTEX_WAIT_REQUEUE_PI */
	a.uaddr = (uint32_t *)((char *)&word + 1);
	EXPECT_EQ(futex_call(FUTEX_WAKE, &a), -EINVAL);
	a = (struct futex_args){.uaddr = &word, .uaddr2 = &word, .val = 1, .val2 = 1, .val3 = 9};
	EXPECT_EQ(futex_call(FUTEX_CMP_REQUEUE, &a), -EAGAIN);
	a.val3 = 1u << 28 | 3u << 12; /* add 3 */
	EXPECT_EQ(futex_call(FUTEX_WAKE_OP, &a), 0);
	EXPECT_EQ(word, 11);
}
TEST(futexes_wait_and_wake)
{
	begin();
	other = NULL;
	EXPECT(!run_as(child, futexes));
	end();
}

static uint32_t mutex_word, tid_word;
static struct {
	uint64_t next;
	int64_t offset;
	uint64_t pending;
} robust;
static struct {
	uint64_t next;
	uint32_t lock;
} held;
static void hold_mutex(void)
{
	held.next = (uint64_t)(uintptr_t)&robust;
	held.lock = (uint32_t)current->tid | 0x80000000u;
	robust.next = (uint64_t)(uintptr_t)&held;
	robust.offset = 8;
	mutex_word = 0;
	tid_word = 5;
	EXPECT_EQ(robust_list_set(&robust, 24), 0);
	EXPECT_EQ(robust_list_set(&robust, 23), -EINVAL);
	current->uthread->clear_child_tid = &tid_word;
	refcount_inc(&current->mm->users);
	process_exit_group(0);
}
TEST(a_dying_thread_gives_up_robust_futexes)
{
	struct mm *m;

	begin();
	m = child->mm;
	EXPECT(run_as(child, hold_mutex));
	EXPECT_EQ(held.lock, 0xc0000000u);
	EXPECT_EQ(tid_word, 0);
	mm_put(m);
	end();
}

static void raise_fault(void)
{
	signal_mask(SIG_BLOCK, (sigset_t){SIGMASK(SIGSEGV)}, NULL);
	signal_force(SIGSEGV, SEGV_MAPERR, 0x10, 14, 6);
	signal_user_work(&the_frame);
}
TEST(a_blocked_fault_kills)
{
	begin();
	EXPECT(run_as(child, raise_fault));
	EXPECT_EQ(process_wait(WAIT_ANY, 0, WEXITED, &result), 0);
	EXPECT_EQ(result.status, SIGSEGV);
	unit_rcu_flush();
}

TEST(priorities_have_rules)
{
	begin();
	EXPECT_EQ(process_getpriority(0, 0), 20);
	EXPECT_EQ(process_setpriority(0, child->tid, 30), 0);
	EXPECT_EQ(process_getpriority(0, child->tid), 1);
	EXPECT_EQ(process_getpriority(0, 31111), -ESRCH);
	EXPECT_EQ(process_getpriority(7, 0), -EINVAL);
	end();
}
