/*
 * tcp.h - TCP inside: the connection, the small objects before and after it, and what the files
 * tcp_*.c call of each other.
 *
 * Not for other rooms: they know TCP by inet.h (struct inet_proto) and netctl.h. Theory: tcp.c.
 * Unless a function says otherwise it runs in a net section with the socket's lock held; @now is
 * clock_ns() of a moment ago.
 */
#pragma once
#include <rbtree.h>
#include <time.h>
#include "inet.h"
#include "wire.h"

/* ---- the wire: wire.h ---- */
enum { TCP_HDR = 20, TCP_OPTS_MAX = 40, TCP_TS_OPT = 12 /* padded */ };

static inline bool seq_lt(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}
static inline bool seq_le(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) <= 0;
}
static inline uint32_t seq_max(uint32_t a, uint32_t b)
{
	return seq_lt(a, b) ? b : a;
}
static inline uint32_t seq_min(uint32_t a, uint32_t b)
{
	return seq_lt(a, b) ? a : b;
}

struct tcp_range { /* [start, end) of sequence space */
	uint32_t start, end;
};
enum { TCP_SACKS = 4 };
struct tcp_opts { /* what a segment carried */
	uint32_t tsval, tsecr;
	uint16_t mss; /* 0: absent */
	uint8_t wscale;
	bool has_ts, has_wscale, sack_ok;
	uint8_t nr_sacks;
	struct tcp_range sack[TCP_SACKS];
};

/* ---- constants; times in ns ---- */
#define TCP_RTO_INIT     NSEC_PER_SEC          /* RFC 6298, 2.1 */
#define TCP_RTO_FALLBACK (3 * NSEC_PER_SEC)    /* RFC 6298, 5.7 */
#define TCP_RTO_MIN      (200 * NSEC_PER_MSEC) /* tcp(7) */
#define TCP_RTO_MAX      (120 * NSEC_PER_SEC)
#define TCP_DELACK_MIN   (40 * NSEC_PER_MSEC)
#define TCP_DELACK_MAX   (200 * NSEC_PER_MSEC)
#define TCP_TIMEWAIT     (60 * NSEC_PER_SEC)   /* 2 MSL */
#define TCP_RETRY        (200 * NSEC_PER_MSEC) /* no memory to send with: try again */
#define TCP_HELD         NSEC_PER_MSEC         /* a listener here was full: try again, at first */
#define TCP_PAWS_AGE     (24ull * 86400)       /* s; RFC 7323, 5.5 */
#define TCP_NEVER        UINT64_MAX
enum {
	TCP_MSS_DEFAULT = 536, /* RFC 9293, 3.7.1 */
	TCP_MSS_MIN = 48,      /* smaller ones only serve to make us work */
	TCP_INIT_CWND = 10,    /* segments; RFC 6928 */
	TCP_CWND_MAX = 1 << 30,
	TCP_DUPTHRESH = 3,
	TCP_WSCALE_MAX = 14,                  /* RFC 7323, 2.3 */
	TCP_ORPHAN_RETRIES = 8,               /* of a closed connection */
	TCP_GSO_BYTES = 65535 - 60 - 40 - 40, /* payload of one packet: IP's length has 16 bits */
	TCP_QUICKACKS = 16
};

enum tcp_state { /* Linux's numbers: /proc/net/tcp, TCP_INFO */
	TCP_ESTABLISHED = 1,
	TCP_SYN_SENT,
	TCP_SYN_RECV,
	TCP_FIN_WAIT1,
	TCP_FIN_WAIT2,
	TCP_TIME_WAIT,
	TCP_CLOSE,
	TCP_CLOSE_WAIT,
	TCP_LAST_ACK,
	TCP_LISTEN,
	TCP_CLOSING,
	TCP_STATES
};
#define TCPF(state)     (1u << (state))
#define TCPF_SYNCED     (~(TCPF(TCP_CLOSE) | TCPF(TCP_LISTEN) | TCPF(TCP_SYN_SENT)))
#define TCPF_CONNECTING (TCPF(TCP_SYN_SENT) | TCPF(TCP_SYN_RECV))
#define TCPF_IDLE       (TCPF(TCP_CLOSE) | TCPF(TCP_LISTEN))

/* What a state does on the events that move between states (RFC 9293, figure 5). */
struct tcp_state_row {
	uint8_t on_close;     /* the program closes */
	uint8_t on_fin;       /* the peer's FIN */
	uint8_t on_fin_acked; /* the peer has our FIN */
	bool fin_on_close;    /* and then a FIN is sent */
};
extern const struct tcp_state_row tcp_states[TCP_STATES];

