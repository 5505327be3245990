/*
 * exec.h - replacing a program. proc opens the file and judges credentials; the loader
 * (compat/elf.c) maps the image.
 *
 * Steps: check and reserve (file, arguments copied into the new stack's pages, format) - commit
 * (other threads die, address space swapped, signals reset, close-on-exec) - point of no return -
 * registers set.
 */
#pragma once
#include <vfs.h>

struct file;
struct mm;
#define EXEC_HEAD 1024u /* holds most programs' headers and the name of their interpreter */
struct exec_args {
	struct file *file;     /* the image; write-denied */
	const char *path;      /* as given: AT_EXECFN, scripts */
	const char *image;     /* the file's name: path, then of each interpreter in turn */
	bool hidden;           /* path leads nowhere in the new program */
	struct mm *mm;         /* the new address space, being built */
	vaddr_t stack_top, sp; /* where strings end, going down */
	vaddr_t stack_low;     /* what is mapped of the stack: exec_push() goes no lower */
	unsigned argc, envc;
	vaddr_t arg_start, env_start, str_end; /* strings on the new stack */
	struct cred *cred;                     /* the new credential, not yet committed */
	bool secure;                           /* AT_SECURE */
	unsigned depth;                        /* of #! interpreters */
	vaddr_t entry;                         /* out: first instruction */
	uint32_t stack_prot_exec;              /* out: PT_GNU_STACK asked for it */
	char comm[16];
	size_t argv0_len; /* with its NUL: what exec_restart() takes away */
	bool committed;   /* past the point of no return */
	size_t head_len;  /* of the file's first bytes; behind them zeros */
	uint8_t head[EXEC_HEAD];
};
/* Strings in kernel or user memory: which fetch function is used is the caller's business. */
struct exec_strings {
	int (*get)(const struct exec_strings *s, unsigned n, char *buf,
		size_t size); /* length, -EFAULT, -E2BIG; 0-length marker: -ENOENT at the end */
	const void *arg;
};
/* 0: the frame of the current task is the new program's; or -errno with nothing changed; past the
 * point of no return SIGKILL. */
struct exec_name {
	const struct path *base; /* as for path_lookup() */
	const char *name;
	unsigned lookup_flags;
	const char *shown; /* what the program is told that it is called */
	bool hidden;       /* and that name is gone with the exec: scripts cannot run */
};
int __must_check process_exec(const struct exec_name *name, const struct exec_strings *argv,
	const struct exec_strings *envp);
/* For loaders: push bytes or a string on the new stack, below what is there. -E2BIG, -ENOMEM. */
int __must_check exec_push(struct exec_args *a, const void *data, size_t n, vaddr_t *at);
/*
 * For #!: put another program in front: argv[0] becomes interpreter, optional argument (NULL:
 * none), path; then a->file and a->head are the interpreter's and the loaders are asked again: the
 * loader returns what this returns. -ELOOP beyond five.
 */
int __must_check exec_restart(struct exec_args *a, const char *interpreter, const char *argument);
/* Open a file to execute (also PT_INTERP): permission, regular, not noexec, write-denied. */
int __must_check exec_open(
	const struct path *base, const char *name, unsigned lookup_flags, struct file **out);
void exec_close(struct file *f);
/*
 * On success load_image leaves a->entry, a->sp and mm->brk_start = mm->brk (page-aligned; proc
 * moves it by a random distance).
 */
/* The commit: to be called by the loader once nothing more can fail but memory; afterwards errors
 * kill. */
int __must_check exec_commit(struct exec_args *a);
