/*
 * filter_rules.c - the filter's language: one rule a line, the first that matches decides.
 *
 *	default in|out|forward pass|block|reject
 *	pass|block|reject [in|out|forward] [log] [on DEV] [inet|inet6] [proto NAME|NUMBER]
 *		[from [!] ADDR[/BITS]|any] [port LIST] [to [!] ADDR[/BITS]|any] [port LIST]
 *		[icmp-type NUMBER]
 *
 * LIST is PORT, FIRST-LAST, or several with commas. "port" after "from" is the source's, after
 *"to", or alone, the destination's. Without in, out or forward a rule is for all three. `#` begins
 *a comment. A mistake refuses the whole text and names line and word.
 */
#include <error.h>
#include <printf.h>
#include <slab.h>
#include <string.h>
#include "filter.h"
#include "inet.h"

enum { WORD_MAX = 80 };
struct parser {
	const char *at, *end;
	unsigned line;
	char word[WORD_MAX]; /* present word; empty: the line ends here */
	char *error;
};

static int fail(struct parser *ps, const char *expected)
{
	snprintf(ps->error, FILTER_ERROR, "line %u: expected %s, found \"%.32s\"", ps->line,
		expected, *ps->word ? ps->word : "end of line");
	return -EINVAL;
}

/* The next word of the line into ps->word. */
static int advance(struct parser *ps)
{
	size_t n = 0;

	while (ps->at < ps->end && (*ps->at == ' ' || *ps->at == '\t' || *ps->at == '\r'))
		ps->at++;
	while (ps->at < ps->end && *ps->at && *ps->at != '#' && !strchr(" \t\r\n", *ps->at)) {
		if (n + 1 == WORD_MAX) {
			ps->word[n] = '\0';
			return fail(ps, "a shorter word");
		}
		ps->word[n++] = *ps->at++;
	}
	ps->word[n] = '\0';
	if (!n && ps->at < ps->end && *ps->at != '\n' && *ps->at != '#')
		return fail(ps, "text");
	return 0;
}

static bool is(const struct parser *ps, const char *word)
{
	return !strcmp(ps->word, word);
}

/* Decimal, at most @max: 0 or -EINVAL. Ends at *end. */
static int number(const char *s, const char **end, unsigned max, unsigned *out)
{
	unsigned v = 0;

	if (*s < '0' || *s > '9')
		return -EINVAL;
	for (; *s >= '0' && *s <= '9'; s++) {
		v = v * 10 + (unsigned)(*s - '0');
		if (v > max)
			return -EINVAL;
	}
	*end = s;
	*out = v;
	return 0;
}

static int parse_action(struct parser *ps, uint8_t *out)
{
	static const char *const names[] = {"pass", "block", "reject"};

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		if (is(ps, names[i])) {
			*out = (uint8_t)i;
			return advance(ps);
		}
	}
	return fail(ps, "pass, block or reject");
}

static int hook_named(const struct parser *ps)
{
	static const char *const names[] = {"in", "out", "forward"};

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if (is(ps, names[i]))
			return (int)i;
	return -1;
}

static int parse_proto(struct parser *ps, struct filter_rule *r)
{
	static const struct {
		const char *name;
		uint8_t proto;
	} known[] = {{"tcp", IPPROTO_TCP}, {"udp", IPPROTO_UDP}, {"icmp", IPPROTO_ICMP},
		{"icmp6", IPPROTO_ICMPV6}, {"igmp", IPPROTO_IGMP}};
	const char *end;
	unsigned v;

	r->has_proto = true;
	for (unsigned i = 0; i < ARRAY_SIZE(known); i++) {
		if (is(ps, known[i].name)) {
			r->proto = known[i].proto;
			return advance(ps);
		}
	}
	if (number(ps->word, &end, 255, &v) || *end)
		return fail(ps, "tcp, udp, icmp, icmp6, igmp or a number");
	r->proto = (uint8_t)v;
	return advance(ps);
}

static int parse_address(struct parser *ps, struct filter_side *side)
{
	char *slash;
	const char *end;
	unsigned bits, most;

	if (is(ps, "any"))
		return advance(ps);
	if (is(ps, "!")) {
		side->is_not = true;
		if (advance(ps))
			return -EINVAL;
	}
	slash = strchr(ps->word, '/');
	if (slash)
		*slash = '\0';
	if (ip_from_text(ps->word, &side->addr))
		return fail(ps, "an address, or any");
	most = ip_is_v4(&side->addr) ? 32 : 128;
	bits = most;
	if (slash && (number(slash + 1, &end, most, &bits) || *end)) {
		*slash = '/';
		return fail(ps, "a prefix length that fits the address");
	}
	side->bits = (uint8_t)(bits + 128 - most);
	return advance(ps);
}

static int parse_ports(struct parser *ps, struct filter_side *side)
{
	const char *s = ps->word;
	unsigned first, last;

	for (;;) {
		if (side->nr_ports == FILTER_PORTS)
			return fail(ps, "at most 8 ports or ranges");
		if (number(s, &s, 65535, &first))
			return fail(ps, "a port, or FIRST-LAST, or several with commas");
		last = first;
		if (*s == '-' && number(s + 1, &s, 65535, &last))
			return fail(ps, "the last port of a range");
		if (last < first)
			return fail(ps, "a range that goes up");
		side->port[side->nr_ports++] = (struct port_range){(uint16_t)first, (uint16_t)last};
		if (!*s)
			return advance(ps);
		if (*s++ != ',')
			return fail(ps, "a comma between ports");
	}
}

