/* LINK: kernel/net/net.c kernel/net/netdev.c kernel/net/netdev_config.c kernel/net/xmit.c */
/* LINK: kernel/net/gso.c kernel/net/gro.c kernel/net/ether.c kernel/net/loopback.c */
/* LINK: kernel/net/pkt.c kernel/net/csum.c kernel/mm/iov_iter.c kernel/drivers/net/intel.c */
#include "tests/unit/net/netcore.h"
#include <pci.h>
#include "kernel/drivers/net/intel.h"

/* The card: registers in memory, moved on by the test. */
static uint8_t registers[REG_BYTES] __aligned(64);

void *dma_alloc(size_t bytes, paddr_t *pa)
{
	struct page *p = page_alloc(0, GFP_ZERO);

	PANIC_ON(!p || bytes > PAGE_SIZE);
	*pa = page_to_phys(p);
	return page_address(p);
}
void dma_free(void *va, size_t bytes)
{
	(void)bytes;
	if (va)
		page_free(virt_to_page(va), 0);
}

static void reset_ends(void) /* while the driver sleeps */
{
	uint32_t *ctrl = (uint32_t *)(registers + REG_CTRL);

	*ctrl &= ~(uint32_t)CTRL_RST;
}

static struct pkt_queue came;
static void keep(struct pkt *p)
{
	pkt_enqueue(&came, p);
}
static struct netdev_proto test_proto = {.input = keep};

static struct intel *card(void)
{
	struct intel *c;

	core_begin();
	if (!test_proto.type) {
		test_proto.type = to_be16(0x88b5);
		netdev_proto_register(&test_proto);
	}
	pkt_queue_init(&came);
	unit_on_sleep = reset_ends;
	memset(registers, 0, sizeof(registers));
	memcpy(registers + REG_RAL0, fake_mac, 6);
	registers[REG_STATUS] = STATUS_LU;
	c = intel_create();
	c->regs = registers;
	c->model = "e1000";
	c->max_frame = 16110;
	c->int_rx = INT_RXT0;
	c->int_tx = INT_TXDW;
	PANIC_ON(intel_reset(c));
	PANIC_ON(intel_register(c, NETIF_SG | NETIF_TX_CSUM | NETIF_TSO4 | NETIF_TSO6 |
					   NETIF_VLAN_TX | NETIF_RX_CSUM));
	net_config_lock();
	PANIC_ON(netdev_open(c->nd));
	net_config_unlock();
	return c;
}

static void gone(struct intel *c)
{
	pkt_queue_purge(&came);
	net_config_lock();
	netdev_unregister(c->nd);
	net_config_unlock();
	unit_run_work();
	unit_rcu_flush();
}

static uint32_t reg(unsigned r)
{
	return *(uint32_t *)(registers + r);
}

static void poll(struct intel *c)
{
	intel_queue_event(c);
	while (net_round())
		;
}

/* The card received @n bytes with the descriptor's flags as given. */
static unsigned next_rx;
static void rx_desc(
	struct intel *c, const void *data, unsigned n, unsigned len, uint8_t status, uint8_t errors)
{
	struct intel_rx_desc *d = &c->rx[next_rx++ % INTEL_RING];

	if (data)
		memcpy(phys_to_virt(le64(d->addr)), data, n);
	d->len = to_le16(len);
	d->errors = errors;
	d->status = status | RXD_DD;
}

static uint8_t wire[20000];
static void make_frame(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		wire[i] = (uint8_t)unit_random();
	memcpy(wire, fake_mac, 6);
	memcpy(wire + 6, peer_mac, 6);
	wire[12] = 0x88;
	wire[13] = 0xb5;
}

static uint64_t rx_errors(struct intel *c)
{
	struct netdev_stats s;

	netdev_stats(c->nd, &s);
	return s.rx_errors;
}

