/*
 * asm/percpu.h - host: one processor, so its variables are plain ones.
 */
#pragma once
#include <compiler.h>

#define DEFINE_PER_CPU(type, name)  __typeof__(type) name
#define DECLARE_PER_CPU(type, name) extern __typeof__(type) name
#define this_cpu(name)              (name)
#define this_cpu_ptr(name)          (&(name))
#define per_cpu_ptr(name, cpu)      ((void)(cpu), &(name))
#define per_cpu(name, cpu)          (*per_cpu_ptr(name, cpu))
static inline unsigned cpu_id(void)
{
	return 0;
}
