/*
 * slab_internal.h - between slab.c (caches) and kmalloc.c (size classes).
 */
#pragma once
#include <slab.h>

void kmalloc_init(void);
void slab_explain(const void *p); /* what object @p is in or behind, to the log; DEBUG */
bool slab_should_fail(void);      /* failslab= */
struct slab_cache *slab_cache_of(const void *p);
size_t slab_object_bytes(const struct slab_cache *c);
