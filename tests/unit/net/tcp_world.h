/*
 * tcp_world.h - what TCP stands on, in its unit tests: sections, timers, sockets, ports and an IP
 * layer that keeps what is sent.
 *
 * world_begin() and world_end() bracket a test; the latter checks that nothing is left: memory,
 * ports, charges. Segments that leave are given to world_sent(), which the including test sets.
 */
#pragma once
#include <cred.h>
#include <csum.h>
#include <hash.h>
#include <mutex.h>
#include <net_mib.h>
#include <random.h>
#include <sched.h>
#include <slab.h>
#include <string.h>
#include <task.h>
#include <unit.h>
#include "kernel/net/tcp.h"
#include "kernel/net/tcp_info.h"

static struct {
	uint32_t mtu;
	uint32_t gen;
	int route_err, send_err;
	uint64_t mem, mem_limit;
	unsigned depth, sections;
	unsigned urgents;
	long live_before;
	uint32_t next_port;
	unsigned ports; /* that connect(2) may choose from */
	int bound;      /* owners in the bind table */
	struct netdev dev;
	/* Takes each packet that leaves, at its TCP header. */
	void (*sent)(const struct inet_send_args *a, struct pkt *p);
	void (*section_end)(void); /* the outermost section ends: deliver what loops back */
} world;

/* ---- net.c ---- */

struct net net_initial;
static struct net_inet world_inet;
uint64_t net_mib[MIB_COUNT];

void net_enter(void)
{
	rcu_read_lock();
	world.depth++;
}
void net_exit(void)
{
	if (world.depth == 1) {
		world.sections++;
		if (world.section_end)
			world.section_end();
	}
	world.depth--;
	rcu_read_unlock();
}

static void world_timer_due(struct timer *t)
{
	struct net_timer *nt = container_of(t, struct net_timer, timer);

	if (nt->deadline_ns > unit_clock) { /* it was moved later */
		timer_arm(t, nt->deadline_ns);
		return;
	}
	net_enter();
	nt->fn(nt);
	net_exit();
}
void net_timer_init(struct net_timer *t, void (*fn)(struct net_timer *))
{
	timer_init(&t->timer, world_timer_due);
	list_init(&t->node);
	t->fn = fn;
}
bool net_timer_arm(struct net_timer *t, uint64_t deadline_ns)
{
	bool was = timer_pending(&t->timer);

	t->deadline_ns = deadline_ns;
	if (!was || t->timer.deadline_ns > deadline_ns)
		timer_arm(&t->timer, deadline_ns);
	return !was;
}
bool net_timer_cancel(struct net_timer *t)
{
	return timer_cancel(&t->timer);
}
bool net_mem_charge(uint64_t bytes)
{
	if (world.mem + bytes > world.mem_limit)
		return false;
	world.mem += bytes;
	return true;
}
void net_mem_uncharge(uint64_t bytes)
{
	if (bytes > world.mem)
		panic("more memory given back than was charged");
	world.mem -= bytes;
}
bool net_mem_pressure(void)
{
	return world.mem > world.mem_limit / 4 * 3;
}

/* ---- socket.c ---- */

struct socket_limits socket_limits = {.optmem_max = 20480};

static void world_socket_init(struct socket *s)
{
	refcount_set(&s->refs, 1);
	s->family = AF_INET;
	s->type = SOCK_STREAM;
	s->protocol = IPPROTO_TCP;
	s->ops = &tcp_ops;
	s->net = &net_initial;
	spin_init(&s->lock);
	spin_init(&s->errq_lock);
	mutex_init(&s->rcv_mutex);
	mutex_init(&s->snd_mutex);
	pkt_queue_init(&s->rcv);
	pkt_queue_init(&s->errq);
	wait_queue_init(&s->rcv_wait);
	wait_queue_init(&s->snd_wait);
	s->rcvlowat = 1;
	s->cred = cred_get(current->cred);
}
struct socket *socket_alloc_like(size_t size, const struct socket *like)
{
	struct socket *s = kmalloc(size, GFP_ATOMIC | GFP_ZERO);

