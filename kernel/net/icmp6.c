/*
 * icmp6.c - ICMPv6 (RFC 4443): echo, errors received, errors sent; and the way to Neighbour
 * Discovery and MLD, whose messages it carries. Limits on errors are those of icmp.c.
 */
#include "fib.h"
#include "inetdev.h"
#include <debug.h>

enum { QUOTE_MAX = IP6_MIN_MTU - IP6_HLEN - 8, MAX_HEADERS = 8, CODES = 7 };

static int transmit(
	struct net *net, const struct dst *d, const struct ip_addr *to, uint8_t tos, struct pkt *p)
{
	struct icmp_hdr *h = (struct icmp_hdr *)pkt_data(p);
	const struct inet_send_args a = {
		.src = d->src, .dst = *to, .proto = IPPROTO_ICMPV6, .tos = tos};

	icmp6_sum(p, &a.src, to);
	p->l4 = p->off;
	mib_inc(MIB_ICMP6_OUT_MSGS);
	(void)h;
	return inet_send(net, d, &a, p);
}

void icmp6_sum(struct pkt *p, const struct ip_addr *src, const struct ip_addr *dst)
{
	struct icmp_hdr *h = (struct icmp_hdr *)pkt_data(p);
	const uint32_t pseudo = csum_pseudo(src, dst, p->len, IPPROTO_ICMPV6);

	h->csum = to_be16(0);
	h->csum = csum_fold(pkt_csum(p, 0, p->len, pseudo));
	p->csum = CSUM_NONE;
}

/* ---- errors sent ---- */

/* Walk the headers of the packet at p->l3, as far as they are linear: the offset in lin[] of the
 * upper header, its protocol, and where that is named. False: it does not get there. */
static bool find_upper(const struct pkt *p, unsigned *at, uint8_t *proto, unsigned *named_at)
{
	const unsigned end = p->off + p->lin_len;
	unsigned i;

	*named_at = p->l3 + offsetof(struct ip6_hdr, next);
	*proto = p->lin[*named_at];
	*at = p->l3 + IP6_HLEN;
	for (i = 0; i < MAX_HEADERS; i++) {
		if (*proto != IP6_HOPOPTS && *proto != IP6_DSTOPTS && *proto != IP6_ROUTING &&
			*proto != IP6_FRAGMENT)
			return true;
		if (*at + 8 > end)
			return false;
		*named_at = *at;
		if (*proto == IP6_FRAGMENT && (p->lin[*at + 2] || p->lin[*at + 3] & 0xf8))
			return false; /* not the first: what follows is no header */
		*proto = p->lin[*at];
		*at += p->lin[*named_at + 1] && p->lin[*named_at] != IP6_FRAGMENT
			       ? (p->lin[*named_at + 1] + 1u) * 8
			       : 8;
	}
	return false;
}

/* RFC 4443, 2.4 (e). */
static bool may_answer(struct pkt *p, uint8_t type, uint8_t code)
{
	const struct ip6_hdr *h = ip6_header(p);
	const struct ip_addr src = ip6_addr(h->src), dst = ip6_addr(h->dst);
	const bool group_ok = type == ICMP6_TOO_BIG || (type == ICMP6_PARAM_PROBLEM && code == 2);
	unsigned at, named_at;
	uint8_t proto, inner;

	if (ip_is_any(&src) || ip_is_multicast(&src))
		return false;
	if ((ip_is_multicast(&dst) || (p->type != PKT_HOST && p->type != PKT_LOOPED)) && !group_ok)
		return false;
	if (!find_upper(p, &at, &proto, &named_at) || proto != IPPROTO_ICMPV6)
		return true;
	if (at < p->off + p->lin_len)
		inner = p->lin[at];
	else if (at == (unsigned)p->off + p->lin_len && p->len > p->lin_len)
		pkt_copy_bytes(p, p->lin_len, &inner, 1);
	else
		return false;
	return inner >= 128 && inner != ICMP6_REDIRECT;
}

