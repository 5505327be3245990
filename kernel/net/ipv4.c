/*
 * ipv4.c - IPv4 packets: checked and handed on when they come in, given a header when they go out,
 * passed on when this host is a router.
 *
 * Input follows RFC 1122, 3.2.1 and RFC 1812, 4.2.2 and 5.3.7 (addresses that may not be on a
 * wire). Source routes are refused, other options only checked (RFC 7126). Output: ip_output.c puts
 * the packet on a link, ip_frag.c cuts it.
 * Does not: routing of multicast between interfaces.
 */
#include "fib.h"
#include "filter.h"
#include "inetdev.h"
#include <debug.h>
#include <hash.h>
#include <random.h>

enum { OPT_END = 0, OPT_NOP = 1, OPT_LSRR = 131, OPT_SSRR = 137, ID_SLOTS = 1024 };

static uint64_t id_key[2];
static uint16_t ids[ID_SLOTS];

/* ---- input ---- */

bool ip4_options_ok(const uint8_t *o, unsigned n, unsigned *at)
{
	unsigned i = 0, len;

	while (i < n && o[i] != OPT_END) {
		*at = i;
		if (o[i] == OPT_NOP) {
			i++;
			continue;
		}
		if (i + 1 >= n)
			return false;
		len = o[i + 1];
		if (len < 2 || len > n - i || o[i] == OPT_LSRR || o[i] == OPT_SSRR)
			return false;
		i += len;
	}
	return true;
}

/* A header that can be believed, and no bytes behind the packet. */
static bool parse(struct pkt *p)
{
	const struct ip4_hdr *h;
	unsigned hlen, total;

	if (!pkt_need(p, IP4_HLEN))
		return false;
	h = (const struct ip4_hdr *)pkt_data(p);
	hlen = ip4_hlen(h);
	if (h->ver_ihl >> 4 != 4 || hlen < IP4_HLEN || !pkt_need(p, hlen))
		return false;
	h = (const struct ip4_hdr *)pkt_data(p);
	total = be16(h->len);
	if (csum_fold(csum_bytes(h, hlen, 0)) || total < hlen || total > p->len)
		return false;
	if (total < p->len)
		pkt_trim(p, total);
	p->l3 = p->off;
	p->ip = (struct pkt_ip){
		.src = ip_from_v4(h->src),
		.dst = ip_from_v4(h->dst),
		.proto = h->proto,
		.ttl = h->ttl,
		.tos = h->tos,
		.opts_len = (uint16_t)(hlen - IP4_HLEN),
		.ifindex = p->dev->ifindex,
	};
	return true;
}

/* RFC 1812, 5.3.7: no such source comes from a wire. */
static bool martian_source(const struct pkt *p)
{
	const uint32_t src = be32(ip_v4(&p->ip.src)), dst = be32(ip_v4(&p->ip.dst));
	const bool lo = p->dev->flags & IFF_LOOPBACK;

	if (src >> 28 == 14 || src == 0xffffffff)
		return true;
	if (dst >> 28 == 14)
		return (!lo && src >> 24 == 127) ||
		       (src >> 24 == 0 && dst >> 8 != 0xe00000 && p->ip.proto != IPPROTO_IGMP);
	if (dst == 0xffffffff || (!src && !dst))
		return false;
	return src >> 24 == 0 || dst >> 24 == 0 || (!lo && (src >> 24 == 127 || dst >> 24 == 127));
}

static bool bad_reverse(struct net *net, const struct pkt *p)
{
	return !(p->dev->flags & IFF_LOOPBACK) && p->type != PKT_LOOPED && !ip_is_any(&p->ip.src) &&
	       !route_source_ok(net, p->dev, &p->ip.src);
}

static void deliver(struct net *net, struct pkt *p)
{
	const struct ip4_hdr *h = ip4_header(p);

	if (h->frag & to_be16(IP4_MF | IP4_OFFSET)) {
		p = ip4_reassemble(net, p);
		if (!p)
			return;
	}
	if (ip_filtered(net, FILTER_IN, p, p->dev)) {
		pkt_free(p);
		return;
	}
	pkt_pull(p, ip4_hlen(ip4_header(p)));
	p->l4 = p->off;
	mib_inc(MIB_IP_IN_DELIVERS);
	ip_deliver(net, p);
}

