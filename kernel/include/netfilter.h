/*
 * netfilter.h - loading and showing the rules of the packet filter (kernel/net/filter.c).
 */
#pragma once
#include <ipaddr.h>

/*
 * filter_load() - replace all rules by those of @text, or, if it has a mistake, none: 0, -EINVAL,
 * -ENOMEM, -E2BIG. Empty text: no rules, everything passes. States stay. May sleep. What was wrong:
 * filter_last_error().
 */
int __must_check filter_load(const char *text, size_t len);
/* The same without loading. */
int __must_check filter_try(const char *text, size_t len);
const char *filter_last_error(void);
struct text_sink {
	void (*add)(struct text_sink *s, const char *fmt, ...) __printf(2, 3); /* does not sleep */
};
void filter_show(struct text_sink *s);        /* rules with their counters */
void filter_show_states(struct text_sink *s); /* connections let through */
