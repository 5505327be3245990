/*
 * unix.h - between the files unix*.c.
 */
#pragma once
#include <socket.h>
#include <vfs.h>

enum unix_state { UNIX_CLOSED, UNIX_LISTENING, UNIX_CONNECTED };
enum { UNIX_PATH_MAX = 108, UNIX_MAX_FDS = 253, UNIX_DGRAM_BACKLOG = 10 };

/* A name; immutable, shared by a listener and those it accepts. */
struct unix_addr {
	refcount_t refs;
	unsigned len; /* of the address with the family; a path counts its final 0 */
	uint16_t family;
	char path[UNIX_PATH_MAX + 1];
};

/* Key: as struct socket; [t] bucket of the table  [m] conf_mutex to write  [g] unix_rights_mutex */
struct unix_sock {
	struct socket s;        /* first */
	struct unix_sock *peer; /* [l] referenced. Stable while a stream is connected and open */
	struct unix_addr *addr; /* [m] once; read with acquire */
	struct path path;       /* [m] of a name in the file system, else empty; referenced */
	struct mutex
		conf_mutex; /* bind, connect, listen: own state changes to others than closed */
	struct hlist_node name_node, all_node; /* [t] */
	uint8_t state;                         /* [l][m] unix_state; racy reads with acquire */
	bool is_embryo;                        /* [l of the listener] not accepted yet */
	uint32_t backlog;              /* [l] queued connections, or datagrams, beyond one */
	struct list_head pending;      /* [l] listener: embryos, by ->pending_node */
	struct list_head pending_node; /* [l of the listener] */
	uint32_t nr_pending;           /* [l] */
	struct wait_queue peer_wait;   /* others who wait for room in our queue */
	struct wait_entry relay;       /* dgram: on peer->peer_wait, wakes our writers */
	struct unix_sock *relay_peer;  /* [l] referenced: where ->relay is, or was */
	const struct cred *peer_cred;  /* [l] SO_PEERCRED; NULL: none */
	pid_t peer_pid;
	/* garbage collection: unix_gc.c */
	struct list_head flight_node;
	uint32_t in_flight, gc_refs; /* [g] */
	bool gc_candidate;           /* [g] */
};
static inline struct unix_sock *unix_sk(struct socket *s)
{
	return container_of(s, struct unix_sock, s);
}
static inline bool unix_is_dgram(const struct unix_sock *us)
{
	return us->s.type == SOCK_DGRAM;
}

/* Open files in a message. They are "in flight" from unix_rights_fly() to unix_rights_land(). */
struct unix_rights {
	unsigned n;
	uid_t uid; /* whom they are counted for */
	struct file *file[UNIX_MAX_FDS];
};
/* What a message carries beside its bytes; in pkt->cb. */
struct unix_cb {
	struct unix_rights *rights; /* [l of the socket it is queued on] NULL: none */
	struct socket_ucred cred;   /* of the sender; pid 0: nobody asked */
};
static inline struct unix_cb *unix_cb(const struct pkt *p)
{
	static_assert(sizeof(struct unix_cb) <= sizeof(p->cb), "fits");
	return (struct unix_cb *)(uintptr_t)p->cb;
}

/* ---- unix.c ---- */
struct unix_sock *unix_alloc(struct net *net, int type) __must_check;
void unix_set_peer_cred(struct unix_sock *us, const struct cred *c, pid_t pid); /* [l] */
void unix_release(struct socket *s);
unsigned unix_poll(struct socket *s);
bool unix_dgram_full(const struct unix_sock *from, const struct unix_sock *to); /* racy */
extern const struct socket_ops unix_stream_ops, unix_dgram_ops, unix_seqpacket_ops;

/* ---- unix_name.c ---- */
int unix_check_addr(const struct sockaddr_storage *a, unsigned len); /* 0 or -EINVAL */
int unix_bind(struct socket *s, const struct sockaddr_storage *a, unsigned len);
int unix_autobind(struct unix_sock *us); /* conf_mutex held; 0 also when it has a name */
/* SO_PASSCRED: the other side shall be able to answer. conf_mutex not held. */
int unix_name_for_creds(struct unix_sock *us);
void unix_unbind(struct unix_sock *us);
/* The socket @a names, referenced: 0, -ECONNREFUSED, -EPROTOTYPE, -EACCES, of path walk. */
int unix_find(struct net *net, const struct sockaddr_storage *a, unsigned len, int type,
	struct unix_sock **out);
