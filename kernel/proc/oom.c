/*
 * oom.c - whom to kill when memory cannot be found.
 *
 * The process with the largest resident set, moved by oom_score_adj (thousandths of all memory,
 * -1000: never). Init and processes that are already dying are not chosen; while a victim still
 * holds memory no second one is, for a while.
 */
#include <log.h>
#include <process.h>
#include <string.h>
#include <task.h>
#include <vm.h>
#include "proc.h"

#define VICTIM_TIME_NS (10 * NSEC_PER_SEC)

struct choice {
	struct process *p;
	int64_t points;
	uint64_t rss;
};

/* Pages of @p in memory and swap space; 0 when it has given up its memory. */
static uint64_t rss_of(struct process *p)
{
	const struct uthread *u;
	uint64_t rss = 0;
	unsigned long f = spin_lock_irq(&p->sig_lock);

	list_for_each_entry (u, &p->threads, node) {
		if (u->task->mm) {
			rss = mm_rss(u->task->mm) +
			      (uint64_t)atomic64_read(&u->task->mm->swap_pages);
			break;
		}
	}
	spin_unlock_irq(&p->sig_lock, f);
	return rss;
}

/* false: a victim is still on its way out. */
static bool choose_locked(struct choice *best, uint64_t total)
{
	struct process *p;

	list_for_each_entry (p, &all_processes, all_node) {
		uint64_t rss = rss_of(p);
		int64_t points = (int64_t)rss + p->oom_score_adj * (int64_t)(total / 1000);

		if (!rss || p == init_process || (p->flags & PROC_INIT) ||
			p->oom_score_adj == -1000)
			continue;
		if (p->oom_killed_ns) {
			if (clock_ns() - p->oom_killed_ns < VICTIM_TIME_NS)
				return false;
			continue;
		}
		if (!best->p || points > best->points)
			*best = (struct choice){p, points, rss};
	}
	return true;
}

static bool kill_largest(const char *why)
{
	struct mem_stats stats;
	struct choice best = {0};
	char name[sizeof(current->name)] = "";
	unsigned long f;
	bool idle;

	mem_stats(&stats);
	f = spin_lock_irq(&tasklist_lock);
	idle = choose_locked(&best, stats.total);
	if (best.p && idle) {
		best.p->oom_killed_ns = clock_ns();
		process_get(best.p);
		strlcpy(name, best.p->leader->name, sizeof(name));
	}
	spin_unlock_irq(&tasklist_lock, f);
	if (!idle)
		return true;
	if (!best.p)
		return false;
	log_err("%s: killing %s[%d], %llu KiB resident, oom_score_adj %d", why, name, best.p->pid,
		(unsigned long long)best.rss * 4, best.p->oom_score_adj);
	signal_send_process(best.p, SIGKILL, NULL);
	process_put(best.p);
	return true;
}

void oom_init(void)
{
	oom_kill_hook = kill_largest;
}
