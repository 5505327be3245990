/*
 * sysctl.c - what /proc/sys/net shows and sets of the Internet layer: names, limits, where they
 * are.
 */
#include "fib.h"
#include "inetdev.h"
#include <netctl.h>

#define AT(f) offsetof(struct net_inet, f)
#define ONE(name, kind, f, lo, hi)                                                                 \
	{                                                                                          \
		name, kind, AT(f), 1, lo, hi                                                       \
	}
const struct net_sysctl net_sysctls[] = {
	ONE("ipv4/ip_forward", SYSCTL_BOOL, forward4, 0, 1),
	ONE("ipv4/conf/all/forwarding", SYSCTL_BOOL, forward4, 0, 1),
	ONE("ipv6/conf/all/forwarding", SYSCTL_BOOL, forward6, 0, 1),
	ONE("ipv4/ip_default_ttl", SYSCTL_U8, default_ttl, 1, 255),
	ONE("ipv6/conf/all/hop_limit", SYSCTL_U8, default_hop_limit, 1, 255),
	{"ipv4/ip_local_port_range", SYSCTL_U16, AT(port_min), 2, 1, 65535},
	ONE("ipv4/ip_unprivileged_port_start", SYSCTL_U16, unprivileged_port, 0, 65535),
	ONE("ipv4/ip_nonlocal_bind", SYSCTL_BOOL, nonlocal_bind, 0, 1),
	ONE("ipv4/conf/all/rp_filter", SYSCTL_U8, rp_filter, 0, 2),
	ONE("ipv6/conf/all/disable_ipv6", SYSCTL_BOOL, disable_ipv6, 0, 1),
	ONE("ipv6/conf/all/accept_ra", SYSCTL_BOOL, accept_ra, 0, 1),
	ONE("ipv6/conf/all/autoconf", SYSCTL_BOOL, autoconf, 0, 1),
	ONE("ipv6/bindv6only", SYSCTL_BOOL, bindv6only, 0, 1),
	{"ipv4/tcp_rmem", SYSCTL_U32_ARRAY, AT(tcp_rmem), 3, 1, INT32_MAX},
	{"ipv4/tcp_wmem", SYSCTL_U32_ARRAY, AT(tcp_wmem), 3, 1, INT32_MAX},
	ONE("ipv4/tcp_sack", SYSCTL_BOOL, tcp_sack, 0, 1),
	ONE("ipv4/tcp_timestamps", SYSCTL_BOOL, tcp_timestamps, 0, 1),
	ONE("ipv4/tcp_window_scaling", SYSCTL_BOOL, tcp_window_scaling, 0, 1),
	ONE("ipv4/tcp_syncookies", SYSCTL_BOOL, tcp_syncookies, 0, 1),
	ONE("ipv4/tcp_ecn", SYSCTL_BOOL, tcp_ecn, 0, 1),
	ONE("ipv4/tcp_tw_reuse", SYSCTL_U8, tcp_tw_reuse, 0, 2),
	ONE("ipv4/tcp_fin_timeout", SYSCTL_U32, tcp_fin_timeout_s, 1, 3600),
	ONE("ipv4/tcp_keepalive_time", SYSCTL_U32, tcp_keepalive_time_s, 1, 32767),
	ONE("ipv4/tcp_keepalive_intvl", SYSCTL_U32, tcp_keepalive_intvl_s, 1, 32767),
	ONE("ipv4/tcp_keepalive_probes", SYSCTL_U32, tcp_keepalive_probes, 1, 127),
	ONE("ipv4/tcp_syn_retries", SYSCTL_U32, tcp_syn_retries, 1, 127),
	ONE("ipv4/tcp_synack_retries", SYSCTL_U32, tcp_synack_retries, 0, 255),
	ONE("ipv4/tcp_retries2", SYSCTL_U32, tcp_retries2, 1, 255),
	ONE("ipv4/tcp_max_syn_backlog", SYSCTL_U32, tcp_max_syn_backlog, 1, INT32_MAX),
	ONE("ipv4/tcp_max_tw_buckets", SYSCTL_U32, tcp_max_tw_buckets, 0, INT32_MAX),
	ONE("core/somaxconn", SYSCTL_U32, somaxconn, 0, INT32_MAX),
	ONE("ipv4/udp_rmem_min", SYSCTL_U32, udp_rmem_min, 1, INT32_MAX),
	ONE("ipv4/udp_wmem_min", SYSCTL_U32, udp_wmem_min, 1, INT32_MAX),
	ONE("ipv4/icmp_ratelimit", SYSCTL_U32, icmp_ratelimit_ms, 0, INT32_MAX),
	ONE("ipv4/icmp_echo_ignore_broadcasts", SYSCTL_BOOL, icmp_echo_ignore_broadcasts, 0, 1),
	ONE("ipv4/icmp_echo_ignore_all", SYSCTL_BOOL, icmp_echo_ignore_all, 0, 1),
	ONE("ipv6/icmp/echo_ignore_all", SYSCTL_BOOL, icmp6_echo_ignore_all, 0, 1),
	{"ipv4/ping_group_range", SYSCTL_U32_ARRAY, AT(ping_group_min), 2, 0, INT32_MAX},
	ONE("ipv4/ipfrag_high_thresh", SYSCTL_U32, frag_high_bytes, 0, INT32_MAX),
	ONE("ipv4/ipfrag_low_thresh", SYSCTL_U32, frag_low_bytes, 0, INT32_MAX),
	ONE("ipv4/ipfrag_time", SYSCTL_U32, frag_time_s, 1, 3600),
};
const unsigned net_sysctl_count = ARRAY_SIZE(net_sysctls);

static unsigned width(const struct net_sysctl *c)
{
	switch (c->kind) {
	case SYSCTL_U16:
		return 2;
	case SYSCTL_U32:
	case SYSCTL_U32_ARRAY:
		return 4;
	default:
		return 1;
	}
}

int net_sysctl_get(struct net *net, unsigned nth, uint32_t *values)
{
	const struct net_sysctl *c = &net_sysctls[nth];
	const uint8_t *at = (const uint8_t *)net->inet + c->offset;
	unsigned i;

	if (nth >= net_sysctl_count)
		return -ENOENT;
	for (i = 0; i < c->count; i++, at += width(c)) {
		values[i] = 0;
		memcpy(&values[i], at, width(c));
	}
	return 0;
}

/* Pairs are ranges: the first is not above the second, but for the groups, where that says "none".
 */
static bool range_ok(const struct net_sysctl *c, const uint32_t *v)
{
	return c->count != 2 || c->offset == AT(ping_group_min) || v[0] <= v[1];
}

int net_sysctl_set(struct net *net, unsigned nth, const uint32_t *values, unsigned n)
{
	const struct net_sysctl *c = &net_sysctls[nth];
	uint8_t *at = (uint8_t *)net->inet + c->offset;
	unsigned i;

	if (nth >= net_sysctl_count || !n || n > c->count || (c->count == 2 && n != 2))
		return -EINVAL;
	for (i = 0; i < n; i++)
		if (values[i] < c->min || values[i] > c->max)
			return -EINVAL;
	if (!range_ok(c, values))
		return -EINVAL;
	for (i = 0; i < n; i++, at += width(c))
		memcpy(at, &values[i], width(c));
	fib_changed(net);
	inetdev_reconfigure();
	return 0;
}