/* ---- who is found by addresses and ports ---- */
enum tcp_kind { TCP_SOCK, TCP_REQ, TCP_TW };
/* Key: [c] constant while hashed  [b] bucket's lock */
struct tcp_ent {
	struct hlist_node node; /* [b], RCU readers */
	struct net *net;        /* [c] */
	struct ip_addr local, remote;
	__be16 lport, rport;
	uint32_t hash;
	uint32_t ifindex; /* 0, or the only interface */
	uint8_t kind;     /* tcp_kind */
};

/* ---- packets in our queues: in pkt->cb ---- */
enum tcp_cb_flag {
	TCB_SACKED = 1,  /* the peer has it, but not all before it */
	TCB_LOST = 2,    /* thought lost */
	TCB_RETRANS = 4, /* and sent again, which is under way */
	TCB_EVER = 8,    /* sent more than once */
	TCB_FIN = 16,    /* its last sequence number is a FIN */
	TCB_PUSH = 32
};
struct tcp_cb {
	uint32_t seq, end_seq;
	uint64_t xmit_ns;       /* when it was sent last */
	struct list_head order; /* of sending: RACK */
	uint8_t flags;
	uint8_t segs; /* segments it was sent as, saturating */
};
static inline struct tcp_cb *tcp_cb(const struct pkt *p)
{
	static_assert(sizeof(struct tcp_cb) <= sizeof(p->cb), "fits");
	return (struct tcp_cb *)(uintptr_t)p->cb;
}
static inline uint32_t tcp_cb_len(const struct pkt *p) /* in sequence numbers */
{
	return tcp_cb(p)->end_seq - tcp_cb(p)->seq;
}

static inline uint32_t tcp_goal(uint32_t mss) /* payload of the largest packet: whole segments */
{
	return MAX(TCP_GSO_BYTES / mss, 1u) * mss;
}

/* ---- timers of a connection: deadlines multiplexed on one net_timer ---- */
enum tcp_timer { TCP_T_RTX, TCP_T_ACK, TCP_T_KEEP, TCP_TIMERS };
enum tcp_rtx_kind { RTX_RTO, RTX_REO, RTX_TLP, RTX_PROBE }; /* what TCP_T_RTX waits for */

/* ---- congestion and recovery ---- */
enum tcp_ca { /* Linux's numbers: TCP_INFO */
	TCP_CA_OPEN,
	TCP_CA_DISORDER,
	TCP_CA_CWR,
	TCP_CA_RECOVERY,
	TCP_CA_LOSS
};
struct tcp_sock;
struct tcp_cc { /* an algorithm; windows are bytes */
	const char *name;
	void (*init)(struct tcp_sock *tp);
	/* @acked bytes were newly delivered, and the window was in use; @rtt_ns 0: not measured. */
	void (*on_ack)(struct tcp_sock *tp, uint32_t acked, uint64_t rtt_ns, uint64_t now);
	uint32_t (*on_loss)(struct tcp_sock *tp); /* returns the new ssthresh */
	void (*on_undo)(struct tcp_sock *tp);     /* optional: the loss was none */
};
struct tcp_cubic {         /* RFC 9438, RFC 9406: tcp_cubic.c; Reno uses est_rest */
	uint64_t epoch_ns; /* 0: a new epoch begins with the next ACK */
	uint64_t grow_rest;
	uint32_t w_max, w_est, undo_w_max, k_ms, est_rest;
	uint32_t round_end; /* HyStart++: the round ends when this is acked */
	uint64_t round_min_ns, last_min_ns, css_base_ns;
	uint16_t samples;
	uint8_t css_rounds;
	bool css;
};
struct tcp_rack {         /* RFC 8985 */
	uint64_t xmit_ns; /* of the newest segment delivered; 0: none */
	uint64_t rtt_ns;
	uint32_t end_seq;
	uint32_t fack; /* highest sequence delivered */
	uint32_t dsack_round;
	uint8_t wnd_mult, wnd_persist;
	bool reordered, dsack;
};

struct tcp_listener {              /* of a socket in LISTEN */
	struct spinlock lock;      /* level 47: leaf */
	struct list_head queue;    /* [lock] children for accept(2): tcp_sock.accept_node */
	uint32_t queued, reserved; /* [lock] in it, and about to be; racy reads */
	uint32_t max;              /* [a] backlog */
	uint32_t defer_s;          /* [a] TCP_DEFER_ACCEPT */
	atomic_t requests;         /* half-open ones */
	uint64_t cookie_ns;        /* [a] when a cookie was last sent */
	bool closed;               /* [lock] nothing may be queued */
	bool warned;
};

/*
 * A connection (or what becomes one, or a listener).
 * Key: [l] socket lock (unless marked otherwise)  [r] rcv_mutex  [c] constant  [a] racy reads too
 */
