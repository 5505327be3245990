/*
 * socket.h - sockets: what socket(2) returns, for every protocol family.
 *
 * struct socket is embedded first in each protocol's own (struct inet_sock, unix_sock, ...). It is
 * reference-counted: the file holds one, hash tables hold none (RCU lookups take one if it is not
 * zero), timers and queues hold theirs; the memory is freed after a grace period. Protocol state is
 * guarded by ->lock, a plain spinlock taken in net sections (net.h); user memory is copied outside
 * of it: senders copy into pkts first, readers hold ->rcv_mutex, under which only they take from
 * the head of ->rcv. Addresses are Linux's sockaddr layouts, which are POSIX's with fixed sizes;
 * option levels and names have Linux's numbers. Theory: kernel/net/socket.c
 */
#pragma once
#include <atomic.h>
#include <cred.h>
#include <error.h>
#include <iov_iter.h>
#include <ipaddr.h>
#include <mutex.h>
#include <net.h>
#include <pkt.h>
#include <poll.h>
#include <wait.h>

enum { /* families, socket(2) */
	AF_UNSPEC = 0,
	AF_UNIX = 1,
	AF_INET = 2,
	AF_INET6 = 10,
	AF_NETLINK = 16,
	AF_PACKET = 17,
	AF_MAX = 46
};
enum {
	SOCK_STREAM = 1,
	SOCK_DGRAM = 2,
	SOCK_RAW = 3,
	SOCK_RDM = 4,
	SOCK_SEQPACKET = 5,
	SOCK_PACKET = 10,
	SOCK_TYPE_MASK = 0xf,
	SOCK_NONBLOCK = 0x800,
	SOCK_CLOEXEC = 0x80000
};
enum {
	SHUT_RD = 0,
	SHUT_WR = 1,
	SHUT_RDWR = 2,
	SHUTDOWN_RD = 1 /* bits of ->shutdown */,
	SHUTDOWN_WR = 2
};
enum { /* send(2), recv(2) */
	MSG_OOB = 0x1,
	MSG_PEEK = 0x2,
	MSG_DONTROUTE = 0x4,
	MSG_CTRUNC = 0x8,
	MSG_TRUNC = 0x20,
	MSG_DONTWAIT = 0x40,
	MSG_EOR = 0x80,
	MSG_WAITALL = 0x100,
	MSG_CONFIRM = 0x800,
	MSG_ERRQUEUE = 0x2000,
	MSG_NOSIGNAL = 0x4000,
	MSG_MORE = 0x8000,
	MSG_WAITFORONE = 0x10000,
	MSG_ZEROCOPY = 0x4000000,
	MSG_FASTOPEN = 0x20000000,
	MSG_CMSG_CLOEXEC = 0x40000000
};

