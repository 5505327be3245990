/*
 * log.h - the kernel log: a ring of records kept for syslog(2) and printed on the consoles.
 *
 * Any context. Levels as syslog(3). Consoles register themselves; early ones print at once.
 */
#pragma once
#include <compiler.h>
#include <list.h>
#include <stdarg.h>

enum log_level {
	LOG_EMERG,
	LOG_ALERT,
	LOG_CRIT,
	LOG_ERR,
	LOG_WARNING,
	LOG_NOTICE,
	LOG_INFO,
	LOG_DEBUG
};
void log_at(enum log_level level, const char *fmt, ...) __printf(2, 3);
void log_vat(enum log_level level, const char *fmt, va_list ap) __printf(2, 0);
#define log_err(...)   log_at(LOG_ERR, __VA_ARGS__)
#define log_warn(...)  log_at(LOG_WARNING, __VA_ARGS__)
#define log_info(...)  log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)
/* At most 10 in 5 s from this place; says how many were dropped. */
#define log_ratelimited(level, ...)                                                                \
	({                                                                                         \
		static struct log_limit lim_;                                                      \
		if (log_allowed(&lim_))                                                            \
			log_at(level, __VA_ARGS__);                                                \
	})
struct log_limit {
	uint64_t window_ns;
	uint32_t count, dropped;
};
bool log_allowed(struct log_limit *l);

struct log_console {
	const char *name;
	void (*write)(struct log_console *c, const char *s,
		size_t n); /* any context, must not sleep or log */
	struct list_head node;
};
void log_console_register(struct log_console *c); /* replays what was logged before */
void log_console_unregister(struct log_console *c);
void log_set_console_level(int level); /* records below it (more severe) are printed; 1..8 */
/* syslog(2): read records from *seq on as "<level>[time] text\n"; returns bytes. Advances *seq.
 * Whole records only. */
size_t log_read(uint64_t *seq, char *buf, size_t size);
uint64_t log_first_seq(void);
uint64_t log_next_seq(void);
size_t log_size(void);
struct wait_queue *log_wait_queue(void);
