/*
 * unix_rights.c - what AF_UNIX messages carry beside bytes: credentials and open files (unix(7),
 * "Ancillary messages").
 *
 * Does not: find files that only undelivered messages hold (unix_gc.c).
 *
 * Every pkt has its sender's ids, as a receiver may ask for them later; a sender may name others
 * only with the capabilities that would let him take them on. Files in messages are counted for the
 * user who sent them, against his limit of open files: else messages would be a way around it.
 */
#include <bitmap.h>
#include <cred.h>
#include <file.h>
#include <hash.h>
#include <slab.h>
#include <string.h>
#include <task.h>
#include "unix.h"

/* ---- whom files in flight are counted for ---- */

struct user {
	struct hlist_node node;
	uid_t uid;
	uint64_t files;
};
#define NR_USERS 64u
static struct hlist_head users[NR_USERS]; /* [unix_rights_mutex] those who have any */

static struct user *user_find(uid_t uid)
{
	struct user *u;

	hlist_for_each_entry (u, &users[hash64(uid) & (NR_USERS - 1)], node)
		if (u->uid == uid)
			return u;
	return NULL;
}

static bool user_may_add(const struct user *u, unsigned n)
{
	uint64_t limit = files_limit ? files_limit() : 1024;

	return !u || u->files <= limit || capable(CAP_SYS_RESOURCE) || capable(CAP_SYS_ADMIN);
}

/* [unix_rights_mutex] 0, -ETOOMANYREFS, -ENOMEM. */
static int user_add(uid_t uid, unsigned n)
{
	struct user *u = user_find(uid);

	if (!user_may_add(u, n))
		return -ETOOMANYREFS;
	if (!u) {
		u = kzalloc(sizeof(*u));
		if (!u)
			return -ENOMEM;
		u->uid = uid;
		hlist_add(&u->node, &users[hash64(uid) & (NR_USERS - 1)]);
	}
	u->files += n;
	return 0;
}

static void user_remove(uid_t uid, unsigned n)
{
	struct user *u = user_find(uid);

	ASSERT(u && u->files >= n);
	u->files -= n;
	if (u->files)
		return;
	hlist_del(&u->node);
	kfree(u);
}

/* ---- rights ---- */

void unix_rights_drop(struct unix_rights *r)
{
	if (!r)
		return;
	for (unsigned i = 0; i < r->n; i++)
		file_put(r->file[i]);
	kfree(r);
}

static int fly(struct unix_rights *r)
{
	int err;

	mutex_lock(&unix_rights_mutex);
	err = user_add(r->uid, r->n);
	if (!err)
		unix_flight_add(r);
	mutex_unlock(&unix_rights_mutex);
	return err;
}

static void land(struct unix_rights *r)
{
	mutex_lock(&unix_rights_mutex);
	unix_flight_remove(r);
	user_remove(r->uid, r->n);
	mutex_unlock(&unix_rights_mutex);
}

/* A pkt with rights goes: unread, or read in full. */
static void pkt_destroy(struct pkt *p)
{
	struct unix_rights *r = unix_cb(p)->rights;

	if (r) {
		land(r);
		unix_rights_drop(r);
	}
	socket_uncharge_snd(p);
}

int unix_scm_attach(struct pkt *p, const struct unix_cb *cb)
{
	int err;

	*unix_cb(p) = *cb;
	if (likely(!cb->rights))
		return 0;
	err = fly(cb->rights);
	if (err == -ETOOMANYREFS) { /* perhaps only by garbage */
		unix_gc_run();
		err = fly(cb->rights);
	}
	if (err)
		unix_cb(p)->rights = NULL;
	else
		p->destructor = pkt_destroy;
	return err;
}

/* A second reference to each file; the original cannot go meanwhile (rcv_mutex). The collector must
 * not be at work: it would not see ours. */
static struct unix_rights *copy_rights(const struct unix_rights *r)
{
	struct unix_rights *c = kmalloc(sizeof(*c), GFP_KERNEL);

	if (!c)
		return NULL;
	mutex_lock(&unix_rights_mutex);
	*c = *r;
	for (unsigned i = 0; i < c->n; i++)
		file_get(c->file[i]);
	mutex_unlock(&unix_rights_mutex);
	return c;
}

struct unix_rights *unix_rights_take(struct socket *s, struct pkt *p, unsigned flags)
{
	struct unix_rights *r = unix_cb(p)->rights;

