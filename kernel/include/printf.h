/*
 * printf.h - formatting: %d %i %u %x %X %o %c %s %p %% with flags, width, precision, h hh l ll z t
 * j. %pS prints a code address as symbol+offset. No floating point.
 */
#pragma once
#include <compiler.h>
#include <stdarg.h>

int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap) __printf(3, 0);
/* Returns the length the whole would have had, as C's snprintf(). */
int snprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);
/* Returns what was really stored (<= size - 1). */
int scnprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);
/* Name of the function that holds @pc and the offset in it, or NULL; core sets it. */
extern const char *(*printf_symbol)(uint64_t pc, uint64_t *offset);
