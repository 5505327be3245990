/*
 * filter_test.c - the packet filter: its language, its judgement, its states.
 */
/* LINK: kernel/net/filter.c kernel/net/filter_rules.c kernel/net/filter_state.c
 * kernel/net/ip_parse.c */
/* LINK: kernel/net/ipaddr.c kernel/net/netdev.c kernel/net/netdev_config.c kernel/net/xmit.c */
/* LINK: kernel/net/gso.c kernel/net/gro.c kernel/net/ether.c kernel/net/loopback.c */
/* LINK: kernel/net/pkt.c kernel/net/csum.c kernel/net/net.c kernel/lib/hash.c kernel/mm/iov_iter.c
 */
#include <netfilter.h>
#include <unit.h>
#include "kernel/net/filter.h"
#include "kernel/net/inet.h"

static const char *error_of(const char *text)
{
	return filter_load(text, strlen(text)) ? filter_last_error() : "";
}

TEST(addresses_are_read_from_text)
{
	static const struct {
		const char *text;
		bool ok;
	} rows[] = {{"10.0.0.1", true}, {"255.255.255.255", true}, {"1.2.3", false},
		{"1.2.3.256", false}, {"01.2.3.4", false}, {"1.2.3.4.", false}, {"::", true},
		{"::1", true}, {"fe80::1:2", true}, {"1:2:3:4:5:6:7:8", true},
		{"1:2:3:4:5:6:7:8:9", false}, {"1:2:3:4:5:6:7", false}, {"1::2::3", false},
		{"::ffff:10.0.0.1", true}, {"1:2:3:4:5:6:7::", true}, {":1", false}, {"1:", false},
		{"12345::", false}, {"", false}, {"g::", false}, {":::", false}};
	char buf[IP_TEXT];
	struct ip_addr a;

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
		if (!EXPECT_EQ(!ip_from_text(rows[i].text, &a), rows[i].ok))
			unit_print("  %s\n", rows[i].text);
	EXPECT_EQ(ip_from_text("2001:db8:0:0:1::5", &a), 0);
	EXPECT_STR(ip_text(&a, buf), "2001:db8::1:0:0:5");
	EXPECT_EQ(ip_from_text("::ffff:10.0.0.1", &a), 0);
	EXPECT(ip_is_v4(&a));
}

TEST(a_mistake_names_line_and_word_and_changes_nothing)
{
	EXPECT_STR(error_of("pass in proto tcp to any port 22\n"), "");
	EXPECT(filter_active);
	EXPECT_STR(error_of("# fine\npass in\nallow in\n"),
		"line 3: expected pass, block or reject, found \"allow\"");
	EXPECT_STR(error_of("pass in port 22\n"), "line 1: expected proto tcp or proto udp in a "
						  "rule with ports, found \"end of line\"");
	EXPECT_STR(error_of("pass from 10.0.0.0/33\n"),
		"line 1: expected a prefix length that fits the address, found \"10.0.0.0/33\"");
	EXPECT_STR(error_of("default in maybe\n"),
		"line 1: expected pass, block or reject, found \"maybe\"");
	EXPECT_STR(error_of("pass from 10.0.0.1 to ::1\n"),
		"line 1: expected both addresses of one family, found \"end of line\"");
	EXPECT(filter_active);
	EXPECT_STR(error_of(""), "");
	EXPECT(!filter_active);
}

TEST(any_text_is_parsed_or_refused)
{
	static const char *const words[] = {"pass", "block", "in", "out", "from", "to", "any",
		"port", "proto", "tcp", "!", "10.0.0.0/8", "::/0", "22", "1-", "1,2", "\n", "log",
		"on", "eth0", "default", "#", "icmp-type", "inet6", "\t", "99999", "\x01"};
	char text[512];

	for (unsigned round = 0; round < 3000; round++) {
		size_t n = 0;

		for (unsigned i = unit_below(40); i; i--) {
			const char *w = words[unit_below(ARRAY_SIZE(words))];

			if (n + strlen(w) + 2 > sizeof(text))
				break;
			memcpy(text + n, w, strlen(w));
			n += strlen(w);
			text[n++] = ' ';
		}
		(void)!filter_load(text, n);
	}
	EXPECT_EQ(filter_load("", 0), 0);
}

