/*
 * usage.c - what threads and processes have used: getrusage(2), CPU clocks.
 */
#include <process.h>
#include <vm.h>
#include "proc.h"

void usage_add(struct usage *to, const struct usage *from)
{
	to->user_ns += from->user_ns;
	to->system_ns += from->system_ns;
	to->min_faults += from->min_faults;
	to->maj_faults += from->maj_faults;
	to->vol_switches += from->vol_switches;
	to->invol_switches += from->invol_switches;
	to->in_blocks += from->in_blocks;
	to->out_blocks += from->out_blocks;
	to->max_rss_pages = MAX(to->max_rss_pages, from->max_rss_pages);
}

/* Of the thread alone: its address space is the process's. */
void task_usage(struct task *t, struct usage *out)
{
	*out = (struct usage){
		.min_faults = t->minor_faults,
		.maj_faults = t->major_faults,
		.vol_switches = t->voluntary_switches,
		.invol_switches = t->involuntary_switches,
	};
	task_times(t, &out->user_ns, &out->system_ns);
}

static uint64_t peak_rss(const struct mm *m)
{
	uint64_t now = mm_rss(m);

	return MAX(now, m->peak_rss);
}

void process_usage_locked(struct process *p, struct usage *out)
{
	const struct uthread *u;

	*out = p->dead;
	out->in_blocks += p->io_read_bytes / 512;
	out->out_blocks += p->io_write_bytes / 512;
	list_for_each_entry (u, &p->threads, node) {
		struct usage one;

		if (u->is_dead)
			continue;
		task_usage(u->task, &one);
		if (u->task->mm)
			one.max_rss_pages = peak_rss(u->task->mm);
		usage_add(out, &one);
	}
}

void process_usage(struct process *p, struct usage *out, bool children)
{
	unsigned long f = spin_lock_irq(children ? &tasklist_lock : &p->sig_lock);

	if (children)
		*out = p->children_usage;
	else
		process_usage_locked(p, out);
	spin_unlock_irq(children ? &tasklist_lock : &p->sig_lock, f);
}

uint64_t process_cpu_ns(struct process *p)
{
	struct usage u;

	process_usage(p, &u, false);
	return u.user_ns + u.system_ns;
}
