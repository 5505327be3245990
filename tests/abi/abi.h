/*
 * abi.h - the small framework of the ABI tests: one static program runs on Linux and on Ambit and
 * must print the same on both. Nothing here says what is right; the output on Linux does.
 *
 * A case prints `program.case: text` lines. It runs in a child of its own, the leader of a new
 * session, in a fresh empty directory, with closed descriptors from 3 on, ignored stdin and a time
 * limit. What a case prints must never hold pids, addresses, times or inode numbers.
 */
#pragma once

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define BAD_PTR      ((void *)0x10)                 /* never mapped: below mmap_min_addr */
#define KERNEL_PTR   ((void *)0xffffffff81000000ul) /* not the program's to touch */

/* Defines a case; the constructor puts it into the list in the order of the file. */
#define CASE(name)                                                                                 \
	static void case_##name(void);                                                             \
	__attribute__((constructor)) static void register_##name(void)                             \
	{                                                                                          \
		abi_register(#name, case_##name, NULL, __FILE__);                                  \
	}                                                                                          \
	static void case_##name(void)
/* A case for one kind of file system only: "disk" (ext4 on the host, ext2 here) or "tmpfs". */
#define CASE_ON(kind, name)                                                                        \
	static void case_##name(void);                                                             \
	__attribute__((constructor)) static void register_##name(void)                             \
	{                                                                                          \
		abi_register(#name, case_##name, #kind, __FILE__);                                 \
	}                                                                                          \
	static void case_##name(void)

/* R(call): prints `call = result` or `call = -1 ENAME` and gives the result back. */
#define R(...) abi_result(#__VA_ARGS__, (errno = 0, (long)(__VA_ARGS__)))
/* RZ(call): like R, but any success prints as `ok`: for results that differ from run to run. */
#define RZ(call) abi_ok(#call, (errno = 0, (long)(call)))
/* T(claim): prints `claim: yes` or `no`. */
#define T(claim) say("%s: %s", #claim, (claim) ? "yes" : "no")
/* V(value): prints `value = number`. */
#define V(value) say("%s = %ld", #value, (long)(value))
/* OCT(value), HEX(value): the same in other bases. */
#define OCT(value) say("%s = 0%lo", #value, (unsigned long)(value))
#define HEX(value) say("%s = %#lx", #value, (unsigned long)(value))

#ifndef SYS_fchmodat2 /* younger than musl's list */
#define SYS_fchmodat2 452
#endif
/* sc(name, arguments...): the bare system call; -1 and errno on failure. */
#define SC_N(_1, _2, _3, _4, _5, _6, n, ...) n
#define SC_0(nr)                             syscall(nr)
#define SC_1(nr, a)                          syscall(nr, (long)(a))
#define SC_2(nr, a, b)                       syscall(nr, (long)(a), (long)(b))
#define SC_3(nr, a, b, c)                    syscall(nr, (long)(a), (long)(b), (long)(c))
#define SC_4(nr, a, b, c, d)                 syscall(nr, (long)(a), (long)(b), (long)(c), (long)(d))
#define SC_5(nr, a, b, c, d, e)              syscall(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e))
#define SC_6(nr, a, b, c, d, e, f)                                                                 \
	syscall(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define SC_NUMBER(...) SC_N(__VA_ARGS__, 6, 5, 4, 3, 2, 1, 0)
#define SC_JOIN(a, b)  a##b
#define SC_PICK(n)     SC_JOIN(SC_, n)
#define sc0(name)      syscall(SYS_##name)
#define sc(name, ...)  SC_PICK(SC_NUMBER(__VA_ARGS__))(SYS_##name, __VA_ARGS__)

/* IN_CHILD { ... }: runs the block in a child that exits 0; the parent prints how it ended. */
#define IN_CHILD                                                                                   \
	for (pid_t child_ = abi_fork(), once_ = 1; once_;                                          \
		once_ = 0, child_ ? abi_reap("child", child_) : _exit(0))                          \
		if (!child_)

void abi_register(const char *name, void (*run)(void), const char *kind, const char *file);
long abi_result(const char *what, long result);
long abi_ok(const char *what, long result);
pid_t abi_fork(void);
void abi_reap(const char *what, pid_t pid); /* waits and prints how it ended */
/* clone(2), also with flags that the C library's refuses: run(arg) on the stack below @top, whose
   result is the exit status. -1 and errno on failure. */
long raw_clone(
	int (*run)(void *), void *top, int flags, void *arg, int *parent_tid, int *child_tid);

__attribute__((format(printf, 1, 2))) void say(const char *format, ...);
void show_status(const char *what, int status);
const char *errno_name(int number);
const char *signal_name(int number);

/* Signals: a handler that counts and remembers. */
extern volatile sig_atomic_t caught, caught_signal, caught_code;
extern void *volatile caught_address;
void on_signal(int number, siginfo_t *info, void *context);
int catch_signal(int number, int flags); /* installs on_signal with SA_SIGINFO | flags */
int ignore_signal(int number);
int default_signal(int number);
void block_signal(int number);
void unblock_signal(int number);

/* Runs access(arg) and prints the signal it drew, if any: `what: SIGSEGV SEGV_MAPERR at +0`. */
void fault(const char *what, void (*access)(volatile char *), volatile char *at);
void peek(volatile char *at); /* reads a byte */
void poke(volatile char *at); /* writes a byte */
void call(volatile char *at); /* jumps there */

/* A gate: one side waits until the other opens it. */
struct gate {
	int fd[2];
};
void gate_init(struct gate *gate);
void gate_open(struct gate *gate);
void gate_wait(struct gate *gate);

void pause_ms(long ms);
long now_ms(void);
bool wait_state(pid_t pid, const char *states); /* until the process's state is one of these */
/* @sleep_in(@fd) in a child, which a handled SIGUSR1 interrupts when it sleeps. */
void interrupt_in_child(const char *what, void (*sleep_in)(int fd), int fd);
void wait_blocked(pid_t pid); /* until it sleeps in a call; says so if it does not */

/* Files. */
void put(const char *path, const char *text); /* makes the file hold this text */
int make(const char *path, int flags);        /* opens with O_CREAT 0644; says when it cannot */
void show_file(const char *path);             /* prints what a file holds, as a C string */
void show_bytes(const char *what, const char *bytes, long count);
void show_open_fds(void);
off_t size_of(const char *path);
const char *self_path(void); /* the absolute path of this program */
void drop_to(uid_t uid, gid_t gid);
