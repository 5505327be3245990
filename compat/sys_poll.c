/*
 * sys_poll.c - waiting for files: poll(2), ppoll(2), select(2), pselect6(2).
 */
#include "compat.h"
#include <poll.h>

#define FAST 8u
#define SETS 3u
#define BITS 64u

struct linux_pollfd {
	int32_t fd;
	int16_t events, revents;
};
static_assert(sizeof(struct linux_pollfd) == 8, "struct pollfd");
static_assert(
	POLLIN == 1 && POLLOUT == 4 && POLLNVAL == 32 && POLLWRBAND == 512 && POLLRDHUP == 0x2000,
	"poll(2)");

/* What one call watches; the arrays are inside or from the heap. */
struct watch {
	unsigned n;
	struct poll_fd *fds;
	struct fd_ref *refs;
	struct poll_fd fast_fds[FAST];
	struct fd_ref fast_refs[FAST];
	bool bad; /* a descriptor that is not open: do not wait */
};

static int watch_init(struct watch *w, unsigned n)
{
	w->n = n;
	w->fds = w->fast_fds;
	w->refs = w->fast_refs;
	w->bad = false;
	if (n <= FAST)
		return 0;
	w->fds = kcalloc(n, sizeof(*w->fds));
	w->refs = kcalloc(n, sizeof(*w->refs));
	if (w->fds && w->refs)
		return 0;
	kfree(w->fds);
	kfree(w->refs);
	return -ENOMEM;
}

/* Fill entry @i: @fd < 0 is ignored. */
static void watch_set(struct watch *w, unsigned i, int fd, short events)
{
	struct fd_ref r = {NULL, false};

	if (fd >= 0)
		r = fd_begin(fd);
	w->refs[i] = r;
	w->fds[i] = (struct poll_fd){.file = r.file, .events = events, .revents = 0};
	if (fd >= 0 && !r.file) {
		w->fds[i].revents = POLLNVAL;
		w->bad = true;
	}
}

static int watch_wait(struct watch *w, uint64_t deadline)
{
	unsigned i;
	int n = poll_files(w->fds, w->n, w->bad ? 0 : deadline);

	if (!w->bad) /* a pending signal counts even when there was no time to wait */
		return n || !signal_is_pending(current) ? n : -ERESTARTNOHAND;
	if (n < 0)
		return n;
	for (i = 0, n = 0; i < w->n; i++)
		n += w->fds[i].revents != 0;
	return n;
}

static void watch_fini(struct watch *w)
{
	unsigned i;

	for (i = 0; i < w->n; i++)
		if (w->refs[i].file)
			fd_end(w->refs[i]);
	if (w->fds != w->fast_fds) {
		kfree(w->fds);
		kfree(w->refs);
	}
}

static long poll_until(struct linux_pollfd __user *ufds, unsigned n, uint64_t deadline)
{
	struct linux_pollfd fast[FAST] UNCLEARED, *in = fast;
	struct watch w UNCLEARED;
	unsigned i;
	long got;

	if (n > rlimit_cur(RLIMIT_NOFILE))
		return -EINVAL;
	if (n > FAST) {
		in = kcalloc(n, sizeof(*in));
		if (!in)
			return -ENOMEM;
	}
	got = copy_from_user(in, ufds, n * sizeof(*in));
	if (!got)
		got = watch_init(&w, n);
	if (got)
		goto free_in;
	for (i = 0; i < n; i++)
		watch_set(&w, i, in[i].fd, in[i].events);
	got = watch_wait(&w, deadline);
	for (i = 0; got >= 0 && i < n; i++)
		if (put_user(w.fds[i].revents, &ufds[i].revents))
			got = -EFAULT;
	watch_fini(&w);
free_in:
	if (in != fast)
		kfree(in);
	return got;
}

static long poll_restartable(void __user *fds, unsigned n, uint64_t deadline);

static long poll_again(struct restart_block *r)
{
	return poll_restartable((void __user *)r->arg[0], (unsigned)r->arg[1], r->arg[2]);
}

