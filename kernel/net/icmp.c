/*
 * icmp.c - ICMP for IPv4 (RFC 792, RFC 1122 3.2.2, RFC 1812 4.3): echo, errors received, errors
 * sent.
 *
 * An error received is believed as far as its quotation is of a packet that this host sent; the
 * transport then looks for the socket and judges the rest (ports, sequence numbers). Errors sent
 * are limited: a token bucket for all and one for each of many sets of peers, as Linux does it
 * (1000/s, 50 at once; icmp_ratelimit for each peer), but never over loopback.
 */
#include "fib.h"
#include "inetdev.h"
#include "neigh.h"
#include <debug.h>
#include <hash.h>
#include <random.h>
#include <time.h>

enum {
	QUOTE_MAX = 576 - IP4_HLEN - 8, /* RFC 1812, 4.3.2.3 */
	PREC_INTERNETCONTROL = 0xc0,
	PEER_SLOTS = 1024,
	PEER_BURST = 6,
	GLOBAL_RATE = 1000,
	GLOBAL_BURST = 50,
	CODES = 16
};

/* ---- rate limits ---- */

struct bucket {           /* tokens in ns: each message costs one interval */
	uint64_t full_ns; /* when it is full again */
};
static struct bucket all, peers[PEER_SLOTS];
static struct spinlock rate_lock = SPINLOCK_INIT("icmp rate");
static uint64_t rate_key[2];

static bool take(struct bucket *b, uint64_t now, uint64_t interval, unsigned burst)
{
	const uint64_t base = MAX(b->full_ns, now);

	if (base + interval > now + burst * interval)
		return false;
	b->full_ns = base + interval;
	return true;
}

bool icmp_rate_allow(struct net *net, const struct ip_addr *to)
{
	const uint64_t now = clock_ns();
	const uint64_t interval = net->inet->icmp_ratelimit_ms * NSEC_PER_MSEC;
	struct bucket *peer = &peers[siphash(to, sizeof(*to), rate_key) % PEER_SLOTS];
	bool ok;

	spin_lock(&rate_lock);
	ok = (!interval || take(peer, now, interval, PEER_BURST)) &&
	     take(&all, now, NSEC_PER_SEC / GLOBAL_RATE, GLOBAL_BURST);
	spin_unlock(&rate_lock);
	return ok;
}

/* ---- sending ---- */

static void count_out(uint8_t type)
{
	mib_inc(MIB_ICMP_OUT_MSGS);
	if (type == ICMP4_UNREACHABLE)
		mib_inc(MIB_ICMP_OUT_DEST_UNREACHS);
	else if (type == ICMP4_TIME_EXCEEDED)
		mib_inc(MIB_ICMP_OUT_TIME_EXCDS);
	else if (type == ICMP4_ECHO)
		mib_inc(MIB_ICMP_OUT_ECHOS);
	else if (type == ICMP4_ECHO_REPLY)
		mib_inc(MIB_ICMP_OUT_ECHO_REPS);
}

int icmp_route_back(struct net *net, struct pkt *p, uint8_t tos, struct dst *d)
{
	struct flow f = {.src = p->ip.dst, .dst = p->ip.src, .tos = tos, .mark = p->mark};

	if (inet_addr_type(net, &p->ip.dst, 0) != ADDR_LOCAL)
		f.src = ip_is_v4(&f.dst) ? ip_from_v4(IP4(0, 0, 0, 0))
					 : (struct ip_addr){.q = {0, 0}};
	if (ip_is_link_local(&f.dst) && !ip_is_v4(&f.dst))
		f.ifindex = p->ip.ifindex;
	f.proto = ip_is_v4(&f.dst) ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	return dst_lookup(net, &f, d);
}

/* @p begins at the ICMP header: sum it and send it along @d. Consumes. */
static void transmit(
	struct net *net, const struct dst *d, const struct ip_addr *to, uint8_t tos, struct pkt *p)
{
	struct icmp_hdr *h = (struct icmp_hdr *)pkt_data(p);
	const struct inet_send_args a = {
		.src = d->src,
		.dst = *to,
		.proto = IPPROTO_ICMP,
		.tos = tos,
	};

	h->csum = 0;
	h->csum = csum_fold(pkt_csum(p, 0, p->len, 0));
	p->csum = CSUM_NONE;
	p->l4 = p->off;
	count_out(h->type);
	(void)inet_send(net, d, &a, p);
}

