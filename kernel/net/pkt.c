/*
 * pkt.c - packet buffers: memory, and moving bytes and page references about.
 *
 * Does not: cut packets into segments (gso.c), know any protocol.
 *
 * Memory. A struct pkt comes from a slab cache; a short chain of free ones per CPU in front of it
 * needs no interrupt locks, as pkts are never touched by interrupt handlers and the kernel is not
 * preempted. Payload goes to "rooms": each CPU has one block of 2^ROOM_ORDER pages, of which pieces
 * are given away in ascending order, each with a reference to the block; what continues the last
 * piece of a pkt just makes it longer. Blocks whose last reference goes are kept for the next
 * room, a few per CPU. Where blocks are scarce a room is a single page.
 *
 * A copy from a program may sleep, and then other tasks use this CPU's room: so the piece is taken
 * out of the room first and filled then; nobody else is ever given the same bytes.
 *
 * truesize counts the struct and the bytes of pieces, not the blocks they pin: a block is shared
 * by what was sent or received about the same time, and goes when all of it has gone.
 */
#include <csum.h>
#include <error.h>
#include <pkt.h>
#include <slab.h>
#include <string.h>
#include <arch/percpu.h>

#define ROOM_ORDER  3u
#define SPARE_ROOMS 8u
#define SPARE_PKTS  64u
#define MAY_SPARE   (!CONFIG_DEBUG) /* DEBUG: let the allocators check every one */
#define ROOM_STEP   16u             /* new pieces begin at multiples of it */
#define SMALL_REST  512u /* a shorter rest of a room is not worth a piece of a larger payload */

static struct slab_cache *pkt_cache;

struct room {
	struct page *page; /* a reference is held; NULL: none */
	uint32_t off, size;
	struct page *spare[SPARE_ROOMS];
	uint32_t nr_spare;
};
struct spare_pkts {
	struct pkt *first; /* chained by ->owner */
	uint32_t count;
};
static DEFINE_PER_CPU(struct room, pkt_room);
static DEFINE_PER_CPU(struct spare_pkts, spare_pkts);

void pkt_init(void)
{
	pkt_cache = slab_cache_create("pkt", sizeof(struct pkt), 64, NULL);
}

/* ---- struct pkt ---- */

static struct pkt *pkt_get_memory(void)
{
	struct spare_pkts *s = this_cpu_ptr(spare_pkts);
	struct pkt *p = s->first;

	if (unlikely(!p))
		return slab_alloc(pkt_cache, GFP_ATOMIC);
	s->first = (struct pkt *)(void *)p->owner;
	s->count--;
	return p;
}

static void pkt_put_memory(struct pkt *p)
{
	struct spare_pkts *s = this_cpu_ptr(spare_pkts);

	if (unlikely(!MAY_SPARE || s->count >= SPARE_PKTS)) {
		slab_free(pkt_cache, p);
		return;
	}
	p->owner = (struct socket *)(void *)s->first;
	s->first = p;
	s->count++;
}

struct pkt *pkt_alloc(unsigned headroom)
{
	struct pkt *p = pkt_get_memory();

	ASSERT(headroom <= PKT_LINEAR);
	if (unlikely(!p))
		return NULL;
	list_init(&p->node);
	p->len = 0;
	p->off = (uint16_t)headroom;
	p->lin_len = 0;
	p->l2 = p->l3 = p->l4 = 0;
	p->protocol = 0;
	p->nr_frags = 0;
	p->csum = CSUM_NONE;
	p->gso = GSO_NONE;
	p->type = PKT_HOST;
	p->csum_start = p->csum_offset = 0;
	p->gso_size = p->gso_segs = 0;
	p->vlan_tci = 0;
	p->has_vlan = false;
	p->priority = 0;
	p->mark = 0;
	p->hash = 0;
	p->truesize = sizeof(*p);
	p->tstamp_ns = 0;
	p->dev = NULL;
	p->destructor = NULL;
	p->owner = NULL;
	p->note = NULL;
	return p;
}

