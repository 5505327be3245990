/*
 * process.h - processes, threads, groups, sessions; fork, exec, exit, wait; limits.
 *
 * A process is a thread group: tasks that share pid, signal actions, limits, timers, controlling
 * terminal. tasklist_lock (rwlock-like spin, irq-save) guards the tree (parent, children, groups,
 * sessions) and the list of threads; pid lookup is by RCU. A zombie keeps struct process until it
 * is waited for.
 */
#pragma once
#include <policy.h>
#include <signal.h>
#include <sched.h>
#include <timer.h>
#include <time.h>
#include <wait.h>

struct tty;
struct file;
struct mm;
struct path;
struct pid_ns {
	refcount_t refs;
};
struct pgrp {
	pid_t id;
	refcount_t refs;
	struct session *session;
	struct list_head members;
	struct hlist_node hash;
	struct rcu_head rcu;
	struct list_head session_node;
};
struct session {
	pid_t id;
	refcount_t refs;
	struct tty *tty; /* [tasklist] controlling terminal */
	struct process *leader;
	struct list_head groups;
	struct hlist_node hash;
	struct rcu_head rcu;
};

enum {
	RLIMIT_CPU,
	RLIMIT_FSIZE,
	RLIMIT_DATA,
	RLIMIT_STACK,
	RLIMIT_CORE,
	RLIMIT_RSS,
	RLIMIT_NPROC,
	RLIMIT_NOFILE,
	RLIMIT_MEMLOCK,
	RLIMIT_AS,
	RLIMIT_LOCKS,
	RLIMIT_SIGPENDING,
	RLIMIT_MSGQUEUE,
	RLIMIT_NICE,
	RLIMIT_RTPRIO,
	RLIMIT_RTTIME,
	RLIMIT_COUNT
};
#define RLIM_INFINITY UINT64_MAX
struct rlimit {
	uint64_t cur, max;
};

struct sigqueue {
	struct list_head node;
	struct siginfo info;
};
struct sigpending {
	sigset_t set;
	struct list_head queue;
};
struct usage {
	uint64_t user_ns, system_ns, min_faults, maj_faults, vol_switches, invol_switches,
		max_rss_pages, in_blocks, out_blocks;
};

struct sighand;
struct pidref;
struct user;
/* Key: [t] tasklist lock  [s] sig_lock  [c] constant  [a] atomic */
struct process {
	pid_t pid; /* [c] */
	refcount_t refs;
	struct task *leader;                /* [t] */
	struct list_head threads;           /* [t] uthread.node */
	uint32_t nr_threads;                /* [t] live ones */
	struct process *parent;             /* [t] real parent */
	struct list_head children, sibling; /* [t] */
	struct list_head group_node;        /* [t] */
	struct pgrp *pgrp;                 /* [t] referenced to the end; others read it under RCU */
	struct session *session;           /* [t] the same */
	struct hlist_node hash;            /* pid table */
	struct list_head all_node;         /* [t] */
	struct spinlock sig_lock;          /* irq-save; guards signals of all its threads */
	struct sigaction own_action[NSIG]; /* [s] */
	struct sigpending pending;         /* [s] process-wide */
	struct list_head signalfds;        /* [s] those that watch it: signalfd.c */
	uint32_t nr_queued;                /* [a] */
	struct wait_queue child_wait;      /* wait4 sleeps here */
	uint32_t flags;                    /* [s] process_flags */
	int exit_code;                     /* [s] wait status */
	int group_exit_code;
	int stop_sig;
	uint32_t nr_stopped;                /* [s] */
	int exit_signal;                    /* sent to the parent: SIGCHLD */
	struct rlimit limits[RLIMIT_COUNT]; /* [s] */
	struct usage dead, children_usage;  /* of exited threads; of waited-for children [t] */
	struct timer real_timer;
	uint64_t real_interval_ns; /* ITIMER_REAL */
	uint64_t virt_value_ns, virt_interval_ns, prof_value_ns,
		prof_interval_ns; /* [s] value: CPU time at which it is due, 0: off */
	struct list_head posix_timers;
	int next_timer_id; /* [s] */
	uint64_t start_ns; /* [c] clock_ns at fork */
	bool child_subreaper, dumpable;
	uint64_t io_read_bytes, io_write_bytes, io_rchar, io_wchar, io_syscr, io_syscw;
	int16_t oom_score_adj;
	void *abi;                        /* compat's: tracer state, unsupported-call log */
	struct list_head sem_adjustments; /* ipc/sem.c's: what SEM_UNDO owes */
	struct sigaction *action; /* [s] own_action, or those in ->sighand: theory in sighand.c */
	struct sighand *sighand;  /* [s] shared with other processes; NULL: not */
	struct rcu_head rcu;
	uint32_t nr_live;       /* [s] threads that have not begun to exit */
	struct task *exec_task; /* [s] a thread in exec that waits for the others to die */
	struct timer cpu_timer; /* ITIMER_VIRTUAL and PROF, RLIMIT_CPU: looks at the times used */
	uint64_t cpu_limit_ns;  /* [s] when SIGXCPU is due next, in CPU time; 0: never */
	bool timers_used;       /* real_timer or cpu_timer was armed once */
	uint64_t oom_killed_ns; /* when the OOM killer chose it; 0: not */
	struct pidref *pidref;  /* [t] what its pidfds share, NULL: there was none yet: pidfd.c */
};
enum process_flags {
	PROC_EXITING = 1,
	PROC_STOPPED = 2,
	PROC_CONTINUED = 4,
	PROC_STOP_REPORTED = 8,
	PROC_DID_EXEC = 16,
	PROC_ZOMBIE = 32,
	PROC_REAPED = 64,
	PROC_INIT = 128,
	PROC_STOPPING = 256 /* a group stop is under way */,
	PROC_STOP_DEQUEUED = 512 /* a stop signal was taken, not yet acted on */,
	PROC_NOTIFY_CONT = 1024 /* the parent is to be told */
};

