/*
 * tcp_script.h - TCP tests as dialogues: lines that inject a segment, expect one, let time pass, or
 * call what a program calls.
 *
 *	< S. 0 ack 1 win 1000 <mss 1000,sackOK,wscale 7>     the peer sends
 *	> P. 1:1001 ack 1                                    the next segment that we sent; what is
 *	                                                     not mentioned is not compared
 *	>none                                                we sent nothing more
 *	+200ms                                               time passes; timers run
 *	write 1000 = 1000                                    calls; "= " the result, 0 if left out
 *
 * Flags: S F R P U E(CE) W (CWR) and . for ACK. Sequence numbers count from each side's first one
 * (ours: the SYN's), so the first byte is 1. Options: mss N, wscale N, sackOK, ts VAL ECR (ECR *:
 * the newest value that we sent), sack A-B A-B. Bytes of the streams are a pattern by position,
 * checked wherever they show up. Checksums of what we send are checked as well.
 */
#pragma once
#include <printf.h>
#include <stdarg.h>
#include "tests/unit/net/tcp_world.h"

enum { SCRIPT_SEGS = 8192, SCRIPT_TOKENS = 40 };
struct script_seg {
	uint32_t seq, len, ack; /* relative */
	uint16_t win, urg;
	uint8_t flags, tos;
	uint16_t rport;
	struct tcp_opts o;
};
static struct {
	struct tcp_sock *sk, *ln;
	uint32_t our_iss, peer_iss;
	bool has_iss;
	uint16_t lport, pport;
	uint32_t tsval;       /* newest that we sent */
	uint64_t wrote, read; /* stream positions */
	uint8_t tos;          /* of injected segments */
	struct script_seg seg[SCRIPT_SEGS];
	unsigned head, tail;
	const char *file;
	int line, at; /* of the test; within the script */
	char text[256];
	bool failed;
} script;

static uint8_t script_byte(uint64_t pos)
{
	return (uint8_t)(pos * 7 + (pos >> 8) * 13 + (pos >> 16));
}

