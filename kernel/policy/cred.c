/*
 * cred.c - credentials: their lifetime, groups, and the rules of set*id(2), capset(2).
 *
 * A credential is immutable once it is some task's; a change is cred_prepare(), one of the
 * functions here, then cred_commit(). Other tasks read it under RCU, so it is freed after a grace
 * period. What exec does to it is cred_exec.c. Does not: user namespaces, keyrings.
 */
#include <cred.h>
#include <error.h>
#include <slab.h>
#include <string.h>
#include <task.h>
#include "cred_internal.h"

struct cred cred_kernel = {
	.refs = {1 << 20},
	.effective = CAP_ALL,
	.permitted = CAP_ALL,
	.bounding = CAP_ALL,
};
void (*cred_changed)(const struct cred *old, const struct cred *now);
const struct cred *task_kernel_cred = &cred_kernel;
static struct slab_cache *cred_cache;

void policy_init(void)
{
	cred_cache = slab_cache_create("cred", sizeof(struct cred), 0, NULL);
}

static void groups_put(struct groups *g)
{
	if (g && refcount_dec(&g->refs))
		kfree(g);
}

static void cred_free(struct rcu_head *h)
{
	struct cred *c = container_of(h, struct cred, rcu);

	groups_put(c->groups);
	slab_free(cred_cache, c);
}

void cred_put(const struct cred *c)
{
	struct cred *m = (struct cred *)(uintptr_t)c;

	if (m && refcount_dec(&m->refs))
		rcu_call(&m->rcu, cred_free);
}

struct cred *cred_prepare(const struct cred *from)
{
	struct cred *c = slab_alloc(cred_cache, GFP_KERNEL);

	if (!c)
		return NULL;
	*c = *from;
	refcount_set(&c->refs, 1);
	if (c->groups)
		refcount_inc(&c->groups->refs);
	return c;
}

void cred_commit(struct cred *c)
{
	const struct cred *old = current->cred;

	rcu_assign(current->cred, c);
	if (cred_changed &&
		(old->euid != c->euid || old->egid != c->egid || old->fsuid != c->fsuid ||
			old->fsgid != c->fsgid || (c->permitted & ~old->permitted)))
		cred_changed(old, c);
	cred_put(old);
}

