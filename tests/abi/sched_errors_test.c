/*
 * sched_errors_test.c - what the calls on scheduling, priorities, limits and usage refuse. Nothing
 * here needs the right to be realtime, which a container may not have.
 */
#include "abi.h"

#include <sched.h>
#include <sys/resource.h>

#define GONE 99999999

/* A process of user 1001 that stays until it is killed. */
static pid_t start_other(void)
{
	struct gate ready;
	pid_t pid;

	gate_init(&ready);
	pid = abi_fork();
	if (!pid) {
		drop_to(1001, 1001);
		gate_open(&ready);
		for (;;)
			pause();
	}
	gate_wait(&ready);
	return pid;
}

static void end_other(pid_t pid)
{
	kill(pid, SIGKILL);
	abi_reap("the other", pid);
}

CASE(policies)
{
	int zero = 0, one = 1, negative = -1, high = 100; /* the first word of struct sched_param */

	R(sc(sched_setscheduler, 0, -1, &zero));
	R(sc(sched_setscheduler, 0, 4, &zero));
	R(sc(sched_setscheduler, 0, 8, &zero));
	R(sc(sched_setscheduler, 0, 1 << 20, &zero));
	R(sc(sched_setscheduler, 0, SCHED_OTHER, &one));
	R(sc(sched_setscheduler, 0, SCHED_OTHER, &negative));
	R(sc(sched_setscheduler, 0, SCHED_BATCH, &one));
	R(sc(sched_setscheduler, 0, SCHED_IDLE, &one));
	R(sc(sched_setscheduler, 0, SCHED_FIFO, &zero));
	R(sc(sched_setscheduler, 0, SCHED_RR, &high));
	R(sc(sched_setscheduler, 0, SCHED_OTHER, NULL));
	R(sc(sched_setscheduler, 0, SCHED_OTHER, BAD_PTR));
	R(sc(sched_setscheduler, 0, -1, NULL));
	R(sc(sched_setscheduler, -1, SCHED_OTHER, &zero));
	R(sc(sched_setscheduler, GONE, SCHED_OTHER, &zero));
	R(sc(sched_setscheduler, GONE, SCHED_OTHER, &one));
	R(sc(sched_setscheduler, GONE, SCHED_OTHER, BAD_PTR));
	R(sc(sched_setparam, 0, NULL));
	R(sc(sched_setparam, 0, BAD_PTR));
	R(sc(sched_setparam, 0, &one));
	R(sc(sched_setparam, 0, &zero));
	R(sc(sched_setparam, -1, &zero));
	R(sc(sched_setparam, GONE, &zero));
	R(sc(sched_getparam, 0, NULL));
	R(sc(sched_getparam, 0, BAD_PTR));
	R(sc(sched_getparam, -1, &zero));
	R(sc(sched_getparam, GONE, &zero));
	R(sc(sched_getparam, GONE, BAD_PTR));
	R(sc(sched_getscheduler, -1));
	R(sc(sched_getscheduler, GONE));
}

CASE(ranges)
{
	struct timespec t;

	for (int policy = -1; policy < 9; policy++) {
		if (policy == 7)
			continue; /* SCHED_EXT: younger than some hosts */
		say("policy %d", policy);
		R(sc(sched_get_priority_min, policy));
		R(sc(sched_get_priority_max, policy));
	}
	R(sc(sched_rr_get_interval, 0, BAD_PTR));
	R(sc(sched_rr_get_interval, -1, &t));
	R(sc(sched_rr_get_interval, GONE, &t));
	R(sc(sched_rr_get_interval, GONE, BAD_PTR));
}

CASE(processors)
{
	unsigned long none[16] = {0}, first[16];
	pid_t other;

	R(sc(sched_getaffinity, 0, sizeof(first), first) > 0);
	R(sc(sched_getaffinity, 0, 0, first));
	R(sc(sched_getaffinity, 0, 4, first));
	R(sc(sched_getaffinity, 0, 9, first));
	R(sc(sched_getaffinity, 0, sizeof(first), BAD_PTR));
	R(sc(sched_getaffinity, GONE, sizeof(first), first));
	R(sc(sched_getaffinity, GONE, sizeof(first), BAD_PTR));
	R(sc(sched_getaffinity, GONE, 4, first));
	R(sc(sched_setaffinity, 0, sizeof(none), none));
	R(sc(sched_setaffinity, 0, 0, first));
	R(sc(sched_setaffinity, 0, sizeof(none), BAD_PTR));
	R(sc(sched_setaffinity, GONE, sizeof(first), first));
	R(sc(sched_setaffinity, GONE, sizeof(first), BAD_PTR));
	R(sc(sched_setaffinity, GONE, sizeof(none), none));
	R(sc(sched_setaffinity, 0, sizeof(first), first));
	other = start_other();
	IN_CHILD
	{
		drop_to(1000, 1000);
		R(sc(sched_setaffinity, other, sizeof(first), first));
		R(sc(sched_setaffinity, other, sizeof(none), none));
		R(sc(sched_setaffinity, 0, sizeof(first), first));
		R(sc(sched_getaffinity, other, sizeof(none), none) > 0);
	}
	end_other(other);
	R(sc(getcpu, BAD_PTR, NULL, NULL));
	R(sc(getcpu, NULL, BAD_PTR, NULL));
	R(sc(getcpu, NULL, NULL, BAD_PTR));
}