TEST(frames_of_every_length_come_in)
{
	struct intel *c = card();
	long before = alloc_live();
	static uint8_t out[3000];

	next_rx = 0;
	for (unsigned n = 14; n < 1600; n += 7) {
		struct pkt *p;

		make_frame(n);
		rx_desc(c, wire, n, n, RXD_EOP, 0);
		poll(c);
		REQUIRE_EQ(came.count, 1);
		p = pkt_dequeue(&came);
		EXPECT_EQ(p->len, n - 14);
		pkt_copy_bytes(p, 0, out, p->len);
		EXPECT_MEM(out, wire + 14, p->len);
		pkt_free(p);
	}
	EXPECT_EQ(rx_errors(c), 0);
	EXPECT(alloc_live() <= before + 2);
	gone(c);
}

TEST(a_long_frame_takes_several_buffers)
{
	struct intel *c = card();
	static uint8_t out[9000];
	struct pkt *p;

	next_rx = 0;
	make_frame(9000);
	for (unsigned at = 0; at < 9000; at += 2048)
		rx_desc(c, wire + at, MIN(2048u, 9000 - at), MIN(2048u, 9000 - at),
			at + 2048 >= 9000 ? RXD_EOP : 0, 0);
	poll(c);
	REQUIRE_EQ(came.count, 1);
	p = pkt_peek(&came);
	EXPECT_EQ(p->len, 8986);
	pkt_copy_bytes(p, 0, out, p->len);
	EXPECT_MEM(out, wire + 14, p->len);
	gone(c);
}

TEST(what_the_card_says_wrongly_is_counted)
{
	struct intel *c = card();

	next_rx = 0;
	make_frame(200);
	rx_desc(c, wire, 200, 65535, RXD_EOP, 0); /* beyond the buffer */
	rx_desc(c, wire, 200, 0, RXD_EOP, 0);
	rx_desc(c, wire, 200, 200, RXD_EOP, 1); /* CRC */
	rx_desc(c, wire, 200, 200, 0, 0);       /* goes on ... */
	rx_desc(c, wire, 200, 3000, 0, 0);      /* ... wrongly ... */
	rx_desc(c, wire, 200, 200, RXD_EOP, 0); /* ... and ends */
	rx_desc(c, wire, 200, 200, RXD_EOP, 0);
	poll(c);
	EXPECT_EQ(came.count, 1);
	EXPECT_EQ(rx_errors(c), 4);
	gone(c);
}

TEST(a_frame_that_never_ends_is_dropped)
{
	struct intel *c = card();

	next_rx = 0;
	make_frame(2048);
	for (unsigned i = 0; i < 600; i++) {
		rx_desc(c, wire, 2048, 2048, 0, 0);
		if (i % 100 == 0)
			poll(c);
	}
	poll(c);
	rx_desc(c, wire, 2048, 2048, RXD_EOP, 0);
	rx_desc(c, wire, 2048, 2048, RXD_EOP, 0);
	poll(c);
	EXPECT_EQ(came.count, 1);
	EXPECT_EQ(rx_errors(c), 1);
	gone(c);
}

TEST(checksums_and_tags_of_the_card_are_taken_over)
{
	struct intel *c = card();

	next_rx = 0;
	make_frame(100);
	rx_desc(c, wire, 100, 100, RXD_EOP | RXD_TCPCS, 0);
	rx_desc(c, wire, 100, 100, RXD_EOP | RXD_TCPCS, RXD_ERR_TCPE);
	rx_desc(c, wire, 100, 100, RXD_EOP | RXD_TCPCS | RXD_IXSM, 0);
	c->rx[next_rx].vlan = to_le16(0x2005);
	rx_desc(c, wire, 100, 100, RXD_EOP | RXD_VP, 0); /* of a VLAN that is not here */
	poll(c);
	REQUIRE_EQ(came.count, 3);
	for (unsigned i = 0; i < 3; i++) {
		struct pkt *p = pkt_dequeue(&came);

		EXPECT_EQ(p->csum, i ? CSUM_NONE : CSUM_VERIFIED);
		pkt_free(p);
	}
	gone(c);
}

TEST(without_memory_the_ring_is_filled_later)
{
	struct intel *c = card();

	next_rx = 0;
	make_frame(1000);
	alloc_fail_after(0);
	for (unsigned i = 0; i < 255; i++)
		rx_desc(c, wire, 1000, 1000, RXD_EOP, 0);
	poll(c);
	EXPECT_EQ(came.count, 0);
	alloc_fail_after(-1);
	unit_advance(20000000);
	while (net_round())
		;
	next_rx = 255;
	rx_desc(c, wire, 1000, 1000, RXD_EOP, 0);
	poll(c);
	EXPECT_EQ(came.count, 1);
	gone(c);
}

