/*
 * abi/signal.h - Linux x86_64 layouts of siginfo_t, ucontext_t, the signal frame, sigevent; asserts
 * on the kernel's forms.
 */
#pragma once
#include <compiler.h>
#include <signal.h>

struct linux_siginfo {
	int32_t signo, error, code, pad;
	union {
		uint8_t raw[112];
		struct {
			int32_t pid;
			uint32_t uid;
			uint64_t value;
		} rt; /* kill, sigqueue */
		struct {
			int32_t id, overrun;
			uint64_t value;
		} timer;
		struct {
			int32_t pid;
			uint32_t uid;
			int32_t status, pad;
			int64_t utime, stime;
		} child;
		struct {
			uint64_t addr;
			int16_t addr_lsb;
		} fault;
		struct {
			int64_t band;
			int32_t fd;
		} poll;
		struct {
			uint64_t call_addr;
			int32_t syscall;
			uint32_t arch;
		} sys;
	};
};
static_assert(sizeof(struct linux_siginfo) == 128, "siginfo_t");

struct linux_stack {
	uint64_t sp;
	int32_t flags, pad;
	uint64_t size;
};
static_assert(sizeof(struct linux_stack) == 24, "stack_t");
static_assert(sizeof(struct sigaltstack) == 24 && offsetof(struct sigaltstack, size) == 16,
	"the kernel's form is stack_t");

struct linux_sigcontext {
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip,
		rflags;
	uint16_t cs, gs, fs, ss;
	uint64_t err, trapno, oldmask, cr2, fpstate, reserved[8];
};
static_assert(sizeof(struct linux_sigcontext) == 256, "struct sigcontext_64");

struct linux_ucontext {
	uint64_t flags, link;
	struct linux_stack stack;
	struct linux_sigcontext mc;
	uint64_t sigmask;
};
static_assert(sizeof(struct linux_ucontext) == 304, "struct ucontext");
enum { UC_FP_XSTATE = 1, UC_SIGCONTEXT_SS = 2, UC_STRICT_RESTORE_SS = 4 };

struct linux_sigframe {
	uint64_t restorer;
	struct linux_ucontext uc;
	struct linux_siginfo info;
};
static_assert(sizeof(struct linux_sigframe) == 440, "struct rt_sigframe");

/* At the end of the FXSAVE area, and the word behind the whole image: that the image is an extended
 * one. */
struct linux_fpx_sw {
	uint32_t magic1, extended_size;
	uint64_t xfeatures;
	uint32_t xstate_size, padding[7];
};
static_assert(sizeof(struct linux_fpx_sw) == 48, "struct _fpx_sw_bytes");
#define FP_XSTATE_MAGIC1 0x46505853u
#define FP_XSTATE_MAGIC2 0x46505845u
#define FPX_SW_OFFSET    464u

static_assert(sizeof(struct sigaction) == 32 && offsetof(struct sigaction, mask) == 24,
	"struct kernel_sigaction");
static_assert(sizeof(sigset_t) == 8, "the kernel's sigset_t");

struct linux_sigevent {
	uint64_t value;
	int32_t signo, notify, tid;
	int32_t pad[11];
};
static_assert(sizeof(struct linux_sigevent) == 64, "struct sigevent");
enum { SIGEV_SIGNAL = 0, SIGEV_NONE = 1, SIGEV_THREAD = 2, SIGEV_THREAD_ID = 4 };

static_assert(SIGHUP == 1 && SIGQUIT == 3 && SIGBUS == 7 && SIGKILL == 9 && SIGUSR1 == 10 &&
		      SIGSEGV == 11 && SIGUSR2 == 12 && SIGTERM == 15,
	"signal(7)");
static_assert(SIGCHLD == 17 && SIGCONT == 18 && SIGSTOP == 19 && SIGTTOU == 22 && SIGURG == 23 &&
		      SIGWINCH == 28 && SIGIO == 29 && SIGSYS == 31,
	"signal(7)");

/* Between the kernel's form and the program's. siginfo.c */
void siginfo_to_linux(const struct siginfo *in, struct linux_siginfo *out);
void siginfo_from_linux(const struct linux_siginfo *in, int sig, struct siginfo *out);
