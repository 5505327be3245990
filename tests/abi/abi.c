/*
 * abi.c - runs the cases of an ABI test program one after the other; see abi.h.
 *
 *   PROGRAM --kind=disk|tmpfs [--list] [PART-OF-A-NAME]   in a directory of its own
 *   PROGRAM --helper WHAT ...   what a case executes; its lines say `helper` for the case
 *
 * The parent collects each case's output through a pipe, so that a case that hangs, crashes or
 * closes everything still ends with a line that says so: `end`, `signal NAME` or `timeout`.
 */
#include "abi.h"
#include "more.h"

#include <dirent.h>
#include <grp.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

#define CASES_MAX    256
#define LIMIT_MS     60000
#define FD_LIMIT     512
#define CAP_RESOURCE 24
#define CAP_LAST     40

static struct {
	const char *name;
	void (*run)(void);
	const char *kind;
} cases[CASES_MAX];
static unsigned case_count;
static const char *current = "helper", *kind = "disk";
static char program[64];
static char self[PATH_MAX];

/* Takes the program's name from its source file: a copy under another name prints the same. */
static void name_program(const char *file)
{
	const char *base = strrchr(file, '/') ? strrchr(file, '/') + 1 : file;

	snprintf(program, sizeof(program), "%.*s", (int)strcspn(base, "."), base);
}

void abi_register(const char *name, void (*run)(void), const char *only, const char *file)
{
	name_program(file);
	if (case_count == CASES_MAX)
		abort();
	cases[case_count].name = name;
	cases[case_count].kind = only;
	cases[case_count++].run = run;
}

void say(const char *format, ...)
{
	char line[4096];
	int saved = errno;
	int n = snprintf(line, sizeof(line), "%s.%s: ", program, current);
	va_list args;

	va_start(args, format);
	n += vsnprintf(line + n, sizeof(line) - (size_t)n - 1, format, args);
	va_end(args);
	if (n > (int)sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	if (write(1, line, (size_t)n) != n)
		_exit(99);
	errno = saved;
}

long abi_result(const char *what, long result)
{
	if (result == -1 && errno)
		say("%s = -1 %s", what, errno_name(errno));
	else
		say("%s = %ld", what, result);
	return result;
}

long abi_ok(const char *what, long result)
{
	if (result == -1 && errno)
		say("%s = -1 %s", what, errno_name(errno));
	else
		say("%s: ok", what);
	return result;
}

void show_status(const char *what, int status)
{
	if (WIFEXITED(status))
		say("%s: exit %d", what, WEXITSTATUS(status));
	else if (WIFSTOPPED(status))
		say("%s: stopped %s", what, signal_name(WSTOPSIG(status)));
	else if (WIFCONTINUED(status))
		say("%s: continued", what);
	else
		say("%s: signal %s", what, signal_name(WTERMSIG(status)));
}

pid_t abi_fork(void)
{
	pid_t pid = fork();

	if (pid < 0) {
		say("fork: %s", errno_name(errno));
		_exit(98);
	}
	return pid;
}

void abi_reap(const char *what, pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR) {
			say("%s: wait: %s", what, errno_name(errno));
			return;
		}
	show_status(what, status);
}

const char *self_path(void)
{
	return self;
}

/* Setting up. */

static void set_limit(int which, rlim_t soft, rlim_t hard)
{
	struct rlimit limit = {.rlim_cur = soft, .rlim_max = hard};

	setrlimit(which, &limit);
}

/* What a host's administrator may have set must not show. */
static void set_environment(void)
{
	umask(022);
	clearenv();
	set_limit(RLIMIT_NOFILE, FD_LIMIT, FD_LIMIT);
	set_limit(RLIMIT_CORE, 0, 0);
	set_limit(RLIMIT_STACK, 8 << 20, 64 << 20);
	set_limit(RLIMIT_NPROC, 4096, 4096);
	set_limit(RLIMIT_SIGPENDING, 4096, 4096);
	set_limit(RLIMIT_MEMLOCK, 8 << 20, 8 << 20);
	set_limit(RLIMIT_NICE, 0, 0);
	set_limit(RLIMIT_RTPRIO, 0, 0);
	setgroups(0, NULL);
	drop_resource_capability();
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	for (int number = 1; number < 65; number++) {
		unsigned long action[4] = {
			0}; /* the kernel's form: the C library keeps 32 to 34 from us */

		syscall(SYS_rt_sigaction, number, action, NULL, 8);
	}
	ignore_signal(SIGPIPE);
}

