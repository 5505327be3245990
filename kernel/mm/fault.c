/*
 * fault.c - page faults: find the VMA, grow the stack, check the rights, then one stage by kind of
 * memory.
 *
 * A stage prepares its page without the table's lock and installs it under the lock only if the
 * entry is still as it was. If not, or if the page left its file meanwhile, it undoes everything
 * and says -EREFAULT: the program runs into the same fault again, or not any more. Copy on write
 * and stores to shared files are in cow.c.
 *
 * Fault-around: a read of a file maps more pages that are in the cache anyway, as not yet used
 * (old). Those of the same node of the cache that were used before: what a program needed the last
 * time it needs again. And if the page itself is new, the up to 16 around it.
 */
#include <arch/upcalls.h>
#include <debug.h>
#include <error.h>
#include <rcu.h>
#include <sched.h>
#include "fault.h"

#define AROUND          16u
#define SMALL_ANON      32u /* pages */
#define MMAP_READ_PAGES 16u

struct page *zero_page;

void fault_init(void)
{
	zero_page = page_alloc(0, GFP_ZERO);
	if (!zero_page)
		panic("no memory for the zero page");
}

/* A small heap, bss or stack that is read first is written next: a zero page would only mean
 * another fault. */
static inline bool will_be_written(const struct vma *v)
{
	return v->flags & VM_WRITE && vma_pages(v) <= SMALL_ANON;
}

/* First touch of anonymous memory. */
static int fault_anon(struct fault *f)
{
	struct spinlock *ptl = mmu_pte_lock(f->pte);
	struct page *p;
	pte_t pte;

	if (!(f->access & FAULT_WRITE) && !will_be_written(f->v)) {
		spin_lock(ptl);
		if (pte_none(pte_load(f->pte)))
			pte_store(f->pte, pte_set_special(pte_make(page_to_pfn(zero_page),
						  vma_prot(f->v) & ~(unsigned)VM_WRITE)));
		spin_unlock(ptl);
		return 0;
	}
	p = page_alloc(0, GFP_USER);
	if (unlikely(!p))
		return -ENOMEM;
	page_clear(page_address(p));
	p->flags = 1u << PG_ANON;
	pte = pte_mkdirty(pte_make(page_to_pfn(p), vma_prot(f->v)));
	spin_lock(ptl);
	if (unlikely(!pte_none(pte_load(f->pte)))) {
		spin_unlock(ptl);
		page_put(p);
		return -EREFAULT;
	}
	pte_store(f->pte, pte);
	spin_unlock(ptl);
	atomic64_add(&f->mm->anon_pages, 1);
	stat_add(STAT_ANON, 1);
	return 0;
}

/* Table lock held. The caller's reference becomes the entry's; false: the page is not @m's any more
 * (pagecache.c, invariant 4). */
static inline bool map_page_locked(struct mapping *m, struct page *p, pte_t *pte, pte_t value)
{
	if (atomic_inc(&p->mapcount) == 1)
		stat_add(STAT_MAPPED, 1);
	if (unlikely(m && READ_ONCE(p->mapping) != m)) {
		page_drop_mapcount(p);
		return false;
	}
	pte_store(pte, value);
	return true;
}

int install_page(struct fault *f, struct page *p, unsigned prot)
{
	struct spinlock *ptl = mmu_pte_lock(f->pte);
	struct mapping *m = f->v->ops && f->v->ops->fault ? NULL : f->v->mapping;
	atomic64_t *rss = mm_rss_counter(f->mm, p);
	pte_t pte = pte_make(page_to_pfn(p), prot);
	bool done;

	if (prot & MMU_WRITE)
		pte = pte_mkdirty(pte);
	spin_lock(ptl);
	done = pte_none(pte_load(f->pte)) && map_page_locked(m, p, f->pte, pte);
	spin_unlock(ptl);
	if (!done) {
		page_put(p);
		return -EREFAULT;
	}
	atomic64_add(rss, 1);
	return 0;
}

/* Rights for an entry of a cache's page that need not notice stores. */
static unsigned read_prot(const struct vma *v)
{
	bool tracked = !(v->flags & VM_SHARED) || !v->mapping ||
		       !(v->mapping->flags & MAPPING_UNEVICTABLE);

	return tracked ? vma_prot(v) & ~(unsigned)VM_WRITE : vma_prot(v);
}

/* Some pages of the file in a row, and where their entries go. */
struct window {
	uint64_t first;        /* index of the first */
	unsigned n;            /* how many */
	unsigned near, near_n; /* those that are mapped in any case */
	void *const *slot;     /* of the cache, in one node: changing */
	pte_t *pte;            /* in one table */
};

/* What of the fault's neighbourhood lies in one table, one node of the cache, the VMA and the file.
 * RCU; false: nothing to be had. */
