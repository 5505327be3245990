/*
 * nl_addr.c - addresses and neighbours by rtnetlink(7): RTM_{GET,NEW,DEL}{ADDR,NEIGH}.
 */
#include "netlink.h"
#include "compat.h"
#include <time.h>

enum { FOR_EVER = UINT32_MAX };

static uint32_t hundredths(uint64_t ns)
{
	return (uint32_t)(ns / (NSEC_PER_SEC / 100));
}

/* ---- addresses ---- */

void nl_put_addr(struct nl_out *o, uint16_t type, const struct if_addr *a)
{
	bool is_v6 = !ip_is_v4(&a->addr);
	struct ifa_cacheinfo ci = {.preferred = a->preferred_s,
		.valid = a->valid_s,
		.created = hundredths(a->created_ns),
		.updated = hundredths(a->updated_ns)};
	struct ifaddrmsg *m = nl_begin(o, type, sizeof(*m));

	if (!m)
		return;
	m->family = is_v6 ? AF_INET6 : AF_INET;
	m->prefixlen = (uint8_t)(a->prefix - (is_v6 ? 0 : 96));
	m->flags = (uint8_t)a->flags;
	m->scope = a->scope;
	m->index = a->ifindex;
	nl_put_ip(o, IFA_ADDRESS, &a->peer, is_v6);
	if (!is_v6 || !ip_equal(&a->peer, &a->addr))
		nl_put_ip(o, IFA_LOCAL, &a->addr, is_v6);
	if (!is_v6) {
		if (!ip_is_any(&a->broadcast))
			nl_put_ip(o, IFA_BROADCAST, &a->broadcast, false);
		if (*a->label)
			nl_put_str(o, IFA_LABEL, a->label);
	}
	nl_put_u32(o, IFA_FLAGS, a->flags);
	nl_put(o, IFA_CACHEINFO, &ci, sizeof(ci));
	nl_end(o);
}

struct addr_dump {
	struct nl_out *out;
	uint8_t family;
	uint32_t ifindex; /* 0: all */
};

static int dump_addr(const struct if_addr *a, void *arg)
{
	const struct addr_dump *d = arg;
	uint8_t family = ip_is_v4(&a->addr) ? AF_INET : AF_INET6;

	if ((!d->family || d->family == family) && (!d->ifindex || d->ifindex == a->ifindex))
		nl_put_addr(d->out, RTM_NEWADDR, a);
	return d->out->err;
}

static int get_addr(struct nl_request *r)
{
	const struct ifaddrmsg *m = r->body;
	struct addr_dump d = {.out = r->out, .family = m->family};

	if (!r->is_dump)
		return -EOPNOTSUPP;
	if (r->strict && r->body_len >= sizeof(*m))
		d.ifindex = m->index;
	rcu_read_lock();
	(void)inet_addr_each(r->net, NULL, dump_addr, &d);
	rcu_read_unlock();
	return 0;
}

static int decode_times(const struct nlattr *a, struct if_addr *out)
{
	struct ifa_cacheinfo ci;

	out->valid_s = out->preferred_s = FOR_EVER;
	if (a) {
		if (nla_len(a) < sizeof(ci))
			return -EINVAL;
		memcpy(&ci, nla_data(a), sizeof(ci));
		if (!ci.valid || ci.preferred > ci.valid)
			return -EINVAL;
		out->valid_s = ci.valid;
		out->preferred_s = ci.preferred;
	}
	if (out->valid_s == FOR_EVER)
		out->flags |= IFA_F_PERMANENT;
	return 0;
}

/* IFA_LOCAL is ours and IFA_ADDRESS the other end; one of them alone is both. */
static int decode_addr(const struct nl_request *r, const struct nlattr **attr, struct if_addr *out)
{
	const struct ifaddrmsg *m = r->body;
	bool is_v6 = m->family == AF_INET6;
	const struct nlattr *local = attr[IFA_LOCAL], *peer = attr[IFA_ADDRESS];
	int err = 0;

	if (!is_v6 && m->family != AF_INET)
		return -EOPNOTSUPP;
	if (m->prefixlen > (is_v6 ? 128 : 32) || (!local && !peer))
		return -EINVAL;
	*out = (struct if_addr){.prefix = (uint8_t)(m->prefixlen + (is_v6 ? 0 : 96)),
		.scope = m->scope,
		.ifindex = m->index};
	out->flags = nla_u32(attr[IFA_FLAGS], m->flags, &err) & (IFA_F_NODAD | IFA_F_NOPREFIXROUTE);
	if (!err)
		err = nla_ip(local ? local : peer, is_v6, &out->addr);
	if (!err)
		err = nla_ip(peer ? peer : local, is_v6, &out->peer);
	if (!err && attr[IFA_BROADCAST] && !is_v6)
		err = nla_ip(attr[IFA_BROADCAST], false, &out->broadcast);
	if (!err && attr[IFA_LABEL])
		err = nla_string(attr[IFA_LABEL], out->label, sizeof(out->label));
	return err ? err : decode_times(attr[IFA_CACHEINFO], out);
}