/* ---- packets ---- */

static struct netdev eth = {.name = "eth0"};

static struct pkt *v4(const char *src, const char *dst, uint8_t proto, uint16_t sport,
	uint16_t dport, uint8_t flags)
{
	struct pkt *p = pkt_alloc_tx();
	struct ip_addr a, b;
	uint8_t *h = pkt_append(p, 40);

	(void)!ip_from_text(src, &a);
	(void)!ip_from_text(dst, &b);
	memset(h, 0, 40);
	h[0] = 0x45;
	h[9] = proto;
	memcpy(h + 12, a.b + 12, 4);
	memcpy(h + 16, b.b + 12, 4);
	h[20] = (uint8_t)(sport >> 8);
	h[21] = (uint8_t)sport;
	h[22] = (uint8_t)(dport >> 8);
	h[23] = (uint8_t)dport;
	h[33] = flags;
	p->l3 = p->off;
	return p;
}

static enum filter_action ask(enum filter_hook hook, struct pkt *p)
{
	enum filter_action a = filter_check(hook, p, &eth);

	pkt_free(p);
	return a;
}
enum { FIN = 1, SYN = 2, RST = 4, ACK = 16 };

static void boot(void)
{
	static bool done;

	if (!done) {
		pkt_init();
		filter_init();
	}
	done = true;
	filter_state_flush();
}

TEST(the_first_rule_that_matches_decides)
{
	boot();
	EXPECT_STR(error_of("default in block\n"
			    "block in proto tcp from 10.9.0.0/16\n"
			    "pass in on eth0 proto tcp from ! 192.168.0.0/16 to any port "
			    "22,80,8000-8010\n"
			    "reject in proto udp\n"),
		"");
	EXPECT_EQ(ask(FILTER_IN, v4("10.0.0.1", "10.0.0.2", 6, 999, 22, SYN)), FILTER_PASS);
	EXPECT_EQ(ask(FILTER_IN, v4("10.0.0.1", "10.0.0.2", 6, 999, 8005, SYN)), FILTER_PASS);
	EXPECT_EQ(ask(FILTER_IN, v4("10.0.0.1", "10.0.0.2", 6, 999, 8011, SYN)), FILTER_BLOCK);
	EXPECT_EQ(ask(FILTER_IN, v4("10.9.0.1", "10.0.0.2", 6, 999, 22, SYN)), FILTER_BLOCK);
	EXPECT_EQ(ask(FILTER_IN, v4("192.168.0.1", "10.0.0.2", 6, 999, 22, SYN)), FILTER_BLOCK);
	EXPECT_EQ(ask(FILTER_IN, v4("10.0.0.1", "10.0.0.2", 17, 999, 22, 0)), FILTER_REJECT);
	EXPECT_EQ(ask(FILTER_OUT, v4("10.0.0.1", "10.0.0.2", 17, 999, 22, 0)), FILTER_PASS);
}

