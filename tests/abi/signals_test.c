/*
 * signals_test.c - delivery, masks, queues, handlers, the alternate stack, stopping, interruption.
 */
#include "abi.h"

#include <math.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>

CASE(sigaction_rules)
{
	struct sigaction action = {.sa_handler = SIG_IGN}, old;
	struct {
		void (*handler)(int);
		unsigned long flags;
		void (*restorer)(void);
		unsigned long mask;
	} raw = {0}, back = {0};

	R(sc(rt_sigaction, 0, NULL, NULL, 8));
	R(sc(rt_sigaction, 65, NULL, NULL, 8));
	R(sc(rt_sigaction, -1, NULL, NULL, 8));
	R(sc(rt_sigaction, SIGTERM, NULL, NULL, 16));
	R(sc(rt_sigaction, SIGTERM, BAD_PTR, NULL, 8));
	R(sc(rt_sigaction, SIGTERM, NULL, BAD_PTR, 8));
	R(sc(rt_sigaction, SIGKILL, &raw, NULL, 8));
	R(sc(rt_sigaction, SIGSTOP, &raw, NULL, 8));
	R(sc(rt_sigaction, SIGKILL, NULL, &back, 8));
	R(sigaction(SIGUSR1, &action, &old));
	T(old.sa_handler == SIG_DFL);
	R(sigaction(SIGUSR1, NULL, &old));
	T(old.sa_handler == SIG_IGN);
	raw.handler = (void (*)(int))0x1234;
	raw.flags = 0x04000000 | SA_RESTART | SA_NODEFER | 0x400;
	raw.restorer = (void (*)(void))0x5678;
	raw.mask = ~0ul;
	R(sc(rt_sigaction, SIGUSR2, &raw, NULL, 8));
	R(sc(rt_sigaction, SIGUSR2, NULL, &back, 8));
	HEX(back.handler);
	HEX(back.flags);
	HEX(back.mask);
	HEX(back.restorer);
}

CASE(mask_rules)
{
	sigset_t set, old;
	uint64_t mask = ~0ul, got = 0;

	R(sc(rt_sigprocmask, SIG_SETMASK, &mask, NULL, 8));
	R(sc(rt_sigprocmask, SIG_BLOCK, NULL, &got, 8));
	HEX(got);
	mask = 0xff;
	R(sc(rt_sigprocmask, SIG_UNBLOCK, &mask, &got, 8));
	R(sc(rt_sigprocmask, 77, NULL, &got, 8));
	HEX(got);
	R(sc(rt_sigprocmask, 77, &mask, NULL, 8));
	R(sc(rt_sigprocmask, SIG_BLOCK, &mask, NULL, 4));
	R(sc(rt_sigprocmask, SIG_BLOCK, BAD_PTR, NULL, 8));
	R(sc(rt_sigprocmask, SIG_BLOCK, NULL, BAD_PTR, 8));
	R(sc(rt_sigpending, &got, 8));
	R(sc(rt_sigpending, BAD_PTR, 8));
	R(sc(rt_sigpending, &got, 9));
	R(sc(rt_sigpending, &got, 4));
	sigemptyset(&set);
	sigprocmask(SIG_SETMASK, &set, &old);
	catch_signal(SIGUSR1, 0);
	block_signal(SIGUSR1);
	raise(SIGUSR1);
	raise(SIGUSR1);
	V(caught);
	sigpending(&set);
	V(sigismember(&set, SIGUSR1));
	unblock_signal(SIGUSR1);
	V(caught);
	sigpending(&set);
	V(sigismember(&set, SIGUSR1));
	block_signal(SIGUSR1);
	raise(SIGUSR1);
	ignore_signal(SIGUSR1);
	sigpending(&set);
	V(sigismember(&set, SIGUSR1));
	catch_signal(SIGUSR1, 0);
	unblock_signal(SIGUSR1);
	V(caught);
	block_signal(SIGUSR1);
	raise(SIGUSR1);
	IN_CHILD
	{
		sigpending(&set);
		V(sigismember(&set, SIGUSR1));
		sigprocmask(SIG_BLOCK, NULL, &set);
		V(sigismember(&set, SIGUSR1));
	}
}

static siginfo_t last;
static int order[64], orders, depth, deepest, raises;
static volatile int inner_blocked;

