/*
 * futex_pi.c - futexes that name their owner: FUTEX_LOCK_PI, FUTEX_TRYLOCK_PI, FUTEX_UNLOCK_PI.
 *
 * The word holds the owner's thread id, the bit for waiters and the bit for an owner that died;
 * user space locks and unlocks it alone as long as nobody waits. Waiters hang in buckets of their
 * own, and an unlock hands the word to the one of the highest realtime priority, the first among
 * equals. Buckets are guarded by mutexes, because the word is written with the bucket held and its
 * page may have to be fetched.
 *
 * A thread that ends sets ->futexes_gone and then looks for those who wait for it; a waiter counts
 * itself in nr_callers and then looks at ->futexes_gone: one of them sees the other. Waiters of a
 * dead owner try again, and the first takes the word over.
 *
 * Who waits lends its realtime priority to the owner, and through him to whom he waits for, and so
 * on; a chain that comes back to the caller is a deadlock. All waiters are on one more list for
 * that, under a spinlock: who lends to a thread is found by looking through it. Does not: lend nice
 * values (Linux does not either); FUTEX_WAIT_REQUEUE_PI.
 */
#include <arch/usercopy.h>
#include <atomic.h>
#include <error.h>
#include <hash.h>
#include <mutex.h>
#include <process.h>
#include <sched.h>
#include <time.h>
#include <vm.h>
#include "proc.h"

#define NR_BUCKETS      64u
#define WORD_TID        0x3fffffffu
#define WORD_OWNER_DIED 0x40000000u
#define WORD_WAITERS    0x80000000u

struct bucket {
	struct mutex lock;
	struct list_head waiters;
};
enum wait_state { WAITING, GRANTED, ORPHANED };
struct waiter {
	struct list_head node; /* [bucket] while WAITING */
	struct futex_key key;
	struct task *task;
	pid_t owner; /* [bucket], and [lend] while on lenders: whom it waits for; ORPHANED: who died
		      */
	struct list_head lender; /* [lend] on lenders while WAITING */
	uint32_t state;          /* enum wait_state: [bucket], read without it by the waiter */
};

static struct bucket buckets[NR_BUCKETS];
static atomic_t nr_callers;

void futex_pi_init(void)
{
	for (unsigned i = 0; i < NR_BUCKETS; i++) {
		mutex_init(&buckets[i].lock);
		list_init(&buckets[i].waiters);
	}
}

static struct bucket *bucket_of(const struct futex_key *k)
{
	return &buckets[hash64(k->object ^ k->offset * 0x9e3779b9ull) & (NR_BUCKETS - 1)];
}

static bool same_key(const struct futex_key *a, const struct futex_key *b)
{
	return a->offset == b->offset && a->object == b->object && a->shared == b->shared;
}

static bool has_waiter_locked(const struct bucket *b, const struct futex_key *k)
{
	const struct waiter *w;

	list_for_each_entry (w, &b->waiters, node)
		if (same_key(&w->key, k))
			return true;
	return false;
}

/* ---- lending ---- */

#define CHAIN_MAX 64 /* longer ones are followed no further */

static struct spinlock lend_lock = SPINLOCK_INIT("futex_lend"); /* above the run queues */
static LIST_HEAD(lenders);                                      /* [lend] */

static struct waiter *waiting_locked(const struct task *t)
{
	struct waiter *w;

	list_for_each_entry (w, &lenders, lender)
		if (w->task == t)
			return w;
	return NULL;
}

/* What those who wait for @owner lend him, and he in turn to whom he waits for. */
static void lend_from_locked(pid_t owner)
{
	for (unsigned depth = 0; depth < CHAIN_MAX && owner > 0; depth++) {
		struct task *t = task_find(owner);
		const struct waiter *w;
		unsigned highest = 0;

		if (!t)
			return;
		list_for_each_entry (w, &lenders, lender)
			if (w->owner == owner && w->task->se.rt_priority > highest)
				highest = w->task->se.rt_priority;
		sched_lend(t, highest);
		w = waiting_locked(t);
		owner = w ? w->owner : 0;
		task_put(t);
	}
}

