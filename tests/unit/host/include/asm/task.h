/*
 * asm/task.h - host: a task has no machine state.
 */
#pragma once
#include <compiler.h>

struct arch_task {
	void *stack;
	uint64_t tls;
};