CASE(other_users_processes)
{
	int zero = 0, one = 1;
	struct timespec t;
	pid_t other = start_other();

	IN_CHILD
	{
		drop_to(1000, 1000);
		R(sc(sched_setscheduler, other, SCHED_OTHER, &zero));
		R(sc(sched_setscheduler, other, SCHED_OTHER, &one));
		R(sc(sched_setscheduler, other, SCHED_FIFO, &one));
		R(sc(sched_setparam, other, &zero));
		R(sc(sched_getscheduler, other));
		R(sc(sched_getparam, other, &zero));
		RZ(sc(sched_rr_get_interval, other, &t));
		R(sc(sched_setscheduler, 0, SCHED_FIFO, &one));
		R(sc(sched_setscheduler, 0, SCHED_RR, &one));
		R(sc(sched_setscheduler, 0, SCHED_BATCH, &zero));
		R(sc(sched_setscheduler, 0, SCHED_IDLE, &zero));
		R(sc(sched_setscheduler, 0, SCHED_OTHER, &zero));
		R(sc(sched_setscheduler, 0, SCHED_IDLE | 0x40000000, &zero));
		R(sc(sched_setscheduler, 0, SCHED_IDLE, &zero));
		R(sc(sched_setparam, 0, &zero));
		R(sc(sched_getscheduler, 0));
		R(sc(setpriority, PRIO_PROCESS, other, 5));
		R(sc(setpriority, PRIO_USER, 1001, 5));
		R(sc(getpriority, PRIO_PROCESS, other));
	}
	end_other(other);
}

CASE(priorities)
{
	R(sc(getpriority, 3, 0));
	R(sc(getpriority, -1, 0));
	R(sc(getpriority, PRIO_PROCESS, GONE));
	R(sc(getpriority, PRIO_PGRP, GONE));
	R(sc(getpriority, PRIO_USER, GONE));
	R(sc(setpriority, 3, 0, 0));
	R(sc(setpriority, -1, 0, 0));
	R(sc(setpriority, PRIO_PROCESS, GONE, 0));
	R(sc(setpriority, PRIO_PROCESS, -1, 0));
	R(sc(setpriority, PRIO_PGRP, GONE, 0));
	R(sc(setpriority, PRIO_USER, GONE, 0));
	IN_CHILD
	{
		drop_to(1000, 1000);
		R(sc(setpriority, PRIO_PROCESS, 0, 1));
		R(sc(getpriority, PRIO_PROCESS, 0));
		R(sc(setpriority, PRIO_PROCESS, 0, 0));
		R(sc(setpriority, PRIO_PROCESS, 0, -1));
		R(sc(setpriority, PRIO_PROCESS, 0, 1));
		R(sc(setpriority, PRIO_PROCESS, 0, 100));
		R(sc(getpriority, PRIO_PROCESS, 0));
		R(nice(-1));
	}
}

CASE(limits)
{
	struct rlimit limit, upside_down = {2, 1}, few = {10, 10}, more = {11, 11};
	pid_t other = start_other();

	R(sc(getrlimit, -1, &limit));
	R(sc(getrlimit, 16, &limit));
	R(sc(getrlimit, RLIMIT_NOFILE, BAD_PTR));
	R(sc(getrlimit, 16, BAD_PTR));
	R(sc(setrlimit, 16, &few));
	R(sc(setrlimit, 16, BAD_PTR));
	R(sc(setrlimit, RLIMIT_NOFILE, BAD_PTR));
	R(sc(setrlimit, RLIMIT_NOFILE, &upside_down));
	R(sc(prlimit64, 0, 16, NULL, NULL));
	R(sc(prlimit64, 0, RLIMIT_NOFILE, NULL, NULL));
	R(sc(prlimit64, 0, RLIMIT_NOFILE, BAD_PTR, NULL));
	R(sc(prlimit64, 0, RLIMIT_NOFILE, NULL, BAD_PTR));
	R(sc(prlimit64, 0, RLIMIT_NOFILE, &upside_down, NULL));
	R(sc(prlimit64, GONE, RLIMIT_NOFILE, NULL, &limit));
	R(sc(prlimit64, GONE, 16, NULL, &limit));
	R(sc(prlimit64, GONE, RLIMIT_NOFILE, BAD_PTR, NULL));
	R(sc(prlimit64, -1, RLIMIT_NOFILE, NULL, &limit));
	IN_CHILD
	{
		drop_to(1000, 1000);
		R(sc(setrlimit, RLIMIT_NOFILE, &few));
		R(sc(setrlimit, RLIMIT_NOFILE, &more));
		R(sc(prlimit64, 0, RLIMIT_NOFILE, &more, NULL));
		R(sc(prlimit64, getpid(), RLIMIT_NOFILE, &more, &limit));
		R(sc(prlimit64, other, RLIMIT_NOFILE, NULL, &limit));
		R(sc(prlimit64, other, RLIMIT_NOFILE, &few, NULL));
		R(sc(prlimit64, other, 16, &few, NULL));
	}
	end_other(other);
}

CASE(usage)
{
	char page[512];

	R(sc(getrusage, 2, page));
	R(sc(getrusage, -2, page));
	R(sc(getrusage, RUSAGE_SELF, BAD_PTR));
	R(sc(getrusage, 2, BAD_PTR));
	R(sc(times, BAD_PTR));
	R(sc(sysinfo, BAD_PTR));
	R(sc(uname, BAD_PTR));
}
