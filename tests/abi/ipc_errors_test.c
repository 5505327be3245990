/*
 * ipc_errors_test.c - what the calls on System V shared memory, semaphores and messages refuse, and
 * how those end that wait. No case prints an identifier, an address or a key.
 */
#include "abi.h"

#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#define SLOT(id) ((id)&0x7fff) /* where in its table an object is */
#define TRIES    20000

static struct {
	long type;
	char text[64];
} message = {1, "text"};

static key_t own_key(int number)
{
	return 0x7b000000 | getpid() << 3 | number;
}

static int new_queue(void)
{
	return msgget(IPC_PRIVATE, 0600);
}

static int new_set(void)
{
	return semget(IPC_PRIVATE, 2, 0600);
}

static int new_segment(void)
{
	return shmget(IPC_PRIVATE, 4096, 0600);
}

static void remove_queue(int id)
{
	msgctl(id, IPC_RMID, NULL);
}

static void remove_set(int id)
{
	semctl(id, 0, IPC_RMID);
}

static void remove_segment(int id)
{
	shmctl(id, IPC_RMID, NULL);
}

/* Makes and removes until the slot of the removed @old is another's; gives that one's id. */
static int reuse(int old, int (*make_one)(void), void (*remove_one)(int))
{
	for (int i = 0; i < TRIES; i++) {
		int id = make_one();

		if (id != old && SLOT(id) == SLOT(old))
			return id;
		remove_one(id);
	}
	say("the slot was not used again");
	return -1;
}

/* Runs in a child that is ready to sleep in a call; the parent does something when it does. */
static pid_t start(void (*sleep_in)(int id), int id)
{
	pid_t pid = abi_fork();

	if (!pid) {
		sleep_in(id);
		_exit(0);
	}
	wait_blocked(pid);
	return pid;
}

/* ---- messages ---- */

static void receive(int id)
{
	R(sc(msgrcv, id, &message, 8, 77, 0));
}

static void receive_interrupted(int id)
{
	catch_signal(SIGUSR1, SA_RESTART);
	R(sc(msgrcv, id, &message, 8, 77, 0));
}

static void send_message(int id)
{
	R(sc(msgsnd, id, &message, 60, 0));
}

static void send_interrupted(int id)
{
	catch_signal(SIGUSR1, SA_RESTART);
	R(sc(msgsnd, id, &message, 60, 0));
}

static void limit_queue(int id, int bytes)
{
	struct msqid_ds ds;

	msgctl(id, IPC_STAT, &ds);
	ds.msg_qbytes = (unsigned)bytes;
	R(msgctl(id, IPC_SET, &ds));
}

CASE(messages)
{
	int id = new_queue(), other, old;
	struct msqid_ds ds;

	limit_queue(id, 64);
	R(sc(msgsnd, id, &message, 60, IPC_NOWAIT));
	R(sc(msgsnd, id, &message, 60, IPC_NOWAIT));
	R(sc(msgsnd, id, &message, 4, IPC_NOWAIT));
	R(sc(msgsnd, id, &message, 65, IPC_NOWAIT));
	R(sc(msgsnd, id, &message, 1 << 20, IPC_NOWAIT));
	R(sc(msgsnd, id, &message, -1, IPC_NOWAIT));
	R(sc(msgsnd, id, BAD_PTR, 4, IPC_NOWAIT));
	R(sc(msgsnd, -1, &message, 4, 0));
	message.type = 0;
	R(sc(msgsnd, id, &message, 4, IPC_NOWAIT));
	message.type = -1;
	R(sc(msgsnd, id, &message, 4, IPC_NOWAIT));
	message.type = 1;
	R(sc(msgrcv, id, &message, 4, 0, 0));
	R(sc(msgrcv, id, &message, -1, 0, 0));
	R(sc(msgrcv, -1, &message, 4, 0, 0));
	R(sc(msgrcv, id, &message, 4, 2, IPC_NOWAIT));
	R(sc(msgrcv, id, &message, 4, 0, 040000));
	R(sc(msgrcv, id, &message, 4, 0, 040000 | 020000 | IPC_NOWAIT));
	R(sc(msgrcv, id, BAD_PTR, 64, 0, 0));
	R(sc(msgrcv, id, &message, 64, 0, IPC_NOWAIT));
	R(sc(msgctl, id, 99, &ds));
	R(sc(msgctl, id, -1, &ds));
	R(sc(msgctl, id, IPC_STAT, BAD_PTR));
	R(sc(msgctl, id, IPC_SET, BAD_PTR));
	R(sc(msgctl, -1, IPC_STAT, &ds));
	old = id;
	remove_queue(id);
	R(sc(msgsnd, old, &message, 4, IPC_NOWAIT));
	other = reuse(old, new_queue, remove_queue);
	R(sc(msgsnd, old, &message, 4, IPC_NOWAIT));
	R(sc(msgrcv, old, &message, 4, 0, IPC_NOWAIT));
	R(sc(msgctl, old, IPC_STAT, &ds));
	R(sc(msgctl, old, IPC_SET, &ds));
	R(sc(msgctl, old, IPC_RMID, NULL));
	remove_queue(other);
}

