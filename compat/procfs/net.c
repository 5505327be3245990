/*
 * net.c - /proc/net: interfaces, addresses, routes, neighbours and counters as text.
 *
 * The makers run callbacks under RCU, so the text grows without sleeping. Sockets: net_sockets.c.
 */
#include "procfs.h"
#include <net_mib.h>
#include <netctl.h>
#include <netfilter.h>
#include "abi/netdev.h"

struct net_text {
	struct text *t;
	struct net *net;
};

/* The name of interface @ifindex; within a read section. */
static const char *dev_name(struct net *net, uint32_t ifindex)
{
	struct netdev *d = netdev_by_index_rcu(net, ifindex);

	return d ? d->name : "*";
}

static void hex_addr(struct text *t, const struct ip_addr *a)
{
	for (unsigned i = 0; i < 16; i++)
		text_add(t, "%02x", a->b[i]);
}

/* ---- interfaces ---- */

static void dev_row(struct text *t, struct netdev *d)
{
	struct netdev_stats s;

	netdev_stats(d, &s);
	text_add(t, "%6s: %7llu %7llu %4llu %4llu %4llu %5llu %10u %9llu", d->name,
		(unsigned long long)s.rx_bytes, (unsigned long long)s.rx_packets,
		(unsigned long long)s.rx_errors,
		(unsigned long long)(s.rx_dropped + s.rx_missed_errors),
		(unsigned long long)(s.rx_fifo_errors + s.rx_over_errors),
		(unsigned long long)(s.rx_length_errors + s.rx_crc_errors + s.rx_frame_errors), 0u,
		(unsigned long long)s.multicast);
	text_add(t, " %8llu %7llu %4llu %4llu %4u %5llu %7u %10u\n", (unsigned long long)s.tx_bytes,
		(unsigned long long)s.tx_packets, (unsigned long long)s.tx_errors,
		(unsigned long long)s.tx_dropped, 0u, (unsigned long long)s.collisions, 0u, 0u);
}

static int show_dev(struct text *t, const struct proc_node *n)
{
	struct netdev *d;

	(void)n;
	text_add(t, "Inter-|   Receive                                                |  Transmit\n"
		    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    "
		    "packets "
		    "errs drop fifo colls carrier compressed\n");
	net_config_lock();
	list_for_each_entry (d, &net_current()->devices, node)
		dev_row(t, d);
	net_config_unlock();
	return 0;
}

static int show_dev_mcast(struct text *t, const struct proc_node *n)
{
	struct mcast_addr *m;
	struct netdev *d;

	(void)n;
	t->atomic = true;
	net_config_lock();
	list_for_each_entry (d, &net_current()->devices, node) {
		net_enter();
		spin_lock(&d->lock);
		list_for_each_entry (m, &d->mcast, node)
			text_add(t, "%-4u %-15s %-5u %-5u %02x%02x%02x%02x%02x%02x\n", d->ifindex,
				d->name, m->users, 0u, m->addr[0], m->addr[1], m->addr[2],
				m->addr[3], m->addr[4], m->addr[5]);
		spin_unlock(&d->lock);
		net_exit();
	}
	net_config_unlock();
	return 0;
}

/* ---- addresses ---- */

/* As ipv6's own scopes go: rtnetlink's universe, site, link, host. */
static unsigned scope_v6(const struct if_addr *a)
{
	return a->scope == 254 ? 0x10 : a->scope == 253 ? 0x20 : a->scope == 200 ? 0x40 : 0;
}

static int inet6_row(const struct if_addr *a, void *arg)
{
	struct net_text *x = arg;

	if (ip_is_v4(&a->addr))
		return 0;
	hex_addr(x->t, &a->addr);
	text_add(x->t, " %02x %02x %02x %02x %8s\n", a->ifindex, a->prefix, scope_v6(a),
		a->flags & 0xff, dev_name(x->net, a->ifindex));
	return x->t->err;
}

static int show_if_inet6(struct text *t, const struct proc_node *n)
{
	struct net_text x = {t, net_current()};

	(void)n;
	t->atomic = true;
	rcu_read_lock();
	(void)inet_addr_each(x.net, NULL, inet6_row, &x);
	rcu_read_unlock();
	return 0;
}

