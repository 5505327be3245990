/*
 * abi/sched.h - Linux layout of struct sched_attr, sched_setattr(2).
 */
#pragma once
#include <types.h>

struct linux_sched_attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max; /* since Linux 5.3 */
};
enum { SCHED_ATTR_SIZE_VER0 = 48 };
static_assert(sizeof(struct linux_sched_attr) == 56 &&
		      offsetof(struct linux_sched_attr, util_min) == SCHED_ATTR_SIZE_VER0,
	"struct sched_attr");
enum {
	SCHED_FLAG_RESET_ON_FORK = 1,
	SCHED_FLAG_RECLAIM = 2, /* this and the next speak of SCHED_DEADLINE only */
	SCHED_FLAG_DL_OVERRUN = 4,
	SCHED_FLAG_KEEP_POLICY = 8,
	SCHED_FLAG_KEEP_PARAMS = 0x10,
	SCHED_FLAG_UTIL_CLAMP = 0x60,
	SCHED_FLAGS_KNOWN = 0x7f
};
