/*
 * futex.c - futex(2): sleeping on a word of user memory. Robust lists and what a dying thread owes
 * are futex_exit.c.
 *
 * Waiters hang in hash buckets by key (mm_futex_key: address space and address, or object and
 * offset when shared). A waiter compares the word and queues itself under its bucket's lock; a
 * waker changes the word before it takes the lock. So either the waiter sees the new value, or the
 * waker sees the waiter.
 *
 * waiter->bucket is the bucket it hangs in, NULL once it has been woken: a waker clears it last,
 * under the lock, and from then on does not touch the waiter, which lies on its task's stack. The
 * task itself may be woken later, within the same RCU section. Requeueing changes ->bucket under
 * both locks, hence the loop in dequeue().
 *
 * The word is read under the lock without faulting; when its page is not there the lock is dropped,
 * the page brought in, and all is tried again. FUTEX_WAKE_OP does its operation before it takes the
 * locks: who queued himself by the old value is found all the same. Locks with an owner are
 * futex_pi.c. Does not: FUTEX_FD (-ENOSYS).
 */
#include <arch/usercopy.h>
#include <error.h>
#include <hash.h>
#include <process.h>
#include <time.h>
#include <vm.h>
#include "proc.h"

#define NR_BUCKETS 1024u
#define MATCH_ANY  (~0u)

struct bucket {
	struct spinlock lock;
	struct list_head waiters;
};
struct waiter {
	struct list_head node; /* [bucket] */
	struct futex_key key;  /* [bucket] */
	struct bucket *bucket; /* see above */
	struct task *task;
	uint32_t bitset;
};

static struct bucket buckets[NR_BUCKETS];

void futex_init(void)
{
	for (unsigned i = 0; i < NR_BUCKETS; i++) {
		spin_init(&buckets[i].lock);
		list_init(&buckets[i].waiters);
	}
	futex_pi_init();
}

static inline struct bucket *bucket_of(const struct futex_key *k)
{
	return &buckets[hash64(k->object ^ k->offset * 0x9e3779b9ull) & (NR_BUCKETS - 1)];
}

static inline bool same_key(const struct futex_key *a, const struct futex_key *b)
{
	return a->offset == b->offset && a->object == b->object && a->shared == b->shared;
}

int futex_get_key(const uint32_t __user *uaddr, bool private, struct futex_key *out)
{
	vaddr_t at = (vaddr_t)(uintptr_t)uaddr;

	if (at & 3)
		return -EINVAL;
	if (at >= USER_END)
		return -EFAULT;
	return mm_futex_key(at, private, out);
}

/* In the order of their addresses. */
static void lock_two(struct bucket *a, struct bucket *b)
{
	spin_lock(a < b ? &a->lock : &b->lock);
	if (a != b)
		spin_lock_nested(a < b ? &b->lock : &a->lock, 1);
}

static void unlock_two(struct bucket *a, struct bucket *b)
{
	spin_unlock(&a->lock);
	if (a != b)
		spin_unlock(&b->lock);
}

/* Takes @w off; its task is to be woken within the same RCU section. */
static struct task *release_locked(struct waiter *w)
{
	struct task *t = w->task;

	list_del(&w->node);
	smp_store_release(&w->bucket, NULL);
	return t;
}

static unsigned wake_locked(
	struct bucket *b, const struct futex_key *k, unsigned n, uint32_t bitset)
{
	struct waiter *w, *next;
	unsigned woken = 0;

	list_for_each_entry_safe (w, next, &b->waiters, node) {
		if (woken >= n)
			break;
		if (!same_key(&w->key, k) || !(w->bitset & bitset))
			continue;
		task_wake(release_locked(w), TASK_INTERRUPTIBLE);
		woken++;
	}
	return woken;
}

static long wake_key(const struct futex_key *k, unsigned n, uint32_t bitset)
{
	struct bucket *b = bucket_of(k);
	unsigned woken;

	/* The waker's change of the word comes before this look, the waiter's queueing before its
	 * look at the word. */
	smp_mb();
	if (list_empty(&b->waiters))
		return 0;
	rcu_read_lock();
	spin_lock(&b->lock);
	woken = wake_locked(b, k, n, bitset);
	spin_unlock(&b->lock);
	rcu_read_unlock();
	return woken;
}

long futex_wake_addr(uint32_t __user *uaddr, unsigned n, bool private)
{
	struct futex_key k;
	int err = futex_get_key(uaddr, private, &k);

	return err ? err : wake_key(&k, n, MATCH_ANY);
}

static long futex_wake(const struct futex_args *a, bool private, uint32_t bitset)
{
	struct futex_key k;
	int err;

	if (!bitset)
		return -EINVAL;
	err = futex_get_key(a->uaddr, private, &k);
	/* As on Linux, waking none wakes one. */
	return err ? err : wake_key(&k, (int32_t)a->val < 1 ? 1 : a->val, bitset);
}

