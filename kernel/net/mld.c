/*
 * mld.c - the messages of Multicast Listener Discovery: version 2 (RFC 3810), and version 1
 * (RFC 2710) while a querier speaks it. The state machine is group_report.c's; they are ICMPv6
 * messages, which icmp6.c hands over.
 */
#include "fib.h"
#include "group_report.h"
#include <debug.h>
#include <time.h>

enum { OLD_QUERIER_S = 260, QUERY_V2_BYTES = 28 };

struct mld_hdr { /* RFC 2710, 3 */
	uint8_t type, code;
	__be16 csum, max_resp, reserved;
	uint8_t group[16];
} __packed;
static_assert(sizeof(struct mld_hdr) == 24, "RFC 2710, 3");
struct mld2_report { /* RFC 3810, 5.2, with one record */
	uint8_t type, reserved1;
	__be16 csum, reserved2, nr_records;
	uint8_t record_type, aux_len;
	__be16 nr_sources;
	uint8_t group[16];
} __packed;
static_assert(sizeof(struct mld2_report) == 28, "RFC 3810, 5.2");

/* RFC 3810, 6: not of all nodes, nor of what does not leave the node. */
static bool reportable(const struct ip_addr *group)
{
	static const struct ip_addr all_nodes = {.b = {0xff, 2, [15] = 1}};

	return (group->b[1] & 15) > 1 && !ip_equal(group, &all_nodes);
}

/* With the hop-by-hop header that says "routers, look": RFC 2711; so the header is made here. */
static void transmit(struct inet_dev *idev, struct pkt *p, const struct ip_addr *to)
{
	static const uint8_t router_alert[8] = {IPPROTO_ICMPV6, 0, 5, 2, 0, 0, 1, 0};
	struct netdev *d = idev->dev;
	struct inet_send_args a = {
		.dst = *to,
		.proto = IP6_HOPOPTS,
		.ttl = 1,
		.ttl_is_set = true,
	};
	struct dst dst;

	(void)inetdev_link_local(d, &a.src); /* else ::, RFC 3810 5.2.13 */
	if (dst_for_link(d, &a.src, to, &dst)) {
		pkt_free(p);
		return;
	}
	icmp6_sum(p, &a.src, to);
	p->l4 = p->off;
	memcpy(pkt_push(p, sizeof(router_alert)), router_alert, sizeof(router_alert));
	mib_inc(MIB_ICMP6_OUT_MSGS);
	(void)inet_send(d->net, &dst, &a, p);
	dst_release(&dst);
}

static void send_v1(struct inet_dev *idev, const struct report_record *r)
{
	static const struct ip_addr routers = {.b = {0xff, 2, [15] = 2}};
	const bool done = r->type == TO_INCLUDE && !r->n;
	struct mld_hdr h = {.type = done ? ICMP6_MLD_DONE : ICMP6_MLD_REPORT};
	struct pkt *p = pkt_alloc_tx();

	if (!p)
		return;
	memcpy(h.group, r->group.b, sizeof(h.group));
	memcpy(pkt_append(p, sizeof(h)), &h, sizeof(h));
	transmit(idev, p, done ? &routers : &r->group);
}

static void send_report(struct inet_dev *idev, const struct report_record *r)
{
	static const struct ip_addr to = {.b = {0xff, 2, [15] = 0x16}};
	struct mld2_report h = {
		.type = ICMP6_MLD2_REPORT,
		.nr_records = to_be16(1),
		.record_type = (uint8_t)r->type,
		.nr_sources = to_be16(r->n),
	};
	struct pkt *p;
	unsigned i;
	int err = 0;

	if (idev->mld_version == 1 && clock_ns() < idev->mld_old_until_ns) {
		send_v1(idev, r);
		return;
	}
	p = pkt_alloc_tx();
	if (!p)
		return;
	memcpy(h.group, r->group.b, sizeof(h.group));
	memcpy(pkt_append(p, sizeof(h)), &h, sizeof(h));
	for (i = 0; !err && i < r->n; i++)
		err = pkt_append_bytes(p, r->source[i].b, sizeof(r->source[i].b));
	if (err)
		pkt_free(p);
	else
		transmit(idev, p, &to);
}

/* RFC 3810, 5.1.3: above 32767 a floating-point number, in milliseconds. */
static unsigned response_ms(unsigned code)
{
	return code < 32768 ? code : ((code & 0xfff) | 0x1000) << ((code >> 12 & 7) + 3);
}

void mld_input(struct pkt *p)
{
	struct inet_dev *idev = inet_dev(p->dev);
	struct mld_hdr h;
	struct ip_addr group;

	if (!idev || !pkt_need(p, sizeof(h)) || p->ip.ttl != 1 || !ip_is_link_local(&p->ip.src) ||
		p->type == PKT_LOOPED)
		return;
	memcpy(&h, pkt_data(p), sizeof(h));
	group = ip6_addr(h.group);
	if (h.type != ICMP6_MLD_QUERY || (!ip_is_any(&group) && !ip_is_multicast(&group)))
		return;
	if (p->len < QUERY_V2_BYTES) {
		idev->mld_version = 1;
		idev->mld_old_until_ns = clock_ns() + OLD_QUERIER_S * NSEC_PER_SEC;
	}
	report_query(idev, false, &group, response_ms(be16(h.max_resp)));
}

static const struct report_family mld_family = {.reportable = reportable, .send = send_report};

void mld_init(void)
{
	report_register(&mld_family);
}
