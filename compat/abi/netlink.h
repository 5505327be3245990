/*
 * netlink.h - Linux's netlink(7) and rtnetlink(7) numbers and structures.
 */
#pragma once
#include <compiler.h>
#include <ipaddr.h>

enum { /* protocols */
	NETLINK_ROUTE = 0,
	NETLINK_SOCK_DIAG = 4,
	NETLINK_KOBJECT_UEVENT = 15,
	NETLINK_GENERIC = 16
};
enum { SOL_NETLINK = 270 };
enum { /* options */
	NETLINK_ADD_MEMBERSHIP = 1,
	NETLINK_DROP_MEMBERSHIP = 2,
	NETLINK_PKTINFO = 3,
	NETLINK_BROADCAST_ERROR = 4,
	NETLINK_NO_ENOBUFS = 5,
	NETLINK_LISTEN_ALL_NSID = 8,
	NETLINK_LIST_MEMBERSHIPS = 9,
	NETLINK_CAP_ACK = 10,
	NETLINK_EXT_ACK = 11,
	NETLINK_GET_STRICT_CHK = 12
};

struct nlmsghdr {
	uint32_t len;
	uint16_t type, flags;
	uint32_t seq, pid;
};
static_assert(sizeof(struct nlmsghdr) == 16, "struct nlmsghdr");
struct nlattr {
	uint16_t len, type;
};
enum {
	NLM_F_REQUEST = 1,
	NLM_F_MULTI = 2,
	NLM_F_ACK = 4,
	NLM_F_ROOT = 0x100,
	NLM_F_MATCH = 0x200,
	NLM_F_DUMP = 0x300,
	NLM_F_REPLACE = 0x100,
	NLM_F_EXCL = 0x200,
	NLM_F_CREATE = 0x400,
	NLM_F_APPEND = 0x800,
	NLM_F_CAPPED = 0x100
};
enum { NLMSG_NOOP = 1, NLMSG_ERROR = 2, NLMSG_DONE = 3, NLMSG_MIN_TYPE = 16 };
#define NLMSG_ALIGN(n) (((n) + 3u) & ~3u)
#define NLA_TYPE_MASK  0x3fffu
#define NLA_F_NESTED   0x8000u

enum { /* message types of NETLINK_ROUTE */
	RTM_NEWLINK = 16,
	RTM_DELLINK,
	RTM_GETLINK,
	RTM_SETLINK,
	RTM_NEWADDR = 20,
	RTM_DELADDR,
	RTM_GETADDR,
	RTM_NEWROUTE = 24,
	RTM_DELROUTE,
	RTM_GETROUTE,
	RTM_NEWNEIGH = 28,
	RTM_DELNEIGH,
	RTM_GETNEIGH,
	RTM_NEWRULE = 32,
	RTM_DELRULE,
	RTM_GETRULE
};
enum {
	RTNLGRP_LINK = 1,
	RTNLGRP_NEIGH = 3,
	RTNLGRP_IPV4_IFADDR = 5,
	RTNLGRP_IPV4_ROUTE = 7,
	RTNLGRP_IPV4_RULE = 8,
	RTNLGRP_IPV6_IFADDR = 9,
	RTNLGRP_IPV6_ROUTE = 11,
	RTNLGRP_IPV6_RULE = 19
};