int nl_addr_request(struct nl_request *r)
{
	const struct nlattr *attr[NL_ATTRS];
	struct netdev *d;
	struct if_addr a;
	int err = nl_parse(r,
		r->is_dump && r->body_len < sizeof(struct ifaddrmsg) ? 1 : sizeof(struct ifaddrmsg),
		attr, NL_ATTRS - 1);

	if (err)
		return err;
	if (r->h->type == RTM_GETADDR)
		return get_addr(r);
	err = decode_addr(r, attr, &a);
	if (err)
		return err;
	d = netdev_get_by_index(r->net, a.ifindex);
	if (!d)
		return -ENODEV;
	if (!*a.label)
		strlcpy(a.label, d->name, sizeof(a.label));
	netdev_put(d);
	if (r->h->type == RTM_DELADDR)
		return inet_addr_del(r->net, &a);
	return inet_addr_add(r->net, &a, r->h->flags & NLM_F_REPLACE);
}

/* ---- neighbours ---- */

void nl_put_neigh(struct nl_out *o, uint16_t type, const struct neigh_entry *e)
{
	bool is_v6 = !ip_is_v4(&e->addr);
	struct nda_cacheinfo ci = {.confirmed = e->confirmed_ms / 10,
		.used = e->used_ms / 10,
		.updated = e->updated_ms / 10,
		.refcnt = e->refs};
	struct ndmsg *m = nl_begin(o, type, sizeof(*m));

	if (!m)
		return;
	m->family = is_v6 ? AF_INET6 : AF_INET;
	m->ifindex = (int32_t)e->ifindex;
	m->state = e->state;
	m->flags = e->flags;
	m->type = RTN_UNICAST;
	nl_put_ip(o, NDA_DST, &e->addr, is_v6);
	if (e->lladdr_len && !(e->state & (NUD_INCOMPLETE | NUD_FAILED)))
		nl_put(o, NDA_LLADDR, e->lladdr, e->lladdr_len);
	nl_put(o, NDA_CACHEINFO, &ci, sizeof(ci));
	nl_end(o);
}

struct neigh_dump {
	struct nl_out *out;
	uint8_t family;
	uint32_t ifindex;
	const struct ip_addr *only;
	bool found;
};

static int dump_neigh(const struct neigh_entry *e, void *arg)
{
	struct neigh_dump *d = arg;
	uint8_t family = ip_is_v4(&e->addr) ? AF_INET : AF_INET6;

	if ((d->family && d->family != family) || (d->ifindex && d->ifindex != e->ifindex) ||
		(d->only && !ip_equal(d->only, &e->addr)))
		return 0;
	nl_put_neigh(d->out, RTM_NEWNEIGH, e);
	d->found = true;
	return d->out->err;
}

static int get_neigh(struct nl_request *r, const struct nlattr **attr)
{
	const struct ndmsg *m = r->body;
	struct neigh_dump d = {.out = r->out, .family = m->family};
	struct ip_addr addr;
	int err;

	if (r->body_len >= sizeof(*m))
		d.ifindex = (uint32_t)m->ifindex;
	if (!r->is_dump) {
		if (!attr[NDA_DST] || !m->ifindex)
			return -EINVAL;
		err = nla_ip(attr[NDA_DST], m->family == AF_INET6, &addr);
		if (err)
			return err;
		d.only = &addr;
	}
	rcu_read_lock();
	(void)neigh_each(r->net, dump_neigh, &d);
	rcu_read_unlock();
	return d.only && !d.found ? -ENOENT : 0;
}

int nl_neigh_request(struct nl_request *r)
{
	const struct nlattr *attr[NL_ATTRS];
	const struct ndmsg *m = r->body;
	struct neigh_entry e = {0};
	int err = nl_parse(
		r, r->is_dump && r->body_len < sizeof(*m) ? 1 : sizeof(*m), attr, NL_ATTRS - 1);

	if (err)
		return err;
	if (r->h->type == RTM_GETNEIGH)
		return get_neigh(r, attr);
	if (!attr[NDA_DST] || (m->family != AF_INET && m->family != AF_INET6))
		return -EINVAL;
	err = nla_ip(attr[NDA_DST], m->family == AF_INET6, &e.addr);
	if (err)
		return err;
	if (m->ifindex <= 0)
		return -EINVAL;
	e.ifindex = (uint32_t)m->ifindex;
	if (r->h->type == RTM_DELNEIGH)
		return neigh_del(r->net, &e.addr, e.ifindex);
	e.state = m->state;
	e.flags = m->flags;
	if (attr[NDA_LLADDR]) {
		if (nla_len(attr[NDA_LLADDR]) > sizeof(e.lladdr))
			return -EINVAL;
		e.lladdr_len = (uint8_t)nla_len(attr[NDA_LLADDR]);
		memcpy(e.lladdr, nla_data(attr[NDA_LLADDR]), e.lladdr_len);
	}
	return neigh_set(r->net, &e, r->h->flags & NLM_F_CREATE, r->h->flags & NLM_F_REPLACE,
		r->h->flags & NLM_F_EXCL);
}
