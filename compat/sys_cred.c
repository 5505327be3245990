/*
 * sys_cred.c - credentials: setuid(2) and its family, groups, capabilities(7).
 */
#include "abi/process.h"
#include "compat.h"

#define NGROUPS_MAX 65536

long sys_getuid(void)
{
	return current->cred->uid;
}

long sys_geteuid(void)
{
	return current->cred->euid;
}

long sys_getgid(void)
{
	return current->cred->gid;
}

long sys_getegid(void)
{
	return current->cred->egid;
}

/* A change of a copy: commit it when @err is 0. */
static long finish(struct cred *c, int err)
{
	if (err)
		cred_put(c);
	else
		cred_commit(c);
	return err;
}

/* The same for a change of user ids. */
static long finish_uids(struct cred *c, int err)
{
	if (!err)
		err = process_becomes_user(c->uid);
	return finish(c, err);
}

long sys_setuid(uid_t uid)
{
	struct cred *c = cred_prepare(current->cred);

	return c ? finish_uids(c, cred_setuid(c, uid)) : -ENOMEM;
}

long sys_setgid(uid_t gid)
{
	struct cred *c = cred_prepare(current->cred);

	return c ? finish(c, cred_setgid(c, gid)) : -ENOMEM;
}

long sys_setreuid(uid_t r, uid_t e)
{
	struct cred *c = cred_prepare(current->cred);

	return c ? finish_uids(c, cred_setreuid(c, r, e)) : -ENOMEM;
}

long sys_setregid(uid_t r, uid_t e)
{
	struct cred *c = cred_prepare(current->cred);

	return c ? finish(c, cred_setregid(c, r, e)) : -ENOMEM;
}

long sys_setresuid(uid_t r, uid_t e, uid_t s)
{
	struct cred *c = cred_prepare(current->cred);

	return c ? finish_uids(c, cred_setresuid(c, r, e, s)) : -ENOMEM;
}

long sys_setresgid(uid_t r, uid_t e, uid_t s)
{
	struct cred *c = cred_prepare(current->cred);

	return c ? finish(c, cred_setresgid(c, r, e, s)) : -ENOMEM;
}

static long put_three(
	void __user *a, uint32_t x, void __user *b, uint32_t y, void __user *c, uint32_t z)
{
	if (put_user(x, (uint32_t __user *)a) || put_user(y, (uint32_t __user *)b))
		return -EFAULT;
	return put_user(z, (uint32_t __user *)c);
}

long sys_getresuid(void __user *r, void __user *e, void __user *s)
{
	const struct cred *c = current->cred;

	return put_three(r, c->uid, e, c->euid, s, c->suid);
}

long sys_getresgid(void __user *r, void __user *e, void __user *s)
{
	const struct cred *c = current->cred;

	return put_three(r, c->gid, e, c->egid, s, c->sgid);
}

/* Never fail: they return what was before, changed or not. */
long sys_setfsuid(uid_t uid)
{
	uid_t old = current->cred->fsuid;
	struct cred *c = uid == old ? NULL : cred_prepare(current->cred);

	if (c) {
		old = cred_setfsuid(c, uid);
		cred_commit(c);
	}
	return old;
}

long sys_setfsgid(uid_t gid)
{
	gid_t old = current->cred->fsgid;
	struct cred *c = gid == old ? NULL : cred_prepare(current->cred);

	if (c) {
		old = cred_setfsgid(c, gid);
		cred_commit(c);
	}
	return old;
}

long sys_getgroups(int n, void __user *list)
{
	const struct groups *g = current->cred->groups;
	int count = g ? (int)g->count : 0;

	if (n < 0)
		return -EINVAL;
	if (!n || !count)
		return count;
	if (count > n)
		return -EINVAL;
	if (copy_to_user(list, g->gid, (size_t)count * sizeof(g->gid[0])))
		return -EFAULT;
	return count;
}

