/*
 * tcp_wire_test.c - two ends of a connection and a wire between them that loses, delays, reorders,
 * duplicates and damages: whatever is written at one end is read at the other, in the end, for many
 * seeds.
 */
/* clang-format off */
/* LINK: kernel/net/tcp*.c kernel/net/zerocopy.c kernel/policy/user.c kernel/net/pkt.c kernel/net/csum.c */
/* LINK: kernel/lib/rbtree.c kernel/lib/hash.c kernel/mm/iov_iter.c */
/* clang-format on */
#include "tests/unit/net/tcp_world.h"

enum { WIRE_MAX = 4096, CHUNK = 20000 };

struct end {
	struct tcp_sock *tp;
	uint64_t to_write, wrote, read;
	bool finished; /* said so */
	bool saw_end;
};
static struct {
	struct {
		uint64_t at;
		struct pkt *p;
		struct ip_addr src, dst;
	} wire[WIRE_MAX];
	unsigned n, lost;
	uint32_t loss, dup, damage; /* of 1000 */
	uint64_t delay, jitter;
	bool whole;        /* packets larger than the MTU arrive as they are */
	uint32_t starve;   /* of 1000: an allocation fails */
	struct end end[2]; /* 0: connected, 1: accepted */
	struct tcp_sock *ln;
} net;

static uint8_t byte_at(unsigned who, uint64_t pos)
{
	return (uint8_t)(pos * 11 + (pos >> 9) * 3 + who * 101);
}

/* ---- the wire ---- */

static void put_on_wire(const struct ip_addr *src, const struct ip_addr *dst, struct pkt *p)
{
	if (unit_below(1000) < net.loss || net.n == WIRE_MAX) {
		net.lost++;
		pkt_free(p);
		return;
	}
	if (unit_below(1000) < net.damage && p->len) {
		uint32_t at = (uint32_t)unit_below(p->lin_len);

		p->lin[p->off + at] ^= (uint8_t)(1 + unit_below(255));
	}
	net.wire[net.n].at = unit_clock + net.delay + (net.jitter ? unit_below(net.jitter) : 0);
	net.wire[net.n].p = p;
	net.wire[net.n].src = *src;
	net.wire[net.n].dst = *dst;
	net.n++;
}

static void send_one(const struct ip_addr *src, const struct ip_addr *dst, struct pkt *p)
{
	if (unit_below(1000) < net.dup) {
		struct pkt *copy = pkt_clone(p);

		if (copy)
			put_on_wire(src, dst, copy);
	}
	put_on_wire(src, dst, p);
}

/* As pkt_segment() does it, without an IP header. */
static void cut_up(const struct inet_send_args *a, struct pkt *p)
{
	const struct tcp_hdr *th = (const struct tcp_hdr *)pkt_data(p);
	unsigned hlen = (th->off >> 4) * 4;
	uint32_t len = p->len - hlen, done, n;

	for (done = 0; done < len; done += n) {
		struct pkt *s = pkt_alloc_tx();
		struct tcp_hdr *h;

		n = MIN(len - done, (uint32_t)p->gso_size);
		if (!s)
			break;
		memcpy(pkt_append(s, hlen), pkt_data(p), hlen);
		if (pkt_append_ref(s, p, hlen + done, n)) {
			pkt_free(s);
			break;
		}
		h = (struct tcp_hdr *)pkt_data(s);
		h->seq = to_be32(be32(th->seq) + done);
		if (done + n < len)
			h->flags &= (uint8_t) ~(TH_FIN | TH_PSH);
		h->check = 0;
		h->check = csum_fold(
			pkt_csum(s, 0, s->len, csum_pseudo(&a->src, &a->dst, s->len, IPPROTO_TCP)));
		s->csum = CSUM_NONE;
		s->ip.tos = p->ip.tos;
		send_one(&a->src, &a->dst, s);
	}
	pkt_free(p);
}

static void sent(const struct inet_send_args *a, struct pkt *p)
{
	p->ip.tos = a->tos;
	if (p->gso && !net.whole) {
		cut_up(a, p);
		return;
	}
	if (!net.whole)
		pkt_csum_complete(p);
	send_one(&a->src, &a->dst, p);
}

static unsigned earliest(void)
{
	unsigned i, best = 0;

	for (i = 1; i < net.n; i++)
		if (net.wire[i].at < net.wire[best].at)
			best = i;
	return best;
}

