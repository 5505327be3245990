/*
 * personality.h - the parts of struct user_abi (user_abi.h), one file each; compat.c collects them.
 */
#pragma once
#include <exec.h>
#include <signal.h>

struct frame;
void abi_restart(struct frame *f, bool block);                   /* dispatch.c */
bool abi_syscall_result(const struct frame *f, int64_t *result); /* dispatch.c */
int __must_check elf_load(struct exec_args *a);                  /* elf.c */
int __must_check script_load(struct exec_args *a);               /* script.c */
int __must_check signal_frame_build(struct frame *f, const struct siginfo *info,
	const struct sigaction *act, uint64_t mask, struct sigaltstack *alt, uint64_t fault_addr,
	unsigned trap, unsigned err); /* signal_frame.c */
size_t signal_frame_max(void);        /* stack that one signal needs at most: AT_MINSIGSTKSZ */
void signal_frame_init(void);
/* Map the vDSO into @mm: its address in *at (0: none). */
int __must_check vdso_map(struct mm *mm, vaddr_t *at); /* vdso/map.c */
void vdso_init(void);