/* Queue @w if the word still has the value. 0, -EAGAIN, -EFAULT. */
static int enqueue(struct waiter *w, const uint32_t __user *uaddr, uint32_t expect)
{
	struct bucket *b = bucket_of(&w->key);
	uint32_t now = 0;
	int err;

	for (;;) {
		spin_lock(&b->lock);
		w->bucket = b;
		list_add_tail(&w->node, &b->waiters);
		smp_mb();
		err = copy_from_user_nofault(&now, uaddr, sizeof(now));
		if (!err && now == expect)
			break;
		list_del(&w->node);
		w->bucket = NULL;
		spin_unlock(&b->lock);
		if (!err)
			return -EAGAIN;
		err = get_user(now, uaddr);
		if (err)
			return err;
	}
	WRITE_ONCE(current->state, TASK_INTERRUPTIBLE);
	spin_unlock(&b->lock);
	return 0;
}

/* true: nobody had woken it. */
static bool dequeue(struct waiter *w)
{
	struct bucket *b;

	while ((b = smp_load_acquire(&w->bucket)) != NULL) {
		spin_lock(&b->lock);
		if (w->bucket == b) {
			list_del(&w->node);
			w->bucket = NULL;
			spin_unlock(&b->lock);
			return true;
		}
		spin_unlock(&b->lock);
	}
	return false;
}

static long wait_again(struct restart_block *r);

static long remember(uint32_t __user *uaddr, bool private, uint32_t expect, uint32_t bitset,
	const struct futex_time *until)
{
	current->restart = (struct restart_block){
		.fn = wait_again,
		.arg = {(uint64_t)(uintptr_t)uaddr, (uint64_t)bitset << 32 | expect, until->ns,
			private | (uint64_t)until->realtime << 1},
	};
	return -ERESTART_BLOCK;
}

static long futex_wait(uint32_t __user *uaddr, bool private, uint32_t expect, uint32_t bitset,
	const struct futex_time *until)
{
	struct waiter w = {.task = current, .bitset = bitset};
	int err;

	if (!bitset)
		return -EINVAL;
	err = futex_get_key(uaddr, private, &w.key);
	if (!err)
		err = enqueue(&w, uaddr, expect);
	if (err)
		return err;
	while (!err && smp_load_acquire(&w.bucket)) {
		err = futex_sleep(until);
		if (err)
			break;
		__atomic_exchange_n(&current->state, TASK_INTERRUPTIBLE, __ATOMIC_SEQ_CST);
	}
	WRITE_ONCE(current->state, TASK_RUNNING);
	if (!dequeue(&w))
		return 0;
	if (err == -ETIME)
		return -ETIMEDOUT;
	if (until->ns == WAIT_NO_DEADLINE)
		return -ERESTARTSYS;
	return remember(uaddr, private, expect, bitset, until);
}

static long wait_again(struct restart_block *r)
{
	struct futex_time until = {r->arg[2], r->arg[3] >> 1};

	return futex_wait((uint32_t __user *)(uintptr_t)r->arg[0], r->arg[3] & 1,
		(uint32_t)r->arg[1], (uint32_t)(r->arg[1] >> 32), &until);
}

int futex_sleep(const struct futex_time *until)
{
	return until->realtime && until->ns != WAIT_NO_DEADLINE
		       ? wait_sleep_until_realtime(TASK_INTERRUPTIBLE, (int64_t)until->ns)
		       : wait_sleep_until(TASK_INTERRUPTIBLE, until->ns);
}

static void requeue_locked(struct bucket *from, struct bucket *to, const struct futex_key *k1,
	const struct futex_key *k2, unsigned n)
{
	struct waiter *w, *next;

	list_for_each_entry_safe (w, next, &from->waiters, node) {
		if (!n)
			return;
		if (!same_key(&w->key, k1))
			continue;
		n--;
		w->key = *k2;
		if (from != to) {
			list_move_tail(&w->node, &to->waiters);
			smp_store_release(&w->bucket, to);
		}
	}
}

static unsigned count_locked(struct bucket *b, const struct futex_key *k, unsigned max)
{
	const struct waiter *w;
	unsigned n = 0;

	list_for_each_entry (w, &b->waiters, node)
		if (n < max && same_key(&w->key, k))
			n++;
	return n;
}

