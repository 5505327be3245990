/*
 * fork.c - the copy of an address space that fork(2) makes.
 *
 * Anonymous pages are shared: both sides' entries become read-only, each holds a reference, the
 * first store copies. Pages of files are not copied but found again in the cache when touched; only
 * those of private mappings that were used recently are mapped at once, as a child that goes on to
 * exec touches the same few. The page that the stack pointer is in is copied for the child at once:
 * both sides write to it next. One flush at the end, if any entry of the parent lost a right.
 *
 * The child's VMA of a file joins mapping->vmas in the same mmap_lock section that copies its
 * entries, behind the parent's: whoever unmaps the file then sees either no copied entry or both
 * VMAs.
 */
#include <debug.h>
#include <error.h>
#include <slab.h>
#include "internal.h"

#define SMALL_FILE_PAGES                                                                           \
	2048u /* larger file VMAs without private pages are left to faults altogether */

struct copy {
	struct mm *to;
	vaddr_t stack_va;        /* of the stack pointer's page */
	struct page *stack_page; /* for its copy, until it is used */
	bool young_file_pages;   /* copy entries of the file's own pages too, if recently used */
	bool flush;              /* an entry of the parent was made read-only */
	int64_t anon, file, shmem, swap;
};

static int alloc_table(pte_t *pte, vaddr_t va, unsigned n, void *arg)
{
	struct copy *c = arg;

	(void)pte, (void)n;
	return mmu_pte_alloc(&c->to->mmu, va) ? 0 : -ENOMEM;
}

/* Parent's table lock held. */
static inline void copy_file_entry(struct copy *c, struct page *p, pte_t *to, pte_t pte)
{
	if (!c->young_file_pages || !pte_young(pte))
		return;
	page_get(p);
	if (atomic_inc(&p->mapcount) == 1)
		stat_add(STAT_MAPPED, 1);
	if (page_test(p, PG_SWAPBACKED))
		c->shmem++;
	else
		c->file++;
	pte_store(to, pte);
}

/* Parent's table lock held. The child will read its own copy. */
static void copy_swap_entry(struct copy *c, pte_t *to, pte_t pte)
{
	swap_get(pte_swap_place(pte));
	c->swap++;
	pte_store(to, pte);
}

/* Parent's table lock held. The child gets a page of its own, the parent keeps its right. */
static bool copy_stack_page(struct copy *c, const struct page *p, pte_t *to, pte_t pte)
{
	struct page *new = c->stack_page;

	if (!new || !pte_write(pte))
		return false;
	c->stack_page = NULL;
	page_copy(page_address(new), page_address(p));
	pte_store(to, pte_with(pte, page_to_pfn(new)));
	c->anon++;
	return true;
}

static int copy_table(pte_t *from, vaddr_t va, unsigned n, void *arg)
{
	struct copy *c = arg;
	struct spinlock *ptl = mmu_pte_lock(from);
	pte_t *to = mmu_pte_alloc(&c->to->mmu, va);

	if (!to)
		return -ENOMEM;
	spin_lock(ptl);
	for (; n > 0; n--, from++, to++, va += PAGE_SIZE) {
		pte_t pte = pte_load(from);
		struct page *p;

		if (pte_none(pte))
			continue;
		if (unlikely(pte_special(pte))) {
			if (pte_swap(pte))
				copy_swap_entry(c, to, pte);
			continue;
		}
		p = pfn_to_page(pte_pfn(pte));
		if (!page_test(p, PG_ANON)) {
			copy_file_entry(c, p, to, pte);
			continue;
		}
		if (unlikely(va == c->stack_va) && copy_stack_page(c, p, to, pte))
			continue;
		if (pte_write(pte)) {
			pte = pte_wrprotect(pte);
			pte_store(from, pte);
			c->flush = true;
		}
		page_get(p);
		c->anon++;
		pte_store(to, pte);
	}
	spin_unlock(ptl);
	return 0;
}

static int copy_anon(struct mm *from, struct vma *v, struct copy *c)
{
	return mmu_for_each_table(&from->mmu, v->start, v->end, copy_table, c);
}

