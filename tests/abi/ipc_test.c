/*
 * ipc_test.c - System V shared memory, semaphores and messages. No case prints an identifier or a
 * key: the host has others.
 */
#include "abi.h"

#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <time.h>

/* R(), but a success that is an identifier or an address prints as `ok`. */
#define I(call) (last = (long)(call), abi_ok(#call, last))

static long last;

/* A key that nobody else uses. */
static key_t own_key(void)
{
	return 0x7a000000 | getpid();
}

static void show_perm(const char *what, const struct ipc_perm *p)
{
	say("%s: uid %u gid %u cuid %u cgid %u mode %o", what, p->uid, p->gid, p->cuid, p->cgid,
		(unsigned)p->mode);
}

/* ---- shared memory ---- */

CASE(segments)
{
	key_t key = own_key();
	struct shmid_ds ds;
	char *a, *b;

	R(sc(shmget, key, 4096, 0600));
	int id = (int)I(sc(shmget, key, 5000, IPC_CREAT | 0640));
	R(sc(shmget, key, 5000, IPC_CREAT | IPC_EXCL | 0640));
	T(sc(shmget, key, 0, 0) == id);
	T(sc(shmget, key, 5000, 0600) == id);
	R(sc(shmget, key, 5001, 0600));
	R(sc(shmget, IPC_PRIVATE, 0, 0600));
	R(sc(shmget, IPC_PRIVATE, -1, 0600));
	R(sc(shmget, key + (1 << 22), 10, 0600));
	R(shmctl(id, IPC_STAT, &ds));
	show_perm("segment", &ds.shm_perm);
	V(ds.shm_segsz);
	V(ds.shm_nattch);
	T(ds.shm_cpid == getpid() && ds.shm_lpid == 0);
	T(ds.shm_atime == 0 && ds.shm_dtime == 0 && labs(ds.shm_ctime - time(NULL)) < 3);
	T(ds.shm_perm.__key == key);
	a = shmat(id, NULL, 0);
	b = shmat(id, NULL, SHM_RDONLY);
	T(a != b && a != (void *)-1 && b != (void *)-1);
	strcpy(a + 4090, "crosses");
	show_bytes("read", b + 4090, 8);
	fault("write to the read-only one", poke, b);
	fault("behind the size", poke, a + 5000);
	R(mprotect(b, 4096, PROT_READ | PROT_WRITE));
	IN_CHILD
	{
		R(shmctl(id, IPC_STAT, &ds));
		V(ds.shm_nattch);
		a[0] = 'c';
		R(shmdt(a));
		fault("detached", peek, a);
	}
	V(b[0]);
	R(shmctl(id, IPC_STAT, &ds));
	V(ds.shm_nattch);
	T(ds.shm_lpid != 0 && ds.shm_lpid != getpid());
	R(shmdt(a + 4096));
	R(shmdt(a + 1));
	R(shmdt(a));
	R(shmdt(a));
	R(shmctl(id, IPC_RMID, NULL));
	R(sc(shmget, key, 0, 0));
	R(shmctl(id, IPC_STAT, &ds));
	OCT(ds.shm_perm.mode);
	T(ds.shm_perm.__key == IPC_PRIVATE);
	a = shmat(id, NULL, 0);
	T(a != (void *)-1);
	V(a[0]);
	R(shmdt(b));
	R(shmctl(id, IPC_RMID, NULL));
	R(shmdt(a));
	R(shmctl(id, IPC_STAT, &ds));
	R(shmctl(id, IPC_RMID, NULL));
	I(shmat(id, NULL, 0));
}

