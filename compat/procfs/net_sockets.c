/*
 * net_sockets.c - /proc/net/tcp, udp, raw, icmp, unix, netlink, sockstat: one line for each socket.
 */
#include "procfs.h"
#include <netctl.h>
#include "net/netlink.h"

enum { PROTO_ICMP = 1, PROTO_TCP = 6, PROTO_UDP = 17, PROTO_ICMPV6 = 58, PROTO_RAW = 255 };
enum { STATE_TIME_WAIT = 6, STATE_LISTEN = 10, TCP_LINE = 149, UDP_LINE = 127 };

struct inet_rows {
	struct text *t;
	uint8_t family;
	bool is_tcp;
	unsigned n;
};

static void addr_port(struct text *t, uint8_t family, const struct ip_addr *a, uint16_t port)
{
	if (family == AF_INET) {
		text_add(t, " %08X:%04X", (__force uint32_t)ip_v4(a), port);
		return;
	}
	text_add(t, " %08X%08X%08X%08X:%04X", (__force uint32_t)a->w[0], (__force uint32_t)a->w[1],
		(__force uint32_t)a->w[2], (__force uint32_t)a->w[3], port);
}

static int inet_row(const struct inet_sock_info *i, void *arg)
{
	struct inet_rows *r = arg;
	struct text *t = r->t;
	size_t from = t->len;

	if (i->family != r->family)
		return 0;
	text_add(t, r->is_tcp ? "%4u:" : "%5u:", r->n++);
	addr_port(t, i->family, &i->local, i->lport);
	addr_port(t, i->family, &i->remote, i->rport);
	text_add(t, " %02X %08X:%08X %02X:%08X %08X %5u %8d %llu %u %016x", i->state,
		r->is_tcp && i->state == STATE_LISTEN ? 0 : i->wqueue /* its backlog: ss(8) only */,
		i->rqueue, i->timer, i->timer_ms / 10, i->retransmits, i->uid, 0,
		(unsigned long long)i->ino, i->refs, 0);
	if (r->is_tcp && i->state != STATE_TIME_WAIT)
		text_add(t, " 20 4 0 10 -1");
	else if (!r->is_tcp)
		text_add(t, " %u", i->drops);
	if (i->family == AF_INET)
		while (!t->err && t->len - from < (r->is_tcp ? TCP_LINE : UDP_LINE))
			text_bytes(t, " ", 1);
	text_bytes(t, "\n", 1);
	return t->err;
}

static int show_inet(struct text *t, uint8_t family, uint8_t proto)
{
	struct inet_rows r = {t, family, proto == PROTO_TCP, 0};

	if (family == AF_INET)
		text_add(t,
			"%s  sl  local_address rem_address   st tx_queue rx_queue tr tm->when "
			"retrnsmt   uid  timeout inode%s\n",
			r.is_tcp ? "" : " ", r.is_tcp ? "" : " ref pointer drops");
	else
		text_add(t,
			"  sl  local_address                         remote_address            "
			"            st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
			"inode%s\n",
			r.is_tcp ? "" : " ref pointer drops");
	t->atomic = true;
	(void)inet_sock_each(net_current(), proto, inet_row, &r);
	return 0;
}

#define INET_TABLE(fn, family, proto)                                                              \
	int fn(struct text *t, const struct proc_node *n)                                          \
	{                                                                                          \
		(void)n;                                                                           \
		return show_inet(t, family, proto);                                                \
	}
INET_TABLE(proc_show_tcp, AF_INET, PROTO_TCP)
INET_TABLE(proc_show_tcp6, AF_INET6, PROTO_TCP)
INET_TABLE(proc_show_udp, AF_INET, PROTO_UDP)
INET_TABLE(proc_show_udp6, AF_INET6, PROTO_UDP)
INET_TABLE(proc_show_raw, AF_INET, PROTO_RAW)
INET_TABLE(proc_show_raw6, AF_INET6, PROTO_RAW)
INET_TABLE(proc_show_icmp, AF_INET, PROTO_ICMP)
INET_TABLE(proc_show_icmp6, AF_INET6, PROTO_ICMPV6)

/* ---- unix(7) ---- */

static int unix_row(const struct unix_sock_info *i, void *arg)
{
	struct text *t = arg;

	text_add(t, "%016x: %08X %08X %08X %04X %02X %5llu", 0, i->refs, 0u,
		i->listening ? 0x10000u : 0u, i->type, i->state, (unsigned long long)i->ino);
	if (i->name_len) {
		bool is_abstract = !i->name[0];
		unsigned first = is_abstract;

		text_add(t, is_abstract ? " @" : " ");
		for (unsigned at = first; at < i->name_len && (is_abstract || i->name[at]); at++)
			text_bytes(t, i->name[at] ? &i->name[at] : "@", 1);
	}
	text_add(t, "\n");
	return t->err;
}