static void remember(int number, siginfo_t *info, void *context)
{
	sigset_t now;

	(void)context;
	last = *info;
	if (orders < 64)
		order[orders++] = number;
	sigprocmask(SIG_BLOCK, NULL, &now);
	inner_blocked = sigismember(&now, number) | sigismember(&now, SIGTERM) << 1;
}

static void install(int number, void (*handler)(int, siginfo_t *, void *), int flags, int also)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_sigaction = handler;
	action.sa_flags = SA_SIGINFO | flags;
	if (also)
		sigaddset(&action.sa_mask, also);
	sigaction(number, &action, NULL);
}

static void show_order(const char *what)
{
	char text[512] = "";
	size_t n = 0;

	for (int i = 0; i < orders; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, " %s", signal_name(order[i]));
	say("%s:%s", what, text);
	orders = 0;
}

static void show_info(const char *what)
{
	say("%s: signo %d errno %d code %d pid %s uid %u", what, last.si_signo, last.si_errno,
		last.si_code,
		last.si_pid == getpid() ? "own"
		: last.si_pid           ? "other"
					: "0",
		last.si_uid);
}

CASE(info_of_sent_signals)
{
	union sigval value = {.sival_int = 4711};

	install(SIGUSR1, remember, 0, 0);
	kill(getpid(), SIGUSR1);
	show_info("kill");
	raise(SIGUSR1);
	show_info("raise");
	sc(tgkill, getpid(), getpid(), SIGUSR1);
	show_info("tgkill");
	R(sigqueue(getpid(), SIGUSR1, value));
	show_info("sigqueue");
	V(last.si_value.sival_int);
	IN_CHILD
	{
		kill(getppid(), SIGUSR1);
	}
	say("child: code %d pid %s", last.si_code, last.si_pid == getpid() ? "own" : "other");
	siginfo_t info = {.si_signo = SIGUSR1, .si_code = SI_USER};
	R(sc(rt_sigqueueinfo, getpid(), SIGUSR1, &info));
	info.si_code = 1;
	R(sc(rt_sigqueueinfo, 1, SIGUSR1, &info));
	info.si_code = SI_TKILL;
	R(sc(rt_sigqueueinfo, 1, SIGUSR1, &info));
	info.si_code = -60;
	R(sc(rt_sigqueueinfo, getpid(), SIGUSR1, &info));
	V(last.si_code);
	R(sc(rt_sigqueueinfo, getpid(), 65, &info));
	R(sc(rt_sigqueueinfo, 99999, SIGUSR1, &info));
	R(sc(rt_sigqueueinfo, getpid(), SIGUSR1, BAD_PTR));
	R(sc(rt_tgsigqueueinfo, getpid(), getpid(), SIGUSR1, &info));
	R(sc(rt_tgsigqueueinfo, getpid(), 99999, SIGUSR1, &info));
	R(sc(rt_tgsigqueueinfo, -1, getpid(), SIGUSR1, &info));
	R(sigqueue(99999, SIGUSR1, value));
	R(sigqueue(getpid(), 0, value));
	R(sigqueue(getpid(), 65, value));
}

CASE(info_of_child_signals)
{
	struct timespec second = {5, 0};
	siginfo_t info;
	sigset_t set;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	pid = abi_fork();
	if (!pid)
		_exit(33);
	R(sigtimedwait(&set, &info, &second));
	say("exit: code %d status %d pid %d uid %u", info.si_code, info.si_status,
		info.si_pid == pid, info.si_uid);
	wait(NULL);
	pid = abi_fork();
	if (!pid)
		for (;;)
			pause();
	kill(pid, SIGSTOP);
	R(sigtimedwait(&set, &info, &second));
	say("stop: code %d status %d pid %d", info.si_code, info.si_status, info.si_pid == pid);
	kill(pid, SIGCONT);
	R(sigtimedwait(&set, &info, &second));
	say("cont: code %d status %d pid %d", info.si_code, info.si_status, info.si_pid == pid);
	kill(pid, SIGTERM);
	R(sigtimedwait(&set, &info, &second));
	say("kill: code %d status %d pid %d", info.si_code, info.si_status, info.si_pid == pid);
	wait(NULL);
	struct sigaction action = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDSTOP};
	sigaction(SIGCHLD, &action, NULL);
	pid = abi_fork();
	if (!pid)
		for (;;)
			pause();
	kill(pid, SIGSTOP);
	wait_state(pid, "T");
	kill(pid, SIGCONT);
	second = (struct timespec){0, 100000000};
	R(sigtimedwait(&set, &info, &second));
	kill(pid, SIGKILL);
	R(sigtimedwait(&set, &info, &second));
	wait(NULL);
}

