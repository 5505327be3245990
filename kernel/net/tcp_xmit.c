/*
 * tcp_xmit.c - one segment of a connection on its way out: the window it offers, its options and
 * header, and giving it to IP.
 *
 * Does not: decide what is sent when (tcp_output.c), answer without a socket (tcp_reply.c).
 */
#include <string.h>
#include "tcp.h"

enum { ECT_0 = 2 }; /* RFC 3168, 5 */

/* ---- the window we offer ---- */

/* Bytes of payload that the free part of the receive buffer will hold. */
static uint32_t receive_space(const struct tcp_sock *tp, uint32_t used)
{
	uint32_t size = READ_ONCE(tp->is.s.rcvbuf);
	uint32_t space = size > used ? size - used : 0;

	space = (uint32_t)((uint64_t)space * tp->rcv_ratio >> 8);
	return MIN(space, tp->window_clamp);
}

/*
 * RFC 9293, 3.8.6.2.2: the right edge moves by a full segment or half the buffer, or not at all;
 * and never back (3.8.6).
 */
uint32_t tcp_window_offer(const struct tcp_sock *tp)
{
	uint32_t have = tcp_window_left(tp);
	uint32_t space = receive_space(tp, tp->rmem);
	uint32_t full = receive_space(tp, 0);
	uint32_t step = MIN(tp->rcv_mss, full / 2);

	if (unlikely(net_mem_pressure()))
		space = MIN(space, MAX(4u * tp->advmss, 16384u));
	if (space <= have || space - have < step)
		return have;
	space &= ~((1u << tp->rcv_wscale) - 1);
	return MAX(space, have);
}

/* Take it as offered: the value for the header. A scaled one is rounded up: what was promised is
 * not taken back by the rounding. */
static uint16_t offer(struct tcp_sock *tp)
{
	uint32_t most = 65535u << tp->rcv_wscale;
	uint32_t unit = 1u << tp->rcv_wscale;
	uint32_t w = MIN(ALIGN_UP(tcp_window_offer(tp), unit), most);

	tp->rcv_wnd = w;
	tp->rcv_wup = tp->rcv_nxt;
	return (uint16_t)(w >> tp->rcv_wscale);
}

/* ---- options ---- */

static unsigned sack_blocks(const struct tcp_sock *tp)
{
	unsigned n = tp->nr_sacks + tp->has_dsack;

	if (likely(!n) || tp->is.ip_options_len)
		return 0;
	return MIN(n, tp->ts_ok ? 3u : 4u);
}

unsigned tcp_opts_len(const struct tcp_sock *tp)
{
	unsigned n = sack_blocks(tp);

	return (tp->ts_ok ? TCP_TS_OPT : 0) + (n ? 4 + 8 * n : 0);
}

static void put_opts(struct tcp_sock *tp, uint8_t *at, uint64_t now)
{
	unsigned n = sack_blocks(tp), k = 0;
	struct tcp_range r[TCP_SACKS];

	if (tp->ts_ok) {
		tcp_put_ts(at, tcp_ts(tp, now), tp->ts_recent);
		at += TCP_TS_OPT;
	}
	if (likely(!n))
		return;
	if (tp->has_dsack)
		r[k++] = tp->dsack;
	for (unsigned i = 0; k < n; i++)
		r[k++] = tp->sacks[i];
	(void)tcp_put_sacks(at, r, n);
	tp->has_dsack = false;
}

/* ---- sending ---- */

void tcp_set_csum_base(struct tcp_sock *tp)
{
	tp->csum_base = csum_pseudo(&tp->is.local, &tp->is.remote, 0, IPPROTO_TCP);
}

/* The field holds the folded sum of the pseudo-header; whoever sends does the rest. */
static void put_csum(const struct tcp_sock *tp, struct pkt *p, struct tcp_hdr *th)
{
	uint32_t sum = csum_add(tp->csum_base, (__force uint32_t)to_be32(p->len));

	th->check = (__force __be16)(uint16_t) ~(__force uint16_t)csum_fold(sum);
	p->csum = CSUM_PARTIAL;
	p->csum_start = p->off;
	p->csum_offset = offsetof(struct tcp_hdr, check);
}

/* An ACK goes out with this segment. */
static void ack_sent(struct tcp_sock *tp)
{
	if (tp->quick)
		tp->quick--;
	tp->ack_sched = tp->ack_now = false;
	tcp_clear_timer(tp, TCP_T_ACK);
}

static void put_urgent(const struct tcp_sock *tp, struct tcp_hdr *th, uint32_t seq)
{
	uint32_t ahead = tp->snd_up - seq;

	if (!seq_lt(seq, tp->snd_up))
		return;
	th->flags |= TH_URG;
	th->urgent = to_be16((uint16_t)MIN(ahead, 0xffffu));
}

