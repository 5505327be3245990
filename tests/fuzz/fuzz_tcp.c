/*
 * fuzz_tcp.c - TCP's state machine: segments of a peer that knows the connection's numbers and lies
 * about them, the program's calls, errors by ICMP, and time; after each, what must always hold of
 * the connection (tcp_check.c).
 *
 * Input: flags, then operations of an opcode byte and its arguments. Two connections: one that the
 * peer began, one that the program begins.
 */
#include "world.h"
#include <string.h>
#include "kernel/net/wire.h"
#include "tcp_check.h"

enum { NR = 2, ACTIVE_PORT = 5000, OPS = 96, SEG_MAX = 1460 };
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* A connection as the peer sees it; it lasts longer than the program's descriptor. */
struct end {
	struct socket **sk;
	uint16_t sport, dport; /* of the peer's segments */
	uint32_t rcv_nxt;      /* of the kernel: what the peer sends next */
	uint32_t snd_una, snd_nxt, window_end;
	uint32_t ts, echo; /* timestamps: ours, theirs */
};
static struct end ends[NR];
static struct socket *active;

/* ---- what the peer knows ---- */

static void learn_segment(const struct tcp_hdr *h, unsigned payload)
{
	for (unsigned i = 0; i < NR; i++) {
		struct end *e = &ends[i];

		if (be16(h->dport) != e->sport || (e->dport && be16(h->sport) != e->dport))
			continue;
		e->dport = be16(h->sport);
		e->snd_nxt = be32(h->seq) + payload + !!(h->flags & TH_SYN) + !!(h->flags & TH_FIN);
		if (h->flags & TH_SYN)
			e->snd_una = be32(h->seq);
		if (h->flags & TH_ACK)
			e->rcv_nxt = be32(h->ack);
		e->window_end = e->rcv_nxt + be16(h->window);
	}
}

static void learn(void)
{
	const unsigned ip = world.flags & WORLD_V6_TCP ? 40 : 20;
	struct tcp_hdr h;
	struct pkt *p;

	while ((p = world_next_sent())) {
		if (p->len >= ETH_HLEN + ip + sizeof(h)) {
			pkt_copy_bytes(p, ETH_HLEN + ip, &h, sizeof(h));
			learn_segment(&h, p->len - MIN(p->len, ETH_HLEN + ip + (h.off >> 2 & ~3u)));
		}
		pkt_free(p);
	}
	for (unsigned i = 0; i < NR; i++) {
		const struct tcp_sock *tp = *ends[i].sk ? tcp_sk(*ends[i].sk) : NULL;

		if (!tp || !tcp_in(tp, TCPF_SYNCED))
			continue;
		ends[i].rcv_nxt = tp->rcv_nxt;
		ends[i].snd_una = tp->snd_una;
		ends[i].snd_nxt = tp->snd_nxt;
		ends[i].window_end = tp->rcv_wup + tp->rcv_wnd;
		ends[i].echo = tcp_ts(tp, unit_clock);
	}
	world_drop_sent();
}

/* ---- segments ---- */

static uint32_t choose_seq(struct input *in, const struct end *e)
{
	switch (in_u8(in) & 7) {
	case 0:
	case 1:
		return e->rcv_nxt;
	case 2:
		return e->rcv_nxt + in_u16(in);
	case 3:
		return e->rcv_nxt - in_u16(in);
	case 4:
		return e->window_end + (int8_t)in_u8(in);
	case 5:
		return e->rcv_nxt + (int8_t)in_u8(in);
	case 6:
		return e->rcv_nxt + in_u8(in) * SEG_MAX;
	default:
		return e->rcv_nxt + in_u32(in);
	}
}

static uint32_t choose_ack(struct input *in, const struct end *e)
{
	switch (in_u8(in) & 7) {
	case 0:
	case 1:
		return e->snd_nxt;
	case 2:
		return e->snd_una;
	case 3:
		return e->snd_una + in_u16(in);
	case 4:
		return e->snd_una + in_u8(in) * 1448u;
	case 5:
		return e->snd_nxt + (int8_t)in_u8(in);
	case 6:
		return e->snd_una + (e->snd_nxt - e->snd_una) / 2;
	default:
		return e->snd_nxt + in_u32(in);
	}
}

static void put32(uint8_t *at, uint32_t v)
{
	const __be32 b = to_be32(v);

	memcpy(at, &b, 4);
}

