/*
 * sys_ipc.c - System V IPC: shmget(2), shmat(2), shmctl(2), semget(2), semop(2), semctl(2),
 * msgget(2), msgsnd(2), msgrcv(2), msgctl(2).
 */
#include "abi/ipc.h"
#include "compat.h"
#include <ipc.h>
#include <vm.h>

static struct linux_ipc_perm perm_out(const struct ipc_perm *p)
{
	return (struct linux_ipc_perm){
		.key = p->key,
		.uid = p->uid,
		.gid = p->gid,
		.cuid = p->cuid,
		.cgid = p->cgid,
		.mode = p->mode,
		.seq = (uint16_t)p->seq,
	};
}

static struct ipc_set set_in(const struct linux_ipc_perm *p)
{
	return (struct ipc_set){.uid = p->uid, .gid = p->gid, .mode = p->mode};
}

/* Commands come as how to find the object: -1 for others. */
static int select_of(int cmd, int stat, int stat_any)
{
	return cmd == IPC_STAT   ? IPC_BY_ID
	       : cmd == stat     ? IPC_BY_INDEX
	       : cmd == stat_any ? IPC_BY_INDEX_UNCHECKED
				 : -1;
}

static long last_index(const struct ipc_usage *u)
{
	return u->last_index < 0 ? 0 : u->last_index;
}

/* ---- shared memory ---- */

long sys_shmget(int key, size_t size, int flags)
{
	if (flags & SHM_HUGETLB) {
		unsupported("SHM_HUGETLB", (uint64_t)flags);
		return -ENOMEM;
	}
	return shm_get(key, size, (unsigned)flags);
}

long sys_shmat(int id, unsigned long addr, int flags)
{
	struct shm_attach a = {
		.id = id,
		.addr = addr,
		.prot = VM_READ | (flags & SHM_RDONLY ? 0u : VM_WRITE) |
			(flags & SHM_EXEC ? VM_EXEC : 0u),
		.fixed = addr != 0,
		.replace = flags & SHM_REMAP,
	};
	vaddr_t at = 0;
	int err;

	if (id < 0 || (!addr && flags & SHM_REMAP))
		return -EINVAL;
	if (addr & ~PAGE_MASK) {
		if (!(flags & SHM_RND))
			return -EINVAL;
		a.addr = addr & PAGE_MASK;
		if (!a.addr && flags & SHM_REMAP)
			return -EINVAL;
	}
	a.low = a.fixed && a.addr < mmap_min_addr && capable(CAP_SYS_RAWIO);
	err = shm_attach(&a, &at);
	return err ? err : (long)at;
}

long sys_shmdt(unsigned long addr)
{
	return addr & ~PAGE_MASK ? -EINVAL : shm_detach(addr);
}

static long shm_stat_out(enum ipc_select how, int which, void __user *buf)
{
	struct linux_shmid out;
	struct shm_stat s;
	int err = shm_status(how, which, &s);

	if (err)
		return err;
	out = (struct linux_shmid){
		.perm = perm_out(&s.perm),
		.segsz = s.bytes,
		.atime = s.attach_time,
		.dtime = s.detach_time,
		.ctime = s.change_time,
		.cpid = s.creator,
		.lpid = s.last,
		.nattch = s.attachments,
	};
	if (copy_to_user(buf, &out, sizeof(out)))
		return -EFAULT;
	return how == IPC_BY_ID ? 0 : s.id;
}

static long shm_info(int cmd, void __user *buf)
{
	const struct linux_shminfo limits = {.shmmax = SHM_MAX_BYTES,
		.shmmin = 1,
		.shmmni = SHM_MAX_OBJECTS,
		.shmseg = SHM_MAX_OBJECTS,
		.shmall = SHM_MAX_PAGES};
	struct linux_shm_info used;
	struct ipc_usage u;
	struct shm_stat s;
	uint64_t resident = 0;
	int which;

	ipc_usage(IPC_SHM, &u);
	if (cmd == IPC_INFO)
		return copy_to_user(buf, &limits, sizeof(limits)) ? -EFAULT : last_index(&u);
	for (which = 0; shm_next(&which, &s); which++)
		resident += s.resident_pages;
	used = (struct linux_shm_info){
		.used_ids = (int32_t)u.objects, .shm_tot = u.pages, .shm_rss = resident};
	return copy_to_user(buf, &used, sizeof(used)) ? -EFAULT : last_index(&u);
}

