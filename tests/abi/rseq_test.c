/*
 * rseq_test.c - restartable sequences, rseq(2): what registering refuses, the numbers in the area,
 * critical sections that a signal or the loss of the CPU aborts, and those that are malformed.
 */
#include "abi.h"
#include "helper.h"

#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>

#define SIGNATURE  0x53053053u
#define UNREGISTER 1

static long rseq(void *area, unsigned size, unsigned flags, unsigned signature)
{
	return sc(rseq, area, size, flags, signature);
}

struct area {
	uint32_t cpu_id_start, cpu_id;
	uint64_t rseq_cs;
	uint32_t flags, node_id, mm_cid, unused;
	uint8_t more[32];
} __attribute__((aligned(64)));

struct section {
	uint32_t version, flags;
	uint64_t start_ip, post_commit_offset, abort_ip;
} __attribute__((aligned(32)));

static struct area area;

static void show_area(const struct area *a)
{
	say("start %d, cpu %d, section %d, flags %u, node %u, mm_cid %d", (int)a->cpu_id_start,
		(int)a->cpu_id, a->rseq_cs != 0, a->flags, a->node_id, (int)a->mm_cid);
}

static void use_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	R(sched_setaffinity(0, sizeof(set), &set));
}

CASE(registering)
{
	struct area other = {0};
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	R(rseq(&area, 31, 0, SIGNATURE));
	R(rseq(&area, 0, 0, SIGNATURE));
	R(rseq((char *)&area + 8, 32, 0, SIGNATURE));
	R(rseq((char *)&area + 16, 33, 0, SIGNATURE));
	R(rseq(&area, 32, 2, SIGNATURE));
	R(rseq(&area, 32, -1, SIGNATURE));
	R(rseq(KERNEL_PTR, 32, 0, SIGNATURE));
	R(rseq(&area, 32, UNREGISTER, SIGNATURE));
	R(rseq(NULL, 0, UNREGISTER, 0));
	R(rseq(&area, 32, 0, SIGNATURE));
	R(rseq(&area, 32, 0, SIGNATURE));
	R(rseq(&area, 32, 0, SIGNATURE + 1));
	R(rseq(&area, 64, 0, SIGNATURE));
	R(rseq(&other, 32, 0, SIGNATURE));
	R(rseq(&other, 32, 0, SIGNATURE + 1));
	R(rseq(&other, 32, UNREGISTER, SIGNATURE));
	R(rseq(&area, 64, UNREGISTER, SIGNATURE));
	R(rseq(&area, 32, UNREGISTER, SIGNATURE + 1));
	R(rseq(&area, 32, UNREGISTER | 2, SIGNATURE));
	R(rseq(&area, 32, UNREGISTER, SIGNATURE));
	R(rseq(&area, 32, UNREGISTER, SIGNATURE));
	R(rseq(&area, 33, 0, SIGNATURE));
	R(rseq(&area, 33, UNREGISTER, SIGNATURE));
	R(rseq((char *)&area + 32, 64, 0, 0));
	R(rseq((char *)&area + 32, 64, UNREGISTER, 0));
	R(rseq(page, 64, 0, SIGNATURE));
	munmap(page, 8192);
	IN_CHILD sched_yield(); /* nowhere to write the numbers */
}

CASE(registering_where_nothing_is)
{
	IN_CHILD
	{
		R(rseq((void *)0x10000, 32, 0, SIGNATURE));
		say("not reached");
	}
	IN_CHILD
	{
		catch_signal(SIGSEGV, 0);
		rseq((void *)0x10000, 32, 0, SIGNATURE);
		say("not reached, even with a handler");
	}
}

