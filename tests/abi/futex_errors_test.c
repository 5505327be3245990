/*
 * futex_errors_test.c - what futex(2) refuses, operation by operation, and how its waits end.
 */
#include "abi.h"

#include <linux/futex.h>
#include <sys/mman.h>
#include <time.h>

static uint32_t word, other_word;
static struct timespec none, hour = {3600, 0}, bad = {0, 1000000000}, negative = {-1, 0};

/* @timeout: of some operations it is a number. */
static long futex(void *at, int op, int value, const void *timeout, void *second, uint32_t third)
{
	return sc(futex, at, op, value, timeout, second, third);
}

CASE(every_operation_on_bad_words)
{
	static const int ops[] = {FUTEX_WAIT, FUTEX_WAKE, FUTEX_REQUEUE, FUTEX_CMP_REQUEUE,
		FUTEX_WAKE_OP, FUTEX_LOCK_PI, FUTEX_UNLOCK_PI, FUTEX_TRYLOCK_PI, FUTEX_WAIT_BITSET,
		FUTEX_WAKE_BITSET};
	static char odd[8];

	for (unsigned i = 0; i < COUNT(ops); i++)
		for (int private = 0; private < 2; private ++) {
			int op = ops[i] | (private ? FUTEX_PRIVATE_FLAG : 0);

			say("operation %d%s", ops[i], private ? ", private" : "");
			R(futex(odd + 1, op, 1, NULL, &other_word, -1));
			R(futex(KERNEL_PTR, op, 1, NULL, &other_word, -1));
			if (ops[i] != FUTEX_WAKE && ops[i] != FUTEX_WAKE_BITSET &&
				ops[i] != FUTEX_REQUEUE)
				R(futex(BAD_PTR, op, 1, NULL, &other_word, -1));
		}
	R(futex(BAD_PTR, FUTEX_WAKE, 1, NULL, NULL, 0));
	R(futex(BAD_PTR, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0));
}

CASE(unknown_operations)
{
	R(futex(&word, 2, 1, NULL, NULL, 0)); /* FUTEX_FD */
	R(futex(&word, 14, 1, NULL, NULL, 0));
	R(futex(&word, 127, 1, NULL, NULL, 0));
	R(futex(&word, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 1, NULL, NULL, 0));
	R(futex(&word, FUTEX_REQUEUE | FUTEX_CLOCK_REALTIME, 1, 0, &other_word, 0));
	R(futex(&word, FUTEX_TRYLOCK_PI | FUTEX_CLOCK_REALTIME, 1, 0, &other_word, 0));
	R(futex(BAD_PTR, 14, 1, NULL, NULL, 0));
}

CASE(waiting)
{
	word = 5;
	R(futex(&word, FUTEX_WAIT, 4, NULL, NULL, 0));
	R(futex(&word, FUTEX_WAIT, 4, BAD_PTR, NULL, 0));
	R(futex(&word, FUTEX_WAIT, 4, &bad, NULL, 0));
	R(futex(&word, FUTEX_WAIT, 5, &bad, NULL, 0));
	R(futex(&word, FUTEX_WAIT, 5, &negative, NULL, 0));
	R(futex(&word, FUTEX_WAIT, 5, &none, NULL, 0));
	R(futex(&word, FUTEX_WAIT_BITSET, 5, &none, NULL, 1));
	R(futex(&word, FUTEX_WAIT_BITSET, 5, NULL, NULL, 0));
	R(futex(&word, FUTEX_WAIT_BITSET, 4, NULL, NULL, 1));
	R(futex(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 5, &none, NULL, 1));
	R(futex(&word, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0));
	R(futex(&word, FUTEX_WAKE_BITSET, 1, NULL, NULL, 1));
	R(futex(&word, FUTEX_WAKE, -1, NULL, NULL, 0));
}