static bool choose_window(const struct fault *f, struct window *w)
{
	struct mapping *m = f->v->mapping;
	vaddr_t low = ALIGN_DOWN(f->addr, PTRS_PER_TABLE * PAGE_SIZE);
	uint64_t pages = bytes_to_pages(m->ops->size(m)), before, after;
	struct page *p;
	unsigned n;

	if (f->index >= pages)
		return false;
	before = (f->addr - MAX(low, f->v->start)) >> PAGE_SHIFT;
	before = MIN(before, f->index % XA_NODE_SLOTS);
	after = (MIN(low + PTRS_PER_TABLE * PAGE_SIZE, f->v->end) - f->addr) >> PAGE_SHIFT;
	after = MIN(after, pages - f->index);
	w->first = f->index - before;
	w->slot = xa_slots(&m->pages, w->first, &n);
	if (!w->slot)
		return false;
	w->n = (unsigned)MIN(before + after, (uint64_t)n);
	w->near = (unsigned)(before - MIN(before, f->addr / PAGE_SIZE % AROUND));
	w->near_n = AROUND;
	p = READ_ONCE(w->slot[before]);
	if (p && page_test(p, PG_REFERENCED)) {
		w->near = (unsigned)before;
		w->near_n = 1;
	}
	w->pte = f->pte - before;
	return true;
}

/* Table lock held, RCU. Maps @p, which was seen in the cache at @index, with @rights. */
static inline bool map_seen(
	struct mapping *m, struct page *p, uint64_t index, pte_t *pte, pte_t rights)
{
	if (!refcount_inc_not_zero(&p->refs))
		return false;
	if (likely(page_test(p, PG_UPTODATE) && READ_ONCE(p->mapping) == m && p->index == index) &&
		map_page_locked(m, p, pte, pte_with(rights, page_to_pfn(p))))
		return true;
	page_put(p);
	return false;
}

/* Maps what is worth it around the fault; true if that included the page asked for. */
static bool fault_around(struct fault *f)
{
	struct mapping *m = f->v->mapping;
	struct spinlock *ptl = mmu_pte_lock(f->pte);
	pte_t young = pte_make(0, read_prot(f->v)), old = pte_mkold(young);
	struct window w;
	int mapped = 0;
	bool hit;

	rcu_read_lock();
	if (!choose_window(f, &w)) {
		rcu_read_unlock();
		return false;
	}
	spin_lock(ptl);
	for (unsigned i = 0; i < w.n; i++) {
		struct page *p = READ_ONCE(w.slot[i]);
		pte_t *pte = w.pte + i;

		if (!p || (!page_test(p, PG_REFERENCED) && i - w.near >= w.near_n) ||
			!pte_none(*pte))
			continue;
		if (map_seen(m, p, w.first + i, pte, pte == f->pte ? young : old))
			mapped++;
	}
	hit = !pte_none(pte_load(f->pte));
	spin_unlock(ptl);
	rcu_read_unlock();
	if (mapped)
		atomic64_add(
			m->flags & MAPPING_UNEVICTABLE ? &f->mm->shmem_pages : &f->mm->file_pages,
			mapped);
	return hit;
}

/* The up to date page of the file, referenced. -EIO behind its end. */
static int get_file_page(struct fault *f, struct page **out)
{
	struct mapping *m = f->v->mapping;
	int err;

	if (f->index >= bytes_to_pages(m->ops->size(m)))
		return -EIO;
	*out = pagecache_find(m, f->index);
	if (likely(*out && page_test(*out, PG_UPTODATE)))
		return 0;
	if (*out)
		page_put(*out);
	else if (!(m->flags & MAPPING_UNEVICTABLE)) {
		f->major = true;
		(void)!pagecache_read_range(m, ALIGN_DOWN(f->index, (uint64_t)MMAP_READ_PAGES),
			MMAP_READ_PAGES, UINT64_MAX);
	}
	err = pagecache_get(m, f->index, out);
	if (!err && page_test(*out, PG_READAHEAD) && page_test_clear(*out, PG_READAHEAD))
		pagecache_readahead(m, f->index + 1, MMAP_READ_PAGES);
	return err;
}

static int fault_file(struct fault *f)
{
	const struct vma_ops *ops = f->v->ops;
	struct page *p = NULL;
	int err;

	if (ops && ops->fault) {
		err = ops->fault(f->v, f->index, &p);
	} else {
		if (!(f->access & FAULT_WRITE) && fault_around(f))
			return 0;
		err = get_file_page(f, &p);
	}
	if (err)
		return err;
	if (!(f->access & FAULT_WRITE))
		return install_page(f, p, read_prot(f->v));
	if (f->v->flags & VM_SHARED)
		return share_for_write(f, p);
	return copy_for_write(f, p);
}

/* Device memory: the frame follows from the address. */
static int fault_pfn(struct fault *f)
{
	struct spinlock *ptl = mmu_pte_lock(f->pte);

	spin_lock(ptl);
	if (pte_none(pte_load(f->pte)))
		pte_store(f->pte, pte_mkdirty(pte_set_special(
					  pte_make(f->index, vma_prot(f->v) | MMU_WRITE_COMBINE))));
	spin_unlock(ptl);
	return 0;
}

