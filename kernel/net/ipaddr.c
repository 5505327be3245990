/*
 * ipaddr.c - addresses as text: dotted for IPv4, RFC 5952's canonical form for IPv6.
 *
 * Does not: parse.
 */
#include <ipaddr.h>

static char *put_decimal(char *at, unsigned v)
{
	if (v >= 100)
		*at++ = (char)('0' + v / 100);
	if (v >= 10)
		*at++ = (char)('0' + v / 10 % 10);
	*at++ = (char)('0' + v % 10);
	return at;
}

static char *put_hex(char *at, unsigned v)
{
	unsigned shift = 12;

	while (shift && !(v >> shift))
		shift -= 4;
	for (;; shift -= 4) {
		*at++ = "0123456789abcdef"[v >> shift & 15];
		if (!shift)
			return at;
	}
}

/* The first of the longest runs of at least two zero groups: *start = 8 when there is none. */
static unsigned longest_zeros(const struct ip_addr *a, unsigned *start)
{
	unsigned best = 1, run = 0;

	*start = 8;
	for (unsigned i = 0; i < 8; i++) {
		run = a->h[i] ? 0 : run + 1;
		if (run > best) {
			best = run;
			*start = i + 1 - run;
		}
	}
	return best;
}

static char *put_v6(char *at, const struct ip_addr *a)
{
	unsigned zeros, len = longest_zeros(a, &zeros);

	for (unsigned i = 0; i < 8;) {
		if (i == zeros) { /* RFC 5952, 4.2 */
			*at++ = ':';
			*at++ = ':';
			i += len;
			continue;
		}
		if (i && i != zeros + len)
			*at++ = ':';
		at = put_hex(at, be16(a->h[i++]));
	}
	return at;
}

const char *ip_text(const struct ip_addr *a, char *buf)
{
	char *at = buf;

	if (ip_is_v4(a)) {
		for (unsigned i = 12; i < 16; i++) {
			at = put_decimal(at, a->b[i]);
			*at++ = '.';
		}
		at--;
	} else {
		at = put_v6(at, a);
	}
	*at = 0;
	return buf;
}