struct tcp_sock {
	struct inet_sock is; /* first */
	struct tcp_ent ent;
	bool hashed;                            /* in the table of connections */
	bool was_hashed;                        /* once: RCU readers may still stand on ent.node */
	uint8_t state;                          /* [a] tcp_state */
	uint8_t deferred;                       /* tcp_defer: done by tcp_unlock() */
	uint8_t puts;                           /* references that tcp_unlock() drops */
	uint8_t phase;                          /* [snd_mutex] tcp_phase: of connect(2) */
	bool orphan;                            /* no file: the connection owns a reference */
	bool ts_ok, sack_ok, wscale_ok, ecn_ok; /* agreed */
	uint8_t snd_wscale, rcv_wscale;

	/* sequence numbers: RFC 9293, 3.3.1 */
	uint32_t rcv_nxt, copied_seq;                /* [a] received; read by the program */
	uint32_t rcv_wup, rcv_wnd;                   /* window offered last: from rcv_wup on */
	uint32_t snd_una, snd_nxt, snd_wnd, snd_wl1; /* as the RFC has them */
	uint32_t write_seq;                          /* [a] end of what the program wrote */
	uint32_t iss, irs, pushed_seq, max_window;
	uint32_t snd_sml; /* end of the last short segment: Nagle */
	uint32_t snd_up;  /* behind the urgent byte; snd_una: none */
	uint32_t ts_off, ts_recent, ts_recent_s;
	uint32_t csum_base; /* of the pseudo-header without the length */

	/* sending */
	uint16_t mss;      /* payload of a segment with the usual options */
	uint16_t peer_mss; /* offered by the peer */
	uint16_t user_mss; /* TCP_MAXSEG */
	uint16_t advmss;   /* offered by us */
	uint32_t pmtu;
	struct pkt_queue wq; /* not yet sent */
	struct rb_root rtx;  /* sent, by sequence: tcp_queue.c */
	struct pkt *rtx_first, *rtx_last, *rtx_hint;
	struct list_head order;      /* sent and not sacked, by time of sending */
	uint32_t wmem;               /* [a] bytes of memory in both */
	uint32_t mem_ahead;          /* bytes charged to net_mem beyond what is used */
	uint32_t mem_debt;           /* bytes used that net_mem did not want to give */
	bool nospace;                /* [a] a writer waits for room */
	uint8_t nonagle;             /* tcp_nagle */
	bool fin_queued, fin_wanted; /* it is in a queue; it could not be made yet */
	uint32_t notsent_lowat;      /* 0: none */

	/* congestion and recovery: tcp_recovery.c */
	uint8_t ca; /* tcp_ca */
	bool cwnd_limited, cwr_pending, ece_pending, frto, frto_new, tlp_out, tlp_retrans;
	bool undo_ok, undo_any; /* could be undone; something was resent since */
	uint32_t cwnd, ssthresh, prior_cwnd, prior_ssthresh;
	uint32_t cwnd_used, used_seq;   /* most in flight in this round trip, which ends there */
	uint32_t sacked, lost, retrans; /* bytes, of what is in rtx */
	uint32_t sacked_segs, dupacks;
	uint32_t high_seq; /* snd_nxt when recovery began */
	uint32_t prr_delivered, prr_out, prr_base;
	uint32_t undo_seq, undo_retrans; /* snd_una then; bytes resent, less D-SACKed ones */
	uint32_t retrans_ts;             /* our timestamp clock at the first resending */
	uint32_t tlp_seq;                /* snd_nxt at the probe */
	uint32_t delivered;
	struct tcp_rack rack;
	struct tcp_range sack_cache[TCP_SACKS];
	const struct tcp_cc *cc;
	struct tcp_cubic cubic;

	/* RFC 6298 */
	uint64_t srtt_ns, rttvar_ns, rto_ns, min_rtt_ns;
	uint32_t min_rtt_s;
	uint8_t backoff, retries, probes;
	uint64_t syn_ns;     /* when the SYN or SYN-ACK was sent first */
	uint64_t retrans_ns; /* first resending of what is unacked; 0: none */
	uint64_t probe_ns;   /* window closed and probed since; 0: not */

	/* receiving: tcp_receive.c */
	struct pkt_queue rq; /* [r] the reader's, taken off is.s.rcv */
	struct rb_root ofo;  /* out of order, by sequence */
	struct pkt *ofo_last;
	uint32_t rmem;     /* [a] bytes of memory in is.s.rcv, ofo and rq */
	uint8_t rcv_ratio; /* payload per memory, 256ths */
	uint8_t nr_sacks;
	bool has_dsack;
	struct tcp_range sacks[TCP_SACKS], dsack; /* to report; newest first */
	uint32_t rcv_mss, last_seg;               /* estimate of the peer's segment size */
	uint32_t window_clamp;
	uint8_t quick;    /* ACKs to send at once */
	uint8_t pingpong; /* an interactive session: ACKs ride on answers */
	bool ack_sched, ack_now;
	bool push_seen;    /* [r] in the packet read last */
	bool fin_received; /* [a] its sequence number is in rcv_nxt */
	uint64_t ato_ns, last_rcv_ns, last_ack_rcv_ns, last_snd_ns;
	uint64_t challenge_ns, oow_ns; /* last answers to unacceptable segments */
	uint32_t rtt_seq, rtt_echo;    /* receiver's RTT: measured when rcv_nxt gets there */
	uint64_t rtt_start_ns, rcv_rtt_ns;
	uint32_t space_seq, space; /* bytes read in the last RTT: growth of the buffer */
	uint64_t space_ns;