CASE(attaching)
{
	int id = shmget(IPC_PRIVATE, 8192, 0600);
	char *m = mmap(NULL, 65536, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct shmid_ds ds;

	I(sc(shmat, id, m, 0));
	I(sc(shmat, id, m + 5, 0));
	I(sc(shmat, id, NULL, SHM_REMAP));
	I(sc(shmat, id, 5, SHM_REMAP | SHM_RND));
	T(sc(shmat, id, m + 4096, SHM_REMAP) == (long)(m + 4096));
	m[4096] = 'x';
	fault("what was there before", poke, m);
	munmap(m + 16384, 8192);
	T(sc(shmat, id, m + 16384 + 100, SHM_RND) == (long)(m + 16384));
	V(m[16384]);
	R(munmap(m + 16384, 4096));
	R(shmctl(id, IPC_STAT, &ds));
	V(ds.shm_nattch);
	R(shmdt(m + 16384));
	R(shmctl(id, IPC_STAT, &ds));
	V(ds.shm_nattch);
	R(mprotect(m + 4096, 4096, PROT_READ));
	R(shmctl(id, IPC_STAT, &ds));
	V(ds.shm_nattch);
	R(shmdt(m + 4096));
	R(shmctl(id, IPC_STAT, &ds));
	V(ds.shm_nattch);
	I(sc(shmat, -1, NULL, 0));
	I(sc(shmat, id + 1, NULL, 0));
	char *run = shmat(id, NULL, SHM_EXEC);
	I(run);
	run[0] = (char)0xc3;
	fault("run", call, run);
	char *not_run = shmat(id, NULL, 0);
	fault("not run", call, not_run);
	R(shmctl(id, IPC_RMID, NULL));
}

CASE(segment_commands)
{
	int id = shmget(IPC_PRIVATE, 4096, 0600);
	struct shmid_ds ds;
	struct shminfo info;
	struct shm_info used;
	struct rlimit none = {0, 0};

	R(shmctl(id, IPC_SET, BAD_PTR));
	R(shmctl(id, IPC_STAT, BAD_PTR));
	R(sc(shmctl, id, 77, &ds));
	R(sc(shmctl, id, -1, &ds));
	R(sc(shmctl, -1, IPC_STAT, &ds));
	R(shmctl(id + 1, IPC_STAT, &ds));
	R(shmctl(id + 1, IPC_RMID, NULL));
	R(shmctl(id + 1, SHM_LOCK, NULL));
	shmctl(id, IPC_STAT, &ds);
	ds.shm_perm.uid = 1000;
	ds.shm_perm.gid = 2000;
	ds.shm_perm.mode = 07777;
	R(shmctl(id, IPC_SET, &ds));
	shmctl(id, IPC_STAT, &ds);
	show_perm("set", &ds.shm_perm);
	R(shmctl(id, SHM_LOCK, NULL));
	shmctl(id, IPC_STAT, &ds);
	OCT(ds.shm_perm.mode);
	R(shmctl(id, SHM_UNLOCK, NULL));
	shmctl(id, IPC_STAT, &ds);
	OCT(ds.shm_perm.mode);
	T(sc(shmctl, 0, IPC_INFO, &info) >= 0);
	V(info.shmmin);
	V(info.shmmni);
	T(sc(shmctl, 0, SHM_INFO, &used) >= 0);
	T(used.used_ids >= 1 && used.shm_tot >= 1);
	R(sc(shmctl, 0, IPC_INFO, BAD_PTR));
	R(sc(shmctl, 0, SHM_INFO, BAD_PTR));
	int found = 0;
	for (int i = 0, most = (int)sc(shmctl, 0, SHM_INFO, &used); i <= most; i++)
		found += sc(shmctl, i, 13, &ds) == id && sc(shmctl, i, 15, &ds) == id;
	V(found);
	R(sc(shmctl, 32767, 13, &ds));
	R(sc(shmctl, 40000, 15, &ds));
	IN_CHILD
	{
		setrlimit(RLIMIT_MEMLOCK, &none);
		drop_to(1000, 1000);
		R(shmctl(id, SHM_LOCK, NULL));
		R(shmctl(id, SHM_UNLOCK, NULL));
		R(shmctl(id, IPC_SET, &ds));
	}
	R(shmctl(id, IPC_RMID, NULL));
}

static void try_segment(int id, key_t key)
{
	struct shmid_ds ds;

	I(shmat(id, NULL, SHM_RDONLY));
	I(shmat(id, NULL, 0));
	I(shmat(id, NULL, SHM_RDONLY | SHM_EXEC));
	R(shmctl(id, IPC_STAT, &ds));
	I(sc(shmget, key, 0, 0));
	I(sc(shmget, key, 0, 0400));
	I(sc(shmget, key, 0, 0222));
	R(shmctl(id, SHM_LOCK, NULL));
	ds.shm_perm.mode = 0600;
	R(shmctl(id, IPC_SET, &ds));
	R(shmctl(id, IPC_RMID, NULL));
}

CASE(segment_permissions)
{
	static const unsigned modes[] = {0, 0400, 0640, 0604, 0666, 0777, 0002, 0020};

	for (unsigned i = 0; i < COUNT(modes); i++) {
		key_t key = own_key();
		int id = shmget(key, 4096, IPC_CREAT | (int)modes[i]);

		say("mode %o", modes[i]);
		IN_CHILD
		{
			drop_to(1000, 1000);
			try_segment(id, key);
		}
		IN_CHILD
		{
			setgid(1000);
			drop_to(1000, 0);
			try_segment(id, key);
		}
		R(shmctl(id, IPC_RMID, NULL));
	}
}

CASE(segments_and_processes)
{
	int id = shmget(IPC_PRIVATE, 4096, 0600);
	volatile int *m = shmat(id, NULL, 0);
	struct shmid_ds ds;
	int status;

	if (!abi_fork()) {
		m[0] = 5;
		execl("/proc/self/exe", "x", "--helper", "nothing", NULL);
		_exit(0);
	}
	wait(&status);
	V(m[0]);
	R(shmctl(id, IPC_STAT, &ds));
	V(ds.shm_nattch);
	IN_CHILD
	{
		shmctl(id, IPC_RMID, NULL);
	}
	V(m[0]);
	R(shmctl(id, IPC_STAT, &ds));
	IN_CHILD
	{
		T(m[0] == 5);
	}
	R(shmdt((void *)m));
	R(shmctl(id, IPC_STAT, &ds));
}

/* ---- semaphores ---- */

union semun {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
};

CASE(sets)
{
	key_t key = own_key();
	struct semid_ds ds;
	unsigned short values[5] = {9, 9, 9, 9, 9};
	union semun arg = {.buf = &ds};

	R(sc(semget, key, 3, 0600));
	R(sc(semget, key, 0, IPC_CREAT | 0600));
	R(sc(semget, key, -1, IPC_CREAT | 0600));
	R(sc(semget, key, 32001, IPC_CREAT | 0600));
	int id = (int)I(sc(semget, key, 3, IPC_CREAT | 0600));
	R(sc(semget, key, 3, IPC_CREAT | IPC_EXCL | 0600));
	T(sc(semget, key, 0, 0) == id);
	R(sc(semget, key, 4, 0600));
	R(semctl(id, 0, IPC_STAT, arg));
	V(ds.sem_nsems);
	show_perm("set", &ds.sem_perm);
	T(ds.sem_otime == 0 && labs(ds.sem_ctime - time(NULL)) < 3);
	arg.array = values;
	R(semctl(id, 0, GETALL, arg));
	say("%d %d %d %d", values[0], values[1], values[2], values[3]);
	values[0] = 1, values[1] = 32767, values[2] = 0;
	R(semctl(id, 0, SETALL, arg));
	R(semctl(id, 1, GETVAL));
	values[1] = 32768;
	R(semctl(id, 0, SETALL, arg));
	R(sc(semctl, id, 0, GETALL, BAD_PTR));
	R(sc(semctl, id, 0, SETALL, BAD_PTR));
	arg.val = 7;
	R(semctl(id, 2, SETVAL, arg));
	R(semctl(id, 2, GETVAL));
	T(semctl(id, 2, GETPID) == getpid());
	R(semctl(id, 2, GETNCNT));
	R(semctl(id, 2, GETZCNT));
	arg.val = -1;
	R(semctl(id, 2, SETVAL, arg));
	arg.val = 32768;
	R(semctl(id, 2, SETVAL, arg));
	arg.val = 1;
	R(semctl(id, 3, SETVAL, arg));
	R(semctl(id, -1, SETVAL, arg));
	R(semctl(id, 3, GETVAL));
	R(semctl(id, -1, GETPID));
	R(semctl(id, 0, 77));
	R(semctl(-1, 0, GETVAL));
	R(semctl(id + 1, 0, GETVAL));
	R(sc(semctl, id, 0, IPC_STAT, BAD_PTR));
	R(sc(semctl, id, 0, IPC_SET, BAD_PTR));
	R(sc(semctl, id, 0, 77, 0));
	struct seminfo info;
	T(sc(semctl, 0, 0, IPC_INFO, &info) >= 0);
	V(info.semvmx);
	T(sc(semctl, 0, 0, SEM_INFO, &info) >= 0);
	T(info.semusz >= 1 && info.semaem >= 3);
	R(sc(semctl, 0, 0, SEM_INFO, BAD_PTR));
	R(semctl(id, 0, IPC_RMID));
	R(semctl(id, 0, IPC_RMID));
	R(semctl(id, 0, GETVAL));
}

static long op(int id, int num, int by, int flags)
{
	struct sembuf b = {(unsigned short)num, (short)by, (short)flags};

	return sc(semop, id, &b, 1);
}

CASE(operations)
{
	int id = semget(IPC_PRIVATE, 3, 0600);
	struct sembuf two[2] = {{0, -1, IPC_NOWAIT}, {1, 1, 0}}, many[501] = {0};
	struct timespec ts = {0, 20000000}, bad = {0, -1};

	for (unsigned i = 0; i < COUNT(many); i++)
		many[i].sem_num = 2;
	R(op(id, 0, 3, 0));
	R(op(id, 0, -2, 0));
	R(semctl(id, 0, GETVAL));
	R(op(id, 0, -2, IPC_NOWAIT));
	R(op(id, 0, 0, IPC_NOWAIT));
	R(op(id, 1, 0, 0));
	R(sc(semop, id, two, 2));
	R(sc(semop, id, two, 2));
	R(semctl(id, 1, GETVAL));
	R(op(id, 3, 1, 0));
	R(op(id, 65535, 1, 0));
	R(op(id, 0, 32767, 0));
	R(op(id, 0, 1, 0));
	R(op(id, 2, -32768, IPC_NOWAIT));
	R(sc(semop, id, two, 0));
	R(sc(semop, id, many, 501));
	R(sc(semop, id, many, 500));
	R(sc(semop, id, BAD_PTR, 1));
	R(sc(semop, -1, two, 1));
	R(sc(semop, id + 1, two, 1));
	two[0] = (struct sembuf){2, -1, 0};
	R(sc(semtimedop, id, two, 1, &ts));
	R(sc(semtimedop, id, two, 1, &bad));
	R(sc(semtimedop, id, two, 1, BAD_PTR));
	two[0].sem_op = 5;
	R(sc(semtimedop, id, two, 1, &ts));
	/* The same semaphore twice in one call. */
	two[0] = (struct sembuf){2, -5, 0};
	two[1] = (struct sembuf){2, 0, IPC_NOWAIT};
	R(sc(semop, id, two, 2));
	two[0] = (struct sembuf){2, 1, 0};
	two[1] = (struct sembuf){2, 0, IPC_NOWAIT};
	R(sc(semop, id, two, 2));
	R(semctl(id, 2, GETVAL));
	R(semctl(id, 0, IPC_RMID));
}

CASE(waiting_for_semaphores)
{
	int id = semget(IPC_PRIVATE, 2, 0600), status;
	pid_t taker, zero, removed_pid;
	struct sembuf both[2] = {{0, -2, 0}, {1, -1, 0}};

	taker = abi_fork();
	if (!taker)
		_exit(sc(semop, id, both, 2) ? errno : 50);
	wait_blocked(taker);
	R(semctl(id, 0, GETNCNT));
	R(semctl(id, 1, GETNCNT));
	R(op(id, 0, 2, 0));
	wait_blocked(taker);
	R(semctl(id, 0, GETNCNT));
	R(semctl(id, 1, GETNCNT));
	R(semctl(id, 0, GETVAL));
	zero = abi_fork();
	if (!zero)
		_exit(op(id, 0, 0, 0) ? errno : 51);
	wait_blocked(zero);
	R(semctl(id, 0, GETZCNT));
	R(op(id, 1, 1, 0));
	abi_reap("taker", taker);
	abi_reap("waiter for zero", zero);
	R(semctl(id, 0, GETVAL));
	R(semctl(id, 1, GETVAL));
	T(semctl(id, 0, GETPID) == zero);
	T(semctl(id, 1, GETPID) == taker);
	/* Interrupted, whatever the handler says. */
	taker = abi_fork();
	if (!taker) {
		catch_signal(SIGUSR1, SA_RESTART);
		_exit(op(id, 0, -1, 0) ? errno : 0);
	}
	wait_blocked(taker);
	kill(taker, SIGUSR1);
	abi_reap("interrupted", taker);
	removed_pid = abi_fork();
	if (!removed_pid)
		_exit(op(id, 0, -1, 0) ? errno : 0);
	wait_blocked(removed_pid);
	R(semctl(id, 0, IPC_RMID));
	waitpid(removed_pid, &status, 0);
	say("removed meanwhile: %s", errno_name(WEXITSTATUS(status)));
}

CASE(adjustments)
{
	int id = semget(IPC_PRIVATE, 3, 0600);
	union semun arg = {.val = 10};

	semctl(id, 0, SETVAL, arg);
	IN_CHILD
	{
		R(op(id, 0, -3, SEM_UNDO));
		R(op(id, 0, -1, 0));
		R(op(id, 1, 4, SEM_UNDO));
		R(op(id, 1, 1, SEM_UNDO));
		IN_CHILD
		{
			R(op(id, 1, -2, 0));
		}
		R(semctl(id, 0, GETVAL));
		R(semctl(id, 1, GETVAL));
	}
	R(semctl(id, 0, GETVAL));
	R(semctl(id, 1, GETVAL));
	IN_CHILD
	{
		R(op(id, 2, 5, SEM_UNDO));
		arg.val = 1;
		R(semctl(id, 2, SETVAL, arg));
	}
	R(semctl(id, 2, GETVAL));
	IN_CHILD
	{
		R(op(id, 0, -1, SEM_UNDO));
		R(sc(unshare, 0x40000));
		R(semctl(id, 0, GETVAL));
		R(op(id, 0, -1, SEM_UNDO));
		R(op(id, 2, 32766, SEM_UNDO));
		R(op(id, 2, -32766, 0));
		R(op(id, 2, 32766, SEM_UNDO));
		R(op(id, 2, -1, 0));
	}
	R(semctl(id, 0, GETVAL));
	/* A process that waits gets what another one's end gives back. */
	struct gate ready;
	gate_init(&ready);
	semctl(id, 0, SETVAL, arg);
	pid_t holder = abi_fork();
	if (!holder) {
		op(id, 0, -1, SEM_UNDO);
		gate_open(&ready);
		pause();
	}
	gate_wait(&ready);
	pid_t waiter = abi_fork();
	if (!waiter)
		_exit(op(id, 0, -1, 0) ? errno : 60);
	wait_blocked(waiter);
	kill(holder, SIGKILL);
	abi_reap("holder", holder);
	abi_reap("waiter", waiter);
	pid_t left = abi_fork();
	if (!left) {
		op(id, 1, 1, SEM_UNDO);
		R(semctl(id, 0, IPC_RMID));
		_exit(0);
	}
	abi_reap("removed with an adjustment", left);
}

CASE(set_permissions)
{
	static const unsigned modes[] = {0, 0400, 0404, 0202, 0666};

	for (unsigned i = 0; i < COUNT(modes); i++) {
		int id = semget(IPC_PRIVATE, 1, (int)modes[i]);
		struct semid_ds ds;
		unsigned short value = 1;

		say("mode %o", modes[i]);
		IN_CHILD
		{
			drop_to(1000, 1000);
			R(op(id, 0, 1, IPC_NOWAIT));
			R(op(id, 0, 0, IPC_NOWAIT));
			R(sc(semctl, id, 0, GETVAL, 0));
			R(sc(semctl, id, 0, GETALL, &value));
			R(sc(semctl, id, 0, SETVAL, 1));
			R(sc(semctl, id, 0, SETALL, &value));
			R(sc(semctl, id, 0, GETNCNT, 0));
			R(sc(semctl, id, 0, IPC_STAT, &ds));
			R(sc(semctl, id, 0, IPC_SET, &ds));
			R(sc(semctl, id, 0, IPC_RMID, 0));
		}
		R(sc(semctl, id, 0, IPC_RMID, 0));
	}
}

/* ---- messages ---- */

struct text {
	long type;
	char text[64];
};

static long put_message(int id, long type, const char *text, int flags)
{
	struct text m = {.type = type};

	strcpy(m.text, text);
	return sc(msgsnd, id, &m, strlen(text), flags);
}

static void take(int id, const char *what, size_t size, long type, int flags)
{
	struct text m = {0};
	long n = sc(msgrcv, id, &m, size, type, flags);

	if (n < 0)
		say("msgrcv(%s) = -1 %s", what, errno_name(errno));
	else
		say("msgrcv(%s) = %ld type %ld %.*s", what, n, m.type, (int)n, m.text);
}

CASE(queues)
{
	key_t key = own_key();
	struct msqid_ds ds;

	R(sc(msgget, key, 0600));
	int id = (int)I(sc(msgget, key, IPC_CREAT | 0600));
	R(sc(msgget, key, IPC_CREAT | IPC_EXCL | 0600));
	T(sc(msgget, key, 0) == id);
	R(msgctl(id, IPC_STAT, &ds));
	show_perm("queue", &ds.msg_perm);
	V(ds.msg_qnum);
	V(ds.msg_cbytes);
	T(ds.msg_qbytes > 0 && ds.msg_stime == 0 && ds.msg_rtime == 0 && ds.msg_lspid == 0);
	R(put_message(id, 3, "three", 0));
	R(put_message(id, 1, "one", 0));
	R(put_message(id, 2, "two", 0));
	R(put_message(id, 1, "one again", 0));
	R(put_message(id, 9, "", 0));
	R(msgctl(id, IPC_STAT, &ds));
	V(ds.msg_qnum);
	V(ds.msg_cbytes);
	T(ds.msg_lspid == getpid() && ds.msg_stime != 0);
	take(id, "copy of the third", 64, 2, IPC_NOWAIT | 040000);
	take(id, "copy of none", 64, 77, IPC_NOWAIT | 040000);
	take(id, "copy, may wait", 64, 0, 040000);
	take(id, "copy, but not", 64, 0, IPC_NOWAIT | 040000 | MSG_EXCEPT);
	take(id, "type 2", 64, 2, 0);
	take(id, "too long", 4, 0, 0);
	take(id, "cut", 4, 0, MSG_NOERROR);
	take(id, "lowest up to 5", 64, -5, 0);
	take(id, "not 1", 64, 1, MSG_EXCEPT);
	take(id, "lowest", 64, LONG_MIN, 0);
	take(id, "none", 64, 0, IPC_NOWAIT);
	take(id, "none of that type", 64, 4, IPC_NOWAIT);
	R(put_message(id, 0, "x", 0));
	R(put_message(id, -1, "x", 0));
	R(put_message(id + 1, 1, "x", 0));
	R(put_message(-1, 1, "x", 0));
	R(sc(msgsnd, id, BAD_PTR, 1, 0));
	R(sc(msgsnd, id, &ds, -1, 0));
	R(sc(msgsnd, id, &ds, 100000, IPC_NOWAIT));
	R(sc(msgrcv, id, BAD_PTR, 1, 0, IPC_NOWAIT));
	R(sc(msgrcv, id, &ds, -1, 0, IPC_NOWAIT));
	R(sc(msgrcv, -1, &ds, 1, 0, IPC_NOWAIT));
	R(sc(msgrcv, id + 1, &ds, 1, 0, IPC_NOWAIT));
	R(put_message(id, 1, "lost", 0));
	R(sc(msgrcv, id, BAD_PTR, 10, 0, IPC_NOWAIT));
	take(id, "gone", 64, 0, IPC_NOWAIT);
	R(msgctl(id, IPC_STAT, BAD_PTR));
	R(msgctl(id, IPC_SET, BAD_PTR));
	R(sc(msgctl, id, 77, &ds));
	R(sc(msgctl, id, -1, &ds));
	R(sc(msgctl, -1, IPC_STAT, &ds));
	R(msgctl(id, IPC_RMID, NULL));
	R(msgctl(id, IPC_RMID, NULL));
	R(msgctl(id, IPC_STAT, &ds));
	R(put_message(id, 1, "x", 0));
}

CASE(waiting_for_messages)
{
	int id = msgget(IPC_PRIVATE, 0600), status;
	struct msqid_ds ds;
	pid_t pid = abi_fork();

	if (!pid) {
		take(id, "waited", 64, 7, 0);
		_exit(0);
	}
	wait_blocked(pid);
	R(put_message(id, 6, "other", 0));
	wait_blocked(pid);
	R(put_message(id, 7, "his", 0));
	abi_reap("receiver", pid);
	take(id, "left", 64, 0, 0);
	R(msgctl(id, IPC_STAT, &ds));
	ds.msg_qbytes = 10;
	R(msgctl(id, IPC_SET, &ds));
	R(put_message(id, 1, "eight ch", 0));
	R(put_message(id, 1, "four", IPC_NOWAIT));
	R(put_message(id, 1, "eleven chars", IPC_NOWAIT));
	R(put_message(id, 1, "tw", 0));
	pid = abi_fork();
	if (!pid)
		_exit(put_message(id, 2, "later", 0) ? errno : 70);
	wait_blocked(pid);
	take(id, "makes room", 64, 0, 0);
	abi_reap("sender", pid);
	pid = abi_fork();
	if (!pid) {
		catch_signal(SIGUSR1, SA_RESTART);
		_exit(put_message(id, 2, "much later", 0) ? errno : 71);
	}
	wait_blocked(pid);
	kill(pid, SIGUSR1);
	abi_reap("interrupted sender", pid);
	pid = abi_fork();
	if (!pid) {
		catch_signal(SIGUSR1, SA_RESTART);
		_exit(sc(msgrcv, id, &ds, 1, 99, 0) < 0 ? errno : 72);
	}
	wait_blocked(pid);
	kill(pid, SIGUSR1);
	abi_reap("interrupted receiver", pid);
	pid = abi_fork();
	if (!pid)
		_exit(sc(msgrcv, id, &ds, 1, 99, 0) < 0 ? errno : 73);
	wait_blocked(pid);
	R(msgctl(id, IPC_RMID, NULL));
	waitpid(pid, &status, 0);
	say("removed meanwhile: %s", errno_name(WEXITSTATUS(status)));
}

CASE(queue_permissions)
{
	static const unsigned modes[] = {0, 0404, 0202, 0666};

	for (unsigned i = 0; i < COUNT(modes); i++) {
		int id = msgget(IPC_PRIVATE, (int)modes[i]);
		struct msqid_ds ds, big;

		say("mode %o", modes[i]);
		put_message(id, 1, "there", 0);
		msgctl(id, IPC_STAT, &big);
		IN_CHILD
		{
			drop_to(1000, 1000);
			R(put_message(id, 1, "x", IPC_NOWAIT));
			take(id, "any", 64, 0, IPC_NOWAIT);
			R(msgctl(id, IPC_STAT, &ds));
			R(msgctl(id, IPC_SET, &big));
			R(msgctl(id, IPC_RMID, NULL));
		}
		big.msg_qbytes = 1 << 20;
		R(msgctl(id, IPC_SET, &big));
		R(msgctl(id, IPC_RMID, NULL));
	}
}
