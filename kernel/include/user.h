/*
 * user.h - what is counted for each user, where a limit binds a user and not only a process.
 */
#pragma once
#include <compiler.h>
#include <types.h>

enum user_count {
	USER_THREADS,   /* RLIMIT_NPROC */
	USER_LENT,      /* pages that sends refer to: RLIMIT_MEMLOCK, MSG_ZEROCOPY */
	USER_INSTANCES, /* inotify(7), /proc/sys/fs/inotify/max_user_instances */
	USER_WATCHES,   /* and max_user_watches */
	USER_COUNTS
};
struct user;

/* @n (not 0) more of @which for @uid, if that makes no more than @limit. 0 and *out, which stays
 * until user_uncharge() gives them back; -EAGAIN (the limit), -ENOMEM. May sleep. */
int __must_check user_charge(
	uid_t uid, enum user_count which, uint64_t n, uint64_t limit, struct user **out);
/* The same for @u, of whom something is counted already. Any context; cannot be out of memory. */
int __must_check user_charge_more(
	struct user *u, enum user_count which, uint64_t n, uint64_t limit);
void user_uncharge(struct user *u, enum user_count which, uint64_t n); /* NULL allowed; any context
									*/
uint64_t user_counted(const struct user *u, enum user_count which);    /* racy */
