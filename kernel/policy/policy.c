/*
 * policy.c - the ambit engine's questions. Theory of the room is here.
 *
 * A credential carries an ambit: the compiled form of a policy file in /etc that says what the
 * program may do on top of POSIX permissions. Everywhere access is obtained the kernel asks one of
 * the functions below, after its own permission checks, with the credential that acts.
 *
 * Until policy files are read every ambit is NULL, and a NULL ambit says yes to everything; nothing
 * in the kernel makes another one. A credential that has an ambit which this engine cannot judge
 * gets no: errors are -EACCES where a file is concerned and -EPERM elsewhere, so that a half-built
 * engine fails closed.
 *
 * Linux capabilities are a question of their own: policy_capable() says yes only if the effective
 * set has the bit and the ambit does not object. No answer looks at a user id.
 *
 * Locks: none. Credentials are immutable, and an ambit would be constant once compiled.
 * Does not: read policy files, keep an audit trail.
 */
#include <policy.h>
#include <cred.h>
#include <error.h>
#include <task.h>

static inline bool is_free(const struct cred *c)
{
	return likely(!c->ambit);
}

int policy_file(const struct cred *c, const struct path *p, unsigned ops)
{
	(void)p;
	(void)ops;
	return is_free(c) ? 0 : -EACCES;
}

int policy_device(const struct cred *c, const struct path *p, mode_t type, dev_t dev)
{
	(void)p;
	(void)type;
	(void)dev;
	return is_free(c) ? 0 : -EACCES;
}

int policy_capable(const struct cred *c, unsigned cap)
{
	if (cap >= CAP_COUNT || !cred_capable(c, cap))
		return -EPERM;
	return is_free(c) ? 0 : -EPERM;
}

int policy_proc(const struct cred *c, const struct cred *target, enum policy_proc_op op)
{
	(void)target;
	(void)op;
	return is_free(c) ? 0 : -EPERM;
}

int policy_net(const struct cred *c, enum policy_net_op op, const struct policy_net *what)
{
	(void)op;
	(void)what;
	return is_free(c) ? 0 : -EPERM;
}

int policy_sys(const struct cred *c, enum policy_sys_op op)
{
	(void)op;
	return is_free(c) ? 0 : -EPERM;
}

int policy_exec(const struct cred *c, const struct path *p)
{
	(void)p;
	return is_free(c) ? 0 : -EACCES;
}

bool capable(enum capability cap)
{
	const struct cred *c = current->cred;

	/* The boot flow runs before anything has a credential. */
	if (unlikely(!c))
		c = &cred_kernel;
	return policy_capable(c, cap) == 0;
}

int policy_ipc(const struct cred *c, int32_t key, bool write)
{
	(void)key;
	(void)write;
	return is_free(c) ? 0 : -EACCES;
}
