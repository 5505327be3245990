/*
 * trace.c - the built-in tracer: one log line for each call of the traced programs, in strace's
 * manner.
 *
 * Who is traced: processes whose name was given on the kernel command line (trace=NAME, several
 * times), and those switched on one by one (trace_set(), /proc/PID/trace). Arguments are described
 * by syscalls.tbl; they are read before the call, as execve() takes the memory away. Does not: show
 * what a call wrote into the program's memory.
 */
#include "compat.h"
#include "abi_state.h"
#include "trace.h"
#include <arch/boot.h>
#include <arch/upcalls.h>
#include <log.h>
#include <printf.h>

#define MAX_NAMES     4u
#define TEXT_BYTES    512u
#define STRING_SHOWN  48u
#define NR_EXIT       60u
#define NR_EXIT_GROUP 231u

static char names[MAX_NAMES][16];
static unsigned nr_names;
static int nr_traced;

struct text {
	char *s;
	size_t len;
};

/* System calls come to trace_syscall() while there is someone to trace, so that they cost nothing
 * when not. */
static void enter_here(bool on)
{
	WRITE_ONCE(arch_upcalls.syscall, on ? trace_syscall : syscall_dispatch);
}

void trace_init(void)
{
	while (nr_names < MAX_NAMES &&
		boot_option("trace", nr_names, names[nr_names], sizeof(names[0])))
		nr_names++;
	enter_here(nr_names != 0);
}

void trace_set(struct process *p, bool on)
{
	if (abi_change(p, ABI_TRACED, on) == on)
		return;
	enter_here(__atomic_add_fetch(&nr_traced, on ? 1 : -1, __ATOMIC_SEQ_CST) != 0 || nr_names);
}

bool trace_is_on(const struct process *p)
{
	return abi_test(p, ABI_TRACED);
}

static bool wanted(void)
{
	unsigned i;

	if (trace_is_on(current->process))
		return true;
	for (i = 0; i < nr_names; i++)
		if (!strcmp(names[i], current->name))
			return true;
	return false;
}

static void put(struct text *t, const char *fmt, ...) __printf(2, 3);
static void put(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->s + t->len, TEXT_BYTES - t->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		t->len = MIN(t->len + (size_t)n, (size_t)TEXT_BYTES - 1);
}

static void put_string(struct text *t, uint64_t at)
{
	char s[STRING_SHOWN + 1];
	ssize_t n = strncpy_from_user(s, (const char __user *)at, sizeof(s));
	size_t i;

	if (n < 0 && n != -ENAMETOOLONG) {
		put(t, at ? "%#llx" : "NULL", (unsigned long long)at);
		return;
	}
	put(t, "\"");
	for (i = 0; i < STRING_SHOWN && (n < 0 || i < (size_t)n); i++)
		put(t, s[i] >= ' ' && s[i] < 127 ? "%c" : "\\%o", (unsigned char)s[i]);
	put(t, n < 0 ? "\"..." : "\"");
}

struct bit_name {
	uint32_t bit;
	const char *name;
};

/* Known bits by name, the others as a number. */
static void put_bits(
	struct text *t, uint32_t v, const char *none, const struct bit_name *b, size_t n)
{
	const char *sep = *none ? "|" : "";
	uint32_t rest = v;

	if (*none)
		put(t, "%s", none);
	for (; n; n--, b++) {
		if ((rest & b->bit) != b->bit)
			continue;
		put(t, "%s%s", sep, b->name);
		rest &= ~b->bit;
		sep = "|";
	}
	if (rest || (!*none && !v))
		put(t, "%s%#x", sep, rest);
}