/* Would waiting for @owner be waiting for ourselves? */
static bool comes_back_locked(pid_t owner)
{
	for (unsigned depth = 0; depth < CHAIN_MAX && owner > 0; depth++) {
		struct task *t = task_find(owner);
		const struct waiter *w = t ? waiting_locked(t) : NULL;

		owner = w ? w->owner : 0;
		if (t)
			task_put(t);
		if (owner == current->tid)
			return true;
	}
	return false;
}

static int begin_lending(struct waiter *w)
{
	unsigned long f = spin_lock_irq(&lend_lock);
	int err = comes_back_locked(w->owner) ? -EDEADLK : 0;

	if (!err) {
		list_add_tail(&w->lender, &lenders);
		lend_from_locked(w->owner);
	}
	spin_unlock_irq(&lend_lock, f);
	return err;
}

static void end_lending(struct waiter *w)
{
	unsigned long f = spin_lock_irq(&lend_lock);

	list_del(&w->lender);
	lend_from_locked(w->owner);
	spin_unlock_irq(&lend_lock, f);
}

void futex_pi_reprioritised(struct task *t)
{
	const struct waiter *w;
	unsigned long f;

	if (!atomic_read(&nr_callers))
		return;
	f = spin_lock_irq(&lend_lock);
	w = waiting_locked(t);
	if (w)
		lend_from_locked(w->owner);
	spin_unlock_irq(&lend_lock, f);
}

/* ---- the words ---- */

/* Who gets the word: NULL if nobody waits for it. */
static struct waiter *heir_locked(struct bucket *b, const struct futex_key *k)
{
	struct waiter *w, *heir = NULL;

	list_for_each_entry (w, &b->waiters, node)
		if (same_key(&w->key, k) &&
			(!heir || w->task->se.rt_priority > heir->task->se.rt_priority))
			heir = w;
	return heir;
}

static void wake_locked(struct waiter *w, enum wait_state state)
{
	list_del(&w->node);
	smp_store_release(&w->state, state);
	task_wake(w->task, TASK_INTERRUPTIBLE);
}

/* -ESRCH: it has ended, or lets go of its futexes right now. */
static int check_owner(pid_t tid)
{
	struct task *t = task_find(tid);
	int err;

	if (!t)
		return -ESRCH;
	err = !t->uthread ? -EPERM : READ_ONCE(t->uthread->futexes_gone) ? -ESRCH : 0;
	task_put(t);
	return err;
}

/* Take the word if it is free, or its owner is the dead one that @w waited for. 0; -EBUSY: marked
 * as waited for, w->owner is whose it is; or an error. */
static int take_locked(struct bucket *b, struct waiter *w, uint32_t __user *uaddr)
{
	uint32_t me = (uint32_t)current->tid, v, was, owner, want;
	pid_t dead = w->state == ORPHANED ? w->owner : 0, gone = 0;
	int err = get_user(v, uaddr);

	for (; !err; v = was) {
		bool free;

		owner = v & WORD_TID;
		if (owner == me)
			return -EDEADLK;
		free = !owner || (pid_t)owner == dead;
		want = v | WORD_WAITERS;
		if (free)
			want = me | (v & WORD_OWNER_DIED) | (owner ? WORD_OWNER_DIED : 0) |
			       (has_waiter_locked(b, &w->key) ? WORD_WAITERS : 0);
		err = user_cmpxchg32(uaddr, v, want, &was);
		if (err || was != v)
			continue;
		if (free)
			return 0;
		w->owner = (pid_t)owner;
		err = check_owner(w->owner);
		if (!err)
			return -EBUSY;
		/* An owner that ended may have changed the word meanwhile. */
		if (err != -ESRCH || gone == w->owner)
			return err;
		gone = w->owner;
		err = get_user(was, uaddr);
	}
	return err;
}

/* 0 when it was woken, -ETIME, -ERESTARTSYS. */
static int sleep_on(const struct waiter *w, const struct futex_time *until)
{
	int err = 0;

	while (!err) {
		__atomic_exchange_n(&current->state, TASK_INTERRUPTIBLE, __ATOMIC_SEQ_CST);
		if (smp_load_acquire(&w->state) != WAITING)
			break;
		err = futex_sleep(until);
	}
	WRITE_ONCE(current->state, TASK_RUNNING);
	return err;
}

