/*
 * nl_fib.c - routes and rules by rtnetlink(7): RTM_{GET,NEW,DEL}{ROUTE,RULE}.
 */
#include "netlink.h"
#include "compat.h"

enum { ROUTER_METRIC6 = 1024, SCOPE_NOWHERE = 255, METRICS = 17 };

/* ---- routes out ---- */

static void put_metrics(struct nl_out *o, const struct rt_entry *e)
{
	uint32_t mark;

	if (!e->mtu && !e->advmss && !e->window && !e->rtt_ms && !e->hop_limit)
		return;
	nl_nest(o, RTA_METRICS, &mark);
	if (e->mtu)
		nl_put_u32(o, RTAX_MTU, e->mtu);
	if (e->window)
		nl_put_u32(o, RTAX_WINDOW, e->window);
	if (e->rtt_ms)
		nl_put_u32(o, RTAX_RTT, e->rtt_ms * 8); /* in eighths, as ip(8) expects */
	if (e->advmss)
		nl_put_u32(o, RTAX_ADVMSS, e->advmss);
	if (e->hop_limit)
		nl_put_u32(o, RTAX_HOPLIMIT, e->hop_limit);
	nl_nest_end(o, mark);
}

/* Each hop: struct rtnexthop, then its gateway. Built aside, as its length comes first. */
static void put_multipath(struct nl_out *o, const struct rt_entry *e)
{
	uint8_t buf[ARRAY_SIZE(e->hop) * (sizeof(struct rtnexthop) + sizeof(struct nlattr) + 16)];
	size_t at = 0, size = e->is_v6 ? 16 : 4;

	for (unsigned i = 0; i < e->nr_hops; i++) {
		const struct rt_hop *h = &e->hop[i];
		bool gw = !ip_is_any(&h->gateway);
		struct rtnexthop *nh = (struct rtnexthop *)(buf + at);
		struct nlattr *a = (struct nlattr *)(nh + 1);

		*nh = (struct rtnexthop){
			.len = (uint16_t)(sizeof(*nh) + (gw ? sizeof(*a) + size : 0)),
			.hops = (uint8_t)(h->weight - 1),
			.flags = h->onlink ? RTNH_F_ONLINK : 0,
			.ifindex = (int32_t)h->ifindex};
		if (gw) {
			*a = (struct nlattr){
				.len = (uint16_t)(sizeof(*a) + size), .type = RTA_GATEWAY};
			memcpy(a + 1, h->gateway.b + 16 - size, size);
		}
		at += nh->len;
	}
	nl_put(o, RTA_MULTIPATH, buf, at);
}

void nl_put_route(struct nl_out *o, uint16_t type, const struct rt_entry *e)
{
	struct rta_cacheinfo ci = {.expires = (int32_t)(e->expires_s * 100)};
	struct rtmsg *m = nl_begin(o, type, sizeof(*m));

	if (!m)
		return;
	m->family = e->is_v6 ? AF_INET6 : AF_INET;
	m->dst_len = (uint8_t)(e->prefix - (e->is_v6 ? 0 : 96));
	m->tos = e->tos;
	m->table = (uint8_t)(e->table < 256 ? e->table : 252);
	m->protocol = e->protocol;
	m->scope = e->scope;
	m->type = e->type;
	if (e->nr_hops == 1 && e->hop[0].onlink)
		m->flags = RTNH_F_ONLINK;
	nl_put_u32(o, RTA_TABLE, e->table);
	if (m->dst_len)
		nl_put_ip(o, RTA_DST, &e->dst, e->is_v6);
	if (e->priority)
		nl_put_u32(o, RTA_PRIORITY, e->priority);
	if (!ip_is_any(&e->prefsrc))
		nl_put_ip(o, RTA_PREFSRC, &e->prefsrc, e->is_v6);
	put_metrics(o, e);
	if (e->nr_hops > 1) {
		put_multipath(o, e);
	} else if (e->nr_hops) {
		if (!ip_is_any(&e->hop[0].gateway))
			nl_put_ip(o, RTA_GATEWAY, &e->hop[0].gateway, e->is_v6);
		nl_put_u32(o, RTA_OIF, e->hop[0].ifindex);
	}
	if (e->is_v6) {
		nl_put(o, RTA_CACHEINFO, &ci, sizeof(ci));
		nl_put_u8(o, RTA_PREF, e->pref);
	}
	nl_end(o);
}

