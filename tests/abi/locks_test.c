/*
 * locks_test.c - flock, record locks of processes (fcntl) and of open files (OFD).
 */
#include "abi.h"

#include <sys/file.h>

static struct flock range(int type, off_t start, off_t len)
{
	struct flock lock = {.l_type = (short)type, .l_whence = SEEK_SET, .l_start = start};

	lock.l_len = len;
	return lock;
}

static long setlk(int fd, int type, off_t start, off_t len)
{
	struct flock lock = range(type, start, len);

	return fcntl(fd, F_SETLK, &lock);
}

static long setlkw(int fd, int type, off_t start, off_t len)
{
	struct flock lock = range(type, start, len);

	return fcntl(fd, F_SETLKW, &lock);
}

static long ofd(int fd, int type, off_t start, off_t len)
{
	struct flock lock = range(type, start, len);

	return fcntl(fd, F_OFD_SETLK, &lock);
}

/* What stands in the way of a lock, and whose: `mine` is the process that may own it. */
static void getlk(const char *what, int fd, int type, off_t start, off_t len, pid_t mine)
{
	struct flock lock = range(type, start, len);

	if (fcntl(fd, F_GETLK, &lock) < 0)
		say("%s: %s", what, errno_name(errno));
	else if (lock.l_type == F_UNLCK)
		say("%s: free", what);
	else
		say("%s: type %d start %ld len %ld owner %s", what, lock.l_type, (long)lock.l_start,
			(long)lock.l_len,
			lock.l_pid == mine ? "right"
			: lock.l_pid == -1 ? "ofd"
					   : "wrong");
}

CASE(flock_rules)
{
	put("f", "");
	R(open("f", O_RDONLY));
	R(open("f", O_RDONLY));
	R(flock(3, LOCK_SH));
	R(flock(4, LOCK_SH));
	R(flock(4, LOCK_EX | LOCK_NB));
	R(flock(3, LOCK_UN));
	R(flock(4, LOCK_EX | LOCK_NB));
	R(flock(3, LOCK_SH | LOCK_NB));
	R(flock(4, LOCK_SH));
	R(flock(3, LOCK_SH | LOCK_NB));
	R(flock(3, LOCK_UN));
	R(flock(3, LOCK_UN));
	R(flock(3, 0));
	R(flock(3, LOCK_SH | LOCK_EX));
	R(flock(3, 16));
	R(flock(99, LOCK_SH));
	R(open("f", O_PATH));
	R(flock(5, LOCK_SH));
	R(dup(4));
	R(flock(6, LOCK_EX | LOCK_NB));
	R(close(4));
	R(flock(3, LOCK_SH | LOCK_NB));
	IN_CHILD
	{
		R(flock(6, LOCK_EX | LOCK_NB));
		R(flock(6, LOCK_UN));
	}
	R(flock(3, LOCK_EX | LOCK_NB));
	R(flock(6, LOCK_SH | LOCK_NB));
	R(close(3));
	R(flock(6, LOCK_SH | LOCK_NB));
	R(flock(open(".", O_RDONLY), LOCK_EX | LOCK_NB));
}

CASE(flock_blocks)
{
	struct gate locked, go;
	pid_t pid;
	int fd;

	put("f", "");
	gate_init(&locked);
	gate_init(&go);
	fd = open("f", O_RDONLY);
	flock(fd, LOCK_EX);
	pid = abi_fork();
	if (!pid) {
		fd = open("f", O_RDONLY);
		R(flock(fd, LOCK_EX));
		say("child has it");
		gate_open(&locked);
		gate_wait(&go);
		_exit(0);
	}
	wait_blocked(pid);
	say("parent gives it");
	flock(fd, LOCK_UN);
	gate_wait(&locked);
	R(flock(fd, LOCK_SH | LOCK_NB));
	gate_open(&go);
	abi_reap("child", pid);
	R(flock(fd, LOCK_SH | LOCK_NB));
}

CASE(flock_interrupted)
{
	pid_t pid;
	int fd;

	put("f", "");
	fd = open("f", O_RDONLY);
	flock(fd, LOCK_EX);
	pid = abi_fork();
	if (!pid) {
		catch_signal(SIGUSR1, 0);
		fd = open("f", O_RDONLY);
		R(flock(fd, LOCK_EX));
		V(caught);
		_exit(0);
	}
	wait_blocked(pid);
	kill(pid, SIGUSR1);
	abi_reap("child", pid);
}

