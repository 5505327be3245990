/*
 * sysvipc.c - /proc/sysvipc: the System V IPC objects of the namespace, one a line. proc(5).
 */
#include "procfs.h"
#include <ipc.h>

static int show_shm(struct text *t, const struct proc_node *n)
{
	struct shm_stat s;

	(void)n;
	text_add(t,
		"       key      shmid perms %21s  cpid  lpid nattch   uid   gid  cuid  cgid      "
		"atime      dtime      ctime %21s %21s\n",
		"size", "rss", "swap");
	for (int which = 0; shm_next(&which, &s); which++)
		text_add(t,
			"%10d %10d  %4o %21llu %5d %5d  %5llu %5u %5u %5u %5u %10lld %10lld %10lld "
			"%21llu %21u\n",
			s.perm.key, s.id, s.perm.mode, (unsigned long long)s.bytes, s.creator,
			s.last, (unsigned long long)s.attachments, s.perm.uid, s.perm.gid,
			s.perm.cuid, s.perm.cgid, (long long)s.attach_time,
			(long long)s.detach_time, (long long)s.change_time,
			(unsigned long long)s.resident_pages * PAGE_SIZE, 0u);
	return 0;
}

static int show_sem(struct text *t, const struct proc_node *n)
{
	struct sem_stat s;

	(void)n;
	text_add(t,
		"       key      semid perms      nsems   uid   gid  cuid  cgid      otime      "
		"ctime\n");
	for (int which = 0; sem_next(&which, &s); which++)
		text_add(t, "%10d %10d  %4o %10u %5u %5u %5u %5u %10lld %10lld\n", s.perm.key, s.id,
			s.perm.mode, s.count, s.perm.uid, s.perm.gid, s.perm.cuid, s.perm.cgid,
			(long long)s.op_time, (long long)s.change_time);
	return 0;
}

static int show_msg(struct text *t, const struct proc_node *n)
{
	struct msg_stat s;

	(void)n;
	text_add(t, "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  "
		    "cuid  cgid      stime      rtime      ctime\n");
	for (int which = 0; msg_next(&which, &s); which++)
		text_add(t,
			"%10d %10d  %4o  %10llu %10llu %5d %5d %5u %5u %5u %5u %10lld %10lld "
			"%10lld\n",
			s.perm.key, s.id, s.perm.mode, (unsigned long long)s.bytes,
			(unsigned long long)s.messages, s.last_sender, s.last_receiver, s.perm.uid,
			s.perm.gid, s.perm.cuid, s.perm.cgid, (long long)s.send_time,
			(long long)s.receive_time, (long long)s.change_time);
	return 0;
}

const struct proc_entry proc_sysvipc_entries[] = {
	PROC_FILE("msg", show_msg),
	PROC_FILE("sem", show_sem),
	PROC_FILE("shm", show_shm),
	{0},
};