struct route_dump {
	struct nl_out *out;
	uint8_t family, type, protocol;
	uint32_t table, ifindex; /* 0: all */
};

static int dump_route(const struct rt_entry *e, void *arg)
{
	const struct route_dump *d = arg;

	if (d->family && d->family != (e->is_v6 ? AF_INET6 : AF_INET))
		return 0;
	if ((d->table && d->table != e->table) || (d->type && d->type != e->type) ||
		(d->protocol && d->protocol != e->protocol))
		return 0;
	if (d->ifindex && (!e->nr_hops || e->hop[0].ifindex != d->ifindex))
		return 0;
	nl_put_route(d->out, RTM_NEWROUTE, e);
	return d->out->err;
}

static int dump_routes(struct nl_request *r, const struct nlattr **attr)
{
	const struct rtmsg *m = r->body;
	struct route_dump d = {.out = r->out, .family = m->family};
	int err = 0;

	if (r->strict && r->body_len >= sizeof(*m)) {
		d.type = m->type;
		d.protocol = m->protocol;
		d.table = nla_u32(attr[RTA_TABLE], m->table, &err);
		d.ifindex = nla_u32(attr[RTA_OIF], 0, &err);
	}
	if (!err)
		(void)route_each(r->net, dump_route, &d);
	return err;
}

/* As one packet would go: RTM_GETROUTE without NLM_F_DUMP. */
static int get_route(struct nl_request *r, const struct nlattr **attr)
{
	const struct rtmsg *m = r->body;
	bool is_v6 = m->family == AF_INET6;
	struct ip_addr dst = ip_any_of(is_v6), src = dst;
	struct rt_entry e;
	int err = 0;

	if (m->family != AF_INET && m->family != AF_INET6)
		return -EOPNOTSUPP;
	if (attr[RTA_DST])
		err = nla_ip(attr[RTA_DST], is_v6, &dst);
	if (!err && attr[RTA_SRC])
		err = nla_ip(attr[RTA_SRC], is_v6, &src);
	if (err)
		return err;
	err = route_get(r->net, &dst, &src, nla_u32(attr[RTA_OIF], 0, &err),
		nla_u32(attr[RTA_MARK], 0, &err), &e);
	if (err)
		return err;
	e.dst = dst;
	e.prefix = 128;
	nl_put_route(r->out, RTM_NEWROUTE, &e);
	return 0;
}

/* ---- routes in ---- */

static int decode_metrics(const struct nlattr *a, struct rt_entry *e)
{
	const struct nlattr *m[METRICS];
	int err = nl_parse_nested(a, m, METRICS - 1);

	if (err)
		return err;
	e->mtu = nla_u32(m[RTAX_MTU], 0, &err);
	e->window = nla_u32(m[RTAX_WINDOW], 0, &err);
	e->rtt_ms = nla_u32(m[RTAX_RTT], 0, &err) / 8;
	e->advmss = nla_u32(m[RTAX_ADVMSS], 0, &err);
	e->hop_limit = nla_u32(m[RTAX_HOPLIMIT], 0, &err);
	return err || e->hop_limit > 255 ? -EINVAL : 0;
}

static int decode_hop(const struct rtnexthop *nh, bool is_v6, struct rt_hop *h)
{
	const struct nlattr *attr[NL_ATTRS];
	struct nl_request inner = {.body = nh, .body_len = nh->len};
	int err = nl_parse(&inner, sizeof(*nh), attr, NL_ATTRS - 1);

	if (err)
		return err;
	*h = (struct rt_hop){.ifindex = (uint32_t)nh->ifindex,
		.weight = (uint8_t)MIN(nh->hops + 1, 255),
		.onlink = nh->flags & RTNH_F_ONLINK,
		.gateway = ip_any_of(is_v6)};
	return attr[RTA_GATEWAY] ? nla_ip(attr[RTA_GATEWAY], is_v6, &h->gateway) : 0;
}

