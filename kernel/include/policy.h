/*
 * policy.h - questions to the ambit engine. Each is asked where access is obtained; 0 is yes,
 * -EACCES (files) or -EPERM.
 *
 * Until policy files are read every answer is yes. Callers may hold no spinlock: an answer may log;
 * but policy_proc(), policy_ipc() and policy_capable() only look at compiled rules and may be asked
 * anywhere.
 */
#pragma once
#include <compiler.h>

struct cred;
struct path;
struct inode;
struct task;
enum policy_file_op {
	POLICY_READ = 1,
	POLICY_WRITE = 2,
	POLICY_EXEC = 4,
	POLICY_MAP_EXEC = 8,
	POLICY_CREATE = 16,
	POLICY_DELETE = 32,
	POLICY_ATTR = 64
};
enum policy_proc_op { POLICY_SIGNAL, POLICY_TRACE, POLICY_SEE };
enum policy_sys_op {
	POLICY_MOUNT,
	POLICY_REBOOT,
	POLICY_TIME,
	POLICY_HOSTNAME,
	POLICY_LOG,
	POLICY_SWAP,
	POLICY_RAWIO
};
enum policy_net_op {
	POLICY_NET_CREATE, /* socket(2): family, type, protocol */
	POLICY_NET_BIND,   /* listen or receive on address and port */
	POLICY_NET_CONNECT /* connect(2), or the destination of an unconnected send */
};
struct ip_addr;
/* What is known of a socket when the question is asked; addr NULL: none (yet). */
struct policy_net {
	uint16_t family, type, protocol;
	const struct ip_addr *addr;
	uint16_t port; /* host order */
};
int __must_check policy_file(const struct cred *c, const struct path *p, unsigned ops);
int __must_check policy_device(const struct cred *c, const struct path *p, mode_t type, dev_t dev);
int __must_check policy_capable(const struct cred *c, unsigned cap);
int __must_check policy_proc(
	const struct cred *c, const struct cred *target, enum policy_proc_op op);
int __must_check policy_net(
	const struct cred *c, enum policy_net_op op, const struct policy_net *what);
int __must_check policy_sys(const struct cred *c, enum policy_sys_op op);
int __must_check policy_exec(const struct cred *c, const struct path *p);
/* A System V IPC object that its mode lets @c use. */
int __must_check policy_ipc(const struct cred *c, int32_t key, bool write);
