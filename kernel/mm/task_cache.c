/*
 * task_cache.c - memory for struct task, lent to core, which lies below and cannot allocate for
 * itself.
 */
#include <sched.h>
#include <slab.h>

static struct slab_cache *cache;

static struct task *alloc(void)
{
	return slab_alloc(cache, GFP_KERNEL | GFP_ZERO);
}

static void release(struct task *t)
{
	slab_free(cache, t);
}

void task_cache_init(void)
{
	static const struct task_allocator allocator = {alloc, release};

	cache = slab_cache_create("task", sizeof(struct task), 64, NULL);
	task_set_allocator(&allocator);
}
