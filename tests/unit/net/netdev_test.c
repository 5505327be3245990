/* LINK: kernel/net/net.c kernel/net/netdev.c kernel/net/netdev_config.c kernel/net/xmit.c */
/* LINK: kernel/net/gso.c kernel/net/gro.c kernel/net/ether.c kernel/net/loopback.c */
/* LINK: kernel/net/pkt.c kernel/net/csum.c kernel/mm/iov_iter.c */
#include "netcore.h"

static struct pkt_queue came; /* to the test's protocol, 0x88b5 */
static void keep(struct pkt *p)
{
	pkt_enqueue(&came, p);
}
static struct netdev_proto test_proto = {.input = keep};
static const char text[200] = "payload";

static enum netdev_event events[64];
static unsigned nr_events;
static void event(struct netdev *d, enum netdev_event e)
{
	(void)d;
	if (nr_events < ARRAY_SIZE(events))
		events[nr_events++] = e;
}
static struct netdev_watcher watcher = {.event = event};

static void begin(void)
{
	core_begin();
	if (!test_proto.type) {
		test_proto.type = to_be16(0x88b5);
		netdev_proto_register(&test_proto);
		netdev_watch(&watcher);
	}
	pkt_queue_init(&came);
	nr_events = 0;
}

static void rx(struct pkt *p)
{
	net_enter();
	netdev_rx(p);
	netdev_rx_flush();
	net_exit();
}
static int tx(struct pkt *p)
{
	int err;

	net_enter();
	err = netdev_xmit(p);
	net_exit();
	return err;
}

/* ---- configuration ---- */

TEST(names_are_checked_numbered_and_unique)
{
	struct netdev *a, *b, *c;

	begin();
	a = fake_device("eth%d", 0);
	b = fake_device("eth%d", 0);
	EXPECT_STR(a->name, "eth0");
	EXPECT_STR(b->name, "eth1");
	EXPECT(!netdev_create("", 0, 0) && !netdev_create("a/b", 0, 0) &&
		!netdev_create("a b", 0, 0) && !netdev_create("..", 0, 0) &&
		!netdev_create("0123456789abcdef", 0, 0));
	c = netdev_create("eth0", 0, 0);
	c->ops = &fake_ops;
	net_config_lock();
	EXPECT_EQ(netdev_register(&net_initial, c), -EEXIST);
	netdev_put(c);
	EXPECT_EQ(netdev_rename(a, "eth1"), -EEXIST);
	EXPECT_EQ(netdev_rename(a, "x:y"), -EINVAL);
	EXPECT_EQ(netdev_rename(a, "%s"), -EINVAL);
	EXPECT_EQ(netdev_rename(a, "eth%d%d"), -EINVAL);
	EXPECT_EQ(netdev_rename(a, "0123456789abcdef"), -EINVAL);
	EXPECT_EQ(netdev_rename(a, "wan%d"), 0);
	EXPECT_STR(a->name, "wan0");
	net_config_unlock();
	c = netdev_get_by_name(&net_initial, "wan0");
	EXPECT(c == a);
	netdev_put(c);
	c = netdev_get_by_index(&net_initial, b->ifindex);
	EXPECT(c == b);
	netdev_put(c);
	EXPECT(!netdev_get_by_name(&net_initial, "eth0"));
	fake_gone(a);
	fake_gone(b);
	EXPECT(!netdev_get_by_name(&net_initial, "wan0"));
}

TEST(a_device_is_freed_when_its_last_reference_goes)
{
	long before;
	struct netdev *d;

	begin();
	before = alloc_live();
	d = netdev_hold(fake_device("eth%d", 0));
	fake_gone(d);
	EXPECT_EQ(alloc_live(), before + 1);
	EXPECT(!(d->flags & IFF_UP));
	netdev_put(d);
	unit_rcu_flush();
	EXPECT_EQ(alloc_live(), before);
}