	if (!s)
		return NULL;
	world_socket_init(s);
	s->opts = like->opts;
	s->rcvbuf = like->rcvbuf;
	s->sndbuf = like->sndbuf;
	return s;
}
static void world_socket_free(struct rcu_head *h)
{
	kfree(container_of(h, struct socket, rcu));
}
void socket_put(struct socket *s)
{
	if (!refcount_dec(&s->refs))
		return;
	if (current->nr_held)
		panic("the last reference to a socket is dropped with a lock held");
	s->ops->destroy(s);
	pkt_queue_purge(&s->rcv);
	pkt_queue_purge(&s->errq);
	cred_put(s->cred);
	rcu_call(&s->rcu, world_socket_free);
}
void socket_wake_readers(struct socket *s)
{
	wake_up_all(&s->rcv_wait);
}
void socket_wake_writers(struct socket *s)
{
	wake_up_all(&s->snd_wait);
}
void socket_wake_all(struct socket *s)
{
	wake_up_all(&s->rcv_wait);
	wake_up_all(&s->snd_wait);
}
void socket_urgent(struct socket *s)
{
	(void)s;
	world.urgents++;
}
int socket_take_error(struct socket *s)
{
	int err = s->error;

	s->error = 0;
	return -err;
}
uint64_t socket_deadline(uint64_t timeout_ns)
{
	return timeout_ns ? clock_ns() + timeout_ns : WAIT_NO_DEADLINE;
}
int socket_wait_result(int err, uint64_t timeout_ns)
{
	if (err == -ETIME)
		return -EAGAIN;
	return err == -ERESTARTSYS && timeout_ns ? -EINTR : err;
}
uint32_t bpf_run(const struct sock_filter_prog *prog, struct pkt *p)
{
	(void)prog, (void)p;
	return UINT32_MAX;
}
void cred_put(const struct cred *c)
{
	if (refcount_dec(&((struct cred *)(uintptr_t)c)->refs))
		panic("no credentials are left");
}
bool capable(enum capability cap)
{
	(void)cap;
	return false;
}
struct cred cred_kernel;
void mem_stats(struct mem_stats *out)
{
	*out = (struct mem_stats){.total = 16384};
}

/* ---- inet ---- */

static const struct inet_proto *world_proto;
int inet_proto_register(const struct inet_proto *p)
{
	world_proto = p;
	return 0;
}
static struct ip_addr world_ip4(unsigned last)
{
	return ip_from_v4(IP4(192, 0, 2, last));
}
bool dst_check(const struct net *net, const struct dst *d)
{
	(void)net;
	return d->nh && d->gen == world.gen;
}
int dst_lookup(struct net *net, const struct flow *f, struct dst *out)
{
	(void)net;
	if (world.route_err)
		return world.route_err;
	*out = (struct dst){.nh = (struct nexthop *)(void *)&world,
		.dev = &world.dev,
		.src = ip_is_any(&f->src) ? world_ip4(1) : f->src,
		.hop = f->dst,
		.mtu = world.mtu,
		.gen = world.gen,
		.kind = DST_UNICAST};
	return 0;
}
void dst_release(struct dst *d)
{
	d->nh = NULL;
}
void dst_confirm(struct dst *d)
{
	(void)d;
}
void pmtu_update(struct net *net, const struct ip_addr *dst, uint32_t mtu)
{
	(void)net, (void)dst;
	world.mtu = MAX(mtu, 552u);
	world.gen++;
}
int inet_route(struct inet_sock *is)
{
	struct flow f = {.src = is->local, .dst = is->remote};

	ASSERT_LOCKED(&is->s.lock);
	if (dst_check(is->s.net, &is->dst))
		return 0;
	return dst_lookup(is->s.net, &f, &is->dst);
}
static int world_take(const struct inet_send_args *a, struct pkt *p)
{
	if (world.send_err || !world.sent) {
		pkt_free(p);
		return world.send_err;
	}
	world.sent(a, p);
	return 0;
}
int inet_send(struct net *net, const struct dst *d, const struct inet_send_args *a, struct pkt *p)
{
	(void)net;
	if (!d->nh)
		panic("sent without a route");
	return world_take(a, p);
}
int inet_send_sk(struct inet_sock *is, struct pkt *p)
{
	struct inet_send_args a = {.src = is->local, .dst = is->remote, .tos = is->tos, .sk = is};

	return inet_send(is->s.net, &is->dst, &a, p);
}
int inet_send_reply(
	struct net *net, const struct inet_send_args *a, uint32_t ifindex, struct pkt *p)
{
	(void)net, (void)ifindex;
	return world_take(a, p);
}
int inet_addr_in(struct inet_sock *is, const struct sockaddr_storage *a, unsigned len,
	struct ip_addr *ip, __be16 *port, uint32_t *ifindex)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)a;

	(void)is;
	if (len < sizeof(*in))
		return -EINVAL;
	*ip = ip_from_v4(in->sin_addr);
	*port = in->sin_port;
	*ifindex = 0;
	return 0;
}
int inet_bind_name(const struct inet_sock *is, const struct sockaddr_storage *a, unsigned len)
{
	(void)is, (void)a, (void)len;
	return 0;
}
void inet_any_to_loopback(struct ip_addr *a)
{
	if (ip_is_any(a))
		*a = ip_from_v4(IP4(127, 0, 0, 1));
}
int inet_bind_check(struct inet_sock *is, const struct ip_addr *a, uint32_t *ifindex)
{
	(void)is, (void)a, (void)ifindex;
	return 0;
}
unsigned inet_addr_out(struct inet_sock *is, const struct ip_addr *ip, __be16 port,
	uint32_t ifindex, struct sockaddr_storage *a)
{
	struct sockaddr_in *in = (struct sockaddr_in *)a;

	(void)is, (void)ifindex;
	*in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = port, .sin_addr = ip_v4(ip)};
	return sizeof(*in);
}
void cmsg_put(struct socket_msg *m, int level, int type, const void *data, size_t n)
{
	(void)m, (void)level, (void)type, (void)data, (void)n;
}
int inet_setsockopt(struct socket *s, int level, int name, const void *val, unsigned len)
{
	(void)s, (void)level, (void)name, (void)val, (void)len;
	return -ENOPROTOOPT;
}
int inet_getsockopt(struct socket *s, int level, int name, void *val, unsigned *len)
{
	(void)s, (void)level, (void)name, (void)val, (void)len;
	return -ENOPROTOOPT;
}
long inet_ioctl(struct socket *s, unsigned cmd, void *arg)
{
	(void)s, (void)cmd, (void)arg;
	return -ENOTTY;
}
ssize_t inet_recv_error(struct inet_sock *is, struct socket_msg *m, size_t n)
{
	(void)is, (void)m, (void)n;
	return -EAGAIN;
}
void inet_inherit(struct inet_sock *child, const struct inet_sock *listener)
{
	child->proto = listener->proto;
	child->tos = listener->tos;
	child->ttl = listener->ttl;
}
void inet_release(struct inet_sock *is)
{
	dst_release(&is->dst);
}

