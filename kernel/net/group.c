/*
 * group.c - multicast groups of an interface: who listens, and the filter of link addresses.
 *
 * A group exists while the kernel itself (->users) or a socket (->members) wants it. What goes out
 * about it is igmp.c's and mld.c's. Membership changes run under the configuration lock; the lists
 * are also guarded by idev->lock, as queries that come in walk them; input reads by RCU.
 */
#include "inetdev.h"
#include <debug.h>
#include <slab.h>

static struct ip_group *find(const struct inet_dev *idev, const struct ip_addr *a)
{
	struct ip_group *g;

	list_for_each_entry_rcu(g, &idev->groups, node) if (ip_equal(&g->addr, a)) return g;
	return NULL;
}

bool group_joined(const struct inet_dev *idev, const struct ip_addr *group)
{
	return find(idev, group);
}

/* RFC 1112, 6.4; RFC 2464, 7. */
void group_lladdr(const struct ip_addr *group, uint8_t *ll)
{
	if (ip_is_v4(group)) {
		ll[0] = 1;
		ll[1] = 0;
		ll[2] = 0x5e;
		memcpy(ll + 3, group->b + 13, 3);
		ll[3] &= 0x7f;
	} else {
		ll[0] = ll[1] = 0x33;
		memcpy(ll + 2, group->b + 12, 4);
	}
}

static int filter_add(struct netdev *d, const struct ip_addr *group)
{
	uint8_t ll[ETH_ALEN];

	if (d->addr_len != ETH_ALEN || d->flags & IFF_LOOPBACK)
		return 0;
	group_lladdr(group, ll);
	return netdev_mcast_add(d, ll);
}

static void filter_del(struct netdev *d, const struct ip_addr *group)
{
	uint8_t ll[ETH_ALEN];

	if (d->addr_len != ETH_ALEN || d->flags & IFF_LOOPBACK)
		return;
	group_lladdr(group, ll);
	netdev_mcast_del(d, ll);
}

static int get(struct inet_dev *idev, const struct ip_addr *a, struct ip_group **out)
{
	struct ip_group *g = find(idev, a);
	int err;

	net_config_assert();
	*out = g;
	if (g)
		return 0;
	g = kzalloc(sizeof(*g));
	if (!g)
		return -ENOBUFS;
	g->addr = *a;
	g->idev = idev;
	list_init(&g->members);
	err = filter_add(idev->dev, a);
	if (err) {
		kfree(g);
		return err;
	}
	spin_lock(&idev->lock);
	list_add_tail(&g->node, &idev->groups);
	spin_unlock(&idev->lock);
	*out = g;
	return 0;
}

static void group_free(struct rcu_head *h)
{
	kfree(container_of(h, struct ip_group, rcu));
}

/* Nobody wants it any more? Then it goes. */
static void put(struct ip_group *g)
{
	struct inet_dev *idev = g->idev;

	if (g->users || !list_empty(&g->members)) {
		group_changed(g, false);
		return;
	}
	spin_lock(&idev->lock);
	list_del_rcu(&g->node);
	spin_unlock(&idev->lock);
	filter_del(idev->dev, &g->addr);
	group_changed(g, true);
}

int group_join(struct inet_dev *idev, const struct ip_addr *group)
{
	struct ip_group *g;
	int err = get(idev, group, &g);

	if (err)
		return err;
	if (!g->users++)
		group_changed(g, false);
	return 0;
}

void group_leave(struct inet_dev *idev, const struct ip_addr *group)
{
	struct ip_group *g = find(idev, group);

	if (g && g->users && !--g->users)
		put(g);
}

int group_add_member(struct inet_dev *idev, struct ip_member *m)
{
	int err = get(idev, &m->addr, &m->group);

	if (err)
		return err;
	spin_lock(&idev->lock);
	list_add_tail(&m->group_node, &m->group->members);
	spin_unlock(&idev->lock);
	group_changed(m->group, false);
	return 0;
}

void group_del_member(struct ip_member *m)
{
	struct ip_group *g = m->group;

	if (!g)
		return;
	m->group = NULL;
	spin_lock(&g->idev->lock);
	list_del(&m->group_node);
	spin_unlock(&g->idev->lock);
	put(g);
}

static void sources_free(struct rcu_head *h)
{
	kfree(container_of(h, struct ip_sources, rcu));
}

void group_set_filter(struct ip_member *m, bool exclude, struct ip_sources *sources)
{
	struct ip_group *g = m->group;
	struct ip_sources *old = m->sources;

	net_config_assert();
	if (g)
		spin_lock(&g->idev->lock);
	rcu_assign(m->sources, sources);
	WRITE_ONCE(m->exclude, exclude);
	if (g)
		spin_unlock(&g->idev->lock);
	if (old)
		rcu_call(&old->rcu, sources_free);
	if (g)
		group_changed(g, false);
}

void group_dev_init(struct inet_dev *idev)
{
	list_init(&idev->groups);
	report_dev_init(idev);
}

void group_dev_up(struct inet_dev *idev)
{
	struct ip_group *g;

	list_for_each_entry (g, &idev->groups, node)
		group_changed(g, false);
}

void group_dev_gone(struct inet_dev *idev)
{
	struct ip_group *g, *next;
	struct ip_member *m, *after;

	report_dev_gone(idev);
	list_for_each_entry_safe (g, next, &idev->groups, node) {
		spin_lock(&idev->lock);
		list_for_each_entry_safe (m, after, &g->members, group_node) {
			list_del(&m->group_node);
			m->group = NULL;
		}
		list_del_rcu(&g->node);
		spin_unlock(&idev->lock);
		filter_del(idev->dev, &g->addr);
		rcu_call(&g->rcu, group_free);
	}
}

void group_init(void)
{
	igmp_init();
	mld_init();
}
