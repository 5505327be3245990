/*
 * nl_diag.c - NETLINK_SOCK_DIAG: lists of sockets for ss(8); and the controller of generic netlink.
 * sock_diag(7). Does not: filters by byte code, closing sockets.
 */
#include "netlink.h"
#include "compat.h"

struct inet_dump {
	struct nl_out *out;
	const struct inet_diag_req *req;
};

static void put_addr(__be32 to[4], const struct ip_addr *a, uint8_t family)
{
	memcpy(to, a->w, sizeof(a->w));
	if (family == AF_INET) {
		memset(to, 0, sizeof(a->w));
		to[0] = ip_v4(a);
	}
}

static int dump_inet(const struct inet_sock_info *i, void *arg)
{
	const struct inet_dump *d = arg;
	struct inet_diag_msg *m;

	if (i->family != d->req->family || !(d->req->states >> i->state & 1))
		return 0;
	m = nl_begin(d->out, SOCK_DIAG_BY_FAMILY, sizeof(*m));
	if (!m)
		return d->out->err;
	*m = (struct inet_diag_msg){.family = i->family,
		.state = i->state,
		.timer = i->timer,
		.retrans = (uint8_t)i->retransmits,
		.id = {.sport = to_be16(i->lport),
			.dport = to_be16(i->rport),
			.ifindex = i->ifindex,
			.cookie = {(uint32_t)i->cookie, (uint32_t)(i->cookie >> 32)}},
		.expires = i->timer_ms,
		.rqueue = i->rqueue,
		.wqueue = i->wqueue,
		.uid = i->uid,
		.inode = (uint32_t)i->ino};
	put_addr(m->id.src, &i->local, i->family);
	put_addr(m->id.dst, &i->remote, i->family);
	if (i->family == AF_INET6)
		nl_put_u8(d->out, INET_DIAG_SKV6ONLY, i->v6only);
	if (i->tcp_info && d->req->ext >> (INET_DIAG_INFO - 1) & 1)
		nl_put(d->out, INET_DIAG_INFO, i->tcp_info, i->tcp_info_len);
	nl_end(d->out);
	return d->out->err;
}

struct unix_dump {
	struct nl_out *out;
	const struct unix_diag_req *req;
};

static int dump_unix(const struct unix_sock_info *i, void *arg)
{
	const struct unix_dump *d = arg;
	uint8_t state = i->listening    ? 10
			: i->state == 3 ? 1
					: 7; /* TCP_LISTEN, ESTABLISHED, CLOSE */
	const uint32_t queues[2] = {i->rqueue, i->wqueue};
	struct unix_diag_msg *m;

	if (!(d->req->states >> state & 1) || (d->req->ino && d->req->ino != i->ino))
		return 0;
	m = nl_begin(d->out, SOCK_DIAG_BY_FAMILY, sizeof(*m));
	if (!m)
		return d->out->err;
	*m = (struct unix_diag_msg){.family = AF_UNIX,
		.type = (uint8_t)i->type,
		.state = state,
		.ino = (uint32_t)i->ino,
		.cookie = {(uint32_t)i->ino, 0}};
	if (i->name && d->req->show & UDIAG_SHOW_NAME)
		nl_put(d->out, UNIX_DIAG_NAME, i->name, i->name_len);
	if (i->peer_ino && d->req->show & UDIAG_SHOW_PEER)
		nl_put_u32(d->out, UNIX_DIAG_PEER, (uint32_t)i->peer_ino);
	if (d->req->show & UDIAG_SHOW_RQLEN)
		nl_put(d->out, UNIX_DIAG_RQLEN, queues, sizeof(queues));
	nl_end(d->out);
	return d->out->err;
}

int nl_diag_request(struct nl_request *r)
{
	const uint8_t *family = r->body;
	struct inet_dump inet = {.out = r->out, .req = r->body};
	struct unix_dump un = {.out = r->out, .req = r->body};

	if (r->h->type != SOCK_DIAG_BY_FAMILY || !r->body_len)
		return -EINVAL;
	if (!r->is_dump) {
		unsupported("sock_diag of one socket", *family);
		return -EOPNOTSUPP;
	}
	switch (*family) {
	case AF_INET:
	case AF_INET6:
		if (r->body_len < sizeof(*inet.req))
			return -EINVAL;
		(void)inet_sock_each(r->net, inet.req->protocol, dump_inet, &inet);
		return 0;
	case AF_UNIX:
		if (r->body_len < sizeof(*un.req))
			return -EINVAL;
		(void)unix_sock_each(r->net, dump_unix, &un);
		return 0;
	}
	return -ENOENT;
}

/* ---- generic netlink: the only family is the one that lists families ---- */

static void put_controller(struct nl_out *o)
{
	struct genlmsghdr *g = nl_begin(o, GENL_ID_CTRL, sizeof(*g));

	if (!g)
		return;
	*g = (struct genlmsghdr){.cmd = CTRL_CMD_NEWFAMILY, .version = 2};
	nl_put_str(o, CTRL_ATTR_FAMILY_NAME, "nlctrl");
	nl_put_u16(o, CTRL_ATTR_FAMILY_ID, GENL_ID_CTRL);
	nl_put_u32(o, CTRL_ATTR_VERSION, 2);
	nl_put_u32(o, CTRL_ATTR_HDRSIZE, 0);
	nl_put_u32(o, CTRL_ATTR_MAXATTR, 10);
	nl_end(o);
}

int nl_generic_request(struct nl_request *r)
{
	const struct nlattr *attr[NL_ATTRS];
	const struct genlmsghdr *g = r->body;
	char name[16] = "";
	uint16_t id = 0;
	int err;

	if (r->h->type != GENL_ID_CTRL)
		return -ENOENT;
	err = nl_parse(r, sizeof(*g), attr, NL_ATTRS - 1);
	if (err)
		return err;
	if (g->cmd != CTRL_CMD_GETFAMILY)
		return -EOPNOTSUPP;
	if (!r->is_dump) {
		if (attr[CTRL_ATTR_FAMILY_NAME] &&
			nla_string(attr[CTRL_ATTR_FAMILY_NAME], name, sizeof(name)))
			return -EINVAL;
		if (attr[CTRL_ATTR_FAMILY_ID] && nla_len(attr[CTRL_ATTR_FAMILY_ID]) >= sizeof(id))
			memcpy(&id, nla_data(attr[CTRL_ATTR_FAMILY_ID]), sizeof(id));
		if (!*name && !id)
			return -EINVAL;
		if (id != GENL_ID_CTRL && strcmp(name, "nlctrl"))
			return -ENOENT;
	}
	put_controller(r->out);
	return 0;
}