CASE(the_numbers)
{
	memset(&area, 0x55, sizeof(area));
	area.flags = 0;
	area.rseq_cs = 0x1234567; /* from another life */
	use_cpu(1);
	R(rseq(&area, 32, 0, SIGNATURE));
	T(area.cpu_id == 1 && area.cpu_id_start == 1 && area.node_id == 0);
	T(area.mm_cid < 64);
	HEX(area.unused);
	use_cpu(0);
	T(area.cpu_id == 0 && area.cpu_id_start == 0);
	use_cpu(1);
	T(area.cpu_id == 1 && area.cpu_id_start == 1);
	area.cpu_id = 77;
	pause_ms(2);
	V(area.cpu_id);
	V(area.rseq_cs);
	area.flags = 5; /* nobody looks outside of a section */
	pause_ms(2);
	R(rseq(&area, 32, UNREGISTER, SIGNATURE));
	show_area(&area);
	area.cpu_id = 77;
	pause_ms(2);
	V(area.cpu_id);
}

static void *thread(void *unused)
{
	struct area own = {0};

	R(rseq(&area, 32, UNREGISTER, SIGNATURE));
	R(rseq(&own, 32, 0, SIGNATURE));
	use_cpu(0);
	V(own.cpu_id);
	V(area.cpu_id);
	return unused;
}

CASE(who_inherits)
{
	pthread_t t;

	use_cpu(1);
	R(rseq(&area, 32, 0, SIGNATURE));
	pthread_create(&t, NULL, thread, NULL);
	pthread_join(t, NULL);
	IN_CHILD
	{
		R(rseq(&area, 32, 0, SIGNATURE));
		use_cpu(0);
		V(area.cpu_id);
		R(rseq(&area, 32, UNREGISTER, SIGNATURE));
	}
	V(area.cpu_id);
	R(rseq(&area, 32, 0, SIGNATURE));
	IN_CHILD execl(self_path(), "x", "--helper", "after", NULL);
}

extern char count_start[], count_commit[], count_abort[];

static volatile uint32_t own_stop, *stop = &own_stop;

/*
 * A section that counts up to @limit or until *stop is set, then commits: 1; aborted: 0. What
 * should have aborted it sets *stop afterwards: so that it ends if it was not. The four bytes
 * before the place where it goes on when aborted are the signature, the operand of an instruction
 * that is never run.
 */
static long __attribute__((noinline, noclone))
count_in_section(const struct section *cs, volatile unsigned long *count, unsigned long limit)
{
	long done;

	__asm__ volatile("movq %[cs], %[slot]\n"
			 "count_start:\n\t"
			 "addq $1, %[count]\n\t"
			 "cmpl $0, %[stop]\n\t"
			 "jne count_commit\n\t"
			 "cmpq %[limit], %[count]\n\t"
			 "jb count_start\n"
			 "count_commit:\n\t"
			 "movl $1, %k[done]\n\t"
			 "jmp 9f\n\t"
			 ".byte 0x0f, 0xb9, 0x3d\n\t"
			 ".long 0x53053053\n"
			 "count_abort:\n\t"
			 "xorl %k[done], %k[done]\n"
			 "9:\n"
			 : [done] "=&r"(done), [count] "+m"(*count), [slot] "=m"(area.rseq_cs)
			 : [cs] "r"(cs), [limit] "r"(limit), [stop] "m"(*stop)
			 : "memory", "cc");
	return done;
}

static struct section whole_section(void)
{
	return (struct section){.start_ip = (uintptr_t)count_start,
		.post_commit_offset = (uintptr_t)(count_commit - count_start),
		.abort_ip = (uintptr_t)count_abort};
}

static void *volatile interrupted_at;

static void note_place(int number, siginfo_t *info, void *context)
{
	ucontext_t *u = context;

	(void)number;
	(void)info;
	interrupted_at = (void *)u->uc_mcontext.gregs[REG_RIP];
	*stop = 1;
}

/* Microseconds until the first, and between all that follow: 0, only one. */
static void alarm_in(long first, long interval)
{
	struct sigaction act = {.sa_sigaction = note_place, .sa_flags = SA_SIGINFO};
	struct itimerval soon = {{.tv_usec = interval}, {.tv_usec = first}};

	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
}

