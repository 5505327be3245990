/*
 * unix_name.c - names of AF_UNIX sockets: paths, abstract names, automatic ones (unix(7)).
 *
 * Does not: connect. A path's socket is found by the inode that bind(2) made; the socket keeps the
 * path referenced, so that the inode stays what it is, and unlink(2) just leaves nobody able to
 * find it. An abstract name is bytes in a table of the network namespace, where each type of socket
 * has names of its own. A socket's name never changes: readers take ->addr with acquire, no lock.
 *
 * Locks: each bucket has one; conf_mutex of the socket is held by whoever gives it a name.
 */
#include <cred.h>
#include <file.h>
#include <hash.h>
#include <netctl.h>
#include <policy.h>
#include <printf.h>
#include <random.h>
#include <slab.h>
#include <stat.h>
#include <string.h>
#include <task.h>
#include "unix.h"

#define NR_BUCKETS 256u
#define AUTO_NAMES (1u << 20) /* five hexadecimal digits */
#define FAMILY_LEN ((unsigned)sizeof(uint16_t))

struct bucket {
	struct spinlock lock;
	struct hlist_head first;
};
struct net_unix {
	uint64_t key[2];
	uint32_t next_auto; /* [a] */
	struct bucket abstract[NR_BUCKETS], all[NR_BUCKETS];
};
static struct bucket by_inode[NR_BUCKETS]; /* of all namespaces: the inode says where */

static void buckets_init(struct bucket *b)
{
	for (unsigned i = 0; i < NR_BUCKETS; i++)
		spin_init(&b[i].lock);
}

void unix_names_init(struct net *net)
{
	struct net_unix *t = kzalloc(sizeof(*t));

	PANIC_ON(!t);
	random_bytes(t->key, sizeof(t->key));
	random_bytes(&t->next_auto, sizeof(t->next_auto));
	buckets_init(t->abstract);
	buckets_init(t->all);
	buckets_init(by_inode);
	net->un = t;
}

static struct bucket *inode_bucket(const struct inode *i)
{
	return &by_inode[hash64((uintptr_t)i) >> 32 & (NR_BUCKETS - 1)];
}

static struct bucket *abstract_bucket(struct net *net, const char *path, unsigned n)
{
	return &net->un->abstract[siphash(path, n, net->un->key) & (NR_BUCKETS - 1)];
}

static struct bucket *all_bucket(const struct unix_sock *us)
{
	return &us->s.net->un->all[hash64((uintptr_t)us) >> 32 & (NR_BUCKETS - 1)];
}

void unix_table_add(struct unix_sock *us)
{
	struct bucket *b = all_bucket(us);

	spin_lock(&b->lock);
	hlist_add(&us->all_node, &b->first);
	spin_unlock(&b->lock);
}

void unix_table_remove(struct unix_sock *us)
{
	struct bucket *b = all_bucket(us);

	spin_lock(&b->lock);
	hlist_del(&us->all_node);
	spin_unlock(&b->lock);
}

/* ---- addresses ---- */

int unix_check_addr(const struct sockaddr_storage *a, unsigned len)
{
	return len <= FAMILY_LEN || len > sizeof(struct sockaddr_un) || a->ss_family != AF_UNIX
		       ? -EINVAL
		       : 0;
}

static struct unix_addr *addr_create(const char *path, unsigned n)
{
	struct unix_addr *a = kzalloc(sizeof(*a));

	if (!a)
		return NULL;
	refcount_set(&a->refs, 1);
	a->family = AF_UNIX;
	a->len = FAMILY_LEN + n;
	memcpy(a->path, path, n);
	return a;
}

void unix_addr_put(struct unix_addr *a)
{
	if (a && refcount_dec(&a->refs))
		kfree(a);
}

static unsigned addr_out(struct unix_sock *us, struct sockaddr_storage *out)
{
	const struct unix_addr *a = smp_load_acquire(&us->addr);

	out->ss_family = AF_UNIX;
	if (!a)
		return FAMILY_LEN;
	memcpy(out->data, a->path, a->len - FAMILY_LEN);
	return a->len;
}

int unix_getname(struct socket *s, bool peer, struct sockaddr_storage *a)
{
	struct unix_sock *us = unix_sk(s), *of = us;
	int n = -ENOTCONN;

	rcu_read_lock();
	if (peer)
		of = rcu_dereference(us->peer);
	if (of && socket_try_get(&of->s)) {
		n = (int)addr_out(of, a);
		rcu_read_unlock();
		socket_put(&of->s);
		return n;
	}
	rcu_read_unlock();
	return n;
}