static void put_open_flags(struct text *t, uint32_t v)
{
	static const struct bit_name bits[] = {
		{O_CREAT, "O_CREAT"},
		{O_EXCL, "O_EXCL"},
		{O_NOCTTY, "O_NOCTTY"},
		{O_TRUNC, "O_TRUNC"},
		{O_APPEND, "O_APPEND"},
		{O_NONBLOCK, "O_NONBLOCK"},
		{O_SYNC, "O_SYNC"},
		{O_DSYNC, "O_DSYNC"},
		{O_DIRECT, "O_DIRECT"},
		{O_LARGEFILE, "O_LARGEFILE"},
		{O_TMPFILE, "O_TMPFILE"},
		{O_DIRECTORY, "O_DIRECTORY"},
		{O_NOFOLLOW, "O_NOFOLLOW"},
		{O_NOATIME, "O_NOATIME"},
		{O_CLOEXEC, "O_CLOEXEC"},
		{O_PATH, "O_PATH"},
	};
	static const char *const access[] = {"O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"};

	put_bits(t, v & ~(uint32_t)O_ACCMODE, access[v & O_ACCMODE], bits, ARRAY_SIZE(bits));
}

static void put_arg(struct text *t, unsigned kind, uint64_t v)
{
	static const struct bit_name prot[] = {
		{1, "PROT_READ"}, {2, "PROT_WRITE"}, {4, "PROT_EXEC"}};

	switch (kind) {
	case ARG_INT:
	case ARG_FD:
	case ARG_SIG:
		put(t, "%d", (int)v);
		break;
	case ARG_DIRFD:
		if ((int)v == AT_FDCWD)
			put(t, "AT_FDCWD");
		else
			put(t, "%d", (int)v);
		break;
	case ARG_UINT:
		put(t, "%u", (unsigned)v);
		break;
	case ARG_LONG:
		put(t, "%lld", (long long)v);
		break;
	case ARG_SIZE:
		put(t, "%llu", (unsigned long long)v);
		break;
	case ARG_OCT:
		put(t, "0%o", (unsigned)v);
		break;
	case ARG_STR:
		put_string(t, v);
		break;
	case ARG_OFLAGS:
		put_open_flags(t, (uint32_t)v);
		break;
	case ARG_PROT:
		put_bits(t, (uint32_t)v, "", prot, ARRAY_SIZE(prot));
		break;
	case ARG_PTR:
		put(t, v ? "%#llx" : "NULL", (unsigned long long)v);
		break;
	default:
		put(t, "%#llx", (unsigned long long)v);
	}
}

static void put_call(struct text *t, const struct frame *f)
{
	const uint64_t regs[] = {f->rdi, f->rsi, f->rdx, f->r10, f->r8, f->r9};
	uint64_t nr = f->orig_rax;
	const struct syscall_entry *e = nr < syscall_count ? &syscall_table[nr] : NULL;
	unsigned i;

	if (!e || !e->name) {
		put(t, "syscall_%llu()", (unsigned long long)nr);
		return;
	}
	put(t, "%s(", e->name);
	for (i = 0; i < e->nargs; i++) {
		if (i)
			put(t, ", ");
		put_arg(t, e->args[i], regs[i]);
	}
	put(t, ")");
}

static void put_result(struct text *t, int64_t v)
{
	if (v < 0 && v >= -MAX_ERRNO)
		put(t, " = -1 (error %d)", (int)-v);
	else if (v >= 0 && v < 1 << 20)
		put(t, " = %lld", (long long)v);
	else
		put(t, " = %#llx", (unsigned long long)v);
}

void trace_syscall(struct frame *f)
{
	struct text t = {NULL, 0};
	bool ends = f->orig_rax == NR_EXIT || f->orig_rax == NR_EXIT_GROUP;
	int tid = current->tid;

	if (wanted())
		t.s = kmalloc(TEXT_BYTES, GFP_KERNEL);
	if (!t.s) {
		f->rax = (uint64_t)syscall_run(f);
		return;
	}
	put_call(&t, f);
	if (ends) {
		log_info("%s[%d] %s = ?", current->name, tid, t.s);
		kfree(t.s);
		f->rax = (uint64_t)syscall_run(f);
		return;
	}
	f->rax = (uint64_t)syscall_run(f);
	put_result(&t, (int64_t)f->rax);
	log_info("%s[%d] %s", current->name, tid, t.s);
	kfree(t.s);
}
