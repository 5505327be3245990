/*
 * user.c - the counts of each user. Contract: user.h.
 *
 * A user is there while anything is counted for it: the counts are its references.
 */
#include <error.h>
#include <list.h>
#include <slab.h>
#include <spinlock.h>
#include <user.h>

#define CHAINS 64u

struct user {
	struct hlist_node hash; /* [users_lock] */
	uid_t uid;              /* [c] */
	uint64_t all;           /* [users_lock] the sum of what follows */
	uint64_t count[USER_COUNTS];
};

static struct spinlock users_lock = SPINLOCK_INIT("users_lock"); /* irq-save; leaf */
static struct hlist_head chains[CHAINS];                         /* [users_lock] */

/* users_lock held. */
static struct user *find(uid_t uid)
{
	struct user *u;

	hlist_for_each_entry (u, &chains[uid % CHAINS], hash)
		if (u->uid == uid)
			return u;
	return NULL;
}

/* users_lock held. */
static int add(struct user *u, enum user_count which, uint64_t n, uint64_t limit)
{
	if (n > limit || u->count[which] > limit - n)
		return -EAGAIN;
	u->count[which] += n;
	u->all += n;
	return 0;
}

int user_charge(uid_t uid, enum user_count which, uint64_t n, uint64_t limit, struct user **out)
{
	struct user *u, *fresh = NULL;
	unsigned long f = spin_lock_irq(&users_lock);
	int err;

	u = find(uid);
	if (!u) {
		spin_unlock_irq(&users_lock, f);
		fresh = kzalloc(sizeof(*fresh));
		if (!fresh)
			return -ENOMEM;
		fresh->uid = uid;
		f = spin_lock_irq(&users_lock);
		u = find(uid);
	}
	err = add(u ? u : fresh, which, n, limit);
	if (!err && !u) {
		u = fresh;
		fresh = NULL;
		hlist_add(&u->hash, &chains[uid % CHAINS]);
	}
	spin_unlock_irq(&users_lock, f);
	kfree(fresh);
	if (!err)
		*out = u;
	return err;
}

int user_charge_more(struct user *u, enum user_count which, uint64_t n, uint64_t limit)
{
	unsigned long f = spin_lock_irq(&users_lock);
	int err = add(u, which, n, limit);

	spin_unlock_irq(&users_lock, f);
	return err;
}

void user_uncharge(struct user *u, enum user_count which, uint64_t n)
{
	unsigned long f;
	bool last;

	if (!u)
		return;
	f = spin_lock_irq(&users_lock);
	u->count[which] -= n;
	u->all -= n;
	last = !u->all;
	if (last)
		hlist_del(&u->hash);
	spin_unlock_irq(&users_lock, f);
	if (last)
		kfree(u);
}

uint64_t user_counted(const struct user *u, enum user_count which)
{
	return READ_ONCE(u->count[which]);
}
