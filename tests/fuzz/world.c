/*
 * world.c - the stack under a fuzz target: made once, and for each input a device, addresses and
 * sockets, which are gone again at its end. An expectation that fails ends the process with a
 * trace, which libFuzzer keeps as a finding.
 *
 * Does not: stand for user memory, files or the processes; what the stack needs of those rooms is
 * in around.c.
 */
#include "world.h"
#include <netfilter.h>
#include <printf.h>
#include "guard.h"
#include "tests/unit/host/host.h"
#include "tests/unit/net/inet.h"

struct world world;
static long live_before;
void abort(void) __noreturn;

/* ---- findings ---- */

void unit_fail(const char *file, int line, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	unit_print("FAIL %s:%d: %s\n", file, line, text);
	abort();
}
void unit_bail(const char *why)
{
	unit_print("FAIL %s\n", why);
	abort();
}

/* ---- the input ---- */

uint8_t in_u8(struct input *in)
{
	return in->at < in->end ? *in->at++ : 0;
}
uint16_t in_u16(struct input *in)
{
	uint16_t high = in_u8(in);

	return (uint16_t)(high << 8 | in_u8(in));
}
uint32_t in_u32(struct input *in)
{
	uint32_t high = in_u16(in);

	return high << 16 | in_u16(in);
}
const uint8_t *in_bytes(struct input *in, unsigned max, unsigned *n)
{
	const uint8_t *at = in->at;

	*n = (unsigned)MIN((size_t)(in->end - in->at), max);
	in->at += *n;
	return at;
}

/* ---- begin and end ---- */

static const char rules[] = "default in block\n"
			    "block in log proto tcp to any port 23\n"
			    "reject in proto udp to any port 54\n"
			    "pass in on lo\n"
			    "pass in proto tcp to any port 80,4000-5000\n"
			    "pass in inet from 10.1.0.0/24 proto udp to any port 53\n"
			    "pass in inet6 proto udp to any port 53\n"
			    "pass in inet proto icmp icmp-type 8\n"
			    "pass forward from 10.1.0.0/24 to ! 10.2.0.0/16\n";

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	uint32_t off;

	unit_host_begin();
	refcount_set(&test_cred.refs, 1000000);
	test_cred.effective = ~0ull;
	current->cred = &test_cred;
	net_init();
	net_config_lock();
	PANIC_ON(netdev_open(net_initial.loopback));
	net_config_unlock();
	world_wait(3 * NSEC_PER_SEC);
	page_put(pkt_room_take(1, &off)); /* from now on there is one that is begun */
	return 0;
}

static void device(void)
{
	const uint32_t offload = NETIF_TX_CSUM | NETIF_SG | NETIF_TSO4 | NETIF_TSO6 |
				 NETIF_VLAN_TX | NETIF_RX_CSUM | NETIF_GRO;
	struct netdev *d = fake_device("eth0", world.flags & WORLD_OFFLOAD ? offload : NETIF_GRO);

	world.dev = d;
	world.me4 = v4(10, 1, 0, 1);
	world.peer4 = v4(10, 1, 0, 2);
	world.me6 = v6("2001:db8::1");
	world.peer6 = v6("2001:db8::2");
	world.ll6 = v6("fe80::ff:fe00:1");
	address(d, world.me4, 24);
	address(d, world.me6, 64);
	route(v4(0, 0, 0, 0), 0, world.peer4, d);
	route(v6("::"), 0, world.peer6, d);
	neighbour(d, world.peer4);
	neighbour(d, world.peer6);
	if (!(world.flags & WORLD_TENTATIVE)) {
		world_wait(600 * NSEC_PER_MSEC);
		world_wait(1100 * NSEC_PER_MSEC);
	}
	pkt_queue_purge(&sent);
}

