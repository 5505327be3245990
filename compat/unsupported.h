/*
 * unsupported.h - what programs asked for and Ambit lacks: logged once, and kept for
 * /sys/kernel/ambit/unsupported.
 */
#pragma once
#include <types.h>

struct unsupported_row {
	char program[16];
	const char *what; /* constant */
	uint64_t value;   /* number of the call, the flags, the command */
	uint32_t count;
};
/* The @nth distinct thing; false: there are no more. Any context. */
bool unsupported_get(unsigned nth, struct unsupported_row *out);