static int parse_icmp_type(struct parser *ps, struct filter_rule *r)
{
	const char *end;
	unsigned v;

	if (number(ps->word, &end, 255, &v) || *end)
		return fail(ps, "an ICMP type from 0 to 255");
	r->icmp_type = (uint8_t)v;
	r->has_icmp_type = true;
	return advance(ps);
}

static int parse_dev(struct parser *ps, struct filter_rule *r)
{
	if (!*ps->word || strlen(ps->word) >= sizeof(r->dev))
		return fail(ps, "the name of an interface");
	strlcpy(r->dev, ps->word, sizeof(r->dev));
	return advance(ps);
}

/* What follows the action. @side: whose ports come next. */
static int parse_clause(struct parser *ps, struct filter_rule *r, struct filter_side **side)
{
	int hook = hook_named(ps);

	if (hook >= 0)
		r->hooks |= (uint8_t)(1u << hook);
	else if (is(ps, "log"))
		r->log = true;
	else if (is(ps, "inet") || is(ps, "inet6"))
		r->family = is(ps, "inet") ? 4 : 6;
	else if (is(ps, "on"))
		return advance(ps) ? -EINVAL : parse_dev(ps, r);
	else if (is(ps, "proto"))
		return advance(ps) ? -EINVAL : parse_proto(ps, r);
	else if (is(ps, "from") || is(ps, "to")) {
		*side = is(ps, "from") ? &r->src : &r->dst;
		return advance(ps) ? -EINVAL : parse_address(ps, *side);
	} else if (is(ps, "port"))
		return advance(ps) ? -EINVAL : parse_ports(ps, *side);
	else if (is(ps, "icmp-type"))
		return advance(ps) ? -EINVAL : parse_icmp_type(ps, r);
	else
		return fail(ps, "in, out, forward, log, on, inet, inet6, proto, from, to, port or "
				"icmp-type");
	return advance(ps);
}

/* Does the rule make sense as a whole? */
static int check_rule(struct parser *ps, struct filter_rule *r)
{
	bool ports = r->src.nr_ports || r->dst.nr_ports;
	bool icmp = r->has_proto && (r->proto == IPPROTO_ICMP || r->proto == IPPROTO_ICMPV6);

	if (!r->hooks)
		r->hooks = (1u << FILTER_HOOKS) - 1;
	if (ports && !(r->has_proto && (r->proto == IPPROTO_TCP || r->proto == IPPROTO_UDP)))
		return fail(ps, "proto tcp or proto udp in a rule with ports");
	if (r->has_icmp_type && !icmp)
		return fail(ps, "proto icmp or proto icmp6 in a rule with icmp-type");
	if (r->src.bits && r->dst.bits && ip_is_v4(&r->src.addr) != ip_is_v4(&r->dst.addr))
		return fail(ps, "both addresses of one family");
	return 0;
}

static int parse_rule(struct parser *ps, struct filter_rule *r)
{
	struct filter_side *side = &r->dst;
	int err;

	*r = (struct filter_rule){.line = ps->line};
	err = parse_action(ps, &r->action);
	while (!err && *ps->word)
		err = parse_clause(ps, r, &side);
	return err ? err : check_rule(ps, r);
}

static int parse_default(struct parser *ps, struct filter_rules *rules)
{
	int hook;
	uint8_t action;

	if (advance(ps))
		return -EINVAL;
	hook = hook_named(ps);
	if (hook < 0)
		return fail(ps, "in, out or forward");
	if (advance(ps) || parse_action(ps, &action))
		return -EINVAL;
	rules->preset[hook] = action;
	return *ps->word ? fail(ps, "end of line") : 0;
}

static int parse_line(struct parser *ps, struct filter_rules *rules, unsigned room)
{
	if (advance(ps))
		return -EINVAL;
	if (!*ps->word)
		return 0;
	if (is(ps, "default"))
		return parse_default(ps, rules);
	if (rules->nr == room)
		return fail(ps, "fewer rules");
	return parse_rule(ps, &rules->rule[rules->nr++]);
}

int filter_parse(const char *text, size_t len, struct filter_rules **out, char error[FILTER_ERROR])
{
	struct parser ps = {.at = text, .end = text + len, .line = 1, .error = error};
	struct filter_rules *rules;
	unsigned lines = 1;
	int err = 0;

	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	lines = MIN(lines, (unsigned)FILTER_MAX_RULES);
	rules = kcalloc(1, sizeof(*rules) + lines * sizeof(rules->rule[0]));
	if (!rules)
		return -ENOMEM;
	while (!err && ps.at < ps.end) {
		err = parse_line(&ps, rules, lines);
		while (ps.at < ps.end && *ps.at != '\n')
			ps.at++;
		if (ps.at < ps.end)
			ps.at++;
		ps.line++;
	}
	if (err) {
		kfree(rules);
		return err;
	}
	*out = rules;
	return 0;
}
