/*
 * futex_exit.c - what a thread's futexes are owed when it ends or execs: its robust list
 * (get_robust_list(2)) and the word that set_tid_address(2) named. All of it is user memory:
 * anything there may be wrong, and the walk is bounded.
 */
#include <arch/usercopy.h>
#include <cred.h>
#include <error.h>
#include <process.h>
#include <vm.h>
#include "proc.h"

#define LIST_LIMIT      2048u
#define WORD_TID        0x3fffffffu
#define WORD_OWNER_DIED 0x40000000u
#define WORD_WAITERS    0x80000000u
#define ENTRY_IS_PI     1u

/* The layout that user space keeps. */
struct robust_list_head {
	uint64_t next;
	int64_t futex_offset;
	uint64_t pending;
};
static_assert(sizeof(struct robust_list_head) == 24, "part of the user ABI");

int robust_list_set(void __user *head, size_t len)
{
	if (len != sizeof(struct robust_list_head))
		return -EINVAL;
	current->uthread->robust_list = head;
	current->uthread->robust_len = len;
	return 0;
}

int robust_list_get(pid_t tid, uint64_t *head, size_t *len)
{
	struct task *t = tid ? task_find(tid) : task_get(current);
	int err = 0;

	if (!t)
		return -ESRCH;
	if (!process_may_look(t, LOOK_REAL, POLICY_SEE))
		err = -EPERM;
	if (!err) {
		*head = (uint64_t)(uintptr_t)t->uthread->robust_list;
		*len = sizeof(struct robust_list_head);
	}
	task_put(t);
	return err;
}

/* @is_pending: the thread may have died between unlocking the word and waking a waiter. @is_pi:
 * its waiters are futex_pi.c's to wake. */
static int owner_died(uint64_t at, bool is_pending, bool is_pi)
{
	uint32_t __user *word = (uint32_t __user *)(uintptr_t)at;
	uint32_t v, was;
	int err;

	if (at & 3)
		return -EINVAL;
	err = get_user(v, word);
	if (err)
		return err;
	if (is_pending && !is_pi && v == 0) {
		futex_wake_addr(word, 1, false);
		return 0;
	}
	while ((v & WORD_TID) == (uint32_t)current->tid) {
		err = user_cmpxchg32(word, v, (v & WORD_WAITERS) | WORD_OWNER_DIED, &was);
		if (err)
			return err;
		if (was == v) {
			if ((v & WORD_WAITERS) && !is_pi)
				futex_wake_addr(word, 1, false);
			return 0;
		}
		v = was;
	}
	return 0;
}

static int read_head(const struct uthread *u, struct robust_list_head *h)
{
	return copy_from_user(h, u->robust_list, sizeof(*h));
}

static void walk_robust_list(const struct uthread *u)
{
	uint64_t head = (uint64_t)(uintptr_t)u->robust_list, entry, pending;
	struct robust_list_head h;

	if (read_head(u, &h))
		return;
	pending = h.pending & ~(uint64_t)ENTRY_IS_PI;
	entry = h.next;
	for (unsigned n = 0; n < LIST_LIMIT && (entry & ~(uint64_t)ENTRY_IS_PI) != head; n++) {
		uint64_t at = entry & ~(uint64_t)ENTRY_IS_PI, next;
		/* Fetched first: after the wake-up the entry may be another's. */
		int err = get_user(next, (const uint64_t __user *)(uintptr_t)at);

		if (at != pending &&
			owner_died(at + (uint64_t)h.futex_offset, false, entry & ENTRY_IS_PI))
			return;
		if (err)
			return;
		entry = next;
	}
	if (pending &&
		owner_died(pending + (uint64_t)h.futex_offset, true, h.pending & ENTRY_IS_PI))
		return;
}

void futex_exit_thread(struct uthread *u)
{
	uint32_t __user *tid_word = u->clear_child_tid;

	if (!current->mm)
		return;
	if (u->robust_list) {
		walk_robust_list(u);
		u->robust_list = NULL;
	}
	futex_pi_exit_thread(u);
	u->clear_child_tid = NULL;
	/* With nobody left to see it the word is not worth a page fault. */
	if (tid_word && refcount_read(&current->mm->users) > 1 && put_user(0u, tid_word) == 0)
		futex_wake_addr(tid_word, 1, false);
}