bool cred_in_group(const struct cred *c, gid_t gid)
{
	uint32_t lo = 0, hi = c->groups ? c->groups->count : 0;

	if (c->fsgid == gid)
		return true;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (c->groups->gid[mid] == gid)
			return true;
		if (c->groups->gid[mid] < gid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

static bool may(const struct cred *c, enum capability cap)
{
	return policy_may(c, cap);
}

/*
 * capabilities(7), "Effect of user ID changes on capabilities": the ids ROOT_ID and others are told
 * apart here and in cred_exec.c only, because that is where the rules turn ids into capabilities.
 */
static void fix_caps(struct cred *c, const struct cred *old)
{
	bool had = old->uid == ROOT_ID || old->euid == ROOT_ID || old->suid == ROOT_ID;
	bool has = c->uid == ROOT_ID || c->euid == ROOT_ID || c->suid == ROOT_ID;

	if (c->securebits & SECBIT_NO_SETUID_FIXUP)
		return;
	if (had && !has) {
		if (!(c->securebits & SECBIT_KEEP_CAPS)) {
			c->permitted = 0;
			c->effective = 0;
		}
		c->ambient = 0;
	}
	if (old->euid == ROOT_ID && c->euid != ROOT_ID)
		c->effective = 0;
	if (old->euid != ROOT_ID && c->euid == ROOT_ID)
		c->effective = c->permitted;
}

#define CAPS_OF_FS                                                                                 \
	(1ull << CAP_CHOWN | 1ull << CAP_DAC_OVERRIDE | 1ull << CAP_DAC_READ_SEARCH |              \
		1ull << CAP_FOWNER | 1ull << CAP_FSETID | 1ull << CAP_LINUX_IMMUTABLE |            \
		1ull << CAP_MKNOD | 1ull << CAP_MAC_OVERRIDE)

int cred_setuid(struct cred *c, uid_t uid)
{
	struct cred old = *c;

	if (uid == NO_ID)
		return -EINVAL;
	if (may(c, CAP_SETUID))
		c->uid = c->suid = uid;
	else if (uid != c->uid && uid != c->suid)
		return -EPERM;
	c->euid = c->fsuid = uid;
	fix_caps(c, &old);
	return 0;
}

int cred_setreuid(struct cred *c, uid_t r, uid_t e)
{
	struct cred old = *c;

	if (!may(c, CAP_SETUID)) {
		if (r != NO_ID && r != c->uid && r != c->euid)
			return -EPERM;
		if (e != NO_ID && e != c->uid && e != c->euid && e != c->suid)
			return -EPERM;
	}
	if (r != NO_ID)
		c->uid = r;
	if (e != NO_ID)
		c->euid = e;
	if (r != NO_ID || (e != NO_ID && e != old.uid))
		c->suid = c->euid;
	c->fsuid = c->euid;
	fix_caps(c, &old);
	return 0;
}

int cred_setresuid(struct cred *c, uid_t r, uid_t e, uid_t s)
{
	struct cred old = *c;
	const uid_t want[3] = {r, e, s};

	for (unsigned i = 0; i < 3 && !may(&old, CAP_SETUID); i++)
		if (want[i] != NO_ID && want[i] != c->uid && want[i] != c->euid &&
			want[i] != c->suid)
			return -EPERM;
	if (r != NO_ID)
		c->uid = r;
	if (e != NO_ID)
		c->euid = e;
	if (s != NO_ID)
		c->suid = s;
	c->fsuid = c->euid;
	fix_caps(c, &old);
	return 0;
}

int cred_setgid(struct cred *c, gid_t gid)
{
	if (gid == NO_ID)
		return -EINVAL;
	if (may(c, CAP_SETGID))
		c->gid = c->sgid = gid;
	else if (gid != c->gid && gid != c->sgid)
		return -EPERM;
	c->egid = c->fsgid = gid;
	return 0;
}

int cred_setregid(struct cred *c, gid_t r, gid_t e)
{
	gid_t old = c->gid;

	if (!may(c, CAP_SETGID)) {
		if (r != NO_ID && r != c->gid && r != c->egid)
			return -EPERM;
		if (e != NO_ID && e != c->gid && e != c->egid && e != c->sgid)
			return -EPERM;
	}
	if (r != NO_ID)
		c->gid = r;
	if (e != NO_ID)
		c->egid = e;
	if (r != NO_ID || (e != NO_ID && e != old))
		c->sgid = c->egid;
	c->fsgid = c->egid;
	return 0;
}

int cred_setresgid(struct cred *c, gid_t r, gid_t e, gid_t s)
{
	const gid_t want[3] = {r, e, s};

	for (unsigned i = 0; i < 3 && !may(c, CAP_SETGID); i++)
		if (want[i] != NO_ID && want[i] != c->gid && want[i] != c->egid &&
			want[i] != c->sgid)
			return -EPERM;
	if (r != NO_ID)
		c->gid = r;
	if (e != NO_ID)
		c->egid = e;
	if (s != NO_ID)
		c->sgid = s;
	c->fsgid = c->egid;
	return 0;
}

uid_t cred_setfsuid(struct cred *c, uid_t id)
{
	uid_t old = c->fsuid;

	if (id == NO_ID || (id != c->uid && id != c->euid && id != c->suid && id != old &&
				   !may(c, CAP_SETUID)))
		return old;
	c->fsuid = id;
	if (c->securebits & SECBIT_NO_SETUID_FIXUP)
		return old;
	if (old == ROOT_ID && id != ROOT_ID)
		c->effective &= ~CAPS_OF_FS;
	else if (old != ROOT_ID && id == ROOT_ID)
		c->effective |= c->permitted & CAPS_OF_FS;
	return old;
}

gid_t cred_setfsgid(struct cred *c, gid_t id)
{
	gid_t old = c->fsgid;

	if (id != NO_ID &&
		(id == c->gid || id == c->egid || id == c->sgid || id == old || may(c, CAP_SETGID)))
		c->fsgid = id;
	return old;
}

/* Shell sort: the list comes from a program and may have 65536 entries. */
static void sort_gids(gid_t *g, unsigned n)
{
	for (unsigned gap = n / 2; gap; gap /= 2) {
		for (unsigned i = gap; i < n; i++) {
			gid_t v = g[i];
			unsigned j = i;

			for (; j >= gap && g[j - gap] > v; j -= gap)
				g[j] = g[j - gap];
			g[j] = v;
		}
	}
}

int cred_setgroups(struct cred *c, const gid_t *gids, unsigned n)
{
	struct groups *g = NULL;

	if (!may(c, CAP_SETGID))
		return -EPERM;
	if (n > GROUPS_MAX)
		return -EINVAL;
	if (n) {
		g = kmalloc(sizeof(*g) + n * sizeof(gid_t), GFP_KERNEL);
		if (!g)
			return -ENOMEM;
		refcount_set(&g->refs, 1);
		g->count = n;
		memcpy(g->gid, gids, n * sizeof(gid_t));
		sort_gids(g->gid, n);
	}
	groups_put(c->groups);
	c->groups = g;
	return 0;
}

int cred_capset(struct cred *c, uint64_t effective, uint64_t permitted, uint64_t inheritable)
{
	effective &= CAP_ALL;
	permitted &= CAP_ALL;
	inheritable &= CAP_ALL;
	if (!may(c, CAP_SETPCAP) && (inheritable & ~(c->inheritable | c->permitted)))
		return -EPERM;
	if (inheritable & ~(c->inheritable | c->bounding))
		return -EPERM;
	if ((permitted & ~c->permitted) || (effective & ~permitted))
		return -EPERM;
	c->effective = effective;
	c->permitted = permitted;
	c->inheritable = inheritable;
	c->ambient &= permitted & inheritable;
	return 0;
}
