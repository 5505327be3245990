/*
 * packet.c - AF_PACKET sockets: link-layer frames to and from programs. packet(7).
 *
 * THEORY. A packet socket is a tap (netdev.h) on one interface or on all. For each frame that the
 * tap sees, the socket's filter says how many bytes it wants; a copy (linear part copied, pages
 * shared) is queued like a datagram, or the bytes are put into a ring of memory that the program
 * maps (packet_ring.c). SOCK_RAW sees and sends whole frames, SOCK_DGRAM what follows the link
 * header. A socket does not see what it sent itself.
 *
 * Locks: the socket's, for the binding and the ring; the configuration lock for memberships.
 * Context of the tap: a net section, no locks. Detaching waits for a grace period, so the tap does
 * not run after release.
 *
 * Does not: transmit rings, fanout, virtio-net headers (EOPNOTSUPP or ENOPROTOOPT).
 */
#include "packet.h"
#include <cred.h>
#include <error.h>
#include <file.h>
#include <netctl.h>
#include <policy.h>
#include <sched.h>
#include <slab.h>
#include <string.h>
#include <vm.h>
#include "inet.h"

enum {
	SOL_PACKET = 263,
	PACKET_ADD_MEMBERSHIP = 1,
	PACKET_DROP_MEMBERSHIP = 2,
	PACKET_RX_RING = 5,
	PACKET_STATISTICS = 6,
	PACKET_AUXDATA = 8,
	PACKET_ORIGDEV = 9,
	PACKET_VERSION = 10,
	PACKET_HDRLEN = 11,
	PACKET_RESERVE = 12,
	PACKET_IGNORE_OUTGOING = 23
};
enum { MR_MULTICAST = 0, MR_PROMISC = 1, MR_ALLMULTI = 2 };
enum {
	TP_STATUS_USER = 1,
	TP_STATUS_CSUMNOTREADY = 8,
	TP_STATUS_VLAN_VALID = 16,
	TP_STATUS_VLAN_TPID_VALID = 64,
	TP_STATUS_CSUM_VALID = 128
};
enum { RESERVE_MAX = 1 << 16 };

struct packet_mreq {
	int32_t ifindex;
	uint16_t type, alen;
	uint8_t address[8];
};
struct packet_auxdata {
	uint32_t status, len, snaplen;
	uint16_t mac, net, vlan_tci, vlan_tpid;
};
struct packet_member {
	struct list_head node;
	struct packet_mreq req;
	uint32_t users;
};
struct packet_cb { /* in pkt->cb */
	struct sockaddr_ll from;
	uint32_t len;
	uint16_t net;
	uint8_t status;
};
static_assert(sizeof(struct packet_cb) <= sizeof(((struct pkt *)0)->cb), "fits");

static LIST_HEAD(packet_socks);
static struct spinlock socks_lock = SPINLOCK_INIT("packet_socks"); /* level 47 */

/* ---- receiving ---- */

static uint8_t linux_type(const struct pkt *p)
{
	static const uint8_t types[] = {[PKT_HOST] = 0,
		[PKT_BROADCAST] = 1,
		[PKT_MULTICAST] = 2,
		[PKT_OTHERHOST] = 3,
		[PKT_OUTGOING] = 4};

	return types[p->type];
}

static void describe(struct packet_sock *ps, struct pkt *p, struct packet_note *n)
{
	const struct netdev *d = p->dev;
	bool is_raw = ps->s.type != SOCK_DGRAM;

	*n = (struct packet_note){.from = {.sll_family = AF_PACKET,
					  .sll_protocol = p->protocol,
					  .sll_ifindex = (int32_t)d->ifindex,
					  .sll_hatype = d->type,
					  .sll_pkttype = linux_type(p)},
		.len = p->len,
		.net = is_raw ? d->hard_header : 0,
		.vlan_tci = p->vlan_tci,
		.has_vlan = p->has_vlan,
		.csum_not_ready = p->csum == CSUM_PARTIAL,
		.csum_valid = p->csum == CSUM_VERIFIED && p->type != PKT_OUTGOING};
	if (d->hard_header == ETH_HLEN) {
		const struct eth_hdr *eth = (const struct eth_hdr *)(p->lin + p->l2);

		n->from.sll_halen = ETH_ALEN;
		memcpy(n->from.sll_addr, eth->src, ETH_ALEN);
	}
}