long sys_shmctl(int id, int cmd, void __user *buf)
{
	int how = select_of(cmd, SHM_STAT, SHM_STAT_ANY);
	struct linux_shmid in;
	struct ipc_set set;

	if (cmd < 0 || id < 0)
		return -EINVAL;
	if (how >= 0)
		return shm_stat_out((enum ipc_select)how, id, buf);
	switch (cmd) {
	case IPC_INFO:
	case SHM_INFO:
		return shm_info(cmd, buf);
	case IPC_RMID:
		return ipc_remove(IPC_SHM, id);
	case IPC_SET:
		if (copy_from_user(&in, buf, sizeof(in)))
			return -EFAULT;
		set = set_in(&in.perm);
		return ipc_set(IPC_SHM, id, &set);
	case SHM_LOCK:
	case SHM_UNLOCK:
		return shm_lock(id, cmd == SHM_LOCK);
	default:
		return -EINVAL;
	}
}

/* ---- semaphores ---- */

long sys_semget(int key, int count, int flags)
{
	return sem_get(key, count, (unsigned)flags);
}

static_assert(sizeof(struct sem_op) == 6, "semop(2): struct sembuf");

long sys_semtimedop(int id, void __user *ops, unsigned n, void __user *timeout)
{
	struct sem_op fast[16], *copy = fast;
	uint64_t deadline = WAIT_NO_DEADLINE;
	int err = timeout ? user_deadline(timeout, &deadline) : 0;

	if (err)
		return err;
	if (!n || id < 0)
		return -EINVAL;
	if (n > SEM_MAX_OPS)
		return -E2BIG;
	if (n > ARRAY_SIZE(fast)) {
		copy = kmalloc(n * sizeof(*copy), GFP_KERNEL);
		if (!copy)
			return -ENOMEM;
	}
	err = copy_from_user(copy, ops, n * sizeof(*copy));
	if (!err)
		err = sem_operate(id, copy, n, deadline);
	if (copy != fast)
		kfree(copy);
	return err;
}

long sys_semop(int id, void __user *ops, unsigned n)
{
	return sys_semtimedop(id, ops, n, NULL);
}

static long sem_stat_out(enum ipc_select how, int which, void __user *buf)
{
	struct linux_semid out;
	struct sem_stat s;
	int err = sem_status(how, which, &s);

	if (err)
		return err;
	out = (struct linux_semid){
		.perm = perm_out(&s.perm),
		.otime = s.op_time,
		.ctime = s.change_time,
		.nsems = s.count,
	};
	if (copy_to_user(buf, &out, sizeof(out)))
		return -EFAULT;
	return how == IPC_BY_ID ? 0 : s.id;
}

static long sem_info(int cmd, void __user *buf)
{
	struct linux_seminfo info = {.semmni = SEM_MAX_SETS,
		.semmns = SEM_MAX_IN_ALL,
		.semmsl = SEM_MAX_PER_SET,
		.semopm = SEM_MAX_OPS,
		.semvmx = SEM_MAX_VALUE,
		.semmnu = SEM_MAX_IN_ALL,
		.semmap = SEM_MAX_IN_ALL,
		.semume = SEM_MAX_OPS,
		.semusz = 20,
		.semaem = SEM_MAX_VALUE};
	struct ipc_usage u;

	ipc_usage(IPC_SEM, &u);
	if (cmd == SEM_INFO) {
		info.semusz = (int32_t)u.objects;
		info.semaem = (int32_t)u.semaphores;
	}
	return copy_to_user(buf, &info, sizeof(info)) ? -EFAULT : last_index(&u);
}

/* GETALL and SETALL. */
static long sem_all(int id, bool set, uint16_t __user *user)
{
	uint16_t *values;
	unsigned n;
	int err = sem_count(id, &n);

	if (err)
		return err;
	values = kmalloc(n * sizeof(*values), GFP_KERNEL);
	if (!values)
		return -ENOMEM;
	if (set) {
		err = copy_from_user(values, user, n * sizeof(*values));
		if (!err)
			err = sem_set_all(id, values, n);
	} else {
		err = sem_get_all(id, values, n);
		if (!err)
			err = copy_to_user(user, values, n * sizeof(*values));
	}
	kfree(values);
	return err;
}

