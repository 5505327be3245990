/*
 * udp_send.c - UDP: sending, and the options of its own level (udp(7)).
 *
 * The program's bytes are copied into a pkt first, in sleeping context; then, in a section, the
 * route is looked up (a connected socket keeps its own), the header is put in front and the packet
 * sent. MSG_MORE and UDP_CORK collect several sends in ->cork. UDP_SEGMENT makes one packet of
 * several datagrams, which the device or pkt_segment() cuts.
 */
#include "udp.h"
#include "inetdev.h"
#include "zerocopy.h"
#include <debug.h>

enum {
	SOL_UDP = 17,
	UDP_CORK = 1,
	UDP_ENCAP = 100,
	UDP_NO_CHECK6_TX = 101,
	UDP_NO_CHECK6_RX = 102,
	UDP_SEGMENT = 103,
	UDP_GRO = 104,
	MAX_SEGMENTS = 128
};

/* The header in front of the payload, and what is to be done about the checksum. */
static void push_header(struct udp_sock *us, struct pkt *p, const struct ip_addr *src,
	const struct ip_addr *dst, __be16 dport)
{
	struct udp_hdr *h = pkt_push(p, sizeof(*h));
	uint32_t sum;

	*h = (struct udp_hdr){.sport = us->is.lport, .dport = dport, .len = to_be16(p->len)};
	p->l4 = p->off;
	if ((ip_is_v4(dst) ? us->is.s.opts & SOPT_NO_CHECK : us->no_check6_tx) && !p->gso)
		return;
	sum = csum_pseudo(src, dst, p->len, IPPROTO_UDP);
	h->check = (__force __be16)(uint16_t) ~(__force uint16_t)csum_fold(sum);
	p->csum = CSUM_PARTIAL;
	p->csum_start = p->l4;
	p->csum_offset = offsetof(struct udp_hdr, check);
}

static int prepare_gso(struct pkt *p, uint16_t gso_size, uint32_t mtu, bool v4)
{
	const unsigned headers = sizeof(struct udp_hdr) + (v4 ? IP4_HLEN : IP6_HLEN);

	if (!gso_size || p->len <= gso_size)
		return 0;
	if (gso_size + headers > mtu || p->len > (uint32_t)gso_size * MAX_SEGMENTS)
		return -EINVAL;
	p->gso = GSO_UDP;
	p->gso_size = gso_size;
	p->gso_segs = (uint16_t)DIV_ROUND_UP(p->len, (uint32_t)gso_size);
	return 0;
}

/* Along @dst, in a section. Consumes. */
static int transmit(struct udp_sock *us, const struct dgram_dest *d, const struct dst *dst,
	uint16_t gso_size, struct pkt *p)
{
	struct inet_sock *is = &us->is;
	struct inet_send_args a;
	int err = prepare_gso(p, gso_size, dst->mtu, ip_is_v4(&d->dst));

	if (err) {
		pkt_free(p);
		return err;
	}
	push_header(us, p, &dst->src, &d->dst, d->port);
	dgram_args(is, d, dst, &a);
	p->mark = is->s.mark;
	p->priority = (uint8_t)is->s.priority;
	err = inet_send(is->s.net, dst, &a, p);
	/* A full queue is loss, of which UDP says nothing: ip(7), IP_RECVERR. */
	return err == -ENOBUFS && !is->recverr ? 0 : err;
}

static int send_connected(
	struct udp_sock *us, const struct dgram_dest *d, uint16_t gso_size, struct pkt *p)
{
	struct inet_sock *is = &us->is;
	int err;

	spin_lock(&is->s.lock);
	err = inet_route(is);
	if (err) {
		pkt_free(p);
	} else {
		inet_cache_neighbour(&is->dst);
		if (unlikely(d->confirm))
			dst_confirm(&is->dst);
		err = transmit(us, d, &is->dst, gso_size, p);
	}
	spin_unlock(&is->s.lock);
	return err;
}

static int send_routed(
	struct udp_sock *us, const struct dgram_dest *d, uint16_t gso_size, struct pkt *p)
{
	struct dst dst;
	int err = dgram_route(&us->is, d, &dst);

	if (err) {
		pkt_free(p);
		return err;
	}
	err = transmit(us, d, &dst, gso_size, p);
	dst_release(&dst);
	return err;
}

static int send_pkt(
	struct udp_sock *us, const struct dgram_dest *d, uint16_t gso_size, struct pkt *p)
{
	const uint32_t mtu = us->is.dst.mtu;
	int err;

	socket_charge_snd(&us->is.s, p);
	net_enter();
	err = d->connected ? send_connected(us, d, gso_size, p) : send_routed(us, d, gso_size, p);
	if (!err)
		mib_inc(ip_is_v4(&d->dst) ? MIB_UDP_OUT_DATAGRAMS : MIB_UDP6_OUT_DATAGRAMS);
	else if (err == -EMSGSIZE)
		inet_local_error(&us->is, &d->dst, d->port, mtu);
	net_exit();
	return err;
}

/* Whether the way to @d lets the program's pages go out as they are. */
static bool may_lend(struct udp_sock *us, const struct dgram_dest *d)
{
	struct inet_sock *is = &us->is;
	struct dst dst;
	bool yes = false;

	net_enter();
	if (d->connected) {
		spin_lock(&is->s.lock);
		yes = !inet_route(is) && zerocopy_device(is->dst.dev);
		spin_unlock(&is->s.lock);
	} else if (!dgram_route(is, d, &dst)) {
		yes = zerocopy_device(dst.dev);
		dst_release(&dst);
	}
	net_exit();
	return yes;
}

