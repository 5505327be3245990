/*
 * time.c - the wall clock: clock_ns() plus an offset, which is one word that is read and written
 * whole.
 */
#include <time.h>

static int64_t offset_ns;
static struct realtime_watcher *watchers;

void realtime_watch(struct realtime_watcher *w)
{
	w->next = watchers;
	watchers = w;
}

int64_t realtime_offset_ns(void)
{
	return __atomic_load_n(&offset_ns, __ATOMIC_RELAXED);
}

int64_t realtime_ns(void)
{
	return (int64_t)clock_ns() + realtime_offset_ns();
}

void realtime_set_ns(int64_t ns)
{
	__atomic_store_n(&offset_ns, ns - (int64_t)clock_ns(), __ATOMIC_RELAXED);
	for (struct realtime_watcher *w = watchers; w; w = w->next)
		w->changed(w);
}

/* Reading the counter is about as cheap as looking up a cached time, and never goes back between
 * CPUs. */
struct timespec time_now_coarse(void)
{
	return ns_to_timespec(realtime_ns());
}

void time_init(void)
{
	realtime_set_ns(clock_rtc_seconds() * (int64_t)NSEC_PER_SEC);
}
