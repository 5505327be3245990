/*
 * more.c - the tools of the ABI test cases: names, signals, faults, gates, files.
 */
#include "abi.h"
#include "more.h"

#include <dirent.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <setjmp.h>
#include <sys/prctl.h>
#include <time.h>

#define CAPS_KNOWN ((1ull << 41) - 1)

__attribute__((weak)) int abi_helper(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return 95;
}

long raw_clone(int (*run)(void *), void *top, int flags, void *arg, int *parent_tid, int *child_tid)
{
	register int *r10 __asm__("r10") = child_tid;
	register long r8 __asm__("r8") = 0;
	register int (*r9)(void *) __asm__("r9") = run;
	register void *r12 __asm__("r12") = arg;
	long result;

	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xor %%ebp, %%ebp\n\t"
			 "mov %%r12, %%rdi\n\t"
			 "call *%%r9\n\t"
			 "mov %%eax, %%edi\n\t"
			 "mov %[exit], %%eax\n\t"
			 "syscall\n"
			 "1:"
			 : "=a"(result)
			 : "0"((long)SYS_clone), "D"((long)flags), "S"(top), "d"(parent_tid),
			 "r"(r10), "r"(r8), "r"(r9), "r"(r12), [exit] "i"(SYS_exit)
			 : "rcx", "r11", "memory");
	if (result >= 0)
		return result;
	errno = (int)-result;
	return -1;
}

/* Containers often keep CAP_SYS_RESOURCE to themselves, so no case has it anywhere. */
void drop_resource_capability(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];
	unsigned long caps = CAPS_KNOWN & ~(1ul << CAP_SYS_RESOURCE);

	prctl(PR_CAPBSET_DROP, CAP_SYS_RESOURCE, 0, 0, 0);
	memset(data, 0, sizeof(data));
	data[0].effective = data[0].permitted = (unsigned)caps;
	data[1].effective = data[1].permitted = (unsigned)(caps >> 32);
	if (sc(capset, &head, data) < 0)
		perror("capset");
}

/* Names. */

#define NAME(n)                                                                                    \
	case n:                                                                                    \
		return #n

static const char *errno_name_low(int number)
{
	switch (number) {
		NAME(EPERM);
		NAME(ENOENT);
		NAME(ESRCH);
		NAME(EINTR);
		NAME(EIO);
		NAME(ENXIO);
		NAME(E2BIG);
		NAME(ENOEXEC);
		NAME(EBADF);
		NAME(ECHILD);
		NAME(EAGAIN);
		NAME(ENOMEM);
		NAME(EACCES);
		NAME(EFAULT);
		NAME(ENOTBLK);
		NAME(EBUSY);
		NAME(EEXIST);
		NAME(EXDEV);
		NAME(ENODEV);
		NAME(ENOTDIR);
		NAME(EISDIR);
		NAME(EINVAL);
		NAME(ENFILE);
		NAME(EMFILE);
		NAME(ENOTTY);
		NAME(ETXTBSY);
		NAME(EFBIG);
		NAME(ENOSPC);
		NAME(ESPIPE);
		NAME(EROFS);
		NAME(EMLINK);
		NAME(EPIPE);
		NAME(EDESTADDRREQ);
		NAME(EMSGSIZE);
		NAME(EPROTOTYPE);
		NAME(ENOPROTOOPT);
		NAME(EPROTONOSUPPORT);
		NAME(ESOCKTNOSUPPORT);
		NAME(EADDRINUSE);
		NAME(EADDRNOTAVAIL);
		NAME(ENETDOWN);
		NAME(ENETUNREACH);
		NAME(ECONNABORTED);
		NAME(ECONNRESET);
		NAME(ENOBUFS);
		NAME(EISCONN);
		NAME(ENOTCONN);
		NAME(ETOOMANYREFS);
		NAME(ECONNREFUSED);
		NAME(EHOSTUNREACH);
		NAME(EINPROGRESS);
		NAME(EDOM);
		NAME(ERANGE);
	default:
		return NULL;
	}
}