struct robust_list_head;
struct vfork_wait {
	struct wait_queue wq;
	bool done;
};
/* What rseq(2) registered: an area in the program's memory; none: all 0. */
struct rseq {
	vaddr_t area;
	uint32_t len, signature;
};
/* One thread's part of proc. Key: [s] process->sig_lock  [o] only the thread itself */
struct uthread {
	struct task *task;
	struct process *process;
	struct list_head node; /* process->threads */
	struct hlist_node tid_hash;
	sigset_t blocked; /* [s] written only by the thread */
	sigset_t saved_mask;
	bool restore_mask;         /* [o] signal_mask_temporary */
	struct sigpending pending; /* [s] */
	struct sigaltstack alt;    /* [o] */
	uint64_t fault_addr;
	unsigned fault_trap, fault_err;
	uint32_t __user *clear_child_tid; /* [o] */
	void __user *robust_list;
	size_t robust_len;        /* [o] */
	struct vfork_wait *vfork; /* [s] the parent waits for exec or exit */
	int exit_code;
	uint32_t personality;
	struct rseq rseq;  /* [o] of a restartable sequence: compat's */
	struct user *user; /* [o] whose thread it counts as; NULL: no more: proc.h */
	bool over_nproc;   /* [o] became a user who has too many threads: rlimit.c */
	uint16_t ioprio;   /* 0: as the nice value says */
	uint64_t pdeath_signal;
	uint64_t timer_slack_ns;
	sigset_t waiting; /* [s] signal_timedwait: not to be dropped nor to kill */
	bool exiting, stop_pending, stopped; /* [s] */
	bool futexes_gone;                   /* [o] ended, or its old program did: futex_pi.c */
	bool is_dead; /* [t] past its last act; only a leader is still listed then */
};
static inline struct process *current_process(void)
{
	return current->process;
}

/* ---- lookup ---- */
struct process *process_find(pid_t pid); /* referenced or NULL; zombies included */
struct task *task_find(pid_t tid);       /* referenced or NULL */
/* The first thread of @p, referenced; NULL: reaped. */
struct task *process_leader_get(struct process *p);
struct process *process_next(pid_t after); /* smallest pid > after; referenced; for /proc */
struct task *thread_next(struct process *p, pid_t after);
/* Parts of another task, referenced, or NULL when it has exited (or is a kernel thread). */
struct mm *task_mm_get(struct task *t);
/*
 * May the current task look into @t as ptrace(2), "Ptrace access mode checking", says? With the ids
 * of LOOK_FS (/proc) or LOOK_REAL (calls); @op is what the policy is asked for. CAP_SYS_PTRACE may
 * look into everything. Context: any, no locks.
 */
