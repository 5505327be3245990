/*
 * signal_queue.h - shared by the signal files only: queue entries and masks.
 */
#pragma once
#include "proc.h"

void signal_queue_init(void);
void siginfo_copy(struct siginfo *to, const struct siginfo *from);
/* false: no memory, or the limit (unless @unlimited). p->sig_lock held. */
bool sigqueue_add_locked(struct process *p, struct sigpending *s, int sig,
	const struct siginfo *info, bool unlimited);
/* struct siginfo is large and mostly unused: do not let the compiler clear it. */
/* @u is current's: set its mask, pass on process-wide signals that it no longer takes. */
void signal_set_blocked_locked(struct uthread *u, uint64_t blocked);
