/*
 * netlink.c - AF_NETLINK sockets: requests to the kernel, dumps, and notes to groups. netlink(7).
 *
 * THEORY. A program's message is copied, and each request in it is handled at once, in the sender's
 * context, by the protocol's handler, with the configuration lock held where it needs it. Answers
 * are queued on the sending socket before send() returns. A dump is made whole as a list of chunks,
 * each a datagram; the first is queued, the others follow as the reader takes them, so that a long
 * dump neither overflows the receive buffer nor is torn by changes in between. Notes about changes
 * go to all sockets that listen to the group; a full one loses the note and reads ENOBUFS, once.
 *
 * Objects: struct nl_sock lies on one list, nl_socks, under nl_lock, from bind (explicit, or by the
 * first send) to release.
 *
 * Locks: nl_lock, plain spinlock, task context, may be taken under other sockets' and neighbours'
 * locks, and above the locks of netlink sockets; nl_sock->request (mutex) makes the
 * requests of one socket one after another, above the configuration lock.
 *
 * Does not: messages from program to program; NETLINK_AUDIT, NETLINK_NETFILTER and others
 * (EPROTONOSUPPORT).
 */
#include "netlink.h"
#include "compat.h"

enum { NL_MSG_MAX = 1 << 16, NL_GROUPS = 64, NL_ANSWERS = 64 };

/* Key: [n] nl_lock  [r] ->request  [c] constant; the rest as struct socket */
struct nl_sock {
	struct socket s;
	struct list_head node; /* [n] */
	uint32_t portid;       /* [n] 0: not bound */
	uint64_t groups;       /* [n] bit n - 1: group n */
	struct mutex request;
	struct list_head dump; /* [r] chunks that wait to be read */
	uint32_t answers;      /* [r] of them, not of a dump: at most NL_ANSWERS */
	bool cap_ack, ext_ack, strict, no_enobufs, pktinfo;
};
enum { CB_GROUP = 0 }; /* slot of pkt->cb */

static LIST_HEAD(nl_socks);
static struct spinlock nl_lock = SPINLOCK_INIT("nl_lock");

static struct nl_sock *nl_sk(struct socket *s)
{
	return container_of(s, struct nl_sock, s);
}

/* ---- ports and groups ---- */

static bool port_in_use(const struct nl_sock *ns, uint32_t port)
{
	const struct nl_sock *o;

	list_for_each_entry (o, &nl_socks, node)
		if (o->portid == port && o->s.protocol == ns->s.protocol && o->s.net == ns->s.net)
			return true;
	return false;
}

/* The process's own number if no other socket has it, else one from the top downwards. */
static int set_port(struct nl_sock *ns, uint32_t port)
{
	int err = 0;

	spin_lock(&nl_lock);
	if (ns->portid) {
		err = port && port != ns->portid ? -EINVAL : 0;
	} else if (port) {
		err = port_in_use(ns, port) ? -EADDRINUSE : 0;
	} else {
		port = (uint32_t)current->process->pid;
		for (uint32_t next = 0u - 4096u; port_in_use(ns, port); next--)
			port = next;
	}
	if (!err && !ns->portid) {
		ns->portid = port;
		list_add_tail(&ns->node, &nl_socks);
	}
	spin_unlock(&nl_lock);
	return err;
}

static int autobind(struct nl_sock *ns)
{
	return READ_ONCE(ns->portid) ? 0 : set_port(ns, 0);
}

static int set_group(struct nl_sock *ns, unsigned group, bool on)
{
	if (!group || group > NL_GROUPS)
		return -EINVAL;
	spin_lock(&nl_lock);
	if (on)
		ns->groups |= 1ull << (group - 1);
	else
		ns->groups &= ~(1ull << (group - 1));
	spin_unlock(&nl_lock);
	return 0;
}

static int nl_addr(const struct sockaddr_storage *a, unsigned len, struct sockaddr_nl *out)
{
	if (len < sizeof(*out) || a->ss_family != AF_NETLINK)
		return -EINVAL;
	memcpy(out, a, sizeof(*out));
	return 0;
}