struct ifinfomsg {
	uint8_t family, pad;
	uint16_t type;
	int32_t index;
	uint32_t flags, change;
};
struct ifaddrmsg {
	uint8_t family, prefixlen, flags, scope;
	uint32_t index;
};
struct rtmsg {
	uint8_t family, dst_len, src_len, tos, table, protocol, scope, type;
	uint32_t flags;
};
struct ndmsg {
	uint8_t family, pad1;
	uint16_t pad2;
	int32_t ifindex;
	uint16_t state;
	uint8_t flags, type;
};
struct rtnexthop {
	uint16_t len;
	uint8_t flags, hops;
	int32_t ifindex;
};
struct ifa_cacheinfo {
	uint32_t preferred, valid, created, updated; /* seconds; hundredths since boot */
};
struct rta_cacheinfo {
	uint32_t clntref, lastuse;
	int32_t expires;
	uint32_t error, used, id, ts, tsage;
};
struct nda_cacheinfo {
	uint32_t confirmed, used, updated, refcnt;
};
enum {
	IFLA_ADDRESS = 1,
	IFLA_BROADCAST,
	IFLA_IFNAME,
	IFLA_MTU,
	IFLA_LINK,
	IFLA_QDISC,
	IFLA_STATS,
	IFLA_COST,
	IFLA_PRIORITY,
	IFLA_MASTER,
	IFLA_WIRELESS,
	IFLA_PROTINFO,
	IFLA_TXQLEN,
	IFLA_MAP,
	IFLA_WEIGHT,
	IFLA_OPERSTATE,
	IFLA_LINKMODE,
	IFLA_LINKINFO,
	IFLA_STATS64 = 23,
	IFLA_AF_SPEC = 26,
	IFLA_GROUP = 27,
	IFLA_EXT_MASK = 29,
	IFLA_PROMISCUITY = 30,
	IFLA_NUM_TX_QUEUES = 31,
	IFLA_NUM_RX_QUEUES = 32,
	IFLA_CARRIER = 33,
	IFLA_ALT_IFNAME = 53,
	IFLA_PERM_ADDRESS = 54,
	IFLA_MIN_MTU = 50,
	IFLA_MAX_MTU = 51
};
enum { IFLA_INFO_KIND = 1, IFLA_INFO_DATA = 2 };
enum { IFLA_VLAN_ID = 1, IFLA_VLAN_PROTOCOL = 5 }; /* IFLA_INFO_DATA of "vlan" */
enum { VETH_INFO_PEER = 1 };                       /* IFLA_INFO_DATA of "veth" */
enum {
	IFA_ADDRESS = 1,
	IFA_LOCAL,
	IFA_LABEL,
	IFA_BROADCAST,
	IFA_ANYCAST,
	IFA_CACHEINFO,
	IFA_MULTICAST,
	IFA_FLAGS
};
enum {
	RTA_DST = 1,
	RTA_SRC,
	RTA_IIF,
	RTA_OIF,
	RTA_GATEWAY,
	RTA_PRIORITY,
	RTA_PREFSRC,
	RTA_METRICS,
	RTA_MULTIPATH,
	RTA_CACHEINFO = 12,
	RTA_TABLE = 15,
	RTA_MARK = 16,
	RTA_VIA = 18,
	RTA_PREF = 20,
	RTA_EXPIRES = 23
};
enum { RTAX_MTU = 2, RTAX_WINDOW = 3, RTAX_RTT = 4, RTAX_ADVMSS = 8, RTAX_HOPLIMIT = 10 };
enum { RTNH_F_ONLINK = 4, RTM_F_LOOKUP_TABLE = 0x1000 };
enum { NDA_DST = 1, NDA_LLADDR, NDA_CACHEINFO };
enum {
	FRA_DST = 1,
	FRA_SRC = 2,
	FRA_IIFNAME = 3,
	FRA_PRIORITY = 6,
	FRA_FWMARK = 10,
	FRA_TABLE = 15,
	FRA_FWMASK = 16,
	FRA_OIFNAME = 17
};
enum { FIB_RULE_INVERT = 2 };

/* sock_diag(7) */
enum { SOCK_DIAG_BY_FAMILY = 20 };
struct inet_diag_sockid {
	__be16 sport, dport;
	__be32 src[4], dst[4]; /* an IPv4 address in the first word */
	uint32_t ifindex, cookie[2];
};
struct inet_diag_req {
	uint8_t family, protocol, ext, pad;
	uint32_t states;
	struct inet_diag_sockid id;
};
static_assert(sizeof(struct inet_diag_req) == 56, "struct inet_diag_req_v2");
struct inet_diag_msg {
	uint8_t family, state, timer, retrans;
	struct inet_diag_sockid id;
	uint32_t expires, rqueue, wqueue, uid, inode;
};
static_assert(sizeof(struct inet_diag_msg) == 72, "struct inet_diag_msg");
enum { INET_DIAG_INFO = 2, INET_DIAG_SKV6ONLY = 11 };
struct unix_diag_req {
	uint8_t family, protocol;
	uint16_t pad;
	uint32_t states, ino, show, cookie[2];
};
struct unix_diag_msg {
	uint8_t family, type, state, pad;
	uint32_t ino, cookie[2];
};
enum { UNIX_DIAG_NAME = 0, UNIX_DIAG_PEER = 2, UNIX_DIAG_RQLEN = 4 };
enum { UDIAG_SHOW_NAME = 1, UDIAG_SHOW_PEER = 4, UDIAG_SHOW_RQLEN = 16 };

/* Generic netlink: only its controller is here. */
struct genlmsghdr {
	uint8_t cmd, version;
	uint16_t reserved;
};
enum {
	GENL_ID_CTRL = 16,
	CTRL_CMD_NEWFAMILY = 1,
	CTRL_CMD_GETFAMILY = 3,
	CTRL_ATTR_FAMILY_ID = 1,
	CTRL_ATTR_FAMILY_NAME = 2,
	CTRL_ATTR_VERSION = 3,
	CTRL_ATTR_HDRSIZE = 4,
	CTRL_ATTR_MAXATTR = 5
};