/* The program's pages themselves, all @n bytes. False: not so, nothing done. */
static bool append_lent(struct pkt *p, struct socket_msg *m, size_t n)
{
	ssize_t done = zerocopy_append(m, p, n);

	if (done == (ssize_t)n)
		return true;
	if (done > 0) {
		pkt_trim(p, 0);
		iov_iter_revert(m->iter, (size_t)done);
	}
	return false;
}

static int append(struct pkt *p, struct socket_msg *m, size_t n)
{
	ssize_t done;

	if (unlikely(m->zerocopy != NULL)) {
		if (append_lent(p, m, n))
			return 0;
		zerocopy_give_up(m);
	}
	done = n ? pkt_append_iter(p, m->iter, n) : 0;
	if (done < 0)
		return (int)done;
	return (size_t)done == n ? 0 : -EFAULT;
}

/* ---- the cork: snd_mutex held ---- */

static int cork_flush(struct udp_sock *us)
{
	struct pkt *p = us->cork;

	us->cork = NULL;
	return p ? send_pkt(us, &us->cork_dest, us->cork_gso, p) : 0;
}

static int cork_begin(struct udp_sock *us, struct socket_msg *m)
{
	int err = dgram_dest(&us->is, m, true, &us->cork_dest);

	if (err)
		return err;
	us->cork_gso = us->cork_dest.c.gso_size ? us->cork_dest.c.gso_size : us->gso_size;
	us->cork = pkt_alloc_tx();
	return us->cork ? 0 : -ENOBUFS;
}

static ssize_t cork_send(struct udp_sock *us, struct socket_msg *m, size_t n, bool more)
{
	int err = us->cork ? 0 : cork_begin(us, m);

	if (err)
		return err;
	if (unlikely(m->zerocopy != NULL)) /* its pieces may be short, and from several sends */
		zerocopy_give_up(m);
	err = us->cork->len + n > IP_MAX_LEN ? -EMSGSIZE : append(us->cork, m, n);
	if (err) { /* what was collected is lost too, as on Linux */
		pkt_free(us->cork);
		us->cork = NULL;
		return err;
	}
	if (!more)
		err = cork_flush(us);
	return err ? err : (ssize_t)n;
}

/* ---- sendmsg ---- */

static ssize_t send_one(struct udp_sock *us, struct socket_msg *m, size_t n)
{
	struct dgram_dest d;
	struct pkt *p;
	int err = dgram_dest(&us->is, m, true, &d);

	if (!err)
		err = socket_wait_sndbuf(&us->is.s, m->flags);
	if (err)
		return err;
	p = pkt_alloc_tx();
	if (!p)
		return -ENOBUFS;
	if (unlikely(m->zerocopy != NULL) && !may_lend(us, &d))
		zerocopy_give_up(m);
	err = append(p, m, n);
	if (err)
		pkt_free(p);
	else
		err = send_pkt(us, &d, d.c.gso_size ? d.c.gso_size : us->gso_size, p);
	return err ? err : (ssize_t)n;
}

ssize_t udp_sendmsg(struct socket *s, struct socket_msg *m, size_t n, unsigned file_flags)
{
	struct udp_sock *us = udp_sk(inet_sk(s));
	ssize_t done;
	int err;

	(void)file_flags;
	if (n > IP_MAX_LEN)
		return -EMSGSIZE;
	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (unlikely(!us->is.lport)) {
		err = udp_autobind(us);
		if (err)
			return err;
	}
	if (likely(!(m->flags & MSG_MORE) && !READ_ONCE(us->corked) && !READ_ONCE(us->cork)))
		return send_one(us, m, n);
	mutex_lock(&s->snd_mutex);
	done = cork_send(us, m, n, m->flags & MSG_MORE || us->corked);
	mutex_unlock(&s->snd_mutex);
	return done;
}

/* ---- options ---- */

static int set_cork(struct udp_sock *us, bool on)
{
	int err = 0;

	mutex_lock(&us->is.s.snd_mutex);
	us->corked = on;
	if (!on)
		err = cork_flush(us);
	mutex_unlock(&us->is.s.snd_mutex);
	return err;
}

int udp_setsockopt(struct socket *s, int level, int name, const void *val, unsigned len)
{
	struct udp_sock *us = udp_sk(inet_sk(s));
	int v;

	if (level != SOL_UDP)
		return inet_setsockopt(s, level, name, val, len);
	if (len < sizeof(v))
		return -EINVAL;
	memcpy(&v, val, sizeof(v));
	switch (name) {
	case UDP_CORK:
		return set_cork(us, v);
	case UDP_NO_CHECK6_TX:
		us->no_check6_tx = v;
		return 0;
	case UDP_NO_CHECK6_RX:
		us->no_check6_rx = v;
		return 0;
	case UDP_SEGMENT:
		if (v < 0 || v > UINT16_MAX)
			return -EINVAL;
		us->gso_size = (uint16_t)v;
		return 0;
	case UDP_GRO:
		us->gro = v;
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

int udp_getsockopt(struct socket *s, int level, int name, void *val, unsigned *len)
{
	struct udp_sock *us = udp_sk(inet_sk(s));
	int v;

	if (level != SOL_UDP)
		return inet_getsockopt(s, level, name, val, len);
	switch (name) {
	case UDP_CORK:
		v = us->corked;
		break;
	case UDP_ENCAP:
		v = 0;
		break;
	case UDP_NO_CHECK6_TX:
		v = us->no_check6_tx;
		break;
	case UDP_NO_CHECK6_RX:
		v = us->no_check6_rx;
		break;
	case UDP_SEGMENT:
		v = us->gso_size;
		break;
	case UDP_GRO:
		v = us->gro;
		break;
	default:
		return -ENOPROTOOPT;
	}
	*len = MIN(*len, (unsigned)sizeof(v));
	memcpy(val, &v, *len);
	return 0;
}
