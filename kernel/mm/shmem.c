/*
 * shmem.c - memory shared by mapping it: shared anonymous mappings and System V segments, as
 * mappings without a file.
 *
 * Pages are zero-filled when first touched and stay until the mapping goes; its size counts as
 * committed memory from the start.
 */
#include <error.h>
#include <slab.h>
#include <string.h>
#include "internal.h"

/* Key: [c] constant */
struct shmem {
	struct mapping mapping;
	refcount_t refs;
	int64_t size; /* [c] bytes */
};
static struct slab_cache *shmem_slab;

int shmem_readpage(struct mapping *m, struct page *p)
{
	(void)m;
	page_clear(page_address(p));
	page_set(p, PG_SWAPBACKED);
	page_end_read(p, 0);
	return 0;
}

static int64_t shmem_size(struct mapping *m)
{
	return container_of(m, struct shmem, mapping)->size;
}

static const struct mapping_ops shmem_ops = {.readpage = shmem_readpage, .size = shmem_size};

struct mapping *shmem_mapping_create(int64_t size)
{
	struct shmem *s;

	if (size < 0 || vm_commit((int64_t)bytes_to_pages(size)) < 0)
		return NULL;
	s = slab_alloc(shmem_slab, GFP_KERNEL);
	if (!s) {
		vm_uncommit((int64_t)bytes_to_pages(size));
		return NULL;
	}
	mapping_init(&s->mapping, &shmem_ops, s, MAPPING_UNEVICTABLE);
	refcount_set(&s->refs, 1);
	s->size = size;
	return &s->mapping;
}

struct mapping *shmem_mapping_get(struct mapping *m)
{
	refcount_inc(&container_of(m, struct shmem, mapping)->refs);
	return m;
}

void shmem_mapping_put(struct mapping *m)
{
	struct shmem *s = container_of(m, struct shmem, mapping);

	if (!refcount_dec(&s->refs))
		return;
	mapping_fini(m);
	vm_uncommit((int64_t)bytes_to_pages(s->size));
	slab_free(shmem_slab, s);
}

int64_t shmem_mapping_size(struct mapping *m)
{
	return shmem_size(m);
}

static void shmem_vma_open(struct vma *v)
{
	shmem_mapping_get(v->mapping);
}

static void shmem_vma_close(struct vma *v)
{
	shmem_mapping_put(v->mapping);
}

static const char *shmem_vma_name(struct vma *v)
{
	(void)v;
	return "/dev/zero (deleted)";
}

const struct vma_ops shmem_vma_ops = {
	.open = shmem_vma_open, .close = shmem_vma_close, .name = shmem_vma_name};

void shmem_init(void)
{
	shmem_slab = slab_cache_create("shmem", sizeof(struct shmem), 0, NULL);
}