/* Let time pass until the next packet arrives, at most @most. */
static void step(uint64_t most)
{
	uint64_t end = unit_clock + most;

	while (net.n) {
		unsigned i = earliest();
		struct pkt *p = net.wire[i].p;
		struct ip_addr src = net.wire[i].src, dst = net.wire[i].dst;

		if (net.wire[i].at > end)
			break;
		if (net.wire[i].at > unit_clock)
			unit_advance(net.wire[i].at - unit_clock);
		i = earliest(); /* timers may have sent */
		p = net.wire[i].p;
		src = net.wire[i].src;
		dst = net.wire[i].dst;
		net.wire[i] = net.wire[--net.n];
		if (net.starve && unit_below(1000) < net.starve)
			alloc_fail_after((long)unit_below(3));
		world_deliver(p, &src, &dst);
		alloc_fail_after(-1);
		if (unit_below(2))
			return;
	}
	if (unit_clock < end)
		unit_advance(end - unit_clock);
}

/* ---- programs ---- */

static void program_writes(unsigned who)
{
	static uint8_t buf[CHUNK];
	struct end *e = &net.end[who];
	size_t n = 1 + unit_below(unit_below(4) ? CHUNK : 100), i;
	struct iov_iter it;
	struct socket_msg m = {.iter = &it, .flags = MSG_DONTWAIT};
	ssize_t got;

	n = MIN(n, (size_t)(e->to_write - e->wrote));
	if (!n) {
		if (!e->finished)
			e->finished = tcp_shutdown(&e->tp->is.s, SHUT_WR) == 0;
		return;
	}
	for (i = 0; i < n; i++)
		buf[i] = byte_at(who, e->wrote + i);
	if (!unit_below(5))
		m.flags |= MSG_MORE;
	iov_iter_kernel(&it, buf, n);
	got = tcp_sendmsg(&e->tp->is.s, &m, n, 0);
	if (got > 0)
		e->wrote += (uint64_t)got;
	else if (got != -EAGAIN && got != -ENOMEM)
		unit_fail(__FILE__, __LINE__, "end %u: writing gives %ld", who, (long)got);
}

static void program_reads(unsigned who)
{
	static uint8_t buf[CHUNK];
	struct end *e = &net.end[who];
	size_t n = 1 + unit_below(unit_below(4) ? CHUNK : 100), i;
	struct iov_iter it;
	struct socket_msg m = {.iter = &it, .flags = MSG_DONTWAIT};
	ssize_t got;

	iov_iter_kernel(&it, buf, n);
	got = tcp_recvmsg(&e->tp->is.s, &m, n, 0);
	if (got == 0)
		e->saw_end = true;
	else if (got < 0 && got != -EAGAIN)
		unit_fail(__FILE__, __LINE__, "end %u: reading gives %ld", who, (long)got);
	for (i = 0; got > 0 && i < (size_t)got; i++)
		if (buf[i] != byte_at(!who, e->read + i)) {
			unit_fail(__FILE__, __LINE__, "end %u: byte %llu is wrong", who,
				(unsigned long long)(e->read + i));
			return;
		}
	if (got > 0)
		e->read += (uint64_t)got;
}

static void program(unsigned who)
{
	struct end *e = &net.end[who];

	if (!e->tp)
		return;
	switch (unit_below(4)) {
	case 0:
		if (!(TCPF(e->tp->state) & TCPF_CONNECTING))
			program_writes(who);
		break;
	case 1:
	case 2:
		if (!(TCPF(e->tp->state) & TCPF_CONNECTING) && !e->saw_end)
			program_reads(who);
		break;
	default:
		if (!unit_below(50)) {
			int v = (int)unit_below(2);

			(void)tcp_setsockopt(
				&e->tp->is.s, IPPROTO_TCP, unit_below(2) ? 1 : 3, &v, sizeof(v));
		}
		break;
	}
}

static void uncork(unsigned who)
{
	int zero = 0;

	if (net.end[who].tp)
		(void)tcp_setsockopt(&net.end[who].tp->is.s, IPPROTO_TCP, 3, &zero, sizeof(zero));
}

/* ---- a run ---- */

static void listen_at(uint16_t port)
{
	struct sockaddr_storage a = {.ss_family = AF_INET};

	((struct sockaddr_in *)&a)->sin_port = to_be16(port);
	net.ln = world_socket();
	if (tcp_bind(&net.ln->is.s, &a, sizeof(struct sockaddr_in)) || tcp_listen(&net.ln->is.s, 5))
		panic("listen");
}

