/*
 * advise.c - hints, flushing and residency of mapped ranges. madvise(2), msync(2), mincore(2).
 */
#include <arch/upcalls.h>
#include <error.h>
#include <string.h>
#include "fault.h"

/* [*start, *end) in pages; -EINVAL, or -ENOMEM when it leaves user space. */
static int check_range(vaddr_t addr, uint64_t length, vaddr_t *end)
{
	uint64_t bytes = ALIGN_UP(length, PAGE_SIZE);

	if (!IS_ALIGNED(addr, PAGE_SIZE) || bytes < length)
		return -EINVAL;
	if (addr + bytes < addr || addr + bytes > USER_END)
		return -ENOMEM;
	*end = addr + bytes;
	return 0;
}

static int drop_pages(struct vma *v, vaddr_t start, vaddr_t end)
{
	struct tlb_batch tlb UNCLEARED;

	if (v->flags & (VM_LOCKED | VM_PFN))
		return -EINVAL;
	tlb_batch_init(&tlb, &v->mm->mmu);
	zap_range(v->mm, start, end, &tlb, 0);
	tlb_batch_finish(&tlb);
	return 0;
}

static int remove_pages(struct vma *v, vaddr_t start, vaddr_t end)
{
	int64_t from = (int64_t)(vma_index(v, start) << PAGE_SHIFT);

	if (v->flags & VM_LOCKED || !v->mapping)
		return -EINVAL;
	if (!(v->flags & VM_SHARED) || !(v->flags & VM_MAYWRITE))
		return -EACCES;
	if (!(v->mapping->flags & MAPPING_UNEVICTABLE))
		return -EOPNOTSUPP;
	pagecache_drop_range(v->mapping, from, from + (int64_t)(end - start));
	return 0;
}

static int populate(struct vma *v, vaddr_t start, vaddr_t end, unsigned access)
{
	if (v->flags & VM_PFN)
		return -EINVAL;
	while (start < end) {
		pte_t *pte = mmu_pte(&v->mm->mmu, start);
		int err = 0;

		if (!pte || !pte_present(pte_load(pte)) ||
			(access & FAULT_WRITE && !pte_write(pte_load(pte))))
			err = fault_in_page(v->mm, v, start, access);
		if (err == -EREFAULT)
			continue;
		if (err)
			return err == -EACCES || err == -EIO ? -EFAULT : err;
		start += PAGE_SIZE;
	}
	return 0;
}

/* Advice that changes no VMA; mm->lock held for reading. */
static int advise_pages(struct vma *v, vaddr_t start, vaddr_t end, enum vm_advice what)
{
	switch ((int)what) {
	case ADVISE_DONTNEED:
		return drop_pages(v, start, end);
	case ADVISE_FREE:
		if (v->flags & (VM_LOCKED | VM_PFN) || !vma_is_anon(v))
			return -EINVAL;
		lazy_free(v, start, end);
		return 0;
	case ADVISE_WILLNEED:
		if (v->mapping && !(v->mapping->flags & MAPPING_UNEVICTABLE))
			pagecache_readahead(v->mapping, vma_index(v, start),
				MIN((end - start) >> PAGE_SHIFT, 1024ul));
		return 0;
	case ADVISE_POPULATE_READ:
		return populate(v, start, end, 0);
	case ADVISE_POPULATE_WRITE:
		return populate(v, start, end, FAULT_WRITE);
	case ADVISE_REMOVE:
		return remove_pages(v, start, end);
	default:
		return 0;
	}
}

/* The flags that @what asks for; false: it is not about flags. */
static bool advised_flags(enum vm_advice what, uint32_t *set, uint32_t *clear)
{
	static const struct {
		uint32_t set, clear;
	} table[] = {
		[ADVISE_DONTFORK] = {VM_DONTCOPY, 0},
		[ADVISE_DOFORK] = {0, VM_DONTCOPY},
		[ADVISE_WIPEONFORK] = {VM_WIPEONFORK, 0},
		[ADVISE_KEEPONFORK] = {0, VM_WIPEONFORK},
		[ADVISE_DONTDUMP] = {VM_DONTDUMP, 0},
		[ADVISE_DODUMP] = {0, VM_DONTDUMP},
	};

	if ((unsigned)what >= ARRAY_SIZE(table) || !(table[what].set | table[what].clear))
		return false;
	*set = table[what].set;
	*clear = table[what].clear;
	return true;
}