enum { /* setsockopt(2) */
	SOL_SOCKET = 1,
	SO_DEBUG = 1,
	SO_REUSEADDR,
	SO_TYPE,
	SO_ERROR,
	SO_DONTROUTE,
	SO_BROADCAST,
	SO_SNDBUF,
	SO_RCVBUF,
	SO_KEEPALIVE,
	SO_OOBINLINE,
	SO_NO_CHECK,
	SO_PRIORITY,
	SO_LINGER,
	SO_BSDCOMPAT,
	SO_REUSEPORT,
	SO_PASSCRED,
	SO_PEERCRED,
	SO_RCVLOWAT,
	SO_SNDLOWAT,
	SO_RCVTIMEO,
	SO_SNDTIMEO,
	SO_BINDTODEVICE = 25,
	SO_ATTACH_FILTER = 26, /* the value is the array of instructions; read: SO_GET_FILTER */
	SO_DETACH_FILTER,
	SO_PEERNAME,
	SO_TIMESTAMP,
	SO_ACCEPTCONN,
	SO_PEERSEC,
	SO_SNDBUFFORCE,
	SO_RCVBUFFORCE,
	SO_PASSSEC,
	SO_TIMESTAMPNS,
	SO_MARK,
	SO_TIMESTAMPING,
	SO_PROTOCOL,
	SO_DOMAIN,
	SO_RXQ_OVFL,
	SO_PEEK_OFF = 42,
	SO_LOCK_FILTER = 44,
	SO_SELECT_ERR_QUEUE,
	SO_BUSY_POLL,
	SO_MAX_PACING_RATE,
	SO_BPF_EXTENSIONS,
	SO_INCOMING_CPU,
	SO_CNX_ADVICE = 53,
	SO_MEMINFO = 55,
	SO_COOKIE = 57,
	SO_PEERGROUPS = 59,
	SO_ZEROCOPY = 60,
	SO_BINDTOIFINDEX = 62,
	SO_TIMESTAMP_NEW,
	SO_TIMESTAMPNS_NEW,
	SO_TIMESTAMPING_NEW,
	SO_RCVTIMEO_NEW,
	SO_SNDTIMEO_NEW,
	SO_NETNS_COOKIE = 71,
	SO_BUF_LOCK
};
enum { SCM_RIGHTS = 1, SCM_CREDENTIALS = 2 };
enum { /* SO_TIMESTAMPING: what can be asked for */
	SOF_TIMESTAMPING_RX_SOFTWARE = 8,
	SOF_TIMESTAMPING_SOFTWARE = 16,
	SOF_TIMESTAMPING_MASK = 0x1ffff
};
struct socket_linger {
	int l_onoff, l_linger;
};
struct socket_ucred { /* SO_PEERCRED, SCM_CREDENTIALS */
	pid_t pid;
	uid_t uid;
	gid_t gid;
};

struct sockaddr_storage {
	uint16_t ss_family;
	char data[126];
};
struct sockaddr_in {
	uint16_t sin_family;
	__be16 sin_port;
	__be32 sin_addr;
	char sin_zero[8];
};
struct sockaddr_in6 {
	uint16_t sin6_family;
	__be16 sin6_port;
	__be32 sin6_flowinfo;
	uint8_t sin6_addr[16];
	uint32_t sin6_scope_id;
};
struct sockaddr_un {
	uint16_t sun_family;
	char sun_path[108];
};
struct sockaddr_ll {
	uint16_t sll_family;
	__be16 sll_protocol;
	int32_t sll_ifindex;
	uint16_t sll_hatype;
	uint8_t sll_pkttype, sll_halen, sll_addr[8];
};
struct sockaddr_nl {
	uint16_t nl_family, nl_pad;
	uint32_t nl_pid, nl_groups;
};
struct cmsghdr { /* cmsg(3): aligned to 8 */
	uint64_t cmsg_len;
	int32_t cmsg_level, cmsg_type;
};
#define CMSG_ALIGN(n) (((n) + 7ul) & ~7ul)
#define CMSG_SPACE(n) (sizeof(struct cmsghdr) + CMSG_ALIGN(n))
#define CMSG_LEN(n)   (sizeof(struct cmsghdr) + (n))

struct zerocopy;
/* One sendmsg or recvmsg. All memory but what @iter points to is the kernel's; compat copies. */
struct socket_msg {
	struct sockaddr_storage *name; /* send: destination or NULL. recv: filled when not NULL */
	unsigned name_len;             /* recv: length of what was filled, 0: none */
	struct iov_iter *iter;
	unsigned flags;            /* MSG_*; recv: out flags are or-ed into out_flags */
	unsigned out_flags;        /* recv: MSG_TRUNC, CTRUNC, EOR, OOB, ERRQUEUE */
	uint8_t *control;          /* send: cmsgs as given, checked by cmsg_next(). recv: buffer */
	size_t control_len;        /* send: bytes. recv: capacity */
	size_t control_used;       /* recv: bytes filled */
	struct zerocopy *zerocopy; /* send: memory may be lent (net/zerocopy.h); NULL: is copied */
};
/* Walk the control data of a send: NULL at the end; malformed: *err = -EINVAL. @prev NULL: the
 * first. */
struct cmsghdr *cmsg_next(const struct socket_msg *m, const struct cmsghdr *prev, int *err);
static inline void *cmsg_data(const struct cmsghdr *c)
{
	return (char *)(uintptr_t)c + sizeof(*c);
}
static inline size_t cmsg_data_len(const struct cmsghdr *c) /* of one that cmsg_next() gave */
{
	return c->cmsg_len - sizeof(*c);
}
/* Add one to a receive. What does not fit is cut off, or left out when not even the header fits,
 * and MSG_CTRUNC is set (recvmsg(2)). */