static void remove_tree(const char *path)
{
	DIR *dir;
	struct dirent *entry;

	if (unlink(path) == 0 || rmdir(path) == 0)
		return;
	if (errno == EBUSY && umount2(path, MNT_DETACH) == 0 && rmdir(path) == 0)
		return; /* a case ended before it took its mount away */
	dir = opendir(path);
	if (!dir)
		return;
	while ((entry = readdir(dir)) != NULL) {
		char name[PATH_MAX];

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		remove_tree(name);
	}
	closedir(dir);
	rmdir(path);
}

static void run_case(unsigned index, int out)
{
	sigset_t none;

	setsid();
	dup2(out, 1);
	dup2(out, 2);
	close(0);
	open("/dev/null", O_RDONLY);
	sc(close_range, 3, ~0u, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	default_signal(SIGPIPE);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	current = cases[index].name;
	mkdir(current, 0755);
	if (chdir(current) < 0) {
		say("no directory: %s", errno_name(errno));
		_exit(97);
	}
	cases[index].run();
	_exit(0);
}

/* Passes on what arrives; true when the writers are gone, false after the time. */
static bool copy_output(int from, long until)
{
	char buffer[8192];

	for (;;) {
		struct pollfd ready = {.fd = from, .events = POLLIN};
		long left = until - now_ms();
		ssize_t n;

		if (left <= 0 || poll(&ready, 1, (int)left) == 0)
			return false;
		n = read(from, buffer, sizeof(buffer));
		if (n <= 0)
			return true;
		for (ssize_t done = 0, w; done < n; done += w) {
			w = write(1, buffer + done, (size_t)(n - done));
			if (w <= 0)
				_exit(96);
		}
	}
}

/* Waits a while for one process; true when it was reaped. */
static bool reap_within(pid_t pid, int *status, long ms)
{
	for (long end = now_ms() + ms;; pause_ms(5)) {
		if (waitpid(pid, status, WNOHANG) == pid)
			return true;
		if (now_ms() > end)
			return false;
	}
}

static void supervise(unsigned index)
{
	int out[2], status = 0;
	bool done;
	pid_t pid;

	current = cases[index].name;
	remove_tree(current);
	if (pipe2(out, O_CLOEXEC) < 0 || (pid = fork()) < 0) {
		say("cannot start: %s", errno_name(errno));
		return;
	}
	if (pid == 0)
		run_case(index, out[1]);
	close(out[1]);
	done = copy_output(out[0], now_ms() + LIMIT_MS);
	if (!done || !reap_within(pid, &status, 5000)) {
		kill(-pid, SIGKILL);
		kill(pid, SIGKILL);
		if (!reap_within(pid, &status, 5000))
			say("cannot be killed");
		copy_output(out[0], now_ms() + 500);
		say("timeout");
	} else if (WIFSIGNALED(status)) {
		say("signal %s", signal_name(WTERMSIG(status)));
	} else {
		say("end %d", WEXITSTATUS(status));
	}
	kill(-pid, SIGKILL);
	close(out[0]);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	remove_tree(current);
}

int main(int argc, char **argv)
{
	const char *part = "";
	bool list = false;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n > 0)
		self[n] = 0;
	if (argc < 1 || !argv[0][0])
		return 93;
	if (argc > 2 && !strcmp(argv[1], "--helper"))
		return abi_helper(argc - 2, argv + 2);
	for (int i = 1; i < argc; i++) {
		if (!strncmp(argv[i], "--kind=", 7))
			kind = argv[i] + 7;
		else if (!strcmp(argv[i], "--list"))
			list = true;
		else
			part = argv[i];
	}
	if (!list)
		set_environment();
	for (unsigned i = 0; i < case_count; i++) {
		if (!strstr(cases[i].name, part) || (cases[i].kind && strcmp(cases[i].kind, kind)))
			continue;
		if (list)
			puts(cases[i].name);
		else
			supervise(i);
	}
	return 0;
}
