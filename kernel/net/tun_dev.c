/*
 * tun_dev.c - /dev/net/tun: frames read and written, and the requests of Linux's tuntap.rst.
 *
 * Before each frame comes, as the interface was made: struct tun_pi unless IFF_NO_PI, then with
 * IFF_VNET_HDR virtio's header. A read gives one frame, cut to its size; a write takes one. Both
 * hold a reference to the interface while they work.
 *
 * Does not: several queues (IFF_MULTI_QUEUE), IFF_NAPI, IFF_NO_CARRIER, filters on the file
 * (TUNATTACHFILTER, TUNSETTXFILTER, eBPF), big-endian headers.
 */
#include "core.h"
#include "tun.h"
#include <dev.h>
#include <error.h>
#include <file.h>
#include <log.h>
#include <sched.h>
#include <slab.h>
#include <string.h>
#include <vnet_hdr.h>

#define TUN_DEV    MKDEV(10, 200)
#define TUN_SET(n) (0x40045400u | (n))
#define TUN_GET(n) (0x80045400u | (n))

enum { /* compat knows what they carry */
	TUNSETNOCSUM = TUN_SET(200),
	TUNSETDEBUG = TUN_SET(201),
	TUNSETIFF = TUN_SET(202),
	TUNSETPERSIST = TUN_SET(203),
	TUNSETOWNER = TUN_SET(204),
	TUNSETLINK = TUN_SET(205),
	TUNSETGROUP = TUN_SET(206),
	TUNGETFEATURES = TUN_GET(207),
	TUNSETOFFLOAD = TUN_SET(208),
	TUNGETIFF = TUN_GET(210),
	TUNGETSNDBUF = TUN_GET(211),
	TUNSETSNDBUF = TUN_SET(212),
	TUNGETVNETHDRSZ = TUN_GET(215),
	TUNSETVNETHDRSZ = TUN_SET(216),
	TUNSETVNETLE = TUN_SET(220),
	TUNGETVNETLE = TUN_GET(221),
	SIOCSIFHWADDR = 0x8924,
	SIOCGIFHWADDR = 0x8927
};

struct tun_pi {
	uint16_t flags;
	__be16 proto;
};
enum { TUN_PKT_STRIP = 1 };

struct tun_ifreq { /* struct ifreq, netdevice(7) */
	char name[NETDEV_NAME];
	union {
		int16_t flags;
		struct {
			uint16_t family;
			uint8_t data[14];
		} hwaddr;
		uint8_t room[24];
	};
};
static_assert(sizeof(struct tun_ifreq) == 40, "netdevice(7)");

/* The file's interface with a reference, or NULL. */
static struct netdev *get_dev(struct tun_file *tf)
{
	struct netdev *d;

	rcu_read_lock();
	d = READ_ONCE(tf->nd);
	if (d && !refcount_inc_not_zero(&d->refs))
		d = NULL;
	rcu_read_unlock();
	return d;
}

/* ---- reading ---- */

static int wait_frame(struct tun_file *tf, bool nonblock, struct pkt **out)
{
	int err = 0;

	while (!err) {
		*out = tun_file_take(tf);
		if (*out)
			return 0;
		if (nonblock)
			return -EAGAIN;
		err = wait_event_interruptible(
			&tf->readers, READ_ONCE(tf->queue.count) || !READ_ONCE(tf->nd));
		if (!err && !READ_ONCE(tf->nd))
			err = -EBADFD;
	}
	return err;
}

