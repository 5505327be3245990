/*
 * fair.c - the fair class: earliest eligible virtual deadline first.
 *
 * Spec: Stoica and Abdel-Wahab, "Earliest Eligible Virtual Deadline First", 1995.
 * A task's virtual time (vruntime) grows with the time it runs, divided by its weight. The queue's
 * virtual time V is the weighted mean of those of all its tasks; a task's lag is V - vruntime, what
 * it is owed. A task is eligible while its lag is not negative. Each asks for slices: its deadline
 * is the virtual time at which a slice begun now would be used up. Of the eligible tasks the one
 * with the earliest deadline runs: nobody gets more than its share, and short requests are served
 * soon.
 *  - V needs no division where it is only compared: vruntime <= V is (vruntime - base) * sum_w <=
 * sum_wv.
 *  - The tree is sorted by deadline; each node keeps the least vruntime below it, so that a descent
 * finds the pick.
 *  - A task that sleeps takes its lag along and is placed with it again, so sleeping neither wins
 * nor loses time. The lag is bounded by two slices, and scaled when it is placed, since the
 * newcomer itself moves V.
 *  - The running task is outside the tree and is added in where V is needed.
 * Locks: all under rq->lock.
 */
#include "rq.h"

#define LAG_SLICES 2
#define REBASE_AT  (1ll << 36) /* keeps (vruntime - base) * weights within 63 bits */

/* 1024 * 1.25^-nice: one step of nice is a quarter more or less. */
static const uint32_t nice_weights[40] = {
	88818,
	71054,
	56843,
	45475,
	36380,
	29104,
	23283,
	18626,
	14901,
	11921,
	9537,
	7629,
	6104,
	4883,
	3906,
	3125,
	2500,
	2000,
	1600,
	1280,
	1024,
	819,
	655,
	524,
	419,
	336,
	268,
	215,
	172,
	137,
	110,
	88,
	70,
	56,
	45,
	36,
	29,
	23,
	18,
	15,
};
#define WEIGHT_IDLE_POLICY 3u

void fair_set_weight(struct sched_entity *se)
{
	se->weight = se->policy == SCHED_IDLE ? WEIGHT_IDLE_POLICY : nice_weights[se->nice + 20];
	se->inverse_weight = (uint32_t)((1ull << 32) / se->weight);
}

/* @ns of real time as virtual time of @se: ns * 1024 / weight. */
int64_t fair_virtual(const struct sched_entity *se, uint64_t ns)
{
	if (likely(se->weight == WEIGHT_NICE_0))
		return (int64_t)ns;
	return (int64_t)((unsigned __int128)ns * se->inverse_weight >> 22);
}

static inline struct sched_entity *entity_of(struct rb_node *n)
{
	return container_of(n, struct sched_entity, node);
}

static bool augment(struct rb_node *n)
{
	struct sched_entity *se = entity_of(n);
	int64_t least = se->vruntime;

	if (n->left && entity_of(n->left)->min_vruntime < least)
		least = entity_of(n->left)->min_vruntime;
	if (n->right && entity_of(n->right)->min_vruntime < least)
		least = entity_of(n->right)->min_vruntime;
	if (se->min_vruntime == least)
		return false;
	se->min_vruntime = least;
	return true;
}

/* The running task if it belongs to this class and is still on the queue. */
static inline struct sched_entity *running(const struct rq *rq)
{
	struct task *t = rq->curr;

	return t != rq->idle && t->se.on_queue && !task_is_rt(t) ? &t->se : NULL;
}

/* sum_wv and sum_w with @curr (may be NULL) added in. */
static inline void sums(
	const struct fair_rq *f, const struct sched_entity *curr, int64_t *wv, int64_t *w)
{
	*wv = f->sum_wv;
	*w = f->sum_w;
	if (curr) {
		*wv += (curr->vruntime - f->base) * (int64_t)curr->weight;
		*w += curr->weight;
	}
}

/* V; needs at least one task in the tree or @curr. */
static int64_t mean(const struct fair_rq *f, const struct sched_entity *curr)
{
	int64_t wv, w, q;

	if (!f->tree.node)
		return curr->vruntime;
	sums(f, curr, &wv, &w);
	q = wv / w;
	return f->base + q - (wv % w < 0);
}

static int64_t lag_limit(const struct sched_entity *se)
{
	return fair_virtual(se, LAG_SLICES * se->slice_ns);
}

