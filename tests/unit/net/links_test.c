/* LINK: kernel/net/net.c kernel/net/netdev.c kernel/net/netdev_config.c kernel/net/xmit.c */
/* LINK: kernel/net/gso.c kernel/net/gro.c kernel/net/ether.c kernel/net/loopback.c */
/* LINK: kernel/net/pkt.c kernel/net/csum.c kernel/mm/iov_iter.c */
/* LINK: kernel/net/dummy.c kernel/net/veth.c kernel/net/vlan.c */
#include <string.h>
#include "netcore.h"

static struct pkt_queue came; /* to the test's protocol, 0x88b5 */
static void keep(struct pkt *p)
{
	pkt_enqueue(&came, p);
}
static struct netdev_proto test_proto = {.input = keep};
static const char text[2000] = "payload";

static void begin(void)
{
	core_begin();
	if (!test_proto.type) {
		test_proto.type = to_be16(0x88b5);
		netdev_proto_register(&test_proto);
		dummy_init();
		veth_init();
		vlan_init();
	}
	pkt_queue_init(&came);
}

static int tx(struct pkt *p)
{
	int err;

	net_enter();
	err = netdev_xmit(p);
	net_exit();
	return err;
}

static struct netdev *make(const char *kind, const char *name, const struct netdev_kind_arg *arg)
{
	struct netdev *d = NULL;

	net_config_lock();
	PANIC_ON(netdev_kind_find(kind)->create(&net_initial, name, arg, &d));
	net_config_unlock();
	return d;
}

static void destroy(struct netdev *d)
{
	net_config_lock();
	netdev_kind_find(d->kind)->destroy(d);
	net_config_unlock();
	unit_rcu_flush();
}

static void up(struct netdev *d, bool on)
{
	net_config_lock();
	if (on)
		PANIC_ON(netdev_open(d));
	else
		netdev_stop(d);
	net_config_unlock();
}

TEST(a_dummy_counts_and_swallows)
{
	struct netdev_stats st;
	struct netdev *d;

	begin();
	d = make("dummy", "dummy%d", NULL);
	EXPECT_STR(d->name, "dummy0");
	EXPECT(!(d->addr[0] & 1));
	up(d, true);
	EXPECT_EQ(tx(frame(d, peer_mac, 0x88b5, text, 100)), 0);
	netdev_stats(d, &st);
	EXPECT_EQ(st.tx_packets, 1);
	EXPECT_EQ(st.tx_bytes, 114);
	EXPECT_EQ(came.count, 0);
	destroy(d);
}

TEST(a_veth_pair_carries_both_ways_while_both_are_up)
{
	const struct netdev_kind_arg arg = {.peer_name = "right"};
	struct netdev *l, *r;
	struct pkt *p;

	begin();
	l = make("veth", "left", &arg);
	r = l->lower;
	EXPECT_STR(r->name, "right");
	EXPECT(r->lower == l);
	EXPECT(memcmp(l->addr, r->addr, 6));
	up(l, true);
	EXPECT(!l->carrier);
	EXPECT_EQ(tx(frame(l, r->addr, 0x88b5, text, 100)), -ENETDOWN);
	up(r, true);
	EXPECT(l->carrier && r->carrier);
	EXPECT_EQ(tx(frame(l, r->addr, 0x88b5, text, 100)), 0);
	p = pkt_dequeue(&came);
	EXPECT(p && p->dev == r && p->type == PKT_HOST && p->len == 100);
	pkt_free(p);
	EXPECT_EQ(tx(frame(r, all_mac, 0x88b5, text, 100)), 0);
	p = pkt_dequeue(&came);
	EXPECT(p && p->dev == l && p->type == PKT_BROADCAST);
	pkt_free(p);
	EXPECT_EQ(tx(frame(r, all_mac, 0x88b5, text, 1519)), 0); /* beyond the MTU and a tag */
	EXPECT_EQ(came.count, 0);
	EXPECT_EQ(l->pcpu[0].rx_dropped, 1);
	up(r, false);
	EXPECT(!l->carrier);
	destroy(r);
	EXPECT(!netdev_by_name_rcu(&net_initial, "left"));
	EXPECT(!netdev_by_name_rcu(&net_initial, "right"));
}

TEST(a_veth_pair_is_made_whole_or_not_at_all)
{
	const struct netdev_kind_arg same = {.peer_name = "both"}, bad = {.peer_name = "a/b"};
	const struct netdev_kind *k;
	struct netdev *d;

	begin();
	net_config_lock();
	k = netdev_kind_find("veth");
	EXPECT_EQ(k->create(&net_initial, "both", &same, &d), -EEXIST);
	EXPECT(!netdev_by_name_rcu(&net_initial, "both"));
	EXPECT_EQ(k->create(&net_initial, "x", &bad, &d), -EINVAL);
	EXPECT_EQ(k->create(&net_initial, "a b", &(struct netdev_kind_arg){0}, &d), -EINVAL);
	net_config_unlock();
	unit_rcu_flush();
}

TEST(a_vlan_tags_untags_and_follows_its_real_device)
{
	struct netdev_kind_arg arg = {.vlan_id = 5, .has_vlan_id = true};
	struct netdev *e, *v, *again;
	struct pkt *p;

	begin();
	e = fake_device("eth%d", 0);
	arg.lower = e;
	v = make("vlan", "eth0.5", &arg);
	EXPECT(!memcmp(v->addr, e->addr, 6));
	up(v, true);
	EXPECT_EQ(e->allmulti_users, 1);
	EXPECT_EQ(tx(frame(v, peer_mac, 0x88b5, text, 100)), 0);
	p = pkt_dequeue(&sent);
	EXPECT(p && p->len == 118);
	EXPECT(p && !memcmp(pkt_data(p) + 12, "\x81\x00\x00\x05\x88\xb5", 6));
	p->dev = e; /* the same frame comes back, to this station */
	memcpy(pkt_data(p), fake_mac, 6);
	net_enter();
	netdev_rx(p);
	net_exit();
	p = pkt_dequeue(&came);
	EXPECT(p && p->dev == v && p->len == 100 && !p->has_vlan);
	pkt_free(p);
	net_config_lock();
	EXPECT_EQ(netdev_kind_find("vlan")->create(&net_initial, "w", &arg, &again), -EEXIST);
	arg.vlan_id = 4095;
	EXPECT_EQ(netdev_kind_find("vlan")->create(&net_initial, "w", &arg, &again), -ERANGE);
	EXPECT_EQ(netdev_set_mtu(v, 1501), -ERANGE);
	EXPECT_EQ(netdev_set_mtu(e, 1400), 0);
	EXPECT_EQ(v->mtu, 1400);
	EXPECT_EQ(netdev_set_mac(e, (const uint8_t *)"\2\0\0\0\0\7"), 0);
	EXPECT(!memcmp(v->addr, e->addr, 6));
	EXPECT_EQ(netdev_set_mac(v, (const uint8_t *)"\2\0\0\0\0\10"), 0);
	EXPECT(e->flags & IFF_PROMISC);
	netdev_stop(e);
	EXPECT(!(v->flags & IFF_UP) && !(e->flags & IFF_PROMISC) && !e->allmulti_users);
	EXPECT_EQ(netdev_open(v), -ENETDOWN);
	net_config_unlock();
	fake_gone(e);
	EXPECT(!netdev_by_name_rcu(&net_initial, "eth0.5"));
}
