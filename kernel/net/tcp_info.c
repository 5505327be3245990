/*
 * tcp_info.c - looking at connections from outside: TCP_INFO, and all sockets for sock_diag and
 * /proc/net/tcp.
 */
#include <cred.h>
#include <file.h>
#include <netctl.h>
#include <stat.h>
#include <vfs.h>
#include "tcp.h"
#include "tcp_info.h"

enum diag_timer { DT_NONE, DT_RTO, DT_KEEPALIVE, DT_TIMEWAIT, DT_PROBE };

static uint32_t us(uint64_t ns)
{
	return (uint32_t)MIN(ns / NSEC_PER_USEC, 0xffffffffull);
}

static uint32_t ms_ago(uint64_t then, uint64_t now)
{
	return then && then < now ? (uint32_t)((now - then) / NSEC_PER_MSEC) : 0;
}

static uint32_t segs(const struct tcp_sock *tp, uint32_t bytes)
{
	return DIV_ROUND_UP(bytes, (uint32_t)MAX(tp->mss, (uint16_t)1));
}

static void fill_listener(const struct tcp_sock *tp, struct tcp_info *i)
{
	i->state = TCP_LISTEN;
	i->unacked = tp->listen.queued;
	i->sacked = tp->listen.max;
}

static void fill_path(const struct tcp_sock *tp, struct tcp_info *i)
{
	i->pmtu = tp->pmtu;
	i->rtt_us = us(tp->srtt_ns);
	i->rttvar_us = us(tp->rttvar_ns);
	i->min_rtt_us = us(tp->min_rtt_ns);
	i->rcv_rtt_us = us(tp->rcv_rtt_ns);
	i->rto_us = us(tp->rto_ns);
	i->ato_us = us(tp->ato_ns);
	i->snd_mss = tp->mss;
	i->rcv_mss = tp->rcv_mss;
	i->advmss = tp->advmss;
	i->reordering = TCP_DUPTHRESH;
	i->snd_cwnd = tp->cwnd / MAX(tp->mss, (uint16_t)1);
	i->snd_ssthresh = tp->ssthresh >= UINT32_MAX / 2 ? INT32_MAX : segs(tp, tp->ssthresh);
	i->rcv_ssthresh = tp->rcv_wnd;
	i->rcv_space = tp->space;
	i->snd_wnd = tp->snd_wnd;
	i->rcv_wnd = tp->rcv_wnd;
	i->max_pacing_rate = UINT64_MAX;
	i->pacing_rate = tp->srtt_ns ? tp->cwnd * NSEC_PER_SEC / tp->srtt_ns : 0;
	i->delivery_rate = i->pacing_rate;
}

static void fill_counts(const struct tcp_sock *tp, struct tcp_info *i)
{
	i->unacked = segs(tp, tp->snd_nxt - tp->snd_una);
	i->sacked = segs(tp, tp->sacked);
	i->lost = segs(tp, tp->lost);
	i->retrans = segs(tp, tp->retrans);
	i->total_retrans = tp->total_retrans;
	i->bytes_acked = tp->bytes_acked;
	i->bytes_received = tp->bytes_received;
	i->bytes_sent = tp->bytes_sent;
	i->bytes_retrans = tp->bytes_retrans;
	i->segs_out = tp->segs_out;
	i->segs_in = tp->segs_in;
	i->data_segs_out = tp->data_segs_out;
	i->data_segs_in = tp->data_segs_in;
	i->notsent_bytes = tp->write_seq - tp->snd_nxt;
	i->delivered = segs(tp, tp->delivered);
	i->dsack_dups = tp->dsack_dups;
	i->reord_seen = tp->reord_seen;
	i->rcv_ooopack = tp->rcv_ooo;
}

void tcp_fill_info(const struct tcp_sock *tp, struct tcp_info *i)
{
	uint64_t now = clock_ns();

	*i = (struct tcp_info){.state = tp->state};
	if (tp->state == TCP_LISTEN) {
		fill_listener(tp, i);
		return;
	}
	i->ca_state = tp->ca;
	i->retransmits = tp->retries;
	i->probes = tp->probes;
	i->backoff = tp->backoff;
	i->options = (uint8_t)((tp->ts_ok ? TCPI_TIMESTAMPS : 0) | (tp->sack_ok ? TCPI_SACK : 0) |
			       (tp->wscale_ok ? TCPI_WSCALE : 0) | (tp->ecn_ok ? TCPI_ECN : 0));
	i->wscales = (uint8_t)(tp->snd_wscale | tp->rcv_wscale << 4);
	i->last_data_sent_ms = ms_ago(tp->last_snd_ns, now);
	i->last_data_recv_ms = ms_ago(tp->last_rcv_ns, now);
	i->last_ack_recv_ms = ms_ago(tp->last_ack_rcv_ns, now);
	fill_path(tp, i);
	fill_counts(tp, i);
}