int proc_show_unix(struct text *t, const struct proc_node *n)
{
	(void)n;
	text_add(t, "Num       RefCount Protocol Flags    Type St Inode Path\n");
	t->atomic = true;
	(void)unix_sock_each(net_current(), unix_row, t);
	return 0;
}

/* ---- netlink(7) ---- */

static int netlink_row(const struct nl_sock_info *i, void *arg)
{
	struct text *t = arg;

	text_add(t, "%016x %-3u %-10u %08x %-8u %-8u %-5d %-8u %-8u %-8llu\n", 0, i->protocol,
		i->portid, i->groups, i->rmem, i->wmem, i->dumping, i->refs, i->drops,
		(unsigned long long)i->ino);
	return t->err;
}

int proc_show_netlink(struct text *t, const struct proc_node *n)
{
	(void)n;
	text_add(t,
		"sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops  "
		"  Inode\n");
	t->atomic = true;
	(void)nl_sock_each(netlink_row, t);
	return 0;
}

/* ---- packet(7) ---- */

static int packet_row(const struct packet_sock_info *i, void *arg)
{
	struct text *t = arg;

	text_add(t, "%016x %-6d %-4u %04x   %-5u %1d %-6u %-6u %-6llu\n", 0, 3, i->type,
		i->protocol, i->ifindex, i->running, i->rmem, i->uid, (unsigned long long)i->ino);
	return t->err;
}

int proc_show_packet(struct text *t, const struct proc_node *n)
{
	(void)n;
	text_add(t, "sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n");
	t->atomic = true;
	(void)packet_sock_each(packet_row, t);
	return 0;
}

/* ---- how many there are ---- */

struct counts {
	uint8_t family;
	unsigned in_use, time_wait;
};

static int count_row(const struct inet_sock_info *i, void *arg)
{
	struct counts *c = arg;

	if (i->family != c->family)
		return 0;
	if (i->state == STATE_TIME_WAIT)
		c->time_wait++;
	else
		c->in_use++;
	return 0;
}

static struct counts count(uint8_t family, uint8_t proto)
{
	struct counts c = {.family = family};

	(void)inet_sock_each(net_current(), proto, count_row, &c);
	return c;
}

static int count_unix(const struct unix_sock_info *i, void *arg)
{
	(void)i;
	++*(unsigned *)arg;
	return 0;
}

/* What waits with sockets is TCP's here; fragments are not. */
int proc_show_sockstat(struct text *t, const struct proc_node *n)
{
	const struct ip_frag_usage frag = ip_frag_usage(false);
	const uint64_t used = net_mem_used(), waiting = frag.bytes + ip_frag_usage(true).bytes;
	struct counts tcp = count(AF_INET, PROTO_TCP), udp = count(AF_INET, PROTO_UDP),
		      raw = count(AF_INET, PROTO_RAW);
	unsigned total = tcp.in_use + udp.in_use + raw.in_use + count(AF_INET6, PROTO_TCP).in_use +
			 count(AF_INET6, PROTO_UDP).in_use;

	(void)n;
	(void)unix_sock_each(net_current(), count_unix, &total);
	text_add(t, "sockets: used %u\n", total);
	text_add(t, "TCP: inuse %u orphan 0 tw %u alloc %u mem %llu\n", tcp.in_use, tcp.time_wait,
		tcp.in_use,
		(unsigned long long)(used > waiting ? (used - waiting) / PAGE_SIZE : 0));
	text_add(t,
		"UDP: inuse %u mem 0\nUDPLITE: inuse 0\nRAW: inuse %u\nFRAG: inuse %u memory "
		"%llu\n",
		udp.in_use, raw.in_use, frag.queues, (unsigned long long)frag.bytes);
	return 0;
}

int proc_show_sockstat6(struct text *t, const struct proc_node *n)
{
	const struct ip_frag_usage frag = ip_frag_usage(true);

	(void)n;
	text_add(t,
		"TCP6: inuse %u\nUDP6: inuse %u\nUDPLITE6: inuse 0\nRAW6: inuse %u\n"
		"FRAG6: inuse %u memory %llu\n",
		count(AF_INET6, PROTO_TCP).in_use, count(AF_INET6, PROTO_UDP).in_use,
		count(AF_INET6, PROTO_RAW).in_use, frag.queues, (unsigned long long)frag.bytes);
	return 0;
}
