/*
 * foreign_test.c - looking into another process: process_vm_readv(2), process_vm_writev(2),
 * kcmp(2); and ustat(2), into a file system.
 */
#include "abi.h"

#include <linux/kcmp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>

#define GONE 99999999
#define PAGE 4096ul

static char there[100] = "what the child has";
static char here[100];
static struct gate forever;

/* A child with a memory of its own that waits until it is killed. */
static pid_t start(void (*prepare)(void))
{
	struct gate ready;
	pid_t pid;

	gate_init(&ready);
	gate_init(&forever);
	pid = abi_fork();
	if (!pid) {
		prepare();
		gate_open(&ready);
		gate_wait(&forever);
		say("the child's: %s", there);
		_exit(0);
	}
	gate_wait(&ready);
	return pid;
}

static void plain(void)
{
	strcpy(there, "a text that only the child has");
}

CASE(reading)
{
	struct iovec local = {here, 31}, remote = {there, 31};
	struct iovec locals[3] = {{here, 2}, {here + 50, 0}, {here + 60, 20}};
	struct iovec remotes[3] = {{there + 2, 5}, {there, 0}, {there + 10, 100}};
	pid_t pid = start(plain);

	R(sc(process_vm_readv, pid, &local, 1, &remote, 1, 0));
	say("%s", here);
	R(sc(process_vm_readv, getpid(), &local, 1, &remote, 1, 0));
	say("%s", here);
	R(sc(process_vm_readv, pid, locals, 3, remotes, 2, 0));
	say("%.2s|%.20s", here, here + 60);
	R(sc(process_vm_readv, pid, locals, 3, remotes, 3, 0));
	show_bytes("the second", here + 60, 20);
	gate_open(&forever);
	abi_reap("the child", pid);
}

CASE(writing)
{
	struct iovec local = {"written by the parent", 22}, remote = {there, 22};
	pid_t pid = start(plain);

	R(sc(process_vm_writev, pid, &local, 1, &remote, 1, 0));
	say("%s", there);
	remote = (struct iovec){"constant text", 5};
	R(sc(process_vm_writev, pid, &local, 1, &remote, 1, 0));
	remote = (struct iovec){(void *)(uintptr_t)abi_fork, 5};
	R(sc(process_vm_writev, pid, &local, 1, &remote, 1, 0));
	gate_open(&forever);
	abi_reap("the child", pid);
}

static char *pages;

static void cut(void)
{
	memset(pages, 'p', 3 * PAGE);
	munmap(pages + PAGE, PAGE);
	mprotect(pages + 2 * PAGE, PAGE, PROT_NONE);
}

