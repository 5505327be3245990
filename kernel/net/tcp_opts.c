/*
 * tcp_opts.c - TCP options: reading those of a received segment, writing ours.
 *
 * RFC 9293 3.1 (end, no-operation, MSS), 7323 (window scale, timestamps), 2018 (SACK). Options
 * that are unknown or malformed are skipped; a length that leaves the header ends the reading.
 */
#include <string.h>
#include "tcp.h"

enum opt_kind {
	OPT_END = 0,
	OPT_NOP = 1,
	OPT_MSS = 2,
	OPT_WSCALE = 3,
	OPT_SACK_OK = 4,
	OPT_SACK = 5,
	OPT_TS = 8
};
enum { LEN_MSS = 4, LEN_WSCALE = 3, LEN_SACK_OK = 2, LEN_TS = 10, LEN_RANGE = 8 };

static uint32_t get32(const uint8_t *at)
{
	__be32 v;

	memcpy(&v, at, sizeof(v));
	return be32(v);
}

static void put32(uint8_t *at, uint32_t v)
{
	__be32 w = to_be32(v);

	memcpy(at, &w, sizeof(w));
}

static uint8_t *put4(uint8_t *at, uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	at[0] = a;
	at[1] = b;
	at[2] = c;
	at[3] = d;
	return at + 4;
}

static void parse_sack(const uint8_t *at, unsigned n, struct tcp_opts *o)
{
	unsigned i;

	if (n % LEN_RANGE || n > TCP_SACKS * LEN_RANGE)
		return;
	o->nr_sacks = (uint8_t)(n / LEN_RANGE);
	for (i = 0; i < o->nr_sacks; i++, at += LEN_RANGE)
		o->sack[i] = (struct tcp_range){get32(at), get32(at + 4)};
}

static void parse_one(uint8_t kind, const uint8_t *at, unsigned len, struct tcp_opts *o)
{
	switch (kind) {
	case OPT_MSS:
		if (len == LEN_MSS)
			o->mss = (uint16_t)(at[0] << 8 | at[1]);
		break;
	case OPT_WSCALE:
		if (len == LEN_WSCALE) {
			o->has_wscale = true;
			o->wscale = MIN(at[0], (uint8_t)TCP_WSCALE_MAX);
		}
		break;
	case OPT_SACK_OK:
		if (len == LEN_SACK_OK)
			o->sack_ok = true;
		break;
	case OPT_SACK:
		parse_sack(at, len - 2, o);
		break;
	case OPT_TS:
		if (len == LEN_TS) {
			o->has_ts = true;
			o->tsval = get32(at);
			o->tsecr = get32(at + 4);
		}
		break;
	default:
		break;
	}
}

void tcp_parse_opts(const uint8_t *at, unsigned n, struct tcp_opts *o)
{
	o->mss = 0;
	o->has_ts = o->has_wscale = o->sack_ok = false;
	o->nr_sacks = 0;
	if (likely(n == TCP_TS_OPT && get32(at) == 0x0101080a)) { /* as RFC 7323, appendix A */
		o->has_ts = true;
		o->tsval = get32(at + 4);
		o->tsecr = get32(at + 8);
		return;
	}
	while (n) {
		if (*at == OPT_END)
			return;
		if (*at == OPT_NOP) {
			at++;
			n--;
			continue;
		}
		if (n < 2 || at[1] < 2 || at[1] > n)
			return;
		parse_one(at[0], at + 2, at[1], o);
		n -= at[1];
		at += at[1];
	}
}

void tcp_put_ts(uint8_t *at, uint32_t tsval, uint32_t tsecr)
{
	put32(at, 0x0101080a);
	put32(at + 4, tsval);
	put32(at + 8, tsecr);
}

unsigned tcp_put_syn_opts(uint8_t *at, const struct tcp_syn_opts *o)
{
	uint8_t *p = put4(at, OPT_MSS, LEN_MSS, (uint8_t)(o->mss >> 8), (uint8_t)o->mss);

	if (o->has_ts) {
		if (o->sack_ok)
			p = put4(p, OPT_SACK_OK, LEN_SACK_OK, OPT_TS, LEN_TS);
		else
			p = put4(p, OPT_NOP, OPT_NOP, OPT_TS, LEN_TS);
		put32(p, o->tsval);
		put32(p + 4, o->tsecr);
		p += 8;
	} else if (o->sack_ok) {
		p = put4(p, OPT_NOP, OPT_NOP, OPT_SACK_OK, LEN_SACK_OK);
	}
	if (o->has_wscale)
		p = put4(p, OPT_NOP, OPT_WSCALE, LEN_WSCALE, o->wscale);
	return (unsigned)(p - at);
}

unsigned tcp_put_sacks(uint8_t *at, const struct tcp_range *r, unsigned n)
{
	uint8_t *p = put4(at, OPT_NOP, OPT_NOP, OPT_SACK, (uint8_t)(2 + n * LEN_RANGE));
	unsigned i;

	for (i = 0; i < n; i++, p += LEN_RANGE) {
		put32(p, r[i].start);
		put32(p + 4, r[i].end);
	}
	return (unsigned)(p - at);
}

/* Large enough for the buffer that automatic growth may reach. */
uint8_t tcp_choose_wscale(const struct net *net, uint32_t rcvbuf, bool locked)
{
	uint32_t most = locked ? rcvbuf : MAX(rcvbuf, net->inet->tcp_rmem[2]);
	uint8_t scale = 0;

	while (scale < TCP_WSCALE_MAX && most > 65535u << scale)
		scale++;
	return scale;
}