CASE(waiting_for_messages)
{
	int id = new_queue();
	pid_t pid = start(receive, id);

	remove_queue(id);
	abi_reap("receiver", pid);
	id = new_queue();
	limit_queue(id, 64);
	sc(msgsnd, id, &message, 60, 0);
	pid = start(send_message, id);
	remove_queue(id);
	abi_reap("sender", pid);
	id = new_queue();
	limit_queue(id, 64);
	sc(msgsnd, id, &message, 60, 0);
	pid = start(send_interrupted, id);
	kill(pid, SIGUSR1);
	abi_reap("sender", pid);
	pid = start(receive_interrupted, id);
	kill(pid, SIGUSR1);
	abi_reap("receiver", pid);
	remove_queue(id);
}

/* ---- semaphores ---- */

static void wait_for_semaphore(int id)
{
	struct sembuf down = {0, -1, 0};

	R(sc(semop, id, &down, 1));
}

static void wait_timed(int id)
{
	struct sembuf down = {1, -1, 0};
	struct timespec hour = {3600, 0};

	R(sc(semtimedop, id, &down, 1, &hour));
}

static void wait_interrupted(int id)
{
	catch_signal(SIGUSR1, SA_RESTART);
	wait_for_semaphore(id);
}

static void wait_timed_interrupted(int id)
{
	catch_signal(SIGUSR1, SA_RESTART);
	wait_timed(id);
}

CASE(semaphores)
{
	struct sembuf up = {0, 1, 0}, down = {0, -1, IPC_NOWAIT}, far = {2, 1, 0},
		      zero = {0, 0, IPC_NOWAIT};
	struct sembuf high = {0, 32767, 0}, many[501] = {0}, undo = {0, 20000, SEM_UNDO};
	struct timespec bad = {0, 1000000000}, negative = {-1, 0}, none = {0, 0};
	int id = new_set(), other;

	R(sc(semop, id, &up, 0));
	R(sc(semop, id, many, 501));
	R(sc(semop, id, BAD_PTR, 1));
	R(sc(semop, id, &far, 1));
	R(sc(semop, -1, &up, 1));
	R(sc(semop, id, &down, 1));
	R(sc(semop, id, &high, 1));
	R(sc(semop, id, &up, 1));
	R(sc(semop, id, &zero, 1));
	R(sc(semctl, id, 0, SETVAL, 0));
	R(sc(semop, id, &undo, 1));
	R(sc(semctl, id, 0, SETVAL, 32768));
	R(sc(semctl, id, 0, SETVAL, -1));
	R(sc(semctl, id, 2, GETVAL, 0));
	R(sc(semctl, id, -1, GETVAL, 0));
	R(sc(semctl, id, 0, 99, 0));
	R(sc(semctl, id, 0, IPC_STAT, BAD_PTR));
	R(sc(semctl, id, 0, SETALL, BAD_PTR));
	R(sc(semctl, id, 0, GETALL, BAD_PTR));
	R(sc(semctl, -1, 0, GETVAL, 0));
	R(sc(semtimedop, id, many, 501, NULL));
	R(sc(semtimedop, id, &far, 1, NULL));
	R(sc(semtimedop, id, &up, 1, BAD_PTR));
	R(sc(semtimedop, id, &down, 1, &bad));
	R(sc(semtimedop, id, &down, 1, &negative));
	R(sc(semctl, id, 0, SETVAL, 0));
	down.sem_flg = 0;
	R(sc(semtimedop, id, &down, 1, &none));
	R(sc(semctl, id, 0, SETVAL, 32767));
	R(sc(semtimedop, id, &up, 1, &none));
	R(sc(semget, own_key(0), 0, IPC_CREAT | 0600));
	R(sc(semget, own_key(0), -1, IPC_CREAT | 0600));
	R(sc(semget, own_key(0), 1 << 30, IPC_CREAT | 0600));
	R(sc(semget, own_key(0), 1, 0600));
	remove_set(id);
	R(sc(semop, id, &up, 1));
	other = reuse(id, new_set, remove_set);
	R(sc(semop, id, &up, 1));
	R(sc(semtimedop, id, &up, 1, &none));
	R(sc(semctl, id, 0, GETVAL, 0));
	R(sc(semctl, id, 0, IPC_RMID, 0));
	R(sc(semctl, id, 0, SETVAL, 1));
	remove_set(other);
}

