/*
 * cred_internal.h - what cred.c and cred_exec.c share.
 */
#pragma once
#include <cred.h>
#include <policy.h>

#define NO_ID      (~0u) /* -1: unchanged, and no valid id */
#define ROOT_ID    0u    /* the id whose changes capabilities(7) ties capability sets to */
#define GROUPS_MAX 65536u

/* Of POSIX's mode bits those that exec looks at; <stat.h> belongs to a higher room. */
enum { MODE_SETUID = 04000, MODE_SETGID = 02000, MODE_GROUP_EXEC = 010 };

static inline bool policy_may(const struct cred *c, enum capability cap)
{
	return policy_capable(c, cap) == 0;
}