/* The caller frees *out. */
static int get_gids(const void __user *list, unsigned n, gid_t **out)
{
	gid_t *gids = kmalloc(n * sizeof(*gids), GFP_KERNEL);
	int err = gids ? 0 : -ENOMEM;

	*out = gids;
	if (!err && copy_from_user(gids, list, n * sizeof(*gids)))
		err = -EFAULT;
	for (unsigned i = 0; i < n && !err; i++)
		if (gids[i] == (gid_t)-1)
			err = -EINVAL;
	return err;
}

long sys_setgroups(int n, void __user *list)
{
	struct cred *c = NULL;
	gid_t *gids = NULL;
	int err = 0;

	if (!capable(CAP_SETGID))
		return -EPERM;
	if ((unsigned)n > NGROUPS_MAX)
		return -EINVAL;
	if (n)
		err = get_gids(list, (unsigned)n, &gids);
	if (!err) {
		c = cred_prepare(current->cred);
		err = c ? cred_setgroups(c, gids, (unsigned)n) : -ENOMEM;
	}
	kfree(gids);
	return c ? finish(c, err) : err;
}

/* ---- capabilities ---- */

/* The header's version: how many words each set has, or -EINVAL after telling which version is
 * ours. */
static int cap_words(void __user *header, struct linux_cap_header *h, bool probing)
{
	if (copy_from_user(h, header, sizeof(*h)))
		return -EFAULT;
	switch (h->version) {
	case CAP_VERSION_1:
		return 1;
	case CAP_VERSION_2:
	case CAP_VERSION_3:
		return 2;
	}
	if (put_user((uint32_t)CAP_VERSION_3, (uint32_t __user *)header))
		return -EFAULT;
	return probing ? 0 : -EINVAL;
}

/* The three sets of a process, 0 or -ESRCH. */
static int caps_of(pid_t pid, uint64_t *e, uint64_t *p, uint64_t *i)
{
	struct task *t = pid && pid != current->tid ? task_find(pid) : task_get(current);
	const struct cred *c;

	if (!t)
		return -ESRCH;
	rcu_read_lock();
	c = rcu_dereference(t->cred);
	*e = c->effective;
	*p = c->permitted;
	*i = c->inheritable;
	rcu_read_unlock();
	task_put(t);
	return 0;
}

long sys_capget(void __user *header, void __user *data)
{
	struct linux_cap_data d[2];
	struct linux_cap_header h;
	uint64_t e, p, i;
	int n = cap_words(header, &h, !data), err;

	if (n <= 0)
		return n;
	if (!data)
		return 0; /* only the version was asked for */
	if (h.pid < 0)
		return -EINVAL;
	err = caps_of(h.pid, &e, &p, &i);
	if (err)
		return err;
	d[0] = (struct linux_cap_data){(uint32_t)e, (uint32_t)p, (uint32_t)i};
	d[1] = (struct linux_cap_data){
		(uint32_t)(e >> 32), (uint32_t)(p >> 32), (uint32_t)(i >> 32)};
	return copy_to_user(data, d, (size_t)n * sizeof(d[0]));
}

long sys_capset(void __user *header, void __user *data)
{
	struct linux_cap_data d[2] = {0};
	struct linux_cap_header h;
	struct cred *c;
	int n = cap_words(header, &h, false);

	if (n <= 0)
		return n;
	if (h.pid && h.pid != current->tid)
		return -EPERM;
	if (copy_from_user(d, data, (size_t)n * sizeof(d[0])))
		return -EFAULT;
	c = cred_prepare(current->cred);
	if (!c)
		return -ENOMEM;
	return finish(c, cred_capset(c, ((uint64_t)d[1].effective << 32 | d[0].effective) & CAP_ALL,
				 ((uint64_t)d[1].permitted << 32 | d[0].permitted) & CAP_ALL,
				 ((uint64_t)d[1].inheritable << 32 | d[0].inheritable) & CAP_ALL));
}