static void forward(struct net *net, struct pkt *p);

static void ip4_input(struct pkt *p)
{
	struct net *net = p->dev->net;
	unsigned bad = 0;

	mib_inc(MIB_IP_IN_RECEIVES);
	if (unlikely(p->type == PKT_OTHERHOST)) {
		pkt_free(p);
		return;
	}
	if (unlikely(!parse(p))) {
		mib_inc(MIB_IP_IN_HDR_ERRORS);
		pkt_free(p);
		return;
	}
	if (unlikely(p->ip.opts_len) &&
		!ip4_options_ok(p->lin + p->l3 + IP4_HLEN, p->ip.opts_len, &bad)) {
		mib_inc(MIB_IP_IN_HDR_ERRORS);
		icmp_send(net, p, ICMP_PARAM_PROBLEM, IP4_HLEN + bad);
		pkt_free(p);
		return;
	}
	if (unlikely(martian_source(p)) || unlikely(net->inet->rp_filter && bad_reverse(net, p)))
		goto bad_address;
	switch (route_input(net, p->dev, &p->ip.dst)) {
	case ADDR_BROADCAST:
	case ADDR_MULTICAST:
		p->ip.is_broadcast = true;
		break;
	case ADDR_LOCAL:
		if (p->type != PKT_HOST) /* unicast in a link broadcast: RFC 1122, 3.3.6 */
			goto bad_address;
		break;
	default:
		forward(net, p);
		return;
	}
	/* Our own address as the source: only what we sent ourselves. */
	if (unlikely(!(p->dev->flags & IFF_LOOPBACK) && p->type != PKT_LOOPED &&
		     inetdev_lookup(net, &p->ip.src)))
		goto bad_address;
	deliver(net, p);
	return;
bad_address:
	mib_inc(MIB_IP_IN_ADDR_ERRORS);
	pkt_free(p);
}

/* ---- forwarding: RFC 1812, 5.2 and 5.3 ---- */

static unsigned packet_size(const struct pkt *p)
{
	return p->gso ? p->gso_size + (p->l4 - p->l3) : p->len;
}

static void unroutable(struct net *net, struct pkt *p, int err)
{
	if (err == -EACCES)
		icmp_send(net, p, ICMP_ADMIN_PROHIBITED, 0);
	else if (err == -EHOSTUNREACH)
		icmp_send(net, p, ICMP_HOST_UNREACHABLE, 0);
	else if (err == -ENETUNREACH)
		icmp_send(net, p, ICMP_NET_UNREACHABLE, 0);
	mib_inc(MIB_IP_IN_ADDR_ERRORS);
	pkt_free(p);
}

static void forward_to(struct net *net, struct pkt *p, struct dst *d)
{
	struct ip4_hdr *h = ip4_header(p);
	bool same_link = d->dev == p->dev && !p->ip.opts_len;

	if (packet_size(p) > d->mtu && h->frag & to_be16(IP4_DF)) {
		mib_inc(MIB_IP_FRAG_FAILS);
		icmp_send(net, p, ICMP_FRAG_NEEDED, d->mtu);
		pkt_free(p);
		return;
	}
	if (ip_filtered(net, FILTER_FORWARD, p, d->dev)) {
		pkt_free(p);
		return;
	}
	h = ip4_header(p);
	if (same_link && inetdev_on_link(p->dev, &p->ip.src))
		icmp_redirect(net, p, &d->hop);
	h->ttl--;
	h->csum = 0;
	h->csum = csum_fold(csum_bytes(h, ip4_hlen(h), 0));
	mib_inc(MIB_IP_FORW_DATAGRAMS);
	pkt_orphan(p);
	p->dev = d->dev;
	p->type = PKT_HOST;
	if (packet_size(p) > d->mtu)
		(void)ip4_fragment(net, d, p, d->mtu, false);
	else
		(void)ip_output(net, d, p, false);
}

