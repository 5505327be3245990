/*
 * user.c - how many threads each real user has, for RLIMIT_NPROC.
 *
 * A thread counts from the fork that makes it until it leaves its process's list: one that is not
 * the first when it exits, the first when the process is waited for, so that zombies count.
 * uthread->user says where it is counted; set*uid(2) moves it, each thread by itself.
 *
 * A user is there as long as it has threads: the count is the reference. Does not: count anything
 * else by user (signals queued and locked memory are limited by process).
 */
#include <error.h>
#include <process.h>
#include <slab.h>
#include "proc.h"

#define HASH_SIZE 64u

struct user {
	struct hlist_node hash;
	uid_t uid;           /* [c] */
	uint32_t nr_threads; /* [users_lock] */
};

static struct spinlock users_lock = SPINLOCK_INIT("users_lock"); /* irq-save */
static struct hlist_head user_table[HASH_SIZE];                  /* [users_lock] */

static struct user *find_locked(uid_t uid)
{
	struct user *u;

	hlist_for_each_entry (u, &user_table[uid % HASH_SIZE], hash)
		if (u->uid == uid)
			return u;
	return NULL;
}

struct user *user_add_thread(uid_t uid, uint32_t *count)
{
	struct user *u, *fresh = NULL;
	unsigned long f = spin_lock_irq(&users_lock);

	u = find_locked(uid);
	if (!u) {
		spin_unlock_irq(&users_lock, f);
		fresh = kzalloc(sizeof(*fresh));
		if (!fresh)
			return NULL;
		fresh->uid = uid;
		f = spin_lock_irq(&users_lock);
		u = find_locked(uid);
		if (!u) {
			u = fresh;
			fresh = NULL;
			hlist_add(&u->hash, &user_table[uid % HASH_SIZE]);
		}
	}
	*count = ++u->nr_threads;
	spin_unlock_irq(&users_lock, f);
	kfree(fresh);
	return u;
}

void user_drop_thread(struct user *u)
{
	unsigned long f;
	bool last;

	if (!u)
		return;
	f = spin_lock_irq(&users_lock);
	last = --u->nr_threads == 0;
	if (last)
		hlist_del(&u->hash);
	spin_unlock_irq(&users_lock, f);
	if (last)
		kfree(u);
}

uint32_t user_threads(const struct user *u)
{
	return READ_ONCE(u->nr_threads);
}