static long lock_key(
	struct waiter *w, uint32_t __user *uaddr, const struct futex_time *until, bool try)
{
	struct bucket *b = bucket_of(&w->key);
	int err;

	mutex_lock(&b->lock);
	while ((err = take_locked(b, w, uaddr)) == -EBUSY && !try) {
		err = begin_lending(w);
		if (err)
			break;
		w->state = WAITING;
		list_add_tail(&w->node, &b->waiters);
		mutex_unlock(&b->lock);
		err = sleep_on(w, until);
		/* With the bucket: who woke us has done with @w. */
		mutex_lock(&b->lock);
		if (w->state == WAITING) {
			list_del(&w->node);
			end_lending(w);
			err = err == -ETIME ? -ETIMEDOUT : -ERESTARTNOINTR;
			break;
		}
		err = 0;
		if (w->state == GRANTED)
			break;
	}
	mutex_unlock(&b->lock);
	return err == -EBUSY ? -EAGAIN : err;
}

long futex_pi_lock(uint32_t __user *uaddr, bool private, const struct futex_time *until, bool try)
{
	struct waiter w = {.task = current, .state = GRANTED};
	long err = futex_get_key(uaddr, private, &w.key);

	if (err)
		return err;
	atomic_inc(&nr_callers);
	err = lock_key(&w, uaddr, until, try);
	atomic_dec(&nr_callers);
	return err;
}

/* @heir gets the word from us; the rest of those who wait for it wait for him now, and lend to him.
 */
static void hand_over_locked(struct bucket *b, struct waiter *heir)
{
	unsigned long f = spin_lock_irq(&lend_lock);
	struct waiter *w;

	list_del(&heir->lender);
	list_for_each_entry (w, &b->waiters, node)
		if (w != heir && same_key(&w->key, &heir->key))
			w->owner = heir->task->tid;
	lend_from_locked(heir->task->tid);
	lend_from_locked(current->tid);
	spin_unlock_irq(&lend_lock, f);
	wake_locked(heir, GRANTED);
}

static int unlock_locked(struct bucket *b, const struct futex_key *k, uint32_t __user *uaddr)
{
	struct waiter *w = heir_locked(b, k);
	uint32_t want = w ? (uint32_t)w->task->tid | WORD_WAITERS : 0, v, was;
	int err = get_user(v, uaddr);

	for (; !err; v = was) {
		if ((v & WORD_TID) != (uint32_t)current->tid)
			return -EPERM;
		err = user_cmpxchg32(uaddr, v, want, &was);
		if (!err && was == v)
			break;
	}
	if (!err && w)
		hand_over_locked(b, w);
	return err;
}

long futex_pi_unlock(uint32_t __user *uaddr, bool private)
{
	struct futex_key k;
	struct bucket *b;
	uint32_t v;
	int err = get_user(v, uaddr);

	if (!err && (v & WORD_TID) != (uint32_t)current->tid)
		err = -EPERM; /* whatever else is wrong with the word */
	if (!err)
		err = futex_get_key(uaddr, private, &k);
	if (err)
		return err;
	b = bucket_of(&k);
	mutex_lock(&b->lock);
	err = unlock_locked(b, &k, uaddr);
	mutex_unlock(&b->lock);
	return err;
}

void futex_pi_exit_thread(struct uthread *u)
{
	WRITE_ONCE(u->futexes_gone, true);
	smp_mb();
	if (!atomic_read(&nr_callers))
		return;
	for (struct bucket *b = buckets; b < buckets + NR_BUCKETS; b++) {
		struct waiter *w, *next;

		mutex_lock(&b->lock);
		list_for_each_entry_safe (w, next, &b->waiters, node)
			if (w->owner == u->task->tid) {
				end_lending(w);
				wake_locked(w, ORPHANED);
			}
		mutex_unlock(&b->lock);
	}
}
