/*
 * log.c - the kernel log.
 *
 * Records lie in a ring of bytes, each whole (a filler record pads the end); the oldest go when
 * room is needed. Sequence numbers count records since boot. One spinlock, irq-save, a leaf:
 * log_at() works in any context. After a panic the lock is only tried for a while, since its holder
 * may be stopped. Consoles are written outside the ring's lock by whoever holds `printing`; others
 * leave their records to it. Readers are woken at once when interrupts were on (then no scheduler
 * or timer lock can be held), else at the next tick.
 */
#include <log.h>
#include <arch/clock.h>
#include <arch/cpu.h>
#include <debug.h>
#include <printf.h>
#include <spinlock.h>
#include <string.h>
#include <time.h>
#include <wait.h>
#include "panic.h"
#include "rq.h"

#define RING_BYTES (128u * 1024)
#define TEXT_MAX   480u
#define FILLER     0xffu

struct record {
	uint32_t bytes;
	uint8_t level;
	uint64_t ns;
	char text[];
}; /* text ends in NUL; bytes: of the whole, times 8 */
static_assert(RING_BYTES % 8 == 0, "records are aligned to 8");

static char ring[RING_BYTES] __aligned(8);
static uint64_t head, tail;          /* free-running byte offsets: oldest record, next free */
static uint64_t first_seq, next_seq; /* of head and tail */
static struct spinlock ring_lock = SPINLOCK_INIT("log ring");
static struct wait_queue readers = WAIT_QUEUE_INIT(readers);
static LIST_HEAD(consoles); /* changed and walked by the holder of `printing` */
static uint32_t printing, wake_pending;
static uint64_t printed_seq, printed_pos;
static int console_level = LOG_DEBUG;

static unsigned long lock_ring(bool *locked)
{
	unsigned long f = irq_save();
	unsigned tries = panicking ? 1000000 : 0;

	if (!tries) {
		spin_lock(&ring_lock);
		*locked = true;
		return f;
	}
	while (!(*locked = spin_trylock(&ring_lock)) && --tries)
		cpu_relax();
	return f;
}

static void unlock_ring(unsigned long f, bool locked)
{
	if (locked)
		spin_unlock(&ring_lock);
	irq_restore(f);
}

static struct record *record_at(uint64_t pos)
{
	return (struct record *)(ring + pos % RING_BYTES);
}

static void drop_oldest(void)
{
	struct record *r = record_at(head);

	first_seq += r->level != FILLER;
	head += r->bytes;
}

static void make_room(uint32_t bytes)
{
	while (tail + bytes - head > RING_BYTES)
		drop_oldest();
}

static void append(enum log_level level, uint64_t ns, const char *text, size_t n)
{
	uint32_t bytes = (uint32_t)ALIGN_UP(sizeof(struct record) + n + 1, 8ul);
	uint32_t left = (uint32_t)(RING_BYTES - tail % RING_BYTES);
	struct record *r;

	if (left < bytes) {
		make_room(left);
		record_at(tail)->bytes = left; /* at least 8 bytes: bytes and level */
		record_at(tail)->level = FILLER;
		tail += left;
	}
	make_room(bytes);
	r = record_at(tail);
	r->bytes = bytes;
	r->level = (uint8_t)level;
	r->ns = ns;
	memcpy(r->text, text, n);
	r->text[n] = 0;
	tail += bytes;
	next_seq++;
}

/* The first record at or after *@pos (which may have been dropped), as text. False: none. ring_lock
 * held. */
static bool format_next(uint64_t *pos, uint64_t *seq, char *buf, size_t size, int *level)
{
	struct record *r;

	if (*pos < head) {
		*pos = head;
		*seq = first_seq;
	}
	for (; *pos < tail; *pos += r->bytes) {
		r = record_at(*pos);
		if (r->level == FILLER)
			continue;
		*level = r->level;
		scnprintf(buf, size, "[%5llu.%06llu] %s\n",
			(unsigned long long)(r->ns / NSEC_PER_SEC),
			(unsigned long long)(r->ns % NSEC_PER_SEC / 1000), r->text);
		*pos += r->bytes;
		++*seq;
		return true;
	}
	return false;
}

/* ---- consoles ---- */

static bool print_one(void)
{
	char line[TEXT_MAX + 32];
	struct log_console *c;
	unsigned long f;
	bool locked, more;
	int level = 0;

	f = lock_ring(&locked);
	more = format_next(&printed_pos, &printed_seq, line, sizeof(line), &level);
	unlock_ring(f, locked);
	if (more && level < console_level)
		list_for_each_entry (c, &consoles, node)
			c->write(c, line, strlen(line));
	return more;
}

