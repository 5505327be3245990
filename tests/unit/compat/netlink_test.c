/*
 * netlink_test.c - AF_NETLINK sockets over the real network configuration: answers, dumps, and
 * programs that do not read them.
 */
/* LINK: kernel/net/net.c kernel/net/netdev.c kernel/net/netdev_config.c kernel/net/xmit.c */
/* LINK: kernel/net/gso.c kernel/net/gro.c kernel/net/ether.c kernel/net/loopback.c */
/* LINK: kernel/net/pkt.c kernel/net/csum.c kernel/net/ipaddr.c kernel/mm/iov_iter.c */
/* LINK: kernel/net/socket.c kernel/net/socket_queue.c kernel/net/socket_msg.c */
/* LINK: kernel/net/socket_opt.c kernel/net/bpf.c kernel/lib/hash.c */
/* LINK: kernel/net/af_inet.c kernel/net/bind.c kernel/net/route.c kernel/net/fib.c */
/* LINK: kernel/net/fib_rule.c kernel/net/trie.c kernel/net/pmtu.c kernel/net/neigh.c */
/* LINK: kernel/net/arp.c kernel/net/inetdev.c kernel/net/addrsel.c kernel/net/ipv4.c */
/* LINK: kernel/net/ip_output.c kernel/net/icmp.c kernel/net/udp.c kernel/net/udp_send.c */
/* LINK: kernel/net/zerocopy.c kernel/policy/user.c */
/* LINK: kernel/net/dgram.c kernel/net/inet_opt.c kernel/net/cmsg.c kernel/net/group.c */
/* LINK: kernel/net/group_sock.c kernel/net/group_report.c kernel/net/igmp.c kernel/net/mld.c */
/* LINK: kernel/net/ipv6.c kernel/net/icmp6.c kernel/net/ndisc.c kernel/net/autoconf.c */
/* LINK: kernel/net/ip_frag.c kernel/net/raw.c kernel/net/ping.c kernel/net/filter.c */
/* LINK: kernel/net/filter_state.c kernel/net/filter_rules.c kernel/net/ip_parse.c */
/* LINK: kernel/lib/rbtree.c compat/net/netlink.c compat/net/nl_*.c */
#include "tests/unit/net/inet.h"
#include <process.h>
#include "compat/abi/netlink.h"

void netlink_init(void);
void unsupported(const char *what, uint64_t value);
void unsupported(const char *what, uint64_t value)
{
}
int unix_sock_each(struct net *net, int (*fn)(const struct unix_sock_info *i, void *arg), void *arg)
{
	return 0;
}

static struct process process = {.pid = 77};

static struct socket *begin(void)
{
	static bool once;

	inet_begin();
	if (!once)
		netlink_init();
	once = true;
	current->process = &process;
	return sock(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
}

static void ask(struct socket *s, unsigned type, unsigned flags)
{
	struct {
		struct nlmsghdr h;
		struct ifinfomsg i;
	} m = {.h = {.len = sizeof(m), .type = (uint16_t)type, .flags = (uint16_t)flags, .seq = 5}};

	EXPECT_EQ(sk_sendto(s, &m, sizeof(m), NULL, 0), sizeof(m));
}

/* A refused request is given back with its error. */
static void ask_at_length(struct socket *s)
{
	static _Alignas(8) uint8_t m[3000];

	*(struct nlmsghdr *)m = (struct nlmsghdr){
		.len = sizeof(m), .type = RTM_SETLINK, .flags = NLM_F_REQUEST};
	EXPECT_EQ(sk_sendto(s, m, sizeof(m), NULL, 0), sizeof(m));
}

static ssize_t answer(struct socket *s, void *buf, size_t n)
{
	struct iov_iter it;
	struct socket_msg m = {.iter = &it, .flags = MSG_DONTWAIT};

	iov_iter_kernel(&it, buf, n);
	return socket_recvmsg(s, &m, n, 0);
}

TEST(a_dump_names_the_devices_and_ends)
{
	static _Alignas(8) uint8_t buf[8192];
	const struct nlmsghdr *h = (const struct nlmsghdr *)buf;
	struct socket *s = begin();
	ssize_t n;

	REQUIRE(s);
	ask(s, RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP);
	n = answer(s, buf, sizeof(buf));
	EXPECT(n > (ssize_t)sizeof(*h));
	EXPECT_EQ(h->type, RTM_NEWLINK);
	EXPECT_EQ(h->seq, 5);
	h = (const struct nlmsghdr *)(buf + NLMSG_ALIGN(h->len));
	EXPECT_EQ(h->type, NLMSG_DONE);
	EXPECT_EQ(answer(s, buf, sizeof(buf)), -EAGAIN);
	sk_close(s);
	inet_end();
}

TEST(who_asks_and_never_reads_does_not_fill_memory)
{
	static _Alignas(8) uint8_t buf[8192];
	struct socket *s = begin();
	long before = alloc_live();
	unsigned read = 0;

	REQUIRE(s);
	for (unsigned i = 0; i < 5000; i++)
		ask_at_length(s);
	EXPECT(alloc_live() - before < 400); /* the buffer's worth, and some */
	EXPECT_EQ(answer(s, buf, sizeof(buf)), -ENOBUFS);
	while (answer(s, buf, sizeof(buf)) > 0)
		read++;
	EXPECT(read > 64 && read < 400);
	ask(s, RTM_SETLINK, NLM_F_REQUEST | NLM_F_ACK);
	EXPECT(answer(s, buf, sizeof(buf)) > 0); /* and it goes on */
	sk_close(s);
	inet_end();
}
