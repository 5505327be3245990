/*
 * debug.h - assertions and panic.
 *
 * ASSERT() is for our own invariants, compiled in with DEBUG=1, free of side effects. PANIC() is
 * always there, where going on would damage data. WARN_ONCE() is for what is odd but survivable.
 * None of them on bytes from users, disks, wires or devices.
 */
#pragma once
#include <compiler.h>

void panic(const char *fmt, ...) __printf(1, 2) __noreturn __cold;
extern bool panicking; /* locks may be held by stopped processors; only the panic's own processor
			  runs */
extern const char *boot_step_name; /* main.c: the step that runs; NULL when the system is up. Panic
				      prints it. */
void print_backtrace(const void *frame_pointer); /* symbolised, to the log */
extern uint64_t __stack_chk_guard; /* the compiler's name for the stack canary; changed once, by
				      main.c, before any other task exists */
void provoke(void);                /* provoke=NAME: a fault of that kind; nothing but in DEBUG */
void report_cpus(void);            /* where every processor is, to the log; DEBUG */
void warn_at(const char *file, int line, const char *what) __cold;

#if CONFIG_DEBUG
#define ASSERT(c)                                                                                  \
	(likely(c) ? (void)0 : panic("%s:%d: assertion failed: %s", __FILE__, __LINE__, #c))
#else
#define ASSERT(c) ((void)sizeof(!(c)))
#endif
#define PANIC_ON(c) (unlikely(c) ? panic("%s:%d: %s", __FILE__, __LINE__, #c) : (void)0)
#define WARN_ONCE(c)                                                                               \
	({                                                                                         \
		static bool warned_;                                                               \
		bool c_ = (c);                                                                     \
		if (unlikely(c_ && !warned_)) {                                                    \
			warned_ = true;                                                            \
			warn_at(__FILE__, __LINE__, #c);                                           \
		}                                                                                  \
		c_;                                                                                \
	})
