/*
 * tcp_cookie.c - SYN cookies (RFC 4987, 3.6): a half-open connection kept in the sequence number
 * and the timestamp that the peer sends back, when there is no room for requests.
 *
 * The number is H1(addresses, ports) + the peer's ISN + (period << 24) + (H2(addresses, ports,
 * period) + n) mod 2^24. H1 hides the rest from who sees several of them, H2 proves that we made
 * it, the period of 64 s limits its life, n is the MSS in a table. Window scale, SACK and ECN sit
 * in the lowest bits of our timestamp; without timestamps a connection does without them.
 */
#include <hash.h>
#include <random.h>
#include "tcp.h"

enum { LIFE = 2, NO_WSCALE = 15, OPT_BITS = 6, OPT_SACK = 16, OPT_ECN = 32 };
#define PERIOD (64 * NSEC_PER_SEC)

static const uint16_t mss_table[] = {536, 1220, 1300, 1400, 1440, 1460, 8960, 65495};
static uint64_t keys[2][2];

void tcp_cookie_init(void)
{
	random_bytes(keys, sizeof(keys));
}

static uint32_t hash(const struct tcp_ent *e, uint32_t period, const uint64_t key[2])
{
	struct {
		struct ip_addr local, remote;
		__be16 lport, rport;
		uint32_t period;
	} all = {e->local, e->remote, e->lport, e->rport, period};

	return (uint32_t)siphash(&all, sizeof(all), key);
}

uint32_t tcp_cookie_make(const struct tcp_req *r, uint64_t now, uint32_t *tsval)
{
	uint32_t period = (uint32_t)(now / PERIOD), n = ARRAY_SIZE(mss_table) - 1;
	uint32_t ts = (uint32_t)(now / NSEC_PER_MSEC) + r->ts_off, bits;

	while (n && mss_table[n] > r->mss)
		n--;
	bits = r->wscale_ok ? r->snd_wscale : NO_WSCALE;
	bits |= (r->sack_ok ? OPT_SACK : 0) | (r->ecn_ok ? OPT_ECN : 0);
	*tsval = (ts & ~((1u << OPT_BITS) - 1)) | bits;
	if (seq_lt(ts, *tsval)) /* never ahead of the clock: later ones must not be behind it */
		*tsval -= 1u << OPT_BITS;
	return hash(&r->ent, 0, keys[0]) + r->irs + (period << 24) +
	       ((hash(&r->ent, period, keys[1]) + n) & 0xffffff);
}

/* The table's index, or -1: we did not make @cookie, or too long ago. */
static int decode(const struct tcp_req *r, uint32_t cookie, uint64_t now)
{
	uint32_t period = (uint32_t)(now / PERIOD), age, n;

	cookie -= hash(&r->ent, 0, keys[0]) + r->irs;
	age = (period - (cookie >> 24)) & 0xff;
	if (age >= LIFE)
		return -1;
	n = (cookie - hash(&r->ent, period - age, keys[1])) & 0xffffff;
	return n < ARRAY_SIZE(mss_table) ? (int)n : -1;
}

static void restore(const struct tcp_in *in, struct tcp_req *r)
{
	const struct net_inet *ni = in->net->inet;
	uint32_t bits = in->o.tsecr & ((1u << OPT_BITS) - 1);

	r->ts_ok = in->o.has_ts && ni->tcp_timestamps;
	if (!r->ts_ok)
		return;
	r->ts_recent = in->o.tsval;
	r->sack_ok = bits & OPT_SACK;
	r->ecn_ok = bits & OPT_ECN;
	r->wscale_ok = (bits & 15) != NO_WSCALE;
	r->snd_wscale = r->wscale_ok ? bits & 15 : 0;
}

struct tcp_req *tcp_cookie_check(struct tcp_in *in, struct tcp_sock *l)
{
	uint64_t last = READ_ONCE(l->listen.cookie_ns);
	struct tcp_req *r;
	int n;

	if (!last || in->now - last > LIFE * PERIOD || !in->net->inet->tcp_syncookies ||
		in->flags & TH_SYN)
		return NULL;
	r = tcp_req_alloc(in, l);
	if (!r)
		return NULL;
	r->irs = in->seq - 1;
	r->iss = in->ack - 1;
	n = decode(r, r->iss, in->now);
	if (n < 0) {
		mib_inc(MIB_TCPX_SYNCOOKIES_FAILED);
		tcp_req_put(r);
		return NULL;
	}
	mib_inc(MIB_TCPX_SYNCOOKIES_RECV);
	r->mss = mss_table[n];
	restore(in, r);
	tcp_req_window(in, l, r);
	return r;
}
