/*
 * filter.c - the packet filter: judging packets, and the rules in force.
 *
 * THEORY. ipv4.c and ipv6.c ask at three places: a packet for us that is whole (FILTER_IN), one of
 * ours on its way out (FILTER_OUT), one that we pass on (FILTER_FORWARD). If the packet belongs to
 * a connection that was let through, it passes. If it is in the middle of a TCP connection that
 * nobody saw begin, it is blocked. Otherwise the rules are asked, in their order; the first that
 * matches decides; a packet that they let through begins a state (filter_state.c), so that answers
 * need no rule. An ICMP error passes when the packet it quotes belongs to a state (RFC 792, RFC
 * 4443). Traffic over the loopback interface is judged like any other.
 *
 * The rules are one immutable object, replaced whole and read under RCU. Without rules
 * filter_active is false and the hooks cost one load.
 *
 * Errors: a full state table blocks what is new and says so (rate-limited).
 * Does not: translate addresses, shape traffic, look into payloads.
 */
#include "filter.h"
#include <error.h>
#include <log.h>
#include <mutex.h>
#include <netfilter.h>
#include <printf.h>
#include <slab.h>
#include <string.h>
#include "inet.h"

bool filter_active;
static struct filter_rules *rules;                       /* RCU; changes: load_mutex */
static struct mutex load_mutex = MUTEX_INIT(load_mutex); /* leaf; loading only */
static char last_error[FILTER_ERROR];                    /* [load_mutex], racy reads */

/* ---- looking at a packet ---- */

enum { V4_MIN = 20, V6_LEN = 40, QUOTE_PORTS = 8 };
enum {
	ICMP_UNREACH = 3,
	ICMP_QUENCH = 4,
	ICMP_TIME = 11,
	ICMP_PARAM = 12,
	ICMP_ECHO_REPLY = 0,
	ICMP_ECHO = 8,
	ICMP6_ECHO = 128,
	ICMP6_ECHO_REPLY = 129
};

static uint16_t get16(const uint8_t *b)
{
	return (uint16_t)(b[0] << 8 | b[1]);
}

/* IPv4 header at @b of @n bytes: its length, 0: not one. */
static unsigned read_v4(const uint8_t *b, unsigned n, struct filter_packet *f)
{
	__be32 a;
	unsigned len;

	if (n < V4_MIN || b[0] >> 4 != 4)
		return 0;
	len = (b[0] & 15u) * 4;
	memcpy(&a, b + 12, 4);
	f->src = ip_from_v4(a);
	memcpy(&a, b + 16, 4);
	f->dst = ip_from_v4(a);
	f->proto = b[9];
	f->is_v4 = true;
	f->is_fragment = (get16(b + 6) & 0x3fff) != 0;
	return len >= V4_MIN ? len : 0;
}

/* IPv6 header and those extension headers that may stand before a transport (RFC 8200, 4). */
static unsigned read_v6(const uint8_t *b, unsigned n, struct filter_packet *f)
{
	unsigned at = V6_LEN;
	uint8_t next;

	if (n < V6_LEN || b[0] >> 4 != 6)
		return 0;
	memcpy(f->src.b, b + 8, 16);
	memcpy(f->dst.b, b + 24, 16);
	next = b[6];
	while (next == 0 || next == 43 || next == 60 || next == 44) {
		if (at + 8 > n)
			return 0;
		if (next == 44) {
			f->is_fragment = (get16(b + at + 2) & ~6u) != 0;
			next = b[at];
			at += 8;
			if (f->is_fragment)
				break;
			continue;
		}
		next = b[at];
		at += (b[at + 1] + 1u) * 8;
	}
	f->proto = next;
	return at;
}

