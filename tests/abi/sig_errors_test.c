/*
 * sig_errors_test.c - what the calls on signals refuse: sending, queueing, waiting, stacks.
 */
#include "abi.h"

#include <sys/resource.h>

#define GONE 99999999

/* The lowest signal that queues and that the C library leaves alone. */
static int queued;

static void begin(void)
{
	queued = SIGRTMIN + 1;
}

/* A process of another user that stays until it is killed. */
static pid_t start_other(uid_t uid)
{
	struct gate ready;
	pid_t pid;

	gate_init(&ready);
	pid = abi_fork();
	if (!pid) {
		drop_to(uid, uid);
		gate_open(&ready);
		for (;;)
			pause();
	}
	gate_wait(&ready);
	return pid;
}

CASE(sending)
{
	R(kill(getpid(), -1));
	R(kill(getpid(), 65));
	R(kill(GONE, 0));
	R(kill(-GONE, 0));
	R(kill(INT_MIN, 0));
	R(kill(GONE, 65));
	R(sc(tkill, 0, 0));
	R(sc(tkill, -1, 0));
	R(sc(tkill, GONE, 0));
	R(sc(tkill, getpid(), 65));
	R(sc(tkill, getpid(), -1));
	R(sc(tgkill, 0, getpid(), 0));
	R(sc(tgkill, getpid(), 0, 0));
	R(sc(tgkill, -1, -1, 0));
	R(sc(tgkill, getpid(), GONE, 0));
	R(sc(tgkill, GONE, getpid(), 0));
	R(sc(tgkill, 1, getpid(), 0));
	R(sc(tgkill, getpid(), getpid(), 65));
	R(sc(tgkill, GONE, GONE, 65));
}

CASE(sending_to_others)
{
	pid_t other;
	siginfo_t info = {.si_code = SI_QUEUE};

	begin();
	other = start_other(1001);
	IN_CHILD
	{
		drop_to(1000, 1000);
		R(kill(other, 0));
		R(kill(other, SIGKILL));
		R(kill(other, SIGCONT));
		R(kill(other, 65));
		R(kill(-other, 0));
		R(sc(tkill, other, 0));
		R(sc(tkill, other, SIGKILL));
		R(sc(tkill, other, 65));
		R(sc(tgkill, other, other, 0));
		R(sc(tgkill, other, other, SIGKILL));
		R(sc(rt_sigqueueinfo, other, queued, &info));
		R(sc(rt_sigqueueinfo, other, 0, &info));
		R(sc(rt_tgsigqueueinfo, other, other, queued, &info));
		R(kill(1, 0));
	}
	kill(other, SIGKILL);
	abi_reap("the other", other);
}

/* Only the kernel and kill(2) say that the kernel or kill(2) sent it. */
CASE(queueing)
{
	siginfo_t info = {.si_code = SI_QUEUE};
	static const int codes[] = {SI_USER, SI_KERNEL, 1, SI_TKILL, SI_QUEUE, SI_TIMER, -60};
	pid_t child;

	begin();
	ignore_signal(queued);
	child = start_other(0);
	for (unsigned i = 0; i < COUNT(codes); i++) {
		info.si_code = codes[i];
		say("code %d", codes[i]);
		R(sc(rt_sigqueueinfo, child, queued, &info));
		R(sc(rt_sigqueueinfo, getpid(), queued, &info));
		R(sc(rt_tgsigqueueinfo, child, child, queued, &info));
		R(sc(rt_tgsigqueueinfo, getpid(), getpid(), queued, &info));
	}
	info.si_code = SI_QUEUE;
	R(sc(rt_sigqueueinfo, GONE, queued, &info));
	R(sc(rt_sigqueueinfo, GONE, queued, BAD_PTR));
	R(sc(rt_sigqueueinfo, getpid(), 65, &info));
	R(sc(rt_sigqueueinfo, getpid(), -1, &info));
	R(sc(rt_sigqueueinfo, 0, queued, &info));
	R(sc(rt_sigqueueinfo, -1, queued, &info));
	R(sc(rt_tgsigqueueinfo, 0, getpid(), queued, &info));
	R(sc(rt_tgsigqueueinfo, getpid(), 0, queued, &info));
	R(sc(rt_tgsigqueueinfo, getpid(), -1, queued, &info));
	R(sc(rt_tgsigqueueinfo, getpid(), GONE, queued, &info));
	R(sc(rt_tgsigqueueinfo, 1, getpid(), queued, &info));
	R(sc(rt_tgsigqueueinfo, getpid(), getpid(), queued, BAD_PTR));
	R(sc(rt_tgsigqueueinfo, getpid(), getpid(), 65, &info));
	kill(child, SIGKILL);
	abi_reap("the child", child);
}