enum look_ids { LOOK_FS, LOOK_REAL };
bool process_may_look(struct task *t, enum look_ids ids, enum policy_proc_op op);
struct files *task_files_get(struct task *t);
/* What @t has open under @fd, O_PATH too, referenced; NULL: nothing. */
struct file *task_fd_get(struct task *t, unsigned long fd);
struct fs_context *task_fs_get(struct task *t);
void process_put(struct process *p);
static inline struct process *process_get(struct process *p)
{
	refcount_inc(&p->refs);
	return p;
}
pid_t process_getsid(pid_t pid); /* or -ESRCH */
pid_t process_getpgid(pid_t pid);
pid_t process_ppid(struct process *p);
int __must_check process_setpgid(pid_t pid, pid_t pgid); /* setpgid(2) errors */
pid_t process_setsid(void);
struct pgrp *pgrp_find(pid_t id); /* referenced or NULL */
void pgrp_put(struct pgrp *g);
bool pgrp_is_orphaned(struct pgrp *g);
/* tty: controlling terminal of the current session */
/* Device of @p's controlling terminal (0: none) and its foreground group, for /proc. */
dev_t process_tty(struct process *p, pid_t *foreground);
struct tty *session_tty_get(void); /* referenced via tty_get, or NULL */
/* ---- fork ---- */
enum clone_flags {
	CLONE_VM = 0x100,
	CLONE_FS = 0x200,
	CLONE_FILES = 0x400,
	CLONE_SIGHAND = 0x800,
	CLONE_PIDFD = 0x1000,
	CLONE_PTRACE = 0x2000,
	CLONE_VFORK = 0x4000,
	CLONE_PARENT = 0x8000,
	CLONE_THREAD = 0x10000,
	CLONE_NEWNS = 0x20000,
	CLONE_SYSVSEM = 0x40000,
	CLONE_SETTLS = 0x80000,
	CLONE_PARENT_SETTID = 0x100000,
	CLONE_CHILD_CLEARTID = 0x200000,
	CLONE_DETACHED = 0x400000,
	CLONE_UNTRACED = 0x800000,
	CLONE_CHILD_SETTID = 0x1000000
};
/* Those that ask for a namespace that there is only one of: cgroups, names, IPC, users, pids,
 * network, time. */
#define CLONE_NEWUSER        0x10000000ull
#define CLONE_NEW_NAMESPACES (0x02000000ull | 0x7c000000ull | 0x80ull)
struct clone_args {
	uint64_t flags;
	int exit_signal;
	uint64_t stack;
	uint64_t tls;
	uint32_t __user *parent_tid, *child_tid;
	int __user *pidfd; /* CLONE_PIDFD */
	pid_t want_tid; /* the child's, which the caller may choose (CAP_CHECKPOINT_RESTORE); or 0
			 */
};
/* The new tid, or -EINVAL (also flags we do not have), -EAGAIN (limit), -ENOMEM, -EPERM, -EEXIST
 * (want_tid), -EMFILE, -EFAULT (pidfd). The child returns 0 in its copy of the frame. */
pid_t process_clone(const struct clone_args *a);
/* Does another process have the same signal actions (CLONE_SIGHAND)? A hint unless it is one's own.
 */
bool process_shares_actions(const struct process *p);
/* ---- exec ---- (exec.h) ---- exit, wait ---- */
void __noreturn process_exit(int code);         /* exit(2): this thread; code already << 8 */
void __noreturn process_exit_group(int status); /* wait status */
enum wait_options {
	WNOHANG = 1,
	WUNTRACED = 2,
	WSTOPPED = 2,
	WEXITED = 4,
	WCONTINUED = 8,
	WNOWAIT = 0x1000000
};
#define WAIT_CLONES_ALL  0x40000000u /* __WALL: also children whose exit signal is not SIGCHLD */
#define WAIT_CLONES_ONLY 0x80000000u /* __WCLONE: only those */
enum wait_id { WAIT_ANY, WAIT_PID, WAIT_PGRP };
/* status: as wait4(2) packs it; code: CLD_*. WEXITED, WSTOPPED, WCONTINUED say what is waited for:
 * wait4 passes WEXITED too. */
struct wait_result {
	pid_t pid;
	uid_t uid;
	int status;
	int code;
	struct usage usage;
};
/* 0 and out->pid (0: WNOHANG and nothing), -ECHILD, -EINTR/-ERESTARTSYS. */
int __must_check process_wait(
	enum wait_id which, pid_t id, unsigned options, struct wait_result *out);
/* The same for one child alone, whatever its number: @child is referenced by the caller. */
int __must_check process_wait_child(
	struct process *child, unsigned options, struct wait_result *out);
void process_usage(struct process *p, struct usage *out, bool children);
void task_usage(struct task *t, struct usage *out);
/*
 * ---- pidfds ---- pidfd_open(2). Context: may sleep, no locks.
 * pidfd_open(): 0 and *out, -EINVAL (a thread that is not the first of its process), -ESRCH,
 * -ENOMEM. pidfd_process(): 0 and *out, referenced, a zombie included; -EBADF (no pidfd), -ESRCH
 * (reaped).
 */
int __must_check pidfd_open(pid_t pid, unsigned file_flags, struct file **out);
int __must_check pidfd_process(const struct file *f, struct process **out);
/* ---- limits ---- */
uint64_t rlimit_cur(unsigned which); /* of the current process */
int __must_check process_rlimit(struct process *p, unsigned which, const struct rlimit *new_,
	struct rlimit *old); /* prlimit(2) */