/* The last reference to a page of payload went: keep a block of a room for the next one. */
static void __noinline page_last(struct page *page)
{
	struct room *r = this_cpu_ptr(pkt_room);

	if (MAY_SPARE && page->order == ROOM_ORDER && !page->flags && !page->mapping &&
		r->nr_spare < SPARE_ROOMS) {
		refcount_set(&page->refs, 1);
		r->spare[r->nr_spare++] = page;
		return;
	}
	page_put_last(page);
}

static inline void frag_put(struct pkt_frag *f)
{
	if (refcount_dec(&f->page->refs))
		page_last(f->page);
}

void pkt_orphan(struct pkt *p)
{
	void (*destructor)(struct pkt *) = p->destructor;

	if (!destructor)
		return;
	p->destructor = NULL;
	destructor(p);
	p->owner = NULL;
}

void pkt_free(struct pkt *p)
{
	if (p->destructor)
		pkt_orphan(p);
	for (unsigned i = 0; i < p->nr_frags; i++)
		frag_put(&p->frag[i]);
	if (unlikely(p->note != NULL))
		pkt_note_put(p->note);
	pkt_put_memory(p);
}

void pkt_queue_purge(struct pkt_queue *q)
{
	struct pkt *p;

	while ((p = pkt_dequeue(q)))
		pkt_free(p);
}

struct pkt *pkt_clone(const struct pkt *p)
{
	struct pkt *c = pkt_get_memory();

	if (unlikely(!c))
		return NULL;
	memcpy(c, p, offsetof(struct pkt, frag) + p->nr_frags * sizeof(p->frag[0]));
	memcpy(c->lin, p->lin, p->off + p->lin_len);
	for (unsigned i = 0; i < c->nr_frags; i++)
		page_get(c->frag[i].page);
	list_init(&c->node);
	c->destructor = NULL;
	c->owner = NULL;
	if (unlikely(c->note != NULL))
		refcount_inc(&c->note->refs);
	return c;
}

/* ---- rooms ---- */

/* A new block for this CPU's room; may sleep with @gfp GFP_USER, and the CPU change. False: no
 * memory. */
static bool __noinline room_refill(unsigned gfp)
{
	struct room *r = this_cpu_ptr(pkt_room);
	struct page *page;

	if (r->nr_spare) {
		page = r->spare[--r->nr_spare];
	} else {
		page = page_alloc(ROOM_ORDER, GFP_NOWAIT);
		if (!page)
			page = page_alloc(0, gfp);
		if (!page)
			return false;
		r = this_cpu_ptr(pkt_room);
	}
	if (r->page && refcount_dec(&r->page->refs))
		page_last(r->page);
	r->page = page;
	r->off = 0;
	r->size = (uint32_t)(PAGE_SIZE << page->order);
	return true;
}

struct page *pkt_room_take(size_t n, uint32_t *off)
{
	struct room *r = this_cpu_ptr(pkt_room);

	for (;;) {
		uint32_t at = ALIGN_UP(r->off, ROOM_STEP);

		if (likely(r->page && at + n <= r->size)) {
			*off = at;
			r->off = at + (uint32_t)n;
			return page_get(r->page);
		}
		if (n > PAGE_SIZE << ROOM_ORDER || !room_refill(GFP_ATOMIC) || n > r->size)
			return NULL;
	}
}

static bool is_continued(const struct pkt *p, const struct room *r)
{
	const struct pkt_frag *f;

	if (!p->nr_frags)
		return false;
	f = &p->frag[p->nr_frags - 1];
	return f->page == r->page && f->off + f->len == r->off;
}

/*
 * Take a piece of at most @n bytes behind the payload of @p: *at is where they go; they count as
 * part of @p already. The frag is made longer, or a new one begun. 0: all frags are used, or no
 * memory (*err).
 */
static uint32_t frag_grow(struct pkt *p, size_t n, unsigned gfp, uint8_t **at, int *err)
{
	struct room *r = this_cpu_ptr(pkt_room);
	uint32_t start, part;
	bool is_new = !is_continued(p, r);

	start = is_new ? ALIGN_UP(r->off, ROOM_STEP) : r->off;
	if (!r->page || start >= r->size ||
		(is_new && r->size - start < MIN(n, (size_t)SMALL_REST))) {
		if (unlikely(!room_refill(gfp))) {
			*err = -ENOMEM;
			return 0;
		}
		r = this_cpu_ptr(pkt_room);
		start = r->off = ALIGN_UP(r->off, ROOM_STEP);
		is_new = true;
	}
	if (is_new && p->nr_frags == PKT_FRAGS) {
		*err = -EMSGSIZE;
		return 0;
	}
	part = (uint32_t)MIN(n, (size_t)(r->size - start));
	if (is_new)
		p->frag[p->nr_frags++] = (struct pkt_frag){page_get(r->page), start, 0};
	p->frag[p->nr_frags - 1].len += part;
	p->len += part;
	p->truesize += part;
	r->off = start + part;
	*at = (uint8_t *)page_address(r->page) + start;
	return part;
}

