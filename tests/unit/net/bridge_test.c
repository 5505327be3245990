/* LINK: kernel/net/net.c kernel/net/netdev.c kernel/net/netdev_config.c kernel/net/xmit.c */
/* LINK: kernel/net/gso.c kernel/net/gro.c kernel/net/ether.c kernel/net/loopback.c */
/* LINK: kernel/net/pkt.c kernel/net/csum.c kernel/mm/iov_iter.c kernel/lib/hash.c */
/* LINK: kernel/net/vlan.c kernel/net/bridge.c kernel/net/bridge_fdb.c */
#include <netbridge.h>
#include <string.h>
#include "kernel/net/bridge.h"
#include "netcore.h"

static struct pkt_queue came; /* to the test's protocol, 0x88b5 */
static void keep(struct pkt *p)
{
	pkt_enqueue(&came, p);
}
static struct netdev_proto test_proto = {.input = keep};
static const char text[2000] = "payload";
static struct netdev *br, *port[3];

static struct netdev *card(unsigned n)
{
	struct netdev *d = netdev_create("eth%d", 0, 1);

	d->ops = &fake_ops;
	d->max_mtu = 9000;
	memcpy(d->addr, (const uint8_t[]){2, 0, 0, 0, 1, (uint8_t)(10 + n)}, 6);
	net_config_lock();
	PANIC_ON(netdev_register(&net_initial, d) || netdev_open(d));
	net_config_unlock();
	return d;
}

static int join(struct netdev *d)
{
	int err;

	net_config_lock();
	err = br->ops->add_port(br, d);
	net_config_unlock();
	return err;
}

/* A bridge that is up, and three ports. */
static void begin(void)
{
	core_begin();
	if (!test_proto.type) {
		test_proto.type = to_be16(0x88b5);
		netdev_proto_register(&test_proto);
		vlan_init();
		bridge_init();
	}
	pkt_queue_init(&came);
	net_config_lock();
	PANIC_ON(netdev_kind_find("bridge")->create(&net_initial, "br%d", NULL, &br));
	PANIC_ON(netdev_open(br));
	net_config_unlock();
	for (unsigned i = 0; i < 3; i++) {
		port[i] = card(i);
		PANIC_ON(join(port[i]));
	}
}

static void end(void)
{
	net_config_lock();
	netdev_kind_find("bridge")->destroy(br);
	net_config_unlock();
	for (unsigned i = 0; i < 3; i++)
		fake_gone(port[i]);
	unit_rcu_flush();
	EXPECT_EQ(came.count, 0);
	EXPECT_EQ(sent.count, 0);
}

static const uint8_t *station(unsigned n)
{
	static uint8_t mac[4][6];
	static unsigned turn;
	uint8_t *m = mac[turn++ % 4];

	memcpy(m, (const uint8_t[]){2, 7, 0, 0, (uint8_t)(n >> 8), (uint8_t)n}, 6);
	return m;
}

static void rx(struct netdev *d, const uint8_t *dst, const uint8_t *src)
{
	struct pkt *p = frame(d, dst, 0x88b5, text, 1000);

	memcpy(pkt_data(p) + 6, src, 6);
	net_enter();
	netdev_rx(p);
	net_exit();
}

static int tx(const uint8_t *dst)
{
	int err;

	net_enter();
	err = netdev_xmit(frame(br, dst, 0x88b5, text, 100));
	net_exit();
	return err;
}

/* Bits of the ports that frames left by; they are freed. */
static unsigned left_by(void)
{
	unsigned bits = 0;
	struct pkt *p;

	while ((p = pkt_dequeue(&sent))) {
		for (unsigned i = 0; i < 3; i++)
			bits |= p->dev == port[i] ? 1u << i : 0;
		pkt_free(p);
	}
	return bits;
}

/* How the stack got a frame: by pkt_type; -1: it got none. */
static int given(void)
{
	struct pkt *p = pkt_dequeue(&came);
	int type = p ? p->type : -1;

	EXPECT(!p || (p->dev == br && p->len == 1000));
	if (p)
		pkt_free(p);
	return type;
}