/* ---- sending ---- */

static unsigned tx_at; /* descriptor that the card reads next */

/* The card sends one frame into wire[]: its length, context descriptors skipped; 0: none. */
static unsigned tx_frame(struct intel *c, struct intel_tx_desc *context)
{
	unsigned n = 0;

	while (tx_at != reg(REG_TDT)) {
		struct intel_tx_desc *d = &c->tx[tx_at];
		uint32_t cmd = le32(d->cmd);

		tx_at = (tx_at + 1) % INTEL_RING;
		if (!(cmd & TXC_DATA)) {
			if (context)
				*context = *d;
			continue;
		}
		memcpy(wire + n, phys_to_virt(le64(d->addr)), cmd & 0xfffff);
		n += cmd & 0xfffff;
		if (cmd & TXC_EOP) {
			d->status |= TXD_DD;
			return n;
		}
	}
	return 0;
}

static int send(struct pkt *p)
{
	int err;

	net_enter();
	err = netdev_xmit(p);
	net_exit();
	return err;
}

TEST(frames_go_out_whole)
{
	struct intel *c = card();
	static uint8_t data[16000];
	long before = alloc_live();

	tx_at = 0;
	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)unit_random();
	for (unsigned n = 1; n < sizeof(data); n += 99) {
		EXPECT_EQ(send(frame(c->nd, peer_mac, 0x88b5, data, n)), 0);
		EXPECT_EQ(tx_frame(c, NULL), n + 14);
		EXPECT_MEM(wire + 14, data, n);
		EXPECT_EQ(tx_frame(c, NULL), 0);
	}
	poll(c);
	EXPECT(alloc_live() <= before + 1);
	gone(c);
}

TEST(a_full_ring_waits_for_the_card)
{
	struct intel *c = card();
	unsigned n = 0;

	tx_at = 0;
	for (unsigned i = 0; i < 400; i++)
		EXPECT_EQ(send(frame(c->nd, peer_mac, 0x88b5, "x", 1)), 0);
	EXPECT(c->nd->txq[0].stopped);
	EXPECT(reg(REG_IMS) & INT_TXDW);
	while (n < 400 && tx_frame(c, NULL)) {
		n++;
		if (n % 100 == 0)
			poll(c);
	}
	EXPECT_EQ(n, 400);
	EXPECT(!c->nd->txq[0].stopped);
	gone(c);
}

TEST(a_hung_transmitter_is_started_anew)
{
	struct intel *c = card();
	struct netdev_stats s;

	EXPECT_EQ(send(frame(c->nd, peer_mac, 0x88b5, "x", 1)), 0);
	for (unsigned i = 0; i < 2;
		i++) { /* two looks: a frame may have been sent just before one */
		EXPECT_EQ(unit_run_work(), 0);
		unit_advance(2000000001);
		while (net_round())
			;
	}
	unit_run_work();
	netdev_stats(c->nd, &s);
	EXPECT_EQ(s.tx_errors, 1);
	EXPECT(c->nd->flags & IFF_UP);
	tx_at = 0;
	EXPECT_EQ(send(frame(c->nd, peer_mac, 0x88b5, "y", 1)), 0);
	EXPECT_EQ(tx_frame(c, NULL), 15);
	EXPECT_EQ(wire[14], 'y');
	gone(c);
}

/* A TCP packet of @n bytes payload, to be cut up by the card. */
static struct pkt *tcp_packet(struct netdev *d, bool v6, const void *data, unsigned n, unsigned mss)
{
	struct pkt *p = pkt_alloc_tx();
	struct tcp_hdr *t;
	__be16 len = to_be16(n + 20);

