/*
 * host.h - between the files of the host stand-in: what libc.c gives, and the hooks around each
 * test.
 */
#pragma once
#include <compiler.h>

void *unit_malloc_aligned(size_t align, size_t n);
void unit_bail(const char *why) __noreturn;
void unit_host_begin(void);
void unit_host_end(void);
void unit_mem_begin(void);
void unit_time_end(void);