TEST(a_bridge_floods_what_it_does_not_know_and_learns)
{
	begin();
	rx(port[0], station(2), station(1));
	EXPECT_EQ(left_by(), 6);
	EXPECT_EQ(given(), -1);
	rx(port[1], station(1), station(2)); /* the answer goes where the question came from */
	EXPECT_EQ(left_by(), 1);
	rx(port[2], station(2), station(3));
	EXPECT_EQ(left_by(), 2);
	rx(port[1], station(2), station(4)); /* both are at the same port */
	EXPECT_EQ(left_by(), 0);
	rx(port[2], station(3), station(1)); /* 1 has moved */
	EXPECT_EQ(left_by(), 0);
	rx(port[1], station(1), station(2));
	EXPECT_EQ(left_by(), 4);
	end();
}

TEST(groups_go_everywhere_and_up_the_stack)
{
	static const uint8_t group[6] = {1, 0, 0x5e, 0, 0, 1};

	begin();
	rx(port[0], all_mac, station(1));
	EXPECT_EQ(left_by(), 6);
	EXPECT_EQ(given(), PKT_BROADCAST);
	rx(port[1], group, station(2));
	EXPECT_EQ(left_by(), 5);
	EXPECT_EQ(given(), PKT_MULTICAST);
	EXPECT_EQ(tx(all_mac), 0);
	EXPECT_EQ(left_by(), 7);
	EXPECT_EQ(tx(station(1)), 0);
	EXPECT_EQ(left_by(), 1);
	EXPECT_EQ(given(), -1);
	end();
}

TEST(copies_share_the_payload)
{
	struct pkt *p, *first = NULL;

	begin();
	p = frame(port[0], all_mac, 0x88b5, text, 1000);
	net_enter();
	netdev_rx(p);
	net_exit();
	EXPECT_EQ(given(), PKT_BROADCAST);
	EXPECT_EQ(sent.count, 2);
	while ((p = pkt_dequeue(&sent))) {
		REQUIRE(p->nr_frags == 1);
		EXPECT(!first || first->frag[0].page == p->frag[0].page);
		if (first)
			pkt_free(first);
		first = p;
	}
	pkt_free(first);
	end();
}

TEST(own_addresses_are_the_bridges_whatever_port_they_come_in_at)
{
	begin();
	EXPECT(!memcmp(br->addr, port[0]->addr, 6)); /* the lowest */
	rx(port[2], br->addr, station(1));
	EXPECT_EQ(given(), PKT_HOST);
	rx(port[2], port[1]->addr, station(1));
	EXPECT_EQ(given(), PKT_HOST);
	rx(port[1], station(9), port[2]->addr); /* somebody pretends: it is not learned */
	EXPECT_EQ(left_by(), 5);
	rx(port[0], port[2]->addr, station(1));
	EXPECT_EQ(given(), PKT_HOST);
	net_config_lock();
	EXPECT_EQ(netdev_set_mac(br, station(77)), 0);
	net_config_unlock();
	rx(port[0], station(77), station(1));
	EXPECT_EQ(given(), PKT_HOST);
	EXPECT_EQ(left_by(), 0);
	end();
}

TEST(what_no_bridge_passes_on)
{
	static const uint8_t reserved[6] = {1, 0x80, 0xc2, 0, 0, 0x0e},
			     beyond[6] = {1, 0x80, 0xc2, 0, 0, 0x10}, zero[6];
	struct pkt *p;

	begin();
	rx(port[0], reserved, station(1));
	EXPECT_EQ(left_by(), 0);
	p = pkt_dequeue(&came); /* the port's own stack has it */
	EXPECT(p && p->dev == port[0]);
	pkt_free(p);
	rx(port[0], beyond, station(1));
	EXPECT_EQ(left_by(), 6);
	EXPECT_EQ(given(), PKT_MULTICAST);
	rx(port[0], station(2), all_mac); /* no station's address */
	rx(port[0], station(2), zero);
	EXPECT_EQ(left_by(), 0);
	net_config_lock();
	EXPECT_EQ(netdev_set_mtu(port[1], 900), 0);
	net_config_unlock();
	rx(port[0], station(2), station(1)); /* too large for one of them */
	EXPECT_EQ(left_by(), 4);
	net_config_lock();
	netdev_stop(br);
	net_config_unlock();
	rx(port[0], station(2), station(1));
	EXPECT_EQ(left_by(), 0);
	end();
}

TEST(a_promiscuous_bridge_shows_everything_to_taps_alone)
{
	struct netdev_stats st;

	begin();
	net_config_lock();
	EXPECT_EQ(netdev_set_flags(br, IFF_PROMISC, IFF_PROMISC), 0);
	net_config_unlock();
	rx(port[0], station(2), station(1));
	netdev_stats(br, &st);
	EXPECT_EQ(st.rx_packets, 1);
	EXPECT_EQ(given(), -1);
	EXPECT_EQ(left_by(), 6);
	end();
}