static const struct {
	uint8_t type, code;
} wire[] = {
	[ICMP_PORT_UNREACHABLE] = {ICMP4_UNREACHABLE, 3},
	[ICMP_PROTO_UNREACHABLE] = {ICMP4_UNREACHABLE, 2},
	[ICMP_HOST_UNREACHABLE] = {ICMP4_UNREACHABLE, 1},
	[ICMP_NET_UNREACHABLE] = {ICMP4_UNREACHABLE, 0},
	[ICMP_FRAG_NEEDED] = {ICMP4_UNREACHABLE, 4},
	[ICMP_TTL_EXCEEDED] = {ICMP4_TIME_EXCEEDED, 0},
	[ICMP_REASM_EXCEEDED] = {ICMP4_TIME_EXCEEDED, 1},
	[ICMP_PARAM_PROBLEM] = {ICMP4_PARAM_PROBLEM, 0},
	[ICMP_ADMIN_PROHIBITED] = {ICMP4_UNREACHABLE, 13},
};

/* Is @p itself an ICMP error (or an unknown type)? Answers to those would never end. */
static bool is_error(struct pkt *p)
{
	const struct ip4_hdr *h = ip4_header(p);
	const unsigned at = p->l3 + ip4_hlen(h);
	uint8_t type;

	if (h->proto != IPPROTO_ICMP)
		return false;
	if (at < p->off + p->lin_len)
		type = p->lin[at];
	else if (at == p->off + p->lin_len && p->len > p->lin_len)
		pkt_copy_bytes(p, p->lin_len, &type, 1);
	else
		return true;
	return type == ICMP4_UNREACHABLE || type == ICMP4_SOURCE_QUENCH || type == ICMP4_REDIRECT ||
	       type == ICMP4_TIME_EXCEEDED || type == ICMP4_PARAM_PROBLEM || type > 18;
}

/* RFC 1122, 3.2.2. */
static bool may_answer(struct net *net, struct pkt *p)
{
	const struct ip4_hdr *h = ip4_header(p);
	const struct ip_addr src = ip_from_v4(h->src), dst = ip_from_v4(h->dst);
	enum addr_type type;

	if (p->type != PKT_HOST || h->frag & to_be16(IP4_OFFSET) || is_error(p))
		return false;
	type = inet_addr_type(net, &dst, 0);
	if (type == ADDR_BROADCAST || type == ADDR_MULTICAST)
		return false;
	type = inet_addr_type(net, &src, 0);
	return type == ADDR_LOCAL || (type == ADDR_NONE && be32(h->src) >> 24 != 0);
}

/* The packet's IP header and what follows, as much as may be quoted. */
static int quote(struct pkt *to, struct pkt *from)
{
	const unsigned head = from->off - from->l3;
	const unsigned n = MIN(head + from->len, (unsigned)QUOTE_MAX), part = MIN(head, n);
	int err = pkt_append_bytes(to, from->lin + from->l3, part);

	return err || n == part ? err : pkt_append_ref(to, from, 0, n - part);
}

static void send_error(struct net *net, struct pkt *p, uint8_t type, uint8_t code, __be32 rest)
{
	const struct ip4_hdr *ip = ip4_header(p);
	const uint8_t tos = (ip->tos & 0x1e) | PREC_INTERNETCONTROL;
	struct pkt *e;
	struct icmp_hdr *h;
	struct dst d;

	p->ip.src = ip_from_v4(ip->src);
	p->ip.dst = ip_from_v4(ip->dst);
	if (icmp_route_back(net, p, tos, &d))
		return;
	if (!(d.dev->flags & IFF_LOOPBACK) && !icmp_rate_allow(net, &p->ip.src)) {
		mib_inc(MIB_ICMP_OUT_RATELIMITED);
		goto release;
	}
	e = pkt_alloc_tx();
	if (!e)
		goto release;
	h = pkt_append(e, sizeof(*h));
	*h = (struct icmp_hdr){.type = type, .code = code, .rest = rest};
	if (quote(e, p))
		pkt_free(e);
	else
		transmit(net, &d, &p->ip.src, tos, e);
release:
	dst_release(&d);
}

void icmp_send(struct net *net, struct pkt *p, enum icmp_reason why, uint32_t info)
{
	__be32 rest = to_be32(0);

	if (p->protocol == to_be16(ETH_P_IPV6)) {
		icmp6_send(net, p, why, info);
		return;
	}
	if (!may_answer(net, p))
		return;
	if (why == ICMP_FRAG_NEEDED)
		rest = to_be32(info & 0xffff);
	else if (why == ICMP_PARAM_PROBLEM)
		rest = to_be32(info << 24);
	send_error(net, p, wire[why].type, wire[why].code, rest);
}

void icmp_redirect(struct net *net, struct pkt *p, const struct ip_addr *gateway)
{
	if (may_answer(net, p))
		send_error(net, p, ICMP4_REDIRECT, 1, ip_v4(gateway)); /* for the host */
}

