/*
 * sys_misc.c - the rest: uname(2), sysinfo(2), syslog(2), getrandom(2), futex(2), memfd_create(2),
 */
#include "abi/process.h"
#include "compat.h"
#include <log.h>
#include <page.h>
#include <policy.h>
#include <random.h>
#include <tmpfs.h>

#define RELEASE "6.6.0-ambit"
#define VERSION "#1 SMP Ambit"

long sys_uname(void __user *buf)
{
	struct linux_utsname u = {
		.sysname = "Linux", .release = RELEASE, .version = VERSION, .machine = "x86_64"};

	strlcpy(u.nodename, uts.hostname, sizeof(u.nodename));
	strlcpy(u.domainname, uts.domainname, sizeof(u.domainname));
	return copy_to_user(buf, &u, sizeof(u));
}

static unsigned count_threads(void)
{
	struct process *p = NULL;
	unsigned n = 0;
	pid_t pid = 0;

	while ((p = process_next(pid)) != NULL) {
		pid = p->pid;
		n += READ_ONCE(p->nr_threads);
		process_put(p);
	}
	return n;
}

long sys_sysinfo(void __user *out)
{
	struct linux_sysinfo s = {.mem_unit = 1};
	struct mem_stats m;
	unsigned long load[3];
	unsigned i;

	mem_stats(&m);
	sched_load(load);
	s.uptime = (int64_t)(clock_ns() / NSEC_PER_SEC);
	for (i = 0; i < 3; i++)
		s.loads[i] = load[i] << 5; /* from 11 to 16 bits behind the point */
	s.totalram = m.total * PAGE_SIZE;
	s.freeram = m.free * PAGE_SIZE;
	s.sharedram = m.shmem * PAGE_SIZE;
	s.bufferram = m.buffers * PAGE_SIZE;
	s.totalswap = m.swap_total * PAGE_SIZE;
	s.freeswap = m.swap_free * PAGE_SIZE;
	s.procs = (uint16_t)MIN(count_threads(), 65535u);
	return copy_to_user(out, &s, sizeof(s));
}

/* ---- getrandom ---- */

enum { GRND_NONBLOCK = 1, GRND_RANDOM = 2, GRND_INSECURE = 4 };