static long poll_restartable(void __user *fds, unsigned nfds, uint64_t deadline)
{
	long n = poll_until(fds, nfds, deadline);

	if (n != -ERESTARTNOHAND)
		return n;
	current->restart = (struct restart_block){
		.fn = poll_again, .arg = {(uint64_t)fds, nfds, deadline}};
	return -ERESTART_BLOCK;
}

long sys_poll(void __user *fds, unsigned nfds, int timeout)
{
	uint64_t deadline = timeout < 0 ? WAIT_NO_DEADLINE
			    : timeout   ? deadline_after_ns((uint64_t)timeout * NSEC_PER_MSEC)
					: 0;

	return poll_restartable(fds, nfds, deadline);
}

int mask_for_call(const void __user *mask, size_t setsize)
{
	sigset_t s;

	if (!mask)
		return 0;
	if (setsize != sizeof(s))
		return -EINVAL;
	if (get_user(s.bits, (const uint64_t __user *)mask))
		return -EFAULT;
	signal_mask_temporary(s);
	return 0;
}

long mask_after_call(long result)
{
	if (result != -ERESTARTNOHAND && result != -EINTR)
		signal_mask_restore();
	return result;
}

/* The rest of a timeout as a timespec; Linux gives it even when it had to give up early. */
static struct timespec rest_of(uint64_t deadline)
{
	uint64_t now = clock_ns();

	return ns_to_timespec(deadline > now ? (int64_t)(deadline - now) : 0);
}

static long put_rest_timespec(void __user *ts, uint64_t deadline, long result)
{
	struct timespec rest;

	if (!ts || deadline == WAIT_NO_DEADLINE)
		return result;
	rest = rest_of(deadline);
	/* A timeout in read-only memory cannot be continued. */
	if (copy_to_user(ts, &rest, sizeof(rest)) && result == -ERESTARTNOHAND)
		return -EINTR;
	return result;
}

long sys_ppoll(void __user *fds, unsigned nfds, void __user *ts, void __user *mask, size_t setsize)
{
	uint64_t deadline;
	int err = user_deadline(ts, &deadline);

	if (!err)
		err = mask_for_call(mask, setsize);
	if (err)
		return err;
	return mask_after_call(put_rest_timespec(ts, deadline, poll_until(fds, nfds, deadline)));
}

/* ---- select: three bit sets become entries of a poll and back ---- */

enum {
	IN_SET = POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR,
	OUT_SET = POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR,
	EX_SET = POLLPRI
};
struct fd_sets {
	unsigned n, words;
	uint64_t *bits[SETS];
	void __user *user[SETS];
	uint64_t fast[SETS * 4];
	uint64_t *heap;
};
static const short set_events[SETS] = {IN_SET, OUT_SET, EX_SET};

static int sets_get(struct fd_sets *s)
{
	unsigned i;

	s->heap = NULL;
	if (s->words > 4) {
		s->heap = kcalloc(SETS * s->words, sizeof(uint64_t));
		if (!s->heap)
			return -ENOMEM;
	}
	for (i = 0; i < SETS; i++) {
		s->bits[i] = (s->heap ? s->heap : s->fast) + i * s->words;
		if (!s->user[i])
			memset(s->bits[i], 0, s->words * sizeof(uint64_t));
		else if (copy_from_user(s->bits[i], s->user[i], s->words * sizeof(uint64_t)))
			return -EFAULT;
		if (s->n % BITS) /* nobody asked for the rest of the last word */
			s->bits[i][s->words - 1] &= (1ull << s->n % BITS) - 1;
	}
	return 0;
}

static int sets_put(struct fd_sets *s)
{
	unsigned i;

	for (i = 0; i < SETS; i++)
		if (s->user[i] && copy_to_user(s->user[i], s->bits[i], s->words * sizeof(uint64_t)))
			return -EFAULT;
	return 0;
}

/* Which sets name @fd, as bits. */
static unsigned sets_of(const struct fd_sets *s, unsigned fd)
{
	unsigned i, in = 0;

	for (i = 0; i < SETS; i++)
		in |= (unsigned)(s->bits[i][fd / BITS] >> fd % BITS & 1) << i;
	return in;
}