/* Ports, or what stands for them, of @n bytes of transport header at @b. */
static void read_transport(const uint8_t *b, unsigned n, struct filter_packet *f)
{
	bool v4_icmp = f->proto == IPPROTO_ICMP, v6_icmp = f->proto == IPPROTO_ICMPV6;

	if (f->is_fragment || n < QUOTE_PORTS)
		return;
	if (f->proto == IPPROTO_TCP || f->proto == IPPROTO_UDP) {
		f->has_ports = true;
		f->sport = get16(b);
		f->dport = get16(b + 2);
		if (f->proto == IPPROTO_TCP && n >= 14)
			f->tcp_flags = b[13];
	} else if (v4_icmp || v6_icmp) {
		f->has_icmp_type = true;
		f->icmp_type = b[0];
		if (b[0] == (v4_icmp ? ICMP_ECHO : ICMP6_ECHO) ||
			b[0] == (v4_icmp ? ICMP_ECHO_REPLY : ICMP6_ECHO_REPLY))
			f->sport = f->dport = get16(b + 4);
	}
}

/* False: too short to judge. */
static bool read_packet(struct pkt *p, struct filter_packet *f)
{
	unsigned have = MIN(p->len, (unsigned)PKT_LINEAR - p->off), ip;
	const uint8_t *b;

	/* Everything wanted lies in the first bytes; fewer are fine where the packet ends. */
	if (!pkt_need(p, MIN(have, 120u)))
		return false;
	have = p->lin_len;
	b = pkt_data(p);
	ip = have && b[0] >> 4 == 4 ? read_v4(b, have, f) : read_v6(b, have, f);
	if (!ip)
		return false;
	if (ip < have)
		read_transport(b + ip, have - ip, f);
	return true;
}

/* Of an ICMP error: the packet it quotes, as the other side of the connection sent it. */
static bool read_quoted(
	const struct pkt *p, const struct filter_packet *outer, struct filter_packet *f)
{
	uint8_t b[80];
	unsigned ip = outer->is_v4 ? (((struct pkt *)(uintptr_t)p)->lin[p->off] & 15u) * 4 : V6_LEN;
	unsigned at = ip + 8, n, inner;

	if (p->len <= at)
		return false;
	n = MIN(p->len - at, (unsigned)sizeof(b));
	pkt_copy_bytes(p, at, b, n);
	*f = (struct filter_packet){.p = p, .hook = outer->hook, .dev = outer->dev};
	inner = outer->is_v4 ? read_v4(b, n, f) : read_v6(b, n, f);
	if (!inner || inner + QUOTE_PORTS > n)
		return false;
	read_transport(b + inner, n - inner, f);
	f->tcp_flags = 0; /* not all of the header may be there */
	return true;
}

static bool is_icmp_error(const struct filter_packet *f)
{
	if (!f->has_icmp_type)
		return false;
	if (f->proto == IPPROTO_ICMPV6)
		return f->icmp_type < 128;
	return f->icmp_type == ICMP_UNREACH || f->icmp_type == ICMP_QUENCH ||
	       f->icmp_type == ICMP_TIME || f->icmp_type == ICMP_PARAM;
}

/* ---- rules ---- */

static bool side_matches(const struct filter_side *s, const struct ip_addr *a, uint16_t port)
{
	if (s->bits && (ip_is_v4(a) == ip_is_v4(&s->addr) &&
			       ip_prefix_equal(a, &s->addr, s->bits)) == s->is_not)
		return false;
	if (!s->nr_ports)
		return true;
	for (unsigned i = 0; i < s->nr_ports; i++)
		if (port >= s->port[i].first && port <= s->port[i].last)
			return true;
	return false;
}

static bool rule_matches(const struct filter_rule *r, const struct filter_packet *f)
{
	if (!(r->hooks >> f->hook & 1))
		return false;
	if (r->family && (r->family == 4) != f->is_v4)
		return false;
	if (r->has_proto && r->proto != f->proto)
		return false;
	if ((r->src.nr_ports || r->dst.nr_ports) && !f->has_ports)
		return false;
	if (r->has_icmp_type && (!f->has_icmp_type || r->icmp_type != f->icmp_type))
		return false;
	if (*r->dev && (!f->dev || strcmp(r->dev, f->dev->name)))
		return false;
	return side_matches(&r->src, &f->src, f->sport) && side_matches(&r->dst, &f->dst, f->dport);
}