void cmsg_put(struct socket_msg *m, int level, int type, const void *data, size_t n);

struct file;
struct page;
struct socket;
struct vm_map_args;
struct socket_ops {
	uint16_t family;
	int (*bind)(struct socket *s, const struct sockaddr_storage *a, unsigned len);
	int (*connect)(struct socket *s, const struct sockaddr_storage *a, unsigned len,
		unsigned file_flags);
	int (*socketpair)(struct socket *a, struct socket *b);
	int (*listen)(struct socket *s, int backlog);
	int (*accept)(struct socket *s, unsigned file_flags,
		struct socket **out); /* a reference to the new one */
	int (*getname)(
		struct socket *s, bool peer, struct sockaddr_storage *a); /* length or -errno */
	ssize_t (*sendmsg)(struct socket *s, struct socket_msg *m, size_t n, unsigned file_flags);
	ssize_t (*recvmsg)(struct socket *s, struct socket_msg *m, size_t n, unsigned file_flags);
	int (*shutdown)(struct socket *s, int how);
	unsigned (*poll)(struct socket *s); /* events now; socket.c has queued the waiter */
	long (*ioctl)(struct socket *s, unsigned cmd,
		void *arg); /* as file_ops.ioctl; -ENOTTY: not mine */
	/* Levels other than SOL_SOCKET, and SOL_SOCKET names that socket.c does not know. @val is a
	 * kernel copy of @len bytes. -ENOPROTOOPT: unknown. get: *len is capacity in, length out.
	 * socket.c itself keeps SO_KEEPALIVE, DONTROUTE, OOBINLINE, PASSCRED, SNDBUF, RCVBUF,
	 * RCVLOWAT, MARK, BINDTOIFINDEX and then calls setsockopt for those who act on them (the
	 * result is ignored). Asked of the family first, with a default: SO_ACCEPTCONN, PEERCRED,
	 * PEERGROUPS. */
	int (*setsockopt)(struct socket *s, int level, int name, const void *val, unsigned len);
	int (*getsockopt)(struct socket *s, int level, int name, void *val, unsigned *len);
	bool has_peek_off, has_zerocopy; /* SO_PEEK_OFF, SO_ZEROCOPY can be set */
	/* Optional: pages by reference (sendfile, splice): takes its own references.
	 * Bytes taken or -errno. NULL: bytes are copied. */
	ssize_t (*sendpage)(struct socket *s, struct page *page, unsigned off, size_t n,
		unsigned msg_flags, unsigned file_flags);
	int (*mmap)(struct socket *s, struct vm_map_args *a); /* packet rings; NULL: -ENODEV */
	void (*closing)(
		struct socket *s); /* optional: close(2) of a descriptor of it, not yet done */
	void (*release)(struct socket *
			s); /* the file is gone: detach, close the connection; may sleep (linger) */
	void (*destroy)(struct socket *
			s); /* last reference went; then the memory is freed after a grace period */
};
/* Families register how to make a socket; socket(2) finds it. */
struct socket_family {
	uint16_t family;
	struct list_head node;
	/* @protocol as given. 0, -ESOCKTNOSUPPORT (type), -EPROTONOSUPPORT, -EPERM/-EACCES,
	 * -ENOMEM. */
	int (*create)(struct net *net, int type, int protocol, struct socket **out);
};
void socket_family_register(struct socket_family *f);

enum socket_opt_bits { /* ->opts */
	SOPT_REUSEADDR = 1,
	SOPT_REUSEPORT = 2,
	SOPT_KEEPALIVE = 4,
	SOPT_BROADCAST = 8,
	SOPT_OOBINLINE = 16,
	SOPT_DONTROUTE = 32,
	SOPT_TIMESTAMP = 64,
	SOPT_TIMESTAMPNS = 128,
	SOPT_PASSCRED = 256,
	SOPT_ZEROCOPY = 512,
	SOPT_RXQ_OVFL = 1024,
	SOPT_DEBUG = 2048,
	SOPT_NO_CHECK = 4096,
	SOPT_RCVBUF_LOCK = 8192, /* set by the program: no automatic growth */
	SOPT_SNDBUF_LOCK = 16384,
	SOPT_PASSSEC = 32768,
	SOPT_LINGER = 65536,
	SOPT_TIMESTAMP_NEW = 131072
};
struct sock_filter_prog; /* classic BPF program attached by SO_ATTACH_FILTER: kernel/net/bpf.c */

