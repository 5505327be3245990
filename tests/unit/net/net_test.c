/* LINK: kernel/net/net.c kernel/net/netdev.c kernel/net/netdev_config.c kernel/net/xmit.c */
/* LINK: kernel/net/gso.c kernel/net/gro.c kernel/net/ether.c kernel/net/loopback.c */
/* LINK: kernel/net/pkt.c kernel/net/csum.c kernel/mm/iov_iter.c */
#include "netcore.h"

/* ---- the backlog ---- */

static unsigned arrived, answer_until;
static struct netdev *lo;

static void send_lo(unsigned number)
{
	struct pkt *p = pkt_alloc_tx();

	memcpy(pkt_append(p, 4), &number, 4);
	eth_push(p, lo->addr, lo->addr, 0x88b5);
	p->dev = lo;
	EXPECT_EQ(netdev_xmit(p), 0);
}

static void count_input(struct pkt *p)
{
	unsigned number;

	pkt_copy_bytes(p, 0, &number, 4);
	EXPECT_EQ(number, arrived);
	arrived++;
	pkt_free(p);
	if (arrived < answer_until) {
		net_enter();
		send_lo(arrived);
		net_exit();
	}
}
static struct netdev_proto test_proto = {.input = count_input};

static void begin(void)
{
	core_begin();
	lo = net_initial.loopback;
	if (!test_proto.type) {
		test_proto.type = to_be16(0x88b5);
		netdev_proto_register(&test_proto);
	}
	net_config_lock();
	EXPECT_EQ(netdev_open(lo), 0);
	net_config_unlock();
	arrived = answer_until = 0;
}

TEST(lo_is_the_first_device)
{
	begin();
	EXPECT_EQ(lo->ifindex, 1);
	EXPECT_STR(lo->name, "lo");
	EXPECT_EQ(lo->mtu, 65536);
	EXPECT_EQ(lo->flags, IFF_UP | IFF_LOOPBACK | IFF_RUNNING | IFF_LOWER_UP);
}

TEST(input_runs_when_the_outermost_section_ends)
{
	begin();
	net_enter();
	net_enter();
	send_lo(0);
	net_exit();
	EXPECT_EQ(arrived, 0);
	send_lo(1);
	net_exit();
	EXPECT_EQ(arrived, 2);
}

TEST(what_input_sends_is_handled_by_the_same_section)
{
	begin();
	answer_until = 100;
	net_enter();
	send_lo(0);
	net_exit();
	EXPECT_EQ(arrived, 100);
}

TEST(a_section_ends_and_the_thread_goes_on)
{
	begin();
	answer_until = 1000;
	net_enter();
	send_lo(0);
	net_exit();
	EXPECT(arrived < 200);
	while (net_round())
		;
	EXPECT_EQ(arrived, 1000);
}

TEST(a_full_backlog_drops_and_counts)
{
	struct netdev_stats before, after;

	begin();
	netdev_stats(lo, &before);
	net_enter();
	for (unsigned i = 0; i < 1200; i++)
		send_lo(i);
	net_exit();
	while (net_round())
		;
	netdev_stats(lo, &after);
	EXPECT_EQ(arrived, 1000);
	EXPECT_EQ(after.rx_dropped - before.rx_dropped, 200);
	EXPECT_EQ(after.tx_packets - before.tx_packets, 1200);
}

/* ---- polls ---- */

static unsigned poll_work, polled, poll_runs;
static bool poll_again;
static unsigned test_poll(struct net_poll *np, unsigned budget)
{
	unsigned n = MIN(budget, poll_work);

	poll_runs++;
	poll_work -= n;
	polled += n;
	if (poll_again) { /* an interrupt comes while it runs */
		poll_again = false;
		EXPECT(!net_poll_schedule(np));
	}
	return n;
}

TEST(a_poll_runs_until_it_is_done)
{
	struct net_poll np;

	begin();
	polled = poll_runs = 0;
	poll_work = 150;
	net_poll_init(&np, 0, test_poll);
	EXPECT(net_poll_schedule(&np));
	EXPECT(!net_poll_schedule(&np));
	EXPECT(net_round());
	EXPECT_EQ(polled, 64);
	while (net_round())
		;
	EXPECT_EQ(polled, 150);
	poll_work = 3;
	EXPECT(net_poll_schedule(&np));
	EXPECT(!net_round());
	EXPECT_EQ(polled, 153);
}

TEST(an_interrupt_during_a_poll_is_not_lost)
{
	struct net_poll np;

	begin();
	poll_runs = poll_work = 0;
	poll_again = true;
	net_poll_init(&np, 0, test_poll);
	EXPECT(net_poll_schedule(&np));
	EXPECT(net_round());
	EXPECT(!net_round());
	EXPECT_EQ(poll_runs, 2);
}