CASE(records)
{
	pid_t parent = getpid();

	put("f", "0123456789");
	R(open("f", O_RDWR));
	R(setlk(3, F_WRLCK, 2, 3));
	R(setlk(3, F_RDLCK, 7, 1));
	getlk("own", 3, F_WRLCK, 0, 0, parent);
	IN_CHILD
	{
		getlk("all", 3, F_WRLCK, 0, 0, parent);
		getlk("0-1", 3, F_WRLCK, 0, 2, parent);
		getlk("2", 3, F_RDLCK, 2, 1, parent);
		getlk("5-6", 3, F_WRLCK, 5, 2, parent);
		getlk("7 read", 3, F_RDLCK, 7, 1, parent);
		getlk("7 write", 3, F_WRLCK, 7, 1, parent);
		R(setlk(3, F_RDLCK, 7, 1));
		R(setlk(3, F_WRLCK, 7, 1));
		R(setlk(3, F_WRLCK, 4, 2));
		R(setlk(3, F_WRLCK, 5, 2));
		R(setlk(3, F_WRLCK, 8, 0));
	}
	R(setlk(3, F_UNLCK, 3, 1));
	IN_CHILD
	{
		getlk("split low", 3, F_WRLCK, 0, 0, parent);
		getlk("split high", 3, F_WRLCK, 4, 0, parent);
		R(setlk(3, F_WRLCK, 3, 1));
	}
	R(setlk(3, F_RDLCK, 0, 5));
	IN_CHILD
	{
		getlk("merged", 3, F_WRLCK, 0, 0, parent);
		getlk("merged read", 3, F_RDLCK, 0, 0, parent);
	}
	R(setlk(3, F_WRLCK, 100, 0));
	IN_CHILD
	{
		getlk("to the end", 3, F_WRLCK, 1000000, 5, parent);
	}
	R(setlk(3, F_UNLCK, 0, 0));
	IN_CHILD
	{
		getlk("none", 3, F_WRLCK, 0, 0, parent);
	}
}

CASE(record_errors)
{
	struct flock lock;

	put("f", "0123456789");
	R(open("f", O_RDONLY));
	R(open("f", O_WRONLY));
	R(setlk(3, F_WRLCK, 0, 0));
	R(setlk(4, F_RDLCK, 0, 0));
	R(setlk(4, F_WRLCK, 0, 0));
	R(setlk(99, F_WRLCK, 0, 0));
	R(setlk(4, 7, 0, 0));
	R(setlk(4, F_WRLCK, -1, 0));
	R(setlk(4, F_WRLCK, 2, -5));
	R(setlk(4, F_WRLCK, 5, -5));
	R(setlk(4, F_WRLCK, INT64_MAX, 2));
	R(setlk(4, F_WRLCK, INT64_MAX, 1));
	R(fcntl(4, F_SETLK, BAD_PTR));
	R(fcntl(4, F_GETLK, BAD_PTR));
	lock = range(F_UNLCK, 0, 0);
	R(fcntl(4, F_GETLK, &lock));
	lock = range(F_WRLCK, 0, 0);
	lock.l_whence = 9;
	R(fcntl(4, F_SETLK, &lock));
	lock.l_whence = SEEK_END;
	lock.l_start = -4;
	lock.l_len = 2;
	R(fcntl(4, F_SETLK, &lock));
	lseek(4, 3, SEEK_SET);
	lock.l_whence = SEEK_CUR;
	lock.l_start = -1;
	R(fcntl(4, F_SETLK, &lock));
	R(open("f", O_PATH));
	R(setlk(5, F_WRLCK, 0, 0));
	R(pipe((int[2]){0, 0}));
	R(setlk(7, F_WRLCK, 0, 0));
}

CASE(lost_on_any_close)
{
	put("f", "x");
	R(open("f", O_RDWR));
	R(setlk(3, F_WRLCK, 0, 0));
	IN_CHILD
	{
		R(setlk(3, F_WRLCK, 0, 0));
	}
	close(open("f", O_RDONLY));
	IN_CHILD
	{
		R(setlk(3, F_WRLCK, 0, 0));
	}
	R(setlk(3, F_WRLCK, 0, 0));
	IN_CHILD
	{
		close(3);
		R(open("f", O_RDWR));
		R(setlk(3, F_RDLCK, 0, 0));
	}
}

