/*
 * tun.h - between tun.c, the interface, and tun_dev.c, its file.
 */
#pragma once
#include <cred.h>
#include <netdev.h>
#include <wait.h>

enum { /* TUNSETIFF's flags: if_tun.h */
	IFF_TUN = 0x0001,
	IFF_TAP = 0x0002,
	IFF_NAPI = 0x0010,
	IFF_NAPI_FRAGS = 0x0020,
	IFF_NO_CARRIER = 0x0040,
	IFF_MULTI_QUEUE = 0x0100,
	IFF_PERSIST = 0x0800, /* TUNGETIFF's answer alone */
	IFF_NO_PI = 0x1000,
	IFF_ONE_QUEUE = 0x2000, /* what it always is */
	IFF_VNET_HDR = 0x4000,
	IFF_TUN_EXCL = 0x8000,
	TUN_FORMAT = IFF_NO_PI | IFF_ONE_QUEUE | IFF_VNET_HDR,
	TUN_NOT_HERE = IFF_NAPI | IFF_NAPI_FRAGS | IFF_NO_CARRIER | IFF_MULTI_QUEUE
};

/* An open /dev/net/tun. Key: [m] config lock to write; read by RCU, with a reference  [l] ->lock */
struct tun_file {
	struct netdev *nd;      /* [m] NULL: none yet, or it went; a reference is held */
	struct spinlock lock;   /* level 48 */
	struct pkt_queue queue; /* [l] frames for the program */
	bool attached;          /* [l] frames may be queued */
	struct wait_queue readers;
};
/* A tun or tap interface: netdev's ->priv. */
struct tun {
	struct tun_file *file; /* [m], RCU */
	uint32_t flags;        /* [m] IFF_TUN or IFF_TAP, and of TUN_FORMAT */
	uint32_t vnet_len;     /* [m] bytes of the header in front of a frame: 10 or more */
	uid_t owner;           /* [m] -1: anybody with the capability */
	gid_t group;           /* [m] */
	bool persistent;       /* [m] stays without a file */
	uint32_t sndbuf;       /* [m] told and asked back; nothing waits here */
};
static inline struct tun *tun_of(struct netdev *d)
{
	return d->priv;
}

/* All with the config lock held. */
/* A new interface, or -errno of netdev_register(). @name may hold one %d. */
int __must_check tun_create(struct net *net, const char *name, uint32_t flags, struct netdev **out);
bool tun_is(const struct netdev *d);
/* @tf becomes the file of @d, which has none. */
void tun_attach(struct netdev *d, struct tun_file *tf);
/* The file goes: so does the interface, unless it is persistent. Harmless without an interface. */
void tun_detach(struct tun_file *tf);
/* TUN_F_*: what of sums and segmentation the program does itself. 0, -EINVAL. */
int __must_check tun_offload(struct netdev *d, unsigned long what);

void tun_file_init(struct tun_file *tf);
/* The next frame, which is the caller's; NULL: none now. */
struct pkt *tun_file_take(struct tun_file *tf) __must_check;

void tun_dev_init(void); /* boot: /dev/net/tun */
