/*
 * panic.c - the end: one readable report, then all processors stop. Also warnings, and the
 * compiler's stack check.
 */
#include <arch/cpu.h>
#include <debug.h>
#include <log.h>
#include <printf.h>
#include <task.h>
#include "panic.h"

#define MAX_FRAMES 24u

bool panicking;
const char *boot_step_name;
static int panic_cpu = -1;

/* The compiler's canary; main.c may set it from the random numbers while no protected function is
 * active. */
uint64_t __stack_chk_guard = 0x00d1a7c5b36e9f42ull; /* a zero byte ends runaway strings */
void __stack_chk_fail(void) __noreturn;
void __stack_chk_fail(void)
{
	panic("stack overrun in %pS", __builtin_return_address(0));
}

void print_backtrace(const void *frame_pointer)
{
	uint64_t pc[MAX_FRAMES];
	unsigned i, n = stack_trace(pc, MAX_FRAMES, frame_pointer);

	for (i = 0; i < n; i++)
		log_at(LOG_EMERG, "  %pS", (void *)pc[i]);
}

void panic(const char *fmt, ...)
{
	char text[320];
	int none = -1;
	va_list ap;

	irq_disable();
	if (!__atomic_compare_exchange_n(
		    &panic_cpu, &none, (int)cpu_id(), false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
		if (none == (int)cpu_id()) /* a panic inside the panic: what was said must do */
			cpu_halt_all();
		for (;;) /* the other CPU reports and will stop this one */
			cpu_relax();
	}
	panicking = true;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_at(LOG_EMERG, "PANIC: %s", text);
	if (current)
		log_at(LOG_EMERG, "cpu %u, task %s (%d)%s%s", cpu_id(), current->name, current->tid,
			boot_step_name ? ", boot step " : "", boot_step_name ? boot_step_name : "");
	print_backtrace(__builtin_frame_address(0));
	cpu_halt_all();
}

void warn_at(const char *file, int line, const char *what)
{
	log_at(LOG_WARNING, "WARNING: %s:%d: %s", file, line, what);
	print_backtrace(__builtin_frame_address(0));
}
