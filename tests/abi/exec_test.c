/*
 * exec_test.c - execve: arguments, scripts, refusals, what the new program inherits and what not.
 */
#include "abi.h"
#include "helper.h"

#include <elf.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>

#define RUN(...) run(self_path(), (char *[]){"prog", "--helper", __VA_ARGS__, NULL}, NULL)

static void run(const char *path, char **argv, char **envp)
{
	char *empty[] = {NULL};
	pid_t pid = abi_fork();

	if (!pid) {
		execve(path, argv, envp ? envp : empty);
		say("execve: %s", errno_name(errno));
		_exit(1);
	}
	abi_reap("exec", pid);
}

static long try_exec(const char *path)
{
	char *argv[] = {(char *)"x", NULL}, *envp[] = {NULL};

	return execve(path, argv, envp);
}

static void copy_self(const char *to, long limit)
{
	char buffer[65536];
	int from = open(self_path(), O_RDONLY), fd = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);

	for (ssize_t n; limit && (n = read(from, buffer, sizeof(buffer))) > 0;) {
		if (limit > 0 && n > limit)
			n = limit;
		write(fd, buffer, (size_t)n);
		limit -= limit > 0 ? n : 0;
	}
	close(from);
	close(fd);
}

CASE(arguments)
{
	static char *environment[] = {"A=1", "B=", "C", NULL};
	char *argv[] = {"prog", "--helper", "args", "", "two words", "\001\377", NULL};

	run(self_path(), argv, environment);
	run(self_path(), argv, NULL);
	RUN("args");
}

CASE(refusals)
{
	char *argv[] = {"x", NULL}, *bad[] = {BAD_PTR, NULL};

	put("text", "just some text\n");
	chmod("text", 0755);
	put("empty", "");
	chmod("empty", 0755);
	put("plain", "x");
	mkdir("d", 0755);
	symlink("loop", "loop");
	mkfifo("fifo", 0755);
	put("short", "\177ELF");
	chmod("short", 0755);
	R(try_exec("missing"));
	R(try_exec(""));
	R(try_exec("d"));
	R(try_exec("plain"));
	R(try_exec("plain/x"));
	R(try_exec("text"));
	R(try_exec("empty"));
	R(try_exec("short"));
	R(try_exec("loop"));
	R(try_exec("fifo"));
	R(try_exec("/dev/null"));
	R(sc(execve, BAD_PTR, argv, NULL));
	R(sc(execve, self_path(), BAD_PTR, NULL));
	R(sc(execve, self_path(), argv, BAD_PTR));
	R(sc(execve, self_path(), bad, NULL));
	R(sc(execveat, AT_FDCWD, "missing", argv, NULL, 0));
	R(sc(execveat, 99, "x", argv, NULL, 0));
	R(sc(execveat, AT_FDCWD, "text", argv, NULL, 0x4000));
	symlink("text", "link");
	R(sc(execveat, AT_FDCWD, "link", argv, NULL, AT_SYMLINK_NOFOLLOW));
	mkdir("shut", 0700);
	copy_self("shut/prog", -1);
	IN_CHILD
	{
		drop_to(1000, 1000);
		R(try_exec("shut/prog"));
		chmod("text", 0755);
		R(try_exec("text"));
	}
}

static void patched(const char *what, size_t at, const void *bytes, size_t count)
{
	int fd;

	copy_self("prog", -1);
	fd = open("prog", O_RDWR);
	pwrite(fd, bytes, count, (off_t)at);
	close(fd);
	say("%s: %s", what, try_exec("./prog") < 0 ? errno_name(errno) : "?");
}

CASE(bad_elf)
{
	uint16_t machine = 3, type = 77, entry_size = 55, many = 60000, none = 0;

	copy_self("cut", 40);
	R(try_exec("./cut"));
	copy_self("cut", 64);
	R(try_exec("./cut"));
	patched("magic", 0, "\177ELG", 4);
	patched("32 bits and its machine", 18, &machine, 2);
	patched("type", 16, &type, 2);
	patched("size of program headers", 54, &entry_size, 2);
	patched("too many program headers", 56, &many, 2);
	patched("no program headers", 56, &none, 2);
}

