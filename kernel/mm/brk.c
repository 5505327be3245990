/*
 * brk.c - the heap that grows at its end. brk(2).
 */
#include <error.h>
#include <slab.h>
#include "internal.h"

#define HEAP_FLAGS (VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC | VM_ACCOUNT)

/* Makes [start, end) heap: the VMA below grows, or a new one begins. */
static int grow_heap(struct mm *m, vaddr_t start, vaddr_t end)
{
	uint32_t flags = HEAP_FLAGS | m->def_flags;
	uint64_t pages = (end - start) >> PAGE_SHIFT;
	struct vma *v;
	int err = mm_check_limits(m, flags, pages);

	if (err || end > USER_END || !vma_range_free(m, start, end + PAGE_SIZE))
		return err ? err : -ENOMEM;
	err = vm_commit((int64_t)pages);
	if (err)
		return err;
	v = start > m->brk_start ? vma_at(m, start - 1) : NULL;
	if (v && v->end == start && v->flags == flags && !v->mapping && !v->ops && !v->file) {
		vma_resize(v, v->start, end);
		mm_account(m, v, (int64_t)pages);
		return 0;
	}
	v = slab_alloc(vma_slab, GFP_ZERO);
	if (!v) {
		vm_uncommit((int64_t)pages);
		return -ENOMEM;
	}
	v->mm = m;
	v->start = start;
	v->end = end;
	v->flags = flags;
	list_init(&v->map_node);
	mm_account(m, v, (int64_t)pages);
	vma_insert(m, v);
	return 0;
}

int64_t mm_brk(struct mm *m, vaddr_t want)
{
	vaddr_t old_end, new_end;
	int64_t result;
	bool populate = false;
	LIST_HEAD(dead);

	rwsem_write_lock(&m->lock);
	old_end = ALIGN_UP(m->brk, PAGE_SIZE);
	new_end = ALIGN_UP(want, PAGE_SIZE);
	if (want >= m->brk_start && want < USER_END &&
		(want <= m->brk ||
			want - m->brk_start + (m->data_end - m->data_start) <= m->limit_data)) {
		int err = 0;

		if (new_end < old_end)
			err = unmap_locked(m, new_end, old_end, &dead);
		else if (new_end > old_end)
			err = grow_heap(m, old_end, new_end);
		if (!err)
			m->brk = want;
		populate = !err && new_end > old_end && m->def_flags & VM_LOCKED &&
			   !m->lock_on_fault;
	}
	result = (int64_t)m->brk;
	rwsem_write_unlock(&m->lock);
	vma_free_all(&dead);
	if (populate)
		(void)!mm_populate(m, old_end, new_end);
	return result;
}