/* Key: [l] ->lock  [e] ->errq_lock  [c] constant  [a] atomic or a single word, racy reads
 *      [r] rcv_mutex */
struct socket {
	refcount_t refs;
	uint16_t family, type, protocol; /* [c] */
	uint8_t shutdown;                /* [l] SHUTDOWN_* bits, readers racy */
	bool dead;                       /* [l] the file is gone */
	const struct socket_ops *ops;    /* [c] */
	struct net *net;                 /* [c] */
	struct spinlock
		lock; /* level 46; plain, net sections; a listener's before its child's (nested) */
	struct mutex rcv_mutex, snd_mutex; /* level 7: one reader, one (stream) writer at a time */
	struct pkt_queue rcv;              /* [l]; head: with rcv_mutex too */
	struct spinlock errq_lock;         /* level 50: leaf; packets are freed under the others */
	struct pkt_queue
		errq; /* [e] MSG_ERRQUEUE: ICMP errors, zero-copy completions, timestamps */
	struct wait_queue rcv_wait, snd_wait;
	atomic_t rmem, wmem;     /* truesize charged */
	atomic_t optmem;         /* bytes of notices of zero-copy sends, under way or not read */
	uint32_t rcvbuf, sndbuf; /* [a] limits (already doubled as socket(7) says) */
	uint32_t rcvlowat;
	int error;     /* [a] SO_ERROR: read and cleared by xchg */
	uint32_t opts; /* [l] socket_opt_bits, racy reads */
	uint32_t priority, mark, ifindex /* SO_BINDTODEVICE */, drops;
	uint64_t rcv_timeout_ns, snd_timeout_ns; /* 0: none */
	uint32_t linger_s;
	struct file *file;               /* [c] while !dead; not a reference */
	const struct cred *cred;         /* [c] of the creator */
	pid_t pid;                       /* of the creator, or the listener's for SO_PEERCRED */
	struct sock_filter_prog *filter; /* RCU; written with [l] */
	bool filter_locked;              /* [l] SO_LOCK_FILTER */
	bool select_errq;                /* [a] SO_SELECT_ERR_QUEUE: POLLPRI too */
	struct {                         /* O_ASYNC */
		bool on;                 /* [a] */
	} async;
	int32_t peek_off;     /* [r] SO_PEEK_OFF: -1 is off */
	int32_t peek_skip;    /* [r] where in the pkt of socket_rcv_begin() a peek begins */
	uint32_t tsflags;     /* [a] SO_TIMESTAMPING */
	uint64_t cookie;      /* [a] SO_COOKIE: given when first asked for */
	uint64_t max_pacing;  /* [a] SO_MAX_PACING_RATE, bytes/s */
	int32_t incoming_cpu; /* [a] SO_INCOMING_CPU */
	int32_t busy_poll;    /* [a] SO_BUSY_POLL: kept, not acted on */
	uint32_t zerocopy_id; /* [e] of the next send with MSG_ZEROCOPY */
	uint64_t stamp_ns;    /* [r] of the packet read last: SIOCGSTAMP; 0: none */
	struct rcu_head rcu;
};

/* For families: zeroed memory of @size with the common part initialised, one reference; NULL: no
 * memory. */
struct socket *socket_alloc(size_t size, struct net *net, const struct socket_ops *ops, int type,
	int protocol) __must_check;
/* The same in a section, for who accepts a connection: @like gives family, owner, options and
 * filter. NULL, too: the filter changes at this moment. */
struct socket *socket_alloc_like(size_t size, const struct socket *like) __must_check;
static inline struct socket *socket_get(struct socket *s)
{
	refcount_inc(&s->refs);
	return s;
}
bool __must_check socket_try_get(struct socket *s); /* RCU lookup: false when it is going away */
void socket_put(struct socket *s);                  /* any section or sleeping context */

