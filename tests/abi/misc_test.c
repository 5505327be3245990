/*
 * misc_test.c - uname, sysinfo, getrandom, poll's errors, ioctls on wrong things, /proc, and what
 * every call says to bad pointers, unknown flags and unknown numbers.
 */
#include "abi.h"

#include <linux/futex.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

CASE(uname_fields)
{
	struct utsname u;

	R(uname(&u));
	say("%s %s", u.sysname, u.machine);
	T(u.release[0] == '6' && u.release[1] == '.');
	T(u.nodename[0] != 0 && u.version[0] != 0);
	R(sc(uname, BAD_PTR));
	R(sc(sethostname, BAD_PTR, 3));
	R(sc(sethostname, "x", -1));
	R(sc(sethostname, "x", 65));
	R(sc(setdomainname, "x", 65));
}

CASE(random_bytes)
{
	static char b[1000];
	int zeros = 0;

	R(sc(getrandom, b, 1000, 0));
	for (int i = 0; i < 1000; i++)
		zeros += b[i] == 0;
	T(zeros < 40);
	R(sc(getrandom, b, 256, 1));
	R(sc(getrandom, b, 256, 2));
	R(sc(getrandom, b, 256, 4));
	R(sc(getrandom, b, 256, 6));
	R(sc(getrandom, b, 256, 8));
	R(sc(getrandom, BAD_PTR, 16, 0));
	R(sc(getrandom, b, 0, 0));
	R(sc(getrandom, BAD_PTR, 0, 0));
}

CASE(system_information)
{
	struct sysinfo info;

	R(sysinfo(&info));
	T(info.uptime > 0 && info.totalram > info.freeram && info.mem_unit == 1);
	T(info.procs > 0);
	R(sc(sysinfo, BAD_PTR));
	R(sc(getcpu, NULL, NULL, NULL));
	R(sc(getcpu, BAD_PTR, NULL, NULL));
	R(sc(syslog, 99, NULL, 0));
	R(sc(syslog, 10, NULL, 0) > 0);
	R(sc(syslog, 3, NULL, 10));
	R(sc(syslog, 3, BAD_PTR, -1));
	R(sc(syslog, 8, NULL, 77));
	R(sc(reboot, 1, 2, 3, NULL));
	R(sc(reboot, 0xfee1dead, 672274793, 12345, NULL));
}

CASE(poll_errors)
{
	struct pollfd p[3] = {{.fd = 99, .events = POLLIN}, {.fd = -1, .events = POLLIN},
		{.fd = 0, .events = POLLIN | POLLOUT}};
	struct timespec zero = {0, 0}, bad = {0, -1};
	uint64_t mask = 0;
	fd_set set;

	R(sc(poll, p, 3, 0));
	say("%#x %#x %#x", p[0].revents, p[1].revents, p[2].revents);
	R(sc(poll, BAD_PTR, 1, 0));
	R(sc(poll, p, -1, 0));
	R(sc(poll, p, 513, 0));
	R(sc(poll, NULL, 0, 0));
	R(sc(ppoll, p, 3, &zero, NULL, 8));
	R(sc(ppoll, p, 1, &bad, NULL, 8));
	R(sc(ppoll, p, 1, BAD_PTR, NULL, 8));
	R(sc(ppoll, p, 1, &zero, &mask, 4));
	R(sc(ppoll, p, 1, &zero, BAD_PTR, 8));
	FD_ZERO(&set);
	FD_SET(0, &set);
	R(sc(pselect6, 1, &set, NULL, NULL, &zero, NULL));
	R(sc(pselect6, 1, &set, NULL, NULL, &bad, NULL));
	R(sc(pselect6, 1, &set, NULL, NULL, BAD_PTR, NULL));
	R(sc(pselect6, -1, &set, NULL, NULL, &zero, NULL));
	struct {
		void *mask;
		size_t size;
	} arg = {&mask, 4};
	R(sc(pselect6, 1, &set, NULL, NULL, &zero, &arg));
	R(sc(pselect6, 1, &set, NULL, NULL, &zero, BAD_PTR));
	FD_ZERO(&set);
	FD_SET(77, &set);
	R(sc(select, 100, &set, NULL, NULL, &zero));
	R(sc(select, 70, &set, NULL, NULL, &zero));
	put("f", "x");
	p[0].fd = open("f", O_RDONLY);
	p[0].events = POLLIN | POLLOUT | POLLPRI;
	R(sc(poll, p, 1, 0));
	HEX(p[0].revents);
	p[0].fd = open(".", O_RDONLY);
	R(sc(poll, p, 1, 0));
	HEX(p[0].revents);
	p[0].fd = open("/dev/zero", O_RDWR);
	R(sc(poll, p, 1, 0));
	HEX(p[0].revents);
	p[0].fd = open("/dev/urandom", O_RDWR);
	R(sc(poll, p, 1, 0));
	HEX(p[0].revents);
	p[0].fd = open("f", O_PATH);
	R(sc(poll, p, 1, 0));
	HEX(p[0].revents);
}

