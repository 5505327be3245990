/*
 * events.h - files to wait with: epoll (many files at once), event counters, timers.
 *
 * Each create function makes an open file; compat gives it a number. Descriptor-level rules (which
 * file is an epoll at all) are checked here: -EINVAL.
 */
#pragma once
#include <file.h>
#include <time.h>

/* ---- epoll(7) ---- */
enum epoll_events { /* beside POLL* */
	EPOLLEXCLUSIVE = 1 << 28,
	EPOLLWAKEUP = 1 << 29,
	EPOLLONESHOT = 1 << 30
};
#define EPOLLET (1u << 31)
struct epoll_event {
	uint32_t events;
	uint64_t data;
};
enum epoll_op { EPOLL_CTL_ADD = 1, EPOLL_CTL_DEL, EPOLL_CTL_MOD };
int __must_check epoll_create(unsigned file_flags, struct file **out);
/* @target is what descriptor @fd stands for: both name the entry. -EEXIST, -ENOENT, -EINVAL,
 * -ELOOP, -EPERM (cannot be waited for), -ENOMEM, -ENOSPC. */
int __must_check epoll_ctl(struct file *ep, enum epoll_op op, struct file *target, int fd,
	const struct epoll_event *ev);
/*
 * epoll_wait() - hand at most @max events to @emit, which stores one and returns false if it
 * cannot. Returns how many, 0 at the deadline (clock_ns() scale; 0: do not wait), -EINTR, -EFAULT
 * (the first could not be stored), -EINVAL. May sleep in @emit.
 */
int __must_check epoll_wait(struct file *ep, unsigned max, uint64_t deadline_ns,
	bool (*emit)(void *arg, const struct epoll_event *ev), void *arg);

/* ---- eventfd(2) ---- */
int __must_check eventfd_create(
	uint64_t count, bool is_semaphore, unsigned file_flags, struct file **out);

/* ---- timerfd_create(2) ---- */
enum { TFD_TIMER_ABSTIME = 1, TFD_TIMER_CANCEL_ON_SET = 2 };
struct timer_setting {
	struct timespec interval, value;
};
int __must_check timerfd_create(int clock, unsigned file_flags, struct file **out);
int __must_check timerfd_settime(struct file *f, unsigned flags, const struct timer_setting *to,
	struct timer_setting *old); /* @old may be NULL */
int __must_check timerfd_gettime(struct file *f, struct timer_setting *out);

/* ---- inotify(7) ---- */
enum watch_flags { /* of a watch, beside notify.h's events; WATCH_ADD and WATCH_CREATE of one call
		    */
	WATCH_EXCL_UNLINK = 1 << 26,
	WATCH_CREATE = 1 << 28,
	WATCH_ADD = 1 << 29,
	WATCH_ONESHOT = 1u << 31
};
/* What a read gives, followed by the name, which is padded with NULs to a multiple of this size. */
struct inotify_record {
	int32_t wd;
	uint32_t mask, cookie, len;
};
enum inotify_limit { INOTIFY_MAX_EVENTS, INOTIFY_MAX_INSTANCES, INOTIFY_MAX_WATCHES };
extern uint32_t inotify_limits[3]; /* /proc/sys/fs/inotify; read racily */
struct inotify;
int __must_check inotify_create(unsigned file_flags, struct file **out); /* -EMFILE, -ENOMEM */
struct inotify *inotify_of(const struct file *f);                        /* NULL: not one */
/* The watch's number. -EACCES (it cannot be read), -EEXIST (WATCH_CREATE), -ENOSPC, -ENOMEM. */
int __must_check inotify_add(struct inotify *g, const struct path *p, uint32_t mask);
int __must_check inotify_remove(struct inotify *g, int wd); /* -EINVAL: none of its */
void inotify_init(uint64_t pages);                          /* boot; @pages of memory */

void events_init(void); /* boot */
