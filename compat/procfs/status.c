/*
 * status.c - /proc/PID/stat and /proc/PID/status: proc(5).
 */
#include "procfs.h"
#include <abi/version.h>
#include <vm.h>

/* Everything that both files say, gathered once. */
struct report {
	char comm[16];
	char state;
	pid_t tid, pid, ppid, pgid, sid, foreground;
	uint64_t tty;
	unsigned threads;
	struct usage self, children;
	int priority, nice;
	unsigned cpu, policy, rt_priority;
	uint64_t start_ns, pending, shared_pending, blocked, ignored, caught;
	struct mm *mm; /* referenced or NULL */
	uid_t uid[4];
	gid_t gid[4];
	uint64_t cap[5];
	struct groups *groups;
	bool no_new_privs;
	mode_t umask;
	uint64_t affinity, voluntary, involuntary;
	int exit_code;
};

static char state_letter(const struct process *p, const struct task *t)
{
	uint32_t s = READ_ONCE(t->state);

	if (READ_ONCE(p->flags) & PROC_ZOMBIE || s & TASK_DEAD)
		return 'Z';
	if (s & (TASK_STOPPED | TASK_TRACED))
		return s & TASK_STOPPED ? 'T' : 't';
	if (s & (TASK_UNINTERRUPTIBLE | TASK_KILLABLE))
		return 'D';
	return s & TASK_INTERRUPTIBLE ? 'S' : 'R';
}

static void report_signals(struct report *r, struct process *p, struct task *t)
{
	unsigned long f = spin_lock_irq(&p->sig_lock);

	r->pending = t->uthread->pending.set.bits;
	r->shared_pending = p->pending.set.bits;
	r->blocked = t->uthread->blocked.bits;
	for (int sig = 1; sig <= NSIG; sig++) {
		if (p->action[sig - 1].handler == SIG_IGN)
			r->ignored |= SIGMASK(sig);
		else if (p->action[sig - 1].handler != SIG_DFL)
			r->caught |= SIGMASK(sig);
	}
	spin_unlock_irq(&p->sig_lock, f);
}

static void report_cred(struct report *r, struct task *t)
{
	const struct cred *c;

	rcu_read_lock();
	c = rcu_dereference(t->cred);
	const uid_t uid[4] = {c->uid, c->euid, c->suid, c->fsuid};
	const gid_t gid[4] = {c->gid, c->egid, c->sgid, c->fsgid};
	const uint64_t cap[5] = {
		c->inheritable, c->permitted, c->effective, c->bounding, c->ambient};
	memcpy(r->uid, uid, sizeof(uid));
	memcpy(r->gid, gid, sizeof(gid));
	memcpy(r->cap, cap, sizeof(cap));
	r->groups = c->groups;
	if (r->groups)
		refcount_inc(&r->groups->refs);
	r->no_new_privs = c->no_new_privs;
	rcu_read_unlock();
}

static int report_make(struct report *r, const struct proc_node *n)
{
	struct process *p = n->process;
	struct task *t = proc_node_task(n);
	struct fs_context *fs;

	*r = (struct report){0};
	if (!t)
		return -ESRCH;
	strlcpy(r->comm, t->name, sizeof(r->comm));
	r->state = state_letter(p, t);
	r->tid = t->tid;
	r->pid = p->pid;
	r->ppid = process_ppid(p);
	r->pgid = MAX(process_getpgid(p->pid), 0);
	r->sid = MAX(process_getsid(p->pid), 0);
	r->tty = process_tty(p, &r->foreground);
	r->threads = READ_ONCE(p->nr_threads);
	if (n->tid)
		task_usage(t, &r->self);
	else
		process_usage(p, &r->self, false);
	process_usage(p, &r->children, true);
	r->nice = t->se.nice;
	r->policy = t->se.policy;
	r->rt_priority = t->se.own_rt_priority;
	r->priority = t->se.rt_priority ? -1 - t->se.rt_priority : 20 + r->nice;
	r->cpu = t->cpu;
	r->start_ns = n->tid ? t->start_ns : p->start_ns;
	r->affinity = t->affinity.bits;
	r->voluntary = t->voluntary_switches;
	r->involuntary = t->involuntary_switches;
	r->exit_code = p->exit_code;
	report_signals(r, p, t);
	report_cred(r, t);
	r->mm = task_mm_get(t);
	fs = task_fs_get(t);
	if (fs) {
		r->umask = READ_ONCE(fs->umask);
		fs_context_put(fs);
	}
	task_put(t);
	return 0;
}

static void report_free(struct report *r)
{
	if (r->mm)
		mm_put(r->mm);
	if (r->groups && refcount_dec(&r->groups->refs))
		kfree(r->groups);
}

static unsigned long long ticks(uint64_t ns)
{
	return ns / NS_PER_TICK;
}

