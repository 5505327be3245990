/*
 * tcp_reply.c - segments that no socket sends: RST to strangers, SYN-ACKs of requests, ACKs of
 * TIME_WAITs.
 */
#include <string.h>
#include "tcp.h"

static unsigned put_reply_opts(uint8_t *at, const struct tcp_reply *r)
{
	if (r->syn)
		return tcp_put_syn_opts(at, r->syn);
	if (!r->has_ts)
		return 0;
	tcp_put_ts(at, r->tsval, r->tsecr);
	return TCP_TS_OPT;
}

int tcp_reply(const struct tcp_ent *e, const struct tcp_reply *r)
{
	struct inet_send_args a = {.src = e->local,
		.dst = e->remote,
		.proto = IPPROTO_TCP,
		.tos = r->tos,
		.dont_fragment = true};
	uint8_t opts[TCP_OPTS_MAX];
	unsigned n = put_reply_opts(opts, r);
	struct pkt *p = pkt_alloc_tx();
	struct tcp_hdr *th;
	uint32_t sum;

	if (!p)
		return -ENOMEM;
	th = pkt_append(p, TCP_HDR + n);
	*th = (struct tcp_hdr){
		.sport = e->lport,
		.dport = e->rport,
		.seq = to_be32(r->seq),
		.ack = to_be32(r->ack),
		.off = (uint8_t)((TCP_HDR + n) / 4 << 4),
		.flags = r->flags,
		.window = to_be16(r->wnd),
	};
	memcpy(th + 1, opts, n);
	sum = csum_pseudo(&e->local, &e->remote, p->len, IPPROTO_TCP);
	th->check = (__force __be16)(uint16_t) ~(__force uint16_t)csum_fold(sum);
	p->csum = CSUM_PARTIAL;
	p->csum_start = p->l4 = p->off;
	p->csum_offset = offsetof(struct tcp_hdr, check);
	p->hash = e->hash;
	p->mark = r->mark;
	mib_inc(MIB_TCP_OUT_SEGS);
	return r->dst ? inet_send(e->net, r->dst, &a, p)
		      : inet_send_reply(e->net, &a, e->ifindex, p);
}

/* RFC 9293, 3.10.7.1: nobody is there. Never about a RST. */
void tcp_reply_rst(const struct tcp_in *in)
{
	struct tcp_reply r = {.flags = TH_RST};
	struct tcp_ent e;

	if (in->flags & TH_RST || in->p->ip.is_broadcast)
		return;
	if (in->flags & TH_ACK) {
		r.seq = in->ack;
	} else {
		r.flags |= TH_ACK;
		r.ack = in->end_seq;
	}
	tcp_ent_set(&e, in->net, &in->p->ip.dst, in->dport, &in->p->ip.src, in->sport,
		ip_is_link_local(&in->p->ip.src) ? in->ifindex : 0, TCP_SOCK);
	mib_inc(MIB_TCP_OUT_RSTS);
	(void)tcp_reply(&e, &r);
}
