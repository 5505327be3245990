/*
 * locks.c - advisory locks: flock(2), fcntl(2) record locks by process and by open file.
 *
 * Theory
 * All locks of a file hang on inode->file_locks under inode->spin. flock locks belong to a struct
 * file and cover everything; they do not meet record locks. A record lock [start, end] (inclusive)
 * belongs to an owner: the descriptor table for F_SETLK (so threads share, fork does not), the
 * struct file for F_OFD_SETLK. Setting a range replaces what the same owner had there: older locks
 * are cut, split or joined. Nodes a change may need are allocated before the list is touched.
 *
 * Who must wait sleeps on one of a few queues chosen by inode and looks again after each release. A
 * process that waits for a record lock is noted in the waiting list with whom it waits for; before
 * sleeping the chain of such notes is followed, and if it comes back to the asker the request fails
 * with EDEADLK. OFD locks and flock are not checked, as the man page says.
 */
#include "internal.h"
#include <hash.h>
#include <stat.h>

enum lock_kind { KIND_FLOCK, KIND_POSIX, KIND_OFD };
struct file_lock {
	struct list_head node; /* inode->file_locks */
	enum lock_kind kind;
	int type; /* F_RDLCK, F_WRLCK */
	int64_t start, end;
	const void *owner; /* struct files or struct file */
	pid_t pid;
};
struct waiter {
	struct list_head node;
	const void *owner, *blocked_by;
};

static struct wait_queue lock_wait[32];
static struct spinlock waiting_lock;
static LIST_HEAD(waiting); /* waiting_lock */

static struct wait_queue *wait_queue_of(const struct inode *i)
{
	return &lock_wait[hash64((uintptr_t)i) % ARRAY_SIZE(lock_wait)];
}

static void released(struct inode *i)
{
	struct wait_queue *wq = wait_queue_of(i);

	if (wait_queue_active(wq))
		wake_up_all(wq);
}

static bool conflicts(const struct file_lock *a, const struct file_lock *b)
{
	if ((a->kind == KIND_FLOCK) != (b->kind == KIND_FLOCK))
		return false;
	if (a->owner == b->owner && a->kind == b->kind)
		return false;
	if (a->type != F_WRLCK && b->type != F_WRLCK)
		return false;
	return a->start <= b->end && b->start <= a->end;
}

/* inode->spin held */
static struct file_lock *find_conflict(struct inode *i, const struct file_lock *want)
{
	struct file_lock *l;

	list_for_each_entry (l, &i->file_locks, node)
		if (conflicts(l, want))
			return l;
	return NULL;
}

static bool same_owner(const struct file_lock *a, const struct file_lock *b)
{
	return a->owner == b->owner && a->kind == b->kind;
}

/*
 * inode->spin held. Give [want->start, want->end] to its owner as want->type, F_UNLCK: to nobody.
 * @spare: two nodes, those used are set to NULL; nodes no longer needed go to @dead.
 */
static void set_range(struct inode *i, const struct file_lock *want, struct file_lock *spare[2],
	struct list_head *dead)
{
	struct file_lock *l;
	struct file_lock *next;
	struct file_lock *add = NULL;

	list_for_each_entry_safe (l, next, &i->file_locks, node) {
		if (!same_owner(l, want) || l->start > want->end || want->start > l->end)
			continue;
		if (l->start >= want->start && l->end <= want->end) { /* covered: gone */
			list_move(&l->node, dead);
		} else if (l->start < want->start && l->end > want->end) { /* a hole: two remain */
			struct file_lock *tail = spare[0];

			spare[0] = NULL;
			*tail = *l;
			tail->start = want->end + 1;
			l->end = want->start - 1;
			list_add(&tail->node, &l->node);
		} else if (l->start < want->start) {
			l->end = want->start - 1;
		} else {
			l->start = want->end + 1;
		}
	}
	if (want->type == F_UNLCK)
		return;
	add = spare[1];
	spare[1] = NULL;
	*add = *want;
	list_for_each_entry_safe (
		l, next, &i->file_locks, node) { /* join neighbours of the same type */
		if (!same_owner(l, want) || l->type != want->type)
			continue;
		if (l->end != INT64_MAX && l->end + 1 == add->start)
			add->start = l->start;
		else if (add->end != INT64_MAX && add->end + 1 == l->start)
			add->end = l->end;
		else
			continue;
		list_move(&l->node, dead);
	}
	list_add_tail(&add->node, &i->file_locks);
}

static void free_list(struct list_head *dead)
{
	while (!list_empty(dead)) {
		struct file_lock *l = list_first(dead, struct file_lock, node);

		list_del(&l->node);
		kfree(l);
	}
}

/* ---- waiting ---- */

/* waiting_lock held: does whom @owner waits for, directly or not, wait for @me? */
static bool waits_for(const void *owner, const void *me)
{
	struct waiter *w;

	for (unsigned hops = 0; hops < 1000; hops++) {
		const void *next = NULL;

		if (owner == me)
			return true;
		list_for_each_entry (w, &waiting, node)
			if (w->owner == owner)
				next = w->blocked_by;
		if (!next)
			return false;
		owner = next;
	}
	return false;
}

static int note_waiting(struct waiter *w, const void *owner, const void *blocked_by)
{
	int err = 0;

	w->owner = owner;
	w->blocked_by = blocked_by;
	spin_lock(&waiting_lock);
	if (waits_for(blocked_by, owner))
		err = -EDEADLK;
	else
		list_add_tail(&w->node, &waiting);
	spin_unlock(&waiting_lock);
	return err;
}

static void unnote_waiting(struct waiter *w)
{
	spin_lock(&waiting_lock);
	list_del(&w->node);
	spin_unlock(&waiting_lock);
}

