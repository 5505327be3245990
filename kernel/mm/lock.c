/*
 * lock.c - memory that stays resident. mlock(2), munlock(2), mlockall(2).
 *
 * Reclaim and swapping out leave the pages of VM_LOCKED VMAs. What locking adds is that all pages
 * are made present.
 */
#include <error.h>
#include "internal.h"

static int set_locked(struct mm *m, struct vma **vp, vaddr_t start, vaddr_t end, bool lock)
{
	struct vma *v = *vp;
	int err;

	if (v->flags & (VM_PFN | VM_SPECIAL) || !!(v->flags & VM_LOCKED) == lock)
		return 0;
	err = vma_isolate(m, vp, start, end);
	if (err)
		return err;
	v = *vp;
	mm_account(m, v, -(int64_t)vma_pages(v));
	v->flags ^= VM_LOCKED;
	mm_account(m, v, (int64_t)vma_pages(v));
	*vp = vma_merge(m, v);
	return 0;
}

/* mm->lock held for writing. -ENOMEM at a hole. */
static int lock_range(struct mm *m, vaddr_t addr, vaddr_t end, bool lock)
{
	int err = 0;

	while (addr < end && !err) {
		struct vma *v = vma_at(m, addr);

		if (!v)
			return -ENOMEM;
		err = set_locked(m, &v, addr, end, lock);
		addr = v->end;
	}
	return err;
}

/* Pages of the range that are not locked yet. */
static uint64_t to_be_locked(struct mm *m, vaddr_t addr, vaddr_t end)
{
	uint64_t pages = 0;

	for (struct vma *v = mm_find(m, addr); v && v->start < end; v = vma_next(v))
		if (!(v->flags & VM_LOCKED))
			pages += (MIN(end, v->end) - MAX(addr, v->start)) >> PAGE_SHIFT;
	return pages;
}

static int change_range(struct mm *m, vaddr_t addr, uint64_t length, bool lock, bool populate)
{
	vaddr_t start = addr & PAGE_MASK, end = ALIGN_UP(addr + length, PAGE_SIZE);
	int err;

	if (addr + length < addr || end < start)
		return -EINVAL;
	if (end > USER_END)
		return -ENOMEM;
	if (lock && !m->limit_memlock)
		return -EPERM;
	rwsem_write_lock(&m->lock);
	if (lock && m->locked_pages + to_be_locked(m, start, end) > m->limit_memlock >> PAGE_SHIFT)
		err = -ENOMEM;
	else
		err = lock_range(m, start, end, lock);
	rwsem_write_unlock(&m->lock);
	if (err || !populate)
		return err;
	err = mm_populate(m, start, end);
	return err == -ENOMEM ? -EAGAIN : err == -EFAULT || err == -EIO ? -ENOMEM : err;
}

int mm_lock_range(struct mm *m, vaddr_t addr, uint64_t length, bool lock)
{
	return change_range(m, addr, length, lock, lock);
}

int mm_lock_range_on_fault(struct mm *m, vaddr_t addr, uint64_t length)
{
	return change_range(m, addr, length, true, false);
}

int mm_lock_all(struct mm *m, bool current_, bool future, bool onfault)
{
	int err = 0;

	if ((current_ || future) && !m->limit_memlock)
		return -EPERM;
	rwsem_write_lock(&m->lock);
	if (current_ && m->total_pages > m->limit_memlock >> PAGE_SHIFT) {
		rwsem_write_unlock(&m->lock);
		return -ENOMEM;
	}
	m->def_flags = future ? VM_LOCKED : 0;
	m->lock_on_fault = future && onfault;
	if (current_ || !future) { /* the latter: munlockall() */
		struct vma *next;

		for (struct vma *v = mm_find(m, 0); v && !err; v = next) {
			err = set_locked(m, &v, v->start, v->end, current_);
			next = vma_next(v);
		}
	}
	rwsem_write_unlock(&m->lock);
	if (!err && current_ && !onfault) {
		vaddr_t at = 0;

		while (at < USER_END) { /* holes end mm_populate(): go on behind them */
			struct vma *v;
			vaddr_t start, end;

			rwsem_read_lock(&m->lock);
			v = mm_find(m, at);
			start = v ? MAX(v->start, at) : USER_END;
			end = v ? v->end : USER_END;
			rwsem_read_unlock(&m->lock);
			if (start < end)
				(void)!mm_populate(m, start,
					end); /* mlockall(2) does not report single pages */
			at = end;
		}
	}
	return err;
}
