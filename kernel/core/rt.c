/*
 * rt.c - the FIFO and RR classes: 99 levels, the highest runs before any fair task, as sched(7) has
 * it.
 *
 * A preempted task stays first of its level; one that yields, or an RR task whose slice is over,
 * goes behind the others.
 */
#include "rq.h"

void rt_insert(struct rq *rq, struct task *t, bool at_head)
{
	struct rt_rq *r = &rq->rt;
	unsigned l = t->se.rt_priority;

	if (at_head)
		list_add(&t->se.rt_node, &r->level[l]);
	else
		list_add_tail(&t->se.rt_node, &r->level[l]);
	r->bits[l / 64] |= 1ull << l % 64;
	r->nr++;
}

void rt_remove(struct rq *rq, struct task *t)
{
	struct rt_rq *r = &rq->rt;
	unsigned l = t->se.rt_priority;

	list_del(&t->se.rt_node);
	r->nr--;
	if (list_empty(&r->level[l]))
		r->bits[l / 64] &= ~(1ull << l % 64);
}

struct task *rt_pick(struct rq *rq)
{
	struct rt_rq *r = &rq->rt;
	struct task *t;
	unsigned l;

	l = r->bits[1] ? 127 - (unsigned)__builtin_clzll(r->bits[1])
		       : 63 - (unsigned)__builtin_clzll(r->bits[0]);
	t = list_first(&r->level[l], struct task, se.rt_node);
	rt_remove(rq, t);
	return t;
}
