/*
 * lent.h - for tests of MSG_ZEROCOPY: a program's pages, sends of them, and the notices.
 */
#pragma once
#include <error.h>
#include <iov_iter.h>
#include <page.h>
#include <socket.h>
#include <string.h>
#include <task.h>
#include <unit.h>
#include <vm.h>

enum { LENT_MOST = 24 };
static struct page *lent[LENT_MOST];
static unsigned nr_lent;
static struct mm lent_mm;

static void lent_begin(unsigned pages)
{
	lent_mm.limit_memlock = UINT64_MAX;
	current->mm = &lent_mm;
	for (nr_lent = 0; nr_lent < pages; nr_lent++) {
		lent[nr_lent] = page_alloc(0, GFP_KERNEL);
		PANIC_ON(!lent[nr_lent]);
	}
}

static uint8_t *lent_bytes(unsigned i)
{
	return page_address(lent[i]);
}

/* They are the program's alone again. */
static void lent_end(void)
{
	for (unsigned i = 0; i < nr_lent; i++) {
		EXPECT_EQ(refcount_read(&lent[i]->refs), 1);
		page_put(lent[i]);
	}
	current->mm = NULL;
}

/* sendmsg(2) of @n bytes from the start of page @first on, a piece for each page. */
static ssize_t lent_send(struct socket *s, unsigned first, size_t n)
{
	struct iovec iov[LENT_MOST];
	struct iov_iter it;
	struct socket_msg m = {.iter = &it, .flags = MSG_DONTWAIT | MSG_ZEROCOPY};
	size_t nr = 0;

	for (size_t left = n; left; nr++) {
		size_t part = MIN(left, (size_t)PAGE_SIZE);

		iov[nr] = (struct iovec){lent_bytes(first + (unsigned)nr), part};
		left -= part;
	}
	iov_iter_vec(&it, iov, nr, n);
	return socket_send_zerocopy(s, &m, n, 0);
}

static void expect_no_notice(struct socket *s)
{
	EXPECT(list_empty(&s->errq.list));
}

/* The first notice is of sends @first to @last, with @code. */
static void expect_notice(struct socket *s, uint32_t first, uint32_t last, unsigned code)
{
	struct pkt *p = pkt_dequeue(&s->errq);
	const struct sock_ext_err *e;

	EXPECT(p != NULL);
	if (!p)
		return;
	e = &socket_err_cb(p)->e;
	EXPECT_EQ(e->ee_origin, SO_EE_ORIGIN_ZEROCOPY);
	EXPECT_EQ(e->ee_errno, 0);
	EXPECT_EQ(e->ee_code, code);
	EXPECT_EQ(e->ee_info, first);
	EXPECT_EQ(e->ee_data, last);
	pkt_free(p);
}