	/* urgent data: RFC 6093, tcp(7) */
	uint32_t urg_seq;  /* of the urgent byte */
	uint32_t urg_gap;  /* of an older one, not in the stream; has_gap */
	uint16_t urg_data; /* tcp_urg | byte */
	bool has_gap;
	bool urg_passed; /* [r] the reader came by it */

	/* timers: tcp_timer.c */
	struct net_timer timer;
	uint64_t timer_at; /* when it fires at the latest; TCP_NEVER: idle */
	uint64_t due[TCP_TIMERS];
	uint8_t rtx_kind; /* tcp_rtx_kind */

	/* life */
	int soft_error;    /* of ICMP: reported when we give up */
	bool fresh_iss;    /* connect(2) reuses a TIME_WAIT: iss is set */
	__be16 last_lport; /* given back, but what getsockname(2) still says */
	uint8_t held;      /* our SYN met a full queue of this host: tries since */
	struct tcp_listener listen;
	struct list_head accept_node; /* [listener's lock] */
	uint8_t *saved_syn;           /* TCP_SAVED_SYN */
	uint16_t saved_syn_len;

	/* options: tcp_sockopt.c; 0: the sysctl */
	uint8_t keep_count, syn_retries, save_syn, defer_retries;
	uint8_t fastopen_connect, fastopen_no_cookie, thin, inq_wanted;
	uint32_t keep_idle_s, keep_intvl_s, user_timeout_ms, user_clamp, fastopen_backlog;
	int32_t linger2_s; /* -1: none */

	/* for TCP_INFO */
	uint64_t bytes_acked, bytes_received, bytes_sent, bytes_retrans;
	uint32_t segs_in, segs_out, data_segs_in, data_segs_out, total_retrans, dsack_dups,
		reord_seen, rcv_ooo, rto_count;
};

enum tcp_defer {
	DEFER_READ = 1,  /* wake readers */
	DEFER_WRITE = 2, /* wake writers */
	DEFER_ALL = 4,
	DEFER_URG = 8, /* SIGURG */
	DEFER_PUT = 16 /* ->puts references */
};
enum tcp_phase { TCP_PH_NONE, TCP_PH_CONNECTING, TCP_PH_CONNECTED };
enum tcp_nagle { TCP_NODELAY_ON = 1, TCP_CORK_ON = 2, TCP_PUSH_ON = 4 /* once */ };
enum tcp_urg { TCP_URG_VALID = 0x100, TCP_URG_NOTYET = 0x200, TCP_URG_READ = 0x400 };

static inline struct tcp_sock *tcp_sk(struct socket *s)
{
	return container_of(s, struct tcp_sock, is.s);
}
static inline uint32_t tcp_ts(const struct tcp_sock *tp, uint64_t now)
{
	return (uint32_t)(now / NSEC_PER_MSEC) + tp->ts_off;
}
static inline bool tcp_in(const struct tcp_sock *tp, unsigned states) /* of TCPF(); racy */
{
	return TCPF(READ_ONCE(tp->state)) & states;
}

/* Half-open connection of a listener: tcp_req.c. Key: [h] whoever has ->busy */
struct tcp_req {
	struct tcp_ent ent;
	struct net_timer timer;
	refcount_t refs;           /* hash table, armed timer, whoever makes it */
	uint32_t busy;             /* [a] one acts on it at a time */
	bool dead, counted;        /* [h] out of the table; counted in listen.requests */
	struct tcp_sock *listener; /* a reference */
	struct dst dst;            /* [h] */
	uint32_t irs, iss, ts_recent, ts_off, rcv_wnd;
	uint16_t mss, advmss; /* the peer's, ours */
	uint8_t snd_wscale, rcv_wscale, retries, timeouts, tos;
	bool ts_ok, sack_ok, wscale_ok, ecn_ok;
	bool acked; /* but the socket could or should not be made yet */
	uint64_t sent_ns, created_ns, challenge_ns;
	uint8_t *saved_syn;
	uint16_t saved_syn_len;
	struct rcu_head rcu;
};

