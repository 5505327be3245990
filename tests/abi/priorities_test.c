/*
 * priorities_test.c - sched_setattr(2), sched_getattr(2), ioprio_set(2), ioprio_get(2). Nothing
 * here needs the right to be realtime, which a container may not have.
 */
#include "abi.h"

#include <sched.h>
#include <sys/resource.h>

#define GONE     99999999
#define OTHER    48212 /* a user whom nobody else is */
#define DEADLINE 6

#define RESET_ON_FORK 1
#define KEEP_POLICY   8
#define KEEP_PARAMS   16

struct attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
	uint8_t more[8];
};
#define FIRST_SIZE 48
#define KNOWN_SIZE 56

/* What a thread is; not the slice that younger Linux gives as runtime. */
static void show(const char *what, pid_t pid)
{
	struct attr a = {0};

	if (sc(sched_getattr, pid, &a, FIRST_SIZE, 0))
		say("%s: %s", what, errno_name(errno));
	else
		say("%s: size %u, policy %u, flags %#lx, nice %d, priority %u", what, a.size,
			a.policy, (unsigned long)a.flags, a.nice, a.priority);
}

CASE(reading)
{
	struct attr a;
	char page[8192];

	R(sc(sched_getattr, 0, NULL, FIRST_SIZE, 0));
	R(sc(sched_getattr, -1, &a, FIRST_SIZE, 0));
	R(sc(sched_getattr, 0, &a, FIRST_SIZE, 1));
	R(sc(sched_getattr, 0, &a, FIRST_SIZE - 1, 0));
	R(sc(sched_getattr, 0, &a, 0, 0));
	R(sc(sched_getattr, 0, &a, 4097, 0));
	R(sc(sched_getattr, GONE, &a, FIRST_SIZE, 0));
	R(sc(sched_getattr, 0, BAD_PTR, FIRST_SIZE, 0));
	R(sc(sched_getattr, 0, page, 4096, 0));
	V(((struct attr *)page)->size);
	R(sc(sched_getattr, 0, &a, FIRST_SIZE, 0));
	V(a.size);
	R(sc(sched_getattr, 0, &a, KNOWN_SIZE - 2, 0));
	V(a.size);
	show("as it is", 0);
	show("by number", getpid());
}

CASE(sizes)
{
	struct attr a = {.size = FIRST_SIZE - 1};

	R(sc(sched_setattr, 0, &a, 0));
	V(a.size);
	a.size = 1;
	R(sc(sched_setattr, 0, &a, 0));
	V(a.size);
	a.size = 4097;
	R(sc(sched_setattr, 0, &a, 0));
	V(a.size);
	a.size = 0; /* the first there was */
	R(sc(sched_setattr, 0, &a, 0));
	V(a.size);
	a.size = sizeof(a);
	R(sc(sched_setattr, 0, &a, 0));
	a.more[7] = 1;
	R(sc(sched_setattr, 0, &a, 0));
	V(a.size);
	a.size = FIRST_SIZE; /* what lies behind is not looked at */
	R(sc(sched_setattr, 0, &a, 0));
	R(sc(sched_setattr, 0, NULL, 0));
	R(sc(sched_setattr, 0, BAD_PTR, 0));
	R(sc(sched_setattr, 0, &a, 1));
	R(sc(sched_setattr, -1, &a, 0));
	R(sc(sched_setattr, GONE, &a, 0));
}

CASE(refused)
{
	struct attr a = {.size = FIRST_SIZE};

	a.policy = 4;
	R(sc(sched_setattr, 0, &a, 0));
	a.policy = -1;
	R(sc(sched_setattr, 0, &a, 0));
	a.policy = SCHED_OTHER;
	a.priority = 1;
	R(sc(sched_setattr, 0, &a, 0));
	a.priority = -1;
	R(sc(sched_setattr, 0, &a, 0));
	a.priority = 0;
	a.flags = 0x100;
	R(sc(sched_setattr, 0, &a, 0));
	a.flags = 1ul << 40;
	R(sc(sched_setattr, 0, &a, 0));
	a.flags = 0x20; /* the field is not there */
	R(sc(sched_setattr, 0, &a, 0));
	a = (struct attr){.size = FIRST_SIZE, .policy = SCHED_FIFO};
	R(sc(sched_setattr, 0, &a, 0));
	a.priority = 100;
	R(sc(sched_setattr, 0, &a, 0));
	a = (struct attr){.size = FIRST_SIZE, .policy = DEADLINE};
	R(sc(sched_setattr, 0, &a, 0));
	a.deadline = 1000;
	a.runtime = 2000;
	R(sc(sched_setattr, 0, &a, 0));
	show("afterwards", 0);
}

