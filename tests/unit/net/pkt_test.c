/* LINK: kernel/net/pkt.c kernel/net/csum.c kernel/mm/iov_iter.c */
#include <csum.h>
#include <error.h>
#include <pkt.h>
#include <unit.h>

static uint8_t bytes[70000];

static void begin(void)
{
	static bool is_ready;

	if (!is_ready)
		pkt_init();
	is_ready = true;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)unit_random();
}

/* @lin linear bytes, then @n bytes in pieces of at most @step, as separate pages would give. */
static struct pkt *build(size_t lin, size_t n, size_t step)
{
	struct pkt *p = pkt_alloc(14);

	memcpy(pkt_append(p, (unsigned)lin), bytes, lin);
	for (size_t at = 0; at < n; at += step) {
		size_t part = MIN(step, n - at);
		uint32_t off;
		struct page *page = pkt_room_take(part + 1, &off); /* + 1: pieces do not touch */

		memcpy((char *)page_address(page) + off, bytes + lin + at, part);
		PANIC_ON(!pkt_add_frag(p, page, off, (uint32_t)part));
	}
	return p;
}

static void expect_bytes(const struct pkt *p, size_t from, size_t n)
{
	static uint8_t out[70000];

	EXPECT_EQ(p->len, n);
	pkt_copy_bytes(p, 0, out, n);
	EXPECT_MEM(out, bytes + from, n);
}

TEST(a_new_pkt_is_empty_and_is_freed_whole)
{
	struct pkt *p;
	long before;

	begin();
	before = alloc_live();
	p = pkt_alloc_tx();
	EXPECT_EQ(pkt_headroom(p), PKT_HEADROOM);
	EXPECT_EQ(p->len, 0);
	EXPECT_EQ(pkt_tailroom(p), PKT_LINEAR - PKT_HEADROOM);
	memset(pkt_push(p, 20), 1, 20);
	EXPECT_EQ(p->len, 20);
	pkt_free(p);
	EXPECT_EQ(alloc_live(), before);
}

TEST(small_payload_stays_linear_and_large_goes_to_pages)
{
	struct pkt *p;

	begin();
	p = pkt_alloc_tx();
	EXPECT_EQ(pkt_append_bytes(p, bytes, 100), 0);
	EXPECT_EQ(p->nr_frags, 0);
	EXPECT_EQ(pkt_append_bytes(p, bytes + 100, 30), 0); /* does not fit: all of it to a page */
	EXPECT_EQ(p->lin_len, 100);
	EXPECT_EQ(p->nr_frags, 1);
	EXPECT_EQ(pkt_append_bytes(p, bytes + 130, 60000), 0);
	EXPECT(p->nr_frags <= 3);
	expect_bytes(p, 0, 60130);
	pkt_free(p);
}

TEST(appending_twice_makes_one_piece_longer)
{
	struct pkt *p, *q;

	begin();
	p = pkt_alloc_tx();
	q = pkt_alloc_tx();
	for (unsigned i = 0; i < 10; i++)
		EXPECT_EQ(pkt_append_bytes(p, bytes + i * 300, 300), 0);
	EXPECT_EQ(p->nr_frags, 1);
	EXPECT_EQ(pkt_append_bytes(q, bytes, 300), 0); /* another's piece comes between */
	EXPECT_EQ(pkt_append_bytes(p, bytes + 3000, 300), 0);
	EXPECT_EQ(p->nr_frags, 2);
	expect_bytes(p, 0, 3300);
	pkt_free(p);
	expect_bytes(q, 0, 300);
	pkt_free(q);
}

TEST(copy_from_a_program_stops_at_a_fault)
{
	struct iov_iter it;
	struct pkt *p;
	struct iovec iov[2] = {{bytes, 500}, {(void *)16, 500}};

	begin();
	p = pkt_alloc_tx();
	iov_iter_vec(&it, iov, 2, 1000);
	EXPECT_EQ(pkt_append_iter(p, &it, 1000), 500);
	expect_bytes(p, 0, 500);
	EXPECT_EQ(pkt_append_iter(p, &it, 500), -EFAULT);
	EXPECT_EQ(pkt_append_bytes(p, bytes + 500, 500), 0); /* the room goes on where it stopped */
	EXPECT_EQ(p->nr_frags, 1);
	expect_bytes(p, 0, 1000);
	pkt_free(p);
	p = pkt_alloc_tx();
	iov_iter_user(&it, (void *)16, 50);
	EXPECT_EQ(pkt_append_iter(p, &it, 50), -EFAULT);
	EXPECT_EQ(p->len, 0);
	pkt_free(p);
}