/* A connection in TIME_WAIT, or in FIN_WAIT2 without a program: tcp_tw.c. Key: [s] shard's lock */
struct tcp_tw {
	struct tcp_ent ent;
	struct list_head node; /* [s] by expiry */
	uint64_t expiry_ns;    /* [s] */
	uint64_t since_ns;     /* [s] last segment */
	struct bind_owner owner;
	bool dead; /* [s] */
	bool ts_ok;
	uint8_t state; /* [s] TCP_FIN_WAIT2, TCP_TIME_WAIT */
	uint8_t tos, rcv_wscale;
	uint16_t family;
	uint32_t rcv_nxt, snd_nxt, rcv_wnd, ts_off, ts_recent; /* [s] */
	uint64_t challenge_ns;
	uint32_t mark;
	struct rcu_head rcu;
};

/* One received segment on its way through the stages. */
struct tcp_in {
	struct net *net;
	struct pkt *p; /* NULL: somebody has it */
	struct tcp_sock *tp;
	uint64_t now;
	uint32_t seq, end_seq, ack;
	uint32_t len; /* of the payload */
	uint32_t ifindex;
	uint16_t wnd; /* as on the wire */
	uint16_t urgent;
	uint8_t flags, hlen;
	__be16 sport, dport;
	bool fresh_iss; /* the SYN ends a TIME_WAIT: begin with ->iss */
	uint32_t iss;
	struct tcp_opts o;
};

/* What an ACK did: between the stages of tcp_ack.c, tcp_sack.c and tcp_recovery.c. */
struct tcp_acked {
	uint64_t now;
	uint64_t first_ns, last_ns; /* when the first and last acked packet was sent; 0: none */
	uint64_t rtt_ns, cc_rtt_ns; /* 0: none measured */
	uint32_t acked;             /* cumulatively */
	uint32_t delivered;         /* also by SACK, first time */
	uint32_t retrans_acked;
	uint32_t tsecr;
	bool has_ts, advanced, sacked, dsack, dup, has_data, ece;
	bool orig_acked; /* what was never resent, of before recovery */
	bool lost;       /* more was found lost */
	bool settled;    /* a recovery ended: the window is what that says */
};

/* ---- tcp.c ---- */
extern const struct socket_ops tcp_ops;
extern struct bind_table *tcp_ports;
extern atomic_t tcp_orphans;
uint32_t tcp_orphans_max(void);
void tcp_lock(struct tcp_sock *tp);   /* in a section */
void tcp_unlock(struct tcp_sock *tp); /* and does what was deferred */
void tcp_set_state(struct tcp_sock *tp, uint8_t state);
/* The connection is over: out of the table, timers off, programs woken. Idempotent. */
void tcp_done(struct tcp_sock *tp);
/* A port that bind(2) did not ask for is free when the connection is over; getsockname(2) still
 * tells it. */
void tcp_give_port(struct tcp_sock *tp);
void tcp_fail(struct tcp_sock *tp, int err);  /* over, with an error for the program */
void tcp_abort(struct tcp_sock *tp, int err); /* the same, and the peer gets a RST */
void tcp_set_timer(struct tcp_sock *tp, enum tcp_timer which, uint64_t deadline_ns);
static inline void tcp_clear_timer(struct tcp_sock *tp, enum tcp_timer which)
{
	tp->due[which] = TCP_NEVER;
}
void tcp_sock_setup(struct tcp_sock *tp); /* all of a new one; no lock */
void tcp_conn_setup(struct tcp_sock *tp); /* what begins anew with each connection */
void tcp_set_csum_base(struct tcp_sock *tp);
/* Memory of queues against the global limit, in steps. */
bool __must_check tcp_mem_take(struct tcp_sock *tp, uint32_t bytes);
void tcp_mem_force(struct tcp_sock *tp, uint32_t bytes);
void tcp_mem_give(struct tcp_sock *tp, uint32_t bytes);
/* @n more (already taken), or fewer (given back), in the queues of a direction. */
static inline void tcp_rmem_add(struct tcp_sock *tp, int32_t n)
{
	tp->rmem += (uint32_t)n;
	atomic_set(&tp->is.s.rmem, (int)tp->rmem);
	if (n < 0)
		tcp_mem_give(tp, (uint32_t)-n);
}
static inline void tcp_wmem_add(struct tcp_sock *tp, int32_t n)
{
	WRITE_ONCE(tp->wmem, tp->wmem + (uint32_t)n);
	atomic_set(&tp->is.s.wmem, (int)tp->wmem);
	if (n < 0)
		tcp_mem_give(tp, (uint32_t)-n);
}
void tcp_purge_send(struct tcp_sock *tp); /* sequence numbers stay */
void tcp_purge_receive(struct tcp_sock *tp);
void tcp_purge_ofo(struct tcp_sock *tp);