/* ---- routes ---- */

static unsigned route_flags(const struct rt_entry *e, const struct rt_hop *h)
{
	unsigned flags = RTF_UP;

	if (e->type == RTN_UNREACHABLE || e->type == RTN_PROHIBIT || e->type == RTN_BLACKHOLE)
		flags |= RTF_REJECT;
	if (h && !ip_is_any(&h->gateway))
		flags |= RTF_GATEWAY;
	if (e->prefix == 128)
		flags |= RTF_HOST;
	return flags;
}

enum { ROUTE_LINE = 127 }; /* Linux pads its lines; route(8) of old reads by columns */

static void pad_line(struct text *t, size_t from)
{
	while (!t->err && t->len - from < ROUTE_LINE)
		text_bytes(t, " ", 1);
	text_bytes(t, "\n", 1);
}

static int route4_row(const struct rt_entry *e, void *arg)
{
	struct net_text *x = arg;
	const struct rt_hop *h = e->nr_hops ? &e->hop[0] : NULL;
	size_t from = x->t->len;
	uint32_t mask = e->prefix > 96 ? ~0u << (128 - e->prefix) : 0;

	if (e->is_v6 || e->table == RT_TABLE_LOCAL || e->type == RTN_LOCAL ||
		e->type == RTN_BROADCAST || e->type == RTN_MULTICAST)
		return 0;
	text_add(x->t, "%s\t%08X\t%08X\t%04X\t%d\t%u\t%u\t%08X\t%u\t%u\t%u",
		h ? dev_name(x->net, h->ifindex) : "*", (__force uint32_t)ip_v4(&e->dst),
		h ? (__force uint32_t)ip_v4(&h->gateway) : 0, route_flags(e, h), 0, 0u, e->priority,
		(__force uint32_t)to_be32(mask), e->advmss ? e->advmss + 40 : 0, e->window,
		e->rtt_ms);
	pad_line(x->t, from);
	return x->t->err;
}

static int each_route(struct text *t, int (*row)(const struct rt_entry *e, void *arg))
{
	struct net_text x = {t, net_current()};

	t->atomic = true;
	net_config_lock();
	rcu_read_lock();
	(void)route_each(x.net, row, &x);
	rcu_read_unlock();
	net_config_unlock();
	return 0;
}

static int show_route(struct text *t, const struct proc_node *n)
{
	(void)n;
	text_add(t,
		"Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\t"
		"IRTT");
	pad_line(t, 0);
	return each_route(t, route4_row);
}

static int route6_row(const struct rt_entry *e, void *arg)
{
	struct net_text *x = arg;
	const struct rt_hop *h = e->nr_hops ? &e->hop[0] : NULL;
	const struct ip_addr none = ip_any_of(true);
	unsigned flags = route_flags(e, h);

	if (!e->is_v6)
		return 0;
	if (e->type == RTN_LOCAL)
		flags |= (unsigned)RTF_LOCAL;
	hex_addr(x->t, &e->dst);
	text_add(x->t, " %02x ", e->prefix);
	hex_addr(x->t, &none);
	text_add(x->t, " 00 ");
	hex_addr(x->t, h ? &h->gateway : &none);
	text_add(x->t, " %08x %08x %08x %08x %8s\n", e->priority, 1u, 0u, flags,
		h ? dev_name(x->net, h->ifindex) : "lo");
	return x->t->err;
}

static int show_route6(struct text *t, const struct proc_node *n)
{
	(void)n;
	return each_route(t, route6_row);
}

/* ---- neighbours ---- */

static int arp_row(const struct neigh_entry *e, void *arg)
{
	struct net_text *x = arg;
	char ip[IP_TEXT], mac[3 * ETH_ALEN] = "00:00:00:00:00:00";
	bool valid = e->lladdr_len == ETH_ALEN && !(e->state & (NUD_INCOMPLETE | NUD_FAILED));

	if (!ip_is_v4(&e->addr) || e->state & NUD_NOARP)
		return 0;
	if (valid)
		text_mac(mac, e->lladdr);
	text_add(x->t, "%-16s 0x%-10x0x%-10x%s     *        %s\n", ip_text(&e->addr, ip),
		ARPHRD_ETHER,
		e->state & NUD_PERMANENT ? ATF_PERM | ATF_COM
		: valid                  ? ATF_COM
					 : 0,
		mac, dev_name(x->net, e->ifindex));
	return x->t->err;
}

