/*
 * trace.h - the built-in system call tracer.
 */
#pragma once
#include <compiler.h>

struct frame;
struct process;
void trace_syscall(struct frame *f); /* run the call; print it if the current process is traced */
long syscall_run(struct frame *f);   /* the call alone; dispatch.c */
/* Switch tracing of one process; children inherit by name only. */
void trace_set(struct process *p, bool on);
bool trace_is_on(const struct process *p);
void trace_init(void); /* sets the system call entry; boot option trace=NAME */
