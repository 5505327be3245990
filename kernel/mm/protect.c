/*
 * protect.c - changing the rights of mapped ranges. mprotect(2).
 */
#include <error.h>
#include "internal.h"

struct protect {
	struct vma *v;
	struct tlb_batch *tlb;
};

/* May an entry that is rebuilt for @v allow stores at once, without a fault that copies or dirties?
 */
static bool may_write(const struct vma *v, pte_t old, const struct page *p)
{
	if (!(v->flags & VM_WRITE))
		return false;
	if (v->flags & VM_SHARED)
		return pte_write(old) || page_test(p, PG_SWAPBACKED);
	return page_test(p, PG_ANON) && refcount_read(&p->refs) == 1;
}

static pte_t rebuilt(const struct vma *v, pte_t old)
{
	unsigned prot = vma_prot(v);
	pte_t pte;

	if (pte_special(old)) {
		prot = v->flags & VM_PFN ? prot | MMU_WRITE_COMBINE : prot & ~(unsigned)VM_WRITE;
		return pte_set_special(pte_make(pte_pfn(old), prot));
	}
	if (!may_write(v, old, pfn_to_page(pte_pfn(old))))
		prot &= ~(unsigned)VM_WRITE;
	pte = pte_make(pte_pfn(old), prot);
	if (!pte_young(old))
		pte = pte_mkold(pte);
	return pte_dirty(old) || prot & VM_WRITE ? pte_mkdirty(pte) : pte;
}

static int protect_table(pte_t *pte, vaddr_t va, unsigned n, void *arg)
{
	struct protect *c = arg;
	struct spinlock *ptl = mmu_pte_lock(pte);

	spin_lock(ptl);
	for (; n > 0; n--, pte++, va += PAGE_SIZE) {
		pte_t old;

		if (!pte_present(pte_load(pte)))
			continue; /* nothing, or in swap space: comes back with the new rights */
		old = pte_xchg(pte, (pte_t){0}); /* from here on no CPU sets bits in it */
		pte_store(pte, rebuilt(c->v, old));
		tlb_batch_range(c->tlb, va);
	}
	spin_unlock(ptl);
	return 0;
}

/* Charges memory that becomes private writable: *flags gets VM_ACCOUNT. */
static int charge(struct mm *m, const struct vma *v, uint64_t pages, uint32_t *flags)
{
	int err;

	if ((*flags & (VM_WRITE | VM_SHARED)) != VM_WRITE || v->flags & VM_WRITE)
		return 0;
	err = mm_check_limits(m, *flags & ~(uint32_t)VM_LOCKED, 0);
	if (!err && !(v->flags & (VM_STACK | VM_GROWSDOWN)) &&
		m->data_pages + pages > m->limit_data >> PAGE_SHIFT)
		err = -ENOMEM;
	if (err || *flags & (VM_ACCOUNT | VM_NORESERVE | VM_PFN))
		return err;
	err = vm_commit((int64_t)pages);
	if (!err)
		*flags |= VM_ACCOUNT;
	return err;
}

/* The part of *vp in [start, end) gets the rights @prot; *vp becomes the VMA that holds it. */
static int protect_vma(struct mm *m, struct vma **vp, vaddr_t start, vaddr_t end, uint32_t prot)
{
	struct vma *v = *vp;
	uint32_t flags = (v->flags & ~(uint32_t)(VM_READ | VM_WRITE | VM_EXEC)) | prot;
	uint64_t pages = (MIN(end, v->end) - MAX(start, v->start)) >> PAGE_SHIFT;
	struct tlb_batch tlb UNCLEARED;
	struct protect c = {.tlb = &tlb};
	int err;

	if (prot & ~(v->flags >> 4)) /* VM_MAYREAD and so on are four bits above */
		return -EACCES;
	if (flags == v->flags)
		return 0;
	err = charge(m, v, pages, &flags);
	if (err)
		return err;
	err = vma_isolate(m, vp, start, end);
	v = *vp;
	if (err) {
		if (flags & ~v->flags & VM_ACCOUNT)
			vm_uncommit((int64_t)pages);
		return err;
	}
	mm_account(m, v, -(int64_t)pages);
	v->flags = flags;
	mm_account(m, v, (int64_t)pages);
	c.v = v;
	tlb_batch_init(&tlb, &m->mmu);
	(void)mmu_for_each_table(&m->mmu, v->start, v->end, protect_table, &c);
	tlb_batch_finish(&tlb);
	*vp = vma_merge(m, v);
	return 0;
}

int mm_protect(struct mm *m, vaddr_t addr, uint64_t length, uint32_t prot)
{
	uint64_t bytes = ALIGN_UP(length, PAGE_SIZE);
	vaddr_t end = addr + bytes;
	int err = 0;

	if (!IS_ALIGNED(addr, PAGE_SIZE))
		return -EINVAL;
	if (!length)
		return 0;
	if (bytes < length || end < addr || end > USER_END)
		return -ENOMEM;
	rwsem_write_lock(&m->lock);
	while (addr < end && !err) {
		struct vma *v = vma_at(m, addr);

		if (!v) {
			err = -ENOMEM;
			break;
		}
		err = protect_vma(m, &v, addr, end, prot);
		addr = v->end;
	}
	rwsem_write_unlock(&m->lock);
	return err;
}