CASE(scripts)
{
	char line[400], *argv[] = {"name", "one", "two", NULL};

	snprintf(line, sizeof(line), "#!%s\n", self_path());
	put("plain", line);
	chmod("plain", 0755);
	snprintf(line, sizeof(line), "#!%s --helper\n", self_path());
	put("script", line);
	chmod("script", 0755);
	snprintf(line, sizeof(line), "#! \t %s   --helper \t \nmore", self_path());
	put("spaces", line);
	chmod("spaces", 0755);
	put("none", "#!\n");
	chmod("none", 0755);
	put("blank", "#!   \n");
	chmod("blank", 0755);
	put("missing", "#!/no/such/thing\n");
	chmod("missing", 0755);
	put("unfinished", "#!/bin/sh");
	memset(line, 'a', 300);
	line[0] = '#';
	line[1] = '!';
	line[2] = '/';
	line[300] = 0;
	put("long", line);
	chmod("long", 0755);
	R(try_exec("none"));
	R(try_exec("blank"));
	R(try_exec("missing"));
	R(try_exec("long"));
	run("./script", argv, NULL);
	run("./spaces", argv, NULL);
	put("nested", "#!./script\n");
	chmod("nested", 0755);
	run("./nested", argv, NULL);
	put("loop", "#!./loop\n");
	chmod("loop", 0755);
	run("./loop", argv, NULL);
	for (int i = 0; i < 8; i++) {
		char name[8], text[16];

		snprintf(name, sizeof(name), "s%c", '0' + i);
		if (i)
			snprintf(text, sizeof(text), "#!./s%c\n", '0' + i - 1);
		put(name, i ? text : "#!./script\n");
		chmod(name, 0755);
	}
	run("./s2", argv, NULL);
	run("./s3", argv, NULL);
	run("./s4", argv, NULL);
	run("./s7", argv, NULL);
}

CASE(text_busy)
{
	int fd;
	pid_t pid;
	struct gate ready;

	copy_self("prog", -1);
	fd = open("prog", O_WRONLY);
	R(try_exec("./prog"));
	close(fd);
	gate_init(&ready);
	pid = abi_fork();
	if (!pid) {
		execl("./prog", "prog", "--helper", "wait", NULL);
		_exit(1);
	}
	pause_ms(100);
	wait_blocked(pid);
	R(open("prog", O_WRONLY));
	R(open("prog", O_RDWR | O_TRUNC));
	R(truncate("prog", 0));
	R(open("prog", O_RDONLY));
	R(rename("prog", "other"));
	R(unlink("other"));
	kill(pid, SIGKILL);
	abi_reap("prog", pid);
}

CASE(too_big)
{
	static char huge[140 << 10], *many[40];
	char *argv[3] = {"x", huge, NULL};

	memset(huge, 'x', sizeof(huge) - 1);
	R(sc(execve, self_path(), argv, NULL));
	huge[(128 << 10) - 1] = 0;
	for (int i = 0; i < 39; i++)
		many[i] = huge;
	R(sc(execve, self_path(), many, NULL));
	many[0] = "x";
	many[1] = "--helper";
	many[2] = "count";
	many[10] = NULL;
	run(self_path(), many, NULL);
}

CASE(descriptors)
{
	open("/dev/null", O_RDONLY);
	open("/dev/null", O_RDONLY | O_CLOEXEC);
	open("/dev/null", O_RDONLY);
	fcntl(5, F_SETFD, FD_CLOEXEC);
	dup2(4, 20);
	dup2(3, 200);
	RUN("fds");
}