static unsigned note_status(const struct packet_note *n)
{
	unsigned status = TP_STATUS_USER;

	if (n->csum_not_ready)
		status |= TP_STATUS_CSUMNOTREADY;
	if (n->csum_valid)
		status |= TP_STATUS_CSUM_VALID;
	if (n->has_vlan)
		status |= TP_STATUS_VLAN_VALID | TP_STATUS_VLAN_TPID_VALID;
	return status;
}

static void queue_copy(struct packet_sock *ps, const struct pkt *p, const struct packet_note *n)
{
	struct pkt *c = pkt_clone(p);
	struct packet_cb *cb;
	bool ok = false;

	if (c) {
		cb = (struct packet_cb *)c->cb;
		cb->from = n->from;
		cb->len = n->len;
		cb->net = n->net;
		cb->status = (uint8_t)note_status(n);
		if (likely(pkt_own_pages(c)))
			ok = socket_queue_rcv(&ps->s, c);
		else
			pkt_free(c);
	}
	spin_lock(&ps->s.lock);
	ps->packets++;
	ps->drops += !ok;
	spin_unlock(&ps->s.lock);
}

static void put_in_ring(struct packet_sock *ps, struct pkt *p, struct packet_note *n)
{
	const struct sock_filter_prog *prog = rcu_dereference(ps->s.filter);
	bool ok, wake;

	n->snaplen = n->len;
	if (prog) {
		n->snaplen = MIN(bpf_run(prog, p), n->len);
		if (!n->snaplen)
			return;
	}
	spin_lock(&ps->s.lock);
	ok = ps->ring && packet_ring_put(ps, p, n);
	ps->packets++;
	ps->drops += !ok;
	wake = ok && packet_ring_readable(ps);
	spin_unlock(&ps->s.lock);
	if (wake)
		socket_wake_readers(&ps->s);
}

static void packet_tap(struct netdev_tap *t, struct pkt *p)
{
	struct packet_sock *ps = container_of(t, struct packet_sock, tap);
	unsigned skip = ps->s.type == SOCK_DGRAM ? p->dev->hard_header : 0;
	struct packet_note n;

	if (p->type == PKT_OUTGOING && (p->owner == &ps->s || ps->ignore_outgoing))
		return;
	if (!pkt_need(p, MAX(skip, (unsigned)p->dev->hard_header)))
		return;
	p->l2 = p->off;
	pkt_pull(p, skip);
	describe(ps, p, &n);
	if (READ_ONCE(ps->ring))
		put_in_ring(ps, p, &n);
	else
		queue_copy(ps, p, &n);
	if (skip)
		(void)pkt_push(p, skip); /* the bytes are still there: others want them too */
}

static void put_auxdata(struct socket_msg *m, const struct pkt *p)
{
	const struct packet_cb *cb = (const struct packet_cb *)p->cb;
	struct packet_auxdata aux = {
		.status = cb->status, .len = cb->len, .snaplen = p->len, .net = cb->net};

	if (p->has_vlan) {
		aux.vlan_tci = p->vlan_tci;
		aux.vlan_tpid = ETH_P_8021Q;
	}
	cmsg_put(m, SOL_PACKET, PACKET_AUXDATA, &aux, sizeof(aux));
}

static ssize_t packet_recvmsg(struct socket *s, struct socket_msg *m, size_t n, unsigned file_flags)
{
	const unsigned known = MSG_PEEK | MSG_DONTWAIT | MSG_TRUNC | MSG_CMSG_CLOEXEC |
			       MSG_ERRQUEUE | MSG_WAITALL | MSG_WAITFORONE | MSG_NOSIGNAL;
	struct pkt *p = NULL;
	size_t len, take;
	int err;

	if (m->flags & ~known)
		return -EINVAL;
	err = socket_rcv_begin(s, file_flags & O_NONBLOCK ? m->flags | MSG_DONTWAIT : m->flags, &p);
	if (err || !p)
		return err;
	len = p->len;
	take = MIN(n, len);
	err = pkt_copy_iter(p, 0, m->iter, take);
	if (!err) {
		if (take < len)
			m->out_flags |= MSG_TRUNC;
		if (m->name) {
			memcpy(m->name, &((struct packet_cb *)p->cb)->from,
				sizeof(struct sockaddr_ll));
			m->name_len = sizeof(struct sockaddr_ll);
		}
		socket_put_cmsgs(s, m, p);
		if (packet_sk(s)->auxdata)
			put_auxdata(m, p);
	}
	socket_rcv_done(s, p, m->flags);
	if (err)
		return err;
	return (ssize_t)(m->flags & MSG_TRUNC ? len : take);
}

