/*
 * cow.c - stores to pages that are mapped read-only: copy on write, and dirtying pages of shared
 * files.
 *
 * Who owns an anonymous page alone (refs 1, seen under the table's lock) just gets the right back.
 * Else the bytes are copied; the copy is made under the lock too, so that the old page needs no
 * reference of ours.
 */
#include <error.h>
#include "fault.h"

static struct page *alloc_anon(void)
{
	struct page *p = page_alloc(0, GFP_USER);

	if (p)
		p->flags = 1u << PG_ANON;
	return p;
}

static pte_t anon_pte(const struct fault *f, const struct page *p)
{
	return pte_mkdirty(pte_make(page_to_pfn(p), vma_prot(f->v)));
}

static void count_anon(struct fault *f)
{
	atomic64_add(&f->mm->anon_pages, 1);
	stat_add(STAT_ANON, 1);
}

/* First store to a page of a private file mapping: nothing is mapped yet. */
int copy_for_write(struct fault *f, struct page *p)
{
	struct spinlock *ptl = mmu_pte_lock(f->pte);
	struct page *new = alloc_anon();
	bool done;

	if (!new) {
		page_put(p);
		return -ENOMEM;
	}
	page_copy(page_address(new), page_address(p));
	page_put(p);
	f->v->has_anon = true;
	spin_lock(ptl);
	done = pte_none(pte_load(f->pte));
	if (done)
		pte_store(f->pte, anon_pte(f, new));
	spin_unlock(ptl);
	if (!done) {
		page_put(new);
		return -EREFAULT;
	}
	count_anon(f);
	return 0;
}

/* @p is locked: may a shared store dirty it? */
static int make_dirty(struct fault *f, struct page *p)
{
	struct mapping *m = f->v->mapping;
	int err;

	if (p->mapping != m)
		return -EREFAULT;
	if (f->index >= bytes_to_pages(m->ops->size(m)))
		return -EIO;
	err = m->ops->page_mkwrite ? m->ops->page_mkwrite(m, p) : 0;
	if (err)
		return err == -ENOMEM ? err : -EIO; /* mmap(2): SIGBUS when the disk is full */
	page_mark_dirty(p);
	return 0;
}

/* First store to a page of a shared mapping: nothing is mapped yet. */
int share_for_write(struct fault *f, struct page *p)
{
	struct mapping *m = f->v->mapping;
	int err;

	if (!m || m->flags & MAPPING_UNEVICTABLE)
		return install_page(f, p, vma_prot(f->v));
	page_lock(p);
	err = make_dirty(f, p);
	page_get(p);
	if (err)
		page_put(p);
	else
		err = install_page(f, p, vma_prot(f->v));
	page_unlock(p); /* only now: writeback must find the entry, to take the right away */
	page_put(p);
	return err;
}

/* A store to a shared file's page that is mapped read-only. @p: referenced by us. */
static int upgrade_shared(struct fault *f, struct page *p, pte_t old)
{
	struct spinlock *ptl = mmu_pte_lock(f->pte);
	int err = 0;

	page_lock(p);
	if (!(p->flags & 1u << PG_SWAPBACKED))
		err = make_dirty(f, p);
	if (!err) {
		spin_lock(ptl);
		if (pte_present(pte_load(f->pte)) && pte_pfn(pte_load(f->pte)) == pte_pfn(old))
			pte_store(f->pte, pte_mkyoung(pte_mkdirty(pte_mkwrite(pte_load(f->pte)))));
		else
			err = -EREFAULT;
		spin_unlock(ptl);
	}
	page_unlock(p);
	page_put(p);
	tlb_flush_local(f->addr);
	return err;
}

static int store_shared(struct fault *f, pte_t old)
{
	struct spinlock *ptl = mmu_pte_lock(f->pte);
	struct page *p = NULL;

	spin_lock(ptl);
	if (pte_load(f->pte).v == old.v)
		p = page_get(pfn_to_page(pte_pfn(old)));
	spin_unlock(ptl);
	return p ? upgrade_shared(f, p, old) : -EREFAULT;
}

static inline bool owned_alone(const struct page *p)
{
	return page_test(p, PG_ANON) && refcount_read(&p->refs) == 1;
}

/* Give the right to write back if the page is ours alone. */
static bool reuse(struct fault *f, pte_t old, struct page *p)
{
	struct spinlock *ptl = mmu_pte_lock(f->pte);
	bool ours;

	spin_lock(ptl);
	ours = pte_load(f->pte).v == old.v && owned_alone(p);
	if (ours && f->v->flags & VM_WRITE)
		pte_store(f->pte, pte_mkyoung(pte_mkdirty(pte_mkwrite(old))));
	spin_unlock(ptl);
	if (ours)
		tlb_flush_local(f->addr);
	return ours;
}

/* Account for the page that an entry stopped mapping. */
static void drop_old(struct fault *f, struct page *p)
{
	if (page_test(p, PG_ANON)) {
		page_put(p);
		return;
	}
	page_drop_mapcount(p);
	atomic64_add(mm_rss_counter(f->mm, p), -1);
	page_put(p);
	count_anon(f);
}

/* Replace the page under @old by a private copy. */
static int copy_private(struct fault *f, pte_t old)
{
	struct spinlock *ptl = mmu_pte_lock(f->pte);
	struct page *p = pte_special(old) ? NULL : pfn_to_page(pte_pfn(old)), *new = alloc_anon();
	bool same;

	if (!new)
		return -ENOMEM;
	if (f->v->mapping)
		f->v->has_anon = true;
	if (!p)
		page_clear(page_address(new));
	spin_lock(ptl);
	same = (pte_load(f->pte).v | pte_mkyoung(old).v) == pte_mkyoung(old).v &&
	       !pte_none(pte_load(f->pte));
	if (same) {
		if (p)
			page_copy(page_address(new), page_address(p));
		pte_store(f->pte, anon_pte(f, new));
	}
	spin_unlock(ptl);
	if (!same) {
		page_put(new);
		return -EREFAULT;
	}
	tlb_flush_page(&f->mm->mmu, f->addr);
	if (p)
		drop_old(f, p);
	else
		count_anon(f);
	return 0;
}

int fault_write_protected(struct fault *f, pte_t old)
{
	if (f->v->flags & VM_PFN)
		return -EACCES;
	if (f->v->flags & VM_SHARED)
		return store_shared(f, old);
	if (!pte_special(old) && owned_alone(pfn_to_page(pte_pfn(old))) &&
		reuse(f, old, pfn_to_page(pte_pfn(old))))
		return 0;
	return copy_private(f, old);
}
