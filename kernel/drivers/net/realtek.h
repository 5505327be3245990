/*
 * realtek.h - registers and state that the RTL8139 and the RTL8169 family have in common.
 *
 * Spec: RTL8139D data sheet 1.2, chapter 5; RTL8169S data sheet 1.7, chapter 6.
 */
#pragma once
#include <arch/io.h>
#include <netdev.h>
#include <pci.h>
#include <workqueue.h>

enum realtek_reg {
	IDR0 = 0x00, /* station address */
	MAR0 = 0x08, /* 64 bits of multicast hash */
	CR = 0x37,
	IMR = 0x3c,
	ISR = 0x3e,
	TCR = 0x40,
	RCR = 0x44,
	MPC = 0x4c, /* frames missed */
	CR9346 = 0x50,
	REG_BYTES = 0x100
};
enum { CR_EMPTY = 1, CR_TE = 4, CR_RE = 8, CR_RST = 0x10, CR9346_UNLOCK = 0xc0 };
enum { /* ISR, IMR: frames in and out, overflows; only the link is told apart */
	INT_LINK = 0x20,
	INT_ALL = 0x7f
};
enum {
	RCR_ALL = 1,
	RCR_MINE = 2,
	RCR_MULTICAST = 4,
	RCR_BROADCAST = 8,
	RCR_MXDMA = 7 << 8, /* bursts as long as can be */
	RCR_NO_THRESHOLD = 7 << 13,
	TCR_MXDMA = 7 << 8,
	TCR_IFG = 3 << 24 /* 802.3's gap */
};

struct realtek;
struct realtek_ops {
	void (*reclaim)(struct realtek *r); /* takes back what was sent; txq lock held */
	unsigned (*receive)(struct realtek *r, unsigned budget); /* from the poll */
	bool (*link_is_up)(const struct realtek *r);
};

/* First member of each card's priv. Key: [c] constant  [t] txq lock  [l] lock */
struct realtek {
	volatile uint8_t *regs;        /* [c] */
	struct netdev *nd;             /* [c] */
	const struct realtek_ops *ops; /* [c] */
	uint32_t tx_wake;              /* [c] a stopped queue goes on with so many slots in use */
	struct net_poll poll;
	uint32_t tx_next, tx_done;       /* [t] free-running: used, taken back */
	struct netdev_tx_watch tx_watch; /* [t] */
	struct spinlock lock;            /* RCR, counters */
	uint64_t missed;                 /* [l] */
	struct work link;
};

static inline struct realtek *realtek_of(struct netdev *d)
{
	return d->priv;
}

/* A device whose priv has @size bytes and begins with struct realtek; its netdev_ops, features and
 * regs are the caller's to set. NULL: no memory. */
struct realtek *realtek_create(const char *driver, size_t size, const struct realtek_ops *ops,
	uint32_t tx_wake) __must_check;
/* Bits of RCR for the interface's flags, which both chips have. */
uint32_t realtek_rx_mode(const struct netdev *d);
/* 0 or -EIO: the device does not come out of reset. Sleeps. */
int __must_check realtek_reset(struct realtek *r);
/* The rings are ready: polls and interrupts begin; and end. */
void realtek_start(struct realtek *r);
void realtek_stop(struct realtek *r);
/* Resets the device, reads its address and asks for its interrupt; on an error the caller frees. */
int __must_check realtek_attach(struct realtek *r, struct pci_dev *pci);
/* Registers the interface. An interrupt points to the record: it stays, whatever is returned. */
int __must_check realtek_register(struct realtek *r, struct pci_dev *pci);

/* Entries of netdev_ops and struct driver. */
int realtek_set_mac(struct netdev *d, const uint8_t *mac);
void realtek_stats(struct netdev *d, struct netdev_stats *add);
bool realtek_tx_hangs(struct netdev *d);
void realtek_remove(struct pci_dev *pci);