int unix_getname(struct socket *s, bool peer, struct sockaddr_storage *a);
void unix_put_name(struct socket_msg *m, struct unix_sock *from); /* msg_name */
void unix_addr_put(struct unix_addr *a);                          /* NULL is fine */
void unix_table_add(struct unix_sock *us);                        /* of all sockets */
void unix_table_remove(struct unix_sock *us);
void unix_names_init(struct net *net); /* boot */

/* ---- unix_connect.c ---- */
int unix_stream_connect(
	struct socket *s, const struct sockaddr_storage *a, unsigned len, unsigned file_flags);
int unix_listen(struct socket *s, int backlog);
int unix_accept(struct socket *s, unsigned file_flags, struct socket **out);
int unix_socketpair(struct socket *a, struct socket *b);
int unix_shutdown(struct socket *s, int how);

/* ---- unix_stream.c, unix_dgram.c ---- */
ssize_t unix_stream_send(struct socket *s, struct socket_msg *m, size_t n, unsigned file_flags);
ssize_t unix_stream_recv(struct socket *s, struct socket_msg *m, size_t n, unsigned file_flags);
ssize_t unix_dgram_send(struct socket *s, struct socket_msg *m, size_t n, unsigned file_flags);
ssize_t unix_dgram_recv(struct socket *s, struct socket_msg *m, size_t n, unsigned file_flags);
int unix_dgram_connect(
	struct socket *s, const struct sockaddr_storage *a, unsigned len, unsigned file_flags);
bool unix_may_send(const struct unix_sock *from, const struct unix_sock *to); /* [l] of to */
void unix_relay_start(struct unix_sock *us, struct unix_sock *peer);
void unix_relay_stop(struct unix_sock *us);

/* ---- unix_rights.c ---- */
void unix_scm_own_cred(struct socket_ucred *u); /* if it names nobody yet: the current process */
/* Control data of a send. *rights: the caller's, not in flight; NULL: none. */
int unix_scm_get(const struct socket_msg *m, struct unix_cb *out);
/* Give @p what it carries; @p is charged to its sender. 0, -ETOOMANYREFS; the rights are then still
 * the caller's. */
int unix_scm_attach(struct pkt *p, const struct unix_cb *cb);
/* Before @p is queued on @to: its sender's ids, if one of them wants that (SO_PASSCRED). */
static inline void unix_scm_name_sender(
	struct pkt *p, const struct unix_sock *from, const struct unix_sock *to)
{
	if (unlikely(((READ_ONCE(from->s.opts) | READ_ONCE(to->s.opts)) & SOPT_PASSCRED) ||
		     to->is_embryo))
		unix_scm_own_cred(&unix_cb(p)->cred);
}
void unix_rights_drop(struct unix_rights *r); /* not in flight; NULL is fine. Sleeps. */
/* Take a message's rights for the reader, or (MSG_PEEK) copies. NULL: none (or no memory). */
struct unix_rights *unix_rights_take(struct socket *s, struct pkt *p, unsigned flags);
/* Credentials and descriptors for the program; consumes @r. */
void unix_scm_put(struct socket *s, struct socket_msg *m, const struct socket_ucred *cred,
	struct unix_rights *r);

/* ---- unix_gc.c ---- */
extern struct mutex unix_rights_mutex;
/* [g] Count them as in flight, or not any more. */
void unix_flight_add(struct unix_rights *r);
void unix_flight_remove(struct unix_rights *r);
void unix_gc_queue(void);               /* a socket is gone: maybe it was the last way to others */
void unix_gc_closing(struct socket *s); /* a descriptor goes: maybe only messages hold it now */
void unix_gc_run(void);                 /* sleeps */
void unix_gc_init(void);