static void connect_to(uint16_t port)
{
	struct sockaddr_storage a = {.ss_family = AF_INET};
	int err;

	((struct sockaddr_in *)&a)->sin_port = to_be16(port);
	((struct sockaddr_in *)&a)->sin_addr = IP4(192, 0, 2, 2);
	net.end[0].tp = world_socket();
	err = tcp_connect(&net.end[0].tp->is.s, &a, sizeof(struct sockaddr_in), 0x800);
	if (err != -EINPROGRESS)
		unit_fail(__FILE__, __LINE__, "connect: %d", err);
}

static void choose_conditions(void)
{
	static const uint32_t mtus[] = {576, 1280, 1500, 9000, 65535};

	world.mtu = mtus[unit_below(ARRAY_SIZE(mtus))];
	world_inet.tcp_sack = unit_below(4) != 0;
	world_inet.tcp_timestamps = unit_below(3) != 0;
	world_inet.tcp_window_scaling = unit_below(4) != 0;
	world_inet.tcp_ecn = unit_below(2);
	net.loss = unit_below(2) ? (uint32_t)unit_below(150) : 0;
	net.dup = unit_below(3) ? 0 : (uint32_t)unit_below(200);
	net.damage = unit_below(4) ? 0 : (uint32_t)unit_below(30);
	net.delay = (1 + unit_below(100)) * NSEC_PER_MSEC / (unit_below(2) ? 1 : 100);
	net.jitter = unit_below(2) ? 0 : unit_below(4) * net.delay;
	net.whole = unit_below(3) == 0;
	net.starve = unit_below(5) ? 0 : (uint32_t)unit_below(60);
	if (net.whole) /* nothing checks sums of what never was on a wire */
		net.damage = 0;
	net.end[0].to_write = unit_below(400000);
	net.end[1].to_write = unit_below(2) ? unit_below(200000) : 0;
}

static bool is_over(void)
{
	return net.end[0].saw_end && net.end[1].saw_end && net.end[0].finished &&
	       net.end[1].finished;
}

static void run(unsigned seed)
{
	uint64_t began;
	struct socket *s;
	unsigned i;

	world_begin();
	memset(&net, 0, sizeof(net));
	for (i = 0; i < seed; i++)
		(void)unit_random();
	choose_conditions();
	world.sent = sent;
	listen_at(80);
	connect_to(80);
	if (unit_below(3) == 0) {
		net.end[0].tp->is.s.rcvbuf = 3000 + (uint32_t)unit_below(20000);
		net.end[0].tp->is.s.opts |= SOPT_RCVBUF_LOCK;
	}
	began = unit_clock;
	while (!is_over() && unit_clock - began < 6000 * NSEC_PER_SEC) {
		step(unit_below(30) * NSEC_PER_MSEC);
		if (!net.end[1].tp && tcp_accept(&net.ln->is.s, 0x800, &s) == 0)
			net.end[1].tp = tcp_sk(s);
		program(0);
		program(1);
		if (!unit_below(200)) {
			uncork(0);
			uncork(1);
		}
		if (net.end[0].tp->state == TCP_CLOSE && !net.end[0].saw_end &&
			net.end[0].tp->is.s.error)
			break;
	}
	if (!is_over())
		unit_fail(__FILE__, __LINE__,
			"seed %u: stuck after %llu s: loss %u dup %u damage %u delay %llu jitter "
			"%llu starve %u mtu %u: states %u %u, wrote %llu of %llu, %llu of %llu, "
			"read %llu %llu, errors %d",
			seed, (unsigned long long)((unit_clock - began) / NSEC_PER_SEC), net.loss,
			net.dup, net.damage, (unsigned long long)net.delay,
			(unsigned long long)net.jitter, net.starve, world.mtu, net.end[0].tp->state,
			net.end[1].tp ? net.end[1].tp->state : 0,
			(unsigned long long)net.end[0].wrote,
			(unsigned long long)net.end[0].to_write,
			(unsigned long long)net.end[1].wrote,
			(unsigned long long)net.end[1].to_write,
			(unsigned long long)net.end[0].read, (unsigned long long)net.end[1].read,
			net.end[0].tp->is.s.error);
	EXPECT_EQ(net.end[0].read, net.end[1].to_write);
	EXPECT_EQ(net.end[1].read, net.end[0].to_write);
	for (i = 0; i < 2; i++)
		if (net.end[i].tp)
			world_close(net.end[i].tp);
	for (i = 0; i < 100 && net.n; i++)
		step(10 * NSEC_PER_SEC);
	world_close(net.ln);
	while (net.n)
		pkt_free(net.wire[--net.n].p);
	world_end();
	EXPECT(alloc_live() <= world.live_before + 1);
}

TEST(what_is_written_is_read_over_any_wire)
{
	unsigned seed;

	for (seed = 1; seed <= 60; seed++)
		run(seed * 17);
}
