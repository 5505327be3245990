/*
 * bpf_test.c - classic BPF: what the checker takes, what programs compute, and that no program it
 * takes reads outside the packet or runs on for ever.
 */
/* LINK: kernel/net/bpf.c kernel/net/pkt.c kernel/net/csum.c kernel/mm/iov_iter.c */
#include <error.h>
#include <netdev.h>
#include <socket.h>
#include <unit.h>

enum {
	LD = 0,
	LDX = 1,
	ST = 2,
	STX = 3,
	ALU = 4,
	JMP = 5,
	RET = 6,
	MISC = 7,
	W = 0,
	H = 8,
	B = 0x10,
	IMM = 0,
	ABS = 0x20,
	IND = 0x40,
	MEM = 0x60,
	LEN = 0x80,
	MSH = 0xa0,
	X = 8,
	A = 0x10
};
#define AD_OFF  0xfffff000u
#define NET_OFF 0xfff00000u
#define LL_OFF  0xffe00000u

static void begin(void)
{
	static bool is_ready;

	if (!is_ready)
		pkt_init();
	is_ready = true;
}

/* Bytes 0, 1, 2 ...; the first @lin of them linear, behind a pulled header of 14 bytes. */
static struct pkt *counting(unsigned lin, unsigned n)
{
	struct pkt *p = pkt_alloc(40);
	uint8_t bytes[600];

	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	memset(pkt_append(p, 14), 0xee, 14);
	memcpy(pkt_append(p, lin), bytes, lin);
	pkt_pull(p, 14);
	if (n > lin) {
		uint32_t off;
		struct page *page = pkt_room_take(n - lin, &off);

		memcpy((char *)page_address(page) + off, bytes + lin, n - lin);
		PANIC_ON(!pkt_add_frag(p, page, off, n - lin));
	}
	p->protocol = to_be16(ETH_P_IP);
	p->l2 = 40;
	p->l3 = 54;
	return p;
}

static int check(const struct sock_filter *insns, unsigned n)
{
	struct sock_filter_prog *prog = NULL;
	int err = bpf_prog_create(insns, n, &prog);

	bpf_prog_put(prog);
	return err;
}

static uint32_t run(struct pkt *p, const struct sock_filter *insns, unsigned n)
{
	struct sock_filter_prog *prog = NULL;
	uint32_t r;

	if (!EXPECT_EQ(bpf_prog_create(insns, n, &prog), 0))
		return 0;
	r = bpf_run(prog, p);
	bpf_prog_put(prog);
	return r;
}
#define RUN(p, ...)                                                                                \
	({                                                                                         \
		const struct sock_filter insns_[] = {__VA_ARGS__};                                 \
		run((p), insns_, ARRAY_SIZE(insns_));                                              \
	})
#define CHECK(...)                                                                                 \
	({                                                                                         \
		const struct sock_filter insns_[] = {__VA_ARGS__};                                 \
		check(insns_, ARRAY_SIZE(insns_));                                                 \
	})
#define RET_A                                                                                      \
	{                                                                                          \
		RET | A, 0, 0, 0                                                                   \
	}

TEST(loads_are_big_endian_wherever_the_bytes_lie)
{
	struct pkt *p;

	begin();
	p = counting(10, 300);
	EXPECT_EQ(RUN(p, {LD | W | ABS, 0, 0, 2}, RET_A), 0x02030405);
	EXPECT_EQ(RUN(p, {LD | W | ABS, 0, 0, 8}, RET_A), 0x08090a0b); /* across */
	EXPECT_EQ(RUN(p, {LD | H | ABS, 0, 0, 200}, RET_A), 0xc8c9);
	EXPECT_EQ(RUN(p, {LD | B | ABS, 0, 0, 255}, RET_A), 0xff);
	EXPECT_EQ(RUN(p, {LDX | W | IMM, 0, 0, 5}, {LD | B | IND, 0, 0, 3}, RET_A), 8);
	EXPECT_EQ(RUN(p, {LDX | W | IMM, 0, 0, -2u}, {LD | B | IND, 0, 0, 3}, RET_A), 1);
	EXPECT_EQ(RUN(p, {LD | W | LEN, 0, 0, 0}, RET_A), 300);
	EXPECT_EQ(RUN(p, {LDX | B | MSH, 0, 0, 7}, {MISC | 0x80, 0, 0, 0}, RET_A), 28);
	pkt_free(p);
}