CASE(poll_masks_signals)
{
	struct timespec second = {3, 0};
	uint64_t none = 0;

	catch_signal(SIGUSR1, 0);
	block_signal(SIGUSR1);
	raise(SIGUSR1);
	R(sc(ppoll, NULL, 0, &second, &none, 8));
	V(caught);
	raise(SIGUSR1);
	struct {
		void *mask;
		size_t size;
	} arg = {&none, 8};
	R(sc(pselect6, 0, NULL, NULL, NULL, &second, &arg));
	V(caught);
	sigset_t now;
	sigprocmask(SIG_BLOCK, NULL, &now);
	V(sigismember(&now, SIGUSR1));
}

CASE(wrong_ioctls)
{
	int p[2], n = 0;

	put("f", "12345");
	R(open("f", O_RDWR));
	R(open(".", O_RDONLY));
	pipe(p);
	R(ioctl(3, FIONREAD, &n));
	V(n);
	lseek(3, 2, SEEK_SET);
	R(ioctl(3, FIONREAD, &n));
	V(n);
	R(ioctl(4, FIONREAD, &n));
	R(ioctl(p[0], FIONREAD, &n));
	V(n);
	for (int fd = 0; fd < 7; fd++) {
		if (fd == 1 || fd == 2)
			continue;
		long unknown = sc(ioctl, fd, 0x12345678, 0);

		say("fd %d: %ld %s", fd, unknown, errno_name(errno));
		say("fd %d: FIOASYNC %ld", fd, sc(ioctl, fd, 0x5452, BAD_PTR));
		sc(ioctl, fd, 0x1260, &n);
		say("fd %d: BLKGETSIZE %s", fd, errno_name(errno));
	}
	R(ioctl(99, 0x12345678, 0));
	R(open("f", O_PATH));
	R(ioctl(7, FIONREAD, &n));
}

/* Calls that read or write memory, with a pointer that leads nowhere. */
CASE(bad_pointers)
{
	struct timespec ts = {0, 0};
	char b[64];
	int fd;

	sc(setgroups, 0, NULL);
	mkdir("d", 0755);
	put("f", "x");
	fd = open("f", O_RDWR);
	void *bad[] = {BAD_PTR, KERNEL_PTR, (void *)0x8000000000000000ul, (void *)-8};
	for (unsigned i = 0; i < COUNT(bad); i++) {
		void *at = bad[i];

		R(sc(read, fd, at, 1));
		R(sc(write, fd, at, 1));
		R(sc(open, at, 0, 0));
		R(sc(stat, at, b));
		R(sc(lstat, "f", at));
		R(sc(fstat, fd, at));
		R(sc(newfstatat, AT_FDCWD, "f", at, 0));
		R(sc(pread64, fd, at, 1, 0));
		R(sc(readv, fd, at, 1));
		R(sc(writev, fd, at, 1));
		R(sc(access, at, 0));
		R(sc(pipe2, at, 0));
		R(sc(mincore, bad, 1, at));
		R(sc(nanosleep, at, NULL));
		R(sc(getitimer, 0, at));
		R(sc(execve, at, NULL, NULL));
		R(sc(uname, at));
		R(sc(getcwd, at, 4096));
		R(sc(chdir, at));
		R(sc(rename, at, "x"));
		R(sc(rename, "f", at));
		R(sc(mkdir, at, 0755));
		R(sc(rmdir, at));
		R(sc(link, "f", at));
		R(sc(unlink, at));
		R(sc(symlink, "f", at));
		R(sc(readlink, at, b, 64));
		R(sc(chmod, at, 0));
		R(sc(chown, at, 0, 0));
		R(sc(getrlimit, 0, at));
		R(sc(getrusage, 0, at));
		R(sc(sysinfo, at));
		R(sc(times, at));
		R(sc(getgroups, 0, at));
		R(sc(getresuid, at, at, at));
		R(sc(rt_sigpending, at, 8));
		R(sc(rt_sigtimedwait, at, NULL, &ts, 8));
		R(sc(sigaltstack, at, NULL));
		R(sc(statfs, ".", at));
		R(sc(sched_getparam, 0, at));
		R(sc(prctl, 15, at, 0, 0, 0));
		R(sc(arch_prctl, 0x1003, at));
		R(sc(setrlimit, 0, at));
		R(sc(mount, at, at, at, 0, 0));
		R(sc(umount2, at, 0));
		R(sc(futex, at, FUTEX_WAIT, 0, NULL, NULL, 0));
		R(sc(sched_getaffinity, 0, 128, at));
		R(sc(getdents64, open("d", O_RDONLY), at, 512));
		R(sc(clock_gettime, 0, at));
		R(sc(clock_nanosleep, 0, 0, at, NULL));
		R(sc(utimensat, AT_FDCWD, "f", at, 0));
		R(sc(prlimit64, 0, 0, NULL, at));
		R(sc(getrandom, at, 8, 0));
		R(sc(statx, AT_FDCWD, "f", 0, 0x7ff, at));
		R(sc(clone3, at, 88));
		R(sc(openat2, AT_FDCWD, "f", at, 24));
		R(sc(capget, at, NULL));
		R(sc(timer_create, 0, at, at));
		R(sc(select, 1, at, NULL, NULL, &ts));
		R(sc(poll, at, 1, 0));
		R(sc(fcntl, fd, F_GETLK, at));
		R(sc(truncate, at, 0));
		R(sc(sendfile, fd, fd, at, 1));
		R(sc(wait4, -1, at, 0, at));
		R(sc(set_robust_list, at, 24));
		R(sc(mknod, at, 0644, 0));
		R(sc(chroot, at));
		R(sc(sethostname, at, 5));
		R(sc(memfd_create, at, 0));
	}
}

