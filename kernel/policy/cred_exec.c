/*
 * cred_exec.c - what execve(2) does to a credential: set-id bits, then the capability transition.
 *
 * Spec: execve(2), capabilities(7) "Transformation of capabilities during execve()" and
 * "Capabilities and execution of programs by root". Does not: file capabilities (no file system
 * here stores them).
 */
#include <cred.h>
#include <error.h>
#include "cred_internal.h"

static void apply_setid_bits(struct cred *c, mode_t mode, uid_t uid, gid_t gid)
{
	if (mode & MODE_SETUID)
		c->euid = uid;
	/* Set-group-id without group execute once meant mandatory locking. */
	if ((mode & (MODE_SETGID | MODE_GROUP_EXEC)) == (MODE_SETGID | MODE_GROUP_EXEC))
		c->egid = gid;
}

int cred_exec(struct cred *c, mode_t mode, uid_t uid, gid_t gid, bool nosuid, bool *secure)
{
	uint64_t file_permitted = 0, file_inheritable = 0;
	bool file_effective = false, is_setid;
	uid_t old_euid = c->euid;
	gid_t old_egid = c->egid;

	if (!nosuid && !c->no_new_privs)
		apply_setid_bits(c, mode, uid, gid);
	is_setid = c->euid != old_euid || c->egid != old_egid;

	if (!(c->securebits & SECBIT_NOROOT)) {
		if (c->euid == ROOT_ID || c->uid == ROOT_ID)
			file_permitted = file_inheritable = CAP_ALL;
		file_effective = c->euid == ROOT_ID;
	}
	if (is_setid)
		c->ambient = 0;
	c->permitted = (c->inheritable & file_inheritable) | (file_permitted & c->bounding) |
		       c->ambient;
	c->effective = file_effective ? c->permitted : c->ambient;
	c->suid = c->fsuid = c->euid;
	c->sgid = c->fsgid = c->egid;
	c->securebits &= ~(uint32_t)SECBIT_KEEP_CAPS;
	*secure = c->euid != c->uid || c->egid != c->gid ||
		  (c->uid != ROOT_ID && (file_effective || (c->permitted & ~c->ambient)));
	return 0;
}