CASE(requeueing)
{
	word = 5;
	R(futex(&word, FUTEX_REQUEUE, -1, 0, &other_word, 0));
	R(futex(&word, FUTEX_REQUEUE, 0, (void *)-1l, &other_word, 0));
	R(futex(&word, FUTEX_CMP_REQUEUE, 0, (void *)1, &other_word, 4));
	R(futex(&word, FUTEX_CMP_REQUEUE, 0, (void *)1, &other_word, 5));
	R(futex(&word, FUTEX_CMP_REQUEUE, -1, (void *)1, &other_word, 5));
	R(futex(&word, FUTEX_CMP_REQUEUE, 0, (void *)1, (char *)&other_word + 1, 5));
	R(futex(&word, FUTEX_CMP_REQUEUE, 0, (void *)1, KERNEL_PTR, 5));
	R(futex(&word, FUTEX_WAKE_OP, 0, 0, KERNEL_PTR, 0));
	R(futex(&word, FUTEX_WAKE_OP, 0, 0, (char *)&other_word + 1, 0));
	R(futex(&word, FUTEX_WAKE_OP, 0, 0, &other_word,
		FUTEX_OP(FUTEX_OP_SET, 7, FUTEX_OP_CMP_EQ, 0)));
	V(other_word);
	R(futex(&word, FUTEX_WAKE_OP, 0, 0, &other_word, FUTEX_OP(5, 7, FUTEX_OP_CMP_EQ, 0)));
	R(futex(&word, FUTEX_WAKE_OP, 0, 0, &other_word, FUTEX_OP(FUTEX_OP_ADD, 7, 6, 0)));
	V(other_word);
}

CASE(locks)
{
	uint32_t own = (uint32_t)syscall(SYS_gettid);

	word = own;
	R(futex(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	R(futex(&word, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0));
	R(futex(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	V(word);
	R(futex(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	word = 1;
	R(futex(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	word = 99999999 & FUTEX_TID_MASK;
	R(futex(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	R(futex(&word, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0));
	R(futex(&word, FUTEX_LOCK_PI, 0, &bad, NULL, 0));
	R(futex(&word, FUTEX_LOCK_PI, 0, BAD_PTR, NULL, 0));
	word = 0;
	R(futex(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	T(word == own);
	R(futex(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
}

/* A lock that a process holds which does not let go of it in time. */
CASE(locks_in_time)
{
	uint32_t *shared = mmap(NULL, 4096, 3, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct timespec now;
	struct gate held, end;
	pid_t pid;

	gate_init(&held);
	gate_init(&end);
	pid = abi_fork();
	if (!pid) {
		R(futex(shared, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
		gate_open(&held);
		gate_wait(&end);
		R(futex(shared, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
		_exit(0);
	}
	gate_wait(&held);
	clock_gettime(CLOCK_REALTIME, &now);
	R(futex(shared, FUTEX_LOCK_PI, 0, &now, NULL, 0));
	R(futex(shared, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0));
	R(futex(shared, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	gate_open(&end);
	abi_reap("the owner", pid);
	T(*shared == 0);
}

CASE(interrupted)
{
	uint32_t *shared = mmap(NULL, 4096, 3, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	pid = abi_fork();
	if (!pid) {
		catch_signal(SIGUSR1, 0);
		R(futex(shared, FUTEX_WAIT, 0, NULL, NULL, 0));
		_exit(0);
	}
	wait_blocked(pid);
	kill(pid, SIGUSR1);
	abi_reap("waiter", pid);
	pid = abi_fork();
	if (!pid) {
		catch_signal(SIGUSR1, SA_RESTART);
		R(futex(shared, FUTEX_WAIT, 0, &hour, NULL, 0));
		_exit(0);
	}
	wait_blocked(pid);
	kill(pid, SIGUSR1);
	abi_reap("waiter", pid);
}

/* Shared futexes need memory that can be read: what cannot be is refused. */
CASE(memory)
{
	char *at = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *read_only = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	R(futex(at, FUTEX_WAIT, 0, &none, NULL, 0));
	R(futex(at, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, &none, NULL, 0));
	R(futex(at, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	R(futex(read_only, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, &none, NULL, 0));
	R(futex(read_only, FUTEX_LOCK_PI | FUTEX_PRIVATE_FLAG, 0, NULL, NULL, 0));
	R(futex(&word, FUTEX_WAKE_OP, 0, 0, read_only,
		FUTEX_OP(FUTEX_OP_SET, 7, FUTEX_OP_CMP_EQ, 0)));
}