CASE(signals_after)
{
	sigset_t set;

	ignore_signal(SIGUSR1);
	ignore_signal(SIGCHLD);
	catch_signal(SIGUSR2, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	pid_t pid = abi_fork();
	if (!pid) {
		raise(SIGTERM);
		execl(self_path(), "x", "--helper", "signals", NULL);
		_exit(1);
	}
	abi_reap("exec", pid);
}

CASE(state_after)
{
	stack_t stack = {.ss_sp = malloc(65536), .ss_size = 65536};
	struct itimerval timer = {{0, 0}, {100, 0}};

	sigaltstack(&stack, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	umask(0137);
	mkdir("d", 0755);
	chdir("d");
	prctl(PR_SET_NAME, "before", 0, 0, 0);
	prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
	prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	setpriority(0, 0, 7);
	RUN("state");
	pid_t pid = abi_fork();
	if (!pid) {
		setitimer(ITIMER_REAL, &timer, NULL);
		execl(self_path(), "x", "--helper", "state", NULL);
	}
	abi_reap("exec", pid);
}

CASE(set_id_programs)
{
	copy_self("suid", -1);
	chown("suid", 2000, 3000);
	chmod("suid", 04755);
	copy_self("sgid", -1);
	chown("sgid", 2000, 3000);
	chmod("sgid", 02755);
	copy_self("both", -1);
	chown("both", 0, 0);
	chmod("both", 06755);
	chmod(".", 0755);
	const char *names[] = {"./suid", "./sgid", "./both"};
	for (unsigned i = 0; i < COUNT(names); i++) {
		char *argv[] = {"x", "--helper", "ids", NULL};

		say("%s by root", names[i]);
		run(names[i], argv, NULL);
		IN_CHILD
		{
			say("%s by a user", names[i]);
			drop_to(1000, 1000);
			run(names[i], argv, NULL);
			prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
			run(names[i], argv, NULL);
		}
	}
}

CASE(by_descriptor)
{
	char *argv[] = {"x", "--helper", "exit", "5", NULL}, *envp[] = {NULL};
	int fd = open(self_path(), O_RDONLY | O_CLOEXEC);
	pid_t pid = abi_fork();

	if (!pid) {
		sc(execveat, fd, "", argv, envp, AT_EMPTY_PATH);
		_exit(1);
	}
	abi_reap("execveat", pid);
	R(sc(execveat, fd, "", argv, envp, 0));
	mkdir("d", 0755);
	copy_self("d/prog", -1);
	int dir = open("d", O_RDONLY);
	pid = abi_fork();
	if (!pid) {
		sc(execveat, dir, "prog", argv, envp, 0);
		_exit(1);
	}
	abi_reap("execveat at", pid);
	pid = abi_fork();
	if (!pid) {
		char path[32];

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		execve(path, argv, envp);
		_exit(1);
	}
	abi_reap("by /proc/self/fd", pid);
	put("script", "#!/bin/sh\n");
	chmod("script", 0755);
	fd = open("script", O_RDONLY | O_CLOEXEC);
	R(sc(execveat, fd, "", argv, envp, AT_EMPTY_PATH));
}

CASE(auxiliary_vector)
{
	RUN("auxv");
}

CASE(null_arguments)
{
	pid_t pid = abi_fork();

	if (!pid) {
		sc(execve, self_path(), NULL, NULL);
		_exit(1);
	}
	int status;
	waitpid(pid, &status, 0);
	show_status("without arguments", status);
}

/* A whole program: it exits with 1 unless every register but rsp is 0 at its entry. */
__asm__(".pushsection .rodata\n"
	"check_registers: or %rbx, %rax; or %rcx, %rax; or %rdx, %rax; or %rsi, %rax\n"
	"or %rdi, %rax; or %rbp, %rax; or %r8, %rax; or %r9, %rax; or %r10, %rax; or %r11, %rax\n"
	"or %r12, %rax; or %r13, %rax; or %r14, %rax; or %r15, %rax\n"
	"xor %edi, %edi; test %rax, %rax; setne %dil\n"
	"test $15, %rsp; jz 1f; or $2, %edi\n"
	"1: mov $231, %eax; syscall\n"
	"check_registers_end: .popsection\n");
extern const char check_registers[], check_registers_end[];

CASE(registers_at_entry)
{
	struct {
		Elf64_Ehdr head;
		Elf64_Phdr load;
		char code[128];
	} image = {.head = {.e_ident = "\177ELF\2\1\1",
			   .e_type = ET_EXEC,
			   .e_machine = EM_X86_64,
			   .e_version = 1,
			   .e_entry = 0x400000 + sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr),
			   .e_phoff = sizeof(Elf64_Ehdr),
			   .e_ehsize = sizeof(Elf64_Ehdr),
			   .e_phentsize = sizeof(Elf64_Phdr),
			   .e_phnum = 1},
		.load = {.p_type = PT_LOAD,
			.p_flags = PF_R | PF_X,
			.p_vaddr = 0x400000,
			.p_paddr = 0x400000,
			.p_filesz = sizeof(image),
			.p_memsz = sizeof(image),
			.p_align = 4096}};
	char *argv[] = {"x", NULL};

	memcpy(image.code, check_registers, (size_t)(check_registers_end - check_registers));
	int fd = open("tiny", O_WRONLY | O_CREAT, 0755);
	R(write(fd, &image, sizeof(image)) == sizeof(image));
	close(fd);
	run("./tiny", argv, NULL);
}

#define PLACES_FD 100

/* Where stack, mappings, heap and vDSO are, for the parent to compare. */
static void tell_places(void)
{
	char here;
	uintptr_t places[4] = {(uintptr_t)&here,
		(uintptr_t)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
		(uintptr_t)sc(brk, 0), getauxval(AT_SYSINFO_EHDR)};

	write(PLACES_FD, places, sizeof(places));
}

CASE(places_differ)
{
	const char *names[] = {"stack", "mappings", "heap", "vDSO"};
	uintptr_t places[2][4];
	int p[2];

	pipe(p);
	dup2(p[1], PLACES_FD);
	for (int i = 0; i < 2; i++) {
		RUN("places");
		R(read(p[0], places[i], sizeof(places[i])));
	}
	for (int i = 0; i < 4; i++)
		say("%s: %s", names[i], places[0][i] == places[1][i] ? "same" : "elsewhere");
}

static void show_signals(void)
{
	sigset_t set;

	for (int number = 1; number < 65; number++) {
		struct sigaction action;

		if (number == 32 || number == 33 || number == 34)
			continue;
		sigaction(number, NULL, &action);
		if (action.sa_handler != SIG_DFL)
			say("%s: %s", signal_name(number),
				action.sa_handler == SIG_IGN ? "ignored" : "a handler");
	}
	sigprocmask(SIG_SETMASK, NULL, &set);
	for (int number = 1; number < 65; number++)
		if (sigismember(&set, number) > 0)
			say("%s: blocked", signal_name(number));
	sigpending(&set);
	for (int number = 1; number < 65; number++)
		if (sigismember(&set, number) > 0)
			say("%s: pending", signal_name(number));
}

static void show_state(void)
{
	stack_t stack;
	struct itimerval timer;
	char name[16] = {0}, cwd[PATH_MAX];
	int value = -1;

	sigaltstack(NULL, &stack);
	say("altstack flags %d", stack.ss_flags);
	getitimer(ITIMER_REAL, &timer);
	say("timer %s", timer.it_value.tv_sec ? "runs" : "off");
	say("umask %o", umask(0));
	say("cwd %s", getcwd(cwd, sizeof(cwd)) ? strrchr(cwd, '/') : "?");
	prctl(PR_GET_NAME, name, 0, 0, 0);
	say("name %s", name);
	prctl(PR_GET_PDEATHSIG, &value, 0, 0, 0);
	say("death signal %d keepcaps %d dumpable %d", value, prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0),
		prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
	say("nice %d", getpriority(0, 0));
}

static void show_ids(void)
{
	uid_t r, e, s;

	getresuid(&r, &e, &s);
	say("uids %u %u %u", r, e, s);
	getresgid(&r, &e, &s);
	say("gids %u %u %u", r, e, s);
	say("secure %lu", getauxval(AT_SECURE));
	say("dumpable %d", prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
}

static void show_auxv(void)
{
	unsigned long types[] = {AT_PHDR, AT_PHENT, AT_PHNUM, AT_PAGESZ, AT_ENTRY, AT_UID, AT_EUID,
		AT_GID, AT_EGID, AT_SECURE, AT_RANDOM, AT_EXECFN, AT_PLATFORM, AT_CLKTCK, AT_HWCAP,
		AT_SYSINFO_EHDR, AT_BASE, AT_FLAGS, 27, 28};
	/* the last two: AT_RSEQ_FEATURE_SIZE, AT_RSEQ_ALIGN */

	for (unsigned i = 0; i < COUNT(types); i++) {
		unsigned long value;

		errno = 0;
		value = getauxval(types[i]);
		if (errno)
			say("type %lu: none", types[i]);
		else
			say("type %lu: %s", types[i], value ? "set" : "0");
	}
	say("page %lu phent %lu tick %lu platform %s", getauxval(AT_PAGESZ), getauxval(AT_PHENT),
		getauxval(AT_CLKTCK), (char *)getauxval(AT_PLATFORM));
	say("rseq: %lu bytes, aligned to %lu", getauxval(27), getauxval(28));
	say("execfn is the path %d", !strcmp((char *)getauxval(AT_EXECFN), self_path()));
}

extern char **environ;

int abi_helper(int argc, char **argv)
{
	if (!strcmp(argv[0], "exit") && argc > 1)
		return atoi(argv[1]);
	if (!strcmp(argv[0], "wait"))
		for (;;)
			pause();
	if (!strcmp(argv[0], "fds"))
		show_open_fds();
	else if (!strcmp(argv[0], "signals"))
		show_signals();
	else if (!strcmp(argv[0], "state"))
		show_state();
	else if (!strcmp(argv[0], "ids"))
		show_ids();
	else if (!strcmp(argv[0], "auxv"))
		show_auxv();
	else if (!strcmp(argv[0], "places"))
		tell_places();
	else if (!strcmp(argv[0], "count"))
		say("%d arguments, the last %zu bytes", argc, strlen(argv[argc - 1]));
	else
		for (int i = 0; i < argc; i++)
			show_bytes("argument", argv[i], (long)strlen(argv[i]));
	for (char **e = environ; *e; e++)
		say("environment %s", *e);
	return 0;
}
