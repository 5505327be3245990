/*
 * group_report.c - telling routers which groups an interface listens to: the state machine that
 * IGMPv3 (RFC 3376) and MLDv2 (RFC 3810) share. igmp.c and mld.c know the messages.
 *
 * A change of a group's filter is reported at once and once more within a second (robustness 2); a
 * group that was left stays on idev->leaving until then. A query is answered after a random delay.
 * One timer for each interface. The interface's filter for a group follows from its members
 * (RFC 3376, 3.2): if any excludes, all sources but those that every excluder excludes and no
 * includer includes; else what includers include.
 * Simplification: a changed list of sources is reported as a change of mode with the whole list.
 */
#include "group_report.h"
#include <debug.h>
#include <random.h>
#include <slab.h>
#include <time.h>

enum { ROBUSTNESS = 2 };
static const struct report_family *families[2];                     /* IPv4, IPv6 */
static struct spinlock record_lock = SPINLOCK_INIT("group record"); /* above idev->lock */
static struct report_record record; /* [record_lock] too large for a stack */

void report_register(const struct report_family *f)
{
	families[f->is_v4 ? 0 : 1] = f;
}

static const struct report_family *family_of(const struct ip_addr *group)
{
	return families[ip_is_v4(group) ? 0 : 1];
}

/* ---- the filter: idev->lock held ---- */

static bool listed(const struct ip_sources *s, const struct ip_addr *a)
{
	unsigned i;

	for (i = 0; s && i < s->n; i++)
		if (ip_equal(&s->addr[i], a))
			return true;
	return false;
}

/* Does every excluder exclude @a, and no includer include it? */
static bool all_exclude(const struct ip_group *g, const struct ip_addr *a)
{
	const struct ip_member *m;

	list_for_each_entry (m, &g->members, group_node)
		if (listed(m->sources, a) != m->exclude)
			return false;
	return true;
}

static void add_source(struct report_record *r, const struct ip_addr *a)
{
	unsigned i;

	for (i = 0; i < r->n; i++)
		if (ip_equal(&r->source[i], a))
			return;
	if (r->n < REPORT_SOURCES)
		r->source[r->n++] = *a;
}

static void fill(const struct ip_group *g, bool gone, bool change, struct report_record *r)
{
	const struct ip_member *m;
	bool exclude = g->users && !gone;
	unsigned i;

	r->group = g->addr;
	r->n = 0;
	list_for_each_entry (m, &g->members, group_node)
		exclude |= m->exclude;
	list_for_each_entry (m, &g->members, group_node)
		for (i = 0; m->sources && i < m->sources->n; i++)
			if (!exclude || (!g->users && all_exclude(g, &m->sources->addr[i])))
				add_source(r, &m->sources->addr[i]);
	r->type = exclude ? (change ? TO_EXCLUDE : IS_EXCLUDE) : change ? TO_INCLUDE : IS_INCLUDE;
}

/* ---- timers ---- */

static void arm(struct inet_dev *idev, uint64_t at)
{
	if (!net_timer_pending(&idev->group_timer) || idev->group_timer.deadline_ns > at) {
		(void)net_timer_cancel(&idev->group_timer);
		(void)net_timer_arm(&idev->group_timer, at);
	}
}

static uint64_t soon(void)
{
	return clock_ns() + random_below(NSEC_PER_SEC);
}

static void group_free(struct rcu_head *h)
{
	kfree(container_of(h, struct ip_group, rcu));
}

/* The next thing that is due on @list: its record, or false. @next: when something else will be. */
static bool take_due(
	struct list_head *list, bool gone, uint64_t now, uint64_t *next, struct report_record *r)
{
	struct ip_group *g, *after;

