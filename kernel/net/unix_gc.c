/*
 * unix_gc.c - finds AF_UNIX sockets that only undelivered messages refer to.
 *
 * A socket sent in a message and closed by everybody lives on in the message's reference. When the
 * message waits on that very socket, or on one that is in the same position, nobody can ever
 * receive it: the references form a circle that counting does not undo. So: mark and sweep, over
 * the sockets in flight only.
 *
 * 1. A candidate is a socket in flight all of whose file's references are messages' (file->refs ==
 *    in_flight). All others can be reached from some process or are about to.
 * 2. From each candidate's count, take the references that lie on candidates' queues (a listener's:
 *    also of the connections not accepted yet). What is left over comes from messages that somebody
 *    can receive: these candidates can be reached, and from them, through their queues, others.
 * 3. The rest is garbage. Its messages with files are taken off the queues and freed, which closes
 *    the files and so, with the last reference, the sockets.
 *
 * Why it may look while others work: nobody can send a candidate, or receive from one, as nobody
 * has its file. Whatever changes in_flight, and MSG_PEEK, which adds a reference to a file without
 * taking the message, hold unix_rights_mutex; so a file that is counted as a candidate stays one. A
 * message just taken off a queue, not landed yet, is a reference on no queue: "can be reached". The
 * price is O(messages on candidates' queues), in process context: when a socket is gone while any
 * is in flight; soon after a descriptor of one in flight was closed, as then only messages may hold
 * it; and when a sender is over his limit.
 */
#include <file.h>
#include <sched.h>
#include <workqueue.h>
#include "unix.h"

#define CLOSE_NS 10000000 /* close(2) has dropped its reference by then */

struct mutex unix_rights_mutex;
static LIST_HEAD(flying);  /* [unix_rights_mutex] sockets with in_flight > 0 */
static unsigned nr_flying; /* [unix_rights_mutex]; racy reads */
static struct work gc_work;
static struct delayed_work gc_later;

static struct unix_sock *socket_of(struct file *f)
{
	struct socket *s = socket_from_file(f);

	return s && s->family == AF_UNIX ? unix_sk(s) : NULL;
}

void unix_flight_add(struct unix_rights *r)
{
	for (unsigned i = 0; i < r->n; i++) {
		struct unix_sock *us = socket_of(r->file[i]);

		if (us && us->in_flight++ == 0) {
			list_add_tail(&us->flight_node, &flying);
			WRITE_ONCE(nr_flying, nr_flying + 1);
		}
	}
}

void unix_flight_remove(struct unix_rights *r)
{
	for (unsigned i = 0; i < r->n; i++) {
		struct unix_sock *us = socket_of(r->file[i]);

		if (us && --us->in_flight == 0) {
			list_del(&us->flight_node);
			WRITE_ONCE(nr_flying, nr_flying - 1);
		}
	}
}

/* ---- the graph ---- */

typedef void (*visit_fn)(struct unix_sock *child, struct list_head *reached);

/* Every candidate that a message on this one queue holds. */
static void visit_queue(struct unix_sock *us, visit_fn visit, struct list_head *reached)
{
	struct pkt *p;

	list_for_each_entry (p, &us->s.rcv.list, node) {
		const struct unix_rights *r = unix_cb(p)->rights;

		for (unsigned i = 0; r && i < r->n; i++) {
			struct unix_sock *child = socket_of(r->file[i]);

			if (child && child->gc_candidate)
				visit(child, reached);
		}
	}
}

static void visit_children(struct unix_sock *us, visit_fn visit, struct list_head *reached)
{
	struct unix_sock *e;

	spin_lock(&us->s.lock);
	visit_queue(us, visit, reached);
	list_for_each_entry (e, &us->pending, pending_node) {
		spin_lock_nested(&e->s.lock, 1);
		visit_queue(e, visit, reached);
		spin_unlock(&e->s.lock);
	}
	spin_unlock(&us->s.lock);
	cond_resched();
}

static void take_reference(struct unix_sock *child, struct list_head *reached)
{
	ASSERT(child->gc_refs);
	child->gc_refs--;
}

static void mark_reached(struct unix_sock *child, struct list_head *reached)
{
	child->gc_candidate = false;
	list_move_tail(&child->flight_node, reached);
}

/* ---- mark ---- */

static void choose_candidates(struct list_head *candidates)
{
	struct unix_sock *us, *next;

	list_for_each_entry_safe (us, next, &flying, flight_node) {
		us->gc_refs = us->in_flight;
		us->gc_candidate = (unsigned)refcount_read(&us->s.file->refs) == us->in_flight;
		if (us->gc_candidate)
			list_move_tail(&us->flight_node, candidates);
	}
}

/* Move those that can be reached from @candidates back to the list of all. */
static void rescue(struct list_head *candidates)
{
	LIST_HEAD(reached);
	struct unix_sock *us, *next;

	list_for_each_entry (us, candidates, flight_node)
		visit_children(us, take_reference, NULL);
	list_for_each_entry_safe (us, next, candidates, flight_node)
		if (us->gc_refs)
			mark_reached(us, &reached);
	while (!list_empty(&reached)) {
		us = list_first(&reached, struct unix_sock, flight_node);
		list_move_tail(&us->flight_node, &flying);
		visit_children(us, mark_reached, &reached);
	}
}

/* ---- sweep ---- */

static void take_messages(struct unix_sock *us, struct pkt_queue *out)
{
	struct pkt *p, *next;

	list_for_each_entry_safe (p, next, &us->s.rcv.list, node) {
		if (!unix_cb(p)->rights)
			continue;
		pkt_unlink(&us->s.rcv, p);
		pkt_enqueue(out, p);
	}
}

static void sweep(struct list_head *garbage, struct pkt_queue *out)
{
	struct unix_sock *us, *e;

	while (!list_empty(garbage)) {
		us = list_first(garbage, struct unix_sock, flight_node);
		us->gc_candidate = false;
		list_move_tail(&us->flight_node, &flying);
		spin_lock(&us->s.lock);
		take_messages(us, out);
		list_for_each_entry (e, &us->pending, pending_node) {
			spin_lock_nested(&e->s.lock, 1);
			take_messages(e, out);
			spin_unlock(&e->s.lock);
		}
		spin_unlock(&us->s.lock);
	}
}

void unix_gc_run(void)
{
	LIST_HEAD(candidates);
	struct pkt_queue messages;

	pkt_queue_init(&messages);
	mutex_lock(&unix_rights_mutex);
	choose_candidates(&candidates);
	rescue(&candidates);
	sweep(&candidates, &messages);
	mutex_unlock(&unix_rights_mutex);
	pkt_queue_purge(&messages);
}

static void gc_work_fn(struct work *w)
{
	unix_gc_run();
}

void unix_gc_queue(void)
{
	if (unlikely(READ_ONCE(nr_flying)))
		work_queue(&gc_work);
}

void unix_gc_closing(struct socket *s)
{
	if (unlikely(READ_ONCE(unix_sk(s)->in_flight)) && !timer_pending(&gc_later.timer))
		delayed_work_queue(&gc_later, CLOSE_NS);
}

void unix_gc_init(void)
{
	delayed_work_init(&gc_later, gc_work_fn);
	mutex_init(&unix_rights_mutex);
	work_init(&gc_work, gc_work_fn);
}
