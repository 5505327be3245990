/*
 * netlink.h - inside compat/net: messages taken apart and put together, and who handles them.
 *
 * A request is a kernel copy. Its handler returns 0 or -errno, which becomes the acknowledgement;
 * what it answers with is added to a struct nl_out: a list of chunks, each of which is read as one
 * datagram. Theory: netlink.c
 */
#pragma once
#include <list.h>
#include <netctl.h>
#include <socket.h>
#include "abi/netlink.h"

enum { NL_CHUNK = 3968, NL_ATTRS = 64 };
struct nl_chunk {
	struct list_head node;
	uint32_t used;
	bool is_answer; /* counted in nl_sock->answers */
	_Alignas(8) uint8_t data[NL_CHUNK];
};
struct nl_out {
	struct list_head chunks;
	uint32_t msg, chunk_count; /* offset of the message being built in the last chunk */
	uint32_t seq, pid;
	uint16_t flags; /* put into every message: NLM_F_MULTI in dumps */
	int err;        /* -ENOMEM, -EMSGSIZE: the output is void */
};
void nl_out_init(struct nl_out *o, uint32_t pid, uint32_t seq, uint16_t flags);
void nl_out_free(struct nl_out *o);
/* A message with its fixed header of @n bytes; NULL on error (o->err is set, later calls do
 * nothing). Never sleeps. */
void *nl_begin(struct nl_out *o, uint16_t type, size_t n);
void nl_end(struct nl_out *o);
void nl_cancel(struct nl_out *o); /* the message begun is dropped */
void nl_put(struct nl_out *o, unsigned type, const void *data, size_t n);
static inline void nl_put_u8(struct nl_out *o, unsigned type, uint8_t v)
{
	nl_put(o, type, &v, sizeof(v));
}
static inline void nl_put_u16(struct nl_out *o, unsigned type, uint16_t v)
{
	nl_put(o, type, &v, sizeof(v));
}
static inline void nl_put_u32(struct nl_out *o, unsigned type, uint32_t v)
{
	nl_put(o, type, &v, sizeof(v));
}
void nl_put_str(struct nl_out *o, unsigned type, const char *s); /* with its end */
/* An address in its family's size. */
void nl_put_ip(struct nl_out *o, unsigned type, const struct ip_addr *a, bool is_v6);
void nl_nest(struct nl_out *o, unsigned type, uint32_t *mark); /* then attributes, then */
void nl_nest_end(struct nl_out *o, uint32_t mark);

/* A request being handled. */
struct nl_request {
	struct socket *s;
	struct net *net;
	const struct nlmsghdr *h;
	const void *body; /* after the header */
	size_t body_len;
	bool is_dump, strict;
	struct nl_out *out;
};
/*
 * nl_parse() - check the fixed header's size @n and index the attributes after it: attr[type] or
 * NULL. Unknown types above @max are left out. 0, -EINVAL.
 */
int __must_check nl_parse(
	const struct nl_request *r, size_t n, const struct nlattr **attr, unsigned max);
int __must_check nl_parse_nested(const struct nlattr *a, const struct nlattr **attr, unsigned max);
static inline const void *nla_data(const struct nlattr *a)
{
	return a + 1;
}
static inline size_t nla_len(const struct nlattr *a)
{
	return a->len - sizeof(*a);
}
/* Value of an attribute, or @missing. -ERANGE in *err when it has another size. */
uint32_t nla_u32(const struct nlattr *a, uint32_t missing, int *err);
/* A string into @to of @size: 0, -EINVAL (too long). */
int __must_check nla_string(const struct nlattr *a, char *to, size_t size);
int __must_check nla_ip(const struct nlattr *a, bool is_v6, struct ip_addr *out); /* 0, -EINVAL */

/* Protocols. */
int nl_route_request(struct nl_request *r);
int nl_link_request(struct nl_request *r);
int nl_addr_request(struct nl_request *r);
int nl_fib_request(struct nl_request *r);
int nl_neigh_request(struct nl_request *r);
int nl_rule_request(struct nl_request *r);
int nl_diag_request(struct nl_request *r);
int nl_generic_request(struct nl_request *r);
/* One message about an object, for answers, dumps and notes to groups. */
void nl_put_link(struct nl_out *o, uint16_t type, struct netdev *d, uint32_t change);
void nl_put_addr(struct nl_out *o, uint16_t type, const struct if_addr *a);
void nl_put_route(struct nl_out *o, uint16_t type, const struct rt_entry *e);
void nl_put_neigh(struct nl_out *o, uint16_t type, const struct neigh_entry *e);
void nl_put_rule(struct nl_out *o, uint16_t type, const struct rt_rule *e);

/* Give @o's message to every socket of @protocol that listens to @group. Any task context. */
void nl_multicast(struct net *net, unsigned protocol, unsigned group, struct nl_out *o);
bool nl_has_listeners(unsigned protocol, unsigned group);
void nl_notify_init(void); /* watches devices, addresses, routes, neighbours */
struct nl_sock_info {
	uint32_t protocol, portid, groups, rmem, wmem, drops, refs;
	uint64_t ino;
	bool dumping;
};
int nl_sock_each(int (*fn)(const struct nl_sock_info *i, void *arg), void *arg);
void netlink_init(void);