	if (flags & MSG_PEEK)
		return copy_rights(r);
	spin_lock(&s->lock);
	unix_cb(p)->rights = NULL;
	spin_unlock(&s->lock);
	land(r);
	return r;
}

/* ---- from the program ---- */

/* credentials(7): one's own, or with capabilities others'. */
static int check_cred(const struct socket_ucred *u, const struct socket_ucred *own)
{
	const struct cred *c = current->cred;

	if (u->pid != own->pid && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (u->uid != c->uid && u->uid != c->euid && u->uid != c->suid && !capable(CAP_SETUID))
		return -EPERM;
	if (u->gid != c->gid && u->gid != c->egid && u->gid != c->sgid && !capable(CAP_SETGID))
		return -EPERM;
	if (u->pid != own->pid && socket_pid_exists && !socket_pid_exists(u->pid))
		return -ESRCH;
	return 0;
}

static int get_cred(const struct cmsghdr *c, struct unix_cb *out)
{
	struct socket_ucred u;
	int err;

	if (c->cmsg_len != CMSG_LEN(sizeof(u)))
		return -EINVAL;
	memcpy(&u, cmsg_data(c), sizeof(u));
	err = check_cred(&u, &out->cred);
	if (!err)
		out->cred = u;
	return err;
}

/* Add the files of one SCM_RIGHTS. */
static int get_rights(const struct cmsghdr *c, struct unix_cb *out)
{
	const int *fds = cmsg_data(c);
	size_t n = cmsg_data_len(c) / sizeof(int);
	struct unix_rights *r = out->rights;

	if (!n)
		return 0;
	if (n > UNIX_MAX_FDS)
		return -EINVAL;
	if (!r) {
		r = kmalloc(sizeof(*r), GFP_KERNEL);
		if (!r)
			return -ENOMEM;
		r->n = 0;
		r->uid = current->cred->uid;
		out->rights = r;
	}
	if (n > UNIX_MAX_FDS - r->n)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		struct file *f = fd_get(fds[i]);

		if (!f)
			return -EBADF;
		r->file[r->n++] = f;
	}
	return 0;
}

int unix_scm_get(const struct socket_msg *m, struct unix_cb *out)
{
	struct cmsghdr *c = NULL;
	int err = 0;

	out->rights = NULL;
	out->cred = (struct socket_ucred){
		socket_pid ? socket_pid() : 0, current->cred->uid, current->cred->gid};
	if (likely(!m->control_len))
		return 0;
	while (!err && (c = cmsg_next(m, c, &err))) {
		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_RIGHTS)
			err = get_rights(c, out);
		else if (c->cmsg_type == SCM_CREDENTIALS)
			err = get_cred(c, out);
		else
			err = -EINVAL;
	}
	if (err) {
		unix_rights_drop(out->rights);
		out->rights = NULL;
	}
	return err;
}

/* ---- to the program ---- */

/* As many descriptors as there is room for, and the limit allows; the rest is closed (cmsg(3),
 * MSG_CTRUNC). Consumes @r. */
static void put_rights(struct socket_msg *m, struct unix_rights *r)
{
	size_t room = m->control_len - m->control_used;
	unsigned fit = room < sizeof(struct cmsghdr)
			       ? 0
			       : (unsigned)((room - sizeof(struct cmsghdr)) / sizeof(int));
	int fds[UNIX_MAX_FDS] UNCLEARED;
	unsigned n;

	for (n = 0; n < MIN(fit, r->n); n++) {
		fds[n] = fd_alloc(0, m->flags & MSG_CMSG_CLOEXEC);
		if (fds[n] < 0)
			break;
		fd_install(fds[n], file_get(r->file[n]));
	}
	if (n)
		cmsg_put(m, SOL_SOCKET, SCM_RIGHTS, fds, n * sizeof(int));
	if (n < r->n)
		m->out_flags |= MSG_CTRUNC;
	unix_rights_drop(r);
}

void unix_scm_put(struct socket *s, struct socket_msg *m, const struct socket_ucred *cred,
	struct unix_rights *r)
{
	if (unlikely(cred && (READ_ONCE(s->opts) & SOPT_PASSCRED)))
		cmsg_put(m, SOL_SOCKET, SCM_CREDENTIALS, cred, sizeof(*cred));
	if (unlikely(r))
		put_rights(m, r);
}
