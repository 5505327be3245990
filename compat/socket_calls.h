/*
 * socket_calls.h - between sys_socket.c and sys_sockmsg.c.
 */
#pragma once
#include "compat.h"
#include "abi/socket.h"

struct sock_ref {
	struct fd_ref fd;
	struct socket *sock;
};
/* 0, -EBADF, -ENOTSOCK. */
int __must_check sock_begin(struct sock_ref *r, int fd);
void sock_end(struct sock_ref *r);
/* 0, -EINVAL (length), -EFAULT. */
int __must_check addr_fetch(struct sockaddr_storage *a, const void __user *from, int len);
/* As much as there is room for; the full length is stored. */
int __must_check addr_store(
	const struct sockaddr_storage *a, unsigned len, void __user *to, int __user *to_len);
