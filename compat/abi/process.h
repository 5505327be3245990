/*
 * abi/process.h - Linux x86_64 layouts of wait, usage, limits, uname, sysinfo, capabilities,
 * clone3; asserts on constants.
 */
#pragma once
#include <cred.h>
#include <process.h>

struct linux_timeval {
	int64_t sec, usec;
};
struct linux_rusage {
	struct linux_timeval utime, stime;
	int64_t maxrss, ixrss, idrss, isrss, minflt, majflt, nswap, inblock, oublock, msgsnd,
		msgrcv, nsignals, nvcsw, nivcsw;
};
static_assert(sizeof(struct linux_rusage) == 144, "struct rusage");
static_assert(sizeof(struct rlimit) == 16 && RLIMIT_NOFILE == 7 && RLIMIT_COUNT == 16,
	"struct rlimit64, getrlimit(2)");

struct linux_utsname {
	char sysname[65], nodename[65], release[65], version[65], machine[65], domainname[65];
};
static_assert(sizeof(struct linux_utsname) == 390, "struct new_utsname");

struct linux_sysinfo {
	int64_t uptime;
	uint64_t loads[3], totalram, freeram, sharedram, bufferram, totalswap, freeswap;
	uint16_t procs, pad;
	uint64_t totalhigh, freehigh;
	uint32_t mem_unit, pad2;
};
static_assert(sizeof(struct linux_sysinfo) == 112, "struct sysinfo");

struct linux_tms {
	int64_t utime, stime, cutime, cstime;
};

struct linux_cap_header {
	uint32_t version;
	int32_t pid;
};
struct linux_cap_data {
	uint32_t effective, permitted, inheritable;
};
enum { CAP_VERSION_1 = 0x19980330, CAP_VERSION_2 = 0x20071026, CAP_VERSION_3 = 0x20080522 };
static_assert(CAP_KILL == 5 && CAP_SYS_ADMIN == 21 && CAP_MKNOD == 27 && CAP_SYSLOG == 34 &&
		      CAP_CHECKPOINT_RESTORE == 40,
	"capabilities(7)");

struct linux_clone_args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid,
		set_tid_size, cgroup;
};
static_assert(sizeof(struct linux_clone_args) == 88, "struct clone_args");
static_assert(CLONE_VM == 0x100 && CLONE_VFORK == 0x4000 && CLONE_THREAD == 0x10000 &&
		      CLONE_CHILD_SETTID == 0x1000000,
	"clone(2)");
static_assert(WNOHANG == 1 && WUNTRACED == 2 && WEXITED == 4 && WCONTINUED == 8 &&
		      WNOWAIT == 0x1000000 && WAIT_CLONES_ALL == 0x40000000u,
	"wait(2)");
static_assert(CLD_EXITED == 1 && CLD_CONTINUED == 6, "sigaction(2)");
enum { WAIT_OWN_THREAD = 0x20000000 }; /* __WNOTHREAD */