static void log_packet(const struct filter_packet *f, unsigned line, enum filter_action action)
{
	static const char *const hooks[] = {"in", "out", "forward"};
	char src[IP_TEXT], dst[IP_TEXT];

	log_ratelimited(LOG_INFO, "filter: %s %s on %s proto %u %s:%u > %s:%u (line %u)",
		action == FILTER_PASS ? "pass" : "block", hooks[f->hook],
		f->dev ? f->dev->name : "?", f->proto, ip_text(&f->src, src), f->sport,
		ip_text(&f->dst, dst), f->dport, line);
}

static enum filter_action ask_rules(struct filter_rules *rs, const struct filter_packet *f)
{
	for (unsigned i = 0; i < rs->nr; i++) {
		struct filter_rule *r = &rs->rule[i];

		if (!rule_matches(r, f))
			continue;
		__atomic_add_fetch(&r->packets, 1, __ATOMIC_RELAXED);
		__atomic_add_fetch(&r->bytes, f->p->len, __ATOMIC_RELAXED);
		if (unlikely(r->log))
			log_packet(f, r->line, (enum filter_action)r->action);
		return (enum filter_action)r->action;
	}
	return (enum filter_action)rs->preset[f->hook];
}

/* What IPv6 cannot work without: neighbour discovery and the like (RFC 4890, 4.4.1). */
static bool is_discovery(const struct filter_packet *f)
{
	return f->proto == IPPROTO_ICMPV6 && f->has_icmp_type && f->hook != FILTER_FORWARD &&
	       ((f->icmp_type >= 130 && f->icmp_type <= 136) || f->icmp_type == 143);
}

static enum filter_action judge(struct filter_rules *rs, const struct filter_packet *f)
{
	struct filter_packet quoted;
	enum filter_action a;

	if (is_discovery(f))
		return FILTER_PASS;
	if (is_icmp_error(f) && read_quoted(f->p, f, &quoted) &&
		filter_state_check(&quoted) == STATE_MATCH)
		return FILTER_PASS;
	switch (filter_state_check(f)) {
	case STATE_MATCH:
		return FILTER_PASS;
	case STATE_INVALID:
		/* Our own resets, and what others send on a path that we do not see whole, may go
		 * where the rules let them; coming in they are nobody's. */
		return f->hook == FILTER_OUT ? ask_rules(rs, f) : FILTER_BLOCK;
	case STATE_NONE:
		break;
	}
	a = ask_rules(rs, f);
	if (a == FILTER_PASS && !f->is_fragment && !filter_state_add(f)) {
		log_ratelimited(LOG_WARNING, "filter: the table of connections is full (%u)",
			filter_state_count());
		return FILTER_BLOCK;
	}
	return a;
}

enum filter_action filter_check(enum filter_hook hook, struct pkt *p, const struct netdev *dev)
{
	struct filter_packet f = {.p = p, .hook = hook, .dev = dev};
	struct filter_rules *rs = rcu_dereference(rules);

	if (!rs)
		return FILTER_PASS;
	return read_packet(p, &f) ? judge(rs, &f) : FILTER_BLOCK;
}

/* ---- loading and showing ---- */

static void rules_free(struct rcu_head *h)
{
	kfree(container_of(h, struct filter_rules, rcu));
}

static bool is_empty(const struct filter_rules *r)
{
	return !r->nr && !r->preset[FILTER_IN] && !r->preset[FILTER_OUT] &&
	       !r->preset[FILTER_FORWARD];
}

/* Parsed rules, or why not; load_mutex held. */
static int parse_locked(const char *text, size_t len, struct filter_rules **out)
{
	int err;

	if (len > FILTER_MAX_TEXT)
		return -E2BIG;
	last_error[0] = '\0';
	err = filter_parse(text, len, out, last_error);
	if (err == -EINVAL)
		log_warn("filter: rules refused: %s", last_error);
	return err;
}