CASE(a_section_that_nothing_disturbs)
{
	struct section cs = whole_section();
	unsigned long count = 0;
	long done = 0;

	R(rseq(&area, 32, 0, SIGNATURE));
	for (int i = 0; i < 1000 && !done; i++) { /* a short one is through sooner or later */
		count = 0;
		done = count_in_section(&cs, &count, 100);
	}
	V(done);
	V(count);
	area.rseq_cs = (uintptr_t)&cs; /* left behind: forgotten when it is seen to be over */
	pause_ms(2);
	V(area.rseq_cs);
}

CASE(a_signal_aborts_a_section)
{
	struct section cs = whole_section();
	unsigned long count = 0;

	R(rseq(&area, 32, 0, SIGNATURE));
	alarm_in(20000, 0);
	R(count_in_section(&cs, &count, -1ul));
	V(area.rseq_cs);
	pause_ms(40);
	T(count > 0);
	T(interrupted_at != NULL);
}

/* The signal comes sooner than another task's turn, sooner or later also where there are many. */
CASE(the_handler_sees_the_place_to_go_on)
{
	struct section cs = whole_section();
	unsigned long count = 0;
	bool seen = false;

	R(rseq(&area, 32, 0, SIGNATURE));
	for (int i = 0; i < 50 && !seen; i++) {
		interrupted_at = NULL;
		*stop = 0;
		alarm_in(1000, 1000); /* the first may be too early */
		count_in_section(&cs, &count, -1ul);
		seen = interrupted_at == count_abort;
		alarm_in(0, 0);
		pause_ms(5);
	}
	T(seen);
}

static void spin(void)
{
	for (long end = now_ms() + 3000; now_ms() < end;)
		;
}

CASE(losing_the_cpu_aborts_a_section)
{
	struct section cs = whole_section();
	unsigned long count = 0;
	pid_t pid;

	stop = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	use_cpu(0);
	pid = abi_fork();
	if (!pid) {
		spin();
		*stop = 1;
		_exit(0);
	}
	R(rseq(&area, 32, 0, SIGNATURE));
	R(count_in_section(&cs, &count, -1ul));
	T(count > 0);
	V(area.rseq_cs);
	V(area.cpu_id);
	kill(pid, SIGKILL);
	abi_reap("the other", pid);
}

/*
 * The thread is interrupted inside of the section. (With a handler for SIGSEGV it would matter
 * whether the alarm or the loss of the CPU came first.)
 */
static void interrupt_in(const char *what, const struct section *cs, uint32_t flags)
{
	unsigned long count = 0;

	say("%s", what);
	fflush(stdout);
	IN_CHILD
	{
		R(rseq(&area, 32, 0, SIGNATURE));
		area.flags = flags;
		alarm_in(20000, 0);
		count_in_section(cs, &count, -1ul);
		say("it was aborted: %s", area.rseq_cs ? "no" : "yes");
	}
}