TEST(events_are_told)
{
	struct netdev *d;

	begin();
	d = fake_device("eth%d", 0);
	net_config_lock();
	EXPECT_EQ(netdev_set_mtu(d, 67), -EINVAL);
	EXPECT_EQ(netdev_set_mtu(d, 9001), -EINVAL);
	EXPECT_EQ(netdev_set_mtu(d, 9000), 0);
	EXPECT_EQ(netdev_set_mac(d, all_mac), -EADDRNOTAVAIL);
	EXPECT_EQ(netdev_set_mac(d, peer_mac), 0);
	EXPECT_EQ(netdev_set_flags(d, 0, IFF_UP), 0);
	net_config_unlock();
	EXPECT_MEM(d->addr, peer_mac, 6);
	EXPECT_MEM(d->perm_addr, fake_mac, 6);
	netdev_set_carrier(d, false);
	netdev_set_carrier(d, false);
	unit_run_work();
	fake_gone(d);
	EXPECT_EQ(nr_events, 7);
	EXPECT_EQ(events[0], NETDEV_ADDED);
	EXPECT_EQ(events[1], NETDEV_UP);
	EXPECT_EQ(events[2], NETDEV_MTU);
	EXPECT_EQ(events[3], NETDEV_MAC);
	EXPECT_EQ(events[4], NETDEV_DOWN);
	EXPECT_EQ(events[5], NETDEV_CHANGED);
	EXPECT_EQ(events[6], NETDEV_GOING);
}

TEST(running_follows_carrier)
{
	struct netdev *d;

	begin();
	d = fake_device("eth%d", 0);
	EXPECT(d->flags & IFF_RUNNING);
	netdev_set_carrier(d, false);
	unit_run_work();
	EXPECT(!(d->flags & (IFF_RUNNING | IFF_LOWER_UP)));
	netdev_set_carrier(d, true);
	unit_run_work();
	EXPECT(d->flags & IFF_RUNNING && d->flags & IFF_LOWER_UP);
	EXPECT_EQ(d->carrier_changes, 2);
	fake_gone(d);
}

TEST(promiscuous_mode_is_counted)
{
	struct netdev *d;

	begin();
	d = fake_device("eth%d", 0);
	net_config_lock();
	netdev_promisc(d, 1);
	netdev_promisc(d, 1);
	netdev_promisc(d, -1);
	EXPECT(d->flags & IFF_PROMISC);
	EXPECT_EQ(netdev_set_flags(d, IFF_PROMISC, IFF_PROMISC), 0);
	netdev_promisc(d, -1);
	EXPECT(d->flags & IFF_PROMISC);
	EXPECT_EQ(netdev_set_flags(d, 0, IFF_PROMISC), 0);
	EXPECT(!(d->flags & IFF_PROMISC));
	net_config_unlock();
	fake_gone(d);
}

TEST(groups_are_counted)
{
	static const uint8_t group[6] = {1, 0, 0x5e, 0, 0, 1};
	struct netdev *d;
	long before = alloc_live();

	begin();
	d = fake_device("eth%d", 0);
	EXPECT_EQ(netdev_mcast_add(d, group), 0);
	EXPECT_EQ(netdev_mcast_add(d, group), 0);
	netdev_mcast_del(d, group);
	EXPECT(!list_empty(&d->mcast));
	netdev_mcast_del(d, group);
	EXPECT(list_empty(&d->mcast));
	netdev_mcast_del(d, group);
	alloc_fail_after(0);
	EXPECT_EQ(netdev_mcast_add(d, group), -ENOMEM);
	alloc_fail_after(-1);
	EXPECT_EQ(netdev_mcast_add(d, group), 0);
	fake_gone(d);
	(void)before;
}

/* ---- sending ---- */