static int nl_bind(struct socket *s, const struct sockaddr_storage *a, unsigned len)
{
	struct nl_sock *ns = nl_sk(s);
	struct sockaddr_nl nl;
	int err = nl_addr(a, len, &nl);

	if (!err)
		err = set_port(ns, nl.nl_pid);
	if (err)
		return err;
	spin_lock(&nl_lock);
	ns->groups = (ns->groups & ~0xffffffffull) | nl.nl_groups;
	spin_unlock(&nl_lock);
	return 0;
}

/* Only the kernel can be talked to. */
static int nl_connect(
	struct socket *s, const struct sockaddr_storage *a, unsigned len, unsigned file_flags)
{
	struct sockaddr_nl nl;
	int err;

	(void)file_flags;
	if (len >= sizeof(a->ss_family) && a->ss_family == AF_UNSPEC)
		return 0;
	err = nl_addr(a, len, &nl);
	if (err)
		return err;
	return nl.nl_pid || nl.nl_groups ? -EPERM : autobind(nl_sk(s));
}

static int nl_getname(struct socket *s, bool peer, struct sockaddr_storage *a)
{
	struct sockaddr_nl nl = {.nl_family = AF_NETLINK};

	if (!peer) {
		nl.nl_pid = nl_sk(s)->portid;
		nl.nl_groups = (uint32_t)nl_sk(s)->groups;
	}
	memcpy(a, &nl, sizeof(nl));
	return sizeof(nl);
}

/* ---- to a socket ---- */

/* False: no room or no memory. */
static bool queue_bytes(struct socket *s, const void *data, size_t n, uint32_t group)
{
	struct pkt *p = pkt_alloc(0);
	bool ok;

	if (!p)
		return false;
	if (pkt_append_bytes(p, data, n)) {
		pkt_free(p);
		return false;
	}
	p->cb[CB_GROUP] = group;
	net_enter();
	ok = socket_queue_rcv(s, p);
	net_exit();
	return ok;
}

static void overrun(struct nl_sock *ns)
{
	if (!ns->no_enobufs)
		socket_set_error(&ns->s, ENOBUFS);
}

/* Queue chunks while there is room; at least one when nothing is queued. Request mutex held. */
static void refill(struct nl_sock *ns)
{
	struct nl_chunk *c;

	while (!list_empty(&ns->dump)) {
		c = list_first(&ns->dump, struct nl_chunk, node);
		if (ns->s.rcv.count && ns->s.rcv.bytes + c->used > ns->s.rcvbuf / 4)
			return;
		list_del(&c->node);
		ns->answers -= c->is_answer;
		if (!queue_bytes(&ns->s, c->data, c->used, 0))
			overrun(ns);
		kfree(c);
	}
}

void nl_multicast(struct net *net, unsigned protocol, unsigned group, struct nl_out *o)
{
	struct nl_chunk *c;
	struct nl_sock *ns;

	if (o->err || list_empty(&o->chunks))
		return;
	c = list_first(&o->chunks, struct nl_chunk, node);
	spin_lock(&nl_lock);
	list_for_each_entry (ns, &nl_socks, node) {
		if (ns->s.protocol != protocol || ns->s.net != net ||
			!(ns->groups >> (group - 1) & 1))
			continue;
		if (!queue_bytes(&ns->s, c->data, c->used, group))
			overrun(ns);
	}
	spin_unlock(&nl_lock);
}

bool nl_has_listeners(unsigned protocol, unsigned group)
{
	struct nl_sock *ns;
	bool found = false;

	spin_lock(&nl_lock);
	list_for_each_entry (ns, &nl_socks, node)
		found |= ns->s.protocol == protocol && ns->groups >> (group - 1) & 1;
	spin_unlock(&nl_lock);
	return found;
}

/* ---- requests ---- */