/* RLIMIT_SIGPENDING: queued signals are refused, the others lose what they carry. */
CASE(full_queue)
{
	static const struct rlimit none = {0, 0};
	siginfo_t info = {.si_code = SI_QUEUE};

	begin();
	IN_CHILD
	{
		catch_signal(queued, 0);
		catch_signal(SIGUSR1, 0);
		block_signal(queued);
		block_signal(SIGUSR1);
		setrlimit(RLIMIT_SIGPENDING, &none);
		R(sc(tkill, getpid(), queued));
		R(sc(tgkill, getpid(), getpid(), queued));
		R(sc(rt_sigqueueinfo, getpid(), queued, &info));
		R(sc(rt_tgsigqueueinfo, getpid(), getpid(), queued, &info));
		R(sc(tkill, getpid(), SIGUSR1));
		R(sc(rt_sigqueueinfo, getpid(), SIGUSR1, &info));
		V(caught);
		unblock_signal(SIGUSR1);
		V(caught);
		V(caught_code);
		R(kill(getpid(), queued));
		unblock_signal(queued);
		V(caught);
	}
}

CASE(waiting)
{
	sigset_t set;
	siginfo_t info;
	struct timespec none = {0, 0}, bad = {0, 1000000000}, negative = {-1, 0};

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	block_signal(SIGUSR2);
	R(sc(rt_sigtimedwait, &set, &info, &none, 8));
	R(sc(rt_sigtimedwait, &set, &info, &bad, 8));
	R(sc(rt_sigtimedwait, &set, &info, &negative, 8));
	R(sc(rt_sigtimedwait, &set, &info, &none, 4));
	R(sc(rt_sigtimedwait, BAD_PTR, &info, &none, 8));
	R(sc(rt_sigtimedwait, &set, &info, BAD_PTR, 8));
	R(sc(rt_sigsuspend, &set, 4));
	R(sc(rt_sigsuspend, BAD_PTR, 8));
	catch_signal(SIGUSR1, 0);
	if (!fork()) {
		wait_blocked(getppid());
		kill(getppid(), SIGUSR1);
		_exit(0);
	}
	R(sc(rt_sigtimedwait, &set, &info, NULL, 8));
	V(caught);
	kill(getpid(), SIGUSR2);
	R(sc(rt_sigtimedwait, &set, BAD_PTR, NULL, 8));
	R(sc(rt_sigtimedwait, &set, &info, &none, 8));
}

CASE(actions_and_masks)
{
	unsigned long action[4] = {0}, mask = 0;

	R(sc(rt_sigaction, 0, NULL, NULL, 8));
	R(sc(rt_sigaction, 65, NULL, NULL, 8));
	R(sc(rt_sigaction, -1, NULL, NULL, 8));
	R(sc(rt_sigaction, SIGUSR1, action, NULL, 4));
	R(sc(rt_sigaction, SIGUSR1, BAD_PTR, NULL, 8));
	R(sc(rt_sigaction, SIGUSR1, NULL, BAD_PTR, 8));
	R(sc(rt_sigaction, SIGKILL, action, NULL, 8));
	R(sc(rt_sigaction, SIGSTOP, action, NULL, 8));
	R(sc(rt_sigaction, SIGKILL, NULL, action, 8));
	R(sc(rt_sigaction, SIGKILL, BAD_PTR, NULL, 8));
	R(sc(rt_sigprocmask, 3, &mask, NULL, 8));
	R(sc(rt_sigprocmask, -1, &mask, NULL, 8));
	R(sc(rt_sigprocmask, 3, NULL, &mask, 8));
	R(sc(rt_sigprocmask, SIG_BLOCK, &mask, NULL, 16));
	R(sc(rt_sigprocmask, SIG_BLOCK, BAD_PTR, NULL, 8));
	R(sc(rt_sigprocmask, SIG_BLOCK, NULL, BAD_PTR, 8));
	R(sc(rt_sigpending, BAD_PTR, 8));
	R(sc(rt_sigpending, &mask, 16));
	R(sc(rt_sigpending, &mask, 4));
}

static char stack[2][65536];

static void on_stack(int number)
{
	stack_t other = {.ss_sp = stack[1], .ss_size = sizeof(stack[1])};
	stack_t off = {.ss_flags = SS_DISABLE}, now;

	(void)number;
	R(sigaltstack(&other, NULL));
	R(sigaltstack(&off, NULL));
	R(sigaltstack(NULL, &now));
	T(now.ss_flags == SS_ONSTACK);
	R(sc(sigaltstack, BAD_PTR, NULL));
	R(sc(sigaltstack, NULL, BAD_PTR));
}

CASE(stacks)
{
	stack_t own = {.ss_sp = stack[0], .ss_size = sizeof(stack[0])};
	stack_t small = {.ss_sp = stack[0], .ss_size = 100};
	stack_t odd = {.ss_sp = stack[0], .ss_size = sizeof(stack[0]), .ss_flags = 64};
	struct sigaction action = {.sa_handler = on_stack, .sa_flags = SA_ONSTACK};

	R(sigaltstack(&small, NULL));
	R(sigaltstack(&odd, NULL));
	R(sigaltstack(&own, NULL));
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	R(sc(sigaltstack, &own, BAD_PTR));
	R(sigaltstack(&own, NULL));
}