TEST(a_load_beyond_the_end_drops)
{
	struct pkt *p;

	begin();
	p = counting(10, 100);
	EXPECT_EQ(RUN(p, {LD | W | ABS, 0, 0, 96}, {RET, 0, 0, 7}), 7);
	EXPECT_EQ(RUN(p, {LD | W | ABS, 0, 0, 97}, {RET, 0, 0, 7}), 0);
	EXPECT_EQ(RUN(p, {LD | B | ABS, 0, 0, 100}, {RET, 0, 0, 7}), 0);
	EXPECT_EQ(RUN(p, {LD | W | ABS, 0, 0, 0x7fffffff}, {RET, 0, 0, 7}), 0);
	EXPECT_EQ(RUN(p, {LD | W | ABS, 0, 0, 0x80000000}, {RET, 0, 0, 7}), 0);
	EXPECT_EQ(RUN(p, {LDX | B | MSH, 0, 0, 100}, {RET, 0, 0, 7}), 0);
	pkt_free(p);
}

TEST(headers_that_were_pulled_can_be_read)
{
	struct pkt *p;

	begin();
	p = counting(10, 100);
	EXPECT_EQ(RUN(p, {LD | W | ABS, 0, 0, NET_OFF}, RET_A), 0x00010203);
	EXPECT_EQ(RUN(p, {LD | W | ABS, 0, 0, LL_OFF}, RET_A), 0xeeeeeeee);
	EXPECT_EQ(RUN(p, {LD | W | ABS, 0, 0, LL_OFF + 12}, RET_A), 0xeeee0001);
	EXPECT_EQ(RUN(p, {LD | W | ABS, 0, 0, LL_OFF - 41}, {RET, 0, 0, 7}), 0);
	EXPECT_EQ(RUN(p, {LD | W | ABS, 0, 0, NET_OFF + 98}, {RET, 0, 0, 7}), 0);
	p->protocol =
		0; /* of no interface: has no headers, and what lies there was never written */
	EXPECT_EQ(RUN(p, {LD | W | ABS, 0, 0, LL_OFF}, {RET, 0, 0, 7}), 0);
	pkt_free(p);
}

TEST(facts_about_the_packet)
{
	struct pkt *p;

	begin();
	p = counting(10, 100);
	p->mark = 77;
	p->type = PKT_MULTICAST;
	EXPECT_EQ(RUN(p, {LD | W | ABS, 0, 0, AD_OFF + 0}, RET_A), ETH_P_IP);
	EXPECT_EQ(RUN(p, {LD | W | ABS, 0, 0, AD_OFF + 4}, RET_A), PKT_MULTICAST);
	EXPECT_EQ(RUN(p, {LD | W | ABS, 0, 0, AD_OFF + 8}, RET_A), 0);
	EXPECT_EQ(RUN(p, {LD | W | ABS, 0, 0, AD_OFF + 20}, RET_A), 77);
	EXPECT_EQ(RUN(p, {LDX | W | IMM, 0, 0, 0xf0}, {LD | W | IMM, 0, 0, 0xff},
			  {LD | W | ABS, 0, 0, AD_OFF + 40}, RET_A),
		0x0f);
	EXPECT_EQ(CHECK({LD | W | ABS, 0, 0, AD_OFF + 1}, RET_A), -EINVAL);
	EXPECT_EQ(CHECK({LD | W | ABS, 0, 0, AD_OFF + 64}, RET_A), -EINVAL);
	pkt_free(p);
}

TEST(arithmetic)
{
	static const struct {
		uint16_t op;
		uint32_t a, by, is;
	} t[] = {
		{0x00, 5, 0xffffffff, 4},
		{0x10, 5, 6, 0xffffffff},
		{0x20, 0x10000, 0x10001, 0x10000},
		{0x30, 7, 2, 3},
		{0x40, 5, 2, 7},
		{0x50, 7, 2, 2},
		{0x60, 1, 31, 0x80000000},
		{0x70, 0x80000000, 31, 1},
		{0x90, 7, 4, 3},
		{0xa0, 7, 2, 5},
	};
	struct pkt *p;

	begin();
	p = counting(10, 10);
	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		EXPECT_EQ(
			RUN(p, {LD | W | IMM, 0, 0, t[i].a}, {ALU | t[i].op, 0, 0, t[i].by}, RET_A),
			t[i].is);
		EXPECT_EQ(RUN(p, {LD | W | IMM, 0, 0, t[i].a}, {LDX | W | IMM, 0, 0, t[i].by},
				  {ALU | t[i].op | X, 0, 0, 0}, RET_A),
			t[i].is);
	}
	EXPECT_EQ(RUN(p, {LD | W | IMM, 0, 0, 1}, {ALU | 0x80, 0, 0, 0}, RET_A), 0xffffffff);
	EXPECT_EQ(RUN(p, {LD | W | IMM, 0, 0, 9}, {ALU | 0x30 | X, 0, 0, 0}, RET_A), 0);
	EXPECT_EQ(RUN(p, {LD | W | IMM, 0, 0, 9}, {ALU | 0x90 | X, 0, 0, 0}, {RET, 0, 0, 5}), 0);
	EXPECT_EQ(RUN(p, {LD | W | IMM, 0, 0, 9}, {ST, 0, 0, 15}, {LD | W | IMM, 0, 0, 0},
			  {LDX | MEM, 0, 0, 15}, {MISC | 0x80, 0, 0, 0}, RET_A),
		9);
	pkt_free(p);
}

