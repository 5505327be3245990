/*
 * arch/percpu.h - per-CPU variables through the segment register.
 *
 * DEFINE_PER_CPU(int, hits); this_cpu(hits)++; per_cpu(hits, 3). this_cpu() is an lvalue; against
 * interrupts on the same CPU disable them. Areas of other CPUs are allocated before those CPUs
 * start and never freed.
 */
#pragma once
#include <compiler.h>
#include <asm/percpu.h>
/*
 * <asm/percpu.h> provides DEFINE_PER_CPU(type, name), DECLARE_PER_CPU(type, name), this_cpu(name)
 * (lvalue through gs), this_cpu_ptr(name), per_cpu_ptr(name, cpu), per_cpu(name, cpu), cpu_id().
 * The host build has one CPU.
 */