/*
 * The current thread's real user id is to be @uid: set*uid(2) call it before they commit the
 * credential, which they must if this succeeds. If that is a change, to one who has more threads
 * than RLIMIT_NPROC without this one, execve(2) will fail. 0, or -EAGAIN: no memory.
 */
int __must_check process_becomes_user(uid_t uid);
/* ---- timers ---- */
struct itimer {
	uint64_t value_ns, interval_ns;
};
int __must_check process_setitimer(
	int which, const struct itimer *new_, struct itimer *old); /* 0 REAL 1 VIRTUAL 2 PROF */
void process_getitimer(int which, struct itimer *out);
/* notify: SIGEV_*, or -1 for no sigevent: SIGALRM with the timer's id as value. */
int __must_check posix_timer_create(
	int clock, int notify, int sig, uint64_t value, pid_t tid, int *id);
int __must_check posix_timer_settime(
	int id, bool absolute, const struct itimer *new_, struct itimer *old);
int __must_check posix_timer_gettime(int id, struct itimer *out);
int posix_timer_overrun(int id);
int __must_check posix_timer_delete(int id);
uint64_t process_cpu_ns(struct process *p); /* CLOCK_PROCESS_CPUTIME_ID */
/* ---- priorities ---- getpriority(2), setpriority(2) */
int process_getpriority(int which, int who); /* 20 - nice, or -errno */
int __must_check process_setpriority(int which, int who, int nice);
/*
 * I/O priorities: ioprio_get(2), ioprio_set(2). They are kept and inherited, and have no effect.
 * @ioprio: class above IOPRIO_CLASS_SHIFT, level in the lowest three bits. -EINVAL, -ESRCH, -EPERM.
 */
enum ioprio_class { IOPRIO_NONE, IOPRIO_RT, IOPRIO_BE, IOPRIO_IDLE };
enum { IOPRIO_CLASS_SHIFT = 13, IOPRIO_LEVELS = 8 };
int process_get_ioprio(int which, int who);
int __must_check process_set_ioprio(int which, int who, int ioprio);
/*
 * ---- futex(2) ---- uaddr is checked here. deadline_ns is absolute, WAIT_NO_DEADLINE without
 * timeout: on clock_ns()'s scale for FUTEX_WAIT (compat adds the relative time), on the realtime
 * clock's for FUTEX_LOCK_PI, else on that of the flag FUTEX_CLOCK_REALTIME.
 */
struct futex_args {
	uint32_t __user *uaddr, *uaddr2;
	uint32_t val, val2, val3;
	uint64_t deadline_ns;
};
long futex_call(int op, const struct futex_args *a);
enum futex_op {
	FUTEX_WAIT = 0,
	FUTEX_WAKE = 1,
	FUTEX_FD = 2,
	FUTEX_REQUEUE = 3,
	FUTEX_CMP_REQUEUE = 4,
	FUTEX_WAKE_OP = 5,
	FUTEX_LOCK_PI = 6,
	FUTEX_UNLOCK_PI = 7,
	FUTEX_TRYLOCK_PI = 8,
	FUTEX_WAIT_BITSET = 9,
	FUTEX_WAKE_BITSET = 10,
	FUTEX_LOCK_PI2 = 13,
	FUTEX_PRIVATE = 128,
	FUTEX_CLOCK_REALTIME = 256
};
long futex_wake_addr(uint32_t __user *uaddr, unsigned n, bool private);
void futex_pi_reprioritised(
	struct task *t); /* sched_set() was done to it: it may lend more or less */
int __must_check robust_list_set(void __user *head, size_t len);
/* get_robust_list(2): tid 0 is the caller. 0, -ESRCH, -EPERM. */
int __must_check robust_list_get(pid_t tid, uint64_t *head, size_t *len);
/* ---- init ---- */
void proc_init(void); /* boot */
/* Start the first program: makes pid 1 (cred_kernel, cwd /) and execs the first of @paths (at most
 * 8) that works; panics with reasons if none does. */
int __must_check process_start_init(
	const char *const *paths, const char *const *envp, const char *tty_path);
/* reboot(2): sync, read-only, machine; never returns for the real ones */
enum reboot_how { REBOOT_RESTART, REBOOT_HALT, REBOOT_POWER_OFF };
int process_reboot(enum reboot_how how);
void reboot_set_cad(bool kernel_restarts); /* Ctrl-Alt-Del: restart at once, or SIGINT to init */
void reboot_cad(void);
/* uname: hostname and domain of the namespace */
struct uts {
	char hostname[65], domainname[65];
};
extern struct uts uts;