/* What stands before the frame: bytes, or -EINVAL: the program has no room for it. */
static ssize_t put_headers(const struct tun *t, const struct pkt *p, struct iov_iter *to)
{
	const uint32_t flags = READ_ONCE(t->flags), vnet = READ_ONCE(t->vnet_len);
	const size_t room = to->count;
	size_t before = flags & IFF_VNET_HDR ? vnet : 0;
	struct tun_pi pi = {.proto = p->protocol};
	struct vnet_hdr h;

	if (!(flags & IFF_NO_PI)) {
		if (to->count < sizeof(pi))
			return -EINVAL;
		if (to->count < sizeof(pi) + before + p->len)
			pi.flags = TUN_PKT_STRIP;
		if (copy_to_iter(&pi, sizeof(pi), to) < sizeof(pi))
			return -EFAULT;
	}
	if (before) {
		if (to->count < before)
			return -EINVAL;
		vnet_hdr_out(p, &h);
		if (copy_to_iter(&h, sizeof(h), to) < sizeof(h) ||
			iov_iter_zero(before - sizeof(h), to) < before - sizeof(h))
			return -EFAULT;
	}
	return (ssize_t)(room - to->count);
}

static ssize_t tun_read(struct file *f, struct iov_iter *to, int64_t *pos)
{
	struct tun_file *tf = f->private;
	struct netdev *d = get_dev(tf);
	struct pkt *p;
	ssize_t n;
	size_t part;

	if (!d)
		return -EBADFD;
	n = wait_frame(tf, (f->flags | to->flags) & O_NONBLOCK, &p);
	if (!n) {
		n = put_headers(tun_of(d), p, to);
		part = MIN((size_t)p->len, to->count);
		if (n >= 0)
			n = pkt_copy_iter(p, 0, to, part) ? -EFAULT : n + (ssize_t)part;
		pkt_free(p);
	}
	netdev_put(d);
	return n;
}

/* ---- writing ---- */

struct tun_head { /* what came before a frame */
	struct tun_pi pi;
	struct vnet_hdr vnet;
};

static int get_headers(const struct tun *t, struct iov_iter *from, struct tun_head *h)
{
	const uint32_t flags = READ_ONCE(t->flags), vnet = READ_ONCE(t->vnet_len);
	unsigned needs;

	if (!(flags & IFF_NO_PI)) {
		if (from->count < sizeof(h->pi))
			return -EINVAL;
		if (copy_from_iter(&h->pi, sizeof(h->pi), from) < sizeof(h->pi))
			return -EFAULT;
	}
	if (!(flags & IFF_VNET_HDR))
		return 0;
	if (from->count < vnet)
		return -EINVAL;
	if (copy_from_iter(&h->vnet, sizeof(h->vnet), from) < sizeof(h->vnet))
		return -EFAULT;
	iov_iter_advance(from, vnet - sizeof(h->vnet));
	needs = h->vnet.flags & VNET_NEEDS_CSUM
			? le16(h->vnet.csum_start) + le16(h->vnet.csum_offset) + 2u
			: 0;
	return MAX(needs, (unsigned)le16(h->vnet.hdr_len)) > from->count ? -EINVAL : 0;
}

/* All of @from as a packet. */
static int get_frame(struct iov_iter *from, struct pkt **out)
{
	struct pkt *p = pkt_alloc(RX_HEADROOM);
	size_t n = from->count;
	ssize_t got;

	if (!p)
		return -ENOMEM;
	got = n ? pkt_append_iter(p, from, n) : 0;
	if (got == (ssize_t)n) {
		*out = p;
		return 0;
	}
	pkt_free(p);
	return got < 0 ? (int)got : -EMSGSIZE;
}

/* Which protocol a packet without link header is of: what the program says, or its version. */
static bool set_protocol(struct pkt *p, uint32_t flags, const struct tun_head *h)
{
	unsigned version;

	p->protocol = h->pi.proto;
	if (!(flags & IFF_NO_PI))
		return true;
	version = pkt_need(p, 1) ? *pkt_data(p) >> 4 : 0;
	p->protocol = to_be16(version == 4 ? ETH_P_IP : ETH_P_IPV6);
	return version == 4 || version == 6;
}