int tcp_route(struct tcp_sock *tp)
{
	int err = inet_route(&tp->is);

	if (unlikely(!err && tp->is.dst.mtu != tp->pmtu))
		tcp_sync_mss(tp);
	return err;
}

static int give_to_ip(struct tcp_sock *tp, struct pkt *p, bool ect)
{
	struct inet_sock *is = &tp->is;
	uint8_t tos = is->tos, tclass = is->tclass6;
	int err;

	p->hash = tp->ent.hash;
	if (ect) {
		is->tos |= ECT_0;
		is->tclass6 |= ECT_0;
	}
	err = inet_send_sk(is, p);
	is->tos = tos;
	is->tclass6 = tclass;
	if (unlikely(err))
		tp->soft_error = -err;
	return err;
}

/* Header in front of the payload in @p, and off it goes. Consumes @p. */
static int transmit(struct tcp_sock *tp, struct pkt *p, uint32_t seq, uint8_t flags, uint64_t now)
{
	unsigned opts = tcp_opts_len(tp);
	bool data = p->len != 0;
	struct tcp_hdr *th;
	int err = tcp_route(tp);

	if (unlikely(err)) {
		tp->soft_error = -err;
		pkt_free(p);
		return err;
	}
	th = pkt_push(p, TCP_HDR + opts);
	p->l4 = p->off;
	put_opts(tp, (uint8_t *)(th + 1), now);
	th->sport = tp->is.lport;
	th->dport = tp->is.rport;
	th->seq = to_be32(seq);
	th->ack = to_be32(tp->rcv_nxt);
	th->off = (uint8_t)((TCP_HDR + opts) / 4 << 4);
	th->flags = flags;
	th->urgent = 0;
	th->window = to_be16(flags & TH_RST ? 0 : offer(tp));
	if (unlikely(tp->ece_pending))
		th->flags |= TH_ECE;
	if (unlikely(tp->snd_up != tp->snd_una))
		put_urgent(tp, th, seq);
	if (unlikely(tp->cwr_pending && data)) {
		th->flags |= TH_CWR;
		tp->cwr_pending = false;
	}
	put_csum(tp, p, th);
	ack_sent(tp);
	mib_add(MIB_TCP_OUT_SEGS, MAX(p->gso_segs, (uint16_t)1));
	tp->segs_out += MAX(p->gso_segs, (uint16_t)1);
	return give_to_ip(tp, p, unlikely(tp->ecn_ok) && data);
}

/* Too large for one segment: what cuts it is told how. */
static void set_gso(const struct tcp_sock *tp, struct pkt *p, struct tcp_cb *cb)
{
	uint32_t mss = tcp_mss_now(tp);

	cb->segs = 1;
	if (likely(p->len <= mss))
		return;
	p->gso = ip_is_v4(&tp->is.remote) ? GSO_TCP4 : GSO_TCP6;
	p->gso_size = (uint16_t)mss;
	p->gso_segs = (uint16_t)DIV_ROUND_UP(p->len, mss);
	cb->segs = (uint8_t)MIN(p->gso_segs, (uint16_t)255);
}

int tcp_send_pkt(struct tcp_sock *tp, struct pkt *q, uint64_t now)
{
	struct tcp_cb *cb = tcp_cb(q);
	struct pkt *p = pkt_alloc_tx();
	uint8_t flags = TH_ACK;

	if (unlikely(!p))
		return -ENOMEM;
	if (unlikely(q->len && pkt_append_ref(p, q, 0, q->len))) {
		pkt_free(p);
		return -ENOMEM;
	}
	set_gso(tp, p, cb);
	if (cb->flags & TCB_FIN)
		flags |= TH_FIN;
	if (cb->flags & TCB_PUSH)
		flags |= TH_PSH;
	cb->xmit_ns = now;
	if (q->len) {
		tp->data_segs_out += cb->segs;
		tp->bytes_sent += q->len;
		tp->last_snd_ns = now;
		if (now - tp->last_rcv_ns < tp->ato_ns)
			tp->pingpong = 1; /* an answer: ACKs will ride on answers */
	}
	return transmit(tp, p, cb->seq, flags, now);
}

/* The sequence number of a segment without data: within what the peer accepts, also when it has
 * taken window back (RFC 9293, 3.8.6). */
static uint32_t acceptable_seq(const struct tcp_sock *tp)
{
	uint32_t edge = tp->snd_una + tp->snd_wnd;

	if (likely(!seq_lt(edge, tp->snd_nxt)) || tp->snd_nxt - edge < 1u << tp->snd_wscale)
		return tp->snd_nxt;
	return edge;
}