/* A private mapping of a file. Tables are made first, as the copying may not sleep. */
static int copy_file(struct mm *from, struct vma *v, struct vma *child, struct copy *c)
{
	struct mapping *m = v->mapping;
	int err;

	c->young_file_pages = vma_pages(v) <= SMALL_FILE_PAGES;
	if (v->flags & VM_SHARED || (!v->has_anon && !c->young_file_pages)) {
		vma_link_mapping(child);
		return 0;
	}
	err = mmu_for_each_table(&from->mmu, v->start, v->end, alloc_table, c);
	if (err) {
		vma_link_mapping(child);
		return err;
	}
	spin_lock(&m->mmap_lock);
	err = mmu_for_each_table(&from->mmu, v->start, v->end, copy_table, c);
	list_add_tail(&child->map_node, &m->vmas);
	spin_unlock(&m->mmap_lock);
	return err;
}

static int copy_vma(struct mm *from, struct vma *v, struct copy *c)
{
	struct vma *child = slab_alloc(vma_slab, GFP_KERNEL);
	int err;

	if (!child)
		return -ENOMEM;
	*child = *v;
	child->mm = c->to;
	child->flags &= ~(uint32_t)VM_LOCKED;
	list_init(&child->map_node);
	if (child->flags & VM_ACCOUNT) {
		err = vm_commit((int64_t)vma_pages(v));
		if (err) {
			slab_free(vma_slab, child);
			return err;
		}
	}
	if (child->ops && child->ops->open)
		child->ops->open(child);
	vma_insert(c->to, child);
	mm_account(c->to, child, (int64_t)vma_pages(child));
	if (v->mapping)
		return copy_file(from, v, child, c);
	if (v->flags & (VM_PFN | VM_SPECIAL | VM_WIPEONFORK))
		return 0;
	return copy_anon(from, v, c);
}

static void copy_settings(struct mm *to, const struct mm *from)
{
	to->brk_start = from->brk_start;
	to->brk = from->brk;
	to->mmap_base = from->mmap_base;
	to->stack_top = from->stack_top;
	to->code_start = from->code_start;
	to->code_end = from->code_end;
	to->data_start = from->data_start;
	to->data_end = from->data_end;
	to->arg_start = from->arg_start;
	to->arg_end = from->arg_end;
	to->env_start = from->env_start;
	to->env_end = from->env_end;
	for (unsigned i = 0; i < from->auxv_words; i++)
		to->auxv[i] = from->auxv[i];
	to->auxv_words = from->auxv_words;
	to->vdso = from->vdso;
	to->limit_as = from->limit_as;
	to->limit_data = from->limit_data;
	to->limit_stack = from->limit_stack;
	to->limit_memlock = from->limit_memlock;
	to->dumpable = from->dumpable;
	to->oom_score_adj = from->oom_score_adj;
}

int mm_fork(struct mm *from, vaddr_t sp, struct mm **out)
{
	struct copy c = {.stack_va = sp & PAGE_MASK};
	int err = mm_create(&c.to);

	if (err)
		return err;
	if (refcount_read(&from->users) == 1) /* else another thread might write meanwhile */
		c.stack_page = page_alloc(
			0, GFP_USER | GFP_NORETRY); /* not having it is no error */
	if (c.stack_page)
		c.stack_page->flags = 1u << PG_ANON;
	rwsem_write_lock(&from->lock);
	copy_settings(c.to, from);
	for (struct vma *v = mm_find(from, 0); v && !err; v = vma_next(v))
		if (!(v->flags & VM_DONTCOPY))
			err = copy_vma(from, v, &c);
	atomic64_set(&c.to->anon_pages, c.anon);
	atomic64_set(&c.to->file_pages, c.file);
	atomic64_set(&c.to->shmem_pages, c.shmem);
	atomic64_set(&c.to->swap_pages, c.swap);
	if (c.anon)
		stat_add(STAT_ANON, c.anon);
	if (c.flush)
		tlb_flush_all(&from->mmu);
	rwsem_write_unlock(&from->lock);
	if (c.stack_page)
		page_put(c.stack_page);
	if (err) {
		mm_put(c.to);
		return err;
	}
	mm_list_add(c.to);
	*out = c.to;
	return 0;
}
