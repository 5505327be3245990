/*
 * threads_test.c - threads by clone and by pthreads, futexes, robust lists, exit and exec of
 * threads.
 */
#include "abi.h"
#include "helper.h"

#include <linux/futex.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#define futex_(...) sc(futex, __VA_ARGS__)

static volatile int word, other, ready, done;
static volatile int tids[8];

static void spin_until(volatile int *at, int value)
{
	for (long end = now_ms() + 20000; __atomic_load_n(at, __ATOMIC_ACQUIRE) != value;) {
		if (now_ms() > end) {
			say("never %d", value);
			return;
		}
		pause_ms(1);
	}
}

static void set(volatile int *at, int value)
{
	__atomic_store_n(at, value, __ATOMIC_RELEASE);
}

/* Until a thread of this process sleeps in a call. */
static void thread_blocked(volatile int *tid)
{
	char path[64], text[256];

	while (!*tid)
		pause_ms(1);
	for (int times = 0; times < 3;) {
		int fd;
		ssize_t n;
		char *mark;

		snprintf(path, sizeof(path), "/proc/self/task/%d/stat", *tid);
		fd = open(path, O_RDONLY);
		n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
		if (fd >= 0)
			close(fd);
		text[n < 0 ? 0 : n] = 0;
		mark = strrchr(text, ')');
		if (!mark) {
			say("no state of the thread");
			return;
		}
		times = mark[2] == 'S' ? times + 1 : 0;
		pause_ms(10);
	}
}

static pthread_t start(void *(*run)(void *), void *arg)
{
	pthread_t thread;
	int error = pthread_create(&thread, NULL, run, arg);

	if (error)
		say("pthread_create: %s", errno_name(error));
	return thread;
}

static void *count_up(void *arg)
{
	for (int i = 0; i < 10000; i++)
		__atomic_fetch_add((int *)arg, 1, __ATOMIC_SEQ_CST);
	return (void *)77;
}

CASE(create_and_join)
{
	pthread_t threads[8];
	int total = 0;
	void *value;

	for (int i = 0; i < 8; i++)
		threads[i] = start(count_up, &total);
	for (int i = 0; i < 8; i++)
		pthread_join(threads[i], &value);
	V(total);
	V((long)value);
}

static __thread int local = 5;

static void *use_local(void *arg)
{
	T(local == 5);
	local = 6;
	T(&local != arg);
	T(getpid() != sc0(gettid));
	return NULL;
}