/* An address in the last page: reading a string runs off the end of memory. */
CASE(strings_at_the_edge)
{
	char *m = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(m + 4096, 4096);
	memset(m, 'a', 4096);
	R(sc(open, m + 4090, 0, 0));
	R(sc(mkdir, m + 4090, 0755));
	R(sc(readlink, m + 4090, m, 64));
	m[4095] = 0;
	R(sc(open, m + 4090, 0, 0));
	R(sc(mkdir, m + 4090, 0755));
	R(sc(rmdir, m + 4090));
	R(sc(open, m + 4095, 0, 0));
	R(sc(open, m, 0, 0));
}

CASE(unknown_calls)
{
	/* Numbers that Linux has never used or has given up. */
	int numbers[] = {174, 177, 178, 180, 181, 182, 183, 184, 185, 214, 215, 236, 400, 423, 600,
		999, 100000, 0x7fffffff, -1};

	for (unsigned i = 0; i < COUNT(numbers); i++) {
		errno = 0;
		long result = syscall(numbers[i], 0, 0, 0, 0, 0, 0);

		say("%d: %ld %s", numbers[i], result, errno_name(errno));
	}
}

CASE(unknown_flags)
{
	struct {
		uint64_t flags, mode, resolve;
	} how = {1ull << 60, 0, 0};
	int p[2];

	put("f", "x");
	int fd = open("f", O_RDWR);
	pipe(p);
	R(sc(pipe2, p, 0x10));
	R(sc(dup3, fd, 20, 0x10));
	R(sc(openat2, AT_FDCWD, "f", &how, sizeof(how)));
	R(sc(unlinkat, AT_FDCWD, "f", 0x1));
	R(sc(linkat, AT_FDCWD, "f", AT_FDCWD, "g", 0x1));
	R(sc(renameat2, AT_FDCWD, "f", AT_FDCWD, "g", 0x10));
	R(sc(fchownat, AT_FDCWD, "f", 0, 0, 0x1));
	R(sc(newfstatat, AT_FDCWD, "f", &how, 0x1));
	R(sc(statx, AT_FDCWD, "f", 0x1, 0, &how));
	R(sc(faccessat2, AT_FDCWD, "f", 0, 0x1));
	R(sc(utimensat, AT_FDCWD, "f", NULL, 0x1));
	R(sc(mremap, 4096, 4096, 4096, 0x100));
	R(sc(msync, 4096, 4096, 0x100));
	R(sc(mlock2, 4096, 4096, 0x100));
	R(sc(splice, p[0], NULL, fd, NULL, 1, 0x100));
	R(sc(tee, p[0], p[1], 1, 0x100));
	R(sc(sync_file_range, fd, 0, 0, 0x100));
	R(sc(copy_file_range, fd, NULL, fd, NULL, 1, 0x100));
	R(sc(getrandom, &how, 1, 0x100));
	R(sc(memfd_create, "x", 0x1000));
	R(sc(wait4, -1, NULL, 0x1000, NULL));
	R(sc(waitid, 0, 0, NULL, 0x1000 | WEXITED, NULL));
	R(sc(close_range, 50, 60, 0x100));
	R(sc(umount2, "f", 0x100));
	R(sc(execveat, AT_FDCWD, "f", NULL, NULL, 0x1));
	R(sc(unshare, 0x1));
	R(sc(flock, fd, 0x100));
	R(sc(fallocate, fd, 0x1000, 0, 10));
	R(sc(swapon, "f", 0x1000000));
	R(sc(mlockall, 0x100));
	R(sc(membarrier, 0, 0x100, 0));
	R(sc(timer_settime, 99, 0x100, NULL, NULL));
	R(sc(clock_adjtime, 99, NULL));
}

