/*
 * init.c - the first process: made by hand, since there is none to fork it from.
 */
#include <arch/task.h>
#include <cred.h>
#include <debug.h>
#include <error.h>
#include <exec.h>
#include <file.h>
#include <log.h>
#include <process.h>
#include <string.h>
#include <user_abi.h>
#include <vfs.h>
#include "proc.h"

#define MAX_PATHS 8

/* What process_start_init() was told; read by the new task. */
static struct {
	const char *paths[MAX_PATHS + 1];
	const char *const *envp;
	const char *tty;
} start;

static int get_string(const struct exec_strings *s, unsigned n, char *buf, size_t size)
{
	const char *const *list = s->arg;
	size_t len;

	if (!list[n])
		return -ENOENT;
	len = strlcpy(buf, list[n], size);
	return len >= size ? -E2BIG : (int)len;
}

static void open_console(void)
{
	struct file *f;
	int err = vfs_open(NULL, start.tty, O_RDWR | O_NOCTTY, 0, LOOKUP_FOLLOW, &f);

	if (err) {
		log_warn("init: cannot open %s (error %d): it starts without a terminal", start.tty,
			-err);
		return;
	}
	for (int i = 0; i < 3; i++) {
		int fd = fd_open(file_get(f), false);

		if (fd < 0)
			file_put(f);
	}
	file_put(f);
}

static int try_program(const char *path)
{
	const char *args[2] = {path, NULL};
	struct exec_strings argv = {.get = get_string, .arg = args},
			    envp = {.get = get_string, .arg = start.envp};
	struct exec_name name = {.name = path, .lookup_flags = LOOKUP_FOLLOW, .shown = path};

	return process_exec(&name, &argv, &envp);
}

static void init_main(void *arg)
{
	(void)arg;
	open_console();
	for (unsigned i = 0; start.paths[i]; i++) {
		int err = try_program(start.paths[i]);

		if (!err) {
			log_info("init: running %s", start.paths[i]);
			arch_enter_user();
		}
		log_err("init: cannot run %s: error %d%s", start.paths[i], -err,
			err == -ENOENT    ? " (not found)"
			: err == -ENOEXEC ? " (not a program)"
			: err == -EACCES  ? " (no permission)"
					  : "");
	}
	panic("no program to start: give one with init=PATH on the command line");
}

static int make_process(struct task *t)
{
	struct process *p = process_alloc();
	struct uthread *u = uthread_alloc();
	pid_t pid;
	int err = -ENOMEM;

	if (!p || !u)
		goto free_parts;
	err = user_charge(cred_kernel.uid, USER_THREADS, 1, RLIM_INFINITY, &u->user);
	if (err)
		goto free_parts;
	err = -ENOMEM;
	memset(p->own_action, 0, sizeof(p->own_action));
	rlimits_default(p->limits);
	p->flags = PROC_INIT;
	p->exit_signal = SIGCHLD;
	p->dumpable = true;
	p->start_ns = clock_ns();
	err = user_abi->process_init ? user_abi->process_init(p, NULL) : 0;
	if (!err)
		err = pid_alloc(0, &pid);
	if (err)
		goto free_parts;
	PANIC_ON(pid != 1);
	err = pgrp_boot(p);
	if (err)
		goto free_parts;

	u->task = t;
	u->process = p;
	u->timer_slack_ns = 50000;
	p->pid = t->tid = pid;
	p->leader = task_get(t);
	p->nr_threads = p->nr_live = 1;
	list_add_tail(&u->node, &p->threads);
	refcount_set(&p->refs, 2);
	t->is_kernel = false;
	t->process = p;
	t->uthread = u;
	t->cred = cred_get(&cred_kernel);
	return 0;

free_parts:
	if (p)
		process_free_unused(p);
	if (u)
		uthread_free(u);
	return err;
}

int process_start_init(const char *const *paths, const char *const *envp, const char *tty_path)
{
	struct task *t;
	unsigned long f;
	int err = task_create("init", &t);

	if (err)
		return err;
	t->files = files_create();
	t->fs = fs_context_copy(current->fs);
	err = t->files && t->fs ? make_process(t) : -ENOMEM;
	if (err) {
		if (t->files)
			files_put(t->files);
		if (t->fs)
			fs_context_put(t->fs);
		task_put(t);
		return err;
	}
	for (unsigned i = 0; i < MAX_PATHS && paths[i]; i++)
		start.paths[i] = paths[i];
	start.envp = envp;
	start.tty = tty_path;
	arch_task_start_kernel(t, init_main, NULL);
	f = spin_lock_irq(&tasklist_lock);
	init_process = t->process;
	process_hash_locked(t->process);
	thread_hash_locked(t->uthread);
	spin_unlock_irq(&tasklist_lock, f);
	task_start(t);
	return 0;
}