static int decode_multipath(const struct nlattr *a, struct rt_entry *e)
{
	const uint8_t *at = nla_data(a);
	size_t left = nla_len(a), step;
	int err;

	while (left >= sizeof(struct rtnexthop)) {
		const struct rtnexthop *nh = (const struct rtnexthop *)at;

		if (nh->len < sizeof(*nh) || nh->len > left || e->nr_hops == ARRAY_SIZE(e->hop))
			return -EINVAL;
		err = decode_hop(nh, e->is_v6, &e->hop[e->nr_hops++]);
		if (err)
			return err;
		step = MIN((size_t)NLMSG_ALIGN(nh->len), left);
		at += step;
		left -= step;
	}
	return e->nr_hops ? 0 : -EINVAL;
}

static int decode_one_hop(const struct rtmsg *m, const struct nlattr **attr, struct rt_entry *e)
{
	struct rt_hop *h = &e->hop[0];
	int err = 0;

	h->gateway = ip_any_of(e->is_v6);
	h->weight = 1;
	h->ifindex = nla_u32(attr[RTA_OIF], 0, &err);
	h->onlink = m->flags & RTNH_F_ONLINK;
	if (!err && attr[RTA_GATEWAY])
		err = nla_ip(attr[RTA_GATEWAY], e->is_v6, &h->gateway);
	e->nr_hops = h->ifindex || attr[RTA_GATEWAY];
	return err;
}

static int decode_route(const struct nl_request *r, const struct nlattr **attr, struct rt_entry *e)
{
	const struct rtmsg *m = r->body;
	bool is_v6 = m->family == AF_INET6;
	int err = 0;

	if (!is_v6 && m->family != AF_INET)
		return -EOPNOTSUPP;
	if (m->dst_len > (is_v6 ? 128 : 32) || m->src_len)
		return -EINVAL;
	*e = (struct rt_entry){.is_v6 = is_v6,
		.dst = ip_any_of(is_v6),
		.prefix = (uint8_t)(m->dst_len + (is_v6 ? 0 : 96)),
		.type = m->type,
		.scope = m->scope,
		.protocol = m->protocol,
		.tos = m->tos};
	e->prefsrc = e->dst;
	e->table = nla_u32(attr[RTA_TABLE], m->table, &err);
	e->priority = nla_u32(attr[RTA_PRIORITY], 0, &err);
	e->expires_s = nla_u32(attr[RTA_EXPIRES], 0, &err);
	if (!e->table)
		e->table = RT_TABLE_MAIN;
	if (!err && attr[RTA_DST])
		err = nla_ip(attr[RTA_DST], is_v6, &e->dst);
	if (!err && attr[RTA_PREFSRC])
		err = nla_ip(attr[RTA_PREFSRC], is_v6, &e->prefsrc);
	if (!err && attr[RTA_METRICS])
		err = decode_metrics(attr[RTA_METRICS], e);
	if (!err && attr[RTA_VIA])
		err = -EOPNOTSUPP;
	if (!err && attr[RTA_PREF] && nla_len(attr[RTA_PREF]))
		e->pref = *(const uint8_t *)nla_data(attr[RTA_PREF]);
	if (err)
		return err;
	return attr[RTA_MULTIPATH] ? decode_multipath(attr[RTA_MULTIPATH], e)
				   : decode_one_hop(m, attr, e);
}

int nl_fib_request(struct nl_request *r)
{
	const struct nlattr *attr[NL_ATTRS];
	const struct rtmsg *m = r->body;
	struct rt_entry e;
	int err = nl_parse(
		r, r->is_dump && r->body_len < sizeof(*m) ? 1 : sizeof(*m), attr, NL_ATTRS - 1);

	if (err)
		return err;
	if (r->h->type == RTM_GETROUTE)
		return r->is_dump ? dump_routes(r, attr) : get_route(r, attr);
	err = decode_route(r, attr, &e);
	if (err)
		return err;
	if (r->h->type == RTM_DELROUTE) {
		if (m->scope == SCOPE_NOWHERE)
			e.scope = 0; /* any */
		return route_del(r->net, &e);
	}
	if (!e.type)
		e.type = RTN_UNICAST;
	if (e.is_v6 && !e.priority)
		e.priority = ROUTER_METRIC6;
	return route_add(r->net, &e, r->h->flags & NLM_F_CREATE, r->h->flags & NLM_F_REPLACE,
		r->h->flags & NLM_F_APPEND, r->h->flags & NLM_F_EXCL);
}

/* ---- rules: struct fib_rule_hdr has rtmsg's layout, its type is the action ---- */