static int show_arp(struct text *t, const struct proc_node *n)
{
	struct net_text x = {t, net_current()};

	(void)n;
	text_add(t,
		"IP address       HW type     Flags       HW address            Mask     Device\n");
	t->atomic = true;
	rcu_read_lock();
	(void)neigh_each(x.net, arp_row, &x);
	rcu_read_unlock();
	return 0;
}

/* ---- counters ---- */

struct mib_row {
	const char *name;
	int id; /* net_mib_id; -1: shown as 0, -2: special */
};
#define NOT_COUNTED (-1)

static void mib_table(struct text *t, const char *group, const struct mib_row *rows, unsigned n)
{
	text_add(t, "%s:", group);
	for (unsigned i = 0; i < n; i++)
		text_add(t, " %s", rows[i].name);
	text_add(t, "\n%s:", group);
	for (unsigned i = 0; i < n; i++)
		text_add(t, " %lld",
			rows[i].id < 0 ? 0ll : (long long)mib_read((enum net_mib_id)rows[i].id));
	text_add(t, "\n");
}

static const struct mib_row ip_rows[] = {
	{"InReceives", MIB_IP_IN_RECEIVES},
	{"InHdrErrors", MIB_IP_IN_HDR_ERRORS},
	{"InAddrErrors", MIB_IP_IN_ADDR_ERRORS},
	{"ForwDatagrams", MIB_IP_FORW_DATAGRAMS},
	{"InUnknownProtos", MIB_IP_IN_UNKNOWN_PROTOS},
	{"InDiscards", MIB_IP_IN_DISCARDS},
	{"InDelivers", MIB_IP_IN_DELIVERS},
	{"OutRequests", MIB_IP_OUT_REQUESTS},
	{"OutDiscards", MIB_IP_OUT_DISCARDS},
	{"OutNoRoutes", MIB_IP_OUT_NO_ROUTES},
	{"ReasmTimeout", MIB_IP_REASM_TIMEOUT},
	{"ReasmReqds", MIB_IP_REASM_REQDS},
	{"ReasmOKs", MIB_IP_REASM_OKS},
	{"ReasmFails", MIB_IP_REASM_FAILS},
	{"FragOKs", MIB_IP_FRAG_OKS},
	{"FragFails", MIB_IP_FRAG_FAILS},
	{"FragCreates", MIB_IP_FRAG_CREATES},
};
static const struct mib_row icmp_rows[] = {
	{"InMsgs", MIB_ICMP_IN_MSGS},
	{"InErrors", MIB_ICMP_IN_ERRORS},
	{"InCsumErrors", MIB_ICMP_IN_CSUM_ERRORS},
	{"InDestUnreachs", MIB_ICMP_IN_DEST_UNREACHS},
	{"InTimeExcds", MIB_ICMP_IN_TIME_EXCDS},
	{"InParmProbs", MIB_ICMP_IN_PARM_PROBS},
	{"InSrcQuenchs", NOT_COUNTED},
	{"InRedirects", MIB_ICMP_IN_REDIRECTS},
	{"InEchos", MIB_ICMP_IN_ECHOS},
	{"InEchoReps", MIB_ICMP_IN_ECHO_REPS},
	{"InTimestamps", NOT_COUNTED},
	{"InTimestampReps", NOT_COUNTED},
	{"InAddrMasks", NOT_COUNTED},
	{"InAddrMaskReps", NOT_COUNTED},
	{"OutMsgs", MIB_ICMP_OUT_MSGS},
	{"OutErrors", MIB_ICMP_OUT_ERRORS},
	{"OutDestUnreachs", MIB_ICMP_OUT_DEST_UNREACHS},
	{"OutTimeExcds", MIB_ICMP_OUT_TIME_EXCDS},
	{"OutParmProbs", NOT_COUNTED},
	{"OutSrcQuenchs", NOT_COUNTED},
	{"OutRedirects", NOT_COUNTED},
	{"OutEchos", MIB_ICMP_OUT_ECHOS},
	{"OutEchoReps", MIB_ICMP_OUT_ECHO_REPS},
	{"OutTimestamps", NOT_COUNTED},
	{"OutTimestampReps", NOT_COUNTED},
	{"OutAddrMasks", NOT_COUNTED},
	{"OutAddrMaskReps", NOT_COUNTED},
};
static const struct mib_row tcp_rows[] = {
	{"ActiveOpens", MIB_TCP_ACTIVE_OPENS},
	{"PassiveOpens", MIB_TCP_PASSIVE_OPENS},
	{"AttemptFails", MIB_TCP_ATTEMPT_FAILS},
	{"EstabResets", MIB_TCP_ESTAB_RESETS},
	{"CurrEstab", MIB_TCP_CURR_ESTAB},
	{"InSegs", MIB_TCP_IN_SEGS},
	{"OutSegs", MIB_TCP_OUT_SEGS},
	{"RetransSegs", MIB_TCP_RETRANS_SEGS},
	{"InErrs", MIB_TCP_IN_ERRS},
	{"OutRsts", MIB_TCP_OUT_RSTS},
	{"InCsumErrors", MIB_TCP_IN_CSUM_ERRORS},
};
static const struct mib_row udp_rows[] = {
	{"InDatagrams", MIB_UDP_IN_DATAGRAMS},
	{"NoPorts", MIB_UDP_NO_PORTS},
	{"InErrors", MIB_UDP_IN_ERRORS},
	{"OutDatagrams", MIB_UDP_OUT_DATAGRAMS},
	{"RcvbufErrors", MIB_UDP_RCVBUF_ERRORS},
	{"SndbufErrors", MIB_UDP_SNDBUF_ERRORS},
	{"InCsumErrors", MIB_UDP_CSUM_ERRORS},
	{"IgnoredMulti", NOT_COUNTED},
	{"MemErrors", NOT_COUNTED},
};
static const struct mib_row tcpx_rows[] = {
	{"SyncookiesSent", MIB_TCPX_SYNCOOKIES_SENT},
	{"SyncookiesRecv", MIB_TCPX_SYNCOOKIES_RECV},
	{"SyncookiesFailed", MIB_TCPX_SYNCOOKIES_FAILED},
	{"EmbryonicRsts", MIB_TCPX_EMBRYONIC_RSTS},
	{"TW", MIB_TCPX_TW},
	{"TWRecycled", MIB_TCPX_TW_RECYCLED},
	{"PAWSEstab", MIB_TCPX_PAWS_ESTAB},
	{"DelayedACKs", MIB_TCPX_DELAYED_ACKS},
	{"ListenOverflows", MIB_TCPX_LISTEN_OVERFLOWS},
	{"ListenDrops", MIB_TCPX_LISTEN_DROPS},
	{"TCPSackRecovery", MIB_TCPX_SACK_RECOVERY},
	{"TCPFastRetrans", MIB_TCPX_FAST_RETRANS},
	{"TCPTimeouts", MIB_TCPX_TIMEOUTS},
	{"TCPLossProbes", MIB_TCPX_LOSS_PROBES},
	{"TCPDSACKRecv", MIB_TCPX_DSACK_RECV},
	{"TCPAbortOnData", MIB_TCPX_ABORT_ON_DATA},
	{"TCPAbortOnClose", MIB_TCPX_ABORT_ON_CLOSE},
	{"TCPAbortOnMemory", MIB_TCPX_ABORT_ON_MEMORY},
	{"TCPAbortOnTimeout", MIB_TCPX_ABORT_ON_TIMEOUT},
	{"TCPAbortOnLinger", MIB_TCPX_ABORT_ON_LINGER},
	{"TCPOFOQueue", MIB_TCPX_OFO_QUEUE},
	{"TCPOFODrop", MIB_TCPX_OFO_DROP},
	{"TCPRcvCollapsed", MIB_TCPX_RCV_COLLAPSED},
	{"TCPBacklogDrop", MIB_TCPX_BACKLOG_DROP},
	{"TCPChallengeACK", MIB_TCPX_CHALLENGE_ACK},
	{"TCPSpuriousRTOs", MIB_TCPX_SPURIOUS_RTOS},
	{"TCPZeroWindowDrop", MIB_TCPX_ZERO_WINDOW_DROP},
};