	list_for_each_entry_safe (g, after, list, node) {
		if (g->change_ns && g->change_ns <= now) {
			g->changes_left--;
			g->change_ns = g->changes_left ? soon() : 0;
			fill(g, gone, true, r);
			if (gone && !g->changes_left) {
				list_del_rcu(&g->node);
				rcu_call(&g->rcu, group_free);
			}
			return true;
		}
		if (g->report_ns && g->report_ns <= now) {
			g->report_ns = 0;
			fill(g, gone, false, r);
			return true;
		}
		if (g->change_ns)
			*next = MIN(*next, g->change_ns);
		if (g->report_ns)
			*next = MIN(*next, g->report_ns);
	}
	return false;
}

/* Sends what is due, one record at a time, with no lock held. In a section. */
static void run(struct inet_dev *idev)
{
	uint64_t next;
	bool more;

	do {
		next = UINT64_MAX;
		spin_lock(&record_lock);
		spin_lock(&idev->lock);
		more = take_due(&idev->groups, false, clock_ns(), &next, &record) ||
		       take_due(&idev->leaving, true, clock_ns(), &next, &record);
		if (!more && next != UINT64_MAX)
			arm(idev, next);
		spin_unlock(&idev->lock);
		if (more && idev->dev->flags & IFF_UP)
			family_of(&record.group)->send(idev, &record);
		spin_unlock(&record_lock);
	} while (more);
}

static void group_timer(struct net_timer *t)
{
	run(container_of(t, struct inet_dev, group_timer));
}

/* ---- events ---- */

void group_changed(struct ip_group *g, bool gone)
{
	struct inet_dev *idev = g->idev;
	struct ip_group *told;
	const struct report_family *f = family_of(&g->addr);
	const bool speak = f && f->reportable(&g->addr) && !(idev->dev->flags & IFF_LOOPBACK) &&
			   idev->dev->flags & IFF_UP;

	/* Readers may still be at @g, on the list: what is left to say of it is said of another. */
	if (gone) {
		told = speak ? kmalloc(sizeof(*told), GFP_ATOMIC) : NULL;
		if (told) {
			memset(told, 0, sizeof(*told));
			told->addr = g->addr;
			told->idev = idev;
			list_init(&told->members);
		}
		rcu_call(&g->rcu, group_free);
		g = told;
	}
	if (!g)
		return;
	spin_lock(&idev->lock);
	g->changes_left = speak ? ROBUSTNESS : 0;
	g->change_ns = speak ? clock_ns() : 0;
	if (gone)
		list_add_tail(&g->node, &idev->leaving);
	spin_unlock(&idev->lock);
	if (!speak)
		return;
	net_enter();
	run(idev);
	net_exit();
}

void report_query(struct inet_dev *idev, bool is_v4, const struct ip_addr *group, unsigned max_ms)
{
	const struct report_family *f = families[is_v4 ? 0 : 1];
	struct ip_group *g;
	uint64_t at;

	spin_lock(&idev->lock);
	list_for_each_entry (g, &idev->groups, node) {
		if (ip_is_v4(&g->addr) != is_v4 || !f->reportable(&g->addr) ||
			(!ip_is_any(group) && !ip_equal(group, &g->addr)))
			continue;
		at = clock_ns() + random_below((uint64_t)max_ms * NSEC_PER_MSEC + 1);
		if (!g->report_ns || at < g->report_ns)
			g->report_ns = at;
		arm(idev, g->report_ns);
	}
	spin_unlock(&idev->lock);
}

void report_dev_init(struct inet_dev *idev)
{
	list_init(&idev->leaving);
	net_timer_init(&idev->group_timer, group_timer);
}

void report_dev_gone(struct inet_dev *idev)
{
	struct ip_group *g, *next;

	spin_lock(&idev->lock);
	(void)net_timer_cancel(&idev->group_timer);
	list_for_each_entry_safe (g, next, &idev->leaving, node) {
		list_del_rcu(&g->node);
		rcu_call(&g->rcu, group_free);
	}
	list_init(&idev->leaving);
	spin_unlock(&idev->lock);
}