CASE(handler_flags)
{
	install(SIGUSR1, remember, 0, SIGTERM);
	raise(SIGUSR1);
	V(inner_blocked);
	install(SIGUSR1, remember, SA_NODEFER, 0);
	raise(SIGUSR1);
	V(inner_blocked);
	install(SIGUSR1, remember, SA_RESETHAND, 0);
	raise(SIGUSR1);
	V(inner_blocked);
	struct sigaction action;
	sigaction(SIGUSR1, NULL, &action);
	T(action.sa_handler == SIG_DFL);
	IN_CHILD
	{
		raise(SIGUSR1);
	}
}

static void nest(int number, siginfo_t *info, void *context)
{
	(void)info;
	(void)context;
	depth++;
	if (depth > deepest)
		deepest = depth;
	if (number == SIGUSR1 && raises++ < 5)
		raise(SIGUSR1);
	if (number == SIGUSR2)
		raise(SIGUSR1);
	depth--;
}

CASE(nested_handlers)
{
	install(SIGUSR1, nest, SA_NODEFER, 0);
	raise(SIGUSR1);
	V(deepest);
	deepest = raises = 0;
	install(SIGUSR1, nest, 0, 0);
	raise(SIGUSR1);
	V(deepest);
	deepest = raises = 0;
	install(SIGUSR2, nest, 0, 0);
	raise(SIGUSR2);
	V(deepest);
	deepest = raises = 0;
	install(SIGUSR2, nest, 0, SIGUSR1);
	raise(SIGUSR2);
	V(deepest);
}