/* ---- tcp_hash.c; no lock needed ---- */
void tcp_hash_init(void);
void tcp_ent_set(struct tcp_ent *e, struct net *net, const struct ip_addr *local, __be16 lport,
	const struct ip_addr *remote, __be16 rport, uint32_t ifindex, uint8_t kind);
/* RCU; no reference is taken. */
struct tcp_ent *tcp_lookup(struct net *net, const struct ip_addr *local, __be16 lport,
	const struct ip_addr *remote, __be16 rport, uint32_t ifindex);
struct tcp_ent *tcp_hash_add(struct tcp_ent *e) __must_check;    /* NULL: done; else who is there */
bool tcp_hash_replace(struct tcp_ent *old, struct tcp_ent *now); /* false: old is not there */
bool tcp_hash_del(struct tcp_ent *e);                            /* false: was not there */
void tcp_listen_hash(struct tcp_sock *tp);
void tcp_listen_unhash(struct tcp_sock *tp);
struct tcp_sock *tcp_listen_lookup(const struct tcp_in *in); /* best match; RCU, no reference */
/* Every listener and every entry, until a function returns non-zero: that is returned. RCU. */
int tcp_hash_each(int (*fn)(struct tcp_ent *e, void *arg),
	int (*listener)(struct tcp_sock *tp, void *arg), void *arg);
uint32_t tcp_isn(const struct tcp_ent *e, uint64_t now); /* RFC 6528 */
uint32_t tcp_ts_offset(const struct ip_addr *local, const struct ip_addr *remote);

/* ---- tcp_opts.c ---- */
void tcp_parse_opts(const uint8_t *at, unsigned n, struct tcp_opts *o);
struct tcp_syn_opts { /* what a SYN or SYN-ACK offers */
	uint16_t mss;
	uint8_t wscale;
	bool has_wscale, has_ts, sack_ok;
	uint32_t tsval, tsecr;
};
/* Bytes put, a multiple of 4, at most TCP_OPTS_MAX. */
unsigned tcp_put_syn_opts(uint8_t *at, const struct tcp_syn_opts *o);
void tcp_put_ts(uint8_t *at, uint32_t tsval, uint32_t tsecr); /* TCP_TS_OPT bytes */
unsigned tcp_put_sacks(uint8_t *at, const struct tcp_range *r, unsigned n);
uint8_t tcp_choose_wscale(const struct net *net, uint32_t rcvbuf, bool locked);

/* ---- tcp_queue.c ---- */
void tcp_rtx_add(struct tcp_sock *tp, struct pkt *q);
void tcp_rtx_del(struct tcp_sock *tp, struct pkt *q); /* frees it; counters are the caller's */
struct pkt *tcp_rtx_find(const struct tcp_sock *tp, uint32_t seq); /* first that ends behind @seq */
static inline struct pkt *tcp_rtx_next(const struct pkt *q)
{
	return rb_entry(rb_next(&q->rb), struct pkt, rb);
}
/* Cut @q of either queue before its byte @at; the second part follows it. NULL: no memory. */
struct pkt *tcp_cut(struct tcp_sock *tp, struct pkt *q, uint32_t at);
void tcp_queue_write(struct tcp_sock *tp, struct pkt *q);  /* at the end of ->wq, charged */
static inline uint32_t tcp_pipe(const struct tcp_sock *tp) /* bytes thought to be in flight */
{
	return tp->snd_nxt - tp->snd_una - tp->sacked - tp->lost + tp->retrans;
}

/* ---- tcp_xmit.c ---- */
unsigned tcp_opts_len(const struct tcp_sock *tp);
uint32_t tcp_window_offer(const struct tcp_sock *tp); /* what the next segment would offer */
static inline uint32_t tcp_window_left(const struct tcp_sock *tp) /* of what was offered */
{
	uint32_t left = tp->rcv_wup + tp->rcv_wnd - tp->rcv_nxt;

	return (int32_t)left < 0 ? 0 : left;
}
/* A copy of @q goes out. -ENOMEM: nothing did; other errors count as lost on the way. */
int __must_check tcp_send_pkt(struct tcp_sock *tp, struct pkt *q, uint64_t now);
void tcp_send_ack(struct tcp_sock *tp, uint64_t now);
void tcp_send_probe(struct tcp_sock *tp, uint64_t now); /* old and empty: the peer answers */
void tcp_send_rst_sk(struct tcp_sock *tp);
void tcp_send_syn(struct tcp_sock *tp, uint64_t now); /* in SYN_RECV a SYN-ACK */
int tcp_route(struct tcp_sock *tp);     /* look again if it changed; 0 or why there is none */
void tcp_sync_mss(struct tcp_sock *tp); /* after the route or its MTU changed */
uint16_t tcp_advmss(const struct dst *d, bool v4, uint16_t user_mss);