void nl_put_rule(struct nl_out *o, uint16_t type, const struct rt_rule *e)
{
	uint8_t base = e->is_v6 ? 0 : 96;
	struct rtmsg *m = nl_begin(o, type, sizeof(*m));

	if (!m)
		return;
	m->family = e->is_v6 ? AF_INET6 : AF_INET;
	m->dst_len = (uint8_t)(e->dst_prefix - base);
	m->src_len = (uint8_t)(e->src_prefix - base);
	m->tos = e->tos;
	m->table = (uint8_t)(e->table < 256 ? e->table : 252);
	m->type = e->action;
	m->flags = e->invert ? FIB_RULE_INVERT : 0;
	nl_put_u32(o, FRA_TABLE, e->table);
	if (e->priority)
		nl_put_u32(o, FRA_PRIORITY, e->priority);
	if (m->dst_len)
		nl_put_ip(o, FRA_DST, &e->dst, e->is_v6);
	if (m->src_len)
		nl_put_ip(o, FRA_SRC, &e->src, e->is_v6);
	if (e->mark || e->mark_mask) {
		nl_put_u32(o, FRA_FWMARK, e->mark);
		nl_put_u32(o, FRA_FWMASK, e->mark_mask);
	}
	if (*e->iif)
		nl_put_str(o, FRA_IIFNAME, e->iif);
	if (*e->oif)
		nl_put_str(o, FRA_OIFNAME, e->oif);
	nl_end(o);
}

static int decode_rule(const struct nl_request *r, const struct nlattr **attr, struct rt_rule *e)
{
	const struct rtmsg *m = r->body;
	bool is_v6 = m->family == AF_INET6;
	uint8_t most = is_v6 ? 128 : 32, base = is_v6 ? 0 : 96;
	int err = 0;

	if (!is_v6 && m->family != AF_INET)
		return -EAFNOSUPPORT;
	if (m->dst_len > most || m->src_len > most)
		return -EINVAL;
	*e = (struct rt_rule){.is_v6 = is_v6,
		.dst_prefix = (uint8_t)(m->dst_len + base),
		.src_prefix = (uint8_t)(m->src_len + base),
		.tos = m->tos,
		.action = m->type,
		.invert = m->flags & FIB_RULE_INVERT};
	e->dst = e->src = ip_any_of(is_v6);
	e->table = nla_u32(attr[FRA_TABLE], m->table, &err);
	e->priority = nla_u32(attr[FRA_PRIORITY], 0, &err);
	e->mark = nla_u32(attr[FRA_FWMARK], 0, &err);
	e->mark_mask = nla_u32(attr[FRA_FWMASK], e->mark ? ~0u : 0, &err);
	if (!err && attr[FRA_DST])
		err = nla_ip(attr[FRA_DST], is_v6, &e->dst);
	if (!err && attr[FRA_SRC])
		err = nla_ip(attr[FRA_SRC], is_v6, &e->src);
	if (!err && attr[FRA_IIFNAME])
		err = nla_string(attr[FRA_IIFNAME], e->iif, sizeof(e->iif));
	if (!err && attr[FRA_OIFNAME])
		err = nla_string(attr[FRA_OIFNAME], e->oif, sizeof(e->oif));
	return err;
}

static int dump_rule(const struct rt_rule *e, void *arg)
{
	const struct route_dump *d = arg;

	if (!d->family || d->family == (e->is_v6 ? AF_INET6 : AF_INET))
		nl_put_rule(d->out, RTM_NEWRULE, e);
	return d->out->err;
}

int nl_rule_request(struct nl_request *r)
{
	const struct nlattr *attr[NL_ATTRS];
	const struct rtmsg *m = r->body;
	struct route_dump d = {.out = r->out, .family = m->family};
	struct rt_rule e;
	int err = nl_parse(
		r, r->is_dump && r->body_len < sizeof(*m) ? 1 : sizeof(*m), attr, NL_ATTRS - 1);

	if (err)
		return err;
	if (r->h->type == RTM_GETRULE) {
		if (!r->is_dump)
			return -EOPNOTSUPP;
		(void)rule_each(r->net, dump_rule, &d);
		return 0;
	}
	err = decode_rule(r, attr, &e);
	if (err)
		return err;
	return r->h->type == RTM_NEWRULE ? rule_add(r->net, &e) : rule_del(r->net, &e);
}