CASE(thread_local)
{
	T(getpid() == sc0(gettid));
	pthread_join(start(use_local, &local), NULL);
	V(local);
	long fs = 0;
	R(sc(arch_prctl, 0x1003, &fs));
	T(fs != 0);
	R(sc(arch_prctl, 0x1003, BAD_PTR));
	R(sc(arch_prctl, 0x1002, 1ul << 63));
	R(sc(arch_prctl, 0x1001, 0x123456));
	R(sc(arch_prctl, 0x1004, &fs));
	HEX(fs);
	R(sc(arch_prctl, 0x1001, 1ul << 63));
	R(sc(arch_prctl, 0x9999, 0));
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static int turn;

static void *alternate(void *arg)
{
	int self = (int)(long)arg;

	for (int i = 0; i < 200; i++) {
		pthread_mutex_lock(&mutex);
		while (turn % 4 != self)
			pthread_cond_wait(&condition, &mutex);
		turn++;
		pthread_cond_broadcast(&condition);
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

CASE(conditions)
{
	pthread_t threads[4];

	for (long i = 0; i < 4; i++)
		threads[i] = start(alternate, (void *)i);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	V(turn);
}

CASE(futex_errors)
{
	struct timespec tenth = {0, 50000000}, bad = {0, -1}, past = {0, 0}, negative = {-1, 0};
	char odd[8] __attribute__((aligned(8)));

	word = 5;
	R(futex_(&word, FUTEX_WAIT, 6, NULL, NULL, 0));
	R(futex_(&word, FUTEX_WAIT, 5, &tenth, NULL, 0));
	R(futex_(&word, FUTEX_WAIT_PRIVATE, 5, &tenth, NULL, 0));
	R(futex_(&word, FUTEX_WAIT, 5, &bad, NULL, 0));
	R(futex_(&word, FUTEX_WAIT, 5, &negative, NULL, 0));
	R(futex_(&word, FUTEX_WAIT, 5, BAD_PTR, NULL, 0));
	R(futex_(BAD_PTR, FUTEX_WAIT, 5, NULL, NULL, 0));
	R(futex_(odd + 1, FUTEX_WAIT, 5, NULL, NULL, 0));
	R(futex_(KERNEL_PTR, FUTEX_WAIT, 5, NULL, NULL, 0));
	R(futex_(NULL, FUTEX_WAIT, 5, NULL, NULL, 0));
	R(futex_(&word, FUTEX_WAKE, 1, NULL, NULL, 0));
	R(futex_(BAD_PTR, FUTEX_WAKE, 1, NULL, NULL, 0));
	R(futex_(BAD_PTR, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
	R(futex_(odd + 1, FUTEX_WAKE, 1, NULL, NULL, 0));
	R(futex_(&word, FUTEX_WAKE, 0, NULL, NULL, 0));
	R(futex_(&word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0));
	R(futex_(&word, FUTEX_WAIT_BITSET, 5, &past, NULL, 1));
	R(futex_(&word, FUTEX_WAIT_BITSET, 5, &past, NULL, 0));
	R(futex_(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 5, &past, NULL, 1));
	R(futex_(&word, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0));
	R(futex_(&word, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 1, NULL, NULL, 0));
	R(futex_(&word, FUTEX_REQUEUE, 1, 1, &other, 0));
	R(futex_(&word, FUTEX_REQUEUE, -1, 1, &other, 0));
	R(futex_(&word, FUTEX_REQUEUE, 1, -1, &other, 0));
	R(futex_(&word, FUTEX_CMP_REQUEUE, 1, 1, &other, 6));
	R(futex_(&word, FUTEX_CMP_REQUEUE, 1, 1, &other, 5));
	R(futex_(&word, FUTEX_REQUEUE, 1, 1, BAD_PTR, 0));
	R(futex_(&word, 2, 0, NULL, NULL, 0));
	R(futex_(&word, 77, 0, NULL, NULL, 0));
}

static void *wait_on_word(void *arg)
{
	long index = (long)arg, result;

	tids[index] = (int)sc0(gettid);
	result = futex_(&word, FUTEX_WAIT_BITSET_PRIVATE, 1, NULL, NULL, 1 << index);
	__atomic_fetch_add(&done, 1, __ATOMIC_SEQ_CST);
	return (void *)(result ? -1l : 0l);
}

static void four_waiters(pthread_t *threads)
{
	memset((void *)tids, 0, sizeof(tids));
	word = 1;
	done = 0;
	for (long i = 0; i < 4; i++)
		threads[i] = start(wait_on_word, (void *)i);
	for (int i = 0; i < 4; i++)
		thread_blocked(&tids[i]);
}

CASE(futex_wakes)
{
	pthread_t threads[4];

	four_waiters(threads);
	R(futex_(&word, FUTEX_WAKE_BITSET_PRIVATE, 10, NULL, NULL, 5));
	spin_until(&done, 2);
	R(futex_(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
	spin_until(&done, 3);
	R(futex_(&word, FUTEX_CMP_REQUEUE_PRIVATE, 0, 10, &other, 1));
	R(futex_(&word, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0));
	R(futex_(&other, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0));
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	four_waiters(threads);
	R(futex_(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, 2, &other, 1));
	R(futex_(&other, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0));
	R(futex_(&word, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0));
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	four_waiters(threads);
	other = 3;
	R(futex_(&word, FUTEX_WAKE_OP_PRIVATE, 1, 1, &other,
		FUTEX_OP(FUTEX_OP_ADD, 4, FUTEX_OP_CMP_EQ, 3)));
	V(other);
	R(futex_(&other, FUTEX_WAKE_OP_PRIVATE, 1, 10, &word,
		FUTEX_OP(FUTEX_OP_SET, 9, FUTEX_OP_CMP_EQ, 1)));
	V(word);
	R(futex_(&word, FUTEX_WAKE_OP_PRIVATE, 1, 1, &other, 0x70000000));
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
}

CASE(futex_shared)
{
	int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = abi_fork();

	if (!pid) {
		_exit(futex_(shared, FUTEX_WAIT, 0, NULL, NULL, 0) ? 1 : 0);
	}
	wait_blocked(pid);
	*shared = 1;
	R(futex_(shared, FUTEX_WAKE, 1, NULL, NULL, 0));
	abi_reap("child", pid);
	put("f", "0123456789");
	int fd = open("f", O_RDWR);
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	*shared = 0;
	pid = abi_fork();
	if (!pid) {
		int *again = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

		futex_(again, FUTEX_WAIT, 0, NULL, NULL, 0);
		_exit(0);
	}
	wait_blocked(pid);
	R(futex_(shared, FUTEX_WAKE, 10, NULL, NULL, 0));
	abi_reap("child", pid);
}

CASE(locks_with_an_owner)
{
	word = 0;
	R(futex_(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	T(word == getpid());
	R(futex_(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	R(futex_(&word, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0));
	R(futex_(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	V(word);
	R(futex_(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	word = 99999;
	R(futex_(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	R(futex_(BAD_PTR, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
}

static pthread_mutex_t *robust;

static void *die_with_lock(void *arg)
{
	(void)arg;
	R(pthread_mutex_lock(robust));
	return NULL;
}

CASE(robust_mutex)
{
	pthread_mutexattr_t attr;
	pid_t pid;

	robust = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(robust, &attr);
	pthread_join(start(die_with_lock, NULL), NULL);
	say("lock: %s", errno_name(pthread_mutex_lock(robust)));
	R(pthread_mutex_consistent(robust));
	R(pthread_mutex_unlock(robust));
	pid = abi_fork();
	if (!pid) {
		pthread_mutex_lock(robust);
		kill(getpid(), SIGKILL);
	}
	abi_reap("child", pid);
	say("lock: %s", errno_name(pthread_mutex_lock(robust)));
	R(pthread_mutex_unlock(robust));
	say("lock: %s", errno_name(pthread_mutex_lock(robust)));
	void *head = NULL;
	size_t length = 0;
	R(sc(get_robust_list, 0, &head, &length));
	V(length);
	R(sc(get_robust_list, 99999, &head, &length));
	R(sc(get_robust_list, 0, BAD_PTR, &length));
	R(sc(set_robust_list, NULL, 8));
	R(sc(set_robust_list, NULL, 24));
}

/* Field 18 of /proc/PID/task/TID/stat: -1 - priority of a realtime thread, lent ones included. */
static void show_priority(const char *what, int tid)
{
	char path[64], line[512], *at;
	int fd;
	long value = 0;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	fd = open(path, O_RDONLY);
	memset(line, 0, sizeof(line));
	read(fd, line, sizeof(line) - 1);
	close(fd);
	at = strrchr(line, ')');
	for (int field = 3; at && field <= 18; field++) {
		at = strchr(at + 1, ' ');
		value = at ? strtol(at, NULL, 10) : 0;
	}
	say("%s: %ld", what, value);
}

static volatile int first_word, second_word;

/* Has the second word, if @arg says so, and waits for the first; or waits for the second. */
static void *wait_with_priority(void *arg)
{
	bool middle = arg != NULL;
	struct sched_param param = {.sched_priority = middle ? 5 : 20};
	int self = (int)sc0(gettid);

	R(sc(sched_setscheduler, 0, SCHED_FIFO, &param));
	if (middle)
		second_word = self;
	tids[middle] = self;
	if (!middle) {
		long got = futex_(&second_word, FUTEX_LOCK_PI, 0, NULL, NULL, 0);

		return (void *)(got + futex_(&second_word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	}
	R(futex_(&second_word, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	R(futex_(&first_word, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	show_priority("middle, has both", self);
	R(futex_(&first_word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	show_priority("middle, has the second", self);
	R(futex_(&second_word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	show_priority("middle, has none", self);
	return NULL;
}

CASE(priorities_lent_to_owners)
{
	int self = (int)sc0(gettid);
	pthread_t middle, high;
	struct timespec moment = {0, 1};
	void *result;

	first_word = self;
	tids[0] = tids[1] = 0;
	show_priority("owner", self);
	middle = start(wait_with_priority, (void *)1);
	while (!tids[1])
		pause_ms(1);
	thread_blocked(&tids[1]);
	show_priority("owner, middle waits", self);
	R(futex_(&second_word, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	high = start(wait_with_priority, NULL);
	while (!tids[0])
		pause_ms(1);
	thread_blocked(&tids[0]);
	show_priority("owner, high waits for middle", self);
	show_priority("middle, high waits", tids[1]);
	R(futex_(&second_word, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0));
	R(futex_(&second_word, FUTEX_LOCK_PI, 0, &moment, NULL, 0));
	R(sc(sched_getscheduler, 0));
	long unlocked = futex_(&first_word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
	pthread_join(middle, NULL);
	V(unlocked);
	pthread_join(high, &result);
	V((long)result);
	show_priority("owner, nobody waits", self);
}

static char raw_stack[65536] __attribute__((aligned(16)));
static int parent_tid, child_tid;

static int raw_thread(void *arg)
{
	(void)arg;
	set(&ready, 1);
	return 0;
}

CASE(raw_clone)
{
	int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
		    CLONE_SYSVSEM | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
	struct timespec second = {1, 0};
	long tid;

	child_tid = 12345;
	/* A thread without thread-local storage of its own may do next to nothing. */
	tid = raw_clone(
		raw_thread, raw_stack + sizeof(raw_stack), flags, NULL, &parent_tid, &child_tid);
	T(tid > 0);
	T(parent_tid == tid);
	while (__atomic_load_n(&child_tid, __ATOMIC_ACQUIRE))
		futex_(&child_tid, FUTEX_WAIT, 12345, &second, NULL, 0);
	V(ready);
	V(child_tid);
	R(waitpid(-1, NULL, __WALL));
	R(sc(tgkill, getpid(), tid, 0));
}

static volatile int handled_by;

static void which(int number, siginfo_t *info, void *context)
{
	handled_by = (int)sc0(gettid);
	on_signal(number, info, context);
}

static void *wait_for_done(void *arg)
{
	tids[(long)arg] = (int)sc0(gettid);
	while (!__atomic_load_n(&done, __ATOMIC_ACQUIRE))
		pause_ms(5);
	return NULL;
}

CASE(signals_to_threads)
{
	struct sigaction action = {.sa_sigaction = which, .sa_flags = SA_SIGINFO | SA_RESTART};
	pthread_t thread;
	sigset_t set_;

	sigaction(SIGUSR1, &action, NULL);
	done = 0;
	thread = start(wait_for_done, NULL);
	while (!tids[0])
		pause_ms(1);
	R(sc(tgkill, getpid(), tids[0], SIGUSR1));
	spin_until(&caught, 1);
	T(handled_by == tids[0]);
	V(caught_code);
	R(sc(tkill, tids[0], SIGUSR1));
	spin_until(&caught, 2);
	R(kill(getpid(), SIGUSR1));
	V(caught);
	T(handled_by == getpid());
	block_signal(SIGUSR1);
	R(kill(getpid(), SIGUSR1));
	spin_until(&caught, 4);
	T(handled_by == tids[0]);
	R(sc(tkill, getpid(), SIGUSR1));
	pause_ms(30);
	V(caught);
	sigpending(&set_);
	V(sigismember(&set_, SIGUSR1));
	unblock_signal(SIGUSR1);
	V(caught);
	T(handled_by == getpid());
	set(&done, 1);
	pthread_join(thread, NULL);
}

static void *exit_all(void *arg)
{
	_exit((int)(long)arg);
}

static void *exit_one(void *arg)
{
	syscall(SYS_exit, (int)(long)arg);
	return NULL;
}

static void *crash(void *arg)
{
	*(volatile int *)arg = 1;
	return NULL;
}

static void *exec_now(void *arg)
{
	(void)arg;
	execl(self_path(), "x", "--helper", "threads", NULL);
	_exit(1);
}

static void *kill_self(void *arg)
{
	raise((int)(long)arg);
	return NULL;
}

CASE(ends_of_threads)
{
	IN_CHILD
	{
		start(exit_all, (void *)21);
		for (;;)
			pause();
	}
	IN_CHILD
	{
		done = 0;
		start(wait_for_done, NULL);
		start(crash, NULL);
		for (;;)
			pause();
	}
	IN_CHILD
	{
		start(kill_self, (void *)SIGTERM);
		for (;;)
			pause();
	}
	IN_CHILD
	{
		start(exec_now, NULL);
		start(wait_for_done, NULL);
		for (;;)
			pause();
	}
	IN_CHILD
	{
		start(wait_for_done, NULL);
		exec_now(NULL);
	}
	pid_t pid = abi_fork();
	if (!pid) {
		pthread_t thread = start(wait_for_done, NULL);

		(void)thread;
		while (!tids[0])
			pause_ms(1);
		exit_one((void *)9);
	}
	wait_state(pid, "Z");
	R(waitpid(pid, NULL, WNOHANG));
	R(kill(pid, 0));
	R(kill(pid, SIGKILL));
	abi_reap("leader gone", pid);
	pid = abi_fork();
	if (!pid) {
		start(exit_one, (void *)3);
		pause_ms(50);
		syscall(SYS_exit, 4);
	}
	abi_reap("exit of the last", pid);
}

static void *stop_and_note(void *arg)
{
	while (word >= 0) {
		__atomic_fetch_add(&word, 1, __ATOMIC_SEQ_CST);
		pause_ms(1);
	}
	return arg;
}

CASE(stopping_all_threads)
{
	int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status, before;
	pid_t pid = abi_fork();

	if (!pid) {
		start(stop_and_note, NULL);
		for (;;)
			*(volatile int *)shared = word, pause_ms(1);
	}
	spin_until(shared, 0);
	while (*(volatile int *)shared < 3)
		pause_ms(1);
	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
	show_status("child", status);
	pause_ms(30);
	before = *(volatile int *)shared;
	pause_ms(100);
	T(before == *(volatile int *)shared);
	kill(pid, SIGCONT);
	while (*(volatile int *)shared < before + 3)
		pause_ms(1);
	kill(pid, SIGKILL);
	abi_reap("child", pid);
}

static void *fork_here(void *arg)
{
	(void)arg;
	IN_CHILD
	{
		T(getpid() == sc0(gettid));
		T(getppid() > 1);
		int status;
		R(waitpid(-1, &status, WNOHANG));
	}
	if (!abi_fork())
		_exit(5);
	return NULL;
}

CASE(forking_from_a_thread)
{
	int status;

	pthread_join(start(fork_here, NULL), NULL);
	R(wait(&status) > 0);
	show_status("a thread's child", status);
	if (!abi_fork())
		_exit(6);
	R(waitpid(-1, &status, __WNOTHREAD) > 0);
	show_status("own child", status);
}

static void *change_things(void *arg)
{
	(void)arg;
	chdir("/");
	umask(0777);
	close(3);
	prctl(PR_SET_NAME, "thread", 0, 0, 0);
	sc(setresuid, -1, 1000, -1);
	block_signal(SIGUSR1);
	ignore_signal(SIGUSR2);
	return NULL;
}

CASE(shared_and_own)
{
	char cwd[PATH_MAX], name[16];
	sigset_t mask;
	struct sigaction action;

	R(dup(0));
	prctl(PR_SET_NAME, "main", 0, 0, 0);
	pthread_join(start(change_things, NULL), NULL);
	getcwd(cwd, sizeof(cwd));
	say("cwd %s", cwd);
	OCT(umask(0));
	R(fcntl(3, F_GETFD));
	prctl(PR_GET_NAME, name, 0, 0, 0);
	say("name %s", name);
	V(geteuid());
	sigprocmask(SIG_BLOCK, NULL, &mask);
	V(sigismember(&mask, SIGUSR1));
	sigaction(SIGUSR2, NULL, &action);
	T(action.sa_handler == SIG_IGN);
}

static sem_t semaphore;

static void *post_later(void *arg)
{
	(void)arg;
	pause_ms(30);
	sem_post(&semaphore);
	return NULL;
}

CASE(semaphores_and_timeouts)
{
	struct timespec until;
	pthread_t thread;

	sem_init(&semaphore, 0, 0);
	R(sem_trywait(&semaphore));
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += 50000000;
	if (until.tv_nsec >= 1000000000)
		until.tv_sec++, until.tv_nsec -= 1000000000;
	R(sem_timedwait(&semaphore, &until));
	thread = start(post_later, NULL);
	R(sem_wait(&semaphore));
	pthread_join(thread, NULL);
	pthread_mutex_lock(&mutex);
	say("%s", errno_name(pthread_cond_timedwait(&condition, &mutex, &until)));
	say("%s", errno_name(pthread_mutex_timedlock(&mutex, &until)));
}

static void *cancelled(void *arg)
{
	(void)arg;
	tids[0] = (int)sc0(gettid);
	for (;;)
		pause();
	return NULL;
}

CASE(cancelling)
{
	void *value;
	pthread_t thread;

	tids[0] = 0;
	thread = start(cancelled, NULL);
	thread_blocked(&tids[0]);
	R(pthread_cancel(thread));
	R(pthread_join(thread, &value));
	T(value == PTHREAD_CANCELED);
}

static void *nothing(void *arg)
{
	return arg;
}

CASE(many_short_lives)
{
	int failed = 0;

	for (int i = 0; i < 500; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, nothing, NULL))
			failed++;
		else
			pthread_join(thread, NULL);
	}
	V(failed);
}

CASE(barriers)
{
	R(sc(membarrier, 0, 0, 0) > 0);
	R(sc(membarrier, 1, 0, 0));
	R(sc(membarrier, 8, 0, 0));
	R(sc(membarrier, 16, 0, 0));
	R(sc(membarrier, 8, 0, 0));
	R(sc(membarrier, 0, 1, 0));
	R(sc(membarrier, 1 << 30, 0, 0));
}

int abi_helper(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	T(getpid() == sc0(gettid));
	return 12;
}
