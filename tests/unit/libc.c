/*
 * libc.c - the half of the unit-test runtime that talks to the host's C library; unit.h's types are
 * repeated here because kernel headers and libc headers cannot meet in one file. What is weak is
 * another's in tests/fuzz.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct test {
	const char *name, *file;
	void (*fn)(void);
};
static struct test tests[512];
static int nr_tests, failures;
static uint64_t rng;
static jmp_buf bail_out;

void unit_host_begin(void);
void unit_host_end(void);
void unit_register(const char *name, const char *file, void (*fn)(void));
void unit_fail(const char *file, int line, const char *fmt, ...);
void unit_bail(const char *why);
bool unit_eq(const char *file, int line, const char *text, int64_t a, int64_t b);
bool unit_true(const char *file, int line, const char *text, bool ok);
bool unit_str(const char *file, int line, const char *a, const char *b);
bool unit_mem(const char *file, int line, const void *a, const void *b, size_t n);
void unit_print(const char *fmt, ...);
uint64_t unit_random(void);
void unit_random_seed(uint64_t seed);
void *unit_read_file(const char *path, size_t *size);
void *unit_malloc(size_t n);
void *unit_malloc_aligned(size_t align, size_t n);
void unit_free(void *p);

void unit_register(const char *name, const char *file, void (*fn)(void))
{
	if (nr_tests == 512)
		abort();
	tests[nr_tests++] = (struct test){name, file, fn};
}

__attribute__((weak)) void unit_fail(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	failures++;
	va_start(ap, fmt);
	printf("FAIL %s:%d: ", file, line);
	vprintf(fmt, ap);
	printf("\n");
	fflush(stdout);
	va_end(ap);
}

/* Ends the running test: the kernel code under it cannot go on. */
__attribute__((weak)) void unit_bail(const char *why)
{
	failures++;
	printf("FAIL %s\n", why);
	fflush(stdout);
	longjmp(bail_out, 1);
}

bool unit_eq(const char *file, int line, const char *text, int64_t a, int64_t b)
{
	if (a != b)
		unit_fail(file, line, "%s: %lld (%#llx), not %lld (%#llx)", text, (long long)a,
			(long long)a, (long long)b, (long long)b);
	return a == b;
}

bool unit_true(const char *file, int line, const char *text, bool ok)
{
	if (!ok)
		unit_fail(file, line, "%s", text);
	return ok;
}

bool unit_str(const char *file, int line, const char *a, const char *b)
{
	bool same = a && b && !strcmp(a, b);

	if (!same)
		unit_fail(file, line, "\"%s\", not \"%s\"", a ? a : "(null)", b ? b : "(null)");
	return same;
}

bool unit_mem(const char *file, int line, const void *a, const void *b, size_t n)
{
	const unsigned char *p = a, *q = b;
	size_t i;

	for (i = 0; i < n; i++)
		if (p[i] != q[i]) {
			unit_fail(file, line, "byte %zu of %zu: %#x, not %#x", i, n, p[i], q[i]);
			return false;
		}
	return true;
}

void unit_print(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	fflush(stdout);
}

void unit_random_seed(uint64_t seed)
{
	rng = seed;
}

uint64_t unit_random(void)
{
	rng += 0x9e3779b97f4a7c15ull;
	uint64_t z = rng;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

void *unit_malloc(size_t n)
{
	void *p = malloc(n ? n : 1);

	if (!p)
		abort();
	return p;
}

void *unit_malloc_aligned(size_t align, size_t n)
{
	void *p = NULL;

	if (posix_memalign(&p, align < 16 ? 16 : align, n ? n : 1))
		abort();
	return p;
}

void unit_free(void *p)
{
	free(p);
}

void *unit_read_file(const char *path, size_t *size)
{
	FILE *f = fopen(path, "rb");
	char *data;
	long n;

	if (!f)
		return NULL;
	fseek(f, 0, SEEK_END);
	n = ftell(f);
	rewind(f);
	data = unit_malloc((size_t)n + 1);
	*size = fread(data, 1, (size_t)n, f);
	data[*size] = 0;
	fclose(f);
	return data;
}

/* Apart from main(), whose locals must survive the longjmp(). */
static bool run_test(const struct test *t)
{
	failures = 0;
	unit_random_seed(1);
	unit_host_begin();
	if (!setjmp(bail_out))
		t->fn();
	unit_host_end();
	if (failures)
		printf("FAIL %s: test %s\n", t->file, t->name);
	else
		printf("ok %s\n", t->name);
	fflush(stdout);
	return failures == 0;
}

/* Without arguments all tests; else those whose names contain the argument. */
int main(int argc, char **argv)
{
	int failed = 0;

	for (int i = 0; i < nr_tests; i++) {
		if (argc > 1 && !strstr(tests[i].name, argv[1]))
			continue;
		if (!run_test(&tests[i]))
			failed++;
	}
	return failed != 0;
}