TEST(answers_pass_by_state_and_strays_do_not)
{
	boot();
	EXPECT_STR(error_of("default in block\n"), "");
	EXPECT_EQ(ask(FILTER_IN, v4("10.0.0.2", "10.0.0.1", 6, 80, 5000, SYN | ACK)), FILTER_BLOCK);
	EXPECT_EQ(ask(FILTER_OUT, v4("10.0.0.1", "10.0.0.2", 6, 5000, 80, SYN)), FILTER_PASS);
	EXPECT_EQ(ask(FILTER_IN, v4("10.0.0.2", "10.0.0.1", 6, 80, 5000, SYN | ACK)), FILTER_PASS);
	EXPECT_EQ(ask(FILTER_OUT, v4("10.0.0.1", "10.0.0.2", 6, 5000, 80, ACK)), FILTER_PASS);
	EXPECT_EQ(ask(FILTER_IN, v4("10.0.0.2", "10.0.0.1", 6, 81, 5000, ACK)), FILTER_BLOCK);
	EXPECT_EQ(ask(FILTER_IN, v4("10.0.0.2", "10.0.0.1", 6, 80, 5000, RST)), FILTER_PASS);
	unit_advance(20ull * 1000 * 1000 * 1000);
	EXPECT_EQ(ask(FILTER_IN, v4("10.0.0.2", "10.0.0.1", 6, 80, 5000, ACK)), FILTER_BLOCK);
	EXPECT_EQ(ask(FILTER_OUT, v4("10.0.0.1", "10.0.0.3", 17, 53, 53, 0)), FILTER_PASS);
	EXPECT_EQ(ask(FILTER_IN, v4("10.0.0.3", "10.0.0.1", 17, 53, 53, 0)), FILTER_PASS);
	EXPECT_EQ(ask(FILTER_IN, v4("10.0.0.4", "10.0.0.1", 17, 53, 53, 0)), FILTER_BLOCK);
}

TEST(an_icmp_error_passes_for_a_known_connection_only)
{
	struct pkt *e, *quoted;
	uint8_t *h;

	boot();
	EXPECT_STR(error_of("default in block\n"), "");
	EXPECT_EQ(ask(FILTER_OUT, v4("10.0.0.1", "10.0.0.2", 17, 4000, 53, 0)), FILTER_PASS);
	for (unsigned known = 0; known < 2; known++) {
		e = v4("10.0.0.9", "10.0.0.1", 1, 0, 0, 0);
		quoted = v4("10.0.0.1", known ? "10.0.0.2" : "10.0.0.7", 17, 4000, 53, 0);
		h = pkt_data(e) + 20;
		memset(h, 0, 20);
		h[0] = 3;
		pkt_trim(e, 28);
		REQUIRE_EQ(pkt_append_bytes(e, pkt_data(quoted), 28), 0);
		pkt_free(quoted);
		EXPECT_EQ(ask(FILTER_IN, e), known ? FILTER_PASS : FILTER_BLOCK);
	}
}

TEST(the_table_is_bounded_and_gives_up_what_was_never_answered)
{
	unsigned blocked = 0;

	boot();
	EXPECT_STR(error_of("pass in proto udp\n"), "");
	for (unsigned i = 0; i < 70000; i++) {
		struct pkt *p = v4("10.0.0.1", "10.0.0.2", 17, 0, 7, 0);

		pkt_data(p)[14] = (uint8_t)(i >> 16);
		pkt_data(p)[20] = (uint8_t)(i >> 8);
		pkt_data(p)[21] = (uint8_t)i;
		blocked += ask(FILTER_IN, p) == FILTER_BLOCK;
		if (i % 4096 == 0)
			unit_rcu_flush();
	}
	EXPECT(filter_state_count() <= 65536);
	EXPECT(blocked < 100);
	filter_state_flush();
	unit_rcu_flush();
	EXPECT_EQ(filter_state_count(), 0);
	EXPECT_STR(error_of(""), "");
}

TEST(packets_of_any_bytes_are_judged)
{
	boot();
	EXPECT_STR(error_of("pass proto tcp to any port 1-1000\nblock inet6\n"), "");
	for (unsigned i = 0; i < 20000; i++) {
		struct pkt *p = pkt_alloc_tx();
		unsigned n = (unsigned)unit_below(pkt_tailroom(p));
		uint8_t *b = pkt_append(p, n);

		for (unsigned k = 0; k < n; k++)
			b[k] = (uint8_t)unit_random();
		if (n && unit_below(2))
			b[0] = unit_below(2) ? 0x45 : 0x60;
		p->l3 = p->off;
		(void)ask((enum filter_hook)unit_below(3), p);
	}
	EXPECT_STR(error_of(""), "");
	unit_rcu_flush();
}