long sys_semctl(int id, int num, int cmd, unsigned long arg)
{
	static const enum sem_query queries[] = {[GETVAL] = SEM_VALUE,
		[GETPID] = SEM_PID,
		[GETNCNT] = SEM_WAITING_MORE,
		[GETZCNT] = SEM_WAITING_ZERO};
	int how = select_of(cmd, SEM_STAT, SEM_STAT_ANY);
	void __user *user = (void __user *)arg;
	struct linux_semid in;
	struct ipc_set set;

	if (id < 0)
		return -EINVAL;
	if (how >= 0)
		return sem_stat_out((enum ipc_select)how, id, user);
	switch (cmd) {
	case IPC_INFO:
	case SEM_INFO:
		return sem_info(cmd, user);
	case GETVAL:
	case GETPID:
	case GETNCNT:
	case GETZCNT:
		return sem_query(id, num, queries[cmd]);
	case GETALL:
	case SETALL:
		return sem_all(id, cmd == SETALL, user);
	case SETVAL:
		return sem_set_value(id, num, (int)arg);
	case IPC_RMID:
		return ipc_remove(IPC_SEM, id);
	case IPC_SET:
		if (copy_from_user(&in, user, sizeof(in)))
			return -EFAULT;
		set = set_in(&in.perm);
		return ipc_set(IPC_SEM, id, &set);
	default:
		return -EINVAL;
	}
}

/* ---- messages ---- */

long sys_msgget(int key, int flags)
{
	return msg_get(key, (unsigned)flags);
}

long sys_msgsnd(int id, void __user *msgp, size_t size, int flags)
{
	int64_t __user *type_at = msgp;
	struct message *m;
	int64_t type;
	int err;

	if (get_user(type, type_at))
		return -EFAULT;
	if (size > MSG_MAX_BYTES || id < 0 || type < 1)
		return -EINVAL;
	m = message_alloc(size);
	if (!m)
		return -ENOMEM;
	m->type = type;
	err = copy_from_user(m->text, type_at + 1, size);
	if (!err)
		err = msg_send(id, m, (unsigned)flags);
	if (err)
		message_free(m);
	return err;
}

long sys_msgrcv(int id, void __user *msgp, size_t size, long type, int flags)
{
	int64_t __user *type_at = msgp;
	struct message *m = NULL;
	long result;

	if (id < 0 || (ssize_t)size < 0)
		return -EINVAL;
	result = msg_receive(id, type, size, (unsigned)flags, &m);
	if (result)
		return result;
	result = (long)m->size;
	if (put_user(m->type, type_at) || copy_to_user(type_at + 1, m->text, m->size))
		result = -EFAULT;
	message_free(m);
	return result;
}

static long msg_stat_out(enum ipc_select how, int which, void __user *buf)
{
	struct linux_msqid out;
	struct msg_stat s;
	int err = msg_status(how, which, &s);

	if (err)
		return err;
	out = (struct linux_msqid){
		.perm = perm_out(&s.perm),
		.stime = s.send_time,
		.rtime = s.receive_time,
		.ctime = s.change_time,
		.cbytes = s.bytes,
		.qnum = s.messages,
		.qbytes = s.max_bytes,
		.lspid = s.last_sender,
		.lrpid = s.last_receiver,
	};
	if (copy_to_user(buf, &out, sizeof(out)))
		return -EFAULT;
	return how == IPC_BY_ID ? 0 : s.id;
}

static long msg_info(int cmd, void __user *buf)
{
	struct linux_msginfo info = {.msgpool = 32000 * 16384 / 1024,
		.msgmap = MSG_MAX_QUEUED,
		.msgmax = MSG_MAX_BYTES,
		.msgmnb = MSG_MAX_QUEUED,
		.msgmni = MSG_MAX_QUEUES,
		.msgssz = 16,
		.msgtql = MSG_MAX_QUEUED,
		.msgseg = 0xffff};
	struct ipc_usage u;
	struct msg_stat s;
	int which;

	ipc_usage(IPC_MSG, &u);
	if (cmd == MSG_INFO) {
		info.msgpool = (int32_t)u.objects;
		info.msgmap = info.msgtql = 0;
		for (which = 0; msg_next(&which, &s); which++) {
			info.msgmap += (int32_t)s.messages;
			info.msgtql += (int32_t)s.bytes;
		}
	}
	return copy_to_user(buf, &info, sizeof(info)) ? -EFAULT : last_index(&u);
}

long sys_msgctl(int id, int cmd, void __user *buf)
{
	int how = select_of(cmd, MSG_STAT, MSG_STAT_ANY);
	struct linux_msqid in;
	struct ipc_set set;

	if (cmd < 0 || id < 0)
		return -EINVAL;
	if (how >= 0)
		return msg_stat_out((enum ipc_select)how, id, buf);
	switch (cmd) {
	case IPC_INFO:
	case MSG_INFO:
		return msg_info(cmd, buf);
	case IPC_RMID:
		return ipc_remove(IPC_MSG, id);
	case IPC_SET:
		if (copy_from_user(&in, buf, sizeof(in)))
			return -EFAULT;
		set = set_in(&in.perm);
		set.queue_bytes = in.qbytes;
		return ipc_set(IPC_MSG, id, &set);
	default:
		return -EINVAL;
	}
}