CASE(file_calls_on_bad_descriptors)
{
	long fds[] = {-1, 99, 511, 512, 100000, INT_MAX, INT_MIN};
	char b[64];

	for (unsigned i = 0; i < COUNT(fds); i++) {
		long fd = fds[i];

		R(sc(read, fd, b, 1));
		R(sc(write, fd, b, 1));
		R(sc(close, fd));
		R(sc(fstat, fd, b));
		R(sc(lseek, fd, 0, 0));
		R(sc(dup, fd));
		R(sc(fcntl, fd, F_GETFD));
		R(sc(ioctl, fd, 0x5401, b));
		R(sc(fsync, fd));
		R(sc(ftruncate, fd, 0));
		R(sc(fchdir, fd));
		R(sc(fchmod, fd, 0));
		R(sc(getdents64, fd, b, 64));
		R(sc(flock, fd, 1));
		R(sc(mmap, 0, 4096, 1, 2, fd, 0));
		R(sc(fadvise64, fd, 0, 0, 0));
		R(sc(accept, fd, 0, 0));
	}
	R(sc(accept, 0, NULL, NULL));
	R(sc(connect, 0, b, 16));
	R(sc(sendto, 0, b, 1, 0, NULL, 0));
}

static long read_all(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY);
	size_t have = 0;
	ssize_t n;

	if (fd < 0)
		return -1;
	while (have < size - 1 && (n = read(fd, text + have, size - 1 - have)) > 0)
		have += (size_t)n;
	text[have] = 0;
	close(fd);
	return (long)have;
}

static char text[1 << 16];

CASE(proc_self)
{
	char b[PATH_MAX];
	int fields = 1, comma = 0;
	pid_t pid;
	char state, name[32];

	R(read_all("/proc/self/stat", text, sizeof(text)) > 0);
	for (char *c = strrchr(text, ')'); *c; c++)
		fields += *c == ' ';
	V(fields);
	R(sscanf(text, "%d (%31[^)]) %c", &pid, name, &state));
	T(pid == getpid());
	say("%s %c", name, state);
	R(read_all("/proc/self/statm", text, sizeof(text)) > 0);
	for (char *c = text; *c; c++)
		comma += *c == ' ';
	V(comma);
	R(read_all("/proc/self/comm", text, sizeof(text)));
	say("comm %s", text);
	R(readlink("/proc/self/exe", b, sizeof(b)) > 0);
	R(readlink("/proc/self/cwd", b, sizeof(b)) > 0);
	R(readlink("/proc/self/root", b, sizeof(b)));
	R(readlink("/proc/self/exe", b, 3));
	R(sc(readlink, "/proc/self/exe", BAD_PTR, 10));
	R(readlink("/proc/self/maps", b, sizeof(b)));
	R(access("/proc/self/status", R_OK));
	R(access("/proc/99999", F_OK));
	R(open("/proc/self/nothing", O_RDONLY));
	R(open("/proc/new", O_RDWR | O_CREAT, 0644));
	R(mkdir("/proc/new", 0755));
	R(unlink("/proc/version"));
	R(access("/proc/self/task", F_OK));
	snprintf(b, sizeof(b), "/proc/self/task/%d/stat", getpid());
	R(access(b, F_OK));
	snprintf(b, sizeof(b), "/proc/%d/stat", getpid());
	R(access(b, F_OK));
	R(read_all("/proc/self/oom_score_adj", text, sizeof(text)));
	R(read_all("/proc/self/cgroup", text, sizeof(text)) >= 0);
	R(read_all("/proc/self/limits", text, sizeof(text)) > 0);
	T(strstr(text, "Max open files            512                  512") != NULL);
	R(read_all("/proc/self/environ", text, sizeof(text)) >= 0);
	long n = read_all("/proc/self/cmdline", text, sizeof(text));
	T(n > 0 && text[n - 1] == 0 && strlen(text) < (size_t)n);
}