/* The last @n bytes of the payload were not filled: take them off, and give them back to the room
 * if it is still the same. */
static void frag_shrink(struct pkt *p, uint32_t n)
{
	struct room *r = this_cpu_ptr(pkt_room);
	struct pkt_frag *f = &p->frag[p->nr_frags - 1];

	if (f->page == r->page && f->off + f->len == r->off)
		r->off -= n;
	f->len -= n;
	p->len -= n;
	p->truesize -= n;
	if (!f->len) {
		p->nr_frags--;
		frag_put(f);
	}
}

/* ---- appending ---- */

static bool fits_linear(const struct pkt *p, size_t n)
{
	return !p->nr_frags && n <= pkt_tailroom(p);
}

ssize_t pkt_append_iter(struct pkt *p, struct iov_iter *from, size_t n)
{
	unsigned gfp = from->kind == ITER_USER ? GFP_USER | GFP_NORETRY : GFP_ATOMIC;
	size_t done = 0;
	int err = 0;

	n = MIN(n, from->count);
	if (fits_linear(p, n)) {
		done = copy_from_iter(p->lin + p->off + p->lin_len, n, from);
		p->lin_len += (uint16_t)done;
		p->len += (uint32_t)done;
		return done || !n ? (ssize_t)done : -EFAULT;
	}
	while (done < n) {
		uint8_t *at;
		uint32_t part = frag_grow(p, n - done, gfp, &at, &err);
		size_t copied;

		if (!part)
			break;
		copied = copy_from_iter(at, part, from);
		done += copied;
		if (unlikely(copied < part)) {
			frag_shrink(p, part - (uint32_t)copied);
			err = -EFAULT;
			break;
		}
	}
	return done || err == -EMSGSIZE ? (ssize_t)done : err;
}

int pkt_append_bytes(struct pkt *p, const void *src, size_t n)
{
	uint32_t before = p->len;
	int err = 0;

	if (fits_linear(p, n)) {
		memcpy(pkt_append(p, (unsigned)n), src, n);
		return 0;
	}
	while (n) {
		uint8_t *at;
		uint32_t part = frag_grow(p, n, GFP_ATOMIC, &at, &err);

		if (unlikely(!part)) {
			pkt_trim(p, before);
			return err;
		}
		memcpy(at, src, part);
		src = (const uint8_t *)src + part;
		n -= part;
	}
	return 0;
}

bool pkt_add_frag(struct pkt *p, struct page *page, uint32_t off, uint32_t len)
{
	struct pkt_frag *last = p->nr_frags ? &p->frag[p->nr_frags - 1] : NULL;

	if (last && last->page == page && last->off + last->len == off) {
		struct pkt_frag extra = {page, off, len};

		last->len += len;
		frag_put(&extra);
	} else {
		if (unlikely(p->nr_frags == PKT_FRAGS))
			return false;
		p->frag[p->nr_frags++] = (struct pkt_frag){page, off, len};
	}
	p->len += len;
	p->truesize += len;
	return true;
}

int pkt_append_ref(struct pkt *to, const struct pkt *from, unsigned off, size_t n)
{
	uint32_t before = to->len;

	ASSERT(off + n <= from->len);
	if (off < from->lin_len) {
		size_t part = MIN(n, (size_t)(from->lin_len - off));
		int err = pkt_append_bytes(to, from->lin + from->off + off, part);

		if (unlikely(err))
			return err;
		off += (unsigned)part;
		n -= part;
	}
	off -= from->lin_len;
	if (unlikely(n && from->note)) {
		if (to->note && to->note != from->note) {
			pkt_trim(to, before);
			return -EMSGSIZE;
		}
		pkt_set_note(to, from->note);
	}
	for (const struct pkt_frag *f = from->frag; n; f++) {
		uint32_t part;

		if (off >= f->len) {
			off -= f->len;
			continue;
		}
		part = (uint32_t)MIN(n, (size_t)(f->len - off));
		page_get(f->page);
		if (unlikely(!pkt_add_frag(to, f->page, f->off + off, part))) {
			struct pkt_frag extra = *f;

			frag_put(&extra);
			pkt_trim(to, before);
			return -EMSGSIZE;
		}
		n -= part;
		off = 0;
	}
	return 0;
}