void world_begin(unsigned flags)
{
	unit_random_seed(1);
	alloc_fail_after(-1);
	pkt_queue_init(&sent);
	ring_room = 1000;
	net_initial.next_ifindex = 2;
	live_before = alloc_live();
	world = (struct world){.flags = flags};
	device();
	net_initial.inet->forward4 = net_initial.inet->forward6 = flags & WORLD_FORWARD;
	net_initial.inet->rp_filter = flags & WORLD_FORWARD ? 1 : 0;
	net_initial.inet->ping_group_max = INT32_MAX;
	net_initial.inet->tcp_syncookies = true;
	net_initial.inet->tcp_max_syn_backlog = flags & WORLD_COOKIES ? 1 : 128;
	net_initial.inet->tcp_ecn = flags & WORLD_OFFLOAD;
	if (flags & WORLD_FILTER)
		PANIC_ON(filter_load(rules, sizeof(rules) - 1));
}

void world_close(struct socket **s)
{
	if (*s)
		sk_close(*s);
	*s = NULL;
}

/* Nothing of the input is left, at the latest when all that waits for time has had it. */
void world_end(void)
{
	struct socket **all[] = {&world.listener, &world.conn, &world.udp, &world.udp6, &world.raw,
		&world.raw6, &world.ping, &world.packet};

	alloc_fail_after(-1);
	world.flags &= ~(unsigned)WORLD_RING_FULL;
	for (unsigned i = 0; i < ARRAY_SIZE(all); i++)
		world_close(all[i]);
	PANIC_ON(filter_load("", 0));
	net_initial.inet->forward4 = net_initial.inet->forward6 = false;
	net_config_lock();
	fib_exceptions_flush(&net_initial);
	net_config_unlock();
	if (world.dev)
		fake_gone(world.dev);
	world.dev = NULL;
	for (unsigned i = 0; i < 60 && alloc_live() != live_before; i++) {
		world_drop_sent();
		world_wait(130 * NSEC_PER_SEC);
	}
	world_drop_sent();
	EXPECT_EQ(alloc_live(), live_before);
	EXPECT_EQ(net_mem_used(), 0);
	EXPECT_EQ(ip_frag_usage(false).bytes + ip_frag_usage(true).bytes, 0);
	EXPECT_EQ(current->nr_held, 0);
	EXPECT_EQ(net_section.depth, 0);
}

/* ---- sockets ---- */

static const struct sock_filter keep_most[] = {
	{0x28, 0, 0, 12},      /* ldh [12] */
	{0x15, 0, 4, 0x0800},  /* jeq IPv4 */
	{0x30, 0, 0, 23},      /* ldb [23]: the protocol */
	{0x15, 1, 0, 17},      /* UDP: all */
	{0x06, 0, 0, 60},      /* ret 60 */
	{0x06, 0, 0, 0x40000}, /* ret all */
	{0x06, 0, 0, 0xffffffff},
};

static struct socket *bound(int family, int type, int protocol, unsigned port)
{
	struct socket *s = sock(family, type, protocol);

	PANIC_ON(!s);
	if (port)
		PANIC_ON(sk_bind(s, family == AF_INET ? v4(0, 0, 0, 0) : v6("::"), port));
	return s;
}

static void options(void)
{
	PANIC_ON(sk_opt(world.udp, IPPROTO_IP, 11 /* RECVERR */, 1));
	PANIC_ON(sk_opt(world.udp, IPPROTO_IP, 8 /* PKTINFO */, 1));
	PANIC_ON(sk_opt(world.udp, IPPROTO_IP, 6 /* RECVOPTS */, 1));
	PANIC_ON(sk_opt(world.udp, SOL_SOCKET, SO_TIMESTAMPNS, 1));
	PANIC_ON(sk_opt(world.udp6, IPPROTO_IPV6, 25 /* RECVERR */, 1));
	PANIC_ON(sk_opt(world.udp6, IPPROTO_IPV6, 49 /* RECVPKTINFO */, 1));
	PANIC_ON(sk_opt(world.raw, IPPROTO_IP, 11, 1));
	PANIC_ON(socket_setsockopt(
		world.packet, SOL_SOCKET, SO_ATTACH_FILTER, keep_most, sizeof(keep_most)));
	PANIC_ON(sk_opt(world.packet, 263 /* SOL_PACKET */, 8 /* AUXDATA */, 1));
}

