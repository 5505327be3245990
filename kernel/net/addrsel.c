/*
 * addrsel.c - which of this host's addresses a packet gets as its source.
 *
 * IPv6: the rules of RFC 6724, 5, over candidates of all interfaces (of the outgoing one alone for
 * link-local and multicast destinations). IPv4: the outgoing interface's primary address in the
 * destination's subnet, else its first of the wanted scope, else another interface's.
 * Does not: home addresses (rule 4) and temporary ones (rule 7), which this host does not have.
 */
#include "inetdev.h"

enum { SCOPE_LINK = 253 };

/* ---- IPv4 ---- */

static const struct ifaddr *first4(
	const struct inet_dev *idev, const struct ip_addr *dst, uint8_t scope, bool *exact)
{
	const struct ifaddr *ia, *first = NULL;

	*exact = false;
	list_for_each_entry_rcu(ia, &idev->addrs, node)
	{
		if (!ia->is_v4 || ia->a.flags & IFA_F_SECONDARY || ia->a.scope > scope)
			continue;
		if (ip_prefix_equal(&ia->a.peer, dst, ia->a.prefix)) {
			*exact = true;
			return ia;
		}
		if (!first)
			first = ia;
	}
	return first;
}

bool inetdev_source4(struct net *net, const struct netdev *d, const struct ip_addr *dst,
	uint8_t scope, struct ip_addr *src)
{
	const struct inet_dev *idev = inet_dev(d);
	const struct ifaddr *ia = NULL;
	const struct netdev *other;
	bool exact;

	if (idev)
		ia = first4(idev, dst, scope, &exact);
	if (ia) {
		*src = ia->a.addr;
		return true;
	}
	list_for_each_entry_rcu(other, &net->devices, node)
	{
		idev = inet_dev(other);
		if (!idev)
			continue;
		list_for_each_entry_rcu(ia, &idev->addrs,
			node) if (ia->is_v4 && !(ia->a.flags & IFA_F_SECONDARY) &&
				  ia->a.scope != SCOPE_LINK && ia->a.scope <= scope)
		{
			*src = ia->a.addr;
			return true;
		}
	}
	return false;
}

/* ---- IPv6 ---- */

static const struct policy { /* RFC 6724, 2.1, longest prefixes first */
	uint8_t prefix[4], bits, label;
} policies[] = {
	{{0x20, 0x01, 0, 0}, 32, 5}, /* Teredo */
	{{0x20, 0x02}, 16, 2},       /* 6to4 */
	{{0x3f, 0xfe}, 16, 12},      /* 6bone */
	{{0xfe, 0xc0}, 10, 11},      /* site-local */
	{{0xfc}, 7, 13},             /* unique local */
};
enum { LABEL_LOOPBACK = 0, LABEL_OTHER = 1, LABEL_COMPATIBLE = 3, LABEL_MAPPED = 4 };

static uint8_t label(const struct ip_addr *a)
{
	struct ip_addr p = {.q = {0, 0}};
	unsigned i;

	if (ip_is_v4(a))
		return LABEL_MAPPED;
	if (ip_is_loopback(a))
		return LABEL_LOOPBACK;
	if (!a->q[0] && !a->w[2])
		return LABEL_COMPATIBLE;
	for (i = 0; i < ARRAY_SIZE(policies); i++) {
		memcpy(p.b, policies[i].prefix, sizeof(policies[i].prefix));
		if (ip_prefix_equal(a, &p, policies[i].bits))
			return policies[i].label;
	}
	return LABEL_OTHER;
}

static unsigned scope(const struct ip_addr *a) /* RFC 4007, RFC 6724 3.1 */
{
	if (ip_is_multicast(a))
		return a->b[1] & 15;
	if (ip_is_link_local(a) || ip_is_loopback(a))
		return 2;
	if (a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0xc0)
		return 5;
	return 14;
}

static unsigned common_prefix(const struct ip_addr *a, const struct ip_addr *b)
{
	unsigned i;

	for (i = 0; i < 2; i++)
		if (a->q[i] != b->q[i])
			return i * 64 +
			       (unsigned)__builtin_clzll(__builtin_bswap64(a->q[i] ^ b->q[i]));
	return 128;
}

struct choice {
	const struct ip_addr *dst;
	const struct netdev *out;
	unsigned dst_scope, dst_label;
};

/* Is @a better than @b? Each rule decides or leaves it to the next. */
static bool better(const struct choice *c, const struct ifaddr *a, const struct ifaddr *b)
{
	const unsigned sa = scope(&a->a.addr), sb = scope(&b->a.addr);
	const bool da = a->a.flags & IFA_F_DEPRECATED, db = b->a.flags & IFA_F_DEPRECATED;
	const bool oa = a->idev->dev == c->out, ob = b->idev->dev == c->out;
	bool la, lb;
	unsigned pa, pb;

	if (ip_equal(&a->a.addr, c->dst) != ip_equal(&b->a.addr, c->dst)) /* rule 1 */
		return ip_equal(&a->a.addr, c->dst);
	if (sa != sb) /* rule 2 */
		return sa < sb ? sa >= c->dst_scope : sb < c->dst_scope;
	if (da != db) /* rule 3 */
		return db;
	if (oa != ob) /* rule 5 */
		return oa;
	la = label(&a->a.addr) == c->dst_label;
	lb = label(&b->a.addr) == c->dst_label;
	if (la != lb) /* rule 6 */
		return la;
	pa = MIN(common_prefix(&a->a.addr, c->dst), (unsigned)a->a.prefix);
	pb = MIN(common_prefix(&b->a.addr, c->dst), (unsigned)b->a.prefix);
	return pa > pb; /* rule 8 */
}

static const struct ifaddr *best_of(
	const struct choice *c, const struct netdev *d, const struct ifaddr *best)
{
	const struct inet_dev *idev = inet_dev(d);
	const struct ifaddr *ia;

	if (!idev)
		return best;
	list_for_each_entry_rcu(ia, &idev->addrs, node)
	{
		if (ia->is_v4 || ia->a.flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED))
			continue;
		if (!best || better(c, ia, best))
			best = ia;
	}
	return best;
}

bool inetdev_source6(
	struct net *net, const struct netdev *d, const struct ip_addr *dst, struct ip_addr *src)
{
	const struct choice c = {dst, d, scope(dst), label(dst)};
	const struct ifaddr *best = NULL;
	const struct netdev *other;

	if (ip_is_multicast(dst) || ip_is_link_local(dst)) {
		best = best_of(&c, d, NULL);
	} else {
		list_for_each_entry_rcu(other, &net->devices, node) best = best_of(&c, other, best);
	}
	if (best)
		*src = best->a.addr;
	return best;
}

bool inetdev_link_local(const struct netdev *d, struct ip_addr *src)
{
	const struct inet_dev *idev = inet_dev(d);
	const struct ifaddr *ia;

	if (!idev)
		return false;
	list_for_each_entry_rcu(ia, &idev->addrs, node)
	{
		if (ia->is_v4 || !ip_is_link_local(&ia->a.addr) ||
			ia->a.flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED))
			continue;
		*src = ia->a.addr;
		return true;
	}
	return false;
}
