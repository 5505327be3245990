/*
 * access.c - looking into an address space from outside: debuggers, /proc/PID/mem, exec's new
 * stack, pages lent to the network, futex keys, smaps.
 */
#include <error.h>
#include <sched.h>
#include <string.h>
#include "fault.h"

static int check_access(const struct vma *v, bool write, bool force)
{
	if (v->flags & VM_PFN)
		return -EFAULT;
	if (write)
		return v->flags & VM_WRITE || (force && (v->flags & (VM_MAYWRITE | VM_SHARED)) ==
								VM_MAYWRITE)
			       ? 0
			       : -EFAULT;
	return vma_prot(v) || (force && v->flags & VM_MAYREAD) ? 0 : -EFAULT;
}

/* The page under @va if its entry serves the access as it is, referenced. */
static struct page *mapped_page(struct mm *m, vaddr_t va, bool write)
{
	pte_t *ptep = mmu_pte(&m->mmu, va), pte;
	struct page *p = NULL;

	if (!ptep)
		return NULL;
	spin_lock(mmu_pte_lock(ptep));
	pte = pte_load(ptep);
	if (pte_present(pte)) {
		struct page *there = pfn_to_page(pte_pfn(pte));
		bool own = !pte_special(pte) && page_test(there, PG_ANON) &&
			   refcount_read(&there->refs) == 1;

		if (!write || pte_write(pte) || own)
			p = page_get(there);
	}
	spin_unlock(mmu_pte_lock(ptep));
	return p;
}

/* mm->lock held for reading. */
static int access_page(struct mm *m, vaddr_t addr, bool write, bool force, struct page **out)
{
	struct vma *v = vma_at(m, addr);
	int err = v ? check_access(v, write, force) : -EFAULT;

	while (!err) {
		*out = mapped_page(m, addr & PAGE_MASK, write);
		if (*out)
			return 0;
		err = fault_in_page(
			m, v, addr & PAGE_MASK, FAULT_FORCE | (write ? FAULT_WRITE : 0));
		if (err == -EREFAULT)
			err = 0;
		if (task_interrupted(current, TASK_KILLABLE))
			err = -EFAULT;
	}
	return -EFAULT;
}

/* mm->lock held for reading, also on return. A stack that must grow first: exec writes below its
 * start. */
static void reach_stack(struct mm *m, vaddr_t addr)
{
	struct vma *v = mm_find(m, addr);

	if (likely(!v || v->start <= addr || !(v->flags & VM_GROWSDOWN)))
		return;
	rwsem_read_unlock(&m->lock);
	rwsem_write_lock(&m->lock);
	v = mm_find(m, addr);
	if (v && v->start > addr)
		(void)!expand_stack_locked(m, v, addr); /* if not, the access fails */
	rwsem_downgrade(&m->lock);
}

/*
 * Stores through the kernel's own mapping leave no trace in the program's entry: writeback may have
 * taken the right from it and written the page since we looked, so the page is marked here.
 */
static void store_bytes(struct page *p, size_t offset, const void *from, size_t n)
{
	char *to = (char *)page_address(p) + offset;

	if (page_test(p, PG_ANON)) {
		if (page_test(p, PG_LAZY))
			page_clear_flag(p, PG_LAZY);
		if (page_test(p, PG_SWAPPING))
			page_clear_flag(p, PG_SWAPPING);
		memcpy(to, from, n);
		return;
	}
	page_lock(p);
	memcpy(to, from, n);
	page_mark_dirty(p); /* nothing to do if it was cut off its file meanwhile */
	page_unlock(p);
}

ssize_t mm_access(struct mm *m, vaddr_t addr, void *buf, size_t n, bool write, bool force)
{
	size_t done = 0;

	rwsem_read_lock(&m->lock);
	reach_stack(m, addr);
	while (done < n && addr < USER_END) {
		size_t offset = addr & (PAGE_SIZE - 1), part = MIN(PAGE_SIZE - offset, n - done);
		struct page *p;

		if (access_page(m, addr, write, force, &p) < 0)
			break;
		if (write)
			store_bytes(p, offset, (char *)buf + done, part);
		else
			memcpy((char *)buf + done, (char *)page_address(p) + offset, part);
		page_put(p);
		done += part;
		addr += part;
	}
	rwsem_read_unlock(&m->lock);
	return done || !n ? (ssize_t)done : -EFAULT;
}