/* @check: CMP_REQUEUE. Returns those woken and those moved. */
static long futex_requeue(const struct futex_args *a, bool private, bool check)
{
	struct futex_key k1, k2;
	struct bucket *b1, *b2;
	unsigned woken, moved;
	int err;

	if ((int32_t)a->val < 0 || (int32_t)a->val2 < 0)
		return -EINVAL;
	err = futex_get_key(a->uaddr, private, &k1);
	if (!err)
		err = futex_get_key(a->uaddr2, private, &k2);
	if (err)
		return err;
	b1 = bucket_of(&k1);
	b2 = bucket_of(&k2);
	rcu_read_lock();
	lock_two(b1, b2);
	while (check) {
		uint32_t now = 0;

		err = copy_from_user_nofault(&now, a->uaddr, sizeof(now));
		if (!err && now == a->val3)
			break;
		unlock_two(b1, b2);
		rcu_read_unlock();
		if (!err)
			return -EAGAIN;
		err = get_user(now, a->uaddr);
		if (err)
			return err;
		rcu_read_lock();
		lock_two(b1, b2);
	}
	woken = wake_locked(b1, &k1, a->val, MATCH_ANY);
	moved = count_locked(b1, &k1, a->val2);
	if (!same_key(&k1, &k2))
		requeue_locked(b1, b2, &k1, &k2, moved);
	unlock_two(b1, b2);
	rcu_read_unlock();
	return (long)woken + moved;
}

/* val3: op 4 bits, comparison 4, operand 12, comparison operand 12; bit 31: the operand is a shift
 * count. */
struct wake_op {
	unsigned op, cmp;
	int32_t arg, cmp_arg;
};

static int decode_wake_op(uint32_t v, struct wake_op *o)
{
	o->op = v >> 28 & 7;
	o->cmp = v >> 24 & 15;
	o->arg = (int32_t)(v << 8) >> 20;
	o->cmp_arg = (int32_t)(v << 20) >> 20;
	if (v >> 31)
		o->arg = (int32_t)(1u << (o->arg & 31));
	return o->op > 4 ? -ENOSYS : 0;
}

static bool compare(const struct wake_op *o, int32_t old)
{
	switch (o->cmp) {
	case 0:
		return old == o->cmp_arg;
	case 1:
		return old != o->cmp_arg;
	case 2:
		return old < o->cmp_arg;
	case 3:
		return old <= o->cmp_arg;
	case 4:
		return old > o->cmp_arg;
	default:
		return old >= o->cmp_arg;
	}
}

static long futex_wake_op(const struct futex_args *a, bool private)
{
	struct futex_key k1, k2;
	struct wake_op o;
	uint32_t old;
	long n;
	int err = futex_get_key(a->uaddr, private, &k1);

	if (!err)
		err = futex_get_key(a->uaddr2, private, &k2);
	if (!err)
		err = decode_wake_op(a->val3, &o);
	if (!err)
		err = user_xchg_op32(a->uaddr2, o.op, (uint32_t)o.arg, &old);
	if (err)
		return err;
	if (o.cmp > 5)
		return -ENOSYS; /* Linux looks at it only now */
	n = wake_key(&k1, a->val, MATCH_ANY);
	if (compare(&o, (int32_t)old))
		n += wake_key(&k2, a->val2, MATCH_ANY);
	return n;
}

long futex_call(int op, const struct futex_args *a)
{
	bool private = op & FUTEX_PRIVATE, realtime = op & FUTEX_CLOCK_REALTIME;
	int cmd = op & ~(FUTEX_PRIVATE | FUTEX_CLOCK_REALTIME);
	/* FUTEX_WAIT's is relative on either clock: compat has made it absolute. */
	const struct futex_time until = {
		a->deadline_ns, cmd == FUTEX_LOCK_PI || (realtime && cmd != FUTEX_WAIT)};

	if (realtime && cmd != FUTEX_WAIT && cmd != FUTEX_WAIT_BITSET && cmd != FUTEX_LOCK_PI2)
		return -ENOSYS;
	switch (cmd) {
	case FUTEX_WAIT:
		return futex_wait(a->uaddr, private, a->val, MATCH_ANY, &until);
	case FUTEX_WAIT_BITSET:
		return futex_wait(a->uaddr, private, a->val, a->val3, &until);
	case FUTEX_WAKE:
		return futex_wake(a, private, MATCH_ANY);
	case FUTEX_WAKE_BITSET:
		return futex_wake(a, private, a->val3);
	case FUTEX_REQUEUE:
		return futex_requeue(a, private, false);
	case FUTEX_CMP_REQUEUE:
		return futex_requeue(a, private, true);
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2:
		return futex_pi_lock(a->uaddr, private, &until, false);
	case FUTEX_TRYLOCK_PI:
		return futex_pi_lock(a->uaddr, private, &until, true);
	case FUTEX_UNLOCK_PI:
		return futex_pi_unlock(a->uaddr, private);
	case FUTEX_WAKE_OP:
		return futex_wake_op(a, private);
	default:
		return -ENOSYS;
	}
}
