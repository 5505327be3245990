/*
 * pty.h - what devpts needs to know of the ptys in use.
 */
#pragma once
#include <vfs.h>

#define PTY_MAJOR 136
#define PTY_MAX   4096u
/* Owner and permissions of the slave @n; false: there is none. */
struct pty_node {
	uid_t uid;
	gid_t gid;
	mode_t mode;
	uint64_t birth;
};
bool pty_node_get(unsigned n, struct pty_node *out);
void pty_node_set(unsigned n, const struct pty_node *in);
bool pty_next(unsigned *n); /* the first slave at or after *n */
