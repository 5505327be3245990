/*
 * arch/smp.h - starting processors and talking to them.
 */
#pragma once
#include <cpumask.h>

void smp_start_all(void);    /* boot: every other processor enters cpu_start_hook (upcall) */
void smp_kick(unsigned cpu); /* make @cpu look at its reschedule flag; any context */
/* Run fn(arg) on each CPU of @mask (interrupt context there), this one included; returns when all
 * have run it. Interrupts on. */
void smp_call(struct cpumask mask, void (*fn)(void *), void *arg);