long sys_getrandom(void __user *buf, size_t len, unsigned flags)
{
	uint8_t chunk[256] UNCLEARED;
	size_t done = 0;
	int err;

	if (flags & ~(unsigned)(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE) ||
		(flags & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	if (!(flags & GRND_INSECURE) && !random_ready()) {
		if (flags & GRND_NONBLOCK)
			return -EAGAIN;
		err = random_wait_ready();
		if (err)
			return err;
	}
	len = MIN(len, (size_t)INT32_MAX);
	while (done < len) {
		size_t n = MIN(len - done, sizeof(chunk)), missed;

		random_bytes(chunk, n);
		missed = copy_to_user_partial((uint8_t __user *)buf + done, chunk, n);
		done += n - missed;
		if (missed)
			return done ? (long)done : -EFAULT;
		if (done < len && done % PAGE_SIZE == 0) {
			cond_resched();
			if (signal_is_pending(current))
				break;
		}
	}
	memset(chunk, 0, sizeof(chunk));
	barrier();
	return (long)done;
}

/* ---- the log ---- */

enum {
	SYSLOG_CLOSE,
	SYSLOG_OPEN,
	SYSLOG_READ,
	SYSLOG_READ_ALL,
	SYSLOG_READ_CLEAR,
	SYSLOG_CLEAR,
	SYSLOG_CONSOLE_OFF,
	SYSLOG_CONSOLE_ON,
	SYSLOG_CONSOLE_LEVEL,
	SYSLOG_SIZE_UNREAD,
	SYSLOG_SIZE_BUFFER
};
#define LOG_CHUNK             1024u
#define LOG_READ_MAX          (256u << 10)
#define CONSOLE_LEVEL_DEFAULT 7
#define CONSOLE_LEVEL_LEAST   1
static uint64_t log_read_seq, log_clear_seq; /* what SYSLOG_READ and SYSLOG_CLEAR have dealt with;
						racy as they are on Linux */

/* Bytes of text from @seq on. */
static size_t log_bytes_from(uint64_t seq, char *chunk)
{
	size_t total = 0, n;

	while ((n = log_read(&seq, chunk, LOG_CHUNK)) > 0)
		total += n;
	return total;
}

/* The newest records that fit in @len bytes. */
static long log_read_all(void __user *buf, size_t len)
{
	uint64_t seq = MAX(log_clear_seq, log_first_seq());
	char *text = kmalloc(MAX(len, (size_t)LOG_CHUNK), GFP_KERNEL);
	size_t total, n;

	if (!text)
		return -ENOMEM;
	total = log_bytes_from(seq, text);
	while (total > len && (n = log_read(&seq, text, LOG_CHUNK)) > 0)
		total -= n;
	n = log_read(&seq, text, len);
	if (copy_to_user(buf, text, n)) {
		kfree(text);
		return -EFAULT;
	}
	kfree(text);
	return (long)n;
}

/* Wait for records after the last ones given out. */
static long log_read_new(void __user *buf, size_t len)
{
	char *text;
	size_t n;
	int err = wait_event_interruptible(
		log_wait_queue(), log_next_seq() > READ_ONCE(log_read_seq));

	if (err)
		return err;
	text = kmalloc(MAX(len, (size_t)1), GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	n = log_read(&log_read_seq, text, len);
	err = copy_to_user(buf, text, n);
	kfree(text);
	return err ? err : (long)n;
}

static long log_unread(void)
{
	char *chunk = kmalloc(LOG_CHUNK, GFP_KERNEL);
	long n;

	if (!chunk)
		return -ENOMEM;
	n = (long)log_bytes_from(log_read_seq, chunk);
	kfree(chunk);
	return n;
}

static long log_console_level(int level)
{
	if (level < 1 || level > 8)
		return -EINVAL;
	log_set_console_level(MAX(level, CONSOLE_LEVEL_LEAST));
	return 0;
}

static long log_to_user(int type, void __user *buf, int len)
{
	long n;

	if (!buf || len < 0)
		return -EINVAL;
	if (!len)
		return 0;
	len = MIN(len, (int)LOG_READ_MAX);
	if (type == SYSLOG_READ)
		return log_read_new(buf, (size_t)len);
	n = log_read_all(buf, (size_t)len);
	if (n >= 0 && type == SYSLOG_READ_CLEAR)
		log_clear_seq = log_next_seq();
	return n;
}

long sys_syslog(int type, void __user *buf, int len)
{
	int err = policy_sys(current->cred, POLICY_LOG);

	if (type != SYSLOG_READ_ALL && type != SYSLOG_SIZE_BUFFER && !capable(CAP_SYSLOG))
		return -EPERM;
	if (err)
		return err;
	switch (type) {
	case SYSLOG_CLOSE:
	case SYSLOG_OPEN:
		return 0;
	case SYSLOG_READ:
	case SYSLOG_READ_ALL:
	case SYSLOG_READ_CLEAR:
		return log_to_user(type, buf, len);
	case SYSLOG_CLEAR:
		log_clear_seq = log_next_seq();
		return 0;
	case SYSLOG_CONSOLE_OFF:
		return log_console_level(CONSOLE_LEVEL_LEAST);
	case SYSLOG_CONSOLE_ON:
		return log_console_level(CONSOLE_LEVEL_DEFAULT);
	case SYSLOG_CONSOLE_LEVEL:
		return log_console_level(len);
	case SYSLOG_SIZE_UNREAD:
		return log_unread();
	case SYSLOG_SIZE_BUFFER:
		return (long)log_size();
	default:
		return -EINVAL;
	}
}

/* ---- futex ---- */

static bool futex_has_timeout(int cmd)
{
	return cmd == FUTEX_WAIT || cmd == FUTEX_WAIT_BITSET || cmd == FUTEX_LOCK_PI ||
	       cmd == FUTEX_LOCK_PI2;
}

static int futex_deadline(int op, int cmd, const void __user *ts, uint64_t *deadline)
{
	struct timespec t;
	int err;

	*deadline = WAIT_NO_DEADLINE;
	if (!ts || !futex_has_timeout(cmd))
		return 0;
	err = user_timespec(ts, &t);
	if (err)
		return err;
	*deadline = timespec_to_ns(&t);
	if (cmd == FUTEX_WAIT)
		*deadline = deadline_after_ns(*deadline);
	return 0;
}

long sys_futex(void __user *uaddr, int op, unsigned val, void __user *ts, void __user *uaddr2,
	unsigned val3)
{
	int cmd = op & ~(FUTEX_PRIVATE | FUTEX_CLOCK_REALTIME);
	struct futex_args a = {.uaddr = uaddr,
		.uaddr2 = uaddr2,
		.val = val,
		.val2 = (uint32_t)(uintptr_t)ts,
		.val3 = val3};
	int err = futex_deadline(op, cmd, ts, &a.deadline_ns);

	return err ? err : futex_call(op, &a);
}

/* ---- memfd_create ---- */

enum {
	MFD_CLOEXEC = 1,
	MFD_ALLOW_SEALING = 2,
	MFD_HUGETLB = 4,
	MFD_NOEXEC_SEAL = 8,
	MFD_EXEC = 16
};
#define MEMFD_NAME_MAX 249u

long sys_memfd_create(const char __user *name, unsigned flags)
{
	const unsigned known = MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL | MFD_EXEC;
	uint32_t seals = flags & (MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL) ? 0 : F_SEAL_SEAL;
	mode_t mode = 0777;
	char buf[MEMFD_NAME_MAX + 1];
	struct file *f;
	ssize_t n;
	int fd;

	if (flags & MFD_HUGETLB)
		return -ENOSYS;
	if (flags & ~known ||
		(flags & (MFD_EXEC | MFD_NOEXEC_SEAL)) == (MFD_EXEC | MFD_NOEXEC_SEAL))
		return -EINVAL;
	n = strncpy_from_user(buf, name, sizeof(buf));
	if (n < 0)
		return n == -ENAMETOOLONG ? -EINVAL : n;
	if (flags & MFD_NOEXEC_SEAL) {
		mode = 0666;
		seals |= F_SEAL_EXEC;
	}
	fd = tmpfs_memfd(buf, mode, seals, &f);
	if (fd)
		return fd;
	fd = fd_open(f, flags & MFD_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}
