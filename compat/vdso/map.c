/*
 * map.c - the kernel's side of the vDSO: its two pages, the numbers in the second, and their place
 * in every program.
 *
 * All programs share the same two pages: code, then numbers. The numbers change when the wall clock
 * is set.
 */
#include <arch/clock.h>
#include <error.h>
#include <page.h>
#include <seqlock.h>
#include <spinlock.h>
#include <string.h>
#include <time.h>
#include <vm.h>
#include <personality.h>
#include "data.h"

enum { CODE_PAGE, DATA_PAGE, NR_PAGES };
extern const uint8_t vdso_image[], vdso_image_end[];
static struct page *pages[NR_PAGES]; /* constant after boot; all NULL: no vDSO */
static struct spinlock data_lock = SPINLOCK_INIT(
	"vdso"); /* leaf, irq-save: writers of the numbers */

static int vdso_fault(struct vma *v, uint64_t pgoff, struct page **out)
{
	if (pgoff >= NR_PAGES)
		return -EIO;
	*out = page_get(pages[pgoff]);
	return 0;
}

static const char *vdso_name(struct vma *v)
{
	return "[vdso]";
}

static const struct vma_ops vdso_vma_ops = {.fault = vdso_fault, .name = vdso_name};

int vdso_map(struct mm *mm, vaddr_t *at)
{
	struct vm_map_args a = {
		.length = NR_PAGES * PAGE_SIZE,
		.flags = VM_READ | VM_EXEC | VM_MAYREAD | VM_MAYEXEC | VM_SPECIAL | VM_DONTDUMP,
		.ops = &vdso_vma_ops,
	};

	*at = 0;
	return pages[CODE_PAGE] ? mm_map(mm, &a, at) : 0;
}

/* Readers are programs: they see an odd count and wait, or a changed one and read again. */
static void update(void)
{
	struct vdso_data *d = page_address(pages[DATA_PAGE]);
	struct clock_params p = {0};
	struct realtime_params r;
	unsigned long f = spin_lock_irq(&data_lock);

	__atomic_store_n(&d->seq, d->seq + 1, __ATOMIC_RELAXED);
	smp_wmb();
	d->usable = clock_get_params(&p);
	d->base = p.base;
	d->base_ns = p.base_ns;
	d->mult = p.mult;
	d->shift = p.shift;
	realtime_params(&r);
	d->offset = r.offset_ns;
	d->rate = r.rate;
	d->offset_base = r.base_ns;
	smp_store_release(&d->seq, d->seq + 1);
	spin_unlock_irq(&data_lock, f);
}

void vdso_init(void)
{
	struct page *code = page_alloc(0, GFP_ZERO), *data = page_alloc(0, GFP_ZERO);
	size_t size = (size_t)(vdso_image_end - vdso_image);

	if (!code || !data || size > PAGE_SIZE) {
		if (code)
			page_free(code, 0);
		if (data)
			page_free(data, 0);
		return;
	}
	memcpy(page_address(code), vdso_image, size);
	pages[CODE_PAGE] = code;
	pages[DATA_PAGE] = data;
	update();
	realtime_changed = update;
}
