/*
 * random.c - random numbers.
 *
 * A pool key collects entropy: what is stirred in is XORed into it, and a ChaCha20 block under the
 * result gives the next key, so the pool never knows less than before and old states cannot be
 * computed back. Each CPU draws from a key of its own that it renews from the pool when that has
 * changed; every batch begins with the next key ("fast key erasure", Bernstein 2017), and bytes are
 * wiped when handed out. No locks but the pool's, which is irq-save and a leaf. Seeding: the
 * processor's generator; the jitter of the cycle counter over memory accesses; drivers through
 * random_add().
 */
#include <random.h>
#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/percpu.h>
#include <spinlock.h>
#include <string.h>
#include <wait.h>
#include <task.h>
#include "chacha.h"

#define KEY_WORDS      8u
#define KEY_BYTES      32u
#define BATCH_BLOCKS   4u
#define READY_BITS     256u
#define JITTER_SAMPLES 4096u /* at a sixteenth of a bit each they alone are enough */

static struct spinlock pool_lock = SPINLOCK_INIT("random pool");
static uint32_t pool_key[KEY_WORDS];
static uint64_t pool_generation = 1;
static uint32_t pool_bits;
static uint64_t renewed_ns; /* when the generation was last raised */
#define RENEW_NS 1000000000ull
static struct wait_queue ready_wait = WAIT_QUEUE_INIT(ready_wait);

/* Only its own CPU, interrupts off. */
struct source {
	uint64_t generation;
	uint32_t key[KEY_WORDS];
	unsigned left; /* unused bytes, at the end of batch */
	uint8_t batch[BATCH_BLOCKS * CHACHA_BLOCK];
};
static DEFINE_PER_CPU(struct source, source);

static void wipe(void *p, size_t n)
{
	memset(p, 0, n);
	__asm__ __volatile__("" : : "r"(p) : "memory"); /* not dead */
}

/* ---- the pool ---- */

static void stir_locked(const uint8_t *data, size_t n)
{
	static const uint32_t nonce[3] = {0x6c6f6f70, 0, 0};
	uint8_t block[CHACHA_BLOCK];
	uint32_t counter = 0;

	do {
		size_t i, k = n < KEY_BYTES ? n : KEY_BYTES;

		for (i = 0; i < k; i++)
			((uint8_t *)pool_key)[i] ^= data[i];
		chacha20_block(pool_key, counter++, nonce, block);
		memcpy(pool_key, block, KEY_BYTES);
		data += k;
		n -= k;
	} while (n);
	wipe(block, sizeof(block));
}

void random_add(const void *data, size_t n, unsigned entropy_bits)
{
	unsigned long f = spin_lock_irq(&pool_lock);
	uint64_t now = cycles(), ns = clock_ns();
	bool is_news;

	stir_locked((const uint8_t *)&now, sizeof(now));
	stir_locked(data, n);
	if (pool_bits < READY_BITS ||
		ns - renewed_ns > RENEW_NS) { /* else devices would make every draw a dear one */
		WRITE_ONCE(pool_generation, pool_generation + 1);
		renewed_ns = ns;
	}
	is_news = pool_bits < READY_BITS && pool_bits + entropy_bits >= READY_BITS;
	if (pool_bits < READY_BITS)
		pool_bits += entropy_bits;
	spin_unlock_irq(&pool_lock, f);
	if (is_news)
		wake_up_all(&ready_wait);
}

bool random_ready(void)
{
	return READ_ONCE(pool_bits) >= READY_BITS;
}

int random_wait_ready(void)
{
	return wait_event_interruptible(&ready_wait, random_ready());
}

/* A key for one CPU: half of a block under the pool's key, whose other half is the pool's next. */
static void draw_key(struct source *s)
{
	static const uint32_t nonce[3] = {0x64726177, 0, 0};
	uint8_t block[CHACHA_BLOCK];

	spin_lock(&pool_lock);
	chacha20_block(pool_key, cpu_id(), nonce, block);
	memcpy(pool_key, block, KEY_BYTES);
	memcpy(s->key, block + KEY_BYTES, KEY_BYTES);
	s->generation = pool_generation;
	spin_unlock(&pool_lock);
	wipe(block, sizeof(block));
}

/* ---- drawing ---- */

static void refill(struct source *s)
{
	static const uint32_t nonce[3];
	unsigned i;

	if (s->generation != READ_ONCE(pool_generation))
		draw_key(s);
	for (i = 0; i < BATCH_BLOCKS; i++)
		chacha20_block(s->key, i, nonce, s->batch + i * CHACHA_BLOCK);
	memcpy(s->key, s->batch, KEY_BYTES);
	wipe(s->batch, KEY_BYTES);
	s->left = sizeof(s->batch) - KEY_BYTES;
}

void random_bytes(void *buf, size_t n)
{
	uint8_t *out = buf;

	while (n) { /* a batch at a time, so that interrupts are not off for long */
		unsigned long f = irq_save();
		struct source *s = this_cpu_ptr(source);
		uint8_t *from;
		size_t k;

		if (!s->left || s->generation != READ_ONCE(pool_generation))
			refill(s);
		k = n < s->left ? n : s->left;
		from = s->batch + sizeof(s->batch) - s->left;
		memcpy(out, from, k);
		wipe(from, k);
		s->left -= (unsigned)k;
		irq_restore(f);
		out += k;
		n -= k;
	}
}

uint64_t random_u64(void)
{
	uint64_t v;

	random_bytes(&v, sizeof(v));
	return v;
}

uint64_t random_below(uint64_t bound)
{
	uint64_t v, limit;

	if (bound < 2)
		return 0;
	limit = UINT64_MAX -
		UINT64_MAX %
			bound; /* a multiple of bound: what lies above would favour small numbers */
	do
		v = random_u64();
	while (v >= limit);
	return v % bound;
}

/* ---- seeding ---- */

/* How long a few dependent memory accesses take varies with caches, refresh and interrupts. */
static void add_jitter(void)
{
	static volatile uint8_t memory[4096];
	uint64_t delta[32], before = cycles(), now;
	unsigned i, at = 0;

	for (i = 0; i < JITTER_SAMPLES; i++) {
		at = (at * 5 + memory[at] + 64) % sizeof(memory);
		memory[at] += (uint8_t)before;
		now = cycles();
		delta[i % 32] = now - before;
		before = now;
		if (i % 32 == 31)
			random_add(delta, sizeof(delta), 32 / 16);
	}
}

void random_init(void)
{
	uint8_t seed[64];
	uint64_t times[2] = {(uint64_t)clock_rtc_seconds(), clock_ns()};
	size_t n = cpu_entropy(seed, sizeof(seed));

	random_add(times, sizeof(times), 0);
	if (n)
		random_add(seed, n, (unsigned)n * 8);
	wipe(seed, sizeof(seed));
	if (!random_ready())
		add_jitter();
}