bool pkt_merge(struct pkt *to, struct pkt *from)
{
	unsigned need = from->nr_frags + (from->lin_len && !fits_linear(to, from->lin_len) ? 2 : 0);

	if (to->nr_frags + need > PKT_FRAGS ||
		unlikely(to->note && from->note && to->note != from->note))
		return false;
	if (from->lin_len && pkt_append_bytes(to, pkt_data(from), from->lin_len))
		return false;
	for (unsigned i = 0; i < from->nr_frags; i++) {
		bool added = pkt_add_frag(
			to, from->frag[i].page, from->frag[i].off, from->frag[i].len);

		ASSERT(added);
		(void)added;
	}
	from->nr_frags = 0;
	if (unlikely(from->note != NULL))
		pkt_set_note(to, from->note);
	pkt_free(from);
	return true;
}

/* ---- cutting ---- */

/* Drop the first @n frags of @p. */
static void frags_drop(struct pkt *p, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		frag_put(&p->frag[i]);
	p->nr_frags -= (uint8_t)n;
	memmove(&p->frag[0], &p->frag[n], p->nr_frags * sizeof(p->frag[0]));
}

/* Drop @n bytes from the front of the frags. */
static void frags_pull(struct pkt *p, uint32_t n)
{
	unsigned gone = 0;

	while (n && n >= p->frag[gone].len)
		n -= p->frag[gone++].len;
	if (gone)
		frags_drop(p, gone);
	if (n) {
		p->frag[0].off += n;
		p->frag[0].len -= n;
	}
}

bool pkt_need_slow(struct pkt *p, unsigned n)
{
	unsigned more = n - p->lin_len;
	uint8_t *at;

	if (n > p->len || n > PKT_LINEAR)
		return false;
	if (p->off + n > PKT_LINEAR) { /* move down, over what lies in front of the headers */
		unsigned keep = MIN(p->off, MIN(p->l2, p->l3));

		if (p->off - keep + n > PKT_LINEAR)
			return false;
		memmove(p->lin, p->lin + keep, p->off - keep + p->lin_len);
		p->off -= (uint16_t)keep;
		p->l2 -= (uint16_t)keep;
		p->l3 -= (uint16_t)keep;
		p->l4 -= (uint16_t)MIN(keep, p->l4);
		p->csum_start -= (uint16_t)MIN(keep, p->csum_start);
	}
	at = p->lin + p->off + p->lin_len;
	pkt_copy_bytes(p, p->lin_len, at, more);
	frags_pull(p, more);
	p->lin_len = (uint16_t)n;
	return true;
}

bool pkt_need_headroom(struct pkt *p, unsigned n)
{
	unsigned by = n - p->off;

	if (n <= p->off)
		return true;
	if (n + p->lin_len > PKT_LINEAR)
		return false;
	memmove(p->lin + by, p->lin, p->off + p->lin_len);
	p->off += (uint16_t)by;
	p->l2 += (uint16_t)by;
	p->l3 += (uint16_t)by;
	p->l4 += (uint16_t)by;
	p->csum_start += (uint16_t)by;
	return true;
}

void pkt_pull_slow(struct pkt *p, unsigned n)
{
	ASSERT(n <= p->len);
	frags_pull(p, n - p->lin_len);
	p->off += p->lin_len;
	p->lin_len = 0;
	p->len -= n;
}

void pkt_trim(struct pkt *p, unsigned len)
{
	uint32_t drop = p->len - len;

	ASSERT(len <= p->len);
	p->len = len;
	while (drop && p->nr_frags) {
		struct pkt_frag *f = &p->frag[p->nr_frags - 1];

		if (f->len > drop) {
			f->len -= drop;
			return;
		}
		drop -= f->len;
		p->nr_frags--;
		frag_put(f);
	}
	p->lin_len -= (uint16_t)drop;
}