CASE(delivery_order)
{
	sigset_t set, old;
	union sigval value;
	int numbers[] = {SIGTERM, SIGUSR2, SIGHUP, SIGRTMIN + 2, SIGUSR1, SIGRTMIN, SIGRTMIN + 1};

	sigfillset(&set);
	for (unsigned i = 0; i < COUNT(numbers); i++) {
		struct sigaction action = {
			.sa_sigaction = remember, .sa_flags = SA_SIGINFO, .sa_mask = set};

		sigaction(numbers[i], &action, NULL);
	}
	sigprocmask(SIG_BLOCK, &set, &old);
	for (unsigned i = 0; i < COUNT(numbers); i++)
		kill(getpid(), numbers[i]);
	for (unsigned i = 0; i < COUNT(numbers); i++)
		kill(getpid(), numbers[i]);
	sigprocmask(SIG_SETMASK, &old, NULL);
	show_order("order");
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (int i = 0; i < 4; i++) {
		value.sival_int = i;
		sigqueue(getpid(), SIGRTMIN, value);
		sigqueue(getpid(), SIGUSR1, value);
	}
	for (int i = 0; i < 4; i++) {
		siginfo_t info;
		sigset_t one;

		sigemptyset(&one);
		sigaddset(&one, SIGRTMIN);
		sigwaitinfo(&one, &info);
		say("queued %d code %d", info.si_value.sival_int, info.si_code);
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
	show_order("order");
	V(last.si_value.sival_int);
}

CASE(timed_wait)
{
	struct timespec zero = {0, 0}, bad = {0, -1}, tenth = {0, 100000000};
	siginfo_t info;
	sigset_t set, both;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	R(sigtimedwait(&set, &info, &zero));
	R(sigtimedwait(&set, &info, &tenth));
	R(sc(rt_sigtimedwait, &set, &info, &bad, 8));
	R(sc(rt_sigtimedwait, &set, &info, &zero, 4));
	R(sc(rt_sigtimedwait, BAD_PTR, &info, &zero, 8));
	raise(SIGUSR1);
	R(sc(rt_sigtimedwait, &set, BAD_PTR, &zero, 8));
	R(sigtimedwait(&set, &info, &zero));
	raise(SIGUSR1);
	R(sigtimedwait(&set, NULL, &zero));
	catch_signal(SIGUSR2, 0);
	pid_t pid = getpid();
	if (!abi_fork()) {
		wait_blocked(pid);
		kill(pid, SIGUSR2);
		_exit(0);
	}
	R(sigtimedwait(&set, &info, &(struct timespec){5, 0}));
	V(caught);
	wait(NULL);
	both = set;
	sigaddset(&both, SIGUSR2);
	if (!abi_fork()) {
		wait_blocked(pid);
		kill(pid, SIGUSR2);
		_exit(0);
	}
	R(sigtimedwait(&both, &info, &(struct timespec){5, 0}));
	V(caught);
	wait(NULL);
}

CASE(suspending)
{
	sigset_t none, usr1;
	pid_t pid = getpid();
	uint64_t mask = 0;

	sigemptyset(&none);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	catch_signal(SIGUSR1, 0);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	raise(SIGUSR1);
	R(sigsuspend(&none));
	V(caught);
	sigprocmask(SIG_BLOCK, NULL, &none);
	V(sigismember(&none, SIGUSR1));
	sigemptyset(&none);
	if (!abi_fork()) {
		wait_blocked(pid);
		kill(pid, SIGUSR1);
		_exit(0);
	}
	R(sigsuspend(&none));
	V(caught);
	wait(NULL);
	R(sc(rt_sigsuspend, &mask, 4));
	R(sc(rt_sigsuspend, BAD_PTR, 8));
	unblock_signal(SIGUSR1);
	if (!abi_fork()) {
		wait_blocked(pid);
		kill(pid, SIGUSR1);
		_exit(0);
	}
	R(pause());
	V(caught);
	wait(NULL);
}

/* A process blocked in a call gets a signal, handled without and with SA_RESTART. */
static void interrupt(const char *what, long (*call)(void), void (*release)(void), int flags)
{
	struct gate go;
	pid_t pid;

	gate_init(&go);
	pid = abi_fork();
	if (!pid) {
		long result;

		catch_signal(SIGUSR1, flags);
		errno = 0;
		result = call();
		say("%s%s: %ld %s, caught %d", what, flags ? " with restart" : "", result,
			result < 0 ? errno_name(errno) : "", caught);
		_exit(0);
	}
	wait_blocked(pid);
	kill(pid, SIGUSR1);
	if (release) {
		pause_ms(100);
		release();
	}
	abi_reap("child", pid);
	close(go.fd[0]);
	close(go.fd[1]);
}

static int pipe_ends[2];

static long read_pipe(void)
{
	char b[4];

	return read(pipe_ends[0], b, 4);
}

static void write_pipe(void)
{
	write(pipe_ends[1], "ab", 2);
}

static long poll_pipe(void)
{
	struct pollfd p = {.fd = pipe_ends[0], .events = POLLIN};

	return poll(&p, 1, 3000);
}

static long select_pipe(void)
{
	struct timeval tv = {3, 0};
	fd_set set;

	FD_ZERO(&set);
	FD_SET(pipe_ends[0], &set);
	return select(pipe_ends[0] + 1, &set, NULL, NULL, &tv);
}

static long sleep_long(void)
{
	struct timespec ts = {0, 600000000}, left = {0, 0};
	long result = nanosleep(&ts, &left);

	say("left %d", left.tv_nsec > 0 && left.tv_nsec < 600000000);
	return result;
}

static long wait_child(void)
{
	if (!abi_fork()) {
		pause_ms(700);
		_exit(0);
	}
	return wait(NULL) > 0 ? 1 : -1;
}

static long futex_wait(void)
{
	static int word;
	struct timespec ts = {0, 600000000};

	return sc(futex, &word, 0, 0, &ts, NULL, 0);
}

static long write_full(void)
{
	static char big[200000];

	return write(pipe_ends[1], big, sizeof(big));
}

static long open_fifo(void)
{
	return open("fifo", O_RDONLY) >= 0 ? 1 : -1;
}

static void open_other_end(void)
{
	close(open("fifo", O_WRONLY));
}

CASE(interrupted_calls)
{
	pipe(pipe_ends);
	mkfifo("fifo", 0600);
	interrupt("read", read_pipe, NULL, 0);
	interrupt("read", read_pipe, write_pipe, SA_RESTART);
	interrupt("poll", poll_pipe, NULL, 0);
	interrupt("poll", poll_pipe, NULL, SA_RESTART);
	interrupt("select", select_pipe, NULL, SA_RESTART);
	interrupt("nanosleep", sleep_long, NULL, 0);
	interrupt("nanosleep", sleep_long, NULL, SA_RESTART);
	interrupt("wait", wait_child, NULL, 0);
	interrupt("wait", wait_child, NULL, SA_RESTART);
	interrupt("futex", futex_wait, NULL, 0);
	interrupt("futex", futex_wait, NULL, SA_RESTART);
	interrupt("open", open_fifo, NULL, 0);
	interrupt("open", open_fifo, open_other_end, SA_RESTART);
	interrupt("write", write_full, NULL, 0);
}

CASE(stopped_calls_go_on)
{
	pid_t pid;

	pipe(pipe_ends);
	pid = abi_fork();
	if (!pid) {
		R(read_pipe());
		R(poll_pipe());
		R(sleep_long());
		_exit(0);
	}
	for (int i = 0; i < 3; i++) {
		wait_blocked(pid);
		kill(pid, SIGSTOP);
		wait_state(pid, "T");
		kill(pid, SIGCONT);
		wait_blocked(pid);
		if (i < 2)
			write_pipe();
	}
	abi_reap("child", pid);
}

CASE(ignored_signals_do_not_interrupt)
{
	pid_t pid;

	pipe(pipe_ends);
	pid = abi_fork();
	if (!pid) {
		ignore_signal(SIGUSR1);
		R(read_pipe());
		_exit(0);
	}
	wait_blocked(pid);
	kill(pid, SIGUSR1);
	kill(pid, SIGCHLD);
	kill(pid, SIGWINCH);
	kill(pid, SIGURG);
	wait_blocked(pid);
	write_pipe();
	abi_reap("child", pid);
}

CASE(stop_and_continue)
{
	int status;
	pid_t pid = abi_fork();

	if (!pid) {
		catch_signal(SIGCONT, 0);
		raise(SIGSTOP);
		V(caught);
		raise(SIGTSTP);
		V(caught);
		block_signal(SIGCONT);
		raise(SIGSTOP);
		V(caught);
		unblock_signal(SIGCONT);
		V(caught);
		_exit(0);
	}
	waitpid(pid, &status, WUNTRACED);
	show_status("child", status);
	R(kill(pid, SIGUSR1 * 0));
	kill(pid, SIGCONT);
	waitpid(pid, &status, WUNTRACED);
	show_status("child", status);
	kill(pid, SIGCONT);
	waitpid(pid, &status, WUNTRACED);
	show_status("child", status);
	kill(pid, SIGCONT);
	abi_reap("child", pid);
	pid = abi_fork();
	if (!pid)
		for (;;)
			pause();
	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
	kill(pid, SIGTERM);
	R(waitpid(pid, &status, WNOHANG));
	kill(pid, SIGCONT);
	abi_reap("terminated", pid);
	pid = abi_fork();
	if (!pid)
		for (;;)
			pause();
	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
	kill(pid, SIGKILL);
	abi_reap("killed", pid);
	block_signal(SIGTSTP);
	raise(SIGTSTP);
	raise(SIGCONT);
	sigset_t set;
	sigpending(&set);
	V(sigismember(&set, SIGTSTP));
}

CASE(child_signals_coalesce)
{
	sigset_t set;

	install(SIGCHLD, on_signal, 0, 0);
	block_signal(SIGCHLD);
	for (int i = 0; i < 5; i++) {
		pid_t pid = abi_fork();

		if (!pid)
			_exit(i);
		wait_state(pid, "Z");
	}
	sigpending(&set);
	V(sigismember(&set, SIGCHLD));
	unblock_signal(SIGCHLD);
	V(caught);
	int n = 0;
	while (wait(NULL) > 0)
		n++;
	V(n);
}

static char *volatile handler_stack;

static void where(int number, siginfo_t *info, void *context)
{
	char here;
	stack_t now;
	ucontext_t *uc = context;

	(void)number;
	(void)info;
	handler_stack = &here;
	sigaltstack(NULL, &now);
	say("in handler: flags %d, saved flags %d", now.ss_flags, uc->uc_stack.ss_flags);
	R(sigaltstack(&now, NULL));
}

CASE(alternate_stack)
{
	static char area[65536];
	stack_t stack = {.ss_sp = area, .ss_size = sizeof(area)}, old;

	R(sigaltstack(NULL, &old));
	V(old.ss_flags);
	R(sigaltstack(&stack, NULL));
	R(sigaltstack(NULL, &old));
	T(old.ss_sp == area && old.ss_size == sizeof(area) && old.ss_flags == 0);
	install(SIGUSR1, where, SA_ONSTACK, 0);
	raise(SIGUSR1);
	T(handler_stack >= area && handler_stack < area + sizeof(area));
	install(SIGUSR1, where, 0, 0);
	raise(SIGUSR1);
	T(handler_stack >= area && handler_stack < area + sizeof(area));
	stack.ss_size = 100;
	R(sigaltstack(&stack, NULL));
	stack.ss_size = sizeof(area);
	stack.ss_flags = 77;
	R(sigaltstack(&stack, NULL));
	stack.ss_flags = (int)(1u << 31);
	R(sigaltstack(&stack, NULL));
	install(SIGUSR1, where, SA_ONSTACK, 0);
	raise(SIGUSR1);
	stack.ss_flags = SS_DISABLE;
	R(sigaltstack(&stack, NULL));
	R(sigaltstack(NULL, &old));
	V(old.ss_flags);
	R(sc(sigaltstack, BAD_PTR, NULL));
	R(sc(sigaltstack, NULL, BAD_PTR));
}

static volatile double sum_in_handler;

static void spoil(int number, siginfo_t *info, void *context)
{
	double x = number;

	(void)info;
	(void)context;
	for (int i = 0; i < 50; i++)
		x = x * 1.5 + sin(x);
	sum_in_handler = x;
	__asm__ volatile(
		"pxor %%xmm0, %%xmm0; pxor %%xmm5, %%xmm5; pxor %%xmm15, %%xmm15; fninit" ::
			: "xmm0", "xmm5", "xmm15");
}

CASE(registers_kept)
{
	unsigned long in = 0x123456789abcdefull, a = 0, b = 0, c = 0;
	long pid = getpid(), changed = 0;
	unsigned mxcsr = 0x1fa0, after = 0;
	unsigned short control = 0x27f, control_after = 0;

	install(SIGUSR1, spoil, 0, 0);
	__asm__ volatile("ldmxcsr %0; fldcw %1" ::"m"(mxcsr), "m"(control));
	for (int i = 0; i < 100; i++) {
		long call = SYS_kill;

		__asm__ volatile("movq %[in], %%xmm0; movq %[in], %%xmm5; movq %[in], %%xmm15\n\t"
				 "mov %[in], %%r12; mov %[in], %%r15\n\t"
				 "syscall\n\t"
				 "movq %%xmm0, %[a]; movq %%xmm5, %[b]; movq %%xmm15, %[c]\n\t"
				 "xor %%r12, %%r15; or %%r15, %[a]; sub %%r15, %[a]"
				 : [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c), "+a"(call)
				 : [in] "r"(in), "D"(pid), "S"((long)SIGUSR1)
				 : "rcx", "r11", "r12", "r15", "xmm0", "xmm5", "xmm15", "memory");
		changed += a != in || b != in || c != in || call != 0;
	}
	__asm__ volatile("stmxcsr %0; fnstcw %1" : "=m"(after), "=m"(control_after));
	V(changed);
	HEX(after);
	HEX(control_after);
	T(sum_in_handler != 0);
}

static void skip(int number, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	on_signal(number, info, context);
	uc->uc_mcontext.gregs[REG_RIP] += 2;
}

static void trap_info(const char *what)
{
	say("%s: %s code %d, address %s", what, signal_name(caught_signal), caught_code,
		caught_address ? "set" : "0");
}

CASE(traps)
{
	install(SIGILL, skip, 0, 0);
	install(SIGFPE, skip, 0, 0);
	install(SIGTRAP, on_signal, 0, 0);
	__asm__ volatile("ud2");
	trap_info("ud2");
	__asm__ volatile("xor %%edx, %%edx; xor %%ecx, %%ecx; mov $1, %%eax; div %%ecx" ::
				 : "eax", "ecx", "edx");
	trap_info("div");
	__asm__ volatile("int3");
	trap_info("int3");
	IN_CHILD
	{
		__asm__ volatile("ud2; ud2");
		default_signal(SIGILL);
		__asm__ volatile("ud2");
	}
	IN_CHILD
	{
		default_signal(SIGSEGV);
		__asm__ volatile("hlt");
	}
	IN_CHILD
	{
		ignore_signal(SIGSEGV);
		*(volatile char *)0 = 1;
	}
	IN_CHILD
	{
		block_signal(SIGSEGV);
		catch_signal(SIGSEGV, 0);
		*(volatile char *)0 = 1;
	}
	IN_CHILD
	{
		__asm__ volatile("mov $0, %%rsp; push %%rax" ::: "memory");
	}
	IN_CHILD
	{
		catch_signal(SIGSEGV, 0);
		__asm__ volatile("mov $8, %%rsp; push %%rax; push %%rax" ::: "memory");
	}
}

static void edit(int number, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)number;
	(void)info;
	uc->uc_mcontext.gregs[REG_EFL] |= 0x200 | 0x3000 | 0x1;
	sigaddset(&uc->uc_sigmask, SIGUSR2);
	sigaddset(&uc->uc_sigmask, SIGKILL);
}