	PANIC_ON(pkt_append_bytes(p, data, n));
	t = pkt_push(p, 20);
	memset(t, 0, 20);
	t->off = 0x50;
	p->l4 = p->csum_start = p->off;
	p->csum_offset = 16;
	p->csum = CSUM_PARTIAL;
	t->check = (__force __be16)(uint16_t)0x1234; /* a pseudo-header's sum without the length */
	t->check = (__force __be16)(uint16_t) ~(__force uint16_t)csum_fold(
		csum_add((__force uint16_t)t->check, (__force uint16_t)len));
	memset(pkt_push(p, v6 ? 40 : 20), 0, v6 ? 40 : 20);
	p->l3 = p->off;
	p->lin[p->l3] = v6 ? 0x60 : 0x45;
	p->gso = mss ? v6 ? GSO_TCP6 : GSO_TCP4 : GSO_NONE;
	p->gso_size = (uint16_t)mss;
	eth_push(p, peer_mac, fake_mac, v6 ? ETH_P_IPV6 : ETH_P_IP);
	p->dev = d;
	return p;
}

TEST(segmentation_is_described)
{
	struct intel *c = card();
	static uint8_t data[60000];
	struct intel_tx_desc x = {0};

	tx_at = 0;
	for (int v6 = 0; v6 < 2; v6++) {
		unsigned l4 = v6 ? 54 : 34;
		uint64_t a;

		EXPECT_EQ(send(tcp_packet(c->nd, v6, data, 10000, 1460)), 0);
		EXPECT_EQ(tx_frame(c, &x), 10000 + l4 + 20);
		a = le64(x.addr);
		EXPECT_EQ(a & 0xff, 14);                 /* IPCSS */
		EXPECT_EQ(a >> 8 & 0xff, v6 ? 0 : 24);   /* IPCSO */
		EXPECT_EQ(a >> 16 & 0xffff, l4 - 1);     /* IPCSE */
		EXPECT_EQ(a >> 32 & 0xff, l4);           /* TUCSS */
		EXPECT_EQ(a >> 40 & 0xff, l4 + 16);      /* TUCSO */
		EXPECT_EQ(x.options, l4 + 20);           /* HDRLEN */
		EXPECT_EQ(le16(x.special), 1460);        /* MSS */
		EXPECT_EQ(le32(x.cmd) & 0xfffff, 10000); /* PAYLEN */
		EXPECT_EQ(!!(le32(x.cmd) & TXC_CTX_IP4), !v6);
		EXPECT(le32(x.cmd) & TXC_TSE);
		EXPECT_EQ(wire[l4 + 16] | wire[l4 + 17] << 8, 0x1234);
		EXPECT_EQ(wire[v6 ? 18 : 16] | wire[v6 ? 19 : 17], 0); /* IP's length */
	}
	gone(c);
}

TEST(a_checksum_context_is_given_once)
{
	struct intel *c = card();
	struct intel_tx_desc x = {0};

	tx_at = 0;
	EXPECT_EQ(send(tcp_packet(c->nd, false, "abc", 3, 0)), 0);
	EXPECT_EQ(tx_frame(c, &x), 57);
	EXPECT_EQ(le64(x.addr) >> 32 & 0xffff, 34 | 50 << 8);
	EXPECT(!(le32(x.cmd) & TXC_TSE));
	x = (struct intel_tx_desc){0};
	EXPECT_EQ(send(tcp_packet(c->nd, false, "abc", 3, 0)), 0);
	EXPECT_EQ(tx_frame(c, &x), 57);
	EXPECT_EQ(le64(x.addr), 0); /* the same as before: no context */
	EXPECT_EQ(send(tcp_packet(c->nd, true, "abc", 3, 0)), 0);
	EXPECT_EQ(tx_frame(c, &x), 77);
	EXPECT_EQ(le64(x.addr) >> 32 & 0xffff, 54 | 70 << 8);
	gone(c);
}

TEST(random_descriptors_do_no_harm)
{
	struct intel *c = card();
	long before = alloc_live();

	next_rx = 0;
	for (unsigned round = 0; round < 3000; round++) {
		for (unsigned i = (unsigned)unit_below(40); i; i--) {
			make_frame(2048);
			rx_desc(c, wire, 2048, (unsigned)unit_below(2300),
				(uint8_t)unit_random() | (unit_below(3) ? RXD_EOP : 0),
				unit_below(4) ? 0 : (uint8_t)unit_random());
		}
		poll(c);
		pkt_queue_purge(&came);
	}
	EXPECT(alloc_live() <= before + 20);
	gone(c);
}
