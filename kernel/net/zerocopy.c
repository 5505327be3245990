/*
 * zerocopy.c - MSG_ZEROCOPY: packets that carry the sender's own pages, and the notices on the
 * error queue that say when those are the sender's alone again (Linux's Documentation/networking/
 * msg_zerocopy).
 *
 * Does not: decide when a protocol lends pages (tcp_send.c, udp_send.c) or where a packet must have
 * copies instead: whoever queues one for a receiver on this machine calls pkt_own_pages().
 *
 * A struct zerocopy is one send. The call holds a reference to its note, and so does every packet
 * with some of its pages: those in TCP's queues, their segments and clones, what a device's ring
 * holds. When the last goes, wherever that is, the notice, which was allocated with it, is queued,
 * joined to the last one if it continues that. The number of a send is taken when the call
 * succeeds, so a failed one uses none; no notice can come earlier, as the call's own reference is
 * dropped after that.
 *
 * It refers to its socket: the frame of a socket that is closed may still be in a ring. The last
 * note may go with the socket's lock or a device's held, so that reference is dropped after a grace
 * period. Nothing here refers to the program: what it unmaps, or leaves behind when it exits, is
 * the packets' alone; what it writes to meanwhile may be on the wire.
 *
 * Bounds: bytes in packets count against the send buffer, by whole pages; pages of all sends of a
 * user under way against RLIMIT_MEMLOCK (without CAP_IPC_LOCK); notices not read against
 * net.core.optmem_max of each socket. Beyond the last two: -ENOBUFS.
 *
 * Locks: socket->errq_lock (level 50), a leaf.
 */
#include "zerocopy.h"
#include <cred.h>
#include <error.h>
#include <slab.h>
#include <task.h>
#include <user.h>
#include <vm.h>

enum {
	SMALLEST = PAGE_SIZE, /* a shorter send is copied: cheaper than to refer to its page */
	BATCH = 8
};

struct zerocopy {
	struct pkt_note note;
	struct socket *s;   /* a reference */
	struct pkt *notice; /* charged to the socket's optmem */
	struct user *user;
	uint32_t pages; /* counted for @user; 0: pages are not lent */
	uint32_t id;    /* once is_sent */
	bool is_sent;
	struct rcu_head rcu;
};

/* Pages of the user's sends under way. */
static int pages_charge(struct zerocopy *z)
{
	uint64_t limit = capable(CAP_IPC_LOCK)
				 ? UINT64_MAX
				 : READ_ONCE(current->mm->limit_memlock) >> PAGE_SHIFT;

	return user_charge(current->cred->uid, USER_LENT, z->pages, limit, &z->user) ? -ENOBUFS : 0;
}

/* ---- notices ---- */

static void optmem_uncharge(struct pkt *notice)
{
	atomic_add(&notice->owner->optmem, -(int)notice->truesize);
}

static struct pkt *notice_alloc(struct socket *s)
{
	struct pkt *p = pkt_alloc(0);

	if (!p)
		return NULL;
	if ((uint32_t)atomic_add(&s->optmem, (int)p->truesize) >
		READ_ONCE(socket_limits.optmem_max)) {
		atomic_add(&s->optmem, -(int)p->truesize);
		pkt_free(p);
		return NULL;
	}
	p->owner = s; /* whoever holds the notice holds the socket, or is its queue */
	p->destructor = optmem_uncharge;
	return p;
}

/* errq_lock held. Adds send @id to the notice at the end of the queue, if it follows that. */
static bool joins_last(struct socket *s, uint32_t id, uint8_t code)
{
	struct sock_ext_err *e;

	if (list_empty(&s->errq.list))
		return false;
	e = &socket_err_cb(list_last(&s->errq.list, struct pkt, node))->e;
	if (e->ee_origin != SO_EE_ORIGIN_ZEROCOPY || e->ee_code != code || e->ee_data + 1 != id)
		return false;
	e->ee_data = id;
	return true;
}