static void print_pending(void)
{
	do {
		if (__atomic_exchange_n(&printing, 1, __ATOMIC_SEQ_CST) && !panicking)
			return; /* the holder sees our record, or looks again after letting go */
		while (print_one())
			;
		__atomic_store_n(&printing, 0, __ATOMIC_SEQ_CST);
	} while (READ_ONCE(printed_pos) < READ_ONCE(tail) && !list_empty(&consoles));
}

static void enter_printing(void)
{
	while (__atomic_exchange_n(&printing, 1, __ATOMIC_ACQUIRE))
		cpu_relax();
}

void log_console_register(struct log_console *c)
{
	char line[TEXT_MAX + 32];
	uint64_t pos = 0, seq = 0;
	unsigned long f;
	bool locked, more = true;
	int level = 0;

	enter_printing();
	while (more && seq < printed_seq) { /* what the others have shown already */
		f = lock_ring(&locked);
		more = format_next(&pos, &seq, line, sizeof(line), &level);
		unlock_ring(f, locked);
		if (more && level < console_level)
			c->write(c, line, strlen(line));
	}
	list_add_tail(&c->node, &consoles);
	__atomic_store_n(&printing, 0, __ATOMIC_SEQ_CST);
	print_pending();
}

void log_console_unregister(struct log_console *c)
{
	enter_printing();
	list_del(&c->node);
	__atomic_store_n(&printing, 0, __ATOMIC_SEQ_CST);
}

void log_set_console_level(int level)
{
	console_level = level < 1 ? 1 : level > 8 ? 8 : level;
}

/* ---- writing ---- */

void log_vat(enum log_level level, const char *fmt, va_list ap)
{
	char text[TEXT_MAX];
	unsigned long f;
	size_t n;
	bool locked;

	vsnprintf(text, sizeof(text), fmt, ap);
	n = strlen(text);
	while (n && text[n - 1] == '\n')
		n--;
	f = lock_ring(&locked);
	append(level, clock_ns(), text, n);
	unlock_ring(f, locked);
	print_pending();
	WRITE_ONCE(wake_pending, 1);
	if (!irqs_off())
		log_wake_deferred();
}

void log_at(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vat(level, fmt, ap);
	va_end(ap);
}

void log_wake_deferred(void)
{
	if (likely(!READ_ONCE(wake_pending)) || panicking)
		return;
	WRITE_ONCE(wake_pending, 0);
	wake_up_all(&readers);
}

#define LIMIT_WINDOW_NS 5000000000ull
#define LIMIT_COUNT     10u

bool log_allowed(struct log_limit *l)
{
	uint64_t now = clock_ns();

	if (now - l->window_ns > LIMIT_WINDOW_NS || !l->window_ns) {
		if (l->dropped)
			log_at(LOG_NOTICE, "%u similar messages dropped", l->dropped);
		*l = (struct log_limit){.window_ns = now ? now : 1};
	}
	if (l->count++ < LIMIT_COUNT)
		return true;
	l->dropped++;
	return false;
}

/* ---- reading ---- */

size_t log_read(uint64_t *seq, char *buf, size_t size)
{
	char line[TEXT_MAX + 32];
	uint64_t pos = 0, at = 0;
	size_t used = 0;
	unsigned long f;
	bool locked;
	int level = 0;

	f = lock_ring(&locked);
	while (format_next(&pos, &at, line, sizeof(line), &level)) {
		char prefix[8];
		size_t n = strlen(line), p;

		if (at <= *seq)
			continue;
		p = (size_t)scnprintf(prefix, sizeof(prefix), "<%d>", level);
		if (used + p + n > size)
			break;
		memcpy(buf + used, prefix, p);
		memcpy(buf + used + p, line, n);
		used += p + n;
		*seq = at;
	}
	unlock_ring(f, locked);
	return used;
}

static uint64_t read_locked(const uint64_t *what)
{
	bool locked;
	unsigned long f = lock_ring(&locked);
	uint64_t v = *what;

	unlock_ring(f, locked);
	return v;
}

uint64_t log_first_seq(void)
{
	return read_locked(&first_seq);
}
uint64_t log_next_seq(void)
{
	return read_locked(&next_seq);
}
size_t log_size(void)
{
	return RING_BYTES;
}
struct wait_queue *log_wait_queue(void)
{
	return &readers;
}