static int quote(struct pkt *to, struct pkt *from)
{
	const unsigned head = from->off - from->l3;
	const unsigned n = MIN(head + from->len, (unsigned)QUOTE_MAX), part = MIN(head, n);
	int err = pkt_append_bytes(to, from->lin + from->l3, part);

	return err || n == part ? err : pkt_append_ref(to, from, 0, n - part);
}

static void send_error(struct net *net, struct pkt *p, uint8_t type, uint8_t code, uint32_t rest)
{
	struct pkt *e;
	struct icmp_hdr *h;
	struct dst d;

	if (!may_answer(p, type, code))
		return;
	p->ip.src = ip6_addr(ip6_header(p)->src);
	p->ip.dst = ip6_addr(ip6_header(p)->dst);
	if (icmp_route_back(net, p, 0, &d))
		return;
	if (!(d.dev->flags & IFF_LOOPBACK) && type != ICMP6_TOO_BIG &&
		!icmp_rate_allow(net, &p->ip.src))
		goto release;
	e = pkt_alloc_tx();
	if (!e)
		goto release;
	h = pkt_append(e, sizeof(*h));
	*h = (struct icmp_hdr){.type = type, .code = code, .rest = to_be32(rest)};
	if (quote(e, p))
		pkt_free(e);
	else
		(void)transmit(net, &d, &p->ip.src, 0, e);
release:
	dst_release(&d);
}

void icmp6_param_problem(struct net *net, struct pkt *p, uint8_t code, unsigned pointer)
{
	send_error(net, p, ICMP6_PARAM_PROBLEM, code, pointer);
}

void icmp6_send(struct net *net, struct pkt *p, enum icmp_reason why, uint32_t info)
{
	static const struct {
		uint8_t type, code;
	} wire[] = {
		[ICMP_PORT_UNREACHABLE] = {ICMP6_UNREACHABLE, 4},
		[ICMP_PROTO_UNREACHABLE] = {ICMP6_PARAM_PROBLEM, 1},
		[ICMP_HOST_UNREACHABLE] = {ICMP6_UNREACHABLE, 3},
		[ICMP_NET_UNREACHABLE] = {ICMP6_UNREACHABLE, 0},
		[ICMP_FRAG_NEEDED] = {ICMP6_TOO_BIG, 0},
		[ICMP_TTL_EXCEEDED] = {ICMP6_TIME_EXCEEDED, 0},
		[ICMP_REASM_EXCEEDED] = {ICMP6_TIME_EXCEEDED, 1},
		[ICMP_PARAM_PROBLEM] = {ICMP6_PARAM_PROBLEM, 0},
		[ICMP_ADMIN_PROHIBITED] = {ICMP6_UNREACHABLE, 1},
	};
	unsigned at, named_at;
	uint8_t proto;

	if (why == ICMP_PROTO_UNREACHABLE) {
		if (!find_upper(p, &at, &proto, &named_at))
			return;
		info = named_at - p->l3;
	} else if (why != ICMP_FRAG_NEEDED && why != ICMP_PARAM_PROBLEM) {
		info = 0;
	}
	send_error(net, p, wire[why].type, wire[why].code, info);
}

/* ---- received ---- */

static void answer_echo(struct net *net, struct pkt *p)
{
	const struct ip_addr to = p->ip.src;
	const uint8_t tos = p->ip.tos;
	struct dst d;

	if (net->inet->icmp6_echo_ignore_all || ip_is_any(&to) ||
		icmp_route_back(net, p, tos, &d)) {
		pkt_free(p);
		return;
	}
	((struct icmp_hdr *)pkt_data(p))->type = ICMP6_ECHO_REPLY;
	pkt_orphan(p);
	(void)transmit(net, &d, &to, tos, p);
	dst_release(&d);
}

static bool error_of(const struct icmp_hdr *h, struct inet_error *e)
{
	static const struct {
		uint8_t err;
		bool hard;
	} unreachable[CODES] = {{ENETUNREACH, false}, {EACCES, true}, {EHOSTUNREACH, false},
		{EHOSTUNREACH, false}, {ECONNREFUSED, true}, {EACCES, true}, {EACCES, true}};

	switch (h->type) {
	case ICMP6_UNREACHABLE:
		if (h->code >= CODES)
			return false;
		e->err = unreachable[h->code].err;
		e->is_hard = unreachable[h->code].hard;
		return true;
	case ICMP6_TOO_BIG:
		e->err = EMSGSIZE;
		e->info = be32(h->rest);
		return true;
	case ICMP6_TIME_EXCEEDED:
		e->err = EHOSTUNREACH;
		return true;
	case ICMP6_PARAM_PROBLEM:
		e->err = EPROTO;
		e->is_hard = true;
		e->info = be32(h->rest);
		return true;
	default:
		return false;
	}
}