static unsigned packet_poll(struct socket *s)
{
	struct packet_sock *ps = packet_sk(s);
	unsigned events = socket_poll_datagram(s);

	net_enter();
	spin_lock(&s->lock);
	if (ps->ring && packet_ring_readable(ps))
		events |= POLLIN | POLLRDNORM;
	spin_unlock(&s->lock);
	net_exit();
	return events;
}

/* ---- sending ---- */

/* As on Linux the address's family is not looked at (programs leave it 0), and the length within it
 * no further than that it lies in what was given. */
static int destination(struct packet_sock *ps, const struct socket_msg *m, struct sockaddr_ll *to)
{
	*to = (struct sockaddr_ll){.sll_ifindex = (int32_t)ps->ifindex, .sll_protocol = ps->proto};
	if (!m->name)
		return 0;
	if (m->name_len < sizeof(*to))
		return -EINVAL;
	memcpy(to, m->name, sizeof(*to));
	if (m->name_len < offsetof(struct sockaddr_ll, sll_addr) + to->sll_halen)
		return -EINVAL;
	to->sll_halen = sizeof(to->sll_addr);
	return 0;
}

/* The frame's type and destination, for a device that gets it as it is. */
static int finish_frame(
	struct socket *s, struct netdev *d, const struct sockaddr_ll *to, struct pkt *p)
{
	p->dev = d;
	p->protocol = to->sll_protocol;
	p->priority = (uint8_t)s->priority;
	p->mark = s->mark;
	if (s->type == SOCK_DGRAM) {
		p->l3 = p->off;
		if (d->hard_header == ETH_HLEN) {
			if (!to->sll_halen && !(d->flags & (IFF_LOOPBACK | IFF_NOARP)))
				return -EINVAL;
			eth_push(p, to->sll_addr, d->addr, be16(to->sll_protocol));
		}
	} else {
		if (!pkt_need(p, d->hard_header))
			return -EINVAL;
		if (!p->protocol && d->hard_header == ETH_HLEN)
			p->protocol = ((struct eth_hdr *)pkt_data(p))->type;
		p->l3 = (uint16_t)(p->off + d->hard_header);
	}
	p->l2 = p->off;
	return 0;
}

static int check_device(const struct socket *s, const struct netdev *d, size_t n)
{
	if (!(d->flags & IFF_UP))
		return -ENETDOWN;
	if (n > d->mtu + (s->type == SOCK_DGRAM ? 0 : d->hard_header + 4u))
		return -EMSGSIZE;
	return 0;
}

static ssize_t send_on(struct socket *s, struct netdev *d, const struct sockaddr_ll *to,
	struct socket_msg *m, size_t n)
{
	struct pkt *p = pkt_alloc_tx();
	ssize_t err = -ENOMEM;

	if (!p)
		return err;
	err = pkt_append_iter(p, m->iter, n);
	if (err >= 0)
		err = (size_t)err == n ? finish_frame(s, d, to, p) : -EMSGSIZE;
	if (err) {
		pkt_free(p);
		return err;
	}
	socket_charge_snd(s, p);
	net_enter();
	err = netdev_xmit(p);
	net_exit();
	return err ? err : (ssize_t)n;
}

static ssize_t packet_sendmsg(struct socket *s, struct socket_msg *m, size_t n, unsigned file_flags)
{
	struct packet_sock *ps = packet_sk(s);
	struct sockaddr_ll to;
	struct netdev *d;
	ssize_t err = m->flags & MSG_OOB ? -EOPNOTSUPP : destination(ps, m, &to);

	if (err)
		return err;
	d = netdev_get_by_index(s->net, (uint32_t)to.sll_ifindex);
	if (!d)
		return -ENXIO;
	err = check_device(s, d, n);
	if (!err)
		err = socket_wait_sndbuf(
			s, file_flags & O_NONBLOCK ? m->flags | MSG_DONTWAIT : m->flags);
	if (!err)
		err = send_on(s, d, &to, m, n);
	netdev_put(d);
	return err;
}