void unix_put_name(struct socket_msg *m, struct unix_sock *from)
{
	if (m->name && smp_load_acquire(&from->addr))
		m->name_len = addr_out(from, m->name);
}

/* ---- giving names ---- */

/* The bucket's lock held. */
static struct unix_sock *abstract_lookup(
	struct net *net, struct bucket *b, const char *path, unsigned n, int type)
{
	struct unix_sock *us;

	hlist_for_each_entry (us, &b->first, name_node)
		if (us->s.net == net && us->s.type == type && us->addr->len == FAMILY_LEN + n &&
			!memcmp(us->addr->path, path, n))
			return us;
	return NULL;
}

/* conf_mutex held. 0, -EADDRINUSE, -ENOMEM. */
static int bind_abstract(struct unix_sock *us, const char *path, unsigned n)
{
	struct bucket *b = abstract_bucket(us->s.net, path, n);
	struct unix_addr *a = addr_create(path, n);
	int err = 0;

	if (!a)
		return -ENOMEM;
	spin_lock(&b->lock);
	if (abstract_lookup(us->s.net, b, path, n, us->s.type)) {
		err = -EADDRINUSE;
	} else {
		smp_store_release(&us->addr, a);
		hlist_add(&us->name_node, &b->first);
	}
	spin_unlock(&b->lock);
	if (err)
		unix_addr_put(a);
	return err;
}

/* conf_mutex held. The socket's own mode (fchmod(2)) is the name's, less the umask. */
static int bind_path(struct unix_sock *us, const char *path)
{
	struct file *f = us->s.file;
	mode_t mode = f ? f->inode->mode & 0777 : 0777;
	struct unix_addr *a = addr_create(path, (unsigned)strlen(path) + 1);
	struct bucket *b;
	int err;

	if (!a)
		return -ENOMEM;
	err = vfs_mknod_path(NULL, path, S_IFSOCK | mode, 0, &us->path);
	if (err) {
		unix_addr_put(a);
		return err == -EEXIST ? -EADDRINUSE : err;
	}
	b = inode_bucket(us->path.dentry->inode);
	spin_lock(&b->lock);
	smp_store_release(&us->addr, a);
	hlist_add(&us->name_node, &b->first);
	spin_unlock(&b->lock);
	return 0;
}

int unix_autobind(struct unix_sock *us)
{
	uint32_t *next = &us->s.net->un->next_auto;
	char name[8];

	if (us->addr)
		return 0;
	for (uint32_t tries = 0; tries < AUTO_NAMES; tries++) {
		uint32_t n = __atomic_add_fetch(next, 1, __ATOMIC_RELAXED) % AUTO_NAMES;
		int err;

		name[0] = 0;
		snprintf(name + 1, sizeof(name) - 1, "%05x", n);
		err = bind_abstract(us, name, 6);
		if (err != -EADDRINUSE)
			return err;
	}
	return -ENOSPC;
}

int unix_name_for_creds(struct unix_sock *us)
{
	int err;

	if (likely(!(READ_ONCE(us->s.opts) & SOPT_PASSCRED) || READ_ONCE(us->addr)))
		return 0;
	mutex_lock(&us->conf_mutex);
	err = unix_autobind(us);
	mutex_unlock(&us->conf_mutex);
	return err;
}

int unix_bind(struct socket *s, const struct sockaddr_storage *a, unsigned len)
{
	struct unix_sock *us = unix_sk(s);
	char path[UNIX_PATH_MAX + 1];
	unsigned n = len - FAMILY_LEN;
	int err;

	if (len != FAMILY_LEN || a->ss_family != AF_UNIX) {
		err = unix_check_addr(a, len);
		if (err)
			return err;
	}
	memcpy(path, a->data, n);
	path[n] = 0;
	mutex_lock(&us->conf_mutex);
	if (!n)
		err = unix_autobind(us);
	else if (us->addr)
		err = -EINVAL;
	else if (path[0])
		err = bind_path(us, path);
	else
		err = bind_abstract(us, path, n);
	mutex_unlock(&us->conf_mutex);
	return err;
}

