/*
 * known_test.c - what Ambit is known not to do as Linux does; differences.txt names each case and
 * says why.
 */
#include "abi.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>

static int leave(void *arg)
{
	(void)arg;
	return 6;
}

CASE(signal_actions_shared_between_processes)
{
	static char stack[65536] __attribute__((aligned(16)));
	int status = 0;
	pid_t pid = clone(leave, stack + sizeof(stack), CLONE_SIGHAND | CLONE_VM | SIGCHLD, NULL);

	T(pid > 0);
	if (pid > 0)
		R(waitpid(pid, &status, __WALL) == pid);
	V(status);
}

CASE(calls_of_32_bit_programs)
{
	IN_CHILD
	{
		__asm__ volatile("int $0x80" ::"a"(20) : "memory");
	}
}

CASE(memfd_seals)
{
	R(sc(memfd_create, "s", 2));
	R(fcntl(3, F_GET_SEALS));
	R(write(3, "data", 4));
	R(fcntl(3, F_ADD_SEALS, F_SEAL_SHRINK));
	R(ftruncate(3, 0));
	R(fcntl(3, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_WRITE));
	R(write(3, "x", 1));
	R(fcntl(3, F_ADD_SEALS, F_SEAL_SEAL));
	R(fcntl(3, F_GET_SEALS));
}

CASE(append_flag_of_pwritev2)
{
	struct iovec v = {"abc", 3};

	R(open("f", O_RDWR | O_CREAT, 0644));
	R(sc(pwritev2, 3, &v, 1, 0, 0, 0x10));
}