CASE(setting)
{
	struct attr a = {.size = FIRST_SIZE, .policy = SCHED_BATCH, .nice = 5};

	R(sc(sched_setattr, 0, &a, 0));
	show("batch", 0);
	V(getpriority(PRIO_PROCESS, 0));
	a.policy = SCHED_IDLE;
	a.nice = 100;
	R(sc(sched_setattr, 0, &a, 0));
	show("idle", 0);
	a.policy = SCHED_OTHER;
	a.nice = -100;
	R(sc(sched_setattr, 0, &a, 0));
	show("other", 0);
	a = (struct attr){.size = FIRST_SIZE, .policy = 77, .flags = KEEP_POLICY, .nice = 3};
	R(sc(sched_setattr, 0, &a, 0));
	show("its policy kept", 0);
	a = (struct attr){.size = FIRST_SIZE, .policy = SCHED_BATCH, .flags = KEEP_PARAMS};
	R(sc(sched_setattr, 0, &a, 0));
	show("nothing changed but the flag", 0);
	V(sc(sched_getscheduler, 0));
}

CASE(reset_on_fork)
{
	struct attr a = {
		.size = FIRST_SIZE, .policy = SCHED_BATCH, .nice = -7, .flags = RESET_ON_FORK};

	R(sc(sched_setattr, 0, &a, 0));
	show("the parent", 0);
	HEX(sc(sched_getscheduler, 0));
	IN_CHILD show("the child", 0);
	a.nice = 7;
	R(sc(sched_setattr, 0, &a, 0));
	IN_CHILD show("the child, which is nice", 0);
	a.flags = KEEP_POLICY;
	R(sc(sched_setattr, 0, &a, 0));
	show("kept", 0);
	IN_CHILD
	{
		drop_to(OTHER, OTHER);
		R(sc(sched_setattr, 0, &a, 0));
		a.flags = 0;
		R(sc(sched_setattr, 0, &a, 0));
	}
	a.flags = 0;
	R(sc(sched_setattr, 0, &a, 0));
	show("gone", 0);
}

CASE(without_the_right)
{
	struct attr a = {.size = FIRST_SIZE, .policy = SCHED_OTHER, .nice = 5};
	struct rlimit limit = {16, 16}, none = {0, 0}; /* nice 4 and worse */
	pid_t roots = getpid();

	setrlimit(RLIMIT_NICE, &none);
	setrlimit(RLIMIT_RTPRIO, &none);
	IN_CHILD
	{
		drop_to(OTHER, OTHER);
		R(sc(sched_setattr, 0, &a, 0));
		R(sc(sched_setattr, roots, &a, 0));
		show("another's", roots);
		a.nice = 4;
		R(sc(sched_setattr, 0, &a, 0));
		a.nice = 6;
		a.policy = SCHED_IDLE;
		R(sc(sched_setattr, 0, &a, 0));
		a.policy = SCHED_OTHER;
		R(sc(sched_setattr, 0, &a, 0));
		a = (struct attr){.size = FIRST_SIZE, .policy = SCHED_FIFO, .priority = 1};
		R(sc(sched_setattr, 0, &a, 0));
		show("itself", 0);
	}
	setrlimit(RLIMIT_NICE, &limit);
	IN_CHILD
	{
		a = (struct attr){.size = FIRST_SIZE, .nice = 10};
		drop_to(OTHER, OTHER);
		R(sc(sched_setattr, 0, &a, 0));
		a.nice = 3;
		R(sc(sched_setattr, 0, &a, 0));
		a.nice = 4;
		R(sc(sched_setattr, 0, &a, 0));
		show("itself", 0);
	}
}

