/*
 * epoll_nest.c - epolls that watch epolls: no circles, bounded depth, bounded wake-ups.
 *
 * A wake-up travels from a file to the epolls that watch it, from those to the epolls that watch
 * them, and so on, in one go and with interrupts off. So adding is refused that would close a
 * circle or make a chain of more than EPOLL_DEPTH steps (ELOOP), or that would make too many ways
 * for a wake-up to go (EINVAL). Additions of this kind run one at a time.
 *
 * Looking up from an epoll: its file's epoll_items. Looking down: its items, under its lock.
 */
#include "epoll.h"
#include <arch/percpu.h>

#define EPOLL_DEPTH 4u /* steps from epoll to epoll */

static struct mutex nest_mutex = MUTEX_INIT(nest_mutex);
/* Ways that reach an epoll n + 1 steps above a file; a file itself may be in any number of epolls.
 */
static const unsigned max_ways[] = {UINT32_MAX, 500, 100, 50, 10};

void epoll_nest_lock(void)
{
	mutex_lock(&nest_mutex);
}

void epoll_nest_unlock(void)
{
	mutex_unlock(&nest_mutex);
}

struct survey {
	const struct epoll *looking_for; /* seen above: a circle */
	bool found;
	unsigned height; /* the longest chain up */
	unsigned ways[ARRAY_SIZE(max_ways)];
	bool too_many;
};

/* Everything above @f, which is @steps above where it began. RCU section. */
static void look_up(struct survey *s, const struct file *f, unsigned steps)
{
	const struct epoll_item *it;

	list_for_each_entry_rcu(it, &f->epoll_items, file_node)
	{
		const struct epoll *ep = it->ep;

		if (s->found || s->too_many)
			return;
		if (ep == s->looking_for || steps >= ARRAY_SIZE(max_ways)) {
			s->found = true;
			return;
		}
		s->height = MAX(s->height, steps + 1);
		if (++s->ways[steps] > max_ways[steps]) {
			s->too_many = true;
			return;
		}
		look_up(s, ep->file, steps + 1);
	}
}

static uint64_t this_check; /* [nest_mutex] */

/* The longest chain of epolls below @ep; more than EPOLL_DEPTH is as good as any. Each epoll is
 * looked at once. */
static unsigned depth_below(struct epoll *ep, unsigned level)
{
	unsigned depth = 0;
	struct rb_node *n;

	if (ep->checked == this_check || level > EPOLL_DEPTH)
		return ep->depth;
	mutex_lock_nested(&ep->lock, level);
	for (n = rb_first(&ep->items); n; n = rb_next(n)) {
		struct epoll *below = epoll_of(container_of(n, struct epoll_item, node)->file);

		if (below)
			depth = MAX(depth, 1 + depth_below(below, level + 1));
	}
	mutex_unlock(&ep->lock);
	ep->checked = this_check;
	ep->depth = depth;
	return depth;
}

int epoll_nest_check(struct epoll *ep, struct file *target)
{
	struct epoll *below = epoll_of(target);
	struct survey s = {.looking_for = below};
	unsigned depth = 0;

	if (below) {
		this_check++;
		depth = 1 + depth_below(below, 0);
	}
	rcu_read_lock();
	/* as if the new item were there: @ep is one more above the target, and what is above it */
	s.ways[0] = 1;
	look_up(&s, ep->file, 1);
	depth += s.height ? s.height - 1 : 0;
	if (!s.found && !s.too_many)
		look_up(&s, target, 0);
	rcu_read_unlock();
	if (below && (s.found || depth > EPOLL_DEPTH))
		return -ELOOP;
	return s.too_many ? -EINVAL : 0;
}

/*
 * Wake functions of outer epolls run inside: each level's queue is locked within the one below it,
 * in the order of the nesting, which the count tells the lock checker.
 */
static DEFINE_PER_CPU(unsigned, wake_level);

void epoll_wake_pollers(struct epoll *ep)
{
	unsigned long f;

	smp_mb(); /* with poll_wait(): the ready list is changed before the look at the queue */
	if (list_empty(&ep->pollers.entries))
		return;
	f = irq_save();
	wake_up_nested(&ep->pollers, ~0u, POLLIN | POLLRDNORM, this_cpu(wake_level)++);
	this_cpu(wake_level)--;
	irq_restore(f);
}