void unix_unbind(struct unix_sock *us)
{
	struct unix_addr *a = us->addr;
	struct bucket *b;

	if (!a)
		return;
	b = us->path.dentry ? inode_bucket(us->path.dentry->inode)
			    : abstract_bucket(us->s.net, a->path, a->len - FAMILY_LEN);
	spin_lock(&b->lock);
	hlist_del(&us->name_node);
	spin_unlock(&b->lock);
	if (us->path.dentry)
		path_put(&us->path);
	us->path = (struct path){0};
}

/* ---- finding ---- */

static struct unix_sock *find_by_inode(const struct inode *i)
{
	struct bucket *b = inode_bucket(i);
	struct unix_sock *us, *found = NULL;

	spin_lock(&b->lock);
	hlist_for_each_entry (us, &b->first, name_node) {
		if (us->path.dentry->inode == i && socket_try_get(&us->s)) {
			found = us;
			break;
		}
	}
	spin_unlock(&b->lock);
	return found;
}

static int find_by_path(const char *name, int type, struct unix_sock **out)
{
	struct unix_sock *us;
	struct path p;
	int err = path_lookup(NULL, name, LOOKUP_FOLLOW, &p);

	if (err)
		return err;
	err = inode_permission(p.dentry->inode, MAY_WRITE, false);
	if (!err)
		err = policy_file(current->cred, &p, POLICY_WRITE);
	if (!err) {
		us = S_ISSOCK(p.dentry->inode->mode) ? find_by_inode(p.dentry->inode) : NULL;
		if (!us)
			err = -ECONNREFUSED;
	}
	path_put(&p);
	if (err)
		return err;
	if (us->s.type != type) {
		socket_put(&us->s);
		return -EPROTOTYPE;
	}
	*out = us;
	return 0;
}

int unix_find(struct net *net, const struct sockaddr_storage *a, unsigned len, int type,
	struct unix_sock **out)
{
	char path[UNIX_PATH_MAX + 1];
	unsigned n = len - FAMILY_LEN;
	struct unix_sock *us;
	struct bucket *b;

	memcpy(path, a->data, n);
	path[n] = 0;
	if (path[0])
		return find_by_path(path, type, out);
	b = abstract_bucket(net, path, n);
	spin_lock(&b->lock);
	us = abstract_lookup(net, b, path, n, type);
	if (us && !socket_try_get(&us->s))
		us = NULL;
	spin_unlock(&b->lock);
	*out = us;
	return us ? 0 : -ECONNREFUSED;
}

/* ---- looking at all of them ---- */

static void describe(struct unix_sock *us, struct unix_sock_info *i, char *name)
{
	const struct unix_addr *a = smp_load_acquire(&us->addr);
	const struct file *f = READ_ONCE(us->s.file);
	struct unix_sock *peer = rcu_dereference(us->peer);
	const struct file *pf = peer ? READ_ONCE(peer->s.file) : NULL;

	*i = (struct unix_sock_info){
		.type = us->s.type,
		.state = us->state == UNIX_CONNECTED ? 3 : 1,
		.listening = us->state == UNIX_LISTENING,
		.ino = f ? f->inode->ino : 0,
		.peer_ino = pf ? pf->inode->ino : 0,
		.refs = (uint32_t)refcount_read(&us->s.refs),
		.rqueue = us->state == UNIX_LISTENING ? us->nr_pending : (uint32_t)us->s.rcv.bytes,
		.wqueue = us->state == UNIX_LISTENING ? us->backlog
						      : (uint32_t)atomic_read(&us->s.wmem),
	};
	if (!a)
		return;
	i->name = name;
	i->name_len = a->len - FAMILY_LEN - (a->path[0] ? 1 : 0);
	memcpy(name, a->path, i->name_len);
	if (!name[0])
		name[0] = '@';
}

int unix_sock_each(struct net *net, int (*fn)(const struct unix_sock_info *i, void *arg), void *arg)
{
	char name[UNIX_PATH_MAX + 1];
	struct unix_sock_info i;
	struct unix_sock *us;
	int r = 0;

	for (unsigned n = 0; n < NR_BUCKETS && !r; n++) {
		struct bucket *b = &net->un->all[n];

		rcu_read_lock(); /* the files' inodes stay readable */
		spin_lock(&b->lock);
		hlist_for_each_entry (us, &b->first, all_node) {
			describe(us, &i, name);
			r = fn(&i, arg);
			if (r)
				break;
		}
		spin_unlock(&b->lock);
		rcu_read_unlock();
	}
	return r;
}