/* May be shared with who only reads: memory whose pages stay what they are while they are
 * referenced; not a device's, nor the page that all see where nothing was written yet. */
static bool may_pin(const struct page *p)
{
	return page_test(p, PG_ANON) || READ_ONCE(p->mapping);
}

int mm_pin_pages(struct mm *m, vaddr_t addr, struct page **out, unsigned n)
{
	unsigned done = 0;
	int err = -EFAULT;

	addr &= PAGE_MASK;
	rwsem_read_lock(&m->lock);
	for (; done < n && addr < USER_END; done++, addr += PAGE_SIZE) {
		err = access_page(m, addr, false, false, &out[done]);
		if (err)
			break;
		if (!may_pin(out[done])) {
			page_put(out[done]);
			err = -EOPNOTSUPP;
			break;
		}
	}
	rwsem_read_unlock(&m->lock);
	return done ? (int)done : err;
}

int mm_futex_key(vaddr_t addr, bool private, struct futex_key *out)
{
	struct mm *m = current->mm;
	struct vma *v;

	if (!m || addr >= USER_END)
		return -EFAULT;
	*out = (struct futex_key){
		.object = (uint64_t)(uintptr_t)m, .offset = addr, .shared = false};
	if (private)
		return 0;
	/* Not the private word at the same address. */
	out->shared = true;
	rwsem_read_lock(&m->lock);
	v = vma_at(m, addr);
	if (v && v->mapping && (v->flags & VM_SHARED || !(v->flags & VM_WRITE)))
		*out = (struct futex_key){
			.object = (uint64_t)(uintptr_t)v->mapping,
			.offset = vma_index(v, addr & PAGE_MASK) << PAGE_SHIFT |
				  (addr & (PAGE_SIZE - 1)),
			.shared = true,
		};
	/* Memory of one's own that nobody may write will never change. */
	if (v && !v->mapping && !(v->flags & VM_WRITE))
		v = NULL;
	rwsem_read_unlock(&m->lock);
	return v ? 0 : -EFAULT;
}

static void count_entry(const struct vma *v, pte_t pte, struct vma_usage *u)
{
	struct page *p = pfn_to_page(pte_pfn(pte));
	bool anon = page_test(p, PG_ANON), dirty = anon || page_test(p, PG_DIRTY);
	int users = anon ? refcount_read(&p->refs) : atomic_read(&p->mapcount);
	uint64_t *kind = users > 1 ? dirty ? &u->shared_dirty : &u->shared_clean
			 : dirty   ? &u->private_dirty
				   : &u->private_clean;

	(void)v;
	u->rss += PAGE_SIZE;
	u->pss += PAGE_SIZE / (uint64_t)(users > 0 ? users : 1);
	*kind += PAGE_SIZE;
	u->anonymous += anon ? PAGE_SIZE : 0;
	u->referenced += pte_young(pte) || page_test(p, PG_REFERENCED) ? PAGE_SIZE : 0;
}

struct usage {
	struct vma *v;
	struct vma_usage *out;
};

static int usage_table(pte_t *pte, vaddr_t va, unsigned n, void *arg)
{
	struct usage *c = arg;
	struct spinlock *ptl = mmu_pte_lock(pte);

	(void)va;
	spin_lock(ptl);
	for (; n > 0; n--, pte++) {
		pte_t e = pte_load(pte);

		if (pte_present(e) && !pte_special(e))
			count_entry(c->v, e, c->out);
		else if (pte_swap(e))
			c->out->swap += PAGE_SIZE;
	}
	spin_unlock(ptl);
	return 0;
}

/* mm->lock held. Bytes. */
void vma_usage(struct vma *v, struct vma_usage *out)
{
	struct usage c = {.v = v, .out = out};

	*out = (struct vma_usage){0};
	(void)mmu_for_each_table(&v->mm->mmu, v->start, v->end, usage_table, &c);
}
