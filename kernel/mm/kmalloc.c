/*
 * kmalloc.c - memory by size: a cache per size class up to 8 KiB, whole pages above.
 *
 * Does not: shrink blocks, tell how large a block really is. Theory: slab.c
 */
#include <debug.h>
#include <memcheck.h>
#include <slab.h>
#include <string.h>
#include "slab_internal.h"

#define SMALL_MAX 1024u
#define CLASS_MAX 8192u
#define LARGE_MAX (4ul << 20)

static const struct {
	uint16_t bytes;
	const char *name;
} classes[] = {
	{16, "kmalloc-16"},
	{32, "kmalloc-32"},
	{48, "kmalloc-48"},
	{64, "kmalloc-64"},
	{96, "kmalloc-96"},
	{128, "kmalloc-128"},
	{192, "kmalloc-192"},
	{256, "kmalloc-256"},
	{384, "kmalloc-384"},
	{512, "kmalloc-512"},
	{768, "kmalloc-768"},
	{1024, "kmalloc-1k"},
	{2048, "kmalloc-2k"},
	{4096, "kmalloc-4k"},
	{8192, "kmalloc-8k"},
};
static struct slab_cache *by_16[SMALL_MAX / 16]; /* index: (bytes - 1) / 16 */
static struct slab_cache *by_class[ARRAY_SIZE(classes)];

void kmalloc_init(void)
{
	unsigned next = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(classes); i++) {
		by_class[i] = slab_cache_create(classes[i].name, classes[i].bytes, 16, NULL);
		while (next < ARRAY_SIZE(by_16) && (next + 1) * 16 <= classes[i].bytes)
			by_16[next++] = by_class[i];
	}
}

static unsigned order_of(size_t n)
{
	return n <= PAGE_SIZE ? 0 : 64 - (unsigned)__builtin_clzll((n - 1) >> PAGE_SHIFT);
}

static void *alloc_large(size_t n, unsigned gfp)
{
	struct page *p;

	if (n > LARGE_MAX || slab_should_fail())
		return NULL;
	p = page_alloc(order_of(n), gfp);
	return p ? page_address(p) : NULL;
}

static inline void *by_size(size_t n, unsigned gfp)
{
	if (likely(n - 1 < SMALL_MAX))
		return slab_alloc(by_16[(n - 1) / 16], gfp);
	if (n == 0)
		return slab_alloc(by_16[0], gfp);
	if (n > CLASS_MAX)
		return alloc_large(n, gfp);
	return slab_alloc(by_class[n <= 2048 ? 12 : n <= 4096 ? 13 : 14], gfp);
}

#if CONFIG_DEBUG
/* What was not asked for may not be touched, though it is there. */
void *kmalloc(size_t n, unsigned gfp)
{
	void *p = by_size(n, gfp);
	size_t used = ALIGN_UP(n, 8ul), all;
	const struct slab_cache *c;

	if (!p)
		return NULL;
	c = slab_cache_of(p);
	all = c ? slab_object_bytes(c) : PAGE_SIZE << order_of(n);
	if (all > used)
		mem_forbid((char *)p + used, all - used, MEM_BEHIND_OBJECT);
	mem_allow(p, n);
	return p;
}
#else
void *kmalloc(size_t n, unsigned gfp)
{
	return by_size(n, gfp);
}
#endif

void *kzalloc(size_t n)
{
	return kmalloc(n, GFP_ZERO);
}

void *kcalloc(size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		return NULL;
	return kzalloc(bytes);
}

void kfree(const void *p)
{
	struct slab_cache *c;

	if (!p)
		return;
	c = slab_cache_of(p);
	if (likely(c != NULL)) {
		slab_free(c, (void *)(uintptr_t)p);
		return;
	}
	ASSERT(IS_ALIGNED((uintptr_t)p, PAGE_SIZE));
	page_free(virt_to_page(p), (unsigned)virt_to_page(p)->order);
}

char *kstrndup(const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *copy = kmalloc(len + 1, GFP_KERNEL);

	if (!copy)
		return NULL;
	memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

char *kstrdup(const char *s)
{
	return kstrndup(s, SIZE_MAX);
}