static bool sysctl_value(const char *name, uint32_t *value)
{
	uint32_t values[4];

	for (unsigned i = 0; i < net_sysctl_count; i++) {
		if (strcmp(net_sysctls[i].name, name) || net_sysctls[i].count > ARRAY_SIZE(values))
			continue;
		if (net_sysctl_get(net_current(), i, values))
			return false;
		*value = values[0];
		return true;
	}
	return false;
}

static int show_snmp(struct text *t, const struct proc_node *n)
{
	uint32_t forward = 0, ttl = 64;

	(void)n;
	(void)sysctl_value("ipv4/ip_forward", &forward);
	(void)sysctl_value("ipv4/ip_default_ttl", &ttl);
	text_add(t, "Ip: Forwarding DefaultTTL");
	for (unsigned i = 0; i < ARRAY_SIZE(ip_rows); i++)
		text_add(t, " %s", ip_rows[i].name);
	text_add(t, "\nIp: %u %u", forward ? 1 : 2, ttl);
	for (unsigned i = 0; i < ARRAY_SIZE(ip_rows); i++)
		text_add(t, " %llu", (unsigned long long)mib_read((enum net_mib_id)ip_rows[i].id));
	text_add(t, "\n");
	mib_table(t, "Icmp", icmp_rows, ARRAY_SIZE(icmp_rows));
	text_add(t, "Tcp: RtoAlgorithm RtoMin RtoMax MaxConn");
	for (unsigned i = 0; i < ARRAY_SIZE(tcp_rows); i++)
		text_add(t, " %s", tcp_rows[i].name);
	text_add(t, "\nTcp: 1 200 120000 -1");
	for (unsigned i = 0; i < ARRAY_SIZE(tcp_rows); i++)
		text_add(t, " %lld", (long long)mib_read((enum net_mib_id)tcp_rows[i].id));
	text_add(t, "\n");
	mib_table(t, "Udp", udp_rows, ARRAY_SIZE(udp_rows));
	return 0;
}