CASE(proc_status)
{
	const char *keys[] = {"Name", "Umask", "State", "Tgid", "Ngid", "Pid", "PPid", "TracerPid",
		"Uid", "Gid", "FDSize", "Groups", "VmPeak", "VmSize", "VmLck", "VmHWM", "VmRSS",
		"VmData", "VmStk", "VmExe", "Threads", "SigQ", "SigPnd", "ShdPnd", "SigBlk",
		"SigIgn", "SigCgt", "CapInh", "CapPrm", "CapEff", "CapBnd", "NoNewPrivs",
		"Cpus_allowed", "voluntary_ctxt_switches"};
	char want[64];

	ignore_signal(SIGUSR1);
	catch_signal(SIGUSR2, 0);
	block_signal(SIGTERM);
	raise(SIGTERM);
	umask(027);
	R(read_all("/proc/self/status", text, sizeof(text)) > 0);
	for (unsigned i = 0; i < COUNT(keys); i++) {
		snprintf(want, sizeof(want), "%s:\t", keys[i]);
		char *at = strstr(text, want);

		say("%s: %s", keys[i], at && (at == text || at[-1] == '\n') ? "there" : "missing");
	}
	const char *exact[] = {"Name:\tmisc_test\n", "Umask:\t0027\n", "State:\tR (running)\n",
		"Uid:\t0\t0\t0\t0\n", "Threads:\t1\n", "ShdPnd:\t0000000000000000\n",
		"SigPnd:\t0000000000004000\n", "SigBlk:\t0000000000004000\n",
		"SigIgn:\t0000000000000200\n", "SigCgt:\t0000000000000800\n",
		"CapEff:\t000001fffeffffff\n", "CapBnd:\t000001fffeffffff\n", "NoNewPrivs:\t0\n"};
	for (unsigned i = 0; i < COUNT(exact); i++)
		say("line %u: %s", i, strstr(text, exact[i]) ? "equal" : "different");
}

CASE(proc_maps)
{
	char *m = mmap(NULL, 3 * 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char perms[8], path[256], *line, *next;
	unsigned long from, to, offset, inode, last = 0;
	unsigned major, minor;
	int bad = 0, sorted = 1, stack = 0, heap = 0, own = 0, text_maps = 0, vdso = 0;

	sc(brk, sc(brk, 0) + 8192);
	mprotect(m + 4096, 4096, PROT_NONE);
	put("f", "x");
	char *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, open("f", O_RDWR), 0);
	R(read_all("/proc/self/maps", text, sizeof(text)) > 0);
	for (line = text; *line; line = next) {
		next = strchr(line, '\n');
		*next++ = 0;
		path[0] = 0;
		int n = sscanf(line, "%lx-%lx %4s %lx %x:%x %lu %255[^\n]", &from, &to, perms,
			&offset, &major, &minor, &inode, path);
		bad += n < 7 || strlen(perms) != 4 || from >= to;
		sorted &= from >= last;
		last = to;
		stack += !strcmp(path, "[stack]") && !strcmp(perms, "rw-p");
		heap += !strcmp(path, "[heap]");
		vdso += !strcmp(path, "[vdso]") && !strcmp(perms, "r-xp");
		text_maps += strstr(path, "/misc_test") && !strcmp(perms, "r-xp");
		if (from == (uintptr_t)m + 4096)
			own += to == from + 4096 && !strcmp(perms, "---p");
		if (from == (uintptr_t)shared) {
			say("shared: %s offset %lx inode %d", perms, offset, inode != 0);
			T(strstr(path, "/proc_maps/f") != NULL);
		}
	}
	say("bad %d sorted %d stack %d heap %d own %d text %d vdso %d", bad, sorted, stack, heap,
		own, text_maps > 0, vdso);
}