TEST(jumps)
{
	struct pkt *p;

	begin();
	p = counting(10, 10);
	for (unsigned a = 0; a < 3; a++) {
		/* 1 == a ? 10 : a > 1 ? 20 : 30 */
		EXPECT_EQ(RUN(p, {LD | W | IMM, 0, 0, a}, {JMP | 0x10, 0, 1, 1}, {RET, 0, 0, 10},
				  {JMP | 0x20, 0, 1, 1}, {RET, 0, 0, 20}, {RET, 0, 0, 30}),
			a == 1 ? 10
			: a    ? 20
			       : 30);
		EXPECT_EQ(RUN(p, {LDX | W | IMM, 0, 0, 1}, {LD | W | IMM, 0, 0, a},
				  {JMP | 0x30 | X, 0, 1, 0}, {RET, 0, 0, 10}, {RET, 0, 0, 20}),
			a >= 1 ? 10 : 20);
	}
	EXPECT_EQ(RUN(p, {JMP, 0, 0, 1}, {RET, 0, 0, 1}, {RET, 0, 0, 2}), 2);
	EXPECT_EQ(RUN(p, {LD | W | IMM, 0, 0, 6}, {JMP | 0x40, 0, 1, 2}, {RET, 0, 0, 1},
			  {RET, 0, 0, 2}),
		1);
	pkt_free(p);
}

TEST(the_checker_refuses)
{
	struct sock_filter many[2] = {{RET, 0, 0, 0}, {RET, 0, 0, 0}};

	EXPECT_EQ(check(many, 0), -EINVAL);
	EXPECT_EQ(check(many, BPF_MAXINSNS + 1), -EINVAL);
	EXPECT_EQ(CHECK({LD | W | IMM, 0, 0, 0}), -EINVAL); /* falls off the end */
	EXPECT_EQ(CHECK({RET | X, 0, 0, 0}), -EINVAL);
	EXPECT_EQ(CHECK({0x100, 0, 0, 0}, {RET, 0, 0, 0}), -EINVAL);
	EXPECT_EQ(CHECK({LD | H | IMM, 0, 0, 0}, {RET, 0, 0, 0}), -EINVAL);
	EXPECT_EQ(CHECK({LDX | W | ABS, 0, 0, 0}, {RET, 0, 0, 0}), -EINVAL);
	EXPECT_EQ(CHECK({ALU | 0xb0, 0, 0, 0}, {RET, 0, 0, 0}), -EINVAL);
	EXPECT_EQ(CHECK({ALU | 0x30, 0, 0, 0}, {RET, 0, 0, 0}), -EINVAL); /* by zero */
	EXPECT_EQ(CHECK({ALU | 0x90, 0, 0, 0}, {RET, 0, 0, 0}), -EINVAL);
	EXPECT_EQ(CHECK({ALU | 0x60, 0, 0, 32}, {RET, 0, 0, 0}), -EINVAL);
	EXPECT_EQ(CHECK({ST, 0, 0, 16}, {RET, 0, 0, 0}), -EINVAL);
	EXPECT_EQ(CHECK({JMP, 0, 0, 1}, {RET, 0, 0, 0}), -EINVAL);
	EXPECT_EQ(CHECK({JMP, 0, 0, 0xffffffff}, {RET, 0, 0, 0}), -EINVAL);
	EXPECT_EQ(CHECK({JMP | 0x10, 1, 0, 0}, {RET, 0, 0, 0}), -EINVAL);
	EXPECT_EQ(CHECK({JMP | 0x10, 0, 1, 0}, {RET, 0, 0, 0}), -EINVAL);
	EXPECT_EQ(CHECK({JMP | 0x50, 0, 0, 0}, {RET, 0, 0, 0}), -EINVAL);
	EXPECT_EQ(CHECK({MISC | 0x40, 0, 0, 0}, {RET, 0, 0, 0}), -EINVAL);
}

