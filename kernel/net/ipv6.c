/*
 * ipv6.c - IPv6 packets: checked and handed on when they come in, given a header when they go out,
 * passed on when this host is a router.
 *
 * Input follows RFC 8200 4 (extension headers in the order that they come, each at most once where
 * the RFC says so; a bound on their number and bytes, RFC 8504 5.3), RFC 4291 2.5 and 2.7
 * (addresses that may not be on a wire; mapped IPv4 addresses never are). Output: ip_output.c puts
 * the packet on a link, ip_frag.c cuts it. Does not: jumbograms, routing headers with segments
 * left, IPsec.
 */
#include "fib.h"
#include "filter.h"
#include "inetdev.h"
#include <debug.h>
#include <hash.h>
#include <random.h>

enum { MAX_HEADERS = 8, MAX_OPTIONS = 16, OPT_PAD1 = 0, OPT_PADN = 1, OPT_ROUTER_ALERT = 5 };
enum { ACT_SKIP = 0, ACT_DROP = 1, ACT_TELL = 2, ACT_TELL_UNICAST = 3 };
enum { CODE_HEADER = 0, CODE_NEXT = 1, CODE_OPTION = 2 };

static uint64_t label_key;

/* ---- input: the fixed header ---- */

static bool parse(struct pkt *p)
{
	const struct ip6_hdr *h;
	unsigned plen;

	if (!pkt_need(p, IP6_HLEN))
		return false;
	h = (const struct ip6_hdr *)pkt_data(p);
	plen = be16(h->plen);
	if (be32(h->flow) >> 28 != 6 || plen + IP6_HLEN > p->len || (!plen && h->next != IP6_NONE))
		return false;
	if (plen + IP6_HLEN < p->len)
		pkt_trim(p, plen + IP6_HLEN);
	p->l3 = p->off;
	p->ip = (struct pkt_ip){
		.src = ip6_addr(h->src),
		.dst = ip6_addr(h->dst),
		.proto = h->next,
		.ttl = h->hops,
		.tos = (uint8_t)(be32(h->flow) >> 20),
		.ifindex = p->dev->ifindex,
	};
	return true;
}

/* RFC 4291, 2.5.2, 2.5.3, 2.7; a mapped address on a wire would be taken for IPv4. */
static bool martian(const struct pkt *p)
{
	const struct ip_addr *src = &p->ip.src, *dst = &p->ip.dst;
	const bool lo = p->dev->flags & IFF_LOOPBACK;

	if (ip_is_v4(src) || ip_is_v4(dst) || ip_is_multicast(src) || ip_is_any(dst))
		return true;
	if (ip_is_multicast(dst) && !(dst->b[1] & 15))
		return true;
	if (lo || p->type == PKT_LOOPED)
		return false;
	return ip_is_loopback(src) || ip_is_loopback(dst) ||
	       (ip_is_multicast(dst) && (dst->b[1] & 15) == 1);
}

/* ---- extension headers ---- */

/* RFC 8200, 4.2: what an unknown option's two highest bits say. False: the packet is done with. */
static bool unknown_option(struct net *net, struct pkt *p, uint8_t type, unsigned at)
{
	const unsigned action = type >> 6;

	if (action == ACT_SKIP)
		return true;
	if (action == ACT_TELL || (action == ACT_TELL_UNICAST && !ip_is_multicast(&p->ip.dst)))
		icmp6_param_problem(net, p, CODE_OPTION, at - p->l3);
	return false;
}

/* Options of the header at pkt_data(), @len bytes. False: drop. */
static bool options(struct net *net, struct pkt *p, unsigned len)
{
	const uint8_t *o = pkt_data(p);
	unsigned i = 2, n = 0, step;

	while (i < len) {
		if (o[i] == OPT_PAD1) {
			i++;
			continue;
		}
		if (i + 1 >= len || i + 2 + o[i + 1] > len || ++n > MAX_OPTIONS)
			return false;
		step = 2u + o[i + 1];
		if (o[i] != OPT_PADN && o[i] != OPT_ROUTER_ALERT &&
			!unknown_option(net, p, o[i], p->off + i))
			return false;
		i += step;
	}
	return true;
}

/* Make the extension header at pkt_data() linear: its length, or 0. */
static unsigned header_length(struct pkt *p)
{
	unsigned len;

	if (!pkt_need(p, 8))
		return 0;
	len = (pkt_data(p)[1] + 1u) * 8;
	return pkt_need(p, len) ? len : 0;
}

/* The walk over the headers: where it is. */
struct walk {
	unsigned named; /* offset from the IPv6 header of the byte that names the present header */
	unsigned n;
};