/* ---- received: questions ---- */

static void answer_echo(struct net *net, struct pkt *p, bool group)
{
	struct icmp_hdr *h = (struct icmp_hdr *)pkt_data(p);
	const struct ip_addr to = p->ip.src;
	const uint8_t tos = p->ip.tos;
	struct dst d;

	if (net->inet->icmp_echo_ignore_all || (group && net->inet->icmp_echo_ignore_broadcasts) ||
		icmp_route_back(net, p, tos, &d)) {
		pkt_free(p);
		return;
	}
	h->type = ICMP4_ECHO_REPLY;
	pkt_orphan(p);
	transmit(net, &d, &to, tos, p);
	dst_release(&d);
}

/* RFC 792: milliseconds since midnight UT, when it came and when the answer goes. */
static void answer_timestamp(struct net *net, struct pkt *p, bool group)
{
	const struct ip_addr to = p->ip.src;
	struct icmp_hdr *h;
	struct dst d;
	__be32 now = to_be32((uint32_t)(realtime_ns() / 1000000 % 86400000));

	if ((group && net->inet->icmp_echo_ignore_broadcasts) || !pkt_need(p, sizeof(*h) + 12) ||
		icmp_route_back(net, p, p->ip.tos, &d)) {
		pkt_free(p);
		return;
	}
	pkt_trim(p, sizeof(*h) + 12);
	h = (struct icmp_hdr *)pkt_data(p);
	h->type = ICMP4_TIMESTAMP_REPLY;
	h->code = 0;
	memcpy(pkt_data(p) + sizeof(*h) + 4, &now, 4);
	memcpy(pkt_data(p) + sizeof(*h) + 8, &now, 4);
	pkt_orphan(p);
	transmit(net, &d, &to, p->ip.tos, p);
	dst_release(&d);
}

/* ---- received: errors ---- */

static const struct {
	uint8_t err;
	bool hard;
} unreachable[CODES] = {/* RFC 1122, 4.2.3.9; RFC 1812, 5.2.7.1; errors as ip(7) programs know */
	{ENETUNREACH, false}, {EHOSTUNREACH, false}, {ENOPROTOOPT, true}, {ECONNREFUSED, true},
	{EMSGSIZE, false}, {EOPNOTSUPP, false}, {ENETUNREACH, true}, {EHOSTDOWN, true},
	{ENONET, true}, {ENETUNREACH, true}, {EHOSTUNREACH, true}, {ENETUNREACH, false},
	{EHOSTUNREACH, false}, {EHOSTUNREACH, true}, {EHOSTUNREACH, true}, {EHOSTUNREACH, true}};

/* RFC 1191, 5: a router that does not tell its MTU. */
static uint32_t guess_mtu(unsigned was)
{
	static const uint16_t plateau[] = {32000, 17914, 8166, 4352, 2002, 1492, 576};
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(plateau); i++)
		if (was > plateau[i])
			return plateau[i];
	return IP4_MIN_MTU;
}

static bool error_of(const struct icmp_hdr *h, const struct ip4_hdr *quoted, struct inet_error *e)
{
	switch (h->type) {
	case ICMP4_UNREACHABLE:
		if (h->code >= CODES)
			return false;
		e->err = unreachable[h->code].err;
		e->is_hard = unreachable[h->code].hard;
		if (e->err == EMSGSIZE) {
			e->info = be32(h->rest) & 0xffff;
			if (!e->info)
				e->info = guess_mtu(be16(quoted->len));
		}
		return true;
	case ICMP4_TIME_EXCEEDED:
		e->err = EHOSTUNREACH;
		return true;
	case ICMP4_PARAM_PROBLEM:
		e->err = EPROTO;
		e->is_hard = true;
		e->info = be32(h->rest) >> 24;
		return true;
	default:
		return false;
	}
}

/* RFC 1122, 3.2.2.2: only from the gateway that we use now, to one on the same link. */
static void redirected(
	struct net *net, const struct pkt *p, const struct icmp_hdr *h, const struct ip_addr *dst)
{
	const struct inet_dev *idev = inet_dev(p->dev);
	const struct ip_addr gateway = ip_from_v4(h->rest);
	const struct flow f = {.dst = *dst, .src = ip_from_v4(IP4(0, 0, 0, 0))};
	struct dst d;