TEST(memory_is_written_before_it_is_read_on_every_path)
{
	EXPECT_EQ(CHECK({LD | MEM, 0, 0, 3}, RET_A), -EINVAL);
	EXPECT_EQ(CHECK({ST, 0, 0, 3}, {LD | MEM, 0, 0, 3}, RET_A), 0);
	/* one way around the store */
	EXPECT_EQ(CHECK({JMP | 0x10, 1, 0, 0}, {ST, 0, 0, 3}, {LD | MEM, 0, 0, 3}, RET_A), -EINVAL);
	/* each way has one */
	EXPECT_EQ(CHECK({JMP | 0x10, 2, 0, 0}, {ST, 0, 0, 3}, {JMP, 0, 0, 1}, {STX, 0, 0, 3},
			  {LD | MEM, 0, 0, 3}, RET_A),
		0);
	alloc_fail_after(0);
	EXPECT_EQ(CHECK(RET_A), -ENOMEM);
	alloc_fail_after(1);
	EXPECT_EQ(CHECK(RET_A), -ENOMEM);
}

/* Instructions that the checker takes are rare among random ones: most fields are chosen from what
 * is likely right. */
static struct sock_filter any_insn(unsigned left)
{
	static const uint16_t codes[] = {LD | W | ABS, LD | H | ABS, LD | B | ABS, LD | W | IND,
		LD | H | IND, LD | B | IND, LD | IMM, LD | LEN, LD | MEM, LDX | IMM, LDX | MEM,
		LDX | LEN, LDX | B | MSH, ST, STX, MISC, MISC | 0x80};
	static const uint32_t ks[] = {0, 1, 12, 14, 23, 31, 59, 60, 299, 300, AD_OFF, AD_OFF + 24,
		AD_OFF + 52, AD_OFF + 56, NET_OFF, NET_OFF + 16, LL_OFF, LL_OFF + 12, 0x7fffffff,
		0x80000000, 0xffffffff};
	struct sock_filter i = {
		.k = unit_below(4) ? ks[unit_below(ARRAY_SIZE(ks))] : (uint32_t)unit_random()};

	switch (unit_below(8)) {
	case 0:
		i.code = (uint16_t)(ALU | unit_below(12) << 4 | unit_below(2) << 3);
		break;
	case 1:
		i.code = (uint16_t)(JMP | unit_below(6) << 4 | unit_below(2) << 3);
		i.jt = (uint8_t)unit_below(left + 1);
		i.jf = (uint8_t)unit_below(left + 1);
		i.k = unit_below(2) ? (uint32_t)unit_below(left + 1) : i.k;
		break;
	case 2:
		i.code = (uint16_t)unit_random();
		break;
	case 3:
		i.code = (uint16_t)(unit_below(2) ? ST : LD | MEM);
		i.k = (uint32_t)unit_below(17);
		break;
	default:
		i.code = codes[unit_below(ARRAY_SIZE(codes))];
	}
	return i;
}

TEST(whatever_the_checker_takes_runs_safely)
{
	struct pkt *p[3];
	unsigned taken = 0;

	begin();
	p[0] = counting(10, 300);
	p[1] = counting(0, 1);
	p[2] = counting(60, 60);
	p[2]->protocol = 0;
	for (unsigned round = 0; round < 200000; round++) {
		struct sock_filter f[24];
		unsigned n = 1 + (unsigned)unit_below(ARRAY_SIZE(f));
		struct sock_filter_prog *prog;

		for (unsigned i = 0; i < n; i++)
			f[i] = any_insn(n - i - 1);
		if (unit_below(16))
			f[n - 1] = (struct sock_filter){RET | A, 0, 0, 0};
		if (bpf_prog_create(f, n, &prog))
			continue;
		taken++;
		for (unsigned k = 0; k < ARRAY_SIZE(p); k++)
			bpf_run(prog, p[k]);
		bpf_prog_put(prog);
		if (round % 256 == 0)
			unit_rcu_flush();
	}
	EXPECT(taken > 1000);
	for (unsigned k = 0; k < ARRAY_SIZE(p); k++)
		pkt_free(p[k]);
}