/* The options that the bits of @which name; how many bytes. */
static unsigned choose_opts(struct input *in, struct end *e, unsigned which, uint8_t *at)
{
	unsigned n = 0, blocks = which >> 2 & 3;

	if (which & 1) {
		memcpy(at, "\1\1\10\12", 4);
		e->ts += which & 2 ? in_u8(in) << 8 : 1;
		put32(at + 4, e->ts);
		put32(at + 8, e->echo - (which & 2 ? in_u8(in) : 0));
		n = 12;
	}
	if (blocks) {
		memcpy(at + n, "\1\1\5", 3);
		at[n + 3] = (uint8_t)(2 + blocks * 8);
		n += 4;
	}
	while (blocks--) {
		const uint32_t from = e->snd_una + (which & 32 ? in_u16(in) : in_u8(in) * 1448u);

		put32(at + n, from);
		put32(at + n + 4, from + (which & 32 ? in_u16(in) : (in_u8(in) & 7) * 1448u));
		n += 8;
	}
	if (which & 16) {
		unsigned more;
		const uint8_t *raw = in_bytes(in, MIN(in_u8(in) & 15u, 40 - n), &more);

		memcpy(at + n, raw, more);
		n += more;
	}
	return n;
}

static void segment(struct input *in, struct end *e)
{
	const unsigned how = in_u8(in);
	uint8_t opts[64];
	struct peer_seg seg = {.sport = e->sport,
		.dport = e->dport,
		.flags = how & 1 ? in_u8(in) : TH_ACK,
		.seq = choose_seq(in, e),
		.ack = choose_ack(in, e),
		.window = how & 2 ? in_u16(in) : 30000,
		.opts = opts,
		.nr_opts = choose_opts(in, e, how >> 2, opts)};

	if (seg.flags & TH_URG)
		seg.urgent = in_u8(in);
	if (seg.flags & TH_PSH)
		seg.len = in_u16(in) % (SEG_MAX + 1);
	seg.tos = seg.flags & TH_ECE ? 3 : 0;
	peer_tcp(&seg, world.flags & WORLD_V6_TCP);
}

static void handshake(struct end *e)
{
	static const uint8_t opts[] = {
		2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7};
	struct peer_seg seg = {.sport = e->sport,
		.dport = e->dport,
		.flags = TH_SYN | TH_ACK,
		.seq = e->rcv_nxt,
		.ack = e->snd_nxt,
		.window = 60000,
		.opts = opts,
		.nr_opts = sizeof(opts)};

	peer_tcp(&seg, world.flags & WORLD_V6_TCP);
	e->rcv_nxt++;
	e->snd_una = e->snd_nxt;
}

/* An ICMP error about a segment of the connection. */
static void icmp(struct input *in, const struct end *e)
{
	uint8_t f[ETH_HLEN + 20 + 8 + 28] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0};
	const __be32 src = ip_v4(&world.peer4), dst = ip_v4(&world.me4);
	const __be16 ports[2] = {to_be16(e->dport), to_be16(e->sport)};
	uint8_t *ip = f + ETH_HLEN, *quote = ip + 28;

	memcpy(ip, "\x45\0\0\0\0\1\0\0\x40\1", 10);
	memcpy(ip + 12, &src, 4);
	memcpy(ip + 16, &dst, 4);
	ip[20] = in_u8(in) & 1 ? 3 : in_u8(in);
	ip[21] = in_u8(in);
	ip[26] = in_u8(in);
	ip[27] = in_u8(in);
	memcpy(quote, "\x45\0\0\x28\0\1\0\0\x40\6", 10);
	memcpy(quote + 12, &dst, 4);
	memcpy(quote + 16, &src, 4);
	memcpy(quote + 20, ports, 4);
	put32(quote + 24, e->snd_una + (int8_t)in_u8(in));
	peer_mend(f, sizeof(f), false);
	world_rx(f, sizeof(f));
}

/* ---- the program ---- */

static void begin_active(void)
{
	const bool v6 = world.flags & WORLD_V6_TCP;

	if (active || socket_create(v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0, &active))
		return;
	(void)world_connect(active, v6 ? &world.peer6 : &world.peer4, ACTIVE_PORT);
	ends[1].dport = 0;
	ends[1].rcv_nxt = 70000;
}

