/*
 * slab.h - small objects: kmalloc() by size class, and caches of one type with per-CPU magazines.
 *
 * kmalloc() above 8 KiB falls through to whole pages (up to 4 MiB). Objects are aligned to 16
 * bytes, caches to what they ask. DEBUG: poison, red zones, caller. `failslab=N` on the command
 * line makes every Nth allocation fail.
 */
#pragma once
#include <page.h>

struct slab_cache;
void *kmalloc(size_t n, unsigned gfp) __must_check;
void *kzalloc(size_t n) __must_check;              /* GFP_KERNEL, zeroed */
void *kcalloc(size_t n, size_t size) __must_check; /* overflow checked */
void kfree(const void *p);                         /* NULL is fine */
char *kstrdup(const char *s) __must_check;
char *kstrndup(const char *s, size_t n) __must_check;
/* Panics if it cannot: boot only. @ctor NULL or run on each object when its slab is made (objects
 * go back constructed). */
struct slab_cache *slab_cache_create(
	const char *name, size_t size, size_t align, void (*ctor)(void *));
void *slab_alloc(struct slab_cache *c, unsigned gfp) __must_check;
void slab_free(struct slab_cache *c, void *p);
/* Memory given back on pressure: returns pages freed. */
struct shrinker {
	const char *name;
	uint64_t (*count)(void);
	uint64_t (*scan)(uint64_t nr);
	struct list_head node;
};
void shrinker_register(struct shrinker *s);
struct slab_info {
	const char *name;
	uint64_t active, total, size, pages;
};
bool slab_info_get(
	unsigned nth, struct slab_info *out); /* for /proc/slabinfo; false past the last */
void slab_init(void);                         /* boot: after page_init() */