static void put_error(struct nl_sock *ns, struct nl_out *o, const struct nlmsghdr *h, int err)
{
	size_t payload = h->len - sizeof(*h);
	bool whole = err && !ns->cap_ack && payload + 64 < NL_CHUNK;
	int32_t *code = nl_begin(
		o, NLMSG_ERROR, sizeof(*code) + sizeof(*h) + (whole ? payload : 0));

	if (!code)
		return;
	*code = err;
	memcpy(code + 1, h, sizeof(*h) + (whole ? payload : 0));
	if (!whole)
		((struct nlmsghdr *)code - 1)->flags |= NLM_F_CAPPED;
	nl_end(o);
}

static int handle(struct nl_request *r)
{
	switch (r->s->protocol) {
	case NETLINK_ROUTE:
		return nl_route_request(r);
	case NETLINK_SOCK_DIAG:
		return nl_diag_request(r);
	case NETLINK_GENERIC:
		return nl_generic_request(r);
	}
	return -ECONNREFUSED; /* groups only */
}

/* A dump: all messages, then DONE. */
static int finish_dump(struct nl_out *o, int err)
{
	int32_t *code;

	if (err)
		return err;
	code = nl_begin(o, NLMSG_DONE, sizeof(*code));
	if (code)
		*code = 0;
	nl_end(o);
	return o->err;
}

/* The answer of a request, or all of a dump, waits to be read. A program that asks and never reads
 * loses answers. */
static void take_answer(struct nl_sock *ns, struct nl_out *o, bool is_dump)
{
	struct nl_chunk *c;

	if (o->err || ns->answers >= NL_ANSWERS) {
		overrun(ns);
		return;
	}
	if (!is_dump)
		list_for_each_entry (c, &o->chunks, node) {
			c->is_answer = true;
			ns->answers++;
		}
	list_splice_tail(&o->chunks, &ns->dump);
}

static void one_request(struct nl_sock *ns, const struct nlmsghdr *h)
{
	bool is_get = ns->s.protocol != NETLINK_ROUTE || (h->type - RTM_NEWLINK) % 4 == 2;
	bool is_dump = is_get && (h->flags & NLM_F_DUMP) == NLM_F_DUMP;
	struct nl_out o;
	struct nl_request r = {.s = &ns->s,
		.net = ns->s.net,
		.h = h,
		.body = h + 1,
		.body_len = h->len - sizeof(*h),
		.is_dump = is_dump,
		.strict = ns->strict,
		.out = &o};
	int err = 0;

	nl_out_init(&o, ns->portid, h->seq, is_dump ? NLM_F_MULTI : 0);
	if (h->flags & NLM_F_REQUEST && h->type >= NLMSG_MIN_TYPE) {
		if (is_dump && !list_empty(&ns->dump))
			err = -EBUSY;
		else
			err = handle(&r);
		if (!err)
			err = is_dump ? finish_dump(&o, 0) : o.err;
	}
	if (err) {
		nl_out_free(&o);
		nl_out_init(&o, ns->portid, h->seq, 0);
	}
	if (err || (h->flags & NLM_F_ACK && !is_dump)) {
		o.flags = 0;
		put_error(ns, &o, h, err);
	}
	take_answer(ns, &o, is_dump && !err);
	nl_out_free(&o);
	refill(ns);
}

static void all_requests(struct nl_sock *ns, const uint8_t *at, size_t left)
{
	while (left >= sizeof(struct nlmsghdr)) {
		const struct nlmsghdr *h = (const struct nlmsghdr *)at;
		size_t step;

		if (h->len < sizeof(*h) || h->len > left)
			return;
		one_request(ns, h);
		step = MIN((size_t)NLMSG_ALIGN(h->len), left);
		at += step;
		left -= step;
	}
}

static int check_destination(const struct socket_msg *m)
{
	struct sockaddr_nl to;
	int err;

	if (!m->name)
		return 0;
	err = nl_addr(m->name, m->name_len, &to);
	if (err)
		return err;
	if (to.nl_pid || to.nl_groups)
		return capable(CAP_NET_ADMIN) ? -ECONNREFUSED : -EPERM;
	return 0;
}