/* Consumes @p. */
static int receive(struct netdev *d, struct pkt *p, const struct tun_head *h)
{
	const uint32_t flags = READ_ONCE(tun_of(d)->flags);
	int err = 0;

	net_enter();
	p->dev = d;
	if (d->hard_header ? p->len < ETH_HLEN : !set_protocol(p, flags, h)) {
		d->pcpu[cpu_id()].rx_dropped += !d->hard_header;
		err = -EINVAL;
	} else if (flags & IFF_VNET_HDR && !vnet_hdr_in(p, &h->vnet, d->hard_header)) {
		d->pcpu[cpu_id()].rx_frame_errors++;
		err = -EINVAL;
	} else if (!(READ_ONCE(d->flags) & IFF_UP)) {
		err = -EIO;
	}
	if (err)
		pkt_free(p);
	else
		netdev_rx(p);
	net_exit();
	return err;
}

static ssize_t tun_write(struct file *f, struct iov_iter *from, int64_t *pos)
{
	struct netdev *d = get_dev(f->private);
	struct tun_head h = {0};
	const size_t n = from->count;
	struct pkt *p;
	int err;

	if (!d)
		return -EBADFD;
	err = get_headers(tun_of(d), from, &h);
	if (!err)
		err = get_frame(from, &p);
	if (!err)
		err = receive(d, p, &h);
	netdev_put(d);
	return err ? err : (ssize_t)n;
}

static unsigned tun_poll(struct file *f, struct poll_table *pt)
{
	struct tun_file *tf = f->private;
	struct netdev *d;
	unsigned events = 0;

	poll_wait(pt, f, &tf->readers);
	rcu_read_lock();
	d = READ_ONCE(tf->nd);
	if (!d)
		events = POLLERR;
	else if (READ_ONCE(d->flags) & IFF_UP)
		events = POLLOUT | POLLWRNORM;
	rcu_read_unlock();
	return READ_ONCE(tf->queue.count) ? events | POLLIN | POLLRDNORM : events;
}

/* ---- requests; config lock held ---- */

static bool may_attach(const struct tun *t)
{
	const struct cred *c = current->cred;
	bool mine = (t->owner == (uid_t)-1 || t->owner == c->euid) &&
		    (t->group == (gid_t)-1 || c->egid == t->group || cred_in_group(c, t->group));

	return mine || capable(CAP_NET_ADMIN);
}

/* An interface that is there gets the file. */
static int reattach(struct netdev *d, struct tun_file *tf, uint32_t flags)
{
	struct tun *t = tun_of(d);

	if (flags & IFF_TUN_EXCL)
		return -EBUSY;
	if (!tun_is(d) || !(t->flags & flags & (IFF_TUN | IFF_TAP)))
		return -EINVAL;
	if (!may_attach(t))
		return -EPERM;
	if (t->file)
		return -EBUSY;
	t->flags = (t->flags & (IFF_TUN | IFF_TAP)) | (flags & TUN_FORMAT);
	tun_attach(d, tf);
	return 0;
}

static int set_iff(struct tun_file *tf, struct tun_ifreq *r)
{
	uint32_t flags = (uint16_t)r->flags;
	struct net *net = net_current();
	struct netdev *d;
	int err;

	r->name[NETDEV_NAME - 1] = 0;
	if (tf->nd)
		return -EEXIST;
	if (!(flags & (IFF_TUN | IFF_TAP)))
		return -EINVAL;
	if (flags & IFF_TUN)
		flags &= ~(uint32_t)IFF_TAP;
	if (flags & TUN_NOT_HERE) {
		log_ratelimited(
			LOG_WARNING, "tun: flags %#x are not supported", flags & TUN_NOT_HERE);
		return -EINVAL;
	}
	d = netdev_get_by_name(net, r->name);
	if (d) {
		err = reattach(d, tf, flags);
		netdev_put(d);
	} else if (!capable(CAP_NET_ADMIN)) {
		err = -EPERM;
	} else {
		err = tun_create(net,
			*r->name          ? r->name
			: flags & IFF_TUN ? "tun%d"
					  : "tap%d",
			flags, &d);
		if (!err)
			tun_attach(d, tf);
	}
	if (!err)
		strlcpy(r->name, tf->nd->name, sizeof(r->name));
	return err;
}