static void forward(struct net *net, struct pkt *p)
{
	struct flow f = {.src = p->ip.src, .dst = p->ip.dst, .tos = p->ip.tos, .mark = p->mark};
	struct dst d;
	int err;

	if (!READ_ONCE(net->inet->forward4) || p->type != PKT_HOST || ip_is_multicast(&p->ip.dst) ||
		inetdev_lookup(net, &p->ip.src)) {
		if (!ip_is_multicast(&p->ip.dst))
			mib_inc(MIB_IP_IN_ADDR_ERRORS);
		pkt_free(p);
		return;
	}
	if (p->ip.ttl <= 1) {
		mib_inc(MIB_IP_IN_HDR_ERRORS);
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

/* RFC 6864, 4: only what may be fragmented needs an identification that is unique for a while: a
 * counter for each of many sets of destinations, that outsiders cannot watch (RFC 7739). */
static __be16 new_id(const struct inet_send_args *a)
{
	const struct {
		struct ip_addr src, dst;
		uint64_t proto;
	} key = {a->src, a->dst, a->proto};
	uint16_t *slot = &ids[siphash(&key, sizeof(key), id_key) % ID_SLOTS];

	return to_be16(__atomic_fetch_add(slot, 1, __ATOMIC_RELAXED));
}

static inline void sum_header(struct ip4_hdr *h, unsigned hlen)
{
	h->csum = 0;
	h->csum = csum_fold(csum_bytes(h, hlen, 0));
}

static unsigned mtu_for(const struct dst *d, uint8_t mode)
{
	return mode >= IP_PMTUDISC_PROBE ? MIN(d->dev->mtu, (uint32_t)IP_MAX_LEN) : d->mtu;
}

int ip4_send(struct net *net, const struct dst *d, const struct inet_send_args *a, struct pkt *p)
{
	const unsigned olen = ALIGN_UP((unsigned)a->options_len, 4u), hlen = IP4_HLEN + olen;
	const unsigned size = (p->gso ? p->gso_size + gso_header(p) : p->len) + hlen;
	const unsigned mtu = mtu_for(d, a->pmtu_mode);
	const bool fits = size <= mtu;
	bool df = a->dont_fragment || a->pmtu_mode == IP_PMTUDISC_DO ||
		  a->pmtu_mode == IP_PMTUDISC_PROBE;
	struct ip4_hdr *h;

	mib_inc(MIB_IP_OUT_REQUESTS);
	if (unlikely(p->len + hlen > IP_MAX_LEN || (!fits && (df || p->gso)))) {
		mib_inc(MIB_IP_FRAG_FAILS);
		pkt_free(p);
		return -EMSGSIZE;
	}
	df |= fits && a->pmtu_mode == IP_PMTUDISC_WANT;
	h = pkt_push(p, hlen);
	*h = (struct ip4_hdr){
		.ver_ihl = (uint8_t)(0x40 | hlen / 4),
		.tos = a->tos,
		.len = to_be16(p->len),
		.id = df ? to_be16(0) : new_id(a),
		.frag = to_be16(df ? IP4_DF : 0),
		.ttl = a->ttl || a->ttl_is_set ? a->ttl : d->hop_limit,
		.proto = a->proto,
		.src = ip_v4(&a->src),
		.dst = ip_v4(&a->dst),
	};
	if (unlikely(olen)) {
		memset(h + 1, OPT_END, olen);
		memcpy(h + 1, a->options, a->options_len);
	}
	sum_header(h, hlen);
	p->l3 = p->off;
	p->protocol = to_be16(ETH_P_IP);
	p->dev = d->dev;
	if (ip_filtered(net, FILTER_OUT, p, d->dev)) {
		pkt_free(p);
		return -EPERM;
	}
	if (unlikely(!fits))
		return ip4_fragment(net, d, p, mtu, a->mcast_loop);
	return ip_output(net, d, p, a->mcast_loop);
}

void ip4_init(void)
{
	static struct netdev_proto proto = {.input = ip4_input};

	random_bytes(id_key, sizeof(id_key));
	random_bytes(ids, sizeof(ids));
	proto.type = to_be16(ETH_P_IP);
	netdev_proto_register(&proto);
}