static ssize_t nl_sendmsg(struct socket *s, struct socket_msg *m, size_t n, unsigned file_flags)
{
	struct nl_sock *ns = nl_sk(s);
	uint8_t *buf;
	ssize_t err = m->flags & MSG_OOB ? -EOPNOTSUPP : check_destination(m);

	(void)file_flags;
	if (!err)
		err = autobind(ns);
	if (err)
		return err;
	if (n > NL_MSG_MAX)
		return -EMSGSIZE;
	buf = kmalloc(MAX(n, (size_t)1), GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	if (copy_from_iter(buf, n, m->iter) != n) {
		kfree(buf);
		return -EFAULT;
	}
	mutex_lock(&ns->request);
	all_requests(ns, buf, n);
	mutex_unlock(&ns->request);
	kfree(buf);
	return (ssize_t)n;
}

static void put_controls(struct nl_sock *ns, struct socket_msg *m, uint32_t group)
{
	const struct socket_ucred kernel = {0};

	if (ns->pktinfo)
		cmsg_put(m, SOL_NETLINK, NETLINK_PKTINFO, &group, sizeof(group));
	if (ns->s.opts & SOPT_PASSCRED)
		cmsg_put(m, SOL_SOCKET, SCM_CREDENTIALS, &kernel, sizeof(kernel));
}

static ssize_t nl_recvmsg(struct socket *s, struct socket_msg *m, size_t n, unsigned file_flags)
{
	struct nl_sock *ns = nl_sk(s);
	struct sockaddr_nl from = {.nl_family = AF_NETLINK};
	struct pkt *p = NULL;
	size_t len, take;
	uint32_t group;
	ssize_t err;

	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	err = socket_rcv_begin(s, file_flags & O_NONBLOCK ? m->flags | MSG_DONTWAIT : m->flags, &p);
	if (err || !p)
		return err;
	len = p->len;
	take = MIN(n, len);
	group = (uint32_t)p->cb[CB_GROUP];
	err = pkt_copy_iter(p, 0, m->iter, take);
	socket_rcv_done(s, p, m->flags);
	if (err)
		return err;
	if (take < len)
		m->out_flags |= MSG_TRUNC;
	if (m->name) {
		from.nl_groups = group && group <= 32 ? 1u << (group - 1) : 0;
		memcpy(m->name, &from, sizeof(from));
		m->name_len = sizeof(from);
	}
	put_controls(ns, m, group);
	if (!(m->flags & MSG_PEEK)) {
		mutex_lock(&ns->request);
		refill(ns);
		mutex_unlock(&ns->request);
	}
	return (ssize_t)(m->flags & MSG_TRUNC ? len : take);
}

static unsigned nl_poll(struct socket *s)
{
	unsigned events = POLLOUT | POLLWRNORM;

	if (READ_ONCE(s->rcv.count))
		events |= POLLIN | POLLRDNORM;
	if (READ_ONCE(s->error))
		events |= POLLERR;
	return events;
}

/* ---- options ---- */

static bool *option_flag(struct nl_sock *ns, int name)
{
	switch (name) {
	case NETLINK_PKTINFO:
		return &ns->pktinfo;
	case NETLINK_NO_ENOBUFS:
		return &ns->no_enobufs;
	case NETLINK_CAP_ACK:
		return &ns->cap_ack;
	case NETLINK_EXT_ACK:
		return &ns->ext_ack; /* accepted: we have nothing to add to the error */
	case NETLINK_GET_STRICT_CHK:
		return &ns->strict;
	}
	return NULL;
}

static int nl_setsockopt(struct socket *s, int level, int name, const void *val, unsigned len)
{
	struct nl_sock *ns = nl_sk(s);
	bool *flag = option_flag(ns, name);
	uint32_t v = 0; /* what Linux takes a short value for */

	if (level != SOL_NETLINK)
		return -ENOPROTOOPT;
	if (len >= sizeof(v))
		memcpy(&v, val, sizeof(v));
	if (flag) {
		*flag = v;
		return 0;
	}
	if (name != NETLINK_ADD_MEMBERSHIP && name != NETLINK_DROP_MEMBERSHIP)
		return -ENOPROTOOPT;
	return set_group(ns, v, name == NETLINK_ADD_MEMBERSHIP);
}

static int nl_getsockopt(struct socket *s, int level, int name, void *val, unsigned *len)
{
	struct nl_sock *ns = nl_sk(s);
	bool *flag = option_flag(ns, name);
	uint32_t v;

	if (level != SOL_NETLINK)
		return -ENOPROTOOPT;
	if (name == NETLINK_LIST_MEMBERSHIPS) {
		memcpy(val, &ns->groups, MIN((size_t)*len, sizeof(ns->groups)));
		*len = sizeof(ns->groups);
		return 0;
	}
	if (!flag)
		return -ENOPROTOOPT;
	if (*len < sizeof(v))
		return -EINVAL;
	v = *flag;
	memcpy(val, &v, sizeof(v));
	*len = sizeof(v);
	return 0;
}

/* ---- life ---- */

static void nl_release(struct socket *s)
{
	struct nl_sock *ns = nl_sk(s);

	spin_lock(&nl_lock);
	if (ns->portid)
		list_del(&ns->node);
	spin_unlock(&nl_lock);
}

static void nl_destroy(struct socket *s)
{
	struct nl_out rest;

	nl_out_init(&rest, 0, 0, 0);
	list_splice_tail(&nl_sk(s)->dump, &rest.chunks);
	nl_out_free(&rest);
}

static const struct socket_ops nl_ops = {
	.family = AF_NETLINK,
	.bind = nl_bind,
	.connect = nl_connect,
	.getname = nl_getname,
	.sendmsg = nl_sendmsg,
	.recvmsg = nl_recvmsg,
	.poll = nl_poll,
	.setsockopt = nl_setsockopt,
	.getsockopt = nl_getsockopt,
	.release = nl_release,
	.destroy = nl_destroy,
};

static int nl_create(struct net *net, int type, int protocol, struct socket **out)
{
	struct nl_sock *ns;
	struct socket *s;

	if (type != SOCK_RAW && type != SOCK_DGRAM)
		return -ESOCKTNOSUPPORT;
	if (protocol != NETLINK_ROUTE && protocol != NETLINK_SOCK_DIAG &&
		protocol != NETLINK_KOBJECT_UEVENT && protocol != NETLINK_GENERIC)
		return -EPROTONOSUPPORT;
	s = socket_alloc(sizeof(*ns), net, &nl_ops, type, protocol);
	if (!s)
		return -ENOMEM;
	ns = nl_sk(s);
	spin_init(&s->lock); /* a class of its own: notes are queued under other sockets' locks */
	list_init(&ns->node);
	list_init(&ns->dump);
	mutex_init(&ns->request);
	*out = s;
	return 0;
}

int nl_sock_each(int (*fn)(const struct nl_sock_info *i, void *arg), void *arg)
{
	struct nl_sock *ns;
	int result = 0;

	spin_lock(&nl_lock);
	list_for_each_entry (ns, &nl_socks, node) {
		const struct nl_sock_info i = {.protocol = ns->s.protocol,
			.portid = ns->portid,
			.groups = (uint32_t)ns->groups,
			.rmem = (uint32_t)atomic_read(&ns->s.rmem),
			.wmem = (uint32_t)atomic_read(&ns->s.wmem),
			.drops = ns->s.drops,
			.refs = 2,
			.ino = ns->s.file ? ns->s.file->inode->ino : 0,
			.dumping = !list_empty(&ns->dump)};

		result = fn(&i, arg);
		if (result)
			break;
	}
	spin_unlock(&nl_lock);
	return result;
}

static struct socket_family nl_family = {.family = AF_NETLINK, .create = nl_create};

void netlink_init(void)
{
	socket_family_register(&nl_family);
	nl_notify_init();
}