static bool hop_by_hop(struct net *net, struct pkt *p, struct walk *w)
{
	const unsigned len = header_length(p);

	if (!len || !options(net, p, len))
		return false;
	w->named = p->off - p->l3;
	p->ip.proto = *pkt_data(p);
	pkt_pull(p, len);
	return true;
}

/* RFC 5095: type 0 is gone; nothing else is supported with segments left. */
static bool routing_ok(struct net *net, struct pkt *p)
{
	if (!pkt_data(p)[3])
		return true;
	icmp6_param_problem(net, p, CODE_HEADER, p->off + 2u - p->l3);
	return false;
}

enum step { STEP_ON, STEP_DONE, STEP_DROP };

static enum step one_header(struct net *net, struct pkt **pp, struct walk *w)
{
	struct pkt *p = *pp;
	unsigned len;

	switch (p->ip.proto) {
	case IP6_DSTOPTS:
	case IP6_ROUTING:
		len = header_length(p);
		if (!len ||
			!(p->ip.proto == IP6_DSTOPTS ? options(net, p, len) : routing_ok(net, p)))
			return STEP_DROP;
		w->named = p->off - p->l3;
		p->ip.proto = *pkt_data(p);
		pkt_pull(p, len);
		return STEP_ON;
	case IP6_FRAGMENT:
		*pp = ip6_reassemble(net, p, w->named);
		return STEP_ON;
	case IP6_HOPOPTS: /* not the first: RFC 8200, 4.1 */
		icmp6_param_problem(net, p, CODE_NEXT, w->named);
		return STEP_DROP;
	case IP6_NONE:
		return STEP_DROP;
	default:
		return STEP_DONE;
	}
}

static void deliver(struct net *net, struct pkt *p, struct walk *w)
{
	enum step s = STEP_ON;

	while (p && s == STEP_ON && w->n++ < MAX_HEADERS)
		s = one_header(net, &p, w);
	if (!p)
		return;
	if (s != STEP_DONE || ip_filtered(net, FILTER_IN, p, p->dev)) {
		pkt_free(p);
		return;
	}
	p->l4 = p->off;
	mib_inc(MIB_IP6_IN_DELIVERS);
	ip_deliver(net, p);
}

static void forward(struct net *net, struct pkt *p);

static void ip6_input(struct pkt *p)
{
	struct net *net = p->dev->net;
	struct walk w = {0};
	const struct inet_dev *idev = inet_dev(p->dev);

	mib_inc(MIB_IP6_IN_RECEIVES);
	if (p->type == PKT_OTHERHOST || !idev || idev->disable_ipv6) {
		pkt_free(p);
		return;
	}
	if (!parse(p)) {
		mib_inc(MIB_IP6_IN_HDR_ERRORS);
		goto drop;
	}
	if (martian(p)) {
		mib_inc(MIB_IP6_IN_ADDR_ERRORS);
		goto drop;
	}
	w.named = offsetof(struct ip6_hdr, next);
	pkt_pull(p, IP6_HLEN);
	if (p->ip.proto == IP6_HOPOPTS && !hop_by_hop(net, p, &w)) {
		mib_inc(MIB_IP6_IN_HDR_ERRORS);
		goto drop;
	}
	switch (route_input(net, p->dev, &p->ip.dst)) {
	case ADDR_MULTICAST:
		mib_inc(MIB_IP6_IN_MCAST);
		p->ip.is_broadcast = true;
		break;
	case ADDR_LOCAL:
		if (p->dev->flags & IFF_LOOPBACK && ip_is_link_local(&p->ip.dst))
			p->ip.ifindex = route_zone(net, &p->ip.dst, p->ip.ifindex);
		break;
	default:
		forward(net, p);
		return;
	}
	deliver(net, p, &w);
	return;
drop:
	pkt_free(p);
}

/* ---- forwarding: RFC 8200 3, RFC 4443, RFC 4007 9 ---- */

static void unroutable(struct net *net, struct pkt *p, int err)
{
	if (err == -EACCES)
		icmp_send(net, p, ICMP_ADMIN_PROHIBITED, 0);
	else if (err == -EHOSTUNREACH)
		icmp_send(net, p, ICMP_HOST_UNREACHABLE, 0);
	else if (err == -ENETUNREACH)
		icmp_send(net, p, ICMP_NET_UNREACHABLE, 0);
	mib_inc(MIB_IP6_IN_NO_ROUTES);
	pkt_free(p);
}

static unsigned packet_size(const struct pkt *p)
{
	return p->gso ? p->gso_size + (p->l4 - p->l3) : p->len;
}