/* ---- ports: who has one is counted; conflicts are bind.c's ---- */

struct bind_bucket {
	int unused;
};
static struct bind_bucket world_bucket;

struct bind_table *bind_table_create(const char *name)
{
	(void)name;
	return (struct bind_table *)(void *)&world_bucket;
}
static void world_bind(struct bind_owner *o)
{
	if (current->nr_held && lockdep_held(&((struct inet_sock *)o->is)->s.lock))
		panic("the bind table is locked before the socket");
	if (o->bucket)
		panic("bound twice");
	o->bucket = &world_bucket;
	world.bound++;
}
static void world_unbind(struct bind_owner *o)
{
	world.bound -= o->bucket != NULL;
	o->bucket = NULL;
}
int inet_bind(struct bind_table *t, struct inet_sock *is, const struct ip_addr *addr, __be16 port,
	uint32_t ifindex)
{
	(void)t, (void)ifindex;
	is->owner.is = is;
	is->local = *addr;
	is->lport = port ? port : to_be16((uint16_t)(32768 + world.next_port++ % 1000));
	world_bind(&is->owner);
	return 0;
}
int inet_bind_connect(struct bind_table *t, struct inet_sock *is,
	bool (*is_free)(void *arg, __be16 port), void *arg)
{
	unsigned i;

	(void)t;
	for (i = 0; i < world.ports; i++) {
		__be16 port = to_be16((uint16_t)(40000 + i));

		if (!is_free(arg, port))
			continue;
		is->owner.is = is;
		is->lport = port;
		world_bind(&is->owner);
		return 0;
	}
	return -EADDRNOTAVAIL;
}
void inet_bind_rename(struct bind_table *t, struct inet_sock *is)
{
	(void)t, (void)is;
}
void inet_bind_inherit(struct bind_table *t, struct inet_sock *child, struct inet_sock *listener)
{
	(void)t, (void)listener;
	child->owner.is = child;
	world_bind(&child->owner);
}
void inet_unbind(struct bind_table *t, struct inet_sock *is)
{
	(void)t;
	if (!is->owner.bucket)
		return;
	world_unbind(&is->owner);
	is->lport = to_be16(0);
}
int inet_bind_may_listen(struct bind_table *t, struct inet_sock *is)
{
	(void)t, (void)is;
	return 0;
}
void inet_bind_stop_listen(struct bind_table *t, struct inet_sock *is)
{
	(void)t, (void)is;
}
void inet_bind_timewait(struct bind_table *t, struct inet_sock *is, struct bind_owner *tw)
{
	(void)t;
	if (!is->owner.bucket)
		return;
	*tw = is->owner;
	tw->is = NULL;
	is->owner.bucket = NULL;
}
void inet_unbind_tw(struct bind_table *t, struct bind_owner *tw)
{
	(void)t;
	world_unbind(tw);
}