TEST(a_pkt_holds_64_kilobytes_and_no_more_frags_than_it_has)
{
	struct pkt *p, *other;
	struct iov_iter it;
	size_t done = 0;

	begin();
	p = pkt_alloc_tx();
	iov_iter_user(&it, bytes, sizeof(bytes));
	EXPECT_EQ(pkt_append_iter(p, &it, 65536), 65536);
	expect_bytes(p, 0, 65536);
	pkt_free(p);
	p = pkt_alloc_tx();
	other = pkt_alloc_tx();
	while (done < 40 * 200) {
		if (pkt_append_bytes(p, bytes + done, 200))
			break;
		done += 200;
		pkt_free(other);
		other = pkt_alloc_tx();
		EXPECT_EQ(pkt_append_bytes(other, bytes, 200), 0);
	}
	EXPECT_EQ(done, PKT_FRAGS * 200);
	EXPECT_EQ(pkt_append_bytes(p, bytes, 200), -EMSGSIZE);
	expect_bytes(p, 0, done);
	pkt_free(p);
	pkt_free(other);
}

TEST(need_pulls_bytes_out_of_pages)
{
	begin();
	for (unsigned step = 1; step < 40; step += 3) {
		struct pkt *p = build(10, 17 * step, step);
		unsigned len = p->len;

		EXPECT(pkt_need(p, MIN(len, 60u)));
		EXPECT(p->lin_len >= MIN(len, 60u));
		EXPECT_MEM(pkt_data(p), bytes, MIN(len, 60u));
		expect_bytes(p, 0, len);
		EXPECT(!pkt_need(p, len + 1));
		EXPECT(!pkt_need(p, PKT_LINEAR + 1));
		pkt_free(p);
	}
}

TEST(need_moves_headers_down_and_keeps_offsets_right)
{
	struct pkt *p;

	begin();
	p = build(200, 1000, 1000);
	p->l2 = 14;
	p->l3 = 40;
	p->l4 = 180;
	pkt_pull(p, 166); /* at l4 */
	EXPECT_EQ(p->off, 180);
	EXPECT(pkt_need(p, 90)); /* only by dropping the 14 bytes in front of l2 */
	EXPECT_EQ(p->l2, 0);
	EXPECT_EQ(p->l3, 26);
	EXPECT_EQ(p->l4, p->off);
	EXPECT_MEM(p->lin + p->l3, bytes + 26, 100);
	EXPECT_MEM(pkt_data(p), bytes + 166, 90);
	EXPECT(!pkt_need(p, 91));
	expect_bytes(p, 166, 1034);
	pkt_free(p);
}

TEST(headroom_is_made_by_moving_up)
{
	struct pkt *p;

	begin();
	p = build(60, 500, 500);
	p->l2 = 14;
	p->l3 = 28;
	EXPECT(pkt_need_headroom(p, 10));
	EXPECT_EQ(p->l2, 14);
	EXPECT(pkt_need_headroom(p, 18));
	EXPECT_EQ(p->l2, 18);
	EXPECT_EQ(p->l3, 32);
	memcpy(pkt_push(p, 18), bytes, 18);
	pkt_pull(p, 18);
	expect_bytes(p, 0, 560);
	EXPECT(!pkt_need_headroom(p, PKT_LINEAR - 59));
	EXPECT(pkt_need_headroom(p, PKT_LINEAR - 60));
	expect_bytes(p, 0, 560);
	pkt_free(p);
}

TEST(pull_and_trim_every_amount)
{
	begin();
	for (unsigned cut = 0; cut <= 530; cut++) {
		struct pkt *p = build(30, 500, 100);

		pkt_pull(p, cut);
		expect_bytes(p, cut, 530 - cut);
		pkt_free(p);
		p = build(30, 500, 100);
		pkt_trim(p, cut);
		expect_bytes(p, 0, cut);
		EXPECT(p->lin_len <= 30 && p->nr_frags <= 5);
		pkt_free(p);
	}
}

