/* LINK: kernel/net/ipaddr.c */
#include <ipaddr.h>
#include <unit.h>

static const char *v6(const uint16_t g[8])
{
	static char buf[IP_TEXT];
	struct ip_addr a;

	for (unsigned i = 0; i < 8; i++)
		a.h[i] = to_be16(g[i]);
	return ip_text(&a, buf);
}
#define V6(...) v6((const uint16_t[8]){__VA_ARGS__})

TEST(text_of_ipv4_is_dotted)
{
	struct ip_addr a = ip_from_v4(IP4(255, 10, 0, 199)), any = ip_from_v4(IP4(0, 0, 0, 0));
	char buf[IP_TEXT];

	EXPECT_STR(ip_text(&a, buf), "255.10.0.199");
	EXPECT_STR(ip_text(&any, buf), "0.0.0.0");
}

TEST(text_of_ipv6_is_canonical)
{
	EXPECT_STR(V6(0, 0, 0, 0, 0, 0, 0, 0), "::");
	EXPECT_STR(V6(0, 0, 0, 0, 0, 0, 0, 1), "::1");
	EXPECT_STR(V6(1, 0, 0, 0, 0, 0, 0, 0), "1::");
	EXPECT_STR(V6(0x2001, 0xdb8, 0, 0, 1, 0, 0, 1), "2001:db8::1:0:0:1"); /* RFC 5952, 4.2.3 */
	EXPECT_STR(V6(0x2001, 0xdb8, 0, 1, 1, 1, 1, 1), "2001:db8:0:1:1:1:1:1"); /* 4.2.2 */
	EXPECT_STR(V6(0xfe80, 0, 0, 0, 0xf0, 0xabcd, 0, 0xf), "fe80::f0:abcd:0:f");
	EXPECT_STR(V6(0, 1, 2, 3, 4, 5, 0, 0), "0:1:2:3:4:5::");
	EXPECT_STR(V6(0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff),
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
}

TEST(kinds_of_addresses)
{
	struct ip_addr a = ip_from_v4(IP4(127, 0, 0, 1)), m = ip_from_v4(IP4(224, 0, 0, 1)),
		       l = ip_from_v4(IP4(169, 254, 3, 4)), any = ip_from_v4(IP4(0, 0, 0, 0)),
		       b = ip_from_v4(IP4(127, 0, 255, 1));

	EXPECT(ip_is_loopback(&a) && !ip_is_loopback(&m));
	EXPECT(ip_is_multicast(&m) && !ip_is_multicast(&a));
	EXPECT(ip_is_link_local(&l) && !ip_is_link_local(&a));
	EXPECT(ip_is_any(&any) && !ip_is_any(&a));
	EXPECT(ip_prefix_equal(&a, &b, 112) && !ip_prefix_equal(&a, &b, 113));
	EXPECT(ip_prefix_equal(&a, &m, 0));
}