TEST(a_disabled_poll_does_not_run)
{
	struct net_poll np;

	begin();
	poll_runs = poll_work = 0;
	net_poll_init(&np, 0, test_poll);
	net_poll_disable(&np);
	EXPECT(!net_poll_schedule(&np));
	net_poll_enable(&np);
	EXPECT(net_poll_schedule(&np));
	np.state |= 4; /* disabled by another CPU before the thread came to it */
	EXPECT(!net_round());
	EXPECT_EQ(poll_runs, 0);
	net_poll_enable(&np);
	EXPECT(net_poll_schedule(&np));
	EXPECT(!net_round());
	EXPECT_EQ(poll_runs, 1);
}

/* ---- timers ---- */

static unsigned fired;
static uint64_t fired_at;
static void test_fire(struct net_timer *t)
{
	(void)t;
	fired++;
	fired_at = unit_clock;
}
/* Time passes; the thread runs whenever a timer of the kernel's did. */
static void pass(uint64_t ns)
{
	uint64_t end = unit_clock + ns;

	while (unit_clock < end) {
		unit_advance(MIN(end - unit_clock, 10ull));
		while (net_round())
			;
	}
}

TEST(a_timer_fires_once_at_its_time)
{
	struct net_timer t;
	uint64_t start = unit_clock;

	begin();
	fired = 0;
	net_timer_init(&t, test_fire);
	EXPECT(net_timer_arm(&t, start + 100));
	EXPECT(net_timer_pending(&t));
	pass(90);
	EXPECT_EQ(fired, 0);
	pass(500);
	EXPECT_EQ(fired, 1);
	EXPECT_EQ(fired_at, start + 100);
	EXPECT(!net_timer_pending(&t));
	EXPECT(!net_timer_cancel(&t));
}

TEST(a_timer_moves_later_and_earlier)
{
	struct net_timer t;
	uint64_t start = unit_clock;

	begin();
	fired = 0;
	net_timer_init(&t, test_fire);
	EXPECT(net_timer_arm(&t, start + 100));
	EXPECT(!net_timer_arm(&t, start + 300));
	pass(250);
	EXPECT_EQ(fired, 0);
	EXPECT(!net_timer_arm(&t, start + 400));
	EXPECT(!net_timer_arm(&t, start + 350));
	pass(110);
	EXPECT_EQ(fired, 1);
	EXPECT_EQ(fired_at, start + 350);
	EXPECT(net_timer_arm(&t, start + 500));
	EXPECT(!net_timer_arm(&t, start + 390));
	pass(40);
	EXPECT_EQ(fired, 2);
}

TEST(a_silenced_timer_stays_pending)
{
	struct net_timer t;
	uint64_t start = unit_clock;

	begin();
	fired = 0;
	net_timer_init(&t, test_fire);
	EXPECT(net_timer_arm(&t, start + 100));
	EXPECT(!net_timer_arm(&t, UINT64_MAX));
	pass(200);
	EXPECT_EQ(fired, 0);
	EXPECT(net_timer_pending(&t));
	EXPECT(!net_timer_arm(&t, start + 250)); /* the inner timer was not queued any more */
	pass(100);
	EXPECT_EQ(fired, 1);
	EXPECT(net_timer_arm(&t, UINT64_MAX));
	EXPECT(net_timer_cancel(&t));
	EXPECT(!net_timer_cancel(&t));
}

TEST(an_expired_timer_can_still_be_cancelled_or_moved)
{
	struct net_timer t;
	uint64_t start = unit_clock;

	begin();
	fired = 0;
	net_timer_init(&t, test_fire);
	EXPECT(net_timer_arm(&t, start + 100));
	unit_advance(150); /* the thread has not come to it */
	EXPECT(net_timer_pending(&t));
	EXPECT(net_timer_cancel(&t));
	while (net_round())
		;
	EXPECT_EQ(fired, 0);
	EXPECT(net_timer_arm(&t, start + 200));
	unit_advance(100);
	EXPECT(!net_timer_arm(&t, start + 400));
	while (net_round())
		;
	EXPECT_EQ(fired, 0);
	pass(200);
	EXPECT_EQ(fired, 1);
}

/* ---- memory ---- */

TEST(memory_of_packets_is_limited)
{
	const uint64_t unit = 100000, limit = 16384ull * 4096 / 8;
	unsigned n = 0;

	begin();
	EXPECT_EQ(net_mem_used(), 0);
	while (net_mem_charge(unit) && n < 10000)
		n++;
	EXPECT(n * unit >= limit && n * unit < limit + 3 * unit);
	EXPECT(net_mem_pressure());
	EXPECT_EQ(net_mem_used(), n * unit);
	while (n--)
		net_mem_uncharge(unit);
	EXPECT(!net_mem_pressure());
	EXPECT_EQ(net_mem_used(), 0);
	EXPECT(net_mem_charge(unit));
	net_mem_uncharge(unit);
}

TEST(counters_are_summed)
{
	enum { IN = 3 };

	begin();
	EXPECT_EQ(net_initial.next_ifindex, 2);
	EXPECT(!net_tstamp_wanted());
	net_tstamp_get();
	EXPECT(net_tstamp_wanted());
	net_tstamp_put();
	EXPECT(!net_tstamp_wanted());
}
