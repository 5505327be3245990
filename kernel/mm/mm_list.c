/*
 * mm_list.c - all address spaces, for who goes through them in turn: swapping out, swapoff(2).
 *
 * Being pinned keeps an address space from being taken apart, not from losing its last user:
 * whoever drops that waits until it is not pinned any more. So nobody pins one for longer than it
 * takes to look through it.
 */
#include <sched.h>
#include <wait.h>
#include "internal.h"

static struct spinlock list_lock = SPINLOCK_INIT("mm list");
static LIST_HEAD(list);  /* [list_lock] mm->all_node; the next one first */
static unsigned nr_list; /* [list_lock] */
static struct wait_queue unpinned = WAIT_QUEUE_INIT(unpinned);

void mm_list_add(struct mm *m)
{
	spin_lock(&list_lock);
	list_add_tail(&m->all_node, &list);
	nr_list++;
	spin_unlock(&list_lock);
}

void mm_list_remove(struct mm *m)
{
	unsigned pins;

	if (list_empty(&m->all_node))
		return;
	spin_lock(&list_lock);
	list_del(&m->all_node);
	nr_list--;
	pins = m->pins;
	spin_unlock(&list_lock);
	if (unlikely(pins))
		wait_event(&unpinned, !READ_ONCE(m->pins));
}

unsigned mm_list_count(void)
{
	return READ_ONCE(nr_list);
}

struct mm *mm_pin_next(void)
{
	struct mm *m = NULL;

	spin_lock(&list_lock);
	if (!list_empty(&list)) {
		m = list_first(&list, struct mm, all_node);
		list_move_tail(&m->all_node, &list);
		m->pins++;
	}
	spin_unlock(&list_lock);
	return m;
}

void mm_unpin(struct mm *m)
{
	bool last;

	spin_lock(&list_lock);
	last = --m->pins == 0;
	spin_unlock(&list_lock);
	if (last)
		wake_up_all(&unpinned);
}
