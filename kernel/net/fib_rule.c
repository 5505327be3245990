/*
 * fib_rule.c - policy rules: which routing tables are asked about a packet, and in what order.
 *
 * At boot there are Linux's three: local, main, default (IPv6: the first two). While they are the
 * only ones the tables are asked without looking at rules.
 */
#include "fib.h"
#include <slab.h>

enum { FR_TO_TABLE = 1, FR_BLACKHOLE = 6, FR_UNREACHABLE = 7, FR_PROHIBIT = 8 };

static bool dev_named(struct net *net, uint32_t ifindex, const char *name)
{
	const struct netdev *d = ifindex ? netdev_by_index_rcu(net, ifindex) : NULL;

	return d && !strcmp(d->name, name);
}

static bool rule_matches(struct net *net, const struct rt_rule *r, const struct fib_query *q)
{
	bool match = !((q->mark ^ r->mark) & r->mark_mask) && (!r->tos || r->tos == q->tos) &&
		     (!r->dst_prefix || ip_prefix_equal(&q->dst, &r->dst, r->dst_prefix)) &&
		     (!r->src_prefix || ip_prefix_equal(&q->src, &r->src, r->src_prefix));

	/* Packets of this host itself come from "lo". */
	if (match && r->iif[0])
		match = dev_named(net, q->iif ? q->iif : net->loopback->ifindex, r->iif);
	if (match && r->oif[0])
		match = dev_named(net, q->oif, r->oif);
	return match != r->invert;
}

static int rule_act(
	struct net *net, const struct rt_rule *r, const struct fib_query *q, struct fib_result *res)
{
	const struct fib_table *t;

	switch (r->action) {
	case FR_TO_TABLE:
		t = fib_table(net->inet->fib, r->table);
		return t ? fib_table_lookup(t, q, res) : -EAGAIN;
	case FR_BLACKHOLE:
		return -EINVAL;
	case FR_UNREACHABLE:
		return q->is_v6 ? -EHOSTUNREACH : -ENETUNREACH;
	default:
		return -EACCES;
	}
}

int fib_lookup(struct net *net, const struct fib_query *q, struct fib_result *r)
{
	const struct fib *f = net->inet->fib;
	const struct fib_rule *rule;
	int err = -EAGAIN;

	if (likely(!f->has_rules[q->is_v6])) {
		err = fib_table_lookup(f->local, q, r);
		if (err == -EAGAIN)
			err = fib_table_lookup(f->main, q, r);
		if (err == -EAGAIN)
			err = fib_table_lookup(f->deflt, q, r);
	} else {
		list_for_each_entry_rcu(
			rule, &f->rules[q->is_v6], node) if (rule_matches(net, &rule->r, q))
		{
			err = rule_act(net, &rule->r, q, r);
			if (err != -EAGAIN)
				break;
		}
	}
	return err == -EAGAIN ? -ENETUNREACH : err;
}

/* The rules that are there without being made: shown by rule_each(), may be deleted. */
static int insert_rule(struct fib *f, const struct rt_rule *r)
{
	struct fib_rule *n = kzalloc(sizeof(*n)), *at;
	struct list_head *head = &f->rules[r->is_v6], *before = head;

	if (!n)
		return -ENOMEM;
	n->r = *r;
	list_for_each_entry (at, head, node)
		if (at->r.priority > r->priority) {
			before = &at->node;
			break;
		}
	list_add_tail(&n->node, before);
	return 0;
}

static bool rule_equal(const struct rt_rule *a, const struct rt_rule *b)
{
	return a->priority == b->priority && a->table == b->table && a->action == b->action &&
	       a->mark == b->mark && a->mark_mask == b->mark_mask && a->tos == b->tos &&
	       a->invert == b->invert && a->src_prefix == b->src_prefix &&
	       a->dst_prefix == b->dst_prefix && ip_equal(&a->src, &b->src) &&
	       ip_equal(&a->dst, &b->dst) && !strcmp(a->iif, b->iif) && !strcmp(a->oif, b->oif);
}