/* Give a task that comes onto the queue its virtual times. */
void fair_place(struct rq *rq, struct sched_entity *se)
{
	struct fair_rq *f = &rq->fair;
	struct sched_entity *curr = running(rq);
	int64_t wv, w, lag = se->lag;

	if (curr || f->tree.node) {
		if (lag) { /* what must be given so that @lag is left once it is in */
			sums(f, curr, &wv, &w);
			lag = lag * (w + (int64_t)se->weight) / w;
		}
		se->vruntime = mean(f, curr) - lag;
	}
	se->deadline = se->vruntime + fair_virtual(se, se->slice_ns);
}

/* Before @se leaves the queue; it may be the running task or one in the tree. */
void fair_keep_lag(struct rq *rq, struct sched_entity *se)
{
	int64_t limit, lag;

	se->lag = 0;
	if (&rq->curr->se == se ? !rq->fair.tree.node
				: !running(rq) && rq->fair.sum_w == (int64_t)se->weight)
		return; /* alone: V is its own */
	lag = mean(&rq->fair, running(rq)) - se->vruntime;
	limit = lag_limit(se);
	se->lag = lag > limit ? limit : lag < -limit ? -limit : lag;
}

static void rebase(struct fair_rq *f, int64_t to)
{
	f->sum_wv -= f->sum_w * (to - f->base);
	f->base = to;
}

void fair_insert(struct rq *rq, struct sched_entity *se)
{
	struct fair_rq *f = &rq->fair;
	struct rb_node **link = &f->tree.node, *parent = NULL;
	bool is_first = true;

	if (!*link) { /* the common case on a quiet CPU */
		f->base = se->vruntime;
		f->sum_wv = 0;
		f->sum_w = se->weight;
		f->first = &se->node;
		rb_insert(&f->tree, &se->node, NULL, link, NULL);
		se->min_vruntime = se->vruntime;
		return;
	}
	if (unlikely(se->vruntime - f->base > REBASE_AT))
		rebase(f, se->vruntime);
	while (*link) {
		parent = *link;
		if (se->deadline < entity_of(parent)->deadline) {
			link = &parent->left;
		} else {
			link = &parent->right;
			is_first = false;
		}
	}
	f->sum_wv += (se->vruntime - f->base) * (int64_t)se->weight;
	f->sum_w += se->weight;
	if (is_first)
		f->first = &se->node;
	rb_insert(&f->tree, &se->node, parent, link, augment);
}

void fair_remove(struct rq *rq, struct sched_entity *se)
{
	struct fair_rq *f = &rq->fair;

	if (f->tree.node == &se->node && !se->node.left && !se->node.right) {
		f->tree.node = f->first = NULL;
		f->sum_wv = f->sum_w = 0;
		return;
	}
	f->sum_wv -= (se->vruntime - f->base) * (int64_t)se->weight;
	f->sum_w -= se->weight;
	if (f->first == &se->node)
		f->first = rb_next(&se->node);
	rb_erase(&f->tree, &se->node, augment);
}

/* Should @se, just queued, run instead of the running fair task? Its times are up to date. */
bool fair_preempts(struct rq *rq, struct sched_entity *se)
{
	struct sched_entity *curr = running(rq);
	int64_t wv, w;

	if (se->deadline >= curr->deadline)
		return false;
	sums(&rq->fair, curr, &wv, &w);
	return (se->vruntime - rq->fair.base) * w <= wv;
}

/* @curr: the running task if it is in the running but not in the tree (it yields), or NULL. */
struct task *fair_pick(struct rq *rq, const struct sched_entity *curr)
{
	struct fair_rq *f = &rq->fair;
	struct rb_node *n = f->first, *left;
	int64_t wv, w;

	if (!n)
		return NULL;
	if (f->tree.node->left || f->tree.node->right) {
		sums(f, curr, &wv, &w);
#define ELIGIBLE(v) (((v)-f->base) * w <= wv)
		if (!ELIGIBLE(entity_of(n)->vruntime))
			n = f->tree.node;
		while (n) {
			left = n->left;
			if (left && ELIGIBLE(entity_of(left)->min_vruntime))
				n = left;
			else if (ELIGIBLE(entity_of(n)->vruntime))
				break;
			else
				n = n->right;
		}
#undef ELIGIBLE
		if (!n) /* nobody in the tree: the running task, which yields, is the only one ahead
			 */
			n = f->first;
	}
	fair_remove(rq, entity_of(n));
	return task_of_node(n);
}
