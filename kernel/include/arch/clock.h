/*
 * arch/clock.h - the machine's counter and one-shot timer.
 */
#pragma once
#include <compiler.h>

/* Nanoseconds since boot, monotonic on each and across CPUs. Any context, a few instructions. */
uint64_t clock_ns(void);
/* Fire timer_tick_hook() on this CPU at @deadline_ns (clock_ns() scale) or at once if past;
 * UINT64_MAX: never. Interrupts off. */
void clock_set_timer(uint64_t deadline_ns);
void clock_delay_us(unsigned us); /* busy wait */
/* Seconds since 1970 from the battery clock at boot. */
int64_t clock_rtc_seconds(void);
/* ns = (counter - base) * mult >> shift: what a vDSO needs; false if programs cannot read the
 * counter. */
struct clock_params {
	uint64_t base;
	uint32_t mult, shift;
	uint64_t base_ns;
};
bool clock_get_params(struct clock_params *p);