static void script_fail(const char *fmt, ...) __printf(1, 2);
static void script_fail(const char *fmt, ...)
{
	char why[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	script.failed = true;
	unit_fail(script.file, script.line, "script line %d `%s`: %s", script.at, script.text, why);
}

/* ---- what we send ---- */

static void script_check_payload(struct pkt *p, uint32_t off, uint32_t seq, uint32_t n)
{
	uint32_t i;
	uint8_t b;

	for (i = 0; i < n; i++) {
		pkt_copy_bytes(p, off + i, &b, 1);
		if (b != script_byte(seq - 1 + i)) {
			script_fail("byte %u of the segment at %u is %#x, not %#x", i, seq, b,
				script_byte(seq - 1 + i));
			return;
		}
	}
}

static void script_record(const struct script_seg *g)
{
	if (script.tail - script.head == SCRIPT_SEGS)
		panic("too many segments");
	script.seg[script.tail++ % SCRIPT_SEGS] = *g;
}

/* One packet as the segments that the wire would see. */
static void script_sent(const struct inet_send_args *a, struct pkt *p)
{
	const struct tcp_hdr *th = (const struct tcp_hdr *)pkt_data(p);
	unsigned hlen = (th->off >> 4) * 4;
	uint32_t len = p->len - hlen, done = 0;
	uint32_t step = p->gso ? p->gso_size : MAX(len, 1u);
	struct script_seg g;

	if (p->csum != CSUM_PARTIAL || p->csum_start != p->off || p->l4 != p->off)
		script_fail("checksum not prepared");
	pkt_csum_complete(p);
	th = (const struct tcp_hdr *)pkt_data(p);
	if (csum_fold(pkt_csum(p, 0, p->len, csum_pseudo(&a->src, &a->dst, p->len, 6))))
		script_fail("wrong checksum");
	if (th->flags & TH_SYN && !script.has_iss) {
		script.our_iss = be32(th->seq);
		script.has_iss = true;
		script.lport = be16(th->sport);
	}
	do {
		uint32_t n = MIN(len - done, step);
		bool last = done + n == len;

		g = (struct script_seg){.seq = be32(th->seq) - script.our_iss + done,
			.len = n,
			.ack = be32(th->ack) - script.peer_iss,
			.win = be16(th->window),
			.urg = be16(th->urgent),
			.tos = a->tos,
			.rport = be16(th->dport),
			.flags = th->flags};
		if (!last)
			g.flags &= (uint8_t) ~(TH_FIN | TH_PSH);
		tcp_parse_opts((const uint8_t *)(th + 1), hlen - TCP_HDR, &g.o);
		if (g.o.has_ts)
			script.tsval = g.o.tsval;
		script_check_payload(p, hlen + done, g.seq, n);
		script_record(&g);
		done += n;
	} while (done < len);
	pkt_free(p);
}

/* ---- words ---- */

static unsigned script_split(char *s, char **word)
{
	unsigned n = 0;

	while (*s) {
		while (*s == ' ' || *s == '\t' || *s == ',' || *s == '<' || *s == '>')
			*s++ = 0;
		if (!*s)
			break;
		if (n == SCRIPT_TOKENS)
			panic("too many words");
		word[n++] = s;
		while (*s && *s != ' ' && *s != '\t' && *s != ',' && *s != '<' && *s != '>')
			s++;
	}
	return n;
}

static const struct {
	const char *name;
	int value;
} script_names[] = {{"EAGAIN", EAGAIN}, {"EMSGSIZE", EMSGSIZE}, {"EINPROGRESS", EINPROGRESS},
	{"EALREADY", EALREADY}, {"EISCONN", EISCONN}, {"ECONNREFUSED", ECONNREFUSED},
	{"ECONNRESET", ECONNRESET}, {"ETIMEDOUT", ETIMEDOUT}, {"EPIPE", EPIPE},
	{"ENOTCONN", ENOTCONN}, {"EINVAL", EINVAL}, {"ENOMEM", ENOMEM},
	{"EHOSTUNREACH", EHOSTUNREACH}, {"ENETUNREACH", ENETUNREACH},
	{"EADDRNOTAVAIL", EADDRNOTAVAIL}, {"ENOENT", ENOENT}, {"EPERM", EPERM},
	{"ENOPROTOOPT", ENOPROTOOPT}, {"ECONNABORTED", ECONNABORTED}, {"EOPNOTSUPP", EOPNOTSUPP},
	{"DONTWAIT", MSG_DONTWAIT}, {"PEEK", MSG_PEEK}, {"OOB", MSG_OOB}, {"MORE", MSG_MORE},
	{"WAITALL", MSG_WAITALL}, {"TRUNC", MSG_TRUNC}, {"ESTABLISHED", TCP_ESTABLISHED},
	{"SYN_SENT", TCP_SYN_SENT}, {"SYN_RECV", TCP_SYN_RECV}, {"FIN_WAIT1", TCP_FIN_WAIT1},
	{"FIN_WAIT2", TCP_FIN_WAIT2}, {"TIME_WAIT", TCP_TIME_WAIT}, {"CLOSE", TCP_CLOSE},
	{"CLOSE_WAIT", TCP_CLOSE_WAIT}, {"LAST_ACK", TCP_LAST_ACK}, {"LISTEN", TCP_LISTEN},
	{"CLOSING", TCP_CLOSING}, {"OPEN", TCP_CA_OPEN}, {"DISORDER", TCP_CA_DISORDER},
	{"CWR", TCP_CA_CWR}, {"RECOVERY", TCP_CA_RECOVERY}, {"LOSS", TCP_CA_LOSS}, {"IN", POLLIN},
	{"OUT", POLLOUT}, {"PRI", POLLPRI}, {"ERR", POLLERR}, {"HUP", POLLHUP},
	{"RDHUP", POLLRDHUP}, {"NODELAY", 1}, {"MAXSEG", 2}, {"CORK", 3}, {"KEEPIDLE", 4},
	{"KEEPINTVL", 5}, {"KEEPCNT", 6}, {"SYNCNT", 7}, {"LINGER2", 8}, {"DEFER_ACCEPT", 9},
	{"WINDOW_CLAMP", 10}, {"QUICKACK", 12}, {"USER_TIMEOUT", 18}, {"REPAIR", 19},
	{"FASTOPEN", 23}, {"TIMESTAMP", 24}, {"NOTSENT_LOWAT", 25}, {"SAVE_SYN", 27}};

static long script_number(const char *w)
{
	const char *end;
	bool minus = *w == '-';
	unsigned i;
	long v;

	w += minus;
	v = (long)strtou64(w, &end, 10);
	if (end == w) {
		for (i = 0; i < ARRAY_SIZE(script_names); i++)
			if (!strcmp(script_names[i].name, w))
				break;
		if (i == ARRAY_SIZE(script_names))
			panic("script: what is %s?", w);
		v = script_names[i].value;
	}
	return minus ? -v : v;
}

static uint8_t script_flags(const char *w)
{
	static const char letters[] = "FSRP.UEW";
	uint8_t flags = 0;

	for (; *w; w++) {
		const char *at = strchr(letters, *w);

		if (!at)
			panic("script: flag %c?", *w);
		flags |= (uint8_t)(1 << (at - letters));
	}
	return flags;
}

/* A:B, or A alone. */
static void script_pair(const char *w, char sep, uint32_t *a, uint32_t *b)
{
	const char *at = strchr(w, sep);

	*a = (uint32_t)strtou64(w, NULL, 10);
	*b = at ? (uint32_t)strtou64(at + 1, NULL, 10) : *a;
}

enum script_given { HAS_SEQ = 1, HAS_ACK = 2, HAS_WIN = 4, HAS_URG = 8, HAS_TOS = 16 };

/* The words of a segment behind its flags. Ranges of SACK are absolute with @base. */
static unsigned script_parse(struct script_seg *g, char **word, unsigned n, uint32_t base)
{
	unsigned i, has = 0;

	for (i = 0; i < n; i++) {
		const char *w = word[i];
		uint32_t a, b;

		if (*w >= '0' && *w <= '9') {
			script_pair(w, ':', &g->seq, &b);
			g->len = b - g->seq;
			has |= HAS_SEQ;
		} else if (!strcmp(w, "sackOK")) {
			g->o.sack_ok = true;
		} else if (!strcmp(w, "sack")) {
			while (i + 1 < n && strchr(word[i + 1], '-')) {
				script_pair(word[++i], '-', &a, &b);
				g->o.sack[g->o.nr_sacks++] = (struct tcp_range){a + base, b + base};
			}
		} else if (!strcmp(w, "ts")) {
			g->o.has_ts = true;
			g->o.tsval = (uint32_t)script_number(word[++i]);
			i++;
			g->o.tsecr = *word[i] == '*' ? script.tsval
						     : (uint32_t)script_number(word[i]);
		} else if (i + 1 == n) {
			panic("script: %s what?", w);
		} else {
			long v = script_number(word[++i]);

			if (!strcmp(w, "ack")) {
				g->ack = (uint32_t)v;
				has |= HAS_ACK;
			} else if (!strcmp(w, "win")) {
				g->win = (uint16_t)v;
				has |= HAS_WIN;
			} else if (!strcmp(w, "urg")) {
				g->urg = (uint16_t)v;
				has |= HAS_URG;
			} else if (!strcmp(w, "tos")) {
				g->tos = (uint8_t)v;
				has |= HAS_TOS;
			} else if (!strcmp(w, "mss")) {
				g->o.mss = (uint16_t)v;
			} else if (!strcmp(w, "wscale")) {
				g->o.has_wscale = true;
				g->o.wscale = (uint8_t)v;
			} else {
				panic("script: what is %s?", w);
			}
		}
	}
	return has;
}

/* ---- injecting ---- */

static unsigned script_opts(uint8_t *at, const struct script_seg *g)
{
	struct tcp_syn_opts so = {.mss = g->o.mss,
		.wscale = g->o.wscale,
		.has_wscale = g->o.has_wscale,
		.sack_ok = g->o.sack_ok,
		.has_ts = g->o.has_ts,
		.tsval = g->o.tsval,
		.tsecr = g->o.tsecr};
	unsigned n = 0;

	if (g->o.mss)
		return tcp_put_syn_opts(at, &so);
	if (g->o.has_ts) {
		tcp_put_ts(at, g->o.tsval, g->o.tsecr);
		n = TCP_TS_OPT;
	}
	if (g->o.nr_sacks)
		n += tcp_put_sacks(at + n, g->o.sack, g->o.nr_sacks);
	return n;
}

static void script_inject(const struct script_seg *g)
{
	struct ip_addr peer = world_ip4(2), local = world_ip4(1);
	struct pkt *p = pkt_alloc_tx();
	uint8_t opts[TCP_OPTS_MAX], b;
	unsigned n = script_opts(opts, g);
	struct tcp_hdr *th;
	uint32_t i;

	if (!p)
		return;
	th = pkt_append(p, TCP_HDR + n);
	*th = (struct tcp_hdr){.sport = to_be16(script.pport),
		.dport = to_be16(script.lport),
		.seq = to_be32(g->seq + script.peer_iss),
		.ack = to_be32(g->flags & TH_ACK ? g->ack + script.our_iss : 0),
		.off = (uint8_t)((TCP_HDR + n) / 4 << 4),
		.flags = g->flags,
		.window = to_be16(g->win),
		.urgent = to_be16(g->urg)};
	memcpy(th + 1, opts, n);
	for (i = 0; i < g->len; i++) {
		b = script_byte(g->seq - 1 + i);
		if (pkt_append_bytes(p, &b, 1)) {
			pkt_free(p);
			return;
		}
	}
	i = csum_pseudo(&peer, &local, p->len, 6);
	th = (struct tcp_hdr *)pkt_data(p);
	th->check = csum_fold(pkt_csum(p, 0, p->len, i));
	p->ip.tos = g->tos;
	world_deliver(p, &peer, &local);
}

static void script_peer(char **word, unsigned n)
{
	struct script_seg g = {.flags = script_flags(word[0]), .win = 65535, .tos = script.tos};

	(void)script_parse(&g, word + 1, n - 1, script.our_iss);
	script_inject(&g);
}

/* ---- expecting ---- */

static void script_show(const struct script_seg *g)
{
	script_fail("we sent flags %#x %u:%u ack %u win %u urg %u, options mss %u ts %u wscale %d "
		    "sackOK %u sacks %u (%u-%u)",
		g->flags, g->seq, g->seq + g->len, g->ack, g->win, g->urg, g->o.mss, g->o.has_ts,
		g->o.has_wscale ? g->o.wscale : -1, g->o.sack_ok, g->o.nr_sacks,
		g->o.nr_sacks ? g->o.sack[0].start - script.peer_iss : 0,
		g->o.nr_sacks ? g->o.sack[0].end - script.peer_iss : 0);
}

static bool script_matches(const struct script_seg *g, const struct script_seg *e, unsigned has)
{
	unsigned i;

	if (g->flags != e->flags || (has & HAS_SEQ && (g->seq != e->seq || g->len != e->len)) ||
		(has & HAS_ACK && g->ack != e->ack) || (has & HAS_WIN && g->win != e->win) ||
		(has & HAS_URG && g->urg != e->urg) || (has & HAS_TOS && g->tos != e->tos))
		return false;
	if ((e->o.mss && g->o.mss != e->o.mss) || (e->o.sack_ok && !g->o.sack_ok) ||
		(e->o.has_wscale && (!g->o.has_wscale || g->o.wscale != e->o.wscale)) ||
		(e->o.has_ts && (!g->o.has_ts || g->o.tsecr != e->o.tsecr)))
		return false;
	if (g->o.nr_sacks != e->o.nr_sacks)
		return false;
	for (i = 0; i < e->o.nr_sacks; i++)
		if (g->o.sack[i].start != e->o.sack[i].start ||
			g->o.sack[i].end != e->o.sack[i].end)
			return false;
	return true;
}

static void script_expect(char **word, unsigned n)
{
	struct script_seg e = {.flags = script_flags(word[0])}, *g;
	unsigned has = script_parse(&e, word + 1, n - 1, script.peer_iss);

	if (script.head == script.tail) {
		script_fail("we sent nothing");
		return;
	}
	g = &script.seg[script.head++ % SCRIPT_SEGS];
	if (!script_matches(g, &e, has))
		script_show(g);
}

static void script_expect_none(void)
{
	if (script.head != script.tail)
		script_show(&script.seg[script.head % SCRIPT_SEGS]);
}

/* ---- calls ---- */

static ssize_t script_write(size_t n, unsigned flags)
{
	uint8_t *buf = unit_malloc(n + 1);
	struct iov_iter it;
	struct socket_msg m = {.iter = &it, .flags = flags | MSG_DONTWAIT};
	ssize_t got;
	size_t i;

	for (i = 0; i < n; i++)
		buf[i] = script_byte(script.wrote + i);
	iov_iter_kernel(&it, buf, n);
	got = tcp_ops.sendmsg(&script.sk->is.s, &m, n, 0);
	if (got > 0)
		script.wrote += (size_t)got;
	unit_free(buf);
	return got;
}

static ssize_t script_read(size_t n, unsigned flags)
{
	uint8_t *buf = unit_malloc(n + 1);
	struct iov_iter it;
	struct socket_msg m = {.iter = &it, .flags = flags | MSG_DONTWAIT};
	ssize_t got, i;

	iov_iter_kernel(&it, buf, n);
	got = tcp_ops.recvmsg(&script.sk->is.s, &m, n, 0);
	for (i = 0; i < got && !(flags & (MSG_OOB | MSG_TRUNC)); i++)
		if (buf[i] != script_byte(script.read + (size_t)i)) {
			script_fail("read byte %ld: %#x, not %#x", (long)i, buf[i],
				script_byte(script.read + (size_t)i));
			break;
		}
	if (got > 0 && !(flags & (MSG_PEEK | MSG_OOB)))
		script.read += (size_t)got;
	unit_free(buf);
	return got;
}

static long script_connect(void)
{
	struct sockaddr_storage a = {.ss_family = AF_INET};
	struct sockaddr_in *in = (struct sockaddr_in *)&a;

	if (!script.sk)
		script.sk = world_socket();
	if (!script.sk)
		return -ENOMEM;
	in->sin_port = to_be16(script.pport);
	in->sin_addr = IP4(192, 0, 2, 2);
	return tcp_ops.connect(&script.sk->is.s, &a, sizeof(*in), 0x800);
}

static long script_bind(uint16_t port)
{
	struct sockaddr_storage a = {.ss_family = AF_INET};
	struct sockaddr_in *in = (struct sockaddr_in *)&a;

	if (!script.sk)
		script.sk = world_socket();
	in->sin_port = to_be16(port);
	return tcp_ops.bind(&script.sk->is.s, &a, sizeof(*in));
}

static long script_listen(int backlog)
{
	long err;

	script.lport = 80;
	err = script_bind(80);
	if (err)
		return err;
	script.ln = script.sk;
	script.sk = NULL;
	return tcp_ops.listen(&script.ln->is.s, backlog);
}

static long script_accept(void)
{
	struct socket *s;
	int err = tcp_ops.accept(&script.ln->is.s, 0x800, &s);

	if (!err)
		script.sk = tcp_sk(s);
	return err;
}

static long script_opt(int level, int name, int v)
{
	struct tcp_sock *tp = script.sk ? script.sk : script.ln;

	return tcp_ops.setsockopt(&tp->is.s, level, name, &v, sizeof(v));
}

static long script_getopt(int name)
{
	struct tcp_sock *tp = script.sk ? script.sk : script.ln;
	int v = 0, err;
	unsigned len = sizeof(v);

	err = tcp_ops.getsockopt(&tp->is.s, IPPROTO_TCP, name, &v, &len);
	return err ? err : v;
}

static long script_ioctl(unsigned cmd)
{
	int v = -1;
	long err = tcp_ops.ioctl(&script.sk->is.s, cmd, &v);

	return err ? err : v;
}

static long script_poll(void)
{
	struct tcp_sock *tp = script.sk ? script.sk : script.ln;

	return tcp_ops.poll(&tp->is.s) & ~(POLLRDNORM | POLLWRNORM);
}

static void script_close(void)
{
	world_close(script.sk);
	script.sk = NULL;
}

static void script_icmp(int err, uint32_t seq, uint32_t info, bool hard)
{
	struct pkt *p = pkt_alloc_tx();
	struct inet_error e = {.err = err, .is_hard = hard, .info = info};
	struct tcp_hdr *th = pkt_append(p, TCP_HDR);

	*th = (struct tcp_hdr){.sport = to_be16(script.lport),
		.dport = to_be16(script.pport),
		.seq = to_be32(seq + script.our_iss)};
	p->ip.src = world_ip4(1);
	p->ip.dst = world_ip4(2);
	p->dev = &world.dev;
	net_enter();
	world_proto->error(&net_initial, p, &e);
	net_exit();
	pkt_free(p);
}

static void script_advance(const char *w)
{
	const char *unit;
	uint64_t n = strtou64(w, &unit, 10);

	unit_advance(n * (!strcmp(unit, "s")           ? NSEC_PER_SEC
				 : !strcmp(unit, "ms") ? NSEC_PER_MSEC
						       : NSEC_PER_USEC));
}

/* The handshake of connect(2), with the peer's SYN-ACK options @opts. */
static void script_run(const char *file, int line, const char *text);
static __used void script_established(const char *file, int line, const char *opts)
{
	char text[256];

	snprintf(text, sizeof(text),
		"connect = -EINPROGRESS\n> S 0\n< S. 0 ack 1 win 65535 <%s>\n> . 1 ack 1\n"
		"state ESTABLISHED\n",
		opts);
	script_run(file, line, text);
}

/* The result of a call, or what a property is. @unknown: no such word. */
static long script_call(char **w, unsigned n, bool *unknown)
{
	struct tcp_sock *sk = script.sk;
	long v = n > 1 ? script_number(w[1]) : 0;
	unsigned flags = 0, i;

	for (i = 2; i < n; i++)
		flags |= (unsigned)script_number(w[i]);
	if (!strcmp(w[0], "write"))
		return script_write((size_t)v, flags);
	if (!strcmp(w[0], "read"))
		return script_read((size_t)v, flags);
	if (!strcmp(w[0], "connect"))
		return script_connect();
	if (!strcmp(w[0], "bind"))
		return script_bind((uint16_t)v);
	if (!strcmp(w[0], "listen"))
		return script_listen((int)v);
	if (!strcmp(w[0], "accept"))
		return script_accept();
	if (!strcmp(w[0], "shutdown"))
		return tcp_ops.shutdown(&sk->is.s, (int)v);
	if (!strcmp(w[0], "opt"))
		return script_opt(IPPROTO_TCP, (int)v, (int)script_number(w[2]));
	if (!strcmp(w[0], "getopt"))
		return script_getopt((int)v);
	if (!strcmp(w[0], "poll"))
		return script_poll();
	if (!strcmp(w[0], "error"))
		return socket_take_error(&sk->is.s);
	if (!strcmp(w[0], "inq"))
		return script_ioctl(0x541b);
	if (!strcmp(w[0], "outq"))
		return script_ioctl(0x5411);
	if (!strcmp(w[0], "unsent"))
		return script_ioctl(0x894b);
	if (!strcmp(w[0], "atmark"))
		return script_ioctl(0x8905);
	if (!strcmp(w[0], "urgents"))
		return world.urgents;
	if (!strcmp(w[0], "cwnd"))
		return sk->cwnd / sk->mss;
	if (!strcmp(w[0], "pipe"))
		return tcp_pipe(sk);
	if (!strcmp(w[0], "mss"))
		return sk->mss;
	if (!strcmp(w[0], "rto_ms"))
		return (long)(sk->rto_ns / NSEC_PER_MSEC);
	if (!strcmp(w[0], "timewaits"))
		return tcp_tw_count();
	if (!strcmp(w[0], "sent")) { /* how many segments, not looked at */
		v = script.tail - script.head;
		script.head = script.tail;
		return v;
	}
	*unknown = true;
	return 0;
}

/* Lines that have no result. False: it is a call. */
static bool script_order(char **w, unsigned n)
{
	struct tcp_sock *sk = script.sk;
	long v = n > 1 && strcmp(w[0], "icmp") ? script_number(w[1]) : 0;

	if (!strcmp(w[0], "close")) {
		script_close();
	} else if (!strcmp(w[0], "stop")) { /* the listener */
		world_close(script.ln);
		script.ln = NULL;
	} else if (!strcmp(w[0], "state")) {
		if (sk->state != v)
			script_fail("the state is %u", sk->state);
	} else if (!strcmp(w[0], "ca")) {
		if (sk->ca != v)
			script_fail("it is %u", sk->ca);
	} else if (!strcmp(w[0], "drain")) {
		script.head = script.tail;
	} else if (!strcmp(w[0], "mtu")) {
		world.mtu = (uint32_t)v;
		world.gen++;
	} else if (!strcmp(w[0], "port")) { /* of the peer, from now on */
		script.pport = (uint16_t)v;
		script.has_iss = false;
	} else if (!strcmp(w[0], "tos")) {
		script.tos = (uint8_t)v;
	} else if (!strcmp(w[0], "rcvbuf")) {
		sk->is.s.rcvbuf = (uint32_t)v;
		sk->is.s.opts |= SOPT_RCVBUF_LOCK;
	} else if (!strcmp(w[0], "sndbuf")) {
		sk->is.s.sndbuf = (uint32_t)v;
		sk->is.s.opts |= SOPT_SNDBUF_LOCK;
	} else if (!strcmp(w[0], "lowat")) {
		sk->is.s.rcvlowat = (uint32_t)v;
	} else if (!strcmp(w[0], "linger")) {
		sk->is.s.opts |= SOPT_LINGER;
		sk->is.s.linger_s = (uint32_t)v;
	} else if (!strcmp(w[0], "oobinline")) {
		sk->is.s.opts |= SOPT_OOBINLINE;
	} else if (!strcmp(w[0], "keepalive")) {
		sk->is.s.opts |= SOPT_KEEPALIVE;
		(void)script_opt(1, 9, 1);
	} else if (!strcmp(w[0], "icmp")) {
		script_icmp((int)script_number(w[1]), (uint32_t)script_number(w[2]),
			n > 3 ? (uint32_t)script_number(w[3]) : 0, n > 4);
	} else {
		return false;
	}
	return true;
}

static void script_line(char *s)
{
	char *word[SCRIPT_TOKENS];
	bool unknown = false;
	long want = 0, got;
	unsigned n, i;
	char first = *s;

	if (first == '<' || first == '>' || first == '+')
		s++;
	if (first == '>' && !strcmp(s, "none")) {
		script_expect_none();
		return;
	}
	n = script_split(s, word);
	if (first == '<') {
		script_peer(word, n);
	} else if (first == '>') {
		script_expect(word, n);
	} else if (first == '+') {
		script_advance(word[0]);
	} else {
		for (i = 0; i < n && strcmp(word[i], "="); i++)
			;
		for (; n > i + 1; n--)
			want |= script_number(word[n - 1]);
		n = MIN(n, i);
		if (script_order(word, n))
			return;
		got = script_call(word, n, &unknown);
		if (unknown)
			panic("script: what is %s?", word[0]);
		if (got != want)
			script_fail("gives %ld, not %ld", got, want);
	}
}

/* Run the lines of @text until one fails. */
static void script_run(const char *file, int line, const char *text)
{
	script.file = file;
	script.line = line;
	script.at = 0;
	while (*text && !script.failed) {
		const char *end = strchr(text, '\n');
		size_t n = end ? (size_t)(end - text) : strlen(text);
		char copy[256];

		while (n && (*text == ' ' || *text == '\t')) {
			text++;
			n--;
		}
		if (n >= sizeof(copy))
			panic("script: line too long");
		memcpy(copy, text, n);
		copy[n] = 0;
		strlcpy(script.text, copy, sizeof(script.text));
		script.at++;
		if (n)
			script_line(copy);
		text += n + (end != NULL);
	}
}
#define SCRIPT(text)      script_run(__FILE__, __LINE__, text)
#define ESTABLISHED(opts) script_established(__FILE__, __LINE__, opts)

static void script_begin(void)
{
	world_begin();
	world.sent = script_sent;
	script.sk = script.ln = NULL;
	script.has_iss = script.failed = false;
	script.peer_iss = 1000000u;
	script.pport = 8080;
	script.lport = 0;
	script.wrote = script.read = 0;
	script.head = script.tail = 0;
	script.tos = 0;
}

static void script_end(void)
{
	if (script.sk)
		world_close(script.sk);
	if (script.ln)
		world_close(script.ln);
	world_end();
	EXPECT(alloc_live() <= world.live_before + 1); /* a room of pkts may be a new one */
}