/* ---- tcp_output.c ---- */
void tcp_push(struct tcp_sock *tp, uint64_t now);  /* send what may be sent */
void tcp_sent(struct tcp_sock *tp, struct pkt *q); /* @q went out for the first time */
void tcp_arm_probe(struct tcp_sock *tp, uint64_t now);
bool tcp_probe(struct tcp_sock *tp, uint64_t now); /* true: data went */
void tcp_send_fin(struct tcp_sock *tp, uint64_t now);
uint32_t tcp_mss_now(const struct tcp_sock *tp); /* with the options of the next segment */

/* ---- tcp_reply.c; no lock needed ---- */
struct tcp_reply { /* a segment without a socket */
	uint32_t seq, ack;
	uint8_t flags, tos;
	uint16_t wnd;
	bool has_ts;
	uint32_t tsval, tsecr;
	const struct tcp_syn_opts *syn;
	uint32_t mark;
	const struct dst *dst; /* NULL: look it up */
};
int tcp_reply(const struct tcp_ent *e, const struct tcp_reply *r);
void tcp_reply_rst(const struct tcp_in *in); /* to a segment of nobody's */

/* ---- tcp_input.c; no lock held ---- */
void tcp_input(struct net *net, struct pkt *p);
/* The segment goes to @tp; false: it is not in the table any more, look again. */
bool tcp_input_sock(struct tcp_in *in, struct tcp_sock *tp);
bool tcp_filtered(const struct tcp_sock *tp, struct tcp_in *in); /* SO_ATTACH_FILTER drops it */
/* RFC 5961, 7: may an unacceptable segment be answered now? */
bool tcp_may_challenge(uint64_t *last_ns, uint64_t now);

/* ---- tcp_receive.c ---- */
void tcp_challenge(struct tcp_sock *tp, uint64_t now);
void tcp_take_data(struct tcp_in *in); /* payload and FIN */
void tcp_take_fin(struct tcp_sock *tp);
void tcp_take_urgent(struct tcp_in *in);
void tcp_ack_policy(struct tcp_sock *tp, uint64_t now);
void tcp_schedule_ack(struct tcp_sock *tp, uint64_t now);
void tcp_enter_quickack(struct tcp_sock *tp, unsigned max);

/* ---- tcp_ack.c ---- */
int __must_check tcp_ack(struct tcp_in *in); /* <0: not acceptable, the segment is dropped */
void tcp_rtt_sample(struct tcp_sock *tp, uint64_t rtt_ns, uint64_t now);
uint64_t tcp_backed_off(const struct tcp_sock *tp, unsigned n);
void tcp_arm_rto(struct tcp_sock *tp, uint64_t now);
void tcp_established(struct tcp_sock *tp, uint64_t now); /* the handshake is done */
bool tcp_has_write_space(const struct tcp_sock *tp);     /* racy */
void tcp_write_space(struct tcp_sock *tp);               /* room was made */

/* ---- tcp_sack.c ---- */
void tcp_sack_take(struct tcp_in *in, struct tcp_acked *a); /* the peer's blocks */
void tcp_sack_forget(struct tcp_sock *tp);                  /* the peer reneged */
void tcp_mark_lost(struct tcp_sock *tp, struct pkt *q);
void tcp_sacks_add(struct tcp_sock *tp, uint32_t start, uint32_t end); /* ours, to report */
void tcp_sacks_trim(struct tcp_sock *tp);
void tcp_dsack(struct tcp_sock *tp, uint32_t start, uint32_t end);

/* ---- tcp_recovery.c ---- */
void tcp_rack_delivered(struct tcp_sock *tp, const struct pkt *q, struct tcp_acked *a);
bool tcp_rack_detect(struct tcp_sock *tp, uint64_t now); /* true: more is lost */
void tcp_rack_timeout(struct tcp_sock *tp, uint64_t now);
void tcp_recover(struct tcp_sock *tp, struct tcp_acked *a);
void tcp_resend(struct tcp_sock *tp, uint64_t now); /* what is lost, as cwnd allows */
void tcp_enter_loss(struct tcp_sock *tp, uint64_t now);
void tcp_enter_cwr(struct tcp_sock *tp);
bool tcp_tlp_schedule(struct tcp_sock *tp, uint64_t now);
void tcp_tlp_send(struct tcp_sock *tp, uint64_t now);
void tcp_tlp_acked(struct tcp_sock *tp, const struct tcp_in *in, struct tcp_acked *a);

/* ---- tcp_cc.c, tcp_cubic.c ---- */
extern const struct tcp_cc tcp_reno_cc, tcp_cubic_cc;
const struct tcp_cc *tcp_cc_find(const char *name, size_t n);
void tcp_cc_init(struct tcp_sock *tp);
void tcp_slow_start(struct tcp_sock *tp, uint32_t *acked);
void tcp_cc_idle(struct tcp_sock *tp, uint64_t now); /* about to send after a pause */