CASE(proc_descriptors)
{
	char b[PATH_MAX], start[PATH_MAX];
	struct stat st;
	int p[2];

	getcwd(start, sizeof(start));
	put("f", "0123456789");
	R(open("f", O_RDWR | O_APPEND));
	pipe(p);
	lseek(3, 4, SEEK_SET);
	memset(b, 0, sizeof(b));
	R(readlink("/proc/self/fd/3", b, sizeof(b)) > 0);
	T(!strcmp(b + strlen(start), "/f"));
	memset(b, 0, sizeof(b));
	readlink("/proc/self/fd/4", b, sizeof(b));
	T(!strncmp(b, "pipe:[", 6));
	R(readlink("/proc/self/fd/77", b, sizeof(b)));
	R(lstat("/proc/self/fd/3", &st));
	OCT(st.st_mode);
	lstat("/proc/self/fd/4", &st);
	OCT(st.st_mode);
	lstat("/proc/self/fd/5", &st);
	OCT(st.st_mode);
	R(stat("/proc/self/fd/3", &st));
	V(st.st_size);
	R(open("/proc/self/fd/3", O_RDONLY));
	R(lseek(6, 0, SEEK_CUR));
	unlink("f");
	memset(b, 0, sizeof(b));
	readlink("/proc/self/fd/3", b, sizeof(b));
	T(strstr(b, "/f (deleted)") != NULL);
	R(read_all("/proc/self/fdinfo/3", text, sizeof(text)) > 0);
	T(strstr(text, "pos:\t4\n") != NULL);
	T(strstr(text, "flags:\t0102002\n") != NULL);
	R(open("/proc/self/fd/3", O_RDWR | O_TRUNC));
	R(size_of("/proc/self/fd/3"));
	memset(b, 0, sizeof(b));
	readlink("/proc/self/fd/0", b, sizeof(b));
	say("0 is %s", b);
	R(chdir("/proc/self/fd"));
	R(access("3", F_OK));
}

CASE(proc_system)
{
	const char *files[] = {"/proc/version", "/proc/uptime", "/proc/loadavg", "/proc/meminfo",
		"/proc/stat", "/proc/cpuinfo", "/proc/mounts", "/proc/filesystems",
		"/proc/sys/kernel/hostname", "/proc/sys/kernel/osrelease",
		"/proc/sys/vm/overcommit_memory", "/proc/self/mountinfo", "/proc/cmdline",
		"/proc/sys/kernel/pid_max", "/proc/sys/kernel/random/boot_id", "/proc/swaps",
		"/proc/partitions", "/proc/devices", "/proc/interrupts"};

	for (unsigned i = 0; i < COUNT(files); i++) {
		long n = read_all(files[i], text, sizeof(text));

		say("%s: %s", files[i], n > 0 && text[n - 1] == '\n' ? "text" : "none");
	}
	double up, idle;
	read_all("/proc/uptime", text, sizeof(text));
	V(sscanf(text, "%lf %lf", &up, &idle));
	read_all("/proc/loadavg", text, sizeof(text));
	float a, b, c;
	int running, all, last;
	V(sscanf(text, "%f %f %f %d/%d %d", &a, &b, &c, &running, &all, &last));
	read_all("/proc/meminfo", text, sizeof(text));
	T(!strncmp(text, "MemTotal:  ", 11) && strstr(text, "\nMemFree: ") &&
		strstr(text, "\nMemAvailable: ") && strstr(text, "\nBuffers: ") &&
		strstr(text, "\nCached: ") && strstr(text, "\nSwapTotal: "));
	read_all("/proc/stat", text, sizeof(text));
	T(!strncmp(text, "cpu  ", 5) && strstr(text, "\ncpu0 ") && strstr(text, "\nbtime ") &&
		strstr(text, "\nprocesses ") && strstr(text, "\nctxt "));
	read_all("/proc/cpuinfo", text, sizeof(text));
	T(strstr(text, "processor\t: 0") && strstr(text, "\nflags\t\t: "));
	read_all("/proc/filesystems", text, sizeof(text));
	T(strstr(text, "nodev\tproc\n") && strstr(text, "nodev\ttmpfs\n"));
	read_all("/proc/version", text, sizeof(text));
	T(!strncmp(text, "Linux version 6.", 16));
	read_all("/proc/mounts", text, sizeof(text));
	T(strstr(text, " /proc proc rw") != NULL);
	T(strstr(text, " / ext") != NULL);
}
