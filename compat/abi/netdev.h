/*
 * netdev.h - Linux's ioctl(2) commands and structures for interfaces, routes and neighbours:
 * netdevice(7), ip(7), arp(7), rtnetlink-less tools.
 */
#pragma once
#include <compiler.h>
#include <socket.h>

enum {
	SIOCADDRT = 0x890b,
	SIOCDELRT = 0x890c,
	SIOCGIFNAME = 0x8910,
	SIOCGIFCONF = 0x8912,
	SIOCGIFFLAGS = 0x8913,
	SIOCSIFFLAGS = 0x8914,
	SIOCGIFADDR = 0x8915,
	SIOCSIFADDR = 0x8916,
	SIOCGIFDSTADDR = 0x8917,
	SIOCSIFDSTADDR = 0x8918,
	SIOCGIFBRDADDR = 0x8919,
	SIOCSIFBRDADDR = 0x891a,
	SIOCGIFNETMASK = 0x891b,
	SIOCSIFNETMASK = 0x891c,
	SIOCGIFMETRIC = 0x891d,
	SIOCSIFMETRIC = 0x891e,
	SIOCGIFMTU = 0x8921,
	SIOCSIFMTU = 0x8922,
	SIOCSIFNAME = 0x8923,
	SIOCSIFHWADDR = 0x8924,
	SIOCGIFHWADDR = 0x8927,
	SIOCADDMULTI = 0x8931,
	SIOCDELMULTI = 0x8932,
	SIOCGIFINDEX = 0x8933,
	SIOCDIFADDR = 0x8936,
	SIOCSIFHWBROADCAST = 0x8937,
	SIOCGIFTXQLEN = 0x8942,
	SIOCSIFTXQLEN = 0x8943,
	SIOCETHTOOL = 0x8946,
	SIOCDARP = 0x8953,
	SIOCGARP = 0x8954,
	SIOCSARP = 0x8955,
	SIOCGIFMAP = 0x8970,
	SIOCSIFMAP = 0x8971,
	SIOCGIFVLAN = 0x8982,
	SIOCSIFVLAN = 0x8983,
	SIOCBRADDBR = 0x89a0,
	SIOCBRDELBR = 0x89a1,
	SIOCBRADDIF = 0x89a2,
	SIOCBRDELIF = 0x89a3,
	SIOCDEVPRIVATE = 0x89f0 /* and 15 more: a driver's own; none of ours has any */
};

struct linux_sockaddr {
	uint16_t family;
	char data[14];
};
struct linux_ifreq {
	char name[NETDEV_NAME];
	union {
		struct linux_sockaddr addr;
		struct sockaddr_in in;
		int16_t flags;
		int32_t value; /* index, mtu, metric, queue length */
		char newname[NETDEV_NAME];
		uint64_t data; /* a user pointer */
		uint8_t room[24];
	};
};
static_assert(sizeof(struct linux_ifreq) == 40, "struct ifreq");
enum { /* struct vlan_ioctl_args' cmd: linux/if_vlan.h */
	ADD_VLAN_CMD = 0,
	DEL_VLAN_CMD = 1,
	SET_VLAN_NAME_TYPE_CMD = 6,
	SET_VLAN_FLAG_CMD = 7,
	GET_VLAN_REALDEV_NAME_CMD = 8,
	GET_VLAN_VID_CMD = 9
};
enum {
	VLAN_NAME_TYPE_PLUS_VID,            /* vlan0005 */
	VLAN_NAME_TYPE_RAW_PLUS_VID,        /* eth0.0005 */
	VLAN_NAME_TYPE_PLUS_VID_NO_PAD,     /* vlan5 */
	VLAN_NAME_TYPE_RAW_PLUS_VID_NO_PAD, /* eth0.5 */
	VLAN_NAME_TYPE_HIGHEST
};
enum { VLAN_FLAG_REORDER_HDR = 1 };
struct linux_vlan_args {
	int32_t cmd;
	char device[24];
	union {
		char device2[24];
		int32_t id;
		uint32_t name_type;
		uint32_t flag;
	};
	int16_t qos;
};
static_assert(sizeof(struct linux_vlan_args) == 56, "struct vlan_ioctl_args");
struct linux_ifconf {
	int32_t len;
	uint64_t buf;
};
static_assert(sizeof(struct linux_ifconf) == 16, "struct ifconf");
struct linux_in6_ifreq {
	struct ip_addr addr;
	uint32_t prefix;
	int32_t ifindex;
};
static_assert(sizeof(struct linux_in6_ifreq) == 24, "struct in6_ifreq");
struct linux_rtentry {
	uint64_t pad1;
	struct sockaddr_in dst, gateway, genmask;
	uint16_t flags;
	int16_t pad2;
	uint64_t pad3;
	uint8_t tos, class;
	int16_t pad4[3];
	int16_t metric; /* one more than the metric; 0: none */
	uint64_t dev;   /* user pointer to the interface's name */
	uint64_t mtu, window;
	uint16_t irtt;
};
static_assert(sizeof(struct linux_rtentry) == 120, "struct rtentry");
static_assert(offsetof(struct linux_rtentry, dev) == 88, "struct rtentry");
struct linux_in6_rtmsg {
	struct ip_addr dst, src, gateway;
	uint32_t type;
	uint16_t dst_len, src_len;
	uint32_t metric;
	uint64_t info;
	uint32_t flags;
	int32_t ifindex;
};
static_assert(sizeof(struct linux_in6_rtmsg) == 80, "struct in6_rtmsg");
enum {
	RTF_UP = 1,
	RTF_GATEWAY = 2,
	RTF_HOST = 4,
	RTF_MTU = 0x40,
	RTF_WINDOW = 0x80,
	RTF_IRTT = 0x100,
	RTF_REJECT = 0x200,
	RTF_DEFAULT = 0x10000,
	RTF_ADDRCONF = 0x40000,
	RTF_NONEXTHOP = 0x200000,
	RTF_EXPIRES = 0x400000,
	RTF_LOCAL = (int)0x80000000
};
struct linux_arpreq {
	struct sockaddr_in pa;
	struct linux_sockaddr ha;
	int32_t flags;
	struct linux_sockaddr netmask;
	char dev[NETDEV_NAME];
};
static_assert(sizeof(struct linux_arpreq) == 68, "struct arpreq");
enum { ATF_COM = 2, ATF_PERM = 4, ATF_PUBL = 8, ATF_NETMASK = 0x20 };
