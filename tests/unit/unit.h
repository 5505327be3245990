/*
 * unit.h - what a unit test sees: TEST(), expectations, and the strings of the host stand-in.
 *
 * A test program includes kernel headers and this, never the C library's headers. README says how
 * programs are put together.
 */
#pragma once
#include <compiler.h>

void unit_register(const char *name, const char *file, void (*fn)(void));
void unit_fail(const char *file, int line, const char *fmt, ...) __printf(3, 4);
bool unit_eq(const char *file, int line, const char *text, int64_t a, int64_t b);
bool unit_true(const char *file, int line, const char *text, bool ok);
bool unit_str(const char *file, int line, const char *a, const char *b);
bool unit_mem(const char *file, int line, const void *a, const void *b, size_t n);

#define TEST(name)                                                                                 \
	static void test_##name(void);                                                             \
	__attribute__((constructor)) static void register_##name(void)                             \
	{                                                                                          \
		unit_register(#name, __FILE__, test_##name);                                       \
	}                                                                                          \
	static void test_##name(void)
#define EXPECT(c)           unit_true(__FILE__, __LINE__, #c, (c))
#define EXPECT_EQ(a, b)     unit_eq(__FILE__, __LINE__, #a " == " #b, (int64_t)(a), (int64_t)(b))
#define EXPECT_STR(a, b)    unit_str(__FILE__, __LINE__, (a), (b))
#define EXPECT_MEM(a, b, n) unit_mem(__FILE__, __LINE__, (a), (b), (n))
/* The same, but the test ends here when it does not hold. */
#define REQUIRE(c)                                                                                 \
	do {                                                                                       \
		if (!EXPECT(c))                                                                    \
			return;                                                                    \
	} while (0)
#define REQUIRE_EQ(a, b)                                                                           \
	do {                                                                                       \
		if (!EXPECT_EQ(a, b))                                                              \
			return;                                                                    \
	} while (0)

void unit_print(const char *fmt, ...) __printf(1, 2);
uint64_t unit_random(void); /* same sequence in every run of a test */
void unit_random_seed(uint64_t seed);
static inline uint64_t unit_below(uint64_t n)
{
	return unit_random() % n;
}
/* A file of the source tree (or build/) as malloc'ed bytes; NULL if missing. Free with unit_free().
 */
void *unit_read_file(const char *path, size_t *size);
void *unit_malloc(size_t n); /* outside all accounting and failure injection */
void unit_free(void *p);

/* ---- stand-ins; see README ---- */
void alloc_fail_after(long n); /* n more allocations succeed, then all fail; -1: never fail (also at
				  the start of a test) */
uint64_t alloc_calls(void);    /* allocations asked for so far */
long alloc_live(void); /* kmalloc, slab and page blocks not freed; a test that cares compares before
			  and after */
extern uint64_t unit_clock;     /* what clock_ns() says; tests may move it */
void unit_advance(uint64_t ns); /* move the clock and run the timers that are due */
void unit_rcu_flush(void);      /* run what rcu_call() got; also at the end of a test */
unsigned unit_run_work(void);   /* run queued work until there is none; how many */
/* Called where a task would sleep. NULL: the test fails and stops ("would sleep for ever"). It must
 * change what is waited for. */
extern void (*unit_on_sleep)(void);
extern bool unit_signal;    /* task_interrupted() says this */
extern bool unit_print_log; /* show kernel log lines */
