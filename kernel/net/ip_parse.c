/*
 * ip_parse.c - addresses from text: dotted quads (four decimal numbers) and RFC 4291, 2.2. No zone,
 * no prefix.
 */
#include <error.h>
#include <ipaddr.h>

/* Four numbers up to 255 without leading zeros, to the end of @s. */
static int parse_v4(const char *s, uint8_t out[4])
{
	for (unsigned i = 0; i < 4; i++) {
		unsigned v = 0, digits = 0;

		while (*s >= '0' && *s <= '9') {
			if (digits && !v)
				return -EINVAL;
			v = v * 10 + (unsigned)(*s++ - '0');
			if (++digits > 3 || v > 255)
				return -EINVAL;
		}
		if (!digits || *s != (i < 3 ? '.' : '\0'))
			return -EINVAL;
		s += i < 3;
		out[i] = (uint8_t)v;
	}
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Groups of hexadecimal digits; one "::" stands for as many zero groups as are missing. */
static int parse_v6(const char *s, struct ip_addr *out)
{
	uint8_t b[16] = {0};
	unsigned n = 0;
	int gap = -1;

	if (s[0] == ':' && s[1] != ':')
		return -EINVAL;
	while (*s) {
		unsigned v = 0, digits = 0;
		const char *group = s;

		if (s[0] == ':' && s[1] == ':') {
			if (gap >= 0)
				return -EINVAL;
			gap = (int)n;
			s += 2;
			continue;
		}
		for (; hex_digit(*s) >= 0; s++, digits++)
			v = v << 4 | (unsigned)hex_digit(*s);
		if (*s == '.') {
			if (n > 12 || parse_v4(group, b + n))
				return -EINVAL;
			n += 4;
			break;
		}
		if (!digits || digits > 4 || n == 16)
			return -EINVAL;
		b[n++] = (uint8_t)(v >> 8);
		b[n++] = (uint8_t)v;
		if (*s == ':' && s[1] && s[1] != ':')
			s++;
		else if (*s && *s != ':')
			return -EINVAL;
		else if (*s == ':' && !s[1])
			return -EINVAL;
	}
	if (gap < 0 ? n != 16 : n > 14)
		return -EINVAL;
	if (gap >= 0) {
		memmove(b + 16 - (n - (unsigned)gap), b + gap, n - (unsigned)gap);
		memset(b + gap, 0, 16 - n);
	}
	memcpy(out->b, b, sizeof(b));
	return 0;
}

int ip_from_text(const char *s, struct ip_addr *out)
{
	struct ip_addr a = ip_any_of(false);

	if (!parse_v4(s, a.b + 12)) {
		*out = a;
		return 0;
	}
	return parse_v6(s, out);
}