static bool is_blocked(
	struct inode *i, const struct file_lock *want, const void **by, bool *by_process)
{
	struct file_lock *l;

	spin_lock(&i->spin);
	l = find_conflict(i, want);
	if (l && by) {
		*by = l->owner;
		*by_process = l->kind == KIND_POSIX;
	}
	spin_unlock(&i->spin);
	return l != NULL;
}

static int wait_free(struct inode *i, const struct file_lock *want)
{
	const void *by = NULL;
	bool by_process = false;
	struct waiter w;
	bool noted;
	int err;

	if (!is_blocked(i, want, &by, &by_process))
		return 0;
	noted = want->kind == KIND_POSIX && by_process;
	err = noted ? note_waiting(&w, want->owner, by) : 0;
	if (err)
		return err;
	err = wait_event_interruptible(wait_queue_of(i), !is_blocked(i, want, NULL, NULL));
	if (noted)
		unnote_waiting(&w);
	return err;
}

/* Set the lock, waiting for others if allowed. */
static int lock_apply(struct inode *i, const struct file_lock *want, bool wait)
{
	struct file_lock *spare[2] = {
		kmalloc(sizeof(*want), GFP_KERNEL), kmalloc(sizeof(*want), GFP_KERNEL)};
	LIST_HEAD(dead);
	int err = spare[0] && spare[1] ? 0 : -ENOLCK;

	while (!err) {
		bool done;

		spin_lock(&i->spin);
		done = want->type == F_UNLCK || !find_conflict(i, want);
		if (done)
			set_range(i, want, spare, &dead);
		spin_unlock(&i->spin);
		if (done)
			break;
		err = wait ? wait_free(i, want) : -EAGAIN;
	}
	if (!err)
		released(i); /* also a downgrade or a shortened range lets others in */
	free_list(&dead);
	kfree(spare[0]);
	kfree(spare[1]);
	return err;
}

int vfs_flock(struct file *f, int type, bool wait)
{
	struct file_lock want = {
		.kind = KIND_FLOCK, .type = type, .start = 0, .end = INT64_MAX, .owner = f};

	if (f->mode & FMODE_PATH)
		return -EBADF;
	if (type != F_UNLCK) { /* flock(2): a conversion is not atomic, the old lock goes first */
		struct inode *i = f->inode;
		LIST_HEAD(dead);
		struct file_lock *l;
		struct file_lock *next;
		bool held = false;

		spin_lock(&i->spin);
		list_for_each_entry_safe (l, next, &i->file_locks, node) {
			if (!same_owner(l, &want))
				continue;
			held = l->type == type;
			if (!held)
				list_move(&l->node, &dead);
		}
		spin_unlock(&i->spin);
		if (held)
			return 0;
		if (!list_empty(&dead))
			released(i);
		free_list(&dead);
	}
	return lock_apply(f->inode, &want, wait);
}

static struct file_lock record_lock(struct file *f, const struct posix_lock *l)
{
	return (struct file_lock){.kind = l->ofd ? KIND_OFD : KIND_POSIX,
		.type = l->type,
		.start = l->start,
		.end = l->end,
		.owner = l->ofd ? (void *)f : (void *)current->files,
		.pid = l->ofd ? -1 : l->pid};
}

int vfs_posix_lock(struct file *f, const struct posix_lock *l, bool wait)
{
	struct file_lock want = record_lock(f, l);

	if (f->mode & FMODE_PATH)
		return -EBADF;
	if (l->start < 0 || l->end < l->start)
		return -EINVAL;
	if ((l->type == F_RDLCK && !(f->mode & FMODE_READ)) ||
		(l->type == F_WRLCK && !(f->mode & FMODE_WRITE)))
		return -EBADF;
	return lock_apply(f->inode, &want, wait);
}

/* Of several, the one that starts first in the file. inode->spin held */
static struct file_lock *lowest_conflict(struct inode *i, const struct file_lock *want)
{
	struct file_lock *l;
	struct file_lock *found = NULL;

	list_for_each_entry (l, &i->file_locks, node)
		if (conflicts(l, want) && (!found || l->start < found->start))
			found = l;
	return found;
}

int vfs_posix_lock_test(struct file *f, struct posix_lock *l)
{
	struct file_lock want = record_lock(f, l);
	struct file_lock *c;

	if (f->mode & FMODE_PATH)
		return -EBADF;
	if (l->start < 0 || l->end < l->start)
		return -EINVAL;
	spin_lock(&f->inode->spin);
	c = lowest_conflict(f->inode, &want);
	if (c) {
		l->type = (short)c->type;
		l->start = c->start;
		l->end = c->end;
		l->pid = c->pid;
	} else {
		l->type = F_UNLCK;
	}
	spin_unlock(&f->inode->spin);
	return 0;
}

static void drop_owner(struct inode *i, const void *owner)
{
	LIST_HEAD(dead);
	struct file_lock *l;
	struct file_lock *next;

	spin_lock(&i->spin);
	list_for_each_entry_safe (l, next, &i->file_locks, node)
		if (l->owner == owner)
			list_move(&l->node, &dead);
	spin_unlock(&i->spin);
	if (list_empty(&dead))
		return;
	released(i);
	free_list(&dead);
}

/* fcntl(2): any close of the file by a process releases all its record locks on it. */
void locks_close(struct file *f, struct files *owner)
{
	drop_owner(f->inode, owner);
}

void locks_release(struct file *f)
{
	drop_owner(f->inode, f);
}

void locks_init(void)
{
	for (unsigned k = 0; k < ARRAY_SIZE(lock_wait); k++)
		wait_queue_init(&lock_wait[k]);
	spin_init(&waiting_lock);
}
