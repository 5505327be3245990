/*
 * socket_internal.h - between the files socket*.c.
 */
#pragma once
#include <socket.h>

/* SOL_SOCKET, socket_opt.c. */
int socket_sol_set(struct socket *s, int name, const void *val, unsigned len);
int socket_sol_get(struct socket *s, int name, void *val, unsigned *len);

/* What a send returned; SIGPIPE where it is due: send(2), MSG_NOSIGNAL. */
ssize_t socket_sent(struct socket *s, unsigned msg_flags, ssize_t done);