/* The quotation: an IPv6 header of ours, perhaps extension headers, eight bytes or more. */
static void handle_error(struct net *net, struct pkt *p)
{
	const struct icmp_hdr h = *(const struct icmp_hdr *)pkt_data(p);
	struct inet_error e = {
		.origin = SO_EE_ORIGIN_ICMP6, .type = h.type, .code = h.code, .from = p->ip.src};
	const struct ip6_hdr *q;
	unsigned at, named_at;
	uint8_t proto;

	pkt_pull(p, sizeof(h));
	if (!pkt_need(p, IP6_HLEN + 8) || !error_of(&h, &e))
		goto bad;
	/* Extension headers as far as they fit. */
	if (p->len > IP6_HLEN + 8 && !pkt_need(p, MIN(p->len, (uint32_t)IP6_HLEN + 48)))
		goto bad;
	q = (const struct ip6_hdr *)pkt_data(p);
	if (be32(q->flow) >> 28 != 6)
		goto bad;
	p->l3 = p->off;
	p->ip.src = ip6_addr(q->src);
	p->ip.dst = ip6_addr(q->dst);
	if (ip_is_v4(&p->ip.src) || ip_is_v4(&p->ip.dst) || !inetdev_owner(net, &p->ip.src))
		return;
	if (!find_upper(p, &at, &proto, &named_at) || at - p->off + 8 > p->len)
		return;
	p->ip.proto = proto;
	pkt_pull(p, at - p->off);
	p->l4 = p->off;
	if (pkt_need(p, 8))
		icmp_tell(net, p, &e);
	return;
bad:
	mib_inc(MIB_ICMP6_IN_ERRORS);
}

static void control(struct net *net, struct pkt *p, uint8_t type)
{
	switch (type) {
	case ICMP6_UNREACHABLE:
	case ICMP6_TOO_BIG:
	case ICMP6_TIME_EXCEEDED:
	case ICMP6_PARAM_PROBLEM:
		handle_error(net, p);
		break;
	case ICMP6_RS:
	case ICMP6_RA:
	case ICMP6_NS:
	case ICMP6_NA:
	case ICMP6_REDIRECT:
		ndisc_input(p);
		break;
	case ICMP6_MLD_QUERY:
	case ICMP6_MLD_REPORT:
		mld_input(p);
		break;
	default:
		break;
	}
	pkt_free(p);
}

static void icmp6_input(struct net *net, struct pkt *p)
{
	uint8_t type;

	mib_inc(MIB_ICMP6_IN_MSGS);
	if (!pkt_need(p, sizeof(struct icmp_hdr))) {
		mib_inc(MIB_ICMP6_IN_ERRORS);
		pkt_free(p);
		return;
	}
	if (p->csum == CSUM_NONE &&
		csum_fold(pkt_csum(p, 0, p->len,
			csum_pseudo(&p->ip.src, &p->ip.dst, p->len, IPPROTO_ICMPV6)))) {
		mib_inc(MIB_ICMP6_IN_CSUM_ERRORS);
		mib_inc(MIB_ICMP6_IN_ERRORS);
		pkt_free(p);
		return;
	}
	type = *pkt_data(p);
	if (type == ICMP6_ECHO)
		answer_echo(net, p);
	else if (type == ICMP6_ECHO_REPLY)
		ping_input(net, p);
	else
		control(net, p, type);
}

static const struct inet_proto icmp6_proto = {
	.name = "ICMPv6",
	.proto = IPPROTO_ICMPV6,
	.input = icmp6_input,
	.error = ping_error,
};

void icmp6_init(void)
{
	PANIC_ON(inet_proto_register(&icmp6_proto));
}
