/*
 * proc.h - what the files of this room share. Theory: process.c (processes), signal.c (signals).
 */
#pragma once
#include <debug.h>
#include <process.h>
#include <user.h>

#define PID_MAX      32768
#define PID_RESERVED 300 /* allocation starts again here after a wrap */

/* Guards the tree of processes, groups and sessions, and the pid tables. irq-save; taken before any
 * sig_lock. */
extern struct spinlock tasklist_lock;
extern struct process *init_process;   /* pid 1; NULL before it exists */
extern struct list_head all_processes; /* [tasklist] process.all_node */

/* ---- process.c ---- */
/* @want: 0 or the only one that will do. -EAGAIN, -EEXIST, -EINVAL */
int __must_check pid_alloc(pid_t want, pid_t *out);
void pid_release_locked(pid_t pid); /* nobody is called so any more; tasklist_lock held */
void pid_cancel(pid_t pid);         /* allocated but never used */
void process_hash_locked(struct process *p);
void thread_hash_locked(struct uthread *u);
struct uthread *thread_lookup(pid_t tid);  /* tasklist_lock held or RCU */
struct process *process_lookup(pid_t pid); /* tasklist_lock held or RCU */
struct process *process_alloc(void) __must_check;
/* The first thread; NULL: reaped. RCU or tasklist_lock held: the task stays in memory as long. */
struct task *process_leader(const struct process *p);
void process_free_unused(struct process *p); /* never published */
struct uthread *uthread_alloc(void) __must_check;
void uthread_free(struct uthread *u);
/* Take a dead process out of all tables; the caller then calls process_forget() without locks. */
void process_unhash_locked(struct process *p);
void process_forget(struct process *p);

/* ---- pgrp.c ---- */
struct pgrp *pgrp_lookup_locked(pid_t id);
struct session *session_lookup_locked(pid_t id);
void pgrp_join_locked(struct process *p, struct pgrp *g); /* takes a reference for the member */
void pgrp_leave_locked(struct process *p);
void session_put(struct session *s);
bool pgrp_orphaned_locked(const struct pgrp *g, const struct process *ignored);
bool pgrp_has_stopped_locked(const struct pgrp *g);
void session_leader_exits(struct process *p); /* gives up the terminal */
void jobs_init(void);                         /* registers tty_proc_ops */
/* Group and session 0, that pid 1 starts in. */
int __must_check pgrp_boot(struct process *init);

/* ---- exit.c ---- */
void __noreturn thread_exit(int code); /* the whole way out of one thread */
void vfork_release(struct uthread *u); /* the parent may go on */
/* Tell the parent of zombie @p; true: nobody will wait, reap it now. tasklist_lock held. */
bool parent_notify_exit_locked(struct process *p);
/* Tell the parent that @p stopped or went on (CLD_STOPPED, CLD_CONTINUED). tasklist_lock held. */
void parent_notify_stop_locked(struct process *p, int code, int status);
void current_drop_mm(void);

/* ---- pidfd.c ---- */
void pidref_put(struct pidref *r); /* NULL allowed; any context */
/* @p became a zombie; left the tables. tasklist_lock held. */
void pidref_exited_locked(struct process *p);
void pidref_reaped_locked(struct process *p);
/* A pidfd for @p, which is not in the tables yet: 0 and *out, -ENOMEM. */
int __must_check pidfd_create_for_new(struct process *p, struct file **out);

/*
 * A thread counts as its real user's (USER_THREADS) from the fork that makes it until it leaves its
 * process's list: one that is not the first when it exits, the first when the process is waited
 * for, so that zombies count. set*uid(2) moves it, each thread by itself.
 */
/* @u leaves its process's list. tasklist_lock and sig_lock held. */
void thread_unlist_locked(struct uthread *u);

/* ---- signals ---- */
#define STOP_SIGNALS (SIGMASK(SIGSTOP) | SIGMASK(SIGTSTP) | SIGMASK(SIGTTIN) | SIGMASK(SIGTTOU))
#define IGNORED_BY_DEFAULT                                                                         \
	(SIGMASK(SIGCONT) | SIGMASK(SIGCHLD) | SIGMASK(SIGWINCH) | SIGMASK(SIGURG))
#define UNBLOCKABLE (SIGMASK(SIGKILL) | SIGMASK(SIGSTOP))
#define FAULT_SIGNALS                                                                              \
	(SIGMASK(SIGSEGV) | SIGMASK(SIGBUS) | SIGMASK(SIGILL) | SIGMASK(SIGTRAP) |                 \
		SIGMASK(SIGFPE) | SIGMASK(SIGSYS))