/* ---- ioprio ---- */

enum { WHO_PROCESS = 1, WHO_PGRP, WHO_USER };
#define IOPRIO(class, level) ((class) << 13 | (level))

CASE(io_priorities)
{
	HEX(sc(ioprio_get, WHO_PROCESS, 0));
	HEX(sc(ioprio_get, WHO_PGRP, 0));
	setpriority(PRIO_PROCESS, 0, 10);
	HEX(sc(ioprio_get, WHO_PROCESS, getpid()));
	HEX(sc(ioprio_get, WHO_PGRP, 0));
	R(sc(ioprio_set, WHO_PROCESS, 0, IOPRIO(2, 7)));
	HEX(sc(ioprio_get, WHO_PROCESS, 0));
	HEX(sc(ioprio_get, WHO_PGRP, getpgrp()));
	R(sc(ioprio_set, WHO_PROCESS, 0, IOPRIO(3, 0)));
	HEX(sc(ioprio_get, WHO_PROCESS, 0));
	R(sc(ioprio_set, WHO_PROCESS, 0, IOPRIO(3, 3)));
	R(sc(ioprio_set, WHO_PROCESS, 0, IOPRIO(1, 2)));
	HEX(sc(ioprio_get, WHO_PROCESS, 0));
	IN_CHILD HEX(sc(ioprio_get, WHO_PROCESS, 0));
	R(sc(ioprio_set, WHO_PROCESS, 0, 0));
	HEX(sc(ioprio_get, WHO_PROCESS, 0));
	IN_CHILD
	{
		setpgid(0, 0);
		R(sc(ioprio_set, WHO_PGRP, 0, IOPRIO(2, 1)));
		HEX(sc(ioprio_get, WHO_PGRP, 0));
		IN_CHILD
		{
			R(sc(ioprio_set, WHO_PROCESS, 0, IOPRIO(3, 0)));
			HEX(sc(ioprio_get, WHO_PGRP, 0)); /* the best of both */
			R(sc(ioprio_set, WHO_PROCESS, 0, IOPRIO(1, 7)));
			HEX(sc(ioprio_get, WHO_PGRP, 0));
		}
	}
}

CASE(io_priorities_refused)
{
	R(sc(ioprio_get, 0, 0));
	R(sc(ioprio_get, 4, 0));
	R(sc(ioprio_get, WHO_PROCESS, GONE));
	R(sc(ioprio_get, WHO_PGRP, GONE));
	R(sc(ioprio_get, WHO_USER, GONE));
	R(sc(ioprio_set, 0, 0, 0));
	R(sc(ioprio_set, 4, 0, IOPRIO(2, 0)));
	R(sc(ioprio_set, WHO_PROCESS, GONE, 0));
	R(sc(ioprio_set, WHO_PGRP, GONE, 0));
	R(sc(ioprio_set, WHO_USER, GONE, 0));
	R(sc(ioprio_set, WHO_PROCESS, 0, IOPRIO(0, 1)));
	R(sc(ioprio_set, WHO_PROCESS, 0, IOPRIO(4, 0)));
	R(sc(ioprio_set, WHO_PROCESS, 0, IOPRIO(7, 0)));
	R(sc(ioprio_set, WHO_PROCESS, 0, -1));
	R(sc(ioprio_set, WHO_PROCESS, GONE, IOPRIO(7, 0)));
	IN_CHILD
	{
		pid_t roots = getppid();

		drop_to(OTHER, OTHER);
		R(sc(ioprio_set, WHO_PROCESS, roots, IOPRIO(2, 5)));
		R(sc(ioprio_get, WHO_PROCESS, roots));
		R(sc(ioprio_set, WHO_PROCESS, 0, IOPRIO(1, 0)));
		R(sc(ioprio_set, WHO_USER, OTHER, IOPRIO(2, 5)));
		HEX(sc(ioprio_get, WHO_USER, OTHER));
		HEX(sc(ioprio_get, WHO_USER, 0));
	}
}