const char *errno_name(int number)
{
	static char other[24];
	const char *low = errno_name_low(number);

	if (low)
		return low;
	switch (number) {
		NAME(EDEADLK);
		NAME(ENAMETOOLONG);
		NAME(ENOLCK);
		NAME(ENOSYS);
		NAME(ENOTEMPTY);
		NAME(ELOOP);
		NAME(ENOMSG);
		NAME(EIDRM);
		NAME(ENODATA);
		NAME(ETIME);
		NAME(EOVERFLOW);
		NAME(EILSEQ);
		NAME(ENOTSOCK);
		NAME(EOPNOTSUPP);
		NAME(EAFNOSUPPORT);
		NAME(ETIMEDOUT);
		NAME(EALREADY);
		NAME(EOWNERDEAD);
		NAME(ENOTRECOVERABLE);
		NAME(ECANCELED);
		NAME(ELIBBAD);
		NAME(EUSERS);
	default:
		snprintf(other, sizeof(other), "errno-%d", number);
		return other;
	}
}

const char *signal_name(int number)
{
	static char other[24];

	switch (number) {
		NAME(SIGHUP);
		NAME(SIGINT);
		NAME(SIGQUIT);
		NAME(SIGILL);
		NAME(SIGTRAP);
		NAME(SIGABRT);
		NAME(SIGBUS);
		NAME(SIGFPE);
		NAME(SIGKILL);
		NAME(SIGUSR1);
		NAME(SIGSEGV);
		NAME(SIGUSR2);
		NAME(SIGPIPE);
		NAME(SIGALRM);
		NAME(SIGTERM);
		NAME(SIGSTKFLT);
		NAME(SIGCHLD);
		NAME(SIGCONT);
		NAME(SIGSTOP);
		NAME(SIGTSTP);
		NAME(SIGTTIN);
		NAME(SIGTTOU);
		NAME(SIGURG);
		NAME(SIGXCPU);
		NAME(SIGXFSZ);
		NAME(SIGVTALRM);
		NAME(SIGPROF);
		NAME(SIGWINCH);
		NAME(SIGIO);
		NAME(SIGPWR);
		NAME(SIGSYS);
	default:
		snprintf(other, sizeof(other), "signal-%d", number);
		return other;
	}
}

/* Signals. */

volatile sig_atomic_t caught, caught_signal, caught_code;
void *volatile caught_address;

void on_signal(int number, siginfo_t *info, void *context)
{
	(void)context;
	caught++;
	caught_signal = number;
	caught_code = info ? info->si_code : -99;
	caught_address = info ? info->si_addr : NULL;
}

int catch_signal(int number, int flags)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_sigaction = on_signal;
	action.sa_flags = SA_SIGINFO | flags;
	return sigaction(number, &action, NULL);
}

static int set_handler(int number, void (*handler)(int))
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = handler;
	return sigaction(number, &action, NULL);
}

int ignore_signal(int number)
{
	return set_handler(number, SIG_IGN);
}

int default_signal(int number)
{
	return set_handler(number, SIG_DFL);
}

static void mask_signal(int how, int number)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, number);
	sigprocmask(how, &set, NULL);
}

void block_signal(int number)
{
	mask_signal(SIG_BLOCK, number);
}

void unblock_signal(int number)
{
	mask_signal(SIG_UNBLOCK, number);
}

/* Faults. */

static sigjmp_buf fault_return;

static void on_fault(int number, siginfo_t *info, void *context)
{
	on_signal(number, info, context);
	siglongjmp(fault_return, 1);
}

static const char *fault_code(int number, int code)
{
	static char other[24];

	if (number == SIGSEGV && code == SEGV_MAPERR)
		return "SEGV_MAPERR";
	if (number == SIGSEGV && code == SEGV_ACCERR)
		return "SEGV_ACCERR";
	if (number == SIGBUS && code == BUS_ADRERR)
		return "BUS_ADRERR";
	if (code == SI_KERNEL)
		return "SI_KERNEL";
	snprintf(other, sizeof(other), "code %d", code);
	return other;
}