void tcp_send_ack(struct tcp_sock *tp, uint64_t now)
{
	struct pkt *p = pkt_alloc_tx();

	if (unlikely(!p)) {
		tp->ack_sched = true;
		tcp_set_timer(tp, TCP_T_ACK, now + TCP_DELACK_MAX);
		return;
	}
	(void)transmit(tp, p, acceptable_seq(tp), TH_ACK, now);
}

void tcp_send_probe(struct tcp_sock *tp, uint64_t now)
{
	struct pkt *p = pkt_alloc_tx();

	if (p)
		(void)transmit(tp, p, tp->snd_una - 1, TH_ACK, now);
}

void tcp_send_rst_sk(struct tcp_sock *tp)
{
	struct pkt *p = pkt_alloc_tx();

	mib_inc(MIB_TCP_OUT_RSTS);
	if (p)
		(void)transmit(tp, p, acceptable_seq(tp), TH_RST | TH_ACK, clock_ns());
}

/* ---- SYN and SYN-ACK of a socket (of a request: tcp_listen.c) ---- */

static void put_syn_header(struct tcp_sock *tp, struct tcp_hdr *th, unsigned opts, uint8_t flags)
{
	*th = (struct tcp_hdr){
		.sport = tp->is.lport,
		.dport = tp->is.rport,
		.seq = to_be32(tp->iss),
		.ack = to_be32(flags & TH_ACK ? tp->rcv_nxt : 0),
		.off = (uint8_t)((TCP_HDR + opts) / 4 << 4),
		.flags = flags,
		.window = to_be16((uint16_t)MIN(tp->rcv_wnd, 65535u)), /* never scaled */
	};
}

void tcp_send_syn(struct tcp_sock *tp, uint64_t now)
{
	bool answer = tp->state == TCP_SYN_RECV;
	struct tcp_syn_opts o = {.mss = tp->advmss,
		.wscale = tp->rcv_wscale,
		.has_wscale = tp->wscale_ok,
		.has_ts = tp->ts_ok,
		.sack_ok = tp->sack_ok,
		.tsval = tcp_ts(tp, now),
		.tsecr = answer ? tp->ts_recent : 0};
	uint8_t opts[TCP_OPTS_MAX], flags = answer ? TH_SYN | TH_ACK : TH_SYN;
	unsigned n = tcp_put_syn_opts(opts, &o);
	struct pkt *p = pkt_alloc_tx();
	struct tcp_hdr *th;

	if (!p || tcp_route(tp)) {
		if (p)
			pkt_free(p);
		return;
	}
	if (tp->ecn_ok)
		flags |= answer ? TH_ECE : TH_ECE | TH_CWR;
	th = pkt_push(p, TCP_HDR + n);
	p->l4 = p->off;
	put_syn_header(tp, th, n, flags);
	memcpy(th + 1, opts, n);
	put_csum(tp, p, th);
	tp->rcv_wup = tp->rcv_nxt;
	mib_inc(MIB_TCP_OUT_SEGS);
	tp->segs_out++;
	if (answer)
		ack_sent(tp);
	(void)give_to_ip(tp, p, false);
}

/* ---- segment size ---- */

static unsigned headers(const struct tcp_sock *tp)
{
	return TCP_HDR + tp->is.ip_options_len + (ip_is_v4(&tp->is.remote) ? 20 : 40);
}

void tcp_sync_mss(struct tcp_sock *tp)
{
	uint32_t mtu = MIN(tp->is.dst.mtu, 65535u);
	uint32_t mss = mtu > headers(tp) ? mtu - headers(tp) : 0;
	uint32_t most = tp->peer_mss;

	if (tp->user_mss)
		most = MIN(most, (uint32_t)tp->user_mss);
	mss = MIN(mss, most);
	/* RFC 9293, 3.8.6.2.1: a peer with a small buffer never offers a full segment. */
	if (tp->max_window)
		mss = MIN(mss,
			tp->max_window > TCP_MSS_DEFAULT ? tp->max_window / 2 : tp->max_window);
	if (tp->ts_ok)
		mss = mss > TCP_TS_OPT ? mss - TCP_TS_OPT : 0;
	tp->mss = (uint16_t)MAX(mss, (uint32_t)TCP_MSS_MIN);
	tp->pmtu = tp->is.dst.mtu;
}

uint16_t tcp_advmss(const struct dst *d, bool v4, uint16_t user_mss)
{
	uint32_t hdr = TCP_HDR + (v4 ? 20 : 40);
	uint32_t mtu = MIN(d->mtu, 65535u);
	uint32_t mss = d->advmss ? d->advmss : mtu - MIN(hdr, mtu);

	if (user_mss)
		mss = MIN(mss, (uint32_t)user_mss);
	return (uint16_t)MAX(mss, (uint32_t)TCP_MSS_MIN);
}