/* Memory: charge a received pkt to @s (sets destructor). False: rcvbuf or the global limit is
 * exceeded. */
bool __must_check socket_charge_rcv(struct socket *s, struct pkt *p);
void socket_force_charge_rcv(
	struct socket *s, struct pkt *p); /* what must not be refused (one more is let in) */
void socket_charge_snd(struct socket *s, struct pkt *p); /* to wmem; its destructor wakes writers */
void socket_uncharge_snd(struct pkt *p);                 /* that destructor, for one's own */
/* Sleep until wmem is below sndbuf (or shutdown, error): 0, -EAGAIN, -ERESTARTSYS/-EINTR, -EPIPE,
 * error. No lock held. */
int __must_check socket_wait_sndbuf(struct socket *s, unsigned flags);
/* Deliver to a datagram-like socket: filter, charge, queue, wake. Consumes; false: dropped (counted
 * in drops). In a section, no lock held. */
bool socket_queue_rcv(struct socket *s, struct pkt *p);
/* The same where a filter sees @header bytes before the data: those of the transport. */
bool socket_queue_rcv_after(struct socket *s, struct pkt *p, unsigned header);
/* SO_ATTACH_FILTER's word on @p, which may be cut: false: drop it. No lock needed. */
bool socket_filter_passes(struct socket *s, struct pkt *p);
/* Ancillary data that every family gives on request: timestamps, drop counter. rcv_mutex held. */
void socket_put_cmsgs(struct socket *s, struct socket_msg *m, const struct pkt *p);
/*
 * Next datagram for a reader: waits by flags and timeout. MSG_PEEK leaves it queued (the pkt stays
 * valid while rcv_mutex is held): returns with rcv_mutex held; socket_rcv_done() releases it and
 * frees or keeps the pkt. 0, -EAGAIN, -ERESTARTSYS, the socket's error; *out NULL and 0: shut down
 * for reading.
 */
int __must_check socket_rcv_begin(struct socket *s, unsigned flags, struct pkt **out);
void socket_rcv_done(struct socket *s, struct pkt *p, unsigned flags);
/* SO_PEEK_OFF, for those who support it: @n bytes were peeked at or read. rcv_mutex held. */
static inline void socket_peek_moved(struct socket *s, unsigned flags, uint32_t n)
{
	if (unlikely(s->peek_off >= 0))
		s->peek_off = flags & MSG_PEEK           ? s->peek_off + (int32_t)n
			      : s->peek_off > (int32_t)n ? s->peek_off - (int32_t)n
							 : 0;
}
/* Wake-ups (poll keys); also SIGIO. In a section or not. */
void socket_wake_readers(struct socket *s);
void socket_wake_writers(struct socket *s);
void socket_wake_all(struct socket *s); /* state change: error, hang-up */
void socket_urgent(struct socket *s);   /* urgent data is announced: SIGURG to the owner; wakes */
void socket_set_error(struct socket *s, int err); /* positive errno; wakes */
int socket_take_error(struct socket *s);          /* 0 or -errno, cleared */
/* What poll(2) says of a datagram socket. */
unsigned socket_poll_datagram(struct socket *s);
static inline bool socket_writable(const struct socket *s)
{
	return (uint32_t)atomic_read(&s->wmem) < READ_ONCE(s->sndbuf) / 2;
}
/* Sleeping with SO_RCVTIMEO or SO_SNDTIMEO (@timeout_ns): the deadline for wait_event_full(), and
 * what its failure means to the program: -EAGAIN; a call with a timeout is not restarted
 * (signal(7)). */
uint64_t socket_deadline(uint64_t timeout_ns);
int socket_wait_result(int err, uint64_t timeout_ns);
enum sock_ext_origin {
	SO_EE_ORIGIN_NONE,
	SO_EE_ORIGIN_LOCAL,
	SO_EE_ORIGIN_ICMP,
	SO_EE_ORIGIN_ICMP6,
	SO_EE_ORIGIN_ZEROCOPY = 5
};
enum { SO_EE_CODE_ZEROCOPY_COPIED = 1 };
/* Queue on ->errq with a sock_extended_err: see ip(7) IP_RECVERR. Drops when the queue is full. */
struct sock_ext_err {
	uint32_t ee_errno;
	uint8_t ee_origin, ee_type, ee_code, ee_pad;
	uint32_t ee_info, ee_data;
};
void socket_queue_error(struct socket *s, struct pkt *p, const struct sock_ext_err *e,
	const struct sockaddr_storage *offender);