static int set_flags(
	struct mm *m, struct vma **vp, vaddr_t start, vaddr_t end, uint32_t set, uint32_t clear)
{
	struct vma *v = *vp;
	uint32_t flags = (v->flags | set) & ~clear;
	int err;

	if (set & VM_WIPEONFORK && !vma_is_anon(v))
		return -EINVAL;
	if (clear & (VM_DONTCOPY | VM_DONTDUMP) && v->flags & (VM_PFN | VM_SPECIAL))
		return -EINVAL;
	if (flags == v->flags)
		return 0;
	err = vma_isolate(m, vp, start, end);
	if (err)
		return err;
	(*vp)->flags = flags;
	*vp = vma_merge(m, *vp);
	return 0;
}

int mm_advise(struct mm *m, vaddr_t addr, uint64_t length, enum vm_advice what)
{
	uint32_t set = 0, clear = 0;
	bool changes = advised_flags(what, &set, &clear), hole = false;
	vaddr_t end = addr;
	int err = check_range(addr, length, &end);

	if (err)
		return -EINVAL;
	if (changes)
		rwsem_write_lock(&m->lock);
	else
		rwsem_read_lock(&m->lock);
	while (addr < end && !err) {
		struct vma *v = mm_find(m, addr);

		if (!v || v->start >= end) {
			hole = true;
			break;
		}
		hole |= v->start > addr;
		addr = MAX(addr, v->start);
		err = changes ? set_flags(m, &v, addr, end, set, clear)
			      : advise_pages(v, addr, MIN(end, v->end), what);
		addr = v->end;
	}
	if (changes)
		rwsem_write_unlock(&m->lock);
	else
		rwsem_read_unlock(&m->lock);
	return err ? err : hole ? -ENOMEM : 0;
}

static int sync_vma(struct vma *v, vaddr_t start, vaddr_t end, bool wait, bool invalidate)
{
	uint64_t first = vma_index(v, start), last = vma_index(v, end) - 1;

	if (invalidate && v->flags & VM_LOCKED)
		return -EBUSY;
	if (!wait || !v->mapping || !(v->flags & VM_SHARED))
		return 0; /* MS_ASYNC: the pages are known to be dirty, the flusher writes them */
	if (v->ops && v->ops->sync)
		return v->ops->sync(v, first, last);
	return pagecache_sync(v->mapping, (int64_t)(first << PAGE_SHIFT),
		(int64_t)((last + 1) << PAGE_SHIFT) - 1);
}

int mm_sync(struct mm *m, vaddr_t addr, uint64_t length, bool wait, bool invalidate)
{
	vaddr_t end = addr;
	bool hole = false;
	int err = check_range(addr, length, &end);

	if (err)
		return err;
	rwsem_read_lock(&m->lock);
	while (addr < end && !err) {
		struct vma *v = mm_find(m, addr);

		if (!v || v->start >= end) {
			hole = true;
			break;
		}
		hole |= v->start > addr;
		addr = MAX(addr, v->start);
		err = sync_vma(v, addr, MIN(end, v->end), wait, invalidate);
		addr = v->end;
	}
	rwsem_read_unlock(&m->lock);
	return err ? err : hole ? -ENOMEM : 0;
}

static bool is_resident(struct mm *m, struct vma *v, vaddr_t va)
{
	pte_t *pte = mmu_pte(&m->mmu, va);
	struct page *p;
	bool there;

	if (pte && pte_present(pte_load(pte)))
		return true;
	if (!v->mapping || (pte && pte_swap(pte_load(pte))))
		return false;
	p = pagecache_find(v->mapping, vma_index(v, va));
	there = p && page_test(p, PG_UPTODATE);
	if (p)
		page_put(p);
	return there;
}

int mm_incore(struct mm *m, vaddr_t addr, uint64_t pages, uint8_t *vec)
{
	int err = 0;

	if (!IS_ALIGNED(addr, PAGE_SIZE))
		return -EINVAL;
	rwsem_read_lock(&m->lock);
	for (uint64_t i = 0; i < pages && !err; i++) {
		struct vma *v = vma_at(m, addr + i * PAGE_SIZE);

		if (v)
			vec[i] = is_resident(m, v, addr + i * PAGE_SIZE);
		else
			err = -ENOMEM;
	}
	rwsem_read_unlock(&m->lock);
	return err;
}