void fault(const char *what, void (*access)(volatile char *), volatile char *at)
{
	struct sigaction action, old_segv, old_bus, old_ill;

	memset(&action, 0, sizeof(action));
	action.sa_sigaction = on_fault;
	action.sa_flags = SA_SIGINFO;
	sigaction(SIGSEGV, &action, &old_segv);
	sigaction(SIGBUS, &action, &old_bus);
	sigaction(SIGILL, &action, &old_ill);
	if (sigsetjmp(fault_return, 1) == 0) {
		access(at);
		say("%s: no fault", what);
	} else {
		say("%s: %s %s at %+ld", what, signal_name(caught_signal),
			fault_code(caught_signal, caught_code),
			caught_code == SI_KERNEL ? 0L
						 : (long)((char *)caught_address - (char *)at));
	}
	sigaction(SIGSEGV, &old_segv, NULL);
	sigaction(SIGBUS, &old_bus, NULL);
	sigaction(SIGILL, &old_ill, NULL);
}

void peek(volatile char *at)
{
	__asm__ volatile("movb (%0), %%al" ::"r"(at) : "rax", "memory");
}

void poke(volatile char *at)
{
	__asm__ volatile("movb $1, (%0)" ::"r"(at) : "memory");
}

void call(volatile char *at)
{
	((void (*)(void))(uintptr_t)at)();
}

/* Waiting. */

void gate_init(struct gate *gate)
{
	if (pipe(gate->fd) < 0)
		say("gate: %s", errno_name(errno));
}

void gate_open(struct gate *gate)
{
	if (write(gate->fd[1], "x", 1) != 1)
		say("gate: write: %s", errno_name(errno));
}

void gate_wait(struct gate *gate)
{
	char byte;

	while (read(gate->fd[0], &byte, 1) < 0)
		if (errno != EINTR) {
			say("gate: read: %s", errno_name(errno));
			return;
		}
}

long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void pause_ms(long ms)
{
	struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

bool wait_state(pid_t pid, const char *states)
{
	for (long end = now_ms() + 10000; now_ms() < end; pause_ms(2)) {
		char path[64], text[512], *mark;
		int fd;
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/%d/stat", pid);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return false;
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
		if (n <= 0)
			return false;
		text[n] = 0;
		mark = strrchr(text, ')');
		if (mark && strchr(states, mark[2]))
			return true;
	}
	return false;
}

void wait_blocked(pid_t pid)
{
	/* Seen asleep three times, some time apart: not just on the way to its call. */
	for (int times = 0; times < 3; times++) {
		if (!wait_state(pid, "S")) {
			say("the other process never slept");
			return;
		}
		pause_ms(15);
	}
}

void interrupt_in_child(const char *what, void (*sleep_in)(int fd), int fd)
{
	pid_t pid = abi_fork();

	if (!pid) {
		catch_signal(SIGUSR1, 0);
		sleep_in(fd);
		_exit(0);
	}
	wait_blocked(pid);
	kill(pid, SIGUSR1);
	abi_reap(what, pid);
}

/* Files. */

void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		say("put %s: %s", path, errno_name(errno));
	close(fd);
}

int make(const char *path, int flags)
{
	int fd = open(path, flags | O_CREAT, 0644);

	if (fd < 0)
		say("make %s: %s", path, errno_name(errno));
	return fd;
}

void show_bytes(const char *what, const char *bytes, long count)
{
	char text[1024];
	size_t n = 0;

	for (long i = 0; i < count && n < sizeof(text) - 8; i++) {
		unsigned char byte = (unsigned char)bytes[i];

		if (byte == '\n')
			n += (size_t)sprintf(text + n, "\\n");
		else if (byte < 32 || byte > 126 || byte == '\\')
			n += (size_t)sprintf(text + n, "\\%03o", byte);
		else
			text[n++] = (char)byte;
	}
	text[n] = 0;
	say("%s: %ld \"%s\"", what, count, text);
}

void show_file(const char *path)
{
	char text[512];
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));

	if (n < 0)
		say("%s: %s", path, errno_name(errno));
	else
		show_bytes(path, text, n);
	if (fd >= 0)
		close(fd);
}

void show_open_fds(void)
{
	char text[1024] = "";
	size_t n = 0;

	for (int fd = 0; fd < 300 && n < sizeof(text) - 8; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			n += (size_t)sprintf(text + n, " %d", fd);
	say("open:%s", text);
}

off_t size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 ? -1 : st.st_size;
}

void drop_to(uid_t uid, gid_t gid)
{
	if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
		say("drop_to: %s", errno_name(errno));
}
