/*
 * siginfo.c - siginfo_t as programs see it: which member of the union is meant follows from signal
 * and code.
 *
 * Spec: sigaction(2), "The siginfo_t argument to a SA_SIGINFO handler".
 */
#include "abi/signal.h"
#include <string.h>

#define AUDIT_ARCH_X86_64 0xc000003eu

static void fill_by_signal(const struct siginfo *in, struct linux_siginfo *out)
{
	switch (in->signo) {
	case SIGILL:
	case SIGFPE:
	case SIGSEGV:
	case SIGBUS:
	case SIGTRAP:
		out->fault.addr = in->addr;
		break;
	case SIGCHLD:
		out->child.pid = in->pid;
		out->child.uid = in->uid;
		out->child.status = in->status;
		out->child.utime = (int64_t)in->utime;
		out->child.stime = (int64_t)in->stime;
		break;
	case SIGSYS:
		out->sys.call_addr = in->call_addr;
		out->sys.syscall = in->syscall;
		out->sys.arch = AUDIT_ARCH_X86_64;
		break;
	default: /* F_SETSIG: files send others than SIGIO with its codes */
		out->poll.band = in->band;
		out->poll.fd = in->fd;
	}
}

void siginfo_to_linux(const struct siginfo *in, struct linux_siginfo *out)
{
	*out = (struct linux_siginfo){.signo = in->signo, .error = in->errno_, .code = in->code};
	if (in->is_raw) {
		memcpy(out->raw, in->raw, sizeof(out->raw));
	} else if (in->code == SI_TIMER) {
		out->timer.id = in->timer_id;
		out->timer.overrun = in->overrun;
		out->timer.value = in->value;
	} else if (in->code == SI_SIGIO) {
		out->poll.band = in->band;
		out->poll.fd = in->fd;
	} else if (in->code > 0 && in->code < SI_KERNEL) {
		fill_by_signal(in, out);
	} else {
		out->rt.pid = in->pid;
		out->rt.uid = in->uid;
		out->rt.value = in->value;
	}
}

void siginfo_from_linux(const struct linux_siginfo *in, int sig, struct siginfo *out)
{
	*out = (struct siginfo){
		.signo = sig,
		.errno_ = in->error,
		.code = in->code,
		.pid = in->rt.pid,
		.uid = in->rt.uid,
		.value = in->rt.value,
		.is_raw = true,
	};
	memcpy(out->raw, in->raw, sizeof(out->raw));
}
