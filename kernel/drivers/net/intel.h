/*
 * intel.h - registers, descriptors and state that the Intel gigabit cards have in common, from the
 * 82540 (e1000) to the 82574 (e1000e).
 *
 * Spec: PCI/PCI-X Family of Gigabit Ethernet Controllers Software Developer's Manual (8254x),
 * chapters 3 and 13; Intel 82574 GbE Controller Family Datasheet, chapters 7 and 10.
 */
#pragma once
#include <arch/io.h>
#include <net.h>
#include <netdev.h>
#include <workqueue.h>

enum intel_reg {
	REG_CTRL = 0x0000,
	REG_STATUS = 0x0008,
	REG_CTRL_EXT = 0x0018,
	REG_ICR = 0x00c0,
	REG_ITR = 0x00c4,
	REG_ICS = 0x00c8,
	REG_IMS = 0x00d0,
	REG_IMC = 0x00d8,
	REG_EIAC = 0x00dc, /* 82574: bits of ICR that sending the message clears */
	REG_IVAR = 0x00e4, /* 82574: which vector a cause has */
	REG_RCTL = 0x0100,
	REG_TCTL = 0x0400,
	REG_TIPG = 0x0410,
	REG_RDBAL = 0x2800,
	REG_RDBAH = 0x2804,
	REG_RDLEN = 0x2808,
	REG_RDH = 0x2810,
	REG_RDT = 0x2818,
	REG_RDTR = 0x2820,
	REG_RADV = 0x282c,
	REG_TDBAL = 0x3800,
	REG_TDBAH = 0x3804,
	REG_TDLEN = 0x3808,
	REG_TDH = 0x3810,
	REG_TDT = 0x3818,
	REG_TIDV = 0x3820,
	REG_TADV = 0x382c,
	REG_CRCERRS = 0x4000,
	REG_SYMERRS = 0x4008,
	REG_RXERRC = 0x400c,
	REG_MPC = 0x4010,
	REG_ECOL = 0x4018,
	REG_LATECOL = 0x4020,
	REG_COLC = 0x4028,
	REG_RLEC = 0x4040,
	REG_RNBC = 0x40a0,
	REG_RXCSUM = 0x5000,
	REG_MTA = 0x5200, /* 128 words */
	REG_RAL0 = 0x5400,
	REG_RAH0 = 0x5404,
	REG_BYTES = 0x20000
};
enum {
	CTRL_FD = 1,
	CTRL_GIO_MASTER_DISABLE = 1 << 2,
	CTRL_ASDE = 1 << 5,
	CTRL_SLU = 1 << 6,
	CTRL_FRCSPD = 1 << 11,
	CTRL_FRCDPX = 1 << 12,
	CTRL_RST = 1 << 26,
	CTRL_VME = 1 << 30,
	STATUS_LU = 1 << 1,
	STATUS_GIO_MASTER = 1 << 19
};
enum { /* ICR, IMS, IMC, ICS */
	INT_TXDW = 1 << 0,
	INT_LSC = 1 << 2,
	INT_RXDMT0 = 1 << 4,
	INT_RXO = 1 << 6,
	INT_RXT0 = 1 << 7,
	INT_RXQ0 = 1 << 20, /* 82574 with MSI-X */
	INT_TXQ0 = 1 << 22,
	INT_OTHER = 1 << 24
};
enum {
	RCTL_EN = 1 << 1,
	RCTL_UPE = 1 << 3,
	RCTL_MPE = 1 << 4,
	RCTL_LPE = 1 << 5,
	RCTL_BAM = 1 << 15,
	RCTL_SECRC = 1 << 26,
	TCTL_EN = 1 << 1,
	TCTL_PSP = 1 << 3,
	TCTL_CT = 0x0f << 4,
	TCTL_COLD = 0x40 << 12,
	TCTL_RTLC = 1 << 24,
	RXCSUM_IPOFL = 1 << 8,
	RXCSUM_TUOFL = 1 << 9
};
#define RAH_VALID 0x80000000u

struct intel_rx_desc {
	__le64 addr;
	__le16 len, csum;
	uint8_t status, errors;
	__le16 vlan;
};
struct intel_tx_desc {
	__le64 addr; /* context: IPCSS, IPCSO, IPCSE, TUCSS, TUCSO, TUCSE */
	__le32 cmd;  /* bytes, type and commands */
	uint8_t status, options;
	__le16 special; /* VLAN tag; context: MSS */
};
static_assert(sizeof(struct intel_rx_desc) == 16 && sizeof(struct intel_tx_desc) == 16,
	"8254x manual, 3.2.3 and 3.3.3");
