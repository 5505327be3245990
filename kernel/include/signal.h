/*
 * signal.h - signals: numbers and constants by POSIX's names with Linux's x86_64 values (asserted
 * in compat/abi).
 *
 * What a handler's frame looks like is compat's; which signal is delivered when is proc's.
 */
#pragma once
#include <compiler.h>
#include <list.h>
#include <signum.h>

typedef struct {
	uint64_t bits;
} sigset_t; /* bit n-1: signal n */
#define SIGMASK(n) (1ull << ((n)-1))
#define SIG_DFL    0ull
#define SIG_IGN    1ull
enum {
	SA_NOCLDSTOP = 1,
	SA_NOCLDWAIT = 2,
	SA_SIGINFO = 4,
	SA_RESTORER = 0x04000000,
	SA_ONSTACK = 0x08000000,
	SA_RESTART = 0x10000000,
	SA_NODEFER = 0x40000000,
	SA_RESETHAND = (int)0x80000000
};
enum { SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK };
enum {
	SI_USER = 0,
	SI_KERNEL = 0x80,
	SI_QUEUE = -1,
	SI_TIMER = -2,
	SI_MESGQ = -3,
	SI_ASYNCIO = -4,
	SI_SIGIO = -5,
	SI_TKILL = -6
};
enum {
	ILL_ILLOPN = 2,
	FPE_INTDIV = 1,
	FPE_INTOVF = 2,
	FPE_FLTINV = 7,
	SEGV_MAPERR = 1,
	SEGV_ACCERR = 2,
	BUS_ADRALN = 1,
	BUS_ADRERR = 2,
	TRAP_BRKPT = 1,
	TRAP_TRACE = 2,
	CLD_EXITED = 1,
	CLD_KILLED,
	CLD_DUMPED,
	CLD_TRAPPED,
	CLD_STOPPED,
	CLD_CONTINUED
};
enum { SS_ONSTACK = 1, SS_DISABLE = 2, SS_AUTODISARM = (int)(1u << 31) };

struct siginfo { /* kernel form; compat lays it out */
	int signo, errno_, code;
	pid_t pid;
	uid_t uid;
	int status;
	uint64_t utime, stime; /* SIGCHLD, clock ticks */
	uint64_t addr;         /* faults */
	uint64_t value;        /* sigqueue, timers */
	int timer_id, overrun;
	int band, fd; /* SIGIO */
	uint64_t call_addr;
	int syscall; /* SIGSYS */
	uint8_t raw[112];
	bool is_raw; /* rt_sigqueueinfo: the sender's own union bytes */
};
struct sigaction {
	uint64_t handler;
	uint64_t flags;
	uint64_t restorer;
	sigset_t mask;
};
struct sigaltstack {
	uint64_t sp;
	int flags;
	uint64_t size;
};

struct task;
struct process;
struct pgrp;
/* Send; @info NULL: SI_KERNEL. No permission check. 0, -EAGAIN (queue full for realtime), -ESRCH.
 * Any context but NMI. */
int signal_send_task(struct task *t, int sig, const struct siginfo *info);
int signal_send_process(struct process *p, int sig, const struct siginfo *info);
int signal_send_pgrp(struct pgrp *g, int sig, const struct siginfo *info);
/* By pid as kill(2): > 0 process, 0 own group, -1 all, < -1 group. With permission checks. */
int __must_check signal_kill(pid_t pid, int sig, const struct siginfo *info);
/* As signal_kill() to @p alone, which the caller references: -ESRCH when it is reaped. */
int __must_check signal_kill_process(struct process *p, int sig, const struct siginfo *info);
int __must_check signal_tkill(
	pid_t tgid, pid_t tid, int sig, const struct siginfo *info); /* tgid -1: any */
/* A fault of the current task: cannot be blocked or ignored (then it kills). */
void signal_force(int sig, int code, uint64_t addr, unsigned trap, unsigned err);
/* Of the current task */
int __must_check signal_action(int sig, const struct sigaction *new_, struct sigaction *old);
void signal_mask(int how, sigset_t set, sigset_t *old); /* KILL and STOP are dropped */
sigset_t signal_pending_set(void);
/* Replace the mask until return to user mode (sigsuspend, ppoll): the old one goes into the
 * handler's frame. */
void signal_mask_temporary(sigset_t set);
/* End that at once, before the return: a call that was not interrupted lets no signal in. Task
 * context; does nothing when no temporary mask is in force. */
void signal_mask_restore(void);
int __must_check signal_suspend(sigset_t mask); /* -ERESTARTNOHAND */
/* Take a pending signal of @set: number and info; deadline as poll. -EAGAIN at the deadline,
 * -EINTR. */
int __must_check signal_timedwait(sigset_t set, struct siginfo *out, uint64_t deadline_ns);
bool signal_is_pending(const struct task *t);
/* signalfd(2). A read gives records of SIGNALFD_RECORD bytes, laid out by signalfd_record
 * (compat's).
 */
enum { SIGNALFD_RECORD = 128 };
struct file;
int __must_check signalfd_create(sigset_t mask, unsigned file_flags, struct file **out);
int __must_check signalfd_change(struct file *f, sigset_t mask); /* -EINVAL: not one */
extern void (*signalfd_record)(const struct siginfo *in, void *record);
bool task_ignores(const struct task *t, int sig); /* ignored or blocked: tty's SIGTTIN rule */