TEST(a_full_ring_queues_in_order_and_goes_on_when_woken)
{
	struct netdev *d;
	struct netdev_stats st;

	begin();
	d = fake_device("eth%d", 0);
	d->tx_queue_len = 5;
	ring_room = 2;
	for (unsigned i = 0; i < 9; i++)
		EXPECT_EQ(tx(frame(d, peer_mac, 0x88b5, text, 50 + i)), i < 7 ? 0 : -ENOBUFS);
	EXPECT_EQ(sent.count, 2);
	EXPECT_EQ(doorbells, 2);
	ring_room = 3;
	net_enter();
	netdev_tx_wake(d, 0);
	net_exit();
	EXPECT_EQ(sent.count, 5);
	EXPECT_EQ(doorbells, 3); /* one for all three */
	ring_room = 10;
	net_enter();
	netdev_tx_wake(d, 0);
	net_exit();
	EXPECT_EQ(sent.count, 7);
	for (unsigned i = 0; i < 7; i++) {
		struct pkt *p = pkt_dequeue(&sent);

		EXPECT_EQ(p->len, 64 + i);
		pkt_free(p);
	}
	netdev_stats(d, &st);
	EXPECT_EQ(st.tx_packets, 7);
	EXPECT_EQ(st.tx_dropped, 2);
	ring_room = 0;
	EXPECT_EQ(tx(frame(d, peer_mac, 0x88b5, text, 50)), 0); /* freed with the device */
	fake_gone(d);
}

TEST(a_device_that_is_down_takes_nothing)
{
	struct netdev *d;

	begin();
	d = fake_device("eth%d", 0);
	net_config_lock();
	netdev_stop(d);
	net_config_unlock();
	EXPECT_EQ(tx(frame(d, peer_mac, 0x88b5, text, 50)), -ENETDOWN);
	fake_gone(d);
}

TEST(tags_and_checksums_are_done_for_the_device)
{
	static const char data[60] = "12\0\0abcdef"; /* a pseudo-header's sum of 0 at 2 */
	struct netdev *d;
	struct pkt *p;

	begin();
	d = fake_device("eth%d", 0);
	p = frame(d, peer_mac, 0x88b5, data, 60);
	p->has_vlan = true;
	p->vlan_tci = 0x6007;
	p->csum = CSUM_PARTIAL;
	p->csum_start = p->off + 14;
	p->csum_offset = 2;
	EXPECT_EQ(tx(p), 0);
	p = pkt_dequeue(&sent);
	EXPECT_EQ(p->len, 78);
	EXPECT_EQ(p->csum, CSUM_NONE);
	EXPECT_MEM(pkt_data(p) + 12, "\x81\0\x60\x07\x88\xb5", 6);
	EXPECT_EQ((__force uint16_t)csum_fold(pkt_csum(p, 18, 60, 0)), 0);
	pkt_free(p);
	fake_gone(d);
}

/* ---- receiving ---- */

TEST(frames_reach_their_protocol)
{
	struct netdev *d;
	struct netdev_stats st;
	static const uint8_t group[6] = {1, 0, 0x5e, 0, 0, 1};
	struct pkt *p;

	begin();
	d = fake_device("eth%d", 0);
	rx(frame(d, fake_mac, 0x88b5, text, 50));
	rx(frame(d, all_mac, 0x88b5, text, 50));
	rx(frame(d, group, 0x88b5, text, 50));
	rx(frame(d, peer_mac, 0x88b5, text, 50)); /* for somebody else */
	rx(frame(d, fake_mac, 0x88b6, text, 50)); /* nobody's protocol */
	EXPECT_EQ(came.count, 3);
	p = pkt_peek(&came);
	EXPECT_EQ(p->type, PKT_HOST);
	EXPECT_EQ(p->len, 50);
	EXPECT_EQ(p->l3, p->off);
	EXPECT_EQ(p->l2 + 14, p->l3);
	pkt_queue_purge(&came);
	netdev_stats(d, &st);
	EXPECT_EQ(st.rx_packets, 5);
	EXPECT_EQ(st.multicast, 1);
	EXPECT_EQ(st.rx_dropped, 1);
	fake_gone(d);
}