static int show_netstat(struct text *t, const struct proc_node *n)
{
	(void)n;
	mib_table(t, "TcpExt", tcpx_rows, ARRAY_SIZE(tcpx_rows));
	return 0;
}

/* One counter a line. */
static const struct mib_row snmp6_rows[] = {
	{"Ip6InReceives", MIB_IP6_IN_RECEIVES},
	{"Ip6InHdrErrors", MIB_IP6_IN_HDR_ERRORS},
	{"Ip6InTooBigErrors", MIB_IP6_IN_TOO_BIG_ERRORS},
	{"Ip6InNoRoutes", MIB_IP6_IN_NO_ROUTES},
	{"Ip6InAddrErrors", MIB_IP6_IN_ADDR_ERRORS},
	{"Ip6InUnknownProtos", MIB_IP6_IN_UNKNOWN_PROTOS},
	{"Ip6InTruncatedPkts", MIB_IP6_IN_TRUNCATED},
	{"Ip6InDiscards", MIB_IP6_IN_DISCARDS},
	{"Ip6InDelivers", MIB_IP6_IN_DELIVERS},
	{"Ip6OutForwDatagrams", MIB_IP6_OUT_FORW_DATAGRAMS},
	{"Ip6OutRequests", MIB_IP6_OUT_REQUESTS},
	{"Ip6OutDiscards", MIB_IP6_OUT_DISCARDS},
	{"Ip6OutNoRoutes", MIB_IP6_OUT_NO_ROUTES},
	{"Ip6ReasmTimeout", MIB_IP6_REASM_TIMEOUT},
	{"Ip6ReasmReqds", MIB_IP6_REASM_REQDS},
	{"Ip6ReasmOKs", MIB_IP6_REASM_OKS},
	{"Ip6ReasmFails", MIB_IP6_REASM_FAILS},
	{"Ip6FragOKs", MIB_IP6_FRAG_OKS},
	{"Ip6FragFails", MIB_IP6_FRAG_FAILS},
	{"Ip6FragCreates", MIB_IP6_FRAG_CREATES},
	{"Ip6InMcastPkts", MIB_IP6_IN_MCAST},
	{"Ip6OutMcastPkts", MIB_IP6_OUT_MCAST},
	{"Icmp6InMsgs", MIB_ICMP6_IN_MSGS},
	{"Icmp6InErrors", MIB_ICMP6_IN_ERRORS},
	{"Icmp6OutMsgs", MIB_ICMP6_OUT_MSGS},
	{"Icmp6OutErrors", MIB_ICMP6_OUT_ERRORS},
	{"Icmp6InCsumErrors", MIB_ICMP6_IN_CSUM_ERRORS},
	{"Udp6InDatagrams", MIB_UDP6_IN_DATAGRAMS},
	{"Udp6NoPorts", MIB_UDP6_NO_PORTS},
	{"Udp6InErrors", MIB_UDP6_IN_ERRORS},
	{"Udp6OutDatagrams", MIB_UDP6_OUT_DATAGRAMS},
};

