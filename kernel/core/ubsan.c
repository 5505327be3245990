/*
 * ubsan.c - what the compiler's undefined-behaviour checks call in the debug kernel: one report for
 * each place, with a backtrace.
 *
 * The compiler passes a static record that begins with file, line and column; a column of ~0 marks
 * a place that has reported. Structures: the ABI of -fsanitize=undefined that gcc 12 and clang 14
 * share (compiler-rt, ubsan_handlers.h, as an interface). Does not: explain types. A report is a
 * bug of ours; execution goes on, so that a test sees all of them.
 */
#include <compiler.h>

#if CONFIG_DEBUG
#include <debug.h>
#include <log.h>

struct location {
	const char *file;
	uint32_t line, column;
};

static void report(struct location *at, const char *what)
{
	if (__atomic_exchange_n(&at->column, ~0u, __ATOMIC_RELAXED) == ~0u)
		return;
	log_err("UBSAN: %s", what);
	warn_at(at->file, (int)at->line, what);
}

/* Handlers of one, two and three values beside the record. */
#define HANDLER1(name, what)                                                                       \
	void __ubsan_handle_##name(struct location *at, void *a);                                  \
	void __ubsan_handle_##name(struct location *at, void *a)                                   \
	{                                                                                          \
		report(at, what);                                                                  \
	}
#define HANDLER2(name, what)                                                                       \
	void __ubsan_handle_##name(struct location *at, void *a, void *b);                         \
	void __ubsan_handle_##name(struct location *at, void *a, void *b)                          \
	{                                                                                          \
		report(at, what);                                                                  \
	}

HANDLER2(add_overflow, "signed addition overflows")
HANDLER2(sub_overflow, "signed subtraction overflows")
HANDLER2(mul_overflow, "signed multiplication overflows")
HANDLER2(divrem_overflow, "division by zero or overflow")
HANDLER1(negate_overflow, "negation overflows")
HANDLER2(shift_out_of_bounds, "shift count out of range")
HANDLER1(out_of_bounds, "array index out of bounds")
HANDLER2(pointer_overflow, "pointer arithmetic overflows")
HANDLER1(type_mismatch_v1, "null or misaligned pointer")
HANDLER1(load_invalid_value, "value out of range of its type")
HANDLER1(vla_bound_not_positive, "length of array is not positive")
HANDLER1(invalid_builtin, "undefined argument of a builtin")
HANDLER1(nonnull_arg, "null passed where it may not be")
HANDLER2(nonnull_return_v1, "null returned where it may not be")

void __ubsan_handle_builtin_unreachable(struct location *at);
void __ubsan_handle_builtin_unreachable(struct location *at)
{
	panic("UBSAN: %s:%u: reached what cannot be reached", at->file, at->line);
}
#endif
