/*
 * poll.h - readiness. A file's poll() names its wait queues to the poll table and returns the
 * events that hold now.
 */
#pragma once
#include <wait.h>

enum {
	POLLIN = 1,
	POLLPRI = 2,
	POLLOUT = 4,
	POLLERR = 8,
	POLLHUP = 16,
	POLLNVAL = 32,
	POLLRDNORM = 64,
	POLLRDBAND = 128,
	POLLWRNORM = 256,
	POLLWRBAND = 512,
	POLLMSG = 0x400,
	POLLRDHUP = 0x2000
};
struct file;
struct poll_table {
	/* NULL once nothing more need be queued (an event was found) */
	void (*queue)(struct poll_table *pt, struct file *f, struct wait_queue *wq);
	unsigned key;   /* events of interest */
	unsigned depth; /* epolls around it, for the lock checker */
};
static inline void poll_wait(struct poll_table *pt, struct file *f, struct wait_queue *wq)
{
	if (pt && pt->queue)
		pt->queue(pt, f, wq);
}
struct poll_fd {
	struct file *file;
	short events, revents;
}; /* file NULL: ignored */
/*
 * poll_files() - wait until one of @fds has an event. Returns how many have, 0 at the deadline, or
 * -ERESTARTNOHAND (signal), -ENOMEM. deadline: clock_ns() scale, 0 = do not wait, UINT64_MAX = for
 * ever.
 */
int __must_check poll_files(struct poll_fd *fds, unsigned n, uint64_t deadline_ns);
