/*
 * exec_stack.c - the new program's stack: argument and environment strings, where stack and
 * mappings begin.
 *
 * The strings are gathered in kernel chunks in the order of their addresses, so that the size is
 * known before the stack is placed, and written to the new address space in one go. From the top:
 * eight zero bytes, the name given to exec, environment, arguments; loaders push below. Limits as
 * execve(2): strings and their pointers together a quarter of the stack limit, at most 6 MiB, at
 * least 128 KiB; one string 128 KiB.
 */
#include <error.h>
#include <process.h>
#include <random.h>
#include <slab.h>
#include <string.h>
#include <vm.h>
#include "exec_internal.h"
#include "proc.h"

#define STRING_MAX         131072u
#define STRINGS_MIN        131072u
#define STRINGS_MAX        (6u << 20)
#define STACK_SLACK        (128u << 10) /* for what loaders push, and the first calls */
#define STACK_RANDOM_PAGES (1u << 22)
#define MMAP_RANDOM_PAGES  (1ull << 28)
#define STACK_GAP_MIN      (128ull << 20)
#define STACK_GAP_MAX      (USER_END / 6 * 5)

struct chunk {
	struct chunk *next;
	size_t used, size;
	char data[];
};
struct gather {
	struct chunk *first, *last;
	size_t bytes, limit;
	unsigned count;
};

static int add_chunk(struct gather *g, size_t payload)
{
	size_t size = payload + sizeof(struct chunk);
	struct chunk *c = kmalloc(size, GFP_KERNEL);

	if (!c)
		return -ENOMEM;
	c->next = NULL;
	c->used = 0;
	c->size = payload;
	if (g->last)
		g->last->next = c;
	else
		g->first = c;
	g->last = c;
	return 0;
}

static void free_chunks(struct gather *g)
{
	while (g->first) {
		struct chunk *c = g->first;

		g->first = c->next;
		kfree(c);
	}
}

/* Make the last chunk's room larger than the one that was too small, until a longest string fits.
 */
static int more_room(struct gather *g)
{
	size_t room = g->last ? g->last->size - g->last->used : 0;
	size_t next = 4096 - sizeof(struct chunk);

	if (room >= STRING_MAX)
		return -E2BIG;
	if (g->last)
		next = room < 16384 ? 32768 - sizeof(struct chunk) : STRING_MAX;
	return add_chunk(g, next);
}

static int gather_bytes(struct gather *g, size_t n)
{
	g->last->used += n;
	g->bytes += n;
	return g->bytes + g->count * sizeof(uint64_t) > g->limit ? -E2BIG : 0;
}

/* One string with its NUL. -ENOENT: there is none with this number. */
static int gather_one(struct gather *g, const struct exec_strings *s, unsigned n)
{
	for (;;) {
		size_t room = g->last ? g->last->size - g->last->used : 0;
		int len = room ? s->get(s, n, g->last->data + g->last->used,
					 MIN(room, (size_t)STRING_MAX))
			       : -E2BIG;

		if (len >= 0) {
			g->count++;
			return gather_bytes(g, (size_t)len + 1);
		}
		if (len != -E2BIG)
			return len;
		len = more_room(g);
		if (len)
			return len;
	}
}

static int gather_all(struct gather *g, const struct exec_strings *s, unsigned *count)
{
	unsigned n = 0;
	int err = 0;

	while (!(err = gather_one(g, s, n)))
		n++;
	*count = n;
	return err == -ENOENT ? 0 : err;
}

static int get_text(const struct exec_strings *s, unsigned n, char *buf, size_t size)
{
	const char *text = s->arg;
	size_t len = strlen(text);

	if (n)
		return -ENOENT;
	if (len >= size)
		return -E2BIG;
	memcpy(buf, text, len + 1);
	return (int)len;
}

static int gather_text(struct gather *g, const char *text)
{
	struct exec_strings s = {.get = get_text, .arg = text};

	return gather_one(g, &s, 0);
}

static uint64_t clamp_u64(uint64_t v, uint64_t low, uint64_t high)
{
	return v < low ? low : v > high ? high : v;
}

static uint64_t stack_limit(void)
{
	return rlimit_cur(RLIMIT_STACK);
}

