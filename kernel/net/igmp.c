/*
 * igmp.c - the messages of IGMP: version 3 (RFC 3376), and version 2 (RFC 2236) while a querier
 * speaks it. The state machine is group_report.c's.
 */
#include "fib.h"
#include "group_report.h"
#include <debug.h>
#include <time.h>

enum {
	QUERY = 0x11,
	REPORT_V1 = 0x12,
	REPORT_V2 = 0x16,
	LEAVE = 0x17,
	REPORT_V3 = 0x22,
	OLD_QUERIER_S = 260, /* RFC 3376, 8.12 */
	TOS = 0xc0,
	QUERY_V3_BYTES = 12
};

struct igmp_hdr { /* RFC 2236, 2 */
	uint8_t type, max_resp;
	__be16 csum;
	__be32 group;
} __packed;
struct igmp3_report { /* RFC 3376, 4.2, with one record */
	uint8_t type, reserved1;
	__be16 csum, reserved2, nr_records;
	uint8_t record_type, aux_len;
	__be16 nr_sources;
	__be32 group;
} __packed;
static_assert(sizeof(struct igmp3_report) == 16, "RFC 3376, 4.2");

/* RFC 3376, 6: not of the group that everybody is in. */
static bool reportable(const struct ip_addr *group)
{
	return ip_v4(group) != IP4(224, 0, 0, 1);
}

static void transmit(struct inet_dev *idev, struct pkt *p, const struct ip_addr *to)
{
	static const uint8_t router_alert[4] = {148, 4, 0, 0}; /* RFC 2113 */
	struct inet_send_args a = {
		.dst = *to,
		.proto = IPPROTO_IGMP,
		.ttl = 1,
		.tos = TOS,
		.options = router_alert,
		.options_len = sizeof(router_alert),
		.dont_fragment = true,
	};
	struct netdev *d = idev->dev;
	struct dst dst;
	__be16 sum;

	a.src = ip_from_v4(IP4(0, 0, 0, 0)); /* RFC 3376, 4.2.13: without an address too */
	(void)inetdev_source4(d->net, d, to, 253, &a.src);
	if (dst_for_link(d, &a.src, to, &dst)) {
		pkt_free(p);
		return;
	}
	sum = csum_fold(pkt_csum(p, 0, p->len, 0));
	pkt_store_bytes(p, 2, &sum, sizeof(sum));
	p->l4 = p->off;
	(void)inet_send(d->net, &dst, &a, p);
	dst_release(&dst);
}

static void send_v2(struct inet_dev *idev, const struct report_record *r)
{
	const bool leave = r->type == TO_INCLUDE && !r->n;
	const struct ip_addr routers = ip_from_v4(IP4(224, 0, 0, 2));
	const struct igmp_hdr h = {.type = leave                     ? LEAVE
					   : idev->igmp_version == 1 ? REPORT_V1
								     : REPORT_V2,
		.group = ip_v4(&r->group)};
	struct pkt *p;

	if (leave && idev->igmp_version == 1)
		return;
	p = pkt_alloc_tx();
	if (!p)
		return;
	memcpy(pkt_append(p, sizeof(h)), &h, sizeof(h));
	transmit(idev, p, leave ? &routers : &r->group);
}

static void send_report(struct inet_dev *idev, const struct report_record *r)
{
	const struct ip_addr to = ip_from_v4(IP4(224, 0, 0, 22));
	const struct igmp3_report h = {
		.type = REPORT_V3,
		.nr_records = to_be16(1),
		.record_type = (uint8_t)r->type,
		.nr_sources = to_be16(r->n),
		.group = ip_v4(&r->group),
	};
	struct pkt *p;
	unsigned i;
	int err = 0;

	if (idev->igmp_version && idev->igmp_version < 3 && clock_ns() < idev->igmp_old_until_ns) {
		send_v2(idev, r);
		return;
	}
	p = pkt_alloc_tx();
	if (!p)
		return;
	memcpy(pkt_append(p, sizeof(h)), &h, sizeof(h));
	for (i = 0; !err && i < r->n; i++) {
		const __be32 a = ip_v4(&r->source[i]);

		err = pkt_append_bytes(p, &a, sizeof(a));
	}
	if (err)
		pkt_free(p);
	else
		transmit(idev, p, &to);
}

/* RFC 3376, 4.1.1: above 127 a little floating-point number, in tenths of a second. */
static unsigned response_ms(uint8_t code)
{
	const unsigned tenths = code < 128 ? code : ((code & 15u) | 16u) << ((code >> 4 & 7) + 3);

	return tenths * 100;
}

static void query(struct pkt *p, const struct igmp_hdr *h)
{
	struct inet_dev *idev = inet_dev(p->dev);
	const struct ip_addr group = ip_from_v4(h->group);
	const bool v3 = p->len >= QUERY_V3_BYTES;

	if (!idev || (h->group != to_be32(0) && !ip_is_multicast(&group)))
		return;
	if (!v3) {
		idev->igmp_version = h->max_resp ? 2 : 1;
		idev->igmp_old_until_ns = clock_ns() + OLD_QUERIER_S * NSEC_PER_SEC;
	}
	report_query(idev, true, &group, h->max_resp || v3 ? response_ms(h->max_resp) : 10000);
}

static void igmp_input(struct net *net, struct pkt *p)
{
	struct igmp_hdr h;

	(void)net;
	if (pkt_need(p, sizeof(h)) && !csum_fold(pkt_csum(p, 0, p->len, 0)) &&
		p->type != PKT_LOOPED) {
		memcpy(&h, pkt_data(p), sizeof(h));
		if (h.type == QUERY)
			query(p, &h);
	}
	pkt_free(p);
}

static const struct inet_proto igmp_proto = {
	.name = "IGMP", .proto = IPPROTO_IGMP, .input = igmp_input};
static const struct report_family igmp_family = {
	.is_v4 = true, .reportable = reportable, .send = send_report};

void igmp_init(void)
{
	report_register(&igmp_family);
	PANIC_ON(inet_proto_register(&igmp_proto));
}