static inline int fault_stage(struct fault *f)
{
	pte_t old;

	f->pte = mmu_pte_alloc(&f->mm->mmu, f->addr);
	if (unlikely(!f->pte))
		return -ENOMEM;
	old = pte_load(f->pte);
	if (likely(pte_none(old))) {
		if (likely(vma_is_anon(f->v)))
			return fault_anon(f);
		f->index = vma_index(f->v, f->addr);
		return f->v->flags & VM_PFN ? fault_pfn(f) : fault_file(f);
	}
	if (unlikely(pte_swap(old)))
		return fault_swapped(f, old);
	f->index = vma_index(f->v, f->addr);
	if (f->access & FAULT_WRITE && !pte_write(old))
		return fault_write_protected(f, old);
	tlb_flush_local(f->addr); /* another CPU was first, or gave more rights */
	return 0;
}

static int check_rights(const struct vma *v, unsigned access)
{
	if (access & FAULT_FORCE)
		return 0;
	if (access & FAULT_WRITE)
		return v->flags & VM_WRITE ? 0 : -EACCES;
	if (access & FAULT_EXEC)
		return v->flags & VM_EXEC ? 0 : -EACCES;
	return vma_prot(v) ? 0 : -EACCES;
}

int fault_in_page(struct mm *m, struct vma *v, vaddr_t addr, unsigned access)
{
	struct fault f = {.mm = m, .v = v, .addr = addr, .access = access};
	int err = check_rights(v, access);

	if (err)
		return err;
	err = fault_stage(&f);
	if (unlikely(f.major)) {
		current->major_faults++;
		stat_add(STAT_MAJOR, 1);
	}
	return err;
}

/* mm->lock held for writing. @v is the VMA above @addr. 0, -EFAULT or -ENOMEM. */
int expand_stack_locked(struct mm *m, struct vma *v, vaddr_t addr)
{
	vaddr_t start = addr & PAGE_MASK;
	struct vma *prev = vma_prev(v);
	uint64_t grow = (v->start - start) >> PAGE_SHIFT;
	int err;

	if (!(v->flags & VM_GROWSDOWN) || start < vm_lowest() || v->end - start > m->limit_stack)
		return -EFAULT;
	if (prev && !(prev->flags & VM_GROWSDOWN) && vma_prot(prev) &&
		(start < STACK_GUARD_BYTES || start - STACK_GUARD_BYTES < prev->end))
		return -EFAULT;
	if (prev && start < prev->end)
		return -EFAULT;
	if (mm_check_limits(m, v->flags, grow) < 0)
		return -ENOMEM;
	if (v->flags & VM_ACCOUNT) {
		err = vm_commit((int64_t)grow);
		if (err)
			return err;
	}
	vma_resize(v, start, v->end);
	mm_account(m, v, (int64_t)grow);
	return 0;
}

/* mm->lock held for reading at entry and, when it returns 0, at exit. */
static int grow_stack(struct mm *m, vaddr_t addr, struct vma **out)
{
	struct vma *v;
	int err = 0;

	rwsem_read_unlock(&m->lock);
	rwsem_write_lock(&m->lock);
	v = mm_find(m, addr);
	if (!v)
		err = -EFAULT;
	else if (addr < v->start)
		err = expand_stack_locked(m, v, addr);
	if (err) {
		rwsem_write_unlock(&m->lock);
		return err;
	}
	rwsem_downgrade(&m->lock);
	*out = v;
	return 0;
}

int mm_handle_fault(vaddr_t addr, unsigned access, struct frame *frame)
{
	struct mm *m = current->mm;
	struct vma *v;
	bool shared_store;
	int err;

	(void)frame;
	if (unlikely(!m || current->in_fault || addr >= USER_END))
		return -EFAULT;
	current->minor_faults++;
	stat_add(STAT_FAULTS, 1);
	rwsem_read_lock(&m->lock);
	v = mm_find(m, addr);
	if (unlikely(!v || addr < v->start)) {
		if (!v || !(v->flags & VM_GROWSDOWN)) {
			rwsem_read_unlock(&m->lock);
			return -EFAULT;
		}
		err = grow_stack(m, addr, &v);
		if (err)
			return err;
	}
	shared_store = (access & FAULT_WRITE) && v->mapping && (v->flags & VM_SHARED) &&
		       !(v->mapping->flags & MAPPING_UNEVICTABLE);
	err = fault_in_page(m, v, addr & PAGE_MASK, access & ~(unsigned)FAULT_FORCE);
	rwsem_read_unlock(&m->lock);
	if (unlikely(shared_store) && !err)
		writeback_throttle();
	if (unlikely(err == -EREFAULT))
		return 0;
	return err;
}
