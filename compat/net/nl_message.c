/*
 * nl_message.c - netlink messages put together and taken apart: netlink(7).
 *
 * A message never straddles chunks: when it grows beyond one, its beginning moves to a new chunk.
 * So each chunk can be handed out as one datagram.
 */
#include "netlink.h"
#include "compat.h"

void nl_out_init(struct nl_out *o, uint32_t pid, uint32_t seq, uint16_t flags)
{
	*o = (struct nl_out){.seq = seq, .pid = pid, .flags = flags};
	list_init(&o->chunks);
}

void nl_out_free(struct nl_out *o)
{
	struct nl_chunk *c, *n;

	list_for_each_entry_safe (c, n, &o->chunks, node) {
		list_del(&c->node);
		kfree(c);
	}
}

static struct nl_chunk *last_chunk(struct nl_out *o)
{
	return list_empty(&o->chunks) ? NULL : list_last(&o->chunks, struct nl_chunk, node);
}

/* Room for @n more bytes of the message being built (or of a new one), zeroed; NULL: o->err. */
static uint8_t *reserve(struct nl_out *o, size_t n)
{
	struct nl_chunk *c = last_chunk(o), *more;
	uint8_t *at;

	if (o->err)
		return NULL;
	n = NLMSG_ALIGN(n);
	if (!c || c->used + n > NL_CHUNK) {
		uint32_t begun = c ? c->used - o->msg : 0;

		if (begun + n > NL_CHUNK) {
			o->err = -EMSGSIZE;
			return NULL;
		}
		more = kmalloc(sizeof(*more), GFP_ATOMIC);
		if (!more) {
			o->err = -ENOMEM;
			return NULL;
		}
		if (begun)
			memcpy(more->data, c->data + o->msg, begun);
		if (c)
			c->used = o->msg;
		more->used = begun;
		more->is_answer = false;
		o->msg = 0;
		list_add_tail(&more->node, &o->chunks);
		if (c && !c->used) {
			list_del(&c->node);
			kfree(c);
		}
		c = more;
	}
	at = c->data + c->used;
	memset(at, 0, n);
	c->used += (uint32_t)n;
	return at;
}

void *nl_begin(struct nl_out *o, uint16_t type, size_t n)
{
	struct nl_chunk *c = last_chunk(o);
	struct nlmsghdr *h;

	o->msg = c ? c->used : 0;
	h = (struct nlmsghdr *)reserve(o, sizeof(*h) + n);
	if (!h)
		return NULL;
	*h = (struct nlmsghdr){.type = type, .flags = o->flags, .seq = o->seq, .pid = o->pid};
	return h + 1;
}

void nl_end(struct nl_out *o)
{
	struct nl_chunk *c = last_chunk(o);

	if (o->err || !c)
		return;
	((struct nlmsghdr *)(c->data + o->msg))->len = c->used - o->msg;
	o->msg = c->used;
}

void nl_cancel(struct nl_out *o)
{
	struct nl_chunk *c = last_chunk(o);

	if (c && !o->err)
		c->used = o->msg;
}

void nl_put(struct nl_out *o, unsigned type, const void *data, size_t n)
{
	struct nlattr *a = (struct nlattr *)reserve(o, sizeof(*a) + n);

	if (!a)
		return;
	*a = (struct nlattr){.len = (uint16_t)(sizeof(*a) + n), .type = (uint16_t)type};
	memcpy(a + 1, data, n);
}

void nl_put_str(struct nl_out *o, unsigned type, const char *s)
{
	nl_put(o, type, s, strlen(s) + 1);
}

void nl_put_ip(struct nl_out *o, unsigned type, const struct ip_addr *a, bool is_v6)
{
	if (is_v6)
		nl_put(o, type, a->b, sizeof(a->b));
	else
		nl_put(o, type, a->b + 12, 4);
}

/* The mark is the nest's offset in its message, which may move to another chunk. */
void nl_nest(struct nl_out *o, unsigned type, uint32_t *mark)
{
	nl_put(o, type, "", 0);
	*mark = o->err ? 0 : last_chunk(o)->used - (uint32_t)sizeof(struct nlattr) - o->msg;
}

void nl_nest_end(struct nl_out *o, uint32_t mark)
{
	struct nl_chunk *c = last_chunk(o);

	if (!o->err)
		((struct nlattr *)(c->data + o->msg + mark))->len = (uint16_t)(c->used - o->msg -
									       mark);
}

/* ---- taking apart ---- */

static int index_attrs(const uint8_t *at, size_t left, const struct nlattr **attr, unsigned max)
{
	memset(attr, 0, (max + 1) * sizeof(*attr));
	while (left >= sizeof(struct nlattr)) {
		const struct nlattr *a = (const struct nlattr *)at;
		size_t step;

		if (a->len < sizeof(*a) || a->len > left)
			return -EINVAL;
		if ((a->type & NLA_TYPE_MASK) <= max)
			attr[a->type & NLA_TYPE_MASK] = a;
		step = MIN((size_t)NLMSG_ALIGN(a->len), left);
		at += step;
		left -= step;
	}
	return 0;
}

int nl_parse(const struct nl_request *r, size_t n, const struct nlattr **attr, unsigned max)
{
	if (r->body_len < n)
		return -EINVAL;
	n = MIN((size_t)NLMSG_ALIGN(n), r->body_len);
	return index_attrs((const uint8_t *)r->body + n, r->body_len - n, attr, max);
}

int nl_parse_nested(const struct nlattr *a, const struct nlattr **attr, unsigned max)
{
	return index_attrs(nla_data(a), nla_len(a), attr, max);
}

uint32_t nla_u32(const struct nlattr *a, uint32_t missing, int *err)
{
	uint32_t v;

	if (!a)
		return missing;
	if (nla_len(a) < sizeof(v)) {
		*err = -ERANGE;
		return missing;
	}
	memcpy(&v, nla_data(a), sizeof(v));
	return v;
}

int nla_string(const struct nlattr *a, char *to, size_t size)
{
	size_t n = strnlen(nla_data(a), nla_len(a));

	if (n >= size)
		return -EINVAL;
	memcpy(to, nla_data(a), n);
	to[n] = '\0';
	return 0;
}

int nla_ip(const struct nlattr *a, bool is_v6, struct ip_addr *out)
{
	__be32 v4;

	if (nla_len(a) != (is_v6 ? 16u : 4u))
		return -EINVAL;
	if (is_v6) {
		memcpy(out, nla_data(a), sizeof(*out));
		return ip_is_v4(out) ? -EINVAL : 0;
	}
	memcpy(&v4, nla_data(a), sizeof(v4));
	*out = ip_from_v4(v4);
	return 0;
}