static void set_option(struct input *in, struct socket *s)
{
	static const int values[] = {0, 1, 2, 3, 10, 100, 536, 1460, 5000, 65536, 1 << 20, -1};
	static const uint8_t of_socket[] = {SO_SNDBUF, SO_RCVBUF, SO_KEEPALIVE, SO_OOBINLINE,
		SO_RCVLOWAT, SO_PRIORITY, SO_MARK, SO_PEEK_OFF};
	const unsigned name = in_u8(in);
	int v = values[in_u8(in) % ARRAY_SIZE(values)];
	const struct socket_linger linger = {name & 1, 0};
	uint8_t out[256];
	unsigned len = sizeof(out);

	if (name & 128)
		(void)socket_setsockopt(
			s, SOL_SOCKET, of_socket[name % ARRAY_SIZE(of_socket)], &v, sizeof(v));
	else if (name == 13)
		(void)socket_setsockopt(s, IPPROTO_TCP, 13 /* CONGESTION */,
			v & 1 ? "reno" : "cubic", v & 1 ? 4 : 5);
	else if (name & 64)
		(void)socket_setsockopt(s, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	else
		(void)socket_setsockopt(s, IPPROTO_TCP, (int)name & 63, &v, sizeof(v));
	(void)socket_getsockopt(s, IPPROTO_TCP, (int)name & 63, out, &len);
}

static void accept_one(void)
{
	struct socket *s = NULL;

	if (!world.listener || socket_accept(world.listener, 0x800 /* O_NONBLOCK */, &s))
		return;
	if (!world.conn) {
		world.conn = s;
		ends[0].sport = be16(inet_sk(s)->rport);
		ends[0].dport = WORLD_LISTEN_PORT;
		return;
	}
	world_close(&s);
}

static void program(struct input *in, struct end *e, unsigned op)
{
	static const unsigned flags[] = {0, MSG_PEEK, MSG_OOB, MSG_MORE, MSG_TRUNC, MSG_WAITALL,
		MSG_ERRQUEUE, MSG_DONTROUTE};
	struct socket *s = *e->sk;
	const unsigned n = in_u8(in) * (op & 1 ? 1u : 257u);

	if (!s)
		return;
	switch (op) {
	case 0:
	case 1:
		(void)world_send(s, n, flags[in_u8(in) & 7]);
		return;
	case 2:
	case 3:
		(void)world_recv(s, n, flags[in_u8(in) & 7]);
		return;
	case 4:
		(void)socket_shutdown(s, (int)n % 3);
		return;
	case 5:
		if (n & 1)
			world_close(e->sk);
		return;
	default:
		set_option(in, s);
	}
}

/* Time passes: 1 ms to 2^14 s. */
static void wait(struct input *in)
{
	const unsigned how = in_u8(in);

	world_wait(((how & 15) + 1ull) << (how >> 4) << 20);
}

static void step(struct input *in)
{
	const unsigned op = in_u8(in);
	struct end *e = &ends[op >> 7];

	switch (op & 31) {
	default:
		segment(in, e);
		break;
	case 16 ... 23:
		program(in, e, op & 7);
		break;
	case 24:
		wait(in);
		break;
	case 25:
		begin_active();
		break;
	case 26:
		handshake(e);
		break;
	case 27:
		accept_one();
		break;
	case 28:
		icmp(in, e);
		break;
	case 29:
		alloc_fail_after(in_u8(in) & 15);
		segment(in, e);
		alloc_fail_after(-1);
		break;
	case 30:
		world_close(&world.listener);
		break;
	case 31: /* a new connection: the same ports, or others */
		if (in_u8(in) & 1)
			ends[0].sport = WORLD_PEER_PORT + (in_u8(in) & 3);
		segment(in, e);
	}
	learn();
	for (unsigned i = 0; i < NR; i++)
		if (*ends[i].sk)
			tcp_check(tcp_sk(*ends[i].sk));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct input in = {data, data + n};

	world_begin(in_u8(&in));
	world_sockets();
	memset(ends, 0, sizeof(ends));
	ends[0] = (struct end){
		.sk = &world.conn, .sport = WORLD_PEER_PORT, .dport = WORLD_LISTEN_PORT, .ts = 1};
	ends[1] = (struct end){.sk = &active, .sport = ACTIVE_PORT, .ts = 1};
	learn();
	for (unsigned i = 0; i < OPS && in_more(&in); i++)
		step(&in);
	world_close(&active);
	world_end();
	return 0;
}