static unsigned count_fds(const struct fd_sets *s)
{
	unsigned fd, n = 0;

	for (fd = 0; fd < s->n; fd++)
		n += sets_of(s, fd) != 0;
	return n;
}

static void sets_to_watch(const struct fd_sets *s, struct watch *w)
{
	unsigned fd, i, n = 0;

	for (fd = 0; fd < s->n; fd++) {
		unsigned in = sets_of(s, fd);
		short events = 0;

		if (!in)
			continue;
		for (i = 0; i < SETS; i++)
			if (in >> i & 1)
				events |= set_events[i];
		watch_set(w, n++, (int)fd, events);
	}
}

/* Replace what was asked by what holds; returns the number of bits. */
static int watch_to_sets(const struct watch *w, struct fd_sets *s)
{
	unsigned fd, i, n = 0;
	int total = 0;

	for (fd = 0; fd < s->n; fd++) {
		unsigned in = sets_of(s, fd);

		for (i = 0; in && i < SETS; i++) {
			if (!(in >> i & 1))
				continue;
			if (w->fds[n].revents & set_events[i])
				total++;
			else
				s->bits[i][fd / BITS] &= ~(1ull << fd % BITS);
		}
		n += in != 0;
	}
	return total;
}

static long select_until(
	int n, void __user *in, void __user *out, void __user *ex, uint64_t deadline)
{
	struct fd_sets s UNCLEARED;
	struct watch w UNCLEARED;
	long got;

	if (n < 0)
		return -EINVAL;
	s.user[0] = in;
	s.user[1] = out;
	s.user[2] = ex;
	rcu_read_lock();
	s.n = MIN((unsigned)n, rcu_dereference(current->files->table)->max);
	rcu_read_unlock();
	s.words = (s.n + BITS - 1) / BITS;
	got = sets_get(&s);
	if (!got)
		got = watch_init(&w, count_fds(&s));
	if (got)
		goto free_sets;
	sets_to_watch(&s, &w);
	got = w.bad ? -EBADF : watch_wait(&w, deadline);
	if (got >= 0)
		got = watch_to_sets(&w, &s);
	watch_fini(&w);
	if (got >= 0 && sets_put(&s))
		got = -EFAULT;
free_sets:
	kfree(s.heap);
	return got;
}

long sys_select(int n, void __user *in, void __user *out, void __user *ex, void __user *tv)
{
	uint64_t deadline = WAIT_NO_DEADLINE;
	struct timespec rest;
	struct timeval t;
	long got;

	if (tv) {
		if (copy_from_user(&t, tv, sizeof(t)))
			return -EFAULT;
		if (t.tv_sec < 0 || t.tv_usec < 0)
			return -EINVAL;
		rest = (struct timespec){MIN(t.tv_sec, INT64_MAX / 2) + t.tv_usec / 1000000,
			t.tv_usec % 1000000 * 1000};
		deadline = t.tv_sec || t.tv_usec ? deadline_after_ns(timespec_to_ns(&rest)) : 0;
	}
	got = select_until(n, in, out, ex, deadline);
	if (!tv)
		return got;
	rest = rest_of(deadline);
	t = (struct timeval){rest.tv_sec, rest.tv_nsec / 1000};
	if (copy_to_user(tv, &t, sizeof(t)) && got == -ERESTARTNOHAND)
		return -EINTR;
	return got;
}

long sys_pselect6(int n, void __user *in, void __user *out, void __user *ex, void __user *ts,
	void __user *sig)
{
	struct {
		uint64_t mask, size;
	} s = {0};
	uint64_t deadline;
	int err;

	if (sig && copy_from_user(&s, sig, sizeof(s)))
		return -EFAULT;
	err = user_deadline(ts, &deadline);
	if (!err)
		err = mask_for_call((const void __user *)s.mask, s.size);
	if (err)
		return err;
	return mask_after_call(
		put_rest_timespec(ts, deadline, select_until(n, in, out, ex, deadline)));
}
