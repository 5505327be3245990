/*
 * filter.h - the packet filter: which packets may come in, go out, or pass through.
 *
 * Theory: filter.c. The language: filter_rules.c and filter.rules(5) in docs/.
 */
#pragma once
#include <ipaddr.h>
#include <net.h>
#include <netdev.h>
#include <pkt.h>

enum filter_hook { FILTER_IN, FILTER_OUT, FILTER_FORWARD, FILTER_HOOKS };
enum filter_action { FILTER_PASS, FILTER_BLOCK, FILTER_REJECT };
enum { FILTER_PORTS = 8, FILTER_MAX_RULES = 4096, FILTER_MAX_TEXT = 256 << 10, FILTER_ERROR = 96 };

struct port_range {
	uint16_t first, last;
};
struct filter_side { /* what a rule says of source or destination */
	struct ip_addr addr;
	uint8_t bits;     /* of 128; 0: any address */
	bool is_not;      /* "! ADDR" */
	uint8_t nr_ports; /* 0: any */
	struct port_range port[FILTER_PORTS];
};
struct filter_rule {
	uint8_t action, hooks /* bit 1 << filter_hook */, family /* 0, 4, 6 */;
	bool log, has_proto, has_icmp_type;
	uint8_t proto, icmp_type;
	char dev[NETDEV_NAME]; /* in's receiving, out's sending interface; empty: any */
	struct filter_side src, dst;
	unsigned line;
	uint64_t packets, bytes; /* [a] */
};
struct filter_rules {
	struct rcu_head rcu;
	uint8_t preset[FILTER_HOOKS]; /* action when no rule matches */
	unsigned nr;
	struct filter_rule rule[];
};
/* A packet as rules see it. */
struct filter_packet {
	const struct pkt *p;
	enum filter_hook hook;
	const struct netdev *dev;
	struct ip_addr src, dst;
	uint8_t proto;
	bool is_v4, has_ports, has_icmp_type, is_fragment;
	uint16_t sport, dport; /* host order; of an ICMP echo both are its identifier */
	uint8_t icmp_type, tcp_flags;
};

/*
 * filter_parse() - rules from @text of @len bytes. 0 and *out, or -EINVAL with @error ("line 3:
 * expected ..."), -ENOMEM. May sleep.
 */
int __must_check filter_parse(
	const char *text, size_t len, struct filter_rules **out, char error[FILTER_ERROR]);

/* States: filter_state.c. In a section. */
enum state_answer { STATE_NONE, STATE_MATCH, STATE_INVALID };
enum state_answer filter_state_check(const struct filter_packet *f);
bool filter_state_add(const struct filter_packet *f); /* false: the table is full */
void filter_state_flush(void);
struct filter_state_info {
	struct ip_addr src, dst; /* as the first packet went */
	uint16_t sport, dport;
	uint8_t proto;
	bool replied;
	uint32_t expires_s;
};
int filter_state_each(int (*fn)(const struct filter_state_info *i, void *arg), void *arg);
unsigned filter_state_count(void);

/* True while there are rules: hooks cost a load until then. */
extern bool filter_active;
/*
 * filter_packet() - may @p go on? @p at its network header (p->l3), which with the transport
 * header's ports is made linear. In a section, no locks held. REJECT: the caller sends the ICMP
 * answer. Fragments that were not put together are judged by addresses and protocol alone.
 */
enum filter_action filter_check(enum filter_hook hook, struct pkt *p, const struct netdev *dev);
static inline bool filter_passes(enum filter_hook hook, struct pkt *p, const struct netdev *dev)
{
	return likely(!READ_ONCE(filter_active)) || filter_check(hook, p, dev) == FILTER_PASS;
}
void filter_init(void);