static void get_iff(const struct netdev *d, const struct tun *t, struct tun_ifreq *r)
{
	strlcpy(r->name, d->name, sizeof(r->name));
	r->flags = (int16_t)(t->flags | (t->persistent ? IFF_PERSIST : 0));
}

static int set_link_type(struct netdev *d, unsigned long type)
{
	if (d->flags & IFF_UP)
		return -EBUSY;
	return type == d->type ? 0 : -EINVAL; /* what a frame looks like cannot change */
}

static int set_mac(struct netdev *d, const struct tun_ifreq *r)
{
	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	return r->hwaddr.family == d->type ? netdev_set_mac(d, r->hwaddr.data) : -EINVAL;
}

static int set_int(uint32_t *to, int v, int least)
{
	if (v < least)
		return -EINVAL;
	WRITE_ONCE(*to, (uint32_t)v);
	return 0;
}

/* Of a file with an interface. @arg: the number itself, or kernel memory. */
static long request(struct netdev *d, unsigned cmd, void *arg)
{
	struct tun *t = tun_of(d);
	const unsigned long value = (unsigned long)arg;
	struct tun_ifreq *r = arg;
	int *number = arg;

	switch (cmd) {
	case TUNSETNOCSUM:
	case TUNSETDEBUG:
		return 0; /* Linux takes them and does nothing */
	case TUNGETIFF:
		get_iff(d, t, r);
		return 0;
	case TUNSETPERSIST:
		t->persistent = value;
		return 0;
	case TUNSETOWNER:
		t->owner = (uid_t)value;
		return 0;
	case TUNSETGROUP:
		t->group = (gid_t)value;
		return 0;
	case TUNSETLINK:
		return set_link_type(d, value);
	case TUNSETOFFLOAD:
		return tun_offload(d, value);
	case TUNGETSNDBUF:
		*number = (int)t->sndbuf;
		return 0;
	case TUNSETSNDBUF:
		return set_int(&t->sndbuf, *number, 1);
	case TUNGETVNETHDRSZ:
		*number = (int)t->vnet_len;
		return 0;
	case TUNSETVNETHDRSZ:
		return set_int(&t->vnet_len, *number, sizeof(struct vnet_hdr));
	case TUNGETVNETLE:
		*number = 1; /* the machine's order */
		return 0;
	case TUNSETVNETLE:
		return 0;
	case SIOCGIFHWADDR:
		r->hwaddr.family = d->type;
		memcpy(r->hwaddr.data, d->addr, d->addr_len);
		return 0;
	case SIOCSIFHWADDR:
		return set_mac(d, r);
	default:
		return -EINVAL;
	}
}

static long tun_ioctl(struct file *f, unsigned cmd, void *arg)
{
	struct tun_file *tf = f->private;
	long result;

	if (cmd == TUNGETFEATURES) {
		*(uint32_t *)arg = IFF_TUN | IFF_TAP | TUN_FORMAT;
		return 0;
	}
	net_config_lock();
	if (cmd == TUNSETIFF)
		result = set_iff(tf, arg);
	else
		result = tf->nd ? request(tf->nd, cmd, arg) : -EBADFD;
	net_config_unlock();
	return result;
}

/* ---- open and close ---- */

static int tun_open(struct inode *i, struct file *f)
{
	struct tun_file *tf = kzalloc(sizeof(*tf));

	if (!tf)
		return -ENOMEM;
	tun_file_init(tf);
	f->private = tf;
	return 0;
}

static void tun_release(struct file *f)
{
	struct tun_file *tf = f->private;

	net_config_lock();
	tun_detach(tf);
	net_config_unlock();
	kfree(tf);
}

static const struct file_ops tun_fops = {
	.read = tun_read,
	.write = tun_write,
	.poll = tun_poll,
	.ioctl = tun_ioctl,
	.open = tun_open,
	.release = tun_release,
	.nowait = true,
};

void tun_dev_init(void)
{
	if (chrdev_register(TUN_DEV, "net/tun", 0666, &tun_fops, NULL))
		log_err("tun: no memory");
}