TEST(silent_stations_are_forgotten)
{
	begin();
	rx(port[0], all_mac, station(1));
	(void)left_by(), (void)given();
	unit_advance(299ull * 1000000000);
	rx(port[1], station(1), station(2));
	EXPECT_EQ(left_by(), 1);
	unit_advance(2ull * 1000000000);
	rx(port[1], station(1), station(2));
	EXPECT_EQ(left_by(), 5);
	unit_advance(320ull * 1000000000);
	(void)net_round();                     /* they are swept out */
	EXPECT_EQ(bridge_of(br)->stations, 3); /* ports; the bridge's is one of them */
	bridge_set_ageing(br, 1000000000);
	EXPECT_EQ(bridge_ageing(br), 1000000000);
	rx(port[0], all_mac, station(1));
	(void)left_by(), (void)given();
	unit_advance(1000000000);
	rx(port[1], station(1), station(2));
	EXPECT_EQ(left_by(), 5);
	end();
}

static int count_row(const struct bridge_station *s, void *arg)
{
	unsigned *rows = arg;

	rows[s->is_local]++;
	return 0;
}

TEST(made_up_senders_do_not_grow_the_table)
{
	unsigned rows[2] = {0};

	begin();
	for (unsigned n = 0; n < 6000; n++) {
		rx(port[0], br->addr, station(n));
		EXPECT_EQ(given(), PKT_HOST);
		unit_rcu_flush();
	}
	EXPECT_EQ(bridge_of(br)->stations, FDB_MAX);
	(void)bridge_station_each(br, count_row, rows);
	EXPECT_EQ(rows[0], FDB_MAX - 3);
	EXPECT_EQ(rows[1], 3);
	rx(port[1], station(5999), station(9999)); /* the last ones are known */
	EXPECT_EQ(left_by(), 1);
	rx(port[0], station(9999), station(5999));
	EXPECT_EQ(left_by(), 2);
	end();
}

TEST(who_can_be_a_port)
{
	struct netdev_kind_arg arg = {.vlan_id = 5, .has_vlan_id = true};
	struct netdev *other, *vlan;

	begin();
	EXPECT_EQ(join(port[0]), -EBUSY);
	EXPECT_EQ(join(net_initial.loopback), -EINVAL);
	EXPECT_EQ(join(br), -ELOOP);
	net_config_lock();
	EXPECT_EQ(netdev_kind_find("bridge")->create(&net_initial, "other", NULL, &other), 0);
	arg.lower = br;
	EXPECT_EQ(netdev_kind_find("vlan")->create(&net_initial, "br0.5", &arg, &vlan), 0);
	EXPECT_EQ(other->ops->add_port(other, br), -ELOOP);
	EXPECT_EQ(other->ops->add_port(other, vlan), -ELOOP);
	EXPECT_EQ(other->ops->add_port(other, port[0]), -EBUSY);
	EXPECT_EQ(other->ops->del_port(other, port[0]), -EINVAL);
	EXPECT_EQ(br->ops->del_port(br, port[0]), 0);
	EXPECT_EQ(other->ops->add_port(other, port[0]), 0);
	EXPECT(port[0]->master == other && bridge_port_number(port[0]) == 1);
	EXPECT_EQ(bridge_port_number(port[2]), 3);
	netdev_kind_find("bridge")->destroy(other);
	EXPECT(!port[0]->master && !(port[0]->flags & IFF_PROMISC));
	EXPECT_EQ(br->ops->add_port(br, port[0]), 0);
	EXPECT_EQ(bridge_port_number(port[0]), 1);
	netdev_kind_find("vlan")->destroy(vlan);
	net_config_unlock();
	end();
}