/* A rule without a priority goes before the first that was given one, as Linux does it. */
static uint32_t free_priority(const struct fib *f, bool v6)
{
	const struct list_head *head = &f->rules[v6];
	const struct fib_rule *second;

	if (list_empty(head) || head->next->next == head)
		return 0;
	second = list_entry(head->next->next, struct fib_rule, node);
	return second->r.priority ? second->r.priority - 1 : 0;
}

int rule_add(struct net *net, const struct rt_rule *r)
{
	struct fib *f = net->inet->fib;
	const struct fib_rule *at;
	struct rt_rule rule = *r;
	int err;

	net_config_assert();
	if (r->src_prefix > 128 || r->dst_prefix > 128)
		return -EINVAL;
	if (r->action != FR_TO_TABLE && (r->action < FR_BLACKHOLE || r->action > FR_PROHIBIT))
		return -EINVAL;
	if (!rule.priority)
		rule.priority = free_priority(f, r->is_v6);
	list_for_each_entry (at, &f->rules[r->is_v6], node)
		if (rule_equal(&at->r, &rule))
			return -EEXIST;
	err = insert_rule(f, &rule);
	if (err)
		return err;
	WRITE_ONCE(f->has_rules[r->is_v6], true);
	fib_changed(net);
	if (netctl_changed)
		netctl_changed(net, NETCTL_RULE, true, &rule);
	return 0;
}

/* Unset fields of @want match anything, as ip-rule(8) deletes. */
static bool rule_selected(const struct rt_rule *r, const struct rt_rule *want)
{
	return (!want->priority || want->priority == r->priority) &&
	       (!want->table || want->table == r->table) &&
	       (!want->action || want->action == r->action) &&
	       (!want->mark || want->mark == r->mark) &&
	       (!want->mark_mask || want->mark_mask == r->mark_mask) &&
	       (!want->tos || want->tos == r->tos) &&
	       (!want->src_prefix ||
		       (want->src_prefix == r->src_prefix &&
			       ip_prefix_equal(&want->src, &r->src, r->src_prefix))) &&
	       (!want->dst_prefix ||
		       (want->dst_prefix == r->dst_prefix &&
			       ip_prefix_equal(&want->dst, &r->dst, r->dst_prefix))) &&
	       (!want->iif[0] || !strcmp(want->iif, r->iif)) &&
	       (!want->oif[0] || !strcmp(want->oif, r->oif));
}

static void rule_free(struct rcu_head *h)
{
	kfree(container_of(h, struct fib_rule, rcu));
}

int rule_del(struct net *net, const struct rt_rule *r)
{
	struct fib *f = net->inet->fib;
	struct fib_rule *at;

	net_config_assert();
	list_for_each_entry (at, &f->rules[r->is_v6], node) {
		if (!rule_selected(&at->r, r))
			continue;
		WRITE_ONCE(f->has_rules[r->is_v6], true);
		list_del_rcu(&at->node);
		fib_changed(net);
		if (netctl_changed)
			netctl_changed(net, NETCTL_RULE, false, &at->r);
		rcu_call(&at->rcu, rule_free);
		return 0;
	}
	return -ENOENT;
}

int rule_each(struct net *net, int (*fn)(const struct rt_rule *r, void *arg), void *arg)
{
	const struct fib_rule *at;
	unsigned v6;
	int err = 0;

	net_config_assert();
	for (v6 = 0; v6 < 2; v6++)
		list_for_each_entry (at, &net->inet->fib->rules[v6], node) {
			err = fn(&at->r, arg);
			if (err)
				return err;
		}
	return 0;
}

void fib_rules_init(struct fib *f)
{
	static const struct {
		uint32_t priority, table;
		bool v6;
	} first[] = {{0, RT_TABLE_LOCAL, false}, {32766, RT_TABLE_MAIN, false},
		{32767, RT_TABLE_DEFAULT, false}, {0, RT_TABLE_LOCAL, true},
		{32766, RT_TABLE_MAIN, true}};
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(first); i++) {
		const struct rt_rule r = {.priority = first[i].priority,
			.table = first[i].table,
			.action = FR_TO_TABLE,
			.is_v6 = first[i].v6};

		PANIC_ON(insert_rule(f, &r));
	}
}