#define INTERRUPT_WITH(member, value)                                                              \
	do {                                                                                       \
		struct section cs = whole_section();                                               \
		cs.member = (value);                                                               \
		interrupt_in(#member " = " #value, &cs, 0);                                        \
	} while (0)

CASE(malformed_sections)
{
	struct section s = whole_section();

	interrupt_in("as it should be", &s, 0);
	interrupt_in("a flag in the area", &s, 2);
	interrupt_in("an unknown flag in the area", &s, 0x100);
	INTERRUPT_WITH(version, 1);
	INTERRUPT_WITH(flags, 1);
	INTERRUPT_WITH(flags, 0x100);
	INTERRUPT_WITH(abort_ip, s.abort_ip + 1); /* another signature */
	INTERRUPT_WITH(abort_ip, s.start_ip + 1);
	INTERRUPT_WITH(abort_ip, (uintptr_t)KERNEL_PTR);
	INTERRUPT_WITH(abort_ip, 0x10000);
	INTERRUPT_WITH(post_commit_offset, -1ul);
	INTERRUPT_WITH(post_commit_offset, 1ul << 47);
	INTERRUPT_WITH(start_ip, (uintptr_t)KERNEL_PTR);
}

/* ---- membarrier(2) ---- */

#define BARRIER          128 /* MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ */
#define REGISTER_BARRIER 256
#define FLAG_CPU         1
#define PRIVATE          8 /* MEMBARRIER_CMD_PRIVATE_EXPEDITED */
#define REGISTER_PRIVATE 16

static volatile unsigned long barrier_count;

static void *counts_on_cpu_1(void *result)
{
	struct section cs = whole_section();
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(1, &set);
	sched_setaffinity(0, sizeof(set), &set);
	rseq(&area, 32, 0, SIGNATURE);
	*(long *)result = count_in_section(&cs, (unsigned long *)&barrier_count, -1ul);
	return NULL;
}

/* How many of ten sections outlive a barrier; each is there when it comes, and ends after it. */
static void barriers(unsigned flags, int cpu)
{
	int outlived = 0, failed = 0;

	for (int i = 0; i < 10; i++) {
		long result = -1;
		pthread_t t;

		barrier_count = 0;
		*stop = 0;
		pthread_create(&t, NULL, counts_on_cpu_1, &result);
		while (!barrier_count)
			;
		failed += sc(membarrier, BARRIER, flags, cpu) != 0;
		*stop = 1;
		pthread_join(t, NULL);
		outlived += result == 1;
	}
	say("flags %u, cpu %d: %d outlived it, %d barriers failed", flags, cpu, outlived, failed);
}

CASE(a_barrier_aborts_sections)
{
	R(sc(membarrier, BARRIER, 0, 0));
	R(sc(membarrier, BARRIER, 2, 0));
	R(sc(membarrier, REGISTER_BARRIER, 1, 0));
	T((sc(membarrier, 0, 0, 0) & (BARRIER | REGISTER_BARRIER)) == (BARRIER | REGISTER_BARRIER));
	R(sc(membarrier, REGISTER_BARRIER, 0, 0));
	R(sc(membarrier, REGISTER_BARRIER, 0, 0));
	R(sc(membarrier, BARRIER, 0, 0));
	R(sc(membarrier, BARRIER, 2, 0));
	R(sc(membarrier, BARRIER, FLAG_CPU, 0));
	R(sc(membarrier, BARRIER, FLAG_CPU, -1));
	R(sc(membarrier, BARRIER, FLAG_CPU, 63));
	R(sc(membarrier, BARRIER, FLAG_CPU, 100000));
	R(sc(membarrier, PRIVATE, 0, 0)); /* the other private one is another registration */
	R(sc(membarrier, REGISTER_PRIVATE, 0, 0));
	R(sc(membarrier, PRIVATE, 0, 0));
	use_cpu(0);
	barriers(0, 0);
	barriers(FLAG_CPU, 1);
	barriers(FLAG_CPU, -1);
	IN_CHILD R(sc(membarrier, BARRIER, 0, 0));
	IN_CHILD execl(self_path(), "x", "--helper", "barriers", NULL);
}

CASE(descriptors_that_are_not_there)
{
	const uintptr_t at[] = {1, 0x10000, (uintptr_t)KERNEL_PTR, -1ul};

	for (unsigned i = 0; i < COUNT(at); i++)
		IN_CHILD
		{
			R(rseq(&area, 32, 0, SIGNATURE));
			catch_signal(SIGSEGV, 0);
			area.rseq_cs = at[i];
			pause_ms(2);
			say("not reached");
		}
}

int abi_helper(int argc, char **argv)
{
	if (argc > 0 && !strcmp(argv[0], "barriers")) {
		R(sc(membarrier, BARRIER, 0, 0));
		R(sc(membarrier, PRIVATE, 0, 0));
		return 0;
	}
	V(sc(rseq, &area, 32, UNREGISTER, SIGNATURE)); /* the old program's */
	R(rseq(&area, 32, 0, SIGNATURE));
	pause_ms(2);
	T(area.cpu_id < 64);
	return 0;
}