/* ---- binding ---- */

static void detach(struct packet_sock *ps)
{
	bool was;

	net_enter();
	spin_lock(&ps->s.lock);
	was = ps->is_attached;
	ps->is_attached = false;
	spin_unlock(&ps->s.lock);
	net_exit();
	if (!was)
		return;
	netdev_tap_del(&ps->tap);
	rcu_synchronize();
	if (ps->tap.dev)
		netdev_put(ps->tap.dev);
	ps->tap.dev = NULL;
}

/* Configuration lock held, so that the device neither goes nor comes up meanwhile. Consumes @d. */
static void attach(struct packet_sock *ps, struct netdev *d, __be16 proto)
{
	detach(ps);
	ps->proto = proto;
	ps->ifindex = d ? d->ifindex : 0;
	if (proto && (!d || d->flags & IFF_UP)) {
		ps->tap = (struct netdev_tap){.dev = d, .type = proto, .input = packet_tap};
		if (proto == to_be16(ETH_P_ALL))
			ps->tap.type = to_be16(ETH_P_ALL);
		netdev_tap_add(ps->s.net, &ps->tap);
		ps->is_attached = true;
	} else {
		if (d && !(d->flags & IFF_UP))
			socket_set_error(&ps->s, ENETDOWN);
		if (d)
			netdev_put(d);
	}
}

static int packet_bind(struct socket *s, const struct sockaddr_storage *a, unsigned len)
{
	struct packet_sock *ps = packet_sk(s);
	struct sockaddr_ll ll = {0};
	struct netdev *d = NULL;

	if (len < offsetof(struct sockaddr_ll, sll_addr) || a->ss_family != AF_PACKET)
		return -EINVAL;
	memcpy(&ll, a, MIN((size_t)len, sizeof(ll)));
	if (ll.sll_ifindex) {
		d = netdev_get_by_index(s->net, (uint32_t)ll.sll_ifindex);
		if (!d)
			return -ENODEV;
	}
	net_config_lock();
	attach(ps, d, ll.sll_protocol ? ll.sll_protocol : ps->proto);
	net_config_unlock();
	return 0;
}

static int packet_getname(struct socket *s, bool peer, struct sockaddr_storage *a)
{
	struct packet_sock *ps = packet_sk(s);
	struct sockaddr_ll ll = {.sll_family = AF_PACKET,
		.sll_protocol = ps->proto,
		.sll_ifindex = (int32_t)ps->ifindex};
	struct netdev *d;

	if (peer)
		return -EOPNOTSUPP;
	d = netdev_get_by_index(s->net, ps->ifindex);
	if (d) {
		ll.sll_hatype = d->type;
		ll.sll_halen = d->addr_len;
		memcpy(ll.sll_addr, d->addr, MIN((size_t)d->addr_len, sizeof(ll.sll_addr)));
		netdev_put(d);
	}
	memcpy(a, &ll, sizeof(ll));
	return (int)(offsetof(struct sockaddr_ll, sll_addr) + MAX(ll.sll_halen, (uint8_t)0));
}

/* The interface that a socket is bound to went down or away: its reader learns it. */
static void device_event(struct netdev *d, enum netdev_event e)
{
	struct packet_sock *ps;

	if (e != NETDEV_DOWN && e != NETDEV_GOING)
		return;
	net_enter();
	spin_lock(&socks_lock);
	list_for_each_entry (ps, &packet_socks, node) {
		if (ps->ifindex == d->ifindex && ps->s.net == d->net)
			socket_set_error(&ps->s, ENETDOWN);
	}
	spin_unlock(&socks_lock);
	net_exit();
}

/* ---- memberships: configuration lock held ---- */

static int member_apply(struct socket *s, const struct packet_mreq *r, bool add)
{
	struct netdev *d = netdev_get_by_index(s->net, (uint32_t)r->ifindex);
	int err = 0;

	if (!d)
		return -ENODEV;
	switch (r->type) {
	case MR_PROMISC:
		netdev_promisc(d, add ? 1 : -1);
		break;
	case MR_ALLMULTI:
		netdev_allmulti(d, add ? 1 : -1);
		break;
	case MR_MULTICAST:
		if (r->alen != ETH_ALEN || d->addr_len != ETH_ALEN)
			err = -EINVAL;
		else if (add)
			err = netdev_mcast_add(d, r->address);
		else
			netdev_mcast_del(d, r->address);
		break;
	default:
		err = -EINVAL;
	}
	netdev_put(d);
	return err;
}