static void forward_to(struct net *net, struct pkt *p, struct dst *d)
{
	if (packet_size(p) > d->mtu) {
		mib_inc(MIB_IP6_IN_TOO_BIG_ERRORS);
		icmp_send(net, p, ICMP_FRAG_NEEDED, d->mtu);
		pkt_free(p);
		return;
	}
	if (ip_filtered(net, FILTER_FORWARD, p, d->dev)) {
		pkt_free(p);
		return;
	}
	if (d->dev == p->dev)
		ndisc_send_redirect(p, &d->hop);
	ip6_header(p)->hops--;
	mib_inc(MIB_IP6_OUT_FORW_DATAGRAMS);
	pkt_orphan(p);
	p->dev = d->dev;
	p->type = PKT_HOST;
	(void)ip_output(net, d, p, false);
}

static void forward(struct net *net, struct pkt *p)
{
	const struct flow f = {
		.src = p->ip.src, .dst = p->ip.dst, .tos = p->ip.tos, .mark = p->mark};
	struct dst d;
	int err;

	(void)pkt_push(p, p->off - p->l3);
	if (!READ_ONCE(net->inet->forward6) || p->type != PKT_HOST || ip_is_multicast(&p->ip.dst) ||
		ip_is_link_local(&p->ip.src) || ip_is_any(&p->ip.src) ||
		ip_is_loopback(&p->ip.src) || ip_is_link_local(&p->ip.dst)) {
		if (!ip_is_multicast(&p->ip.dst))
			mib_inc(MIB_IP6_IN_ADDR_ERRORS);
		pkt_free(p);
		return;
	}
	if (p->ip.ttl <= 1) {
		mib_inc(MIB_IP6_IN_HDR_ERRORS);
		icmp_send(net, p, ICMP_TTL_EXCEEDED, 0);
		pkt_free(p);
		return;
	}
	err = route_forward(net, p->dev, &f, &d);
	if (err) {
		unroutable(net, p, err);
		return;
	}
	forward_to(net, p, &d);
	dst_release(&d);
}

/* ---- output ---- */

/* RFC 6437, 3: the same for all packets of a flow, and not to be guessed. */
static uint32_t flow_label(const struct inet_send_args *a, const struct pkt *p)
{
	uint64_t x = a->src.q[0] ^ hash64(a->src.q[1] ^ label_key);
	uint32_t ports = 0;

	if (a->flow_label)
		return a->flow_label & 0xfffff;
	if (a->proto == IPPROTO_UDP || a->proto == IPPROTO_TCP)
		memcpy(&ports, p->lin + p->l4, sizeof(ports));
	x = hash64(x ^ a->dst.q[0]) ^ a->dst.q[1];
	return (uint32_t)(hash64(x ^ ports) >> 40) & 0xfffff;
}

int ip6_send(struct net *net, const struct dst *d, const struct inet_send_args *a, struct pkt *p)
{
	const unsigned size = (p->gso ? p->gso_size + gso_header(p) : p->len) + IP6_HLEN;
	const uint8_t hops = a->ttl || a->ttl_is_set ? a->ttl : d->hop_limit;
	unsigned mtu = a->pmtu_mode >= IP_PMTUDISC_PROBE ? d->dev->mtu : d->mtu;
	struct ip6_hdr *h;

	mib_inc(MIB_IP6_OUT_REQUESTS);
	if (unlikely(a->sk && a->sk->frag_size6))
		mtu = MIN(mtu, a->sk->frag_size6);
	mtu = MAX(mtu, (unsigned)IP6_MIN_MTU);
	if (unlikely(p->len > IP_MAX_LEN ||
		     (size > mtu && (a->dont_fragment || p->gso || a->pmtu_mode == IP_PMTUDISC_DO ||
					    a->pmtu_mode == IP_PMTUDISC_PROBE)))) {
		mib_inc(MIB_IP6_FRAG_FAILS);
		pkt_free(p);
		return -EMSGSIZE;
	}
	h = pkt_push(p, IP6_HLEN);
	h->flow = to_be32(6u << 28 | (uint32_t)a->tos << 20 | flow_label(a, p));
	h->plen = to_be16(p->len - IP6_HLEN);
	h->next = a->proto;
	h->hops = hops;
	memcpy(h->src, a->src.b, sizeof(h->src));
	memcpy(h->dst, a->dst.b, sizeof(h->dst));
	p->l3 = p->off;
	p->protocol = to_be16(ETH_P_IPV6);
	p->dev = d->dev;
	if (d->kind == DST_MULTICAST)
		mib_inc(MIB_IP6_OUT_MCAST);
	if (unlikely(ip_filtered(net, FILTER_OUT, p, d->dev))) {
		pkt_free(p);
		return -EPERM;
	}
	if (unlikely(size > mtu))
		return ip6_fragment(net, d, p, mtu, a->mcast_loop);
	return ip_output(net, d, p, a->mcast_loop);
}

void ip6_init(void)
{
	static struct netdev_proto proto = {.input = ip6_input};

	label_key = random_u64();
	proto.type = to_be16(ETH_P_IPV6);
	netdev_proto_register(&proto);
}