/* ---- tcp_timer.c ---- */
void tcp_timer_fired(struct net_timer *t);
uint64_t tcp_keep_idle(const struct tcp_sock *tp);

/* ---- tcp_listen.c, tcp_req.c, tcp_cookie.c; no lock held ---- */
int tcp_listen(struct socket *s, int backlog);
int tcp_accept(struct socket *s, unsigned file_flags, struct socket **out);
void tcp_listen_stop(struct tcp_sock *tp);
void tcp_listen_input(struct tcp_in *in); /* a segment for which there is no connection */
bool tcp_accept_full(const struct tcp_sock *l);
/* A child of @l as @r agreed with the peer; NULL: no memory or no room in the queue. Then it takes
 * the segment: result as tcp_input_sock(). */
struct tcp_sock *tcp_child(struct tcp_in *in, struct tcp_sock *l, struct tcp_req *r);
bool tcp_child_input(struct tcp_in *in, struct tcp_sock *l, struct tcp_sock *child);
void tcp_req_init(void);
void tcp_hold_syn(const struct tcp_in *in); /* it meets a full queue: its sender, if here, waits */
void tcp_req_new(struct tcp_in *in, struct tcp_sock *l); /* a SYN for @l */
struct tcp_req *tcp_req_alloc(struct tcp_in *in, struct tcp_sock *l) __must_check;
void tcp_req_window(const struct tcp_in *in, const struct tcp_sock *l, struct tcp_req *r);
void tcp_req_put(struct tcp_req *r);
bool tcp_req_input(struct tcp_in *in, struct tcp_req *r); /* false: look again */
void tcp_req_error(struct tcp_req *r, uint32_t seq, const struct inet_error *e);
void tcp_cookie_init(void);
uint32_t tcp_cookie_make(const struct tcp_req *r, uint64_t now, uint32_t *tsval);
/* The ACK of a cookie: the request as it would have been; NULL: it is none. */
struct tcp_req *tcp_cookie_check(struct tcp_in *in, struct tcp_sock *l) __must_check;

/* ---- tcp_tw.c ---- */
void tcp_tw_init(void);
/* @tp becomes a TIME_WAIT (or an orphan's FIN_WAIT2) for @ns; then tcp_done(). Lock held. */
void tcp_time_wait(struct tcp_sock *tp, uint8_t state, uint64_t ns);
bool tcp_tw_input(struct tcp_in *in, struct tcp_tw *tw); /* false: look again */
/* May connect(2) have its place? Then @tp is in the table, begins after it, and the caller calls
 * tcp_tw_forget() when it holds no lock. */
bool tcp_tw_reuse(struct tcp_tw *tw, struct tcp_sock *tp, uint64_t now);
void tcp_tw_forget(struct tcp_tw *tw);
uint32_t tcp_tw_count(void);

/* ---- tcp_sock.c, tcp_send.c, tcp_recv.c, tcp_sockopt.c, tcp_info.c, tcp_error.c; no lock ---- */
int tcp_bind(struct socket *s, const struct sockaddr_storage *a, unsigned len);
int tcp_connect(struct socket *s, const struct sockaddr_storage *a, unsigned len, unsigned flags);
int tcp_disconnect(struct tcp_sock *tp);
int tcp_shutdown(struct socket *s, int how);
void tcp_release(struct socket *s);
int tcp_getname(struct socket *s, bool peer, struct sockaddr_storage *a);
unsigned tcp_poll(struct socket *s);
long tcp_ioctl(struct socket *s, unsigned cmd, void *arg);
uint64_t tcp_fin_timeout(const struct tcp_sock *tp); /* of an orphan in FIN_WAIT2; 0: none */
ssize_t tcp_sendmsg(struct socket *s, struct socket_msg *m, size_t n, unsigned file_flags);
ssize_t tcp_sendpage(struct socket *s, struct page *page, unsigned off, size_t n, unsigned flags,
	unsigned file_flags);
bool tcp_below_lowat(const struct tcp_sock *tp); /* TCP_NOTSENT_LOWAT lets more be written */
ssize_t tcp_recvmsg(struct socket *s, struct socket_msg *m, size_t n, unsigned file_flags);
void tcp_purge_reader(struct tcp_sock *tp); /* rcv_mutex (or no reader left) and lock held */
int tcp_setsockopt(struct socket *s, int level, int name, const void *val, unsigned len);
int tcp_getsockopt(struct socket *s, int level, int name, void *val, unsigned *len);
struct tcp_info;
void tcp_fill_info(const struct tcp_sock *tp, struct tcp_info *i); /* lock held */
int tcp_each(struct net *net, int (*fn)(const struct inet_sock_info *i, void *arg), void *arg);
void tcp_error(struct net *net, struct pkt *p, const struct inet_error *e);