static inline bool signal_valid(int sig)
{
	return sig >= 1 && sig <= NSIG;
}

static inline void sigpending_init(struct sigpending *s)
{
	s->set.bits = 0;
	list_init(&s->queue);
}

/* All below: p->sig_lock held. */
void signal_recalc_locked(struct uthread *u); /* sets or clears TASK_WORK_SIGNAL */
void signal_wake_locked(struct uthread *u, bool fatal);
void signal_kill_threads_locked(struct process *p, const struct uthread *but); /* SIGKILL to each */
void signal_flush_locked(struct process *p, struct sigpending *s, uint64_t mask);
void signal_flush_all_locked(
	struct process *p, uint64_t mask); /* process-wide and of every thread */
bool signal_ignored_locked(const struct process *p, const struct uthread *u, int sig);
int signal_send_locked(struct process *p, struct uthread *u, int sig, const struct siginfo *info);
/* The next signal of @u outside @blocked, taken from its queue: number and info, or 0. */
int signal_dequeue_locked(struct uthread *u, uint64_t blocked, struct siginfo *info);
void signal_retarget_locked(
	struct uthread *u, uint64_t which);                   /* others may take what @u will not */
void signal_group_exit_locked(struct process *p, int status); /* all threads are to die with it */
bool stop_complete_locked(struct process *p);                 /* all threads stopped: true once */
bool signal_exit_thread(
	struct uthread *u); /* first step of a thread's end; true: it is the last one */
bool signal_is_fatal(const struct task *t); /* sched_fatal_signal */
void signal_init(void);
void signal_user_work(struct frame *f);
void signal_user_fault(
	struct frame *f, int sig, int code, uint64_t addr, unsigned trap, unsigned err);
/* May current signal @target? 0, -EPERM. Context: RCU or tasklist_lock. */
int __must_check signal_permission(
	struct process *target, const struct task *t, int sig, const struct siginfo *info);

/* ---- sighand.c ---- */
struct sighand;
/* Around changing or copying an action; p->sig_lock held. */
void actions_lock_locked(struct process *p);
void actions_unlock_locked(struct process *p);
int __must_check actions_share(struct process *from, struct process *p); /* 0 or -ENOMEM */
void actions_copy_locked(struct process *from, struct process *p);       /* from->sig_lock held */
void actions_unshare(struct process *p); /* the current process: has its own again */
void actions_put(struct sighand *s);     /* NULL allowed */

/* ---- timers ---- */
void itimer_init_process(struct process *p);
void itimers_stop(struct process *p); /* the last thread exits */
void cpu_timer_rearm_locked(struct process *p);
void posix_timers_init(void);
void posix_timers_delete_all(struct process *p);
/* A timer's signal was taken: counts overruns into @info, sets the timer going again. sig_lock
 * held. */
void posix_timer_dequeued_locked(struct process *p, struct siginfo *info);

/* ---- futex.c, futex_pi.c ---- */
struct futex_key;
struct futex_time { /* when to give up; WAIT_NO_DEADLINE: never */
	uint64_t ns;
	bool realtime; /* by the wall clock, else clock_ns() */
};
/* wait_sleep_until(TASK_INTERRUPTIBLE) for it. */
int __must_check futex_sleep(const struct futex_time *until);
void futex_init(void);
int __must_check futex_get_key(const uint32_t __user *uaddr, bool private, struct futex_key *out);
void futex_pi_init(void);
long futex_pi_lock(uint32_t __user *uaddr, bool private, const struct futex_time *until, bool try);
long futex_pi_unlock(uint32_t __user *uaddr, bool private);
void futex_pi_exit_thread(struct uthread *u); /* who waits for it hears that it is gone */
void futex_exit_thread(struct uthread *u);    /* robust list, clear_child_tid: before the mm goes */

/* ---- usage.c, rlimit.c, oom.c ---- */
void usage_add(struct usage *to, const struct usage *from);
void process_usage_locked(struct process *p, struct usage *out); /* sig_lock held */
void rlimits_default(struct rlimit *l);
/*
 * One more thread of the current real user: counted, and judged by RLIMIT_NPROC. *out: to be given
 * back by user_uncharge(). 0, -EAGAIN (too many), -ENOMEM.
 */
int __must_check nproc_enter(struct user **out);
/* execve(2), "execve() and EAGAIN": 0, -EAGAIN. */
int __must_check exec_check_nproc(void);
void mm_set_limits(struct mm *m, const struct process *p);
void rlimit_hooks_init(void);
void oom_init(void);
void cred_hooks_init(void);
void sigio_init(void);
void signalfd_notify_locked(struct process *p, int sig); /* sig_lock held: @sig became pending */