TEST(short_frames_are_errors)
{
	struct netdev *d;
	struct netdev_stats st;

	begin();
	d = fake_device("eth%d", 0);
	for (unsigned n = 0; n < 14; n++) {
		struct pkt *p = pkt_alloc(0);

		memset(pkt_append(p, n), 0xff, n);
		p->dev = d;
		rx(p);
	}
	for (unsigned n = 0; n < 4; n++) /* within the tag */
		rx(frame(d, fake_mac, ETH_P_8021Q, text, n));
	netdev_stats(d, &st);
	EXPECT_EQ(st.rx_length_errors, 18);
	EXPECT_EQ(came.count, 0);
	fake_gone(d);
}

static unsigned tapped_in, tapped_out;
static void tap(struct netdev_tap *t, struct pkt *p)
{
	(void)t;
	EXPECT_EQ(((struct eth_hdr *)pkt_data(p))->src[0], 2);
	if (p->type == PKT_OUTGOING)
		tapped_out++;
	else
		tapped_in++;
}

TEST(taps_see_both_directions_or_a_type)
{
	struct netdev *d, *other;
	struct netdev_tap all = {.type = to_be16(ETH_P_ALL), .input = tap};
	struct netdev_tap one = {.type = to_be16(0x88b5), .input = tap};

	begin();
	tapped_in = tapped_out = 0;
	d = fake_device("eth%d", 0);
	other = fake_device("eth%d", 0);
	one.dev = d;
	netdev_tap_add(&net_initial, &all);
	netdev_tap_add(&net_initial, &one);
	rx(frame(d, fake_mac, 0x88b5, text, 50));     /* both */
	rx(frame(d, peer_mac, 0x88b6, text, 50));     /* all */
	rx(frame(other, fake_mac, 0x88b5, text, 50)); /* all */
	EXPECT_EQ(tapped_in, 4);
	EXPECT_EQ(tx(frame(d, peer_mac, 0x88b5, text, 50)), 0);
	EXPECT_EQ(tapped_out, 1);
	netdev_tap_del(&all);
	netdev_tap_del(&one);
	rx(frame(d, fake_mac, 0x88b5, text, 50));
	EXPECT_EQ(tapped_in, 4);
	pkt_queue_purge(&came);
	pkt_queue_purge(&sent);
	fake_gone(d);
	fake_gone(other);
}

TEST(a_tag_without_a_device_is_dropped_and_vlan_0_is_not_one)
{
	struct netdev *d;
	char data[64] = "\x20\x05\x88\xb5";

	begin();
	d = fake_device("eth%d", 0);
	rx(frame(d, fake_mac, ETH_P_8021Q, data, 64));
	EXPECT_EQ(came.count, 0);
	data[1] = 0;
	rx(frame(d, fake_mac, ETH_P_8021Q, data, 64));
	EXPECT_EQ(came.count, 1);
	EXPECT_EQ(pkt_peek(&came)->len, 60);
	pkt_queue_purge(&came);
	fake_gone(d);
}

TEST(received_pages_are_copied_or_kept)
{
	struct netdev *d;
	long before;

	begin();
	d = fake_device("eth%d", 0);
	before = alloc_live();
	for (unsigned len = 1; len < 1600; len += 13) {
		uint32_t off;
		struct page *page = pkt_room_take(1600, &off);
		uint8_t *at = (uint8_t *)page_address(page) + off, out[1600];
		struct pkt *p;

		for (unsigned i = 0; i < len; i++)
			at[i] = (uint8_t)unit_random();
		p = netdev_rx_page(d, page, off, len);
		EXPECT_EQ(p->len, len);
		EXPECT_EQ(p->nr_frags, len > NETDEV_RX_COPY);
		pkt_copy_bytes(p, 0, out, len);
		EXPECT_MEM(out, at, len);
		pkt_free(p);
	}
	EXPECT(alloc_live() <= before + 1);
	fake_gone(d);
}