static void tell(struct zerocopy *z)
{
	struct socket *s = z->s;
	struct pkt *p = z->notice;
	uint8_t code = READ_ONCE(z->note.is_copied) ? SO_EE_CODE_ZEROCOPY_COPIED : 0;

	*socket_err_cb(p) = (struct socket_err_cb){.e = {.ee_origin = SO_EE_ORIGIN_ZEROCOPY,
							   .ee_code = code,
							   .ee_info = z->id,
							   .ee_data = z->id}};
	spin_lock(&s->errq_lock);
	if (!joins_last(s, z->id, code)) {
		pkt_enqueue(&s->errq, p);
		p = NULL;
	}
	spin_unlock(&s->errq_lock);
	if (p)
		pkt_free(p);
	socket_wake_all(s);
}

static void zerocopy_free(struct rcu_head *h)
{
	struct zerocopy *z = container_of(h, struct zerocopy, rcu);

	socket_put(z->s);
	kfree(z);
}

/* pkt_note.last() */
static void all_gone(struct pkt_note *n)
{
	struct zerocopy *z = container_of(n, struct zerocopy, note);

	if (z->pages)
		user_uncharge(z->user, USER_LENT, z->pages);
	if (z->is_sent)
		tell(z);
	else
		pkt_free(z->notice);
	rcu_call(&z->rcu, zerocopy_free);
}

/* ---- a send ---- */

/* The most pages that @n bytes of @it lie in. */
static uint32_t most_pages(const struct iov_iter *it, size_t n)
{
	return (uint32_t)((n >> PAGE_SHIFT) + 2 * it->nr_segs);
}

static struct zerocopy *zerocopy_alloc(struct socket *s, const struct iov_iter *it, size_t n)
{
	struct zerocopy *z = kmalloc(sizeof(*z), GFP_KERNEL | GFP_NORETRY);

	if (!z)
		return NULL;
	*z = (struct zerocopy){.note.last = all_gone};
	refcount_set(&z->note.refs, 1);
	z->notice = notice_alloc(s);
	if (!z->notice)
		goto no_notice;
	if (n >= SMALLEST && it->kind == ITER_USER && current->mm) {
		z->pages = most_pages(it, n);
		if (pages_charge(z))
			goto over_limit;
	}
	z->s = socket_get(s);
	return z;

over_limit:
	pkt_free(z->notice);
no_notice:
	kfree(z);
	return NULL;
}

ssize_t socket_send_zerocopy(struct socket *s, struct socket_msg *m, size_t n, unsigned file_flags)
{
	struct zerocopy *z = zerocopy_alloc(s, m->iter, n);
	ssize_t done;

	if (!z)
		return -ENOBUFS;
	m->zerocopy = z;
	if (!z->pages)
		zerocopy_give_up(m);
	done = s->ops->sendmsg(s, m, n, file_flags);
	m->zerocopy = NULL;
	if (done > 0) {
		spin_lock(&s->errq_lock);
		z->id = s->zerocopy_id++;
		spin_unlock(&s->errq_lock);
		z->is_sent = true;
	}
	pkt_note_put(&z->note);
	return done;
}

void zerocopy_give_up(struct socket_msg *m)
{
	WRITE_ONCE(m->zerocopy->note.is_copied, true);
	m->zerocopy = NULL;
}

/* @n bytes in @pages from @off of the first on; consumes the references. */
static void add_pages(struct pkt *p, struct page **pages, uint32_t off, size_t n)
{
	while (n) {
		uint32_t part = (uint32_t)MIN(n, (size_t)(PAGE_SIZE - off));

		if (!pkt_add_frag(p, *pages++, off, part))
			PANIC_ON(true); /* the caller counted the free ones */
		p->truesize += (uint32_t)PAGE_SIZE - part;
		n -= part;
		off = 0;
	}
}

ssize_t zerocopy_append(struct socket_msg *m, struct pkt *p, size_t n)
{
	size_t done = 0;

	while (done < n && p->nr_frags < PKT_FRAGS) {
		struct page *pages[BATCH];
		uint32_t off;
		ssize_t got = iov_iter_pin(m->iter, n - done, pages,
			MIN((unsigned)BATCH, (unsigned)PKT_FRAGS - p->nr_frags), &off);

		if (got < 0)
			return done ? (ssize_t)done : got;
		if (!got)
			break;
		pkt_set_note(p, &m->zerocopy->note);
		add_pages(p, pages, off, (size_t)got);
		done += (size_t)got;
	}
	return (ssize_t)done;
}