TEST(references_and_merging_share_pages)
{
	struct pkt *p, *q, *c;
	long before;

	begin();
	before = alloc_live();
	p = build(40, 3000, 700);
	for (unsigned off = 0; off < 3000; off += 333) {
		q = pkt_alloc_tx();
		EXPECT_EQ(pkt_append_ref(q, p, off, 3040 - off), 0);
		expect_bytes(q, off, 3040 - off);
		c = pkt_clone(q);
		pkt_free(q);
		expect_bytes(c, off, 3040 - off);
		pkt_free(c);
	}
	q = pkt_alloc_tx();
	c = pkt_alloc_tx();
	EXPECT_EQ(pkt_append_ref(q, p, 0, 1234), 0);
	EXPECT_EQ(pkt_append_ref(c, p, 1234, 3040 - 1234), 0);
	pkt_free(p);
	EXPECT(pkt_merge(q, c));
	expect_bytes(q, 0, 3040);
	EXPECT_EQ(q->nr_frags, 5); /* the two halves of a piece are one again */
	p = build(10, 1400, 100);
	EXPECT(!pkt_merge(q, p)); /* 5 + 14 */
	expect_bytes(q, 0, 3040);
	expect_bytes(p, 0, 1410);
	pkt_free(p);
	pkt_free(q);
	EXPECT(alloc_live() <= before + 1); /* the room may be a new one */
}

TEST(bytes_can_be_stored_and_summed_across_pieces)
{
	struct pkt *p;

	begin();
	p = build(33, 1000, 77);
	for (unsigned off = 0; off < 300; off += 7)
		EXPECT_EQ((__force uint16_t)csum_fold(pkt_csum(p, off, 700, 0)),
			(__force uint16_t)csum_fold(csum_bytes(bytes + off, 700, 0)));
	memset(bytes + 20, 7, 500);
	pkt_store_bytes(p, 20, bytes + 20, 500);
	expect_bytes(p, 0, 1033);
	pkt_free(p);
}

TEST(a_partial_checksum_is_completed)
{
	struct pkt *p;
	__be16 pseudo = to_be16(0x1234);

	begin();
	for (unsigned lin = 22; lin < 40; lin++) {
		p = build(lin, 999, 500);
		p->csum = CSUM_PARTIAL;
		p->csum_start = p->off + 20;
		p->csum_offset = 6;
		pkt_store_bytes(p, 26, &pseudo, 2);
		memcpy(bytes + 26, &pseudo, 2);
		pkt_csum_complete(p);
		EXPECT_EQ(p->csum, CSUM_NONE);
		pkt_copy_bytes(p, 26, bytes + 26, 2);
		/* with the field in it, and the pseudo-header's sum, all is ~0 */
		EXPECT_EQ(csum_fold(csum_add(
				  pkt_csum(p, 20, p->len - 20, 0), (__force uint16_t)pseudo)),
			0);
		expect_bytes(p, 0, lin + 999);
		pkt_free(p);
	}
	p = build(20, 10, 10); /* a start behind the end does nothing */
	p->csum = CSUM_PARTIAL;
	p->csum_start = 200;
	p->csum_offset = 16;
	pkt_csum_complete(p);
	expect_bytes(p, 0, 30);
	pkt_free(p);
}

static unsigned destroyed;
static void count_destructor(struct pkt *p)
{
	(void)p;
	destroyed++;
}

TEST(the_destructor_runs_once)
{
	struct pkt *p, *c;

	begin();
	destroyed = 0;
	p = pkt_alloc_tx();
	p->destructor = count_destructor;
	c = pkt_clone(p);
	pkt_free(c);
	EXPECT_EQ(destroyed, 0);
	pkt_orphan(p);
	EXPECT_EQ(destroyed, 1);
	pkt_free(p);
	EXPECT_EQ(destroyed, 1);
}

TEST(without_memory_nothing_is_lost)
{
	long before;

	begin();
	for (long n = 0; n < 6; n++) {
		struct pkt *p = pkt_alloc_tx();
		uint32_t off;
		struct page *page;

		before = alloc_live();
		EXPECT_EQ(pkt_append_bytes(p, bytes, 300), 0);
		alloc_fail_after(n);
		if (pkt_append_bytes(p, bytes + 300, 60000)) {
			expect_bytes(p, 0, 300);
		} else {
			expect_bytes(p, 0, 60300);
		}
		page = pkt_room_take(32768, &off);
		if (page)
			page_put(page);
		alloc_fail_after(-1);
		EXPECT(!pkt_room_take(32769, &off));
		pkt_free(p);
		EXPECT(alloc_live() <= before + 1);
	}
	alloc_fail_after(0);
	EXPECT(!pkt_alloc_tx());
}
