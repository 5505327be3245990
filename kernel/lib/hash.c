/*
 * hash.c - SipHash-1-3 for tables whose keys users choose, and a cheaper keyed hash for names.
 *
 * Spec: Aumasson and Bernstein, "SipHash: a fast short-input PRF", with one compression round and
 * three final ones.
 */
#include <hash.h>
#include <string.h>

struct sip {
	uint64_t a, b, c, d;
};

static inline uint64_t rotl(uint64_t x, unsigned n)
{
	return x << n | x >> (64 - n);
}

static inline uint64_t load8(const uint8_t *p)
{
	uint64_t v;

	__builtin_memcpy(&v, p, 8);
	return v;
}

/* The last n < 8 bytes, little-endian, zeros above. */
static inline uint64_t load_tail(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	while (n--)
		v = v << 8 | p[n];
	return v;
}

static inline void sip_round(struct sip *s)
{
	s->a += s->b;
	s->b = rotl(s->b, 13) ^ s->a;
	s->a = rotl(s->a, 32);
	s->c += s->d;
	s->d = rotl(s->d, 16) ^ s->c;
	s->a += s->d;
	s->d = rotl(s->d, 21) ^ s->a;
	s->c += s->b;
	s->b = rotl(s->b, 17) ^ s->c;
	s->c = rotl(s->c, 32);
}

uint64_t siphash(const void *data, size_t n, const uint64_t key[2])
{
	struct sip s = {
		.a = key[0] ^ 0x736f6d6570736575ull,
		.b = key[1] ^ 0x646f72616e646f6dull,
		.c = key[0] ^ 0x6c7967656e657261ull,
		.d = key[1] ^ 0x7465646279746573ull,
	};
	const uint8_t *p = data;
	uint64_t last = (uint64_t)n << 56, w;

	for (; n >= 8; n -= 8, p += 8) {
		w = load8(p);
		s.d ^= w;
		sip_round(&s);
		s.a ^= w;
	}
	last |= load_tail(p, n);
	s.d ^= last;
	sip_round(&s);
	s.a ^= last;
	s.c ^= 0xff;
	sip_round(&s);
	sip_round(&s);
	sip_round(&s);
	return s.a ^ s.b ^ s.c ^ s.d;
}

/*
 * Multiply and fold the high half down, a word at a time. The key keeps outsiders from choosing
 * names that collide; it is not a PRF, so hash values must not be shown to programs.
 */
uint32_t hash_name(const char *name, size_t n, uint64_t key)
{
	const uint8_t *p = (const uint8_t *)name;
	uint64_t h = key ^ (uint64_t)n * 0x9e3779b97f4a7c15ull;

	for (; n >= 8; n -= 8, p += 8) {
		h = (h ^ load8(p)) * 0xd6e8feb86659fd93ull;
		h ^= h >> 32;
	}
	if (n) {
		h = (h ^ load_tail(p, n)) * 0xd6e8feb86659fd93ull;
		h ^= h >> 32;
	}
	h *= 0xd6e8feb86659fd93ull;
	return (uint32_t)(h >> 32);
}
