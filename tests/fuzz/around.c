/*
 * around.c - what the network stack needs of other rooms and fuzz targets do not link: anonymous
 * shared memory for packet rings, user memory, character devices, Unix sockets, the log of what is
 * unsupported.
 */
#include <arch/mmu.h>
#include <arch/usercopy.h>
#include <cred.h>
#include <error.h>
#include <file.h>
#include <netctl.h>
#include <pagecache.h>
#include <slab.h>
#include <string.h>
#include <vm.h>
#include "around.h"
#include "kernel/net/inet.h"
#include "world.h"

const struct file_ops *world_tun_ops;

int chrdev_register(
	dev_t dev, const char *name, mode_t mode, const struct file_ops *ops, void *private)
{
	world_tun_ops = ops; /* the only one of the network room */
	return 0;
}
bool cred_in_group(const struct cred *c, gid_t gid)
{
	return true;
}
int file_create_anon(const char *name, const struct file_ops *ops, void *private, unsigned flags,
	struct file **out)
{
	return -ENFILE;
}
void unix_init(void)
{
}
int unix_sock_each(struct net *net, int (*fn)(const struct unix_sock_info *i, void *arg), void *arg)
{
	return 0;
}
void unsupported(const char *what, uint64_t value);
void unsupported(const char *what, uint64_t value)
{
}

/* ---- user memory: world_user, and nothing else ---- */

uint8_t world_user[WORLD_USER];

static bool is_bad(const void __user *p, size_t n)
{
	const size_t at = (uintptr_t)p - (uintptr_t)world_user;

	return at > WORLD_USER || n > WORLD_USER - at;
}
size_t copy_from_user_partial(void *dst, const void __user *src, size_t n)
{
	if (is_bad(src, n))
		return n;
	memcpy(dst, (const void *)src, n);
	return 0;
}
size_t copy_to_user_partial(void __user *dst, const void *src, size_t n)
{
	if (is_bad(dst, n))
		return n;
	memcpy((void *)dst, src, n);
	return 0;
}
ssize_t strncpy_from_user(char *dst, const char __user *src, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (is_bad(src + i, 1))
			return -EFAULT;
		dst[i] = src[i];
		if (!dst[i])
			return (ssize_t)i;
	}
	return -ENAMETOOLONG;
}

/* ---- a packet ring's pages: one block, so that the kernel's view of them is the block ---- */

struct mapping_pages {
	struct mapping mapping; /* first */
	struct page *first;
	unsigned order;
};

struct mapping *shmem_mapping_create(int64_t size)
{
	struct mapping_pages *m = kzalloc(sizeof(*m));

	if (!m)
		return NULL;
	list_init(&m->mapping.vmas);
	while ((int64_t)PAGE_SIZE << m->order < size)
		m->order++;
	m->first = m->order > 8 ? NULL : page_alloc(m->order, GFP_KERNEL | GFP_ZERO);
	if (!m->first) {
		kfree(m);
		return NULL;
	}
	for (unsigned i = 1; i < 1u << m->order; i++)
		refcount_set(&m->first[i].refs, 1);
	return &m->mapping;
}
void shmem_mapping_put(struct mapping *mapping)
{
	struct mapping_pages *m = container_of(mapping, struct mapping_pages, mapping);

	page_free(m->first, m->order);
	kfree(m);
}
int pagecache_get(struct mapping *mapping, uint64_t index, struct page **out)
{
	const struct mapping_pages *m = container_of(mapping, struct mapping_pages, mapping);

	if (index >> m->order)
		return -EINVAL;
	*out = m->first + index;
	refcount_inc(&m->first[index].refs);
	return 0;
}
void *vmap_pages(const pfn_t *pfns, unsigned n)
{
	return page_address(page_array + pfns[0]);
}
void vunmap(void *va, unsigned n)
{
}