CASE(waiting_for_a_record)
{
	pid_t pid;

	put("f", "x");
	R(open("f", O_RDWR));
	R(setlk(3, F_WRLCK, 0, 10));
	pid = abi_fork();
	if (!pid) {
		R(setlkw(3, F_WRLCK, 5, 10));
		say("child has it");
		_exit(0);
	}
	wait_blocked(pid);
	say("parent gives half");
	R(setlk(3, F_UNLCK, 0, 5));
	wait_blocked(pid);
	say("parent gives the rest");
	setlk(3, F_UNLCK, 5, 5);
	abi_reap("child", pid);
	R(setlk(3, F_WRLCK, 0, 10));
	pid = abi_fork();
	if (!pid) {
		catch_signal(SIGUSR1, 0);
		R(setlkw(3, F_WRLCK, 0, 1));
		V(caught);
		_exit(0);
	}
	wait_blocked(pid);
	kill(pid, SIGUSR1);
	abi_reap("child", pid);
}

CASE(deadlock)
{
	struct gate has, go;
	pid_t pid;

	put("f", "x");
	gate_init(&has);
	gate_init(&go);
	R(open("f", O_RDWR));
	R(setlk(7, F_WRLCK, 0, 1));
	pid = abi_fork();
	if (!pid) {
		R(setlk(7, F_WRLCK, 1, 1));
		gate_open(&has);
		R(setlkw(7, F_WRLCK, 0, 1));
		_exit(0);
	}
	gate_wait(&has);
	wait_blocked(pid);
	R(setlkw(7, F_WRLCK, 1, 1));
	setlk(7, F_UNLCK, 0, 1);
	abi_reap("child", pid);
}

CASE(open_file_locks)
{
	struct flock lock;

	put("f", "x");
	R(open("f", O_RDWR));
	R(open("f", O_RDWR));
	R(ofd(3, F_WRLCK, 0, 5));
	R(ofd(4, F_WRLCK, 0, 5));
	R(ofd(4, F_WRLCK, 5, 5));
	R(setlk(4, F_WRLCK, 0, 1));
	R(setlk(3, F_WRLCK, 0, 1));
	getlk("by fcntl", 4, F_WRLCK, 0, 0, 0);
	lock = range(F_WRLCK, 0, 0);
	R(fcntl(4, F_OFD_GETLK, &lock));
	say("type %d start %ld len %ld pid %d", lock.l_type, (long)lock.l_start, (long)lock.l_len,
		lock.l_pid);
	lock = range(F_WRLCK, 0, 5);
	lock.l_pid = 1;
	R(fcntl(3, F_OFD_SETLK, &lock));
	R(fcntl(3, F_OFD_GETLK, &lock));
	IN_CHILD
	{
		R(ofd(3, F_RDLCK, 0, 5));
		close(open("f", O_RDONLY));
	}
	R(ofd(4, F_RDLCK, 0, 5));
	R(ofd(4, F_WRLCK, 0, 5));
	R(close(3));
	R(ofd(4, F_WRLCK, 0, 5));
	R(ofd(99, F_WRLCK, 0, 5));
}

CASE(exec_keeps_exit_drops)
{
	struct gate has;
	pid_t pid;

	put("f", "x");
	gate_init(&has);
	R(open("f", O_RDWR));
	pid = abi_fork();
	if (!pid) {
		setlk(5, F_WRLCK, 0, 0);
		gate_open(&has);
		execl(self_path(), "locks", "--helper", "sleep", NULL);
		_exit(1);
	}
	gate_wait(&has);
	pause_ms(100);
	R(setlk(5, F_WRLCK, 0, 0));
	kill(pid, SIGKILL);
	abi_reap("child", pid);
	R(setlk(5, F_WRLCK, 0, 0));
}

int abi_helper(int argc, char **argv);
int abi_helper(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	pause_ms(20000);
	return 0;
}

CASE(leases_and_others)
{
	put("f", "x");
	R(open("f", O_RDONLY));
	R(fcntl(3, F_GETLEASE));
	R(fcntl(3, F_SETLEASE, 77));
}
