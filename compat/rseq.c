/*
 * rseq.c - restartable sequences: rseq(2), and the words that a registered thread reads.
 *
 * A thread registers an area of its memory. Whenever it has been off its CPU or is given a signal's
 * frame, and before it runs again, two things are done: a critical section that it was in is
 * aborted (the area's rseq_cs says where it begins and ends and where to go on instead), and the
 * CPU's number is written into the area. So a section that ends by one store has run on one CPU
 * and undisturbed, or has not happened.
 *
 * The scheduler sets TASK_WORK_SWITCHED for tasks with ->tell_switch when they leave a CPU; proc
 * calls rseq_resume() with interrupts on. If the thread is switched while that runs, the bit is set
 * again and all is done once more: the last time, nothing came between the writes and user mode.
 * The words of the area are the program's: a section that is malformed, or an area that cannot be
 * accessed, is a SIGSEGV.
 *
 * mm_cid is to be a small number which no other thread of the address space has that runs now: it
 * is the CPU's. There is one memory node. Does not: keep mm_cid below the number of threads.
 * Spec: Linux's Documentation/userspace-api/rseq.rst; librseq's rseq(2), the page.
 */
#include "rseq.h"
#include "abi/rseq.h"
#include "compat.h"
#include <sched.h>

#define CPU_UNINITIALIZED 0xffffffffu

static struct linux_rseq __user *area_of(const struct rseq *r)
{
	return (struct linux_rseq __user *)(uintptr_t)r->area;
}

/* The numbers from cpu_id_start on; what lies between them is the program's. */
static int write_numbers(struct linux_rseq __user *area, uint32_t start, uint32_t cpu, uint32_t cid)
{
	int err = put_user(start, &area->cpu_id_start);

	if (!err)
		err = put_user(cpu, &area->cpu_id);
	if (!err)
		err = put_user(0u, &area->node_id);
	return err ? err : put_user(cid, &area->mm_cid);
}

/* Judges the section at @at and copies it. */
static int read_section(const struct rseq *r, uint64_t at, struct linux_rseq_cs *cs)
{
	uint32_t signature;

	if (at >= USER_END)
		return -EINVAL;
	if (copy_from_user(cs, (const void __user *)(uintptr_t)at, sizeof(*cs)))
		return -EFAULT;
	if (cs->version || cs->start_ip >= USER_END || cs->abort_ip >= USER_END ||
		cs->post_commit_offset >= USER_END - cs->start_ip)
		return -EINVAL;
	if (cs->abort_ip - cs->start_ip < cs->post_commit_offset)
		return -EINVAL;
	if (get_user(signature,
		    (const uint32_t __user *)(uintptr_t)(cs->abort_ip - sizeof(signature))))
		return -EFAULT;
	return signature == r->signature ? 0 : -EINVAL;
}

/* If the thread is in a critical section, it goes on where that is aborted. */
static int abort_section(struct frame *f, const struct rseq *r)
{
	struct linux_rseq __user *area = area_of(r);
	struct linux_rseq_cs cs;
	uint32_t flags;
	uint64_t at;
	int err = get_user(at, &area->rseq_cs);

	if (err || !at)
		return err;
	err = read_section(r, at, &cs);
	if (err)
		return err;
	if (f->rip - cs.start_ip >= cs.post_commit_offset)
		return put_user((uint64_t)0, &area->rseq_cs);
	err = get_user(flags, &area->flags);
	if (!err && (flags || cs.flags)) /* those there were once said not to abort it */
		err = -EINVAL;
	if (!err)
		err = put_user((uint64_t)0, &area->rseq_cs);
	if (!err)
		f->rip = cs.abort_ip;
	return err;
}

int rseq_resume(struct frame *f)
{
	const struct rseq *r = &current->uthread->rseq;
	uint32_t cpu;
	int err;

	if (!r->area)
		return 0;
	err = abort_section(f, r);
	if (err)
		return err;
	cpu = cpu_id();
	return write_numbers(area_of(r), cpu, cpu, cpu);
}

/* Does @r, which is registered, have this area? 0, or what both ways of calling say otherwise. */
static int same(const struct rseq *r, uint64_t area, uint32_t len, uint32_t signature)
{
	if (r->area != area || r->len != len)
		return -EINVAL;
	return r->signature == signature ? 0 : -EPERM;
}

static int unregister(struct rseq *r, uint64_t area, uint32_t len, uint32_t signature)
{
	int err = r->area ? same(r, area, len, signature) : -EINVAL;

	if (!err)
		err = write_numbers(area_of(r), 0, CPU_UNINITIALIZED, 0);
	if (err)
		return err;
	current->tell_switch = false;
	*r = (struct rseq){0};
	return 0;
}

long sys_rseq(void __user *area, unsigned len, unsigned flags, unsigned signature)
{
	struct rseq *r = &current->uthread->rseq;
	uint64_t at = (uintptr_t)area, section;
	int err;

	if (flags & RSEQ_UNREGISTER)
		return flags == RSEQ_UNREGISTER ? unregister(r, at, len, signature) : -EINVAL;
	if (flags)
		return -EINVAL;
	if (r->area) {
		err = same(r, at, len, signature);
		return err ? err : -EBUSY;
	}
	if (len < RSEQ_OLD_BYTES || at % RSEQ_ALIGN)
		return -EINVAL;
	if (at >= USER_END || len > USER_END - at)
		return -EFAULT;
	/* What lies there by chance is no section. */
	if (get_user(section, &((struct linux_rseq __user *)area)->rseq_cs) ||
		(section && put_user((uint64_t)0, &((struct linux_rseq __user *)area)->rseq_cs)))
		return -EFAULT;
	*r = (struct rseq){.area = at, .len = len, .signature = signature};
	current->tell_switch = true;
	task_set_work(current, TASK_WORK_SWITCHED);
	return 0;
}