/* ---- a test ---- */

/* Give @p, at its TCP header, to the stack, as from @src to @dst. */
static void world_deliver(struct pkt *p, const struct ip_addr *src, const struct ip_addr *dst)
{
	p->ip = (struct pkt_ip){
		.src = *src, .dst = *dst, .proto = IPPROTO_TCP, .ttl = 64, .tos = p->ip.tos};
	p->dev = &world.dev;
	p->l3 = p->l4 = p->off;
	net_enter();
	tcp_input(&net_initial, p);
	net_exit();
}

static struct tcp_sock *world_socket(void)
{
	struct socket *s = kmalloc(sizeof(struct tcp_sock), GFP_ATOMIC | GFP_ZERO);
	struct ip_addr any = ip_from_v4(IP4(0, 0, 0, 0));

	if (!s)
		return NULL;
	world_socket_init(s);
	inet_sk(s)->local = inet_sk(s)->remote = any;
	inet_sk(s)->proto = IPPROTO_TCP;
	inet_sk(s)->pmtu_mode = IP_PMTUDISC_WANT;
	if (world_proto->init(inet_sk(s)))
		panic("init");
	return tcp_sk(s);
}

static void world_close(struct tcp_sock *tp)
{
	tp->is.s.dead = true;
	tcp_ops.release(&tp->is.s);
	socket_put(&tp->is.s);
}

static void world_defaults(void)
{
	world_inet = (struct net_inet){.default_ttl = 64,
		.port_min = 32768,
		.port_max = 60999,
		.tcp_rmem = {4096, 131072, 6291456},
		.tcp_wmem = {4096, 16384, 4194304},
		.tcp_sack = true,
		.tcp_timestamps = true,
		.tcp_window_scaling = true,
		.tcp_syncookies = true,
		.tcp_fin_timeout_s = 60,
		.tcp_keepalive_time_s = 7200,
		.tcp_keepalive_intvl_s = 75,
		.tcp_keepalive_probes = 9,
		.tcp_syn_retries = 6,
		.tcp_synack_retries = 5,
		.tcp_retries2 = 15,
		.tcp_max_syn_backlog = 128,
		.tcp_max_tw_buckets = 1024,
		.somaxconn = 4096};
	world.mtu = 1500;
	world.gen = 1;
	world.route_err = world.send_err = 0;
	world.mem_limit = 64 << 20;
	world.urgents = 0;
	world.ports = 4;
	world.sent = NULL;
	world.section_end = NULL;
	world.dev.ifindex = 2;
}

static void world_begin(void)
{
	static bool once;

	net_initial.inet = &world_inet;
	current->cred = &cred_kernel;
	refcount_set(&cred_kernel.refs, 1000);
	world_defaults();
	if (!once) {
		once = true;
		pkt_init();
		tcp_init();
	}
	memset(net_mib, 0, sizeof(net_mib));
	world.live_before = alloc_live();
	world.bound = 0;
	world.mem = 0;
	atomic_set(&tcp_orphans, 0);
}

/* All is closed; what waits for time gets it. */
static void world_end(void)
{
	world.sent = NULL;
	world.section_end = NULL;
	alloc_fail_after(-1);
	unit_advance(2000 * NSEC_PER_SEC);
	unit_rcu_flush();
	EXPECT_EQ(world.bound, 0);
	EXPECT_EQ(world.mem, 0);
	EXPECT_EQ(tcp_tw_count(), 0);
	EXPECT_EQ(atomic_read(&tcp_orphans), 0);
	EXPECT_EQ(net_mib[MIB_TCP_CURR_ESTAB], 0);
}