static struct packet_member *member_find(struct packet_sock *ps, const struct packet_mreq *r)
{
	struct packet_member *m;

	list_for_each_entry (m, &ps->members, node)
		if (!memcmp(&m->req, r, sizeof(*r)))
			return m;
	return NULL;
}

static int member_add(struct packet_sock *ps, const struct packet_mreq *r)
{
	struct packet_member *m = member_find(ps, r);
	int err;

	if (m) {
		m->users++;
		return 0;
	}
	m = kzalloc(sizeof(*m));
	if (!m)
		return -ENOBUFS;
	err = member_apply(&ps->s, r, true);
	if (err) {
		kfree(m);
		return err;
	}
	m->req = *r;
	m->users = 1;
	list_add_tail(&m->node, &ps->members);
	return 0;
}

static int member_drop(struct packet_sock *ps, struct packet_member *m)
{
	if (!m)
		return -EADDRNOTAVAIL;
	if (--m->users)
		return 0;
	(void)member_apply(&ps->s, &m->req, false); /* a device that is gone needs nothing undone */
	list_del(&m->node);
	kfree(m);
	return 0;
}

static int set_member(struct packet_sock *ps, int name, const void *val, unsigned len)
{
	struct packet_mreq r;
	int err;

	if (len < sizeof(r))
		return -EINVAL;
	memcpy(&r, val, sizeof(r));
	if (r.alen > sizeof(r.address))
		return -EINVAL;
	net_config_lock();
	err = name == PACKET_ADD_MEMBERSHIP ? member_add(ps, &r)
					    : member_drop(ps, member_find(ps, &r));
	net_config_unlock();
	return err;
}

/* ---- options ---- */

static int set_ring(struct packet_sock *ps, const void *val, unsigned len)
{
	struct packet_ring_req req = {0};
	size_t want = ps->version == TPACKET_V3 ? sizeof(req)
						: offsetof(struct packet_ring_req, retire_ms);

	if (len < want)
		return -EINVAL;
	memcpy(&req, val, want);
	return packet_ring_set(ps, &req);
}

static int set_word(struct packet_sock *ps, int name, uint32_t v)
{
	switch (name) {
	case PACKET_AUXDATA:
		ps->auxdata = v;
		return 0;
	case PACKET_ORIGDEV:
		ps->origdev = v;
		return 0;
	case PACKET_IGNORE_OUTGOING:
		if (v > 1)
			return -EINVAL;
		ps->ignore_outgoing = v;
		return 0;
	case PACKET_VERSION:
		if (v > TPACKET_V3)
			return -EINVAL;
		if (ps->ring)
			return -EBUSY;
		ps->version = v;
		return 0;
	case PACKET_RESERVE:
		if (v > RESERVE_MAX)
			return -EINVAL;
		if (ps->ring)
			return -EBUSY;
		ps->reserve = v;
		return 0;
	}
	return -ENOPROTOOPT;
}

static int packet_setsockopt(struct socket *s, int level, int name, const void *val, unsigned len)
{
	struct packet_sock *ps = packet_sk(s);
	uint32_t v;

	if (level != SOL_PACKET)
		return -ENOPROTOOPT;
	if (name == PACKET_ADD_MEMBERSHIP || name == PACKET_DROP_MEMBERSHIP)
		return set_member(ps, name, val, len);
	if (name == PACKET_RX_RING)
		return set_ring(ps, val, len);
	if (len < sizeof(v))
		return -EINVAL;
	memcpy(&v, val, sizeof(v));
	return set_word(ps, name, v);
}

static int get_statistics(struct packet_sock *ps, void *val, unsigned *len)
{
	uint32_t stats[3];

	net_enter();
	spin_lock(&ps->s.lock);
	stats[0] = ps->packets;
	stats[1] = ps->drops;
	stats[2] = ps->freezes;
	ps->packets = ps->drops = ps->freezes = 0;
	spin_unlock(&ps->s.lock);
	net_exit();
	*len = MIN(*len, (unsigned)(ps->version == TPACKET_V3 ? sizeof(stats) : 8));
	memcpy(val, stats, *len);
	return 0;
}