CASE(waiting_for_semaphores)
{
	int id = new_set();
	pid_t pid = start(wait_for_semaphore, id);

	remove_set(id);
	abi_reap("waiter", pid);
	id = new_set();
	pid = start(wait_timed, id);
	remove_set(id);
	abi_reap("waiter", pid);
	id = new_set();
	pid = start(wait_interrupted, id);
	kill(pid, SIGUSR1);
	abi_reap("waiter", pid);
	pid = start(wait_timed_interrupted, id);
	kill(pid, SIGUSR1);
	abi_reap("waiter", pid);
	remove_set(id);
}

/* ---- shared memory ---- */

CASE(segments)
{
	struct shmid_ds ds;
	int id = new_segment(), other;

	R((long)sc(shmat, -1, NULL, 0));
	R((long)sc(shmat, id, 1, 0));
	R((long)sc(shmat, id, KERNEL_PTR, 0));
	R((long)sc(shmat, id, NULL, SHM_REMAP));
	R(sc(shmdt, NULL));
	R(sc(shmdt, BAD_PTR));
	R(sc(shmdt, KERNEL_PTR));
	R(sc(shmctl, id, 99, &ds));
	R(sc(shmctl, id, -1, &ds));
	R(sc(shmctl, id, IPC_STAT, BAD_PTR));
	R(sc(shmctl, id, IPC_SET, BAD_PTR));
	R(sc(shmctl, -1, IPC_STAT, &ds));
	R(sc(shmget, own_key(1), 4096, 0600));
	R(sc(shmget, own_key(1), 0, IPC_CREAT | 0600));
	R(sc(shmget, own_key(1), -1, IPC_CREAT | 0600));
	remove_segment(id);
	R((long)sc(shmat, id, NULL, 0));
	other = reuse(id, new_segment, remove_segment);
	R((long)sc(shmat, id, NULL, 0));
	R(sc(shmctl, id, IPC_STAT, &ds));
	R(sc(shmctl, id, IPC_SET, &ds));
	R(sc(shmctl, id, IPC_RMID, NULL));
	R(sc(shmctl, id, SHM_LOCK, NULL));
	remove_segment(other);
}

/* ---- what the mode forbids ---- */

CASE(permissions)
{
	struct sembuf up = {0, 1, 0}, zero = {0, 0, IPC_NOWAIT};
	struct timespec none = {0, 0};
	struct msqid_ds queue_ds;
	struct shmid_ds segment_ds;
	struct semid_ds set_ds;
	key_t keys[3] = {own_key(2), own_key(3), own_key(4)};
	int queue = msgget(keys[0], IPC_CREAT | 0644), set = semget(keys[1], 1, IPC_CREAT | 0644);
	int segment = shmget(keys[2], 4096, IPC_CREAT | 0644);

	IN_CHILD
	{
		drop_to(1000, 1000);
		T(sc(msgget, keys[0], 0) == queue);
		T(sc(msgget, keys[0], 0444) == queue);
		R(sc(msgget, keys[0], 0666));
		R(sc(msgget, keys[0], IPC_CREAT | IPC_EXCL | 0666));
		R(sc(msgsnd, queue, &message, 4, IPC_NOWAIT));
		R(sc(msgrcv, queue, &message, 4, 0, IPC_NOWAIT));
		R(sc(msgctl, queue, IPC_STAT, &queue_ds));
		R(sc(msgctl, queue, IPC_SET, &queue_ds));
		R(sc(msgctl, queue, IPC_RMID, NULL));
		R(sc(semget, keys[1], 1, 0666));
		R(sc(semget, keys[1], 2, 0444));
		R(sc(semop, set, &up, 1));
		R(sc(semop, set, &zero, 1));
		R(sc(semtimedop, set, &up, 1, &none));
		R(sc(semctl, set, 0, GETVAL, 0));
		R(sc(semctl, set, 0, SETVAL, 1));
		R(sc(semctl, set, 0, IPC_STAT, &set_ds));
		R(sc(semctl, set, 0, IPC_SET, &set_ds));
		R(sc(semctl, set, 0, IPC_RMID, 0));
		R(sc(shmget, keys[2], 4096, 0666));
		R(sc(shmget, keys[2], 4097, 0444));
		R((long)sc(shmat, segment, NULL, 0));
		T((long)sc(shmat, segment, NULL, SHM_RDONLY) > 0);
		R(sc(shmctl, segment, IPC_STAT, &segment_ds));
		R(sc(shmctl, segment, IPC_SET, &segment_ds));
		R(sc(shmctl, segment, IPC_RMID, NULL));
	}
	remove_queue(queue);
	remove_set(set);
	remove_segment(segment);
}
