/*
 * cred.h - credentials: user and group ids, Linux capability sets, the ambit. Immutable once
 * published: change = copy, commit.
 *
 * No code asks whether an id is 0; it asks cred_capable(). A task's own credential is
 * current->cred; others' are read under RCU.
 */
#pragma once
#include <atomic.h>
#include <rcu.h>
#include <compiler.h>

enum capability { /* capabilities(7), Linux's numbers */
	CAP_CHOWN,
	CAP_DAC_OVERRIDE,
	CAP_DAC_READ_SEARCH,
	CAP_FOWNER,
	CAP_FSETID,
	CAP_KILL,
	CAP_SETGID,
	CAP_SETUID,
	CAP_SETPCAP,
	CAP_LINUX_IMMUTABLE,
	CAP_NET_BIND_SERVICE,
	CAP_NET_BROADCAST,
	CAP_NET_ADMIN,
	CAP_NET_RAW,
	CAP_IPC_LOCK,
	CAP_IPC_OWNER,
	CAP_SYS_MODULE,
	CAP_SYS_RAWIO,
	CAP_SYS_CHROOT,
	CAP_SYS_PTRACE,
	CAP_SYS_PACCT,
	CAP_SYS_ADMIN,
	CAP_SYS_BOOT,
	CAP_SYS_NICE,
	CAP_SYS_RESOURCE,
	CAP_SYS_TIME,
	CAP_SYS_TTY_CONFIG,
	CAP_MKNOD,
	CAP_LEASE,
	CAP_AUDIT_WRITE,
	CAP_AUDIT_CONTROL,
	CAP_SETFCAP,
	CAP_MAC_OVERRIDE,
	CAP_MAC_ADMIN,
	CAP_SYSLOG,
	CAP_WAKE_ALARM,
	CAP_BLOCK_SUSPEND,
	CAP_AUDIT_READ,
	CAP_PERFMON,
	CAP_BPF,
	CAP_CHECKPOINT_RESTORE,
	CAP_COUNT
};
#define CAP_ALL ((1ull << CAP_COUNT) - 1)
enum securebits {
	SECBIT_NOROOT = 1,
	SECBIT_NO_SETUID_FIXUP = 4,
	SECBIT_KEEP_CAPS = 16,
	SECBIT_NO_CAP_AMBIENT_RAISE = 64
};

struct groups {
	refcount_t refs;
	uint32_t count;
	gid_t gid[];
};            /* sorted; immutable */
struct ambit; /* compiled policy; policy/ */
struct cred {
	refcount_t refs;
	uid_t uid, euid, suid, fsuid;
	gid_t gid, egid, sgid, fsgid;
	struct groups *groups; /* NULL: none */
	uint64_t effective, permitted, inheritable, bounding, ambient;
	uint32_t securebits;
	bool no_new_privs;
	const struct ambit *ambit; /* NULL until the policy is loaded: says yes */
	struct rcu_head rcu;
};
extern struct cred cred_kernel; /* all capabilities, uid 0: kernel threads and init */
static inline const struct cred *cred_get(const struct cred *c)
{
	refcount_inc(&((struct cred *)(uintptr_t)c)->refs);
	return c;
}
void cred_put(const struct cred *c);
/* A private copy to change, or NULL; then cred_commit() or cred_put(). */
struct cred *cred_prepare(const struct cred *from) __must_check;
void cred_commit(struct cred *c); /* becomes current->cred; consumes the reference */
extern void (*cred_changed)(const struct cred *old,
	const struct cred *now); /* proc: ids or capabilities changed; dumpable */
bool cred_in_group(const struct cred *c, gid_t gid); /* fsgid or supplementary */
static inline bool cred_capable(const struct cred *c, enum capability cap)
{
	return c->effective >> cap & 1;
}
bool capable(enum capability cap); /* of the current task; asks the ambit too */
/* credentials(7), setuid(2) and friends on a prepared copy; -EPERM, -EINVAL. -1: unchanged.
 * Capabilities follow capabilities(7). */
int __must_check cred_setuid(struct cred *c, uid_t uid);
int __must_check cred_setreuid(struct cred *c, uid_t r, uid_t e);
int __must_check cred_setresuid(struct cred *c, uid_t r, uid_t e, uid_t s);
int __must_check cred_setgid(struct cred *c, gid_t gid);
int __must_check cred_setregid(struct cred *c, gid_t r, gid_t e);
int __must_check cred_setresgid(struct cred *c, gid_t r, gid_t e, gid_t s);
uid_t cred_setfsuid(struct cred *c, uid_t id); /* returns the previous */
gid_t cred_setfsgid(struct cred *c, gid_t id);
int __must_check cred_setgroups(struct cred *c, const gid_t *gids, unsigned n); /* copies */
/* capset(2): -EPERM. */
int __must_check cred_capset(
	struct cred *c, uint64_t effective, uint64_t permitted, uint64_t inheritable);
void policy_init(void); /* boot: credentials can be made */
/* exec: set-id bits of a file owned by uid:gid with mode, and the capability transition. *secure:
 * AT_SECURE. */
int __must_check cred_exec(
	struct cred *c, mode_t mode, uid_t uid, gid_t gid, bool nosuid, bool *secure);