static int show_snmp6(struct text *t, const struct proc_node *n)
{
	(void)n;
	for (unsigned i = 0; i < ARRAY_SIZE(snmp6_rows); i++)
		text_add(t, "%-32s\t%llu\n", snmp6_rows[i].name,
			(unsigned long long)mib_read((enum net_mib_id)snmp6_rows[i].id));
	return 0;
}

/* ---- the packet filter: rules are replaced by one write(2) ---- */

enum { FILTER_TEXT_MAX = 256 << 10 };

struct filter_text {
	struct text_sink sink; /* first */
	struct text *t;
};

static void filter_add(struct text_sink *s, const char *fmt, ...)
{
	struct filter_text *f = container_of(s, struct filter_text, sink);
	va_list ap;

	va_start(ap, fmt);
	text_vadd(f->t, fmt, ap);
	va_end(ap);
}

static int show_filter(struct text *t, const struct proc_node *n)
{
	struct filter_text f = {{filter_add}, t};

	t->atomic = true;
	if (n->entry->index)
		filter_show_states(&f.sink);
	else
		filter_show(&f.sink);
	return 0;
}

static int show_filter_error(struct text *t, const struct proc_node *n)
{
	(void)n;
	text_add(t, "%s\n", filter_last_error());
	return 0;
}

static ssize_t write_filter(const struct proc_node *n, char *s, size_t len)
{
	int err;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	err = n->entry->index ? filter_try(s, len) : filter_load(s, len);
	return err ? err : (ssize_t)len;
}

const struct proc_entry proc_net_entries[] = {
	PROC_FILE("arp", show_arp),
	PROC_FILE("dev", show_dev),
	PROC_FILE("dev_mcast", show_dev_mcast),
	{.name = "filter",
		.mode = S_IFREG | 0600,
		.show = show_filter,
		.write = write_filter,
		.write_max = FILTER_TEXT_MAX},
	{.name = "filter_check",
		.mode = S_IFREG | 0600,
		.show = show_filter_error,
		.write = write_filter,
		.write_max = FILTER_TEXT_MAX,
		.index = 1},
	{.name = "filter_states", .mode = S_IFREG | 0400, .show = show_filter, .index = 1},
	PROC_FILE("icmp", proc_show_icmp),
	PROC_FILE("icmp6", proc_show_icmp6),
	PROC_FILE("if_inet6", show_if_inet6),
	PROC_FILE("ipv6_route", show_route6),
	PROC_FILE("netlink", proc_show_netlink),
	PROC_FILE("netstat", show_netstat),
	PROC_FILE("packet", proc_show_packet),
	PROC_FILE("raw", proc_show_raw),
	PROC_FILE("raw6", proc_show_raw6),
	PROC_FILE("route", show_route),
	PROC_FILE("snmp", show_snmp),
	PROC_FILE("snmp6", show_snmp6),
	PROC_FILE("sockstat", proc_show_sockstat),
	PROC_FILE("sockstat6", proc_show_sockstat6),
	PROC_FILE("tcp", proc_show_tcp),
	PROC_FILE("tcp6", proc_show_tcp6),
	PROC_FILE("udp", proc_show_udp),
	PROC_FILE("udp6", proc_show_udp6),
	PROC_FILE("unix", proc_show_unix),
	{0},
};