enum {
	RXD_DD = 1,
	RXD_EOP = 2,
	RXD_IXSM = 4,
	RXD_VP = 8,
	RXD_TCPCS = 0x20,
	RXD_ERR_TCPE = 0x20,
	RXD_ERR_FRAME = 0x80 | 0x10 | 4 | 2 | 1, /* data, carrier, sequence, symbol, CRC */
	TXD_DD = 1,
	TXO_TXSM = 2
};
#define TXC_DATA    (1u << 20)
#define TXC_EOP     (1u << 24)
#define TXC_IFCS    (1u << 25)
#define TXC_TSE     (1u << 26)
#define TXC_RS      (1u << 27)
#define TXC_DEXT    (1u << 29)
#define TXC_VLE     (1u << 30)
#define TXC_CTX_TCP (1u << 24)
#define TXC_CTX_IP4 (1u << 25)

enum {
	INTEL_RING = 256,
	INTEL_BUF = 2048,      /* RCTL.BSIZE 0 */
	INTEL_TX_PIECE = 8192, /* most bytes of one data descriptor here; 16288 is the limit */
	INTEL_REFILL = 32
};

struct intel_rx_buf {
	struct page *page; /* reference held while the device may write there */
	uint32_t off;
};
/* Key: [c] constant  [p] the poll  [t] txq lock  [l] lock  [m] config lock */
struct intel {
	volatile uint8_t *regs;  /* [c] */
	struct netdev *nd;       /* [c] */
	const char *model;       /* [c] */
	uint32_t max_frame;      /* [c] */
	bool is_express;         /* [c] PCI Express: bus mastering is stopped before a reset */
	uint32_t int_rx, int_tx; /* [c] causes of the queue */
	uint32_t ivar, eiac;     /* [c] 82574 with MSI-X */

	struct net_poll poll;
	struct intel_rx_desc *rx; /* [p] */
	paddr_t rx_pa;
	struct intel_rx_buf buf[INTEL_RING];     /* [p] */
	struct intel_rx_buf spare[INTEL_REFILL]; /* [p] of short frames, which were copied */
	uint32_t nr_spare;                       /* [p] */
	uint32_t rx_next, rx_free; /* [p] next to look at; descriptors without a buffer */
	struct pkt *rx_pkt;        /* [p] frame that goes on in the next descriptor */
	bool rx_bad;               /* [p] it is dropped */
	struct net_timer fill;

	struct intel_tx_desc *tx; /* [t] */
	paddr_t tx_pa;
	struct pkt *sent[INTEL_RING];    /* [t] by the frame's last descriptor */
	uint16_t tx_len[INTEL_RING];     /* [t] descriptors of the frame that begins there */
	uint32_t tx_next, tx_done;       /* [t] free-running: used, taken back */
	uint32_t noted;                  /* [t] frames with a pkt->note: someone waits for them */
	uint16_t ctx_start, ctx_offset;  /* [t] checksum context that the device has; 0: none */
	struct netdev_tx_watch tx_watch; /* [t] */

	struct spinlock lock;        /* statistics, which reading clears, and RCTL */
	struct netdev_stats counted; /* [l] */
	struct work link;
};

static inline uint32_t intel_read(const struct intel *c, unsigned reg)
{
	return mmio_read32(c->regs + reg);
}
static inline void intel_write(const struct intel *c, unsigned reg, uint32_t v)
{
	mmio_write32(c->regs + reg, v);
}

/* A device with struct intel as its priv, state as after reset; NULL: no memory. The glue sets
 * regs, model, max_frame, int_*, is_express; then intel_reset(), its interrupts, and
 * intel_register(). */
struct intel *intel_create(void) __must_check;
void intel_destroy(struct intel *c); /* before intel_register() succeeded */
/* 0 or -EIO: the device does not come out of reset. */
int __must_check intel_reset(struct intel *c);
int __must_check intel_register(struct intel *c, uint32_t features);
/* From the interrupt: the queue has something, the link has changed. */
void intel_queue_event(struct intel *c);
void intel_link_event(struct intel *c);