CASE(context_edited)
{
	sigset_t set;
	unsigned long flags;

	install(SIGUSR1, edit, 0, 0);
	raise(SIGUSR1);
	__asm__ volatile("pushfq; pop %0" : "=r"(flags));
	HEX(flags & 0x3200);
	sigprocmask(SIG_BLOCK, NULL, &set);
	V(sigismember(&set, SIGUSR2));
	V(sigismember(&set, SIGKILL));
	V(sigismember(&set, SIGUSR1));
	IN_CHILD
	{
		__asm__ volatile("xor %%esp, %%esp; mov $15, %%eax; syscall" ::: "memory");
	}
}

CASE(system_calls_and_flags)
{
	unsigned long flags = 0, rcx = 1, r11 = 2;
	long result = SYS_getpid;

	__asm__ volatile("std; syscall; pushfq; pop %[f]; cld"
			 : [f] "=r"(flags), "+a"(result), "=c"(rcx)
			 :
			 : "r11", "memory");
	V((flags & 0x400) != 0);
	result = 99999;
	__asm__ volatile("syscall" : "+a"(result), "=c"(rcx)::"r11", "memory");
	V(result);
	result = -1;
	__asm__ volatile("syscall" : "+a"(result), "=c"(rcx)::"r11", "memory");
	V(result);
	(void)r11;
}