/* Where stack and mappings begin, at random unless the program's personality says no. */
static void place(struct mm *m, bool secure)
{
	uint64_t gap = clamp_u64(stack_limit(), STACK_GAP_MIN, STACK_GAP_MAX), stack_random = 0,
		 mmap_random = 0;

	if (secure || !(current->uthread->personality & ADDR_NO_RANDOMIZE)) {
		stack_random = random_below(STACK_RANDOM_PAGES) << PAGE_SHIFT;
		mmap_random = random_below(MMAP_RANDOM_PAGES) << PAGE_SHIFT;
	}
	gap += (uint64_t)STACK_RANDOM_PAGES << PAGE_SHIFT;
	m->stack_top = USER_END - stack_random;
	m->mmap_base = ALIGN_DOWN(
		USER_END - clamp_u64(gap, 0, STACK_GAP_MAX) - mmap_random, PAGE_SIZE);
}

static int map_stack(struct exec_args *a, size_t strings)
{
	uint64_t size = ALIGN_UP(strings + STACK_SLACK, PAGE_SIZE);
	struct vm_map_args map = {
		.addr = a->mm->stack_top - size,
		.length = size,
		.flags = VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC | VM_GROWSDOWN |
			 VM_STACK,
		.fixed = true,
	};
	vaddr_t at;

	a->stack_low = map.addr;
	return mm_map(a->mm, &map, &at);
}

static int write_strings(struct exec_args *a, const struct gather *g)
{
	vaddr_t at = a->sp;

	for (const struct chunk *c = g->first; c; c = c->next) {
		if (mm_access(a->mm, at, (void *)(uintptr_t)c->data, c->used, true, true) !=
			(ssize_t)c->used)
			return -ENOMEM;
		at += c->used;
	}
	return 0;
}

/* @env_at, @name_at: offsets of the parts among the gathered bytes. */
static int build(struct exec_args *a, const struct gather *g, size_t env_at, size_t name_at)
{
	int err = mm_create(&a->mm);

	if (err)
		return err;
	mm_set_limits(a->mm, current_process());
	place(a->mm, a->secure);
	err = map_stack(a, g->bytes + (g->count + 2) * sizeof(uint64_t));
	if (err)
		return err;
	a->stack_top = a->mm->stack_top;
	a->sp = a->stack_top - sizeof(uint64_t) - g->bytes;
	a->arg_start = a->sp;
	a->env_start = a->sp + env_at;
	a->str_end = a->sp + name_at;
	a->mm->arg_start = a->arg_start;
	a->mm->arg_end = a->mm->env_start = a->env_start;
	a->mm->env_end = a->str_end;
	return write_strings(a, g);
}

/* Bytes of the first string; a chunk too small for it was left empty. */
static size_t first_length(const struct gather *g)
{
	const struct chunk *c = g->first;

	while (!c->used)
		c = c->next;
	return strlen(c->data) + 1;
}

int exec_stack_build(
	struct exec_args *a, const struct exec_strings *argv, const struct exec_strings *envp)
{
	struct gather g = {.limit = clamp_u64(stack_limit() / 4, STRINGS_MIN, STRINGS_MAX)};
	size_t env_at = 0, name_at = 0;
	int err = gather_all(&g, argv, &a->argc);

	/* A program may rely on argv[0]. */
	if (!err && a->argc == 0) {
		err = gather_text(&g, "");
		a->argc = 1;
	}
	if (!err) {
		a->argv0_len = first_length(&g);
		env_at = g.bytes;
		err = gather_all(&g, envp, &a->envc);
	}
	if (!err) {
		name_at = g.bytes;
		err = gather_text(&g, a->path);
	}
	if (!err)
		err = build(a, &g, env_at, name_at);
	free_chunks(&g);
	return err;
}

int exec_push(struct exec_args *a, const void *data, size_t n, vaddr_t *at)
{
	if (n > a->sp - a->stack_low)
		return -E2BIG;
	if (mm_access(a->mm, a->sp - n, (void *)(uintptr_t)data, n, true, true) != (ssize_t)n)
		return -ENOMEM;
	a->sp -= n;
	if (at)
		*at = a->sp;
	return 0;
}

/* The arguments lie lowest, so taking the first away and putting others before it is moving sp. */
int exec_replace_argv0(struct exec_args *a, const char *interpreter, const char *argument)
{
	int err;

	a->sp += a->argv0_len;
	a->argc--;
	err = exec_push(a, a->image, strlen(a->image) + 1, NULL);
	if (!err && argument) {
		err = exec_push(a, argument, strlen(argument) + 1, NULL);
		a->argc++;
	}
	if (!err)
		err = exec_push(a, interpreter, strlen(interpreter) + 1, NULL);
	if (err)
		return err;
	a->argc += 2;
	a->argv0_len = strlen(interpreter) + 1;
	a->arg_start = a->mm->arg_start = a->sp;
	return 0;
}
