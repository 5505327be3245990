/*
 * tcp_error.c - what ICMP says about segments of ours (RFC 1122 4.2.3.9, RFC 5927).
 *
 * Hard errors end connections that are not established; on others all errors are soft: remembered,
 * and the reason given when the connection times out. "Too big" lowers the path MTU and resends.
 * Only messages about data that is in flight are believed.
 */
#include <string.h>
#include "tcp.h"

/* The path takes less: the first packet is what was too big. */
static void too_big(struct tcp_sock *tp, uint32_t mtu)
{
	struct ip_addr to = tp->is.remote;
	struct pkt *q;
	uint32_t old = tp->mss;
	uint64_t now = clock_ns();

	if ((ip_is_v4(&to) && tp->is.pmtu_mode == IP_PMTUDISC_DONT) || tp->state == TCP_SYN_SENT)
		return;
	pmtu_update(tp->is.s.net, &to, mtu);
	if (inet_route(&tp->is) || tp->is.dst.mtu == tp->pmtu)
		return;
	tcp_sync_mss(tp);
	q = tp->rtx_first;
	if (tp->mss >= old || !q || !(TCPF(tp->state) & TCPF_SYNCED))
		return;
	/* Not a sign of congestion: resend at once what cannot have arrived; the windows stay. */
	if (tp->ca != TCP_CA_LOSS) {
		tp->ca = TCP_CA_LOSS;
		tp->high_seq = tp->snd_nxt;
		tp->ssthresh = MAX(tp->ssthresh, tp->cwnd);
		tp->undo_ok = tp->frto = tp->frto_new = tp->tlp_out = false;
	}
	for (; q; q = tcp_rtx_next(q))
		if (!(tcp_cb(q)->flags & TCB_SACKED) && q->len > tp->mss) {
			tcp_mark_lost(tp, q);
			list_del(&tcp_cb(q)->order);
		}
	tcp_resend(tp, now);
	tcp_arm_rto(tp, now); /* in place of a probe's */
}

static void report(struct tcp_sock *tp, const struct inet_error *e)
{
	bool recverr = ip_is_v4(&tp->is.remote) ? tp->is.recverr : tp->is.recverr6;

	if (TCPF(tp->state) & (TCPF(TCP_SYN_SENT) | TCPF(TCP_SYN_RECV))) {
		/* Linux gives up at once for these, soft or hard; so programs try the next address.
		 */
		tcp_fail(tp, e->err);
		return;
	}
	if (recverr) {
		WRITE_ONCE(tp->is.s.error, e->err);
		tp->deferred |= DEFER_ALL;
	} else {
		tp->soft_error = e->err;
	}
}

static void to_sock(struct tcp_sock *tp, uint32_t seq, const struct inet_error *e)
{
	tcp_lock(tp);
	if (tp->hashed && tp->state != TCP_CLOSE && seq_le(tp->snd_una, seq) &&
		seq_lt(seq, seq_max(tp->snd_nxt, tp->snd_una + 1))) {
		if (e->err == EMSGSIZE)
			too_big(tp, e->info);
		else
			report(tp, e);
	}
	tcp_unlock(tp);
}

void tcp_error(struct net *net, struct pkt *p, const struct inet_error *e)
{
	const struct tcp_hdr *th;
	struct tcp_ent *ent;
	uint32_t seq;

	if (!pkt_need(p, 8))
		return;
	th = (const struct tcp_hdr *)pkt_data(p);
	seq = be32(th->seq);
	/* As we sent it: we are the source. */
	ent = tcp_lookup(
		net, &p->ip.src, th->sport, &p->ip.dst, th->dport, p->dev ? p->dev->ifindex : 0);
	if (!ent)
		return;
	if (ent->kind == TCP_SOCK)
		to_sock(container_of(ent, struct tcp_sock, ent), seq, e);
	else if (ent->kind == TCP_REQ)
		tcp_req_error(container_of(ent, struct tcp_req, ent), seq, e);
}