/* ---- bytes in place ---- */

static uint8_t *frag_address(const struct pkt_frag *f)
{
	return (uint8_t *)page_address(f->page) + f->off;
}

/* One piece of @p in contiguous memory that begins at @off: returns its length, at most @n. */
static size_t piece(const struct pkt *p, unsigned off, size_t n, uint8_t **at)
{
	if (off < p->lin_len) {
		*at = (uint8_t *)p->lin + p->off + off;
		return MIN(n, (size_t)(p->lin_len - off));
	}
	off -= p->lin_len;
	for (const struct pkt_frag *f = p->frag;; f++) {
		if (off < f->len) {
			*at = frag_address(f) + off;
			return MIN(n, (size_t)(f->len - off));
		}
		off -= f->len;
	}
}

void pkt_copy_bytes(const struct pkt *p, unsigned off, void *to, size_t n)
{
	ASSERT(off + n <= p->len);
	while (n) {
		uint8_t *at;
		size_t part = piece(p, off, n, &at);

		memcpy(to, at, part);
		to = (uint8_t *)to + part;
		off += (unsigned)part;
		n -= part;
	}
}

void pkt_store_bytes(struct pkt *p, unsigned off, const void *from, size_t n)
{
	ASSERT(off + n <= p->len);
	while (n) {
		uint8_t *at;
		size_t part = piece(p, off, n, &at);

		memcpy(at, from, part);
		from = (const uint8_t *)from + part;
		off += (unsigned)part;
		n -= part;
	}
}

bool pkt_own_pages_slow(struct pkt *p)
{
	struct pkt *c = pkt_alloc(PKT_LINEAR); /* no room but in pages */

	if (unlikely(!c))
		return false;
	for (unsigned i = 0; i < p->nr_frags; i++)
		if (pkt_append_bytes(c, frag_address(&p->frag[i]), p->frag[i].len)) {
			pkt_free(c);
			return false;
		}
	for (unsigned i = 0; i < p->nr_frags; i++)
		frag_put(&p->frag[i]);
	memcpy(p->frag, c->frag, c->nr_frags * sizeof(c->frag[0]));
	p->nr_frags = c->nr_frags;
	c->nr_frags = 0;
	WRITE_ONCE(p->note->is_copied, true);
	pkt_note_put(p->note);
	p->note = NULL;
	pkt_free(c);
	return true;
}

int pkt_copy_iter(const struct pkt *p, unsigned off, struct iov_iter *to, size_t n)
{
	ASSERT(off + n <= p->len);
	while (n) {
		uint8_t *at;
		size_t part = piece(p, off, n, &at);

		if (unlikely(copy_to_iter(at, part, to) != part))
			return -EFAULT;
		off += (unsigned)part;
		n -= part;
	}
	return 0;
}

uint32_t pkt_csum(const struct pkt *p, unsigned off, size_t n, uint32_t sum)
{
	size_t done = 0;

	ASSERT(off + n <= p->len);
	while (done < n) {
		uint8_t *at;
		size_t part = piece(p, off + (unsigned)done, n - done, &at);

		if (done & 1)
			sum = csum_add_at(sum, csum_bytes(at, part, 0), done);
		else
			sum = csum_bytes(at, part, sum);
		done += part;
	}
	return sum;
}

void pkt_csum_complete(struct pkt *p)
{
	unsigned start = p->csum_start - p->off, end = start + p->csum_offset + sizeof(__be16);
	__be16 sum;

	ASSERT(p->csum == CSUM_PARTIAL);
	p->csum = CSUM_NONE;
	if (p->csum_start < p->off || !pkt_need(p, end)) /* a guest's nonsense: it harms nobody */
		return;
	sum = csum_fold(pkt_csum(p, start, p->len - start, 0));
	if (!sum) /* 0 says "no checksum" in UDP (RFC 768), and is equal to ~0 elsewhere */
		sum = (__force __be16)(uint16_t)0xffff;
	memcpy(pkt_data(p) + start + p->csum_offset, &sum, sizeof(sum));
}