/* ---- all of them ---- */

struct visit {
	struct net *net;
	int (*fn)(const struct inet_sock_info *i, void *arg);
	void *arg;
	uint64_t now;
};

static void describe_ent(const struct tcp_ent *e, struct inet_sock_info *i)
{
	*i = (struct inet_sock_info){.family = ip_is_v4(&e->local) ? AF_INET : AF_INET6,
		.type = SOCK_STREAM,
		.proto = IPPROTO_TCP,
		.local = e->local,
		.remote = e->remote,
		.lport = be16(e->lport),
		.rport = be16(e->rport),
		.ifindex = e->ifindex,
		.refs = 1};
}

static uint32_t ms_left(uint64_t deadline, uint64_t now)
{
	return deadline > now ? (uint32_t)((deadline - now) / NSEC_PER_MSEC) : 0;
}

static void describe_timer(const struct tcp_sock *tp, struct inet_sock_info *i, uint64_t now)
{
	if (tp->due[TCP_T_RTX] != TCP_NEVER) {
		i->timer = tp->rtx_kind == RTX_PROBE ? DT_PROBE : DT_RTO;
		i->timer_ms = ms_left(tp->due[TCP_T_RTX], now);
	} else if (tp->due[TCP_T_KEEP] != TCP_NEVER) {
		i->timer = DT_KEEPALIVE;
		i->timer_ms = ms_left(tp->due[TCP_T_KEEP], now);
	}
	i->retransmits = tp->rtx_kind == RTX_PROBE ? tp->probes : tp->retries;
}

static uint64_t inode_of(const struct socket *s)
{
	const struct file *f = READ_ONCE(s->file);

	return f && !s->dead ? f->inode->ino : 0;
}

static int visit_sock(struct tcp_sock *tp, void *arg)
{
	struct visit *v = arg;
	struct socket *s = &tp->is.s;
	struct tcp_info info;
	struct inet_sock_info i = {.family = s->family,
		.type = SOCK_STREAM,
		.proto = IPPROTO_TCP,
		.tcp_info = &info,
		.tcp_info_len = sizeof(info)};

	if (s->net != v->net)
		return 0;
	tcp_lock(tp);
	i.state = tp->state;
	i.local = tp->is.local;
	i.remote = tp->is.remote;
	i.lport = be16(tp->is.lport);
	i.rport = be16(tp->is.rport);
	i.ifindex = s->ifindex;
	i.v6only = tp->is.v6only;
	i.uid = s->cred->fsuid;
	i.ino = inode_of(s);
	i.cookie = s->cookie;
	i.refs = (uint32_t)refcount_read(&s->refs);
	i.drops = s->drops;
	if (tp->state == TCP_LISTEN) {
		i.rqueue = tp->listen.queued;
		i.wqueue = tp->listen.max;
	} else {
		i.rqueue = tp->rcv_nxt - tp->copied_seq;
		i.wqueue = tp->write_seq - tp->snd_una;
		describe_timer(tp, &i, v->now);
	}
	tcp_fill_info(tp, &info);
	tcp_unlock(tp);
	return i.state == TCP_CLOSE ? 0 : v->fn(&i, v->arg);
}

static int visit_ent(struct tcp_ent *e, void *arg)
{
	struct visit *v = arg;
	struct inet_sock_info i;

	if (e->net != v->net)
		return 0;
	if (e->kind == TCP_SOCK)
		return visit_sock(container_of(e, struct tcp_sock, ent), arg);
	describe_ent(e, &i);
	if (e->kind == TCP_REQ) {
		const struct tcp_req *r = container_of(e, struct tcp_req, ent);

		i.state = TCP_SYN_RECV;
		i.timer = DT_RTO;
		i.retransmits = r->retries;
		i.uid = r->listener->is.s.cred->fsuid;
		i.family = r->listener->is.s.family;
	} else {
		const struct tcp_tw *tw = container_of(e, struct tcp_tw, ent);

		i.state = tw->state;
		i.timer = DT_TIMEWAIT;
		i.timer_ms = ms_left(tw->expiry_ns, v->now);
		i.family = tw->family;
	}
	return v->fn(&i, v->arg);
}

int tcp_each(struct net *net, int (*fn)(const struct inet_sock_info *i, void *arg), void *arg)
{
	struct visit v = {net, fn, arg, clock_ns()};
	int err;

	net_enter();
	err = tcp_hash_each(visit_ent, visit_sock, &v);
	net_exit();
	return err;
}