/* As far as both sides can be reached. */
CASE(partly)
{
	static char buffer[4 * PAGE];
	struct iovec local = {buffer, sizeof(buffer)}, remote, two[2];
	char *gap = mmap(NULL, 2 * PAGE, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	munmap(gap + PAGE, PAGE);
	pages = mmap(NULL, 3 * PAGE, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid = start(cut);
	remote = (struct iovec){pages + 100, 2 * PAGE};
	R(sc(process_vm_readv, pid, &local, 1, &remote, 1, 0));
	R(sc(process_vm_writev, pid, &local, 1, &remote, 1, 0));
	remote = (struct iovec){pages + PAGE, 1};
	R(sc(process_vm_readv, pid, &local, 1, &remote, 1, 0));
	remote = (struct iovec){pages + 2 * PAGE, 1};
	R(sc(process_vm_readv, pid, &local, 1, &remote, 1, 0));
	remote = (struct iovec){KERNEL_PTR, 8};
	R(sc(process_vm_readv, pid, &local, 1, &remote, 1, 0));
	two[0] = (struct iovec){pages, 10};
	two[1] = (struct iovec){BAD_PTR, 10};
	R(sc(process_vm_readv, pid, &local, 1, two, 2, 0));
	two[0] = (struct iovec){buffer, 10};
	remote = (struct iovec){pages, 20};
	R(sc(process_vm_readv, pid, two, 2, &remote, 1, 0));
	local = (struct iovec){gap + PAGE - 10, 20};
	R(sc(process_vm_readv, pid, &local, 1, &remote, 1, 0));
	R(sc(process_vm_writev, pid, &local, 1, &remote, 1, 0));
	local = (struct iovec){BAD_PTR, 20};
	R(sc(process_vm_readv, pid, &local, 1, &remote, 1, 0));
	R(sc(process_vm_writev, pid, &local, 1, &remote, 1, 0));
	kill(pid, SIGKILL);
	abi_reap("the child", pid);
}

CASE(refused)
{
	struct iovec local = {here, 10}, remote = {there, 10}, none = {there, 0};
	struct iovec negative = {there, (size_t)-1}, far = {KERNEL_PTR, 10};
	pid_t pid = start(plain);

	R(sc(process_vm_readv, pid, &local, 1, &remote, 1, 1));
	R(sc(process_vm_writev, pid, BAD_PTR, 1, &remote, 1, 1));
	R(sc(process_vm_readv, pid, BAD_PTR, 1, &remote, 1, 0));
	R(sc(process_vm_readv, pid, &local, 1, BAD_PTR, 1, 0));
	R(sc(process_vm_readv, pid, &local, 1025, &remote, 1, 0));
	R(sc(process_vm_readv, pid, &local, 1, &remote, 1025, 0));
	R(sc(process_vm_readv, pid, &local, -1, &remote, 1, 0));
	R(sc(process_vm_readv, pid, &local, 0, &remote, 1, 0));
	R(sc(process_vm_readv, pid, &local, 0, BAD_PTR, 1, 0));
	R(sc(process_vm_readv, pid, &local, 1, &remote, 0, 0));
	R(sc(process_vm_readv, pid, &negative, 1, &remote, 1, 0));
	R(sc(process_vm_readv, pid, &local, 1, &negative, 1, 0));
	R(sc(process_vm_readv, pid, &far, 1, &remote, 1, 0));
	R(sc(process_vm_readv, pid, &local, 1, &far, 1, 0));
	R(sc(process_vm_readv, GONE, &local, 1, &remote, 1, 0));
	R(sc(process_vm_readv, 0, &local, 1, &remote, 1, 0));
	R(sc(process_vm_readv, -1, &local, 1, &remote, 1, 0));
	R(sc(process_vm_readv, GONE, &local, 1, &none, 1, 0));
	R(sc(process_vm_readv, GONE, &none, 1, &remote, 1, 0));
	R(sc(process_vm_writev, GONE, &local, 1, &remote, 1, 0));
	kill(pid, SIGKILL);
	wait_state(pid, "Z");
	R(sc(process_vm_readv, pid, &local, 1, &remote, 1, 0));
	abi_reap("the child", pid);
	R(sc(process_vm_readv, pid, &local, 1, &remote, 1, 0));
}

static void become_1001(void)
{
	drop_to(1001, 1001);
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static void become_1000(void)
{
	drop_to(1000, 1000);
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static void become_1000_of_1001(void)
{
	drop_to(1000, 1001);
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static void hidden(void)
{
	drop_to(1000, 1000);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* From a process of user and group 1000. */
static void look_as_1000(const char *what, void (*prepare)(void))
{
	struct iovec local = {here, 10}, remote = {there, 10};
	pid_t pid;

	say("%s", what);
	IN_CHILD
	{
		pid = start(prepare);
		setgid(1000);
		setuid(1000);
		R(sc(process_vm_readv, pid, &local, 1, &remote, 1, 0));
		R(sc(process_vm_writev, pid, &local, 1, &remote, 1, 0));
		R(sc(kcmp, getpid(), pid, KCMP_VM, 0, 0) > 0);
		R(sc(kcmp, pid, getpid(), KCMP_FILE, 0, 0));
		R(sc(process_vm_readv, 1, &local, 1, &remote, 1, 0));
		R(sc(kcmp, getpid(), 1, KCMP_VM, 0, 0));
		gate_open(&forever);
		waitpid(pid, NULL, 0);
	}
}

CASE(permission)
{
	look_as_1000("root", plain);
	look_as_1000("another user", become_1001);
	look_as_1000("another group", become_1000_of_1001);
	look_as_1000("the same user", become_1000);
	look_as_1000("the same user, not dumpable", hidden);
}

CASE(comparing)
{
	int copy, other;
	pid_t pid;

	put("f", "x");
	pid = start(plain);
	copy = dup(0);
	other = open("f", O_RDONLY);
	for (int what = KCMP_VM; what <= KCMP_SIGHAND; what++) {
		say("resource %d", what);
		R(sc(kcmp, getpid(), getpid(), what, 0, 0));
		T(sc(kcmp, getpid(), pid, what, 0, 0) > 0);
	}
	R(sc(kcmp, getpid(), pid, KCMP_SYSVSEM, 0, 0));
	R(sc(kcmp, getpid(), getpid(), KCMP_FILE, 0, copy));
	R(sc(kcmp, getpid(), pid, KCMP_FILE, 0, 0));
	R(sc(kcmp, getpid(), pid, KCMP_FILE, copy, 0));
	T(sc(kcmp, getpid(), pid, KCMP_FILE, other, 0) > 0);
	T(sc(kcmp, getpid(), pid, KCMP_FILE, other, 0) +
			sc(kcmp, pid, getpid(), KCMP_FILE, 0, other) ==
		3);
	R(sc(kcmp, getpid(), pid, KCMP_FILE, 99, 0));
	R(sc(kcmp, getpid(), pid, KCMP_FILE, 0, 99));
	R(sc(kcmp, getpid(), pid, KCMP_FILE, -1, 0));
	R(sc(kcmp, getpid(), pid, 99, 0, 0));
	R(sc(kcmp, getpid(), pid, -1, 0, 0));
	R(sc(kcmp, GONE, pid, KCMP_VM, 0, 0));
	R(sc(kcmp, pid, GONE, KCMP_VM, 0, 0));
	R(sc(kcmp, pid, GONE, 99, 0, 0));
	kill(pid, SIGKILL);
	abi_reap("the child", pid);
}

CASE(ustat)
{
	struct {
		int free;
		unsigned long inodes;
		char name[6], pack[6];
	} u;
	struct stat st;

	memset(&u, 'x', sizeof(u));
	stat(".", &st);
	R(sc(ustat, st.st_dev, &u));
	T(u.free != 0x78787878);
	T(!u.name[0] && !u.pack[0]);
	R(sc(ustat, st.st_dev, BAD_PTR));
	R(sc(ustat, 0xffffffffu, &u));
	R(sc(ustat, 0xffffffffu, BAD_PTR));
	R(sc(ustat, 0, &u));
}