int proc_show_stat(struct text *t, const struct proc_node *n)
{
	struct report r;
	struct mm *m;
	bool look = proc_may_look(n);
	int err = report_make(&r, n);

	if (err)
		return err;
	m = r.mm;
	text_add(t, "%d (%s) %c %d %d %d %d %d 0 %llu %llu %llu %llu ", r.tid, r.comm, r.state,
		r.ppid, r.pgid, r.sid, (int)r.tty, r.foreground ? r.foreground : -1,
		(unsigned long long)r.self.min_faults, (unsigned long long)r.children.min_faults,
		(unsigned long long)r.self.maj_faults, (unsigned long long)r.children.maj_faults);
	text_add(t, "%llu %llu %llu %llu %d %d %u 0 %llu ", ticks(r.self.user_ns),
		ticks(r.self.system_ns), ticks(r.children.user_ns), ticks(r.children.system_ns),
		r.priority, r.nice, r.threads, ticks(r.start_ns));
	text_add(t, "%llu %llu 18446744073709551615 ",
		(unsigned long long)(m ? m->total_pages * PAGE_SIZE : 0),
		(unsigned long long)(m ? mm_rss(m) : 0));
	text_add(t, "%llu %llu %llu 0 0 ", (unsigned long long)(m && look ? m->code_start : 0),
		(unsigned long long)(m && look ? m->code_end : 0),
		(unsigned long long)(m && look ? m->stack_top : 0));
	text_add(t, "%llu %llu %llu %llu 0 0 0 17 %u %u %u 0 0 0 ",
		(unsigned long long)(r.pending & 0x7fffffff),
		(unsigned long long)(r.blocked & 0x7fffffff),
		(unsigned long long)(r.ignored & 0x7fffffff),
		(unsigned long long)(r.caught & 0x7fffffff), r.cpu, r.rt_priority, r.policy);
	if (m && look)
		text_add(t, "%llu %llu %llu %llu %llu %llu %llu %d\n",
			(unsigned long long)m->data_start, (unsigned long long)m->data_end,
			(unsigned long long)m->brk_start, (unsigned long long)m->arg_start,
			(unsigned long long)m->arg_end, (unsigned long long)m->env_start,
			(unsigned long long)m->env_end, r.exit_code);
	else
		text_add(t, "0 0 0 0 0 0 0 %d\n", look ? r.exit_code : 0);
	report_free(&r);
	return 0;
}

static const char *state_name(char letter)
{
	switch (letter) {
	case 'R':
		return "running";
	case 'S':
		return "sleeping";
	case 'D':
		return "disk sleep";
	case 'T':
		return "stopped";
	case 't':
		return "tracing stop";
	default:
		return "zombie";
	}
}

static void status_memory(struct text *t, struct mm *m)
{
	const struct {
		const char *name;
		uint64_t pages;
	} row[] = {
		{"VmPeak", m->total_pages},
		{"VmSize", m->total_pages},
		{"VmLck", m->locked_pages},
		{"VmPin", 0},
		{"VmHWM", MAX(m->peak_rss, mm_rss(m))},
		{"VmRSS", mm_rss(m)},
		{"RssAnon", (uint64_t)atomic64_read(&m->anon_pages)},
		{"RssFile", (uint64_t)atomic64_read(&m->file_pages)},
		{"RssShmem", (uint64_t)atomic64_read(&m->shmem_pages)},
		{"VmData", m->data_pages},
		{"VmStk", m->stack_pages},
		{"VmExe",
			(ALIGN_UP(m->code_end, PAGE_SIZE) - ALIGN_DOWN(m->code_start, PAGE_SIZE)) /
				PAGE_SIZE},
		{"VmLib", m->exec_pages},
		{"VmPTE", m->mmu.table_pages},
		{"VmSwap", (uint64_t)atomic64_read(&m->swap_pages)},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(row); i++)
		text_add(t, "%s:\t%8llu kB\n", row[i].name,
			(unsigned long long)row[i].pages * (PAGE_SIZE / 1024));
}

int proc_show_status(struct text *t, const struct proc_node *n)
{
	static const char *const caps[5] = {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"};
	struct report r;
	int err = report_make(&r, n);

	if (err)
		return err;
	text_add(t,
		"Name:\t%s\nUmask:\t%04o\nState:\t%c "
		"(%s)\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n",
		r.comm, r.umask, r.state, state_name(r.state), r.pid, r.tid, r.ppid);
	text_add(t, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\nFDSize:\t64\nGroups:\t", r.uid[0],
		r.uid[1], r.uid[2], r.uid[3], r.gid[0], r.gid[1], r.gid[2], r.gid[3]);
	for (unsigned i = 0; r.groups && i < r.groups->count; i++)
		text_add(t, "%u ", r.groups->gid[i]);
	text_add(t, "\nNStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\n", r.pid, r.tid, r.pgid,
		r.sid);
	if (r.mm)
		status_memory(t, r.mm);
	text_add(t, "Threads:\t%u\nSigQ:\t%u/%llu\n", r.threads, n->process->nr_queued,
		(unsigned long long)n->process->limits[RLIMIT_SIGPENDING].cur);
	text_add(t,
		"SigPnd:\t%016llx\nShdPnd:\t%016llx\nSigBlk:\t%016llx\nSigIgn:\t%016llx\nSigCgt:\t%"
		"016llx\n",
		(unsigned long long)r.pending, (unsigned long long)r.shared_pending,
		(unsigned long long)r.blocked, (unsigned long long)r.ignored,
		(unsigned long long)r.caught);
	for (unsigned i = 0; i < ARRAY_SIZE(caps); i++)
		text_add(t, "%s:\t%016llx\n", caps[i], (unsigned long long)r.cap[i]);
	text_add(t, "NoNewPrivs:\t%d\nSeccomp:\t0\nCpus_allowed:\t%llx\n", r.no_new_privs,
		(unsigned long long)(r.affinity &
				     (cpu_count() < 64 ? (1ull << cpu_count()) - 1 : ~0ull)));
	text_add(t, "voluntary_ctxt_switches:\t%llu\nnonvoluntary_ctxt_switches:\t%llu\n",
		(unsigned long long)r.voluntary, (unsigned long long)r.involuntary);
	report_free(&r);
	return 0;
}
