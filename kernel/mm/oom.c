/*
 * oom.c - the last resort when memory cannot be found: proc chooses a victim, this says why.
 *
 * One kill at a time: others that run out meanwhile wait for its memory.
 */
#include <log.h>
#include <mutex.h>
#include <time.h>
#include "internal.h"

#define GRACE_NS (100 * NSEC_PER_MSEC) /* time for a victim to die before the next is chosen */

bool (*oom_kill_hook)(const char *why);
static struct mutex oom_lock = MUTEX_INIT(oom_lock);
static uint64_t last_kill_ns;

static void say(unsigned order, unsigned gfp)
{
	struct mem_stats s;

	mem_stats(&s);
	log_err("out of memory: %s needs %u pages (%s): %llu KiB free, %llu anonymous, %llu "
		"shared, %llu file, %llu slab of %llu; %llu of swap",
		current->name, 1u << order, gfp & GFP_USER ? "program" : "kernel",
		(unsigned long long)s.free * 4, (unsigned long long)s.anon * 4,
		(unsigned long long)s.shmem * 4,
		(unsigned long long)(s.active_file + s.inactive_file) * 4,
		(unsigned long long)s.slab_unreclaimable * 4, (unsigned long long)s.total * 4,
		(unsigned long long)s.swap_free * 4);
}

bool oom_kill(unsigned order, unsigned gfp)
{
	bool chosen = true;

	if (!oom_kill_hook)
		return false;
	if (!mutex_trylock(&oom_lock))
		return true;
	if (!last_kill_ns || clock_ns() - last_kill_ns > GRACE_NS) {
		say(order, gfp);
		chosen = oom_kill_hook("out of memory");
		last_kill_ns = clock_ns();
	}
	mutex_unlock(&oom_lock);
	return chosen;
}