static int packet_getsockopt(struct socket *s, int level, int name, void *val, unsigned *len)
{
	struct packet_sock *ps = packet_sk(s);
	int v;

	if (level != SOL_PACKET)
		return -ENOPROTOOPT;
	switch (name) {
	case PACKET_STATISTICS:
		return get_statistics(ps, val, len);
	case PACKET_AUXDATA:
		v = ps->auxdata;
		break;
	case PACKET_ORIGDEV:
		v = ps->origdev;
		break;
	case PACKET_IGNORE_OUTGOING:
		v = ps->ignore_outgoing;
		break;
	case PACKET_VERSION:
		v = (int)ps->version;
		break;
	case PACKET_RESERVE:
		v = (int)ps->reserve;
		break;
	case PACKET_HDRLEN: /* of the version that the program wrote there */
		if (*len < sizeof(v))
			return -EINVAL;
		memcpy(&v, val, sizeof(v));
		v = packet_ring_header_bytes((uint32_t)v);
		if (v < 0)
			return v;
		break;
	default:
		return -ENOPROTOOPT;
	}
	*len = MIN(*len, (unsigned)sizeof(v));
	memcpy(val, &v, *len);
	return 0;
}

/* ---- life ---- */

static int packet_mmap(struct socket *s, struct vm_map_args *a)
{
	return packet_ring_mmap(packet_sk(s), a);
}

static void packet_release(struct socket *s)
{
	struct packet_sock *ps = packet_sk(s);
	struct packet_member *m, *next;

	net_enter();
	spin_lock(&socks_lock);
	list_del(&ps->node);
	spin_unlock(&socks_lock);
	net_exit();
	net_config_lock();
	detach(ps);
	list_for_each_entry_safe (m, next, &ps->members, node) {
		m->users = 1;
		(void)member_drop(ps, m);
	}
	net_config_unlock();
	packet_ring_free(ps);
}

static const struct socket_ops packet_ops = {
	.family = AF_PACKET,
	.bind = packet_bind,
	.getname = packet_getname,
	.sendmsg = packet_sendmsg,
	.recvmsg = packet_recvmsg,
	.poll = packet_poll,
	.setsockopt = packet_setsockopt,
	.getsockopt = packet_getsockopt,
	.mmap = packet_mmap,
	.release = packet_release,
};

static int packet_create(struct net *net, int type, int protocol, struct socket **out)
{
	struct packet_sock *ps;
	struct socket *s;

	if (!capable(CAP_NET_RAW))
		return -EPERM;
	if (type != SOCK_RAW && type != SOCK_DGRAM)
		return -ESOCKTNOSUPPORT;
	s = socket_alloc(sizeof(*ps), net, &packet_ops, type, protocol);
	if (!s)
		return -ENOMEM;
	ps = packet_sk(s);
	list_init(&ps->members);
	list_init(&ps->node);
	net_enter();
	spin_lock(&socks_lock);
	list_add_tail(&ps->node, &packet_socks);
	spin_unlock(&socks_lock);
	net_exit();
	net_config_lock();
	attach(ps, NULL, (__force __be16)(uint16_t)protocol);
	net_config_unlock();
	*out = s;
	return 0;
}

int packet_sock_each(int (*fn)(const struct packet_sock_info *i, void *arg), void *arg)
{
	struct packet_sock *ps;
	int result = 0;

	net_enter();
	spin_lock(&socks_lock);
	list_for_each_entry (ps, &packet_socks, node) {
		const struct packet_sock_info i = {.type = ps->s.type,
			.protocol = be16(ps->proto),
			.ifindex = ps->ifindex,
			.running = ps->is_attached,
			.rmem = (uint32_t)atomic_read(&ps->s.rmem),
			.uid = ps->s.cred->uid,
			.ino = ps->s.file ? ps->s.file->inode->ino : 0};

		result = fn(&i, arg);
		if (result)
			break;
	}
	spin_unlock(&socks_lock);
	net_exit();
	return result;
}

static struct socket_family packet_family = {.family = AF_PACKET, .create = packet_create};

void packet_init(void)
{
	static struct netdev_watcher watcher = {.event = device_event};

	socket_family_register(&packet_family);
	netdev_watch(&watcher);
}