void world_sockets(void)
{
	const bool v6_only = true;
	struct sockaddr_storage ll;

	world.listener = bound(AF_INET6, SOCK_STREAM, 0, WORLD_LISTEN_PORT);
	PANIC_ON(socket_listen(world.listener, 8));
	world.udp = bound(AF_INET, SOCK_DGRAM, 0, WORLD_UDP_PORT);
	world.udp6 = sock(AF_INET6, SOCK_DGRAM, 0);
	PANIC_ON(sk_opt(world.udp6, IPPROTO_IPV6, 26 /* V6ONLY */, v6_only));
	PANIC_ON(sk_bind(world.udp6, v6("::"), WORLD_UDP_PORT));
	world.raw = bound(AF_INET, SOCK_RAW, IPPROTO_ICMP, 0);
	world.raw6 = bound(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6, 0);
	world.packet = bound(AF_PACKET, SOCK_RAW, 0, 0);
	memset(&ll, 0, sizeof(ll));
	*(struct sockaddr_ll *)&ll = (struct sockaddr_ll){
		.sll_family = AF_PACKET, .sll_protocol = to_be16(ETH_P_ALL)};
	options();
	PANIC_ON(socket_bind(world.packet, &ll, sizeof(struct sockaddr_ll)));
	world.conn = peer_connects(world.flags & WORLD_V6_TCP, WORLD_PEER_PORT);
}

int world_bind(struct socket *s, const struct ip_addr *a, unsigned port)
{
	return sk_bind(s, *a, port);
}
int world_connect(struct socket *s, const struct ip_addr *a, unsigned port)
{
	unsigned len;
	struct sockaddr_storage name = sa(*a, port, &len);

	return socket_connect(s, &name, len, 0x800 /* O_NONBLOCK */);
}

enum { IO_MAX = 65536 };
static uint8_t io_buffer[IO_MAX];

ssize_t world_send(struct socket *s, unsigned n, unsigned flags)
{
	struct iov_iter it;
	struct socket_msg m = {.iter = &it, .flags = flags | MSG_DONTWAIT | MSG_NOSIGNAL};

	n = MIN(n, (unsigned)IO_MAX);
	iov_iter_kernel(&it, io_buffer, n);
	return socket_sendmsg(s, &m, n, 0);
}
ssize_t world_recv(struct socket *s, unsigned n, unsigned flags)
{
	struct iov_iter it;
	struct sockaddr_storage name;
	uint8_t control[256];
	struct socket_msg m = {.iter = &it,
		.name = &name,
		.control = control,
		.control_len = sizeof(control),
		.flags = flags | MSG_DONTWAIT};

	n = MIN(n, (unsigned)IO_MAX);
	iov_iter_kernel(&it, io_buffer, n);
	return socket_recvmsg(s, &m, n, 0);
}
void world_drain(struct socket *s)
{
	for (unsigned i = 0; s && i < 4 && world_recv(s, 2048, MSG_ERRQUEUE) >= 0; i++)
		;
	for (unsigned i = 0; s && i < 4 && world_recv(s, 2048, 0) > 0; i++)
		;
}

/* ---- time and frames ---- */

void world_wait(uint64_t ns)
{
	settle(ns);
}

void world_rx(const void *bytes, unsigned n)
{
	struct pkt *p = NULL;
	struct page *page;

	if (n < ETH_HLEN)
		return; /* as drivers do */
	net_enter();
	if (n <= NETDEV_RX_COPY) {
		p = netdev_rx_copy(world.dev, bytes, n);
	} else {
		page = page_alloc(0, GFP_ATOMIC);
		n = MIN(n, (unsigned)PAGE_SIZE);
		if (page) {
			memcpy(page_address(page), bytes, n);
			p = netdev_rx_page(world.dev, page, 0, n);
		}
	}
	if (p) {
		if (world.flags & WORLD_RX_TRUSTS)
			p->csum = CSUM_VERIFIED;
		guard(p);
		netdev_rx(p);
	}
	netdev_rx_flush();
	net_exit();
}

struct pkt *world_next_sent(void)
{
	return pkt_dequeue(&sent);
}
void world_drop_sent(void)
{
	pkt_queue_purge(&sent);
	ring_room = world.flags & WORLD_RING_FULL ? 2 : 1000;
	if (world.dev) {
		net_enter();
		netdev_tx_wake(world.dev, 0);
		net_exit();
	}
	unit_rcu_flush();
}