static void put_in_force(struct filter_rules *now)
{
	struct filter_rules *old = rules;

	if (is_empty(now)) {
		kfree(now);
		now = NULL;
	}
	rcu_assign(rules, now);
	WRITE_ONCE(filter_active, now != NULL);
	if (old)
		rcu_call(&old->rcu, rules_free);
	if (!now)
		filter_state_flush();
}

int filter_load(const char *text, size_t len)
{
	struct filter_rules *now;
	int err;

	mutex_lock(&load_mutex);
	err = parse_locked(text, len, &now);
	if (!err)
		put_in_force(now);
	mutex_unlock(&load_mutex);
	return err;
}

int filter_try(const char *text, size_t len)
{
	struct filter_rules *parsed;
	int err;

	mutex_lock(&load_mutex);
	err = parse_locked(text, len, &parsed);
	if (!err)
		kfree(parsed);
	mutex_unlock(&load_mutex);
	return err;
}

const char *filter_last_error(void)
{
	return last_error;
}

static const char *const action_names[] = {"pass", "block", "reject"};
static const char *const hook_names[] = {"in", "out", "forward"};

static void show_side(struct text_sink *s, const char *word, const struct filter_side *side)
{
	char buf[IP_TEXT];

	if (side->bits)
		s->add(s, " %s %s%s/%u", word, side->is_not ? "! " : "", ip_text(&side->addr, buf),
			side->bits - (ip_is_v4(&side->addr) ? 96u : 0u));
	else if (side->nr_ports)
		s->add(s, " %s any", word);
	for (unsigned i = 0; i < side->nr_ports; i++) {
		s->add(s, "%s%u", i ? "," : " port ", side->port[i].first);
		if (side->port[i].last != side->port[i].first)
			s->add(s, "-%u", side->port[i].last);
	}
}

static void show_rule(struct text_sink *s, const struct filter_rule *r)
{
	s->add(s, "%s", action_names[r->action]);
	if (r->hooks != (1u << FILTER_HOOKS) - 1)
		for (unsigned h = 0; h < FILTER_HOOKS; h++)
			if (r->hooks >> h & 1)
				s->add(s, " %s", hook_names[h]);
	if (r->log)
		s->add(s, " log");
	if (*r->dev)
		s->add(s, " on %s", r->dev);
	if (r->family)
		s->add(s, " %s", r->family == 4 ? "inet" : "inet6");
	if (r->has_proto)
		s->add(s, " proto %u", r->proto);
	show_side(s, "from", &r->src);
	show_side(s, "to", &r->dst);
	if (r->has_icmp_type)
		s->add(s, " icmp-type %u", r->icmp_type);
	s->add(s, " # %llu packets, %llu bytes\n", (unsigned long long)READ_ONCE(r->packets),
		(unsigned long long)READ_ONCE(r->bytes));
}

void filter_show(struct text_sink *s)
{
	const struct filter_rules *rs;

	rcu_read_lock();
	rs = rcu_dereference(rules);
	for (unsigned h = 0; rs && h < FILTER_HOOKS; h++)
		s->add(s, "default %s %s\n", hook_names[h], action_names[rs->preset[h]]);
	for (unsigned i = 0; rs && i < rs->nr; i++)
		show_rule(s, &rs->rule[i]);
	rcu_read_unlock();
}

static int show_state(const struct filter_state_info *i, void *arg)
{
	struct text_sink *s = arg;
	char src[IP_TEXT], dst[IP_TEXT];

	s->add(s, "proto %u %s %u > %s %u %s %u s\n", i->proto, ip_text(&i->src, src), i->sport,
		ip_text(&i->dst, dst), i->dport, i->replied ? "answered" : "waiting", i->expires_s);
	return 0;
}

void filter_show_states(struct text_sink *s)
{
	(void)filter_state_each(show_state, s);
}
