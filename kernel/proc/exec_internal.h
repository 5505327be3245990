/*
 * exec_internal.h - what exec.c and exec_stack.c share.
 */
#pragma once
#include <exec.h>

/* personality(2) */
#define ADDR_NO_RANDOMIZE 0x0040000u
#define PERSONALITY_UNSAFE                                                                         \
	(0x0400000u /* READ_IMPLIES_EXEC */ | ADDR_NO_RANDOMIZE |                                  \
		0x0200000u /* ADDR_COMPAT_LAYOUT */ | 0x0100000u /* MMAP_PAGE_ZERO */)

/* Makes a->mm with a stack that holds the strings: execfn on top, environment, arguments. */
int __must_check exec_stack_build(
	struct exec_args *a, const struct exec_strings *argv, const struct exec_strings *envp);
int __must_check exec_replace_argv0(
	struct exec_args *a, const char *interpreter, const char *argument);