/* Where it lies in a pkt of ->errq: @offender cut to the longest address (sockaddr_in6). */
struct socket_err_cb {
	struct sock_ext_err e;
	uint8_t offender[28];
};
static inline struct socket_err_cb *socket_err_cb(struct pkt *p)
{
	static_assert(sizeof(struct socket_err_cb) <= sizeof(p->cb), "fits");
	return (struct socket_err_cb *)p->cb;
}
/* sendmsg with MSG_ZEROCOPY on a socket that has SO_ZEROCOPY: when the network is done with the
 * program's memory a notice is on ->errq, joined with the one before if it may be. -ENOBUFS: too
 * much is under way (zerocopy.c), nothing was sent; else as the family's. */
ssize_t socket_send_zerocopy(struct socket *s, struct socket_msg *m, size_t n, unsigned file_flags);
struct pkt *socket_dequeue_error(struct socket *s); /* the caller's; NULL: none */

/* net.core.*: /proc/sys/net/core. */
struct socket_limits {
	uint32_t rmem_default, rmem_max, wmem_default, wmem_max, optmem_max;
};
extern struct socket_limits socket_limits;
extern pid_t (*socket_pid)(void);            /* proc: id of the current process */
extern bool (*socket_pid_exists)(pid_t pid); /* proc */

/* ---- classic BPF: kernel/net/bpf.c ---- */
struct sock_filter { /* one instruction, as programs give it */
	uint16_t code;
	uint8_t jt, jf;
	uint32_t k;
};
enum { BPF_MAXINSNS = 4096, BPF_EXTENSIONS_MAX = 64 };
/* A checked copy; 0, -EINVAL, -ENOMEM. */
int __must_check bpf_prog_create(
	const struct sock_filter *insns, unsigned n, struct sock_filter_prog **out);
/* In an RCU read section: a reference; false: the last one has just gone. */
bool __must_check bpf_prog_try_get(struct sock_filter_prog *p);
void bpf_prog_put(struct sock_filter_prog *p); /* NULL is fine; freed after a grace period */
/* Bytes of @p to keep, 0: drop. @p as the socket sees it: its data begins at offset 0. In a
 * section. */
uint32_t bpf_run(const struct sock_filter_prog *prog, struct pkt *p);
const struct sock_filter *bpf_prog_insns(const struct sock_filter_prog *p, unsigned *n);

/* ---- for compat ---- */
int __must_check socket_create(int family, int type, int protocol, struct socket **out);
int __must_check socket_open_file(
	struct socket *s, unsigned file_flags, struct file **out); /* consumes @s on success only */
/* A socket that has, or gets, no file: release and put it. */
void socket_discard(struct socket *s);
struct socket *socket_from_file(struct file *f); /* NULL: not a socket */
int __must_check socket_bind(struct socket *s, const struct sockaddr_storage *a, unsigned len);
int __must_check socket_connect(
	struct socket *s, const struct sockaddr_storage *a, unsigned len, unsigned file_flags);
int __must_check socket_listen(struct socket *s, int backlog);
int __must_check socket_accept(struct socket *s, unsigned file_flags, struct socket **out);
int __must_check socket_pair(int family, int type, int protocol, struct socket *out[2]);
ssize_t socket_sendmsg(struct socket *s, struct socket_msg *m, size_t n, unsigned file_flags);
ssize_t socket_recvmsg(struct socket *s, struct socket_msg *m, size_t n, unsigned file_flags);
int __must_check socket_shutdown(struct socket *s, int how);
int socket_setsockopt(struct socket *s, int level, int name, const void *val, unsigned len);
int socket_getsockopt(struct socket *s, int level, int name, void *val, unsigned *len);
void socket_init(void); /* boot */