CASE(queue_limit)
{
	struct rlimit limit = {5, 5};
	union sigval value = {.sival_int = 1};
	int sent = 0;

	IN_CHILD
	{
		drop_to(45678, 45678);
		setrlimit(RLIMIT_SIGPENDING, &limit);
		block_signal(SIGRTMIN);
		while (sigqueue(getpid(), SIGRTMIN, value) == 0 && sent < 100)
			sent++;
		R(sigqueue(getpid(), SIGRTMIN, value));
		V(sent);
		R(kill(getpid(), SIGUSR2 * 0));
		block_signal(SIGTERM);
		R(kill(getpid(), SIGTERM));
	}
}

CASE(default_actions)
{
	int quiet[] = {SIGCHLD, SIGURG, SIGWINCH, SIGCONT};

	for (unsigned i = 0; i < COUNT(quiet); i++)
		raise(quiet[i]);
	say("alive");
	for (int number = SIGRTMIN; number <= SIGRTMAX; number += 10) {
		int status;
		pid_t pid = abi_fork();

		if (!pid) {
			raise(number);
			_exit(0);
		}
		waitpid(pid, &status, 0);
		say("SIGRTMIN+%d: %#x", number - SIGRTMIN, status & ~0x80);
	}
}

CASE(sends_to_all)
{
	pid_t pids[3];
	struct gate ready;

	gate_init(&ready);
	for (int i = 0; i < 3; i++) {
		pids[i] = abi_fork();
		if (!pids[i]) {
			gate_open(&ready);
			for (;;)
				pause();
		}
	}
	for (int i = 0; i < 3; i++)
		gate_wait(&ready);
	catch_signal(SIGTERM, 0);
	R(kill(0, SIGTERM));
	V(caught);
	for (int i = 0; i < 3; i++)
		abi_reap("member", pids[i]);
}