TEST(a_bridge_follows_its_ports)
{
	struct netdev *e;

	begin();
	EXPECT(port[1]->flags & IFF_PROMISC);
	EXPECT(!(netdev_shown_flags(port[1]) & IFF_PROMISC));
	EXPECT(br->carrier);
	net_config_lock();
	EXPECT_EQ(netdev_set_mtu(port[1], 1400), 0);
	EXPECT_EQ(br->mtu, 1400);
	EXPECT_EQ(netdev_set_mac(port[2], (const uint8_t *)"\2\0\0\0\0\1"), 0);
	EXPECT(!memcmp(br->addr, port[2]->addr, 6));
	EXPECT_EQ(netdev_set_mtu(br, 1300), 0);
	EXPECT_EQ(netdev_set_mtu(port[1], 1350), 0);
	EXPECT_EQ(br->mtu, 1300);
	EXPECT_EQ(netdev_set_mac(br, station(77)), 0);
	EXPECT_EQ(netdev_set_mac(port[2], (const uint8_t *)"\2\0\0\0\0\2"), 0);
	EXPECT(!memcmp(br->addr, station(77), 6));
	net_config_unlock();
	rx(port[1], all_mac, station(1));
	(void)left_by(), (void)given();
	net_config_lock();
	netdev_stop(port[1]); /* what was there is looked for anew */
	net_config_unlock();
	rx(port[0], station(1), station(2));
	EXPECT_EQ(left_by(), 4);
	e = card(3);
	EXPECT_EQ(join(e), 0);
	rx(e, all_mac, station(1));
	EXPECT_EQ(left_by(), 5);
	EXPECT_EQ(given(), PKT_BROADCAST);
	fake_gone(e); /* a card is pulled */
	rx(port[0], station(1), station(2));
	EXPECT_EQ(left_by(), 4);
	net_config_lock();
	netdev_stop(port[0]);
	netdev_stop(port[2]);
	net_config_unlock();
	EXPECT(!br->carrier);
	end();
}

TEST(tagged_frames_keep_their_tag)
{
	static const uint8_t tag[4] = {0x81, 0, 0x20, 5};
	struct netdev_kind_arg arg = {.vlan_id = 5, .has_vlan_id = true};
	struct netdev *vlan;
	struct pkt *p;

	begin();
	p = frame(port[0], all_mac, 0x88b5, text, 1000);
	p->has_vlan = true; /* as a card leaves it */
	p->vlan_tci = 0x2005;
	net_enter();
	netdev_rx(p);
	net_exit();
	EXPECT_EQ(came.count, 0); /* the bridge has no such VLAN */
	p = pkt_dequeue(&sent);
	REQUIRE(p && p->len == 1018);
	EXPECT_MEM(pkt_data(p) + 12, tag, 4);
	pkt_free(p);
	EXPECT_EQ(left_by(), 4);
	arg.lower = br;
	net_config_lock();
	EXPECT_EQ(netdev_kind_find("vlan")->create(&net_initial, "br0.5", &arg, &vlan), 0);
	EXPECT_EQ(netdev_open(vlan), 0);
	net_config_unlock();
	p = frame(port[0], all_mac, 0x88b5, text, 1000);
	p->has_vlan = true;
	p->vlan_tci = 0x2005;
	net_enter();
	netdev_rx(p);
	net_exit();
	EXPECT_EQ(left_by(), 6);
	p = pkt_dequeue(&came);
	REQUIRE(p);
	EXPECT(p->dev == vlan && !p->has_vlan);
	pkt_free(p);
	net_config_lock();
	netdev_kind_find("vlan")->destroy(vlan);
	net_config_unlock();
	end();
}

TEST(a_bridge_lives_with_too_little_memory)
{
	struct netdev *e;
	int err = -ENOMEM;

	begin();
	e = card(3);
	for (int n = 0; err; n++) {
		alloc_fail_after(n);
		err = join(e);
		alloc_fail_after(-1);
		EXPECT(!err || (err == -ENOMEM && !e->master && !bridge_port_number(e)));
		unit_rcu_flush();
	}
	fake_gone(e);
	end();
}

TEST(a_card_is_left_nothing_to_do_behind_a_tag)
{
	struct pkt *p;

	begin();
	for (unsigned tagged = 0; tagged < 2; tagged++) {
		port[0]->features = NETIF_TX_CSUM;
		p = frame(port[0], all_mac, 0x88b5, text, 100);
		p->csum = CSUM_PARTIAL;
		p->csum_start = (uint16_t)(p->off + ETH_HLEN);
		p->csum_offset = 16;
		p->has_vlan = tagged;
		p->vlan_tci = 5;
		net_enter();
		EXPECT_EQ(netdev_xmit(p), 0);
		net_exit();
		p = pkt_dequeue(&sent);
		REQUIRE(p);
		EXPECT_EQ(p->csum, tagged ? CSUM_NONE : CSUM_PARTIAL);
		pkt_free(p);
	}
	end();
}