	if (h->code > 3 || !idev || !idev->accept_redirects || net->inet->forward4 ||
		!inetdev_on_link(p->dev, &gateway) ||
		inet_addr_type(net, &gateway, 0) != ADDR_NONE || dst_lookup(net, &f, &d))
		return;
	if (d.kind == DST_UNICAST && d.dev == p->dev && ip_equal(&d.hop, &p->ip.src) &&
		!ip_equal(&d.hop, dst))
		fib_redirect(net, dst, &gateway, d.dev->ifindex);
	dst_release(&d);
}

void icmp_tell(struct net *net, struct pkt *p, const struct inet_error *e)
{
	const struct inet_proto *proto = inet_proto_input(p->ip.proto);

	raw_error(net, p, e);
	if (proto && proto->error)
		proto->error(net, p, e);
}

/* The quotation: an IP header of ours and eight bytes or more. */
static void handle_error(struct net *net, struct pkt *p)
{
	const struct icmp_hdr h = *(const struct icmp_hdr *)pkt_data(p);
	struct inet_error e = {
		.origin = SO_EE_ORIGIN_ICMP, .type = h.type, .code = h.code, .from = p->ip.src};
	struct ip4_hdr *q;
	unsigned hlen;

	pkt_pull(p, sizeof(h));
	if (!pkt_need(p, IP4_HLEN))
		goto bad;
	q = (struct ip4_hdr *)pkt_data(p);
	hlen = ip4_hlen(q);
	if (q->ver_ihl >> 4 != 4 || hlen < IP4_HLEN || !pkt_need(p, hlen + 8))
		goto bad;
	q = (struct ip4_hdr *)pkt_data(p);
	if (q->frag & to_be16(IP4_OFFSET))
		return;
	const struct ip_addr src = ip_from_v4(q->src), dst = ip_from_v4(q->dst);

	if (inet_addr_type(net, &src, 0) != ADDR_LOCAL)
		return;
	if (h.type == ICMP4_REDIRECT) {
		redirected(net, p, &h, &dst);
		return;
	}
	if (!error_of(&h, q, &e))
		goto bad;
	p->ip.src = src;
	p->ip.dst = dst;
	p->ip.proto = q->proto;
	p->l3 = p->off;
	pkt_pull(p, hlen);
	p->l4 = p->off;
	icmp_tell(net, p, &e);
	return;
bad:
	mib_inc(MIB_ICMP_IN_ERRORS);
}

static void count_in(uint8_t type)
{
	static const uint16_t id[] = {
		[ICMP4_ECHO_REPLY] = MIB_ICMP_IN_ECHO_REPS,
		[ICMP4_UNREACHABLE] = MIB_ICMP_IN_DEST_UNREACHS,
		[ICMP4_REDIRECT] = MIB_ICMP_IN_REDIRECTS,
		[ICMP4_ECHO] = MIB_ICMP_IN_ECHOS,
		[ICMP4_TIME_EXCEEDED] = MIB_ICMP_IN_TIME_EXCDS,
		[ICMP4_PARAM_PROBLEM] = MIB_ICMP_IN_PARM_PROBS,
	};

	if (type < ARRAY_SIZE(id) && id[type])
		mib_inc(id[type]);
}

static void icmp_input(struct net *net, struct pkt *p)
{
	const bool group = p->ip.is_broadcast;
	const struct icmp_hdr *h;

	mib_inc(MIB_ICMP_IN_MSGS);
	if (!pkt_need(p, sizeof(*h))) {
		mib_inc(MIB_ICMP_IN_ERRORS);
		goto drop;
	}
	if (p->csum == CSUM_NONE && csum_fold(pkt_csum(p, 0, p->len, 0))) {
		mib_inc(MIB_ICMP_IN_CSUM_ERRORS);
		mib_inc(MIB_ICMP_IN_ERRORS);
		goto drop;
	}
	h = (const struct icmp_hdr *)pkt_data(p);
	count_in(h->type);
	switch (h->type) {
	case ICMP4_ECHO:
		answer_echo(net, p, group);
		return;
	case ICMP4_TIMESTAMP:
		answer_timestamp(net, p, group);
		return;
	case ICMP4_ECHO_REPLY:
		ping_input(net, p);
		return;
	case ICMP4_UNREACHABLE:
	case ICMP4_TIME_EXCEEDED:
	case ICMP4_PARAM_PROBLEM:
	case ICMP4_REDIRECT:
		if (!group)
			handle_error(net, p);
		break;
	default:
		break;
	}
drop:
	pkt_free(p);
}

static const struct inet_proto icmp_proto = {
	.name = "ICMP",
	.proto = IPPROTO_ICMP,
	.input = icmp_input,
	.error = ping_error,
};

void icmp_init(void)
{
	random_bytes(rate_key, sizeof(rate_key));
	PANIC_ON(inet_proto_register(&icmp_proto));
}
