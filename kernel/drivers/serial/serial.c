/*
 * serial.c - 16550 serial lines: ttyS0 to ttyS3 at the four ISA addresses, with interrupts and
 * FIFOs.
 *
 * Received bytes go to the terminal from the interrupt. Output waits in a ring that the
 * transmitter's interrupt empties, 16 bytes a time; a writer fills the FIFO itself when the line is
 * idle. The machine's early log on the first port is taken over. Spec: National Semiconductor
 * PC16550D, register and FIFO descriptions.
 */
#include <arch/io.h>
#include <arch/irq.h>
#include <dev.h>
#include <error.h>
#include <log.h>
#include <printf.h>
#include <spinlock.h>
#include <tty.h>

enum {
	RBR = 0,
	THR = 0,
	IER = 1,
	IIR = 2,
	FCR = 2,
	LCR = 3,
	MCR = 4,
	LSR = 5,
	MSR = 6,
	SCR = 7,
	DLL = 0,
	DLM = 1
};
enum { IER_RX = 1, IER_TX = 2, IER_LINE = 4 };
enum { LSR_READY = 1, LSR_OVERRUN = 2, LSR_BREAK = 16, LSR_THRE = 32 };
enum {
	LCR_DLAB = 0x80,
	LCR_BREAK = 0x40,
	MCR_DTR = 1,
	MCR_RTS = 2,
	MCR_OUT2 = 8,
	FCR_ENABLE = 1,
	FCR_CLEAR = 6,
	FCR_TRIGGER_8 = 0x80
};
#define FIFO_BYTES 16u
#define RING_BYTES 4096u
#define BASE_BAUD  115200u

/* Key: [l] ->lock  [c] constant */
struct line {
	uint16_t base;            /* [c] */
	uint8_t irq;              /* [c] */
	char name[8];             /* [c] the interrupt keeps it too */
	struct tty *tty;          /* [c] */
	struct spinlock lock;     /* irq-save, leaf but for wake-ups made after it */
	uint8_t ring[RING_BYTES]; /* [l] */
	uint32_t head, tail;      /* [l] free-running */
	bool tx_on;               /* [l] the transmitter's interrupt is enabled */
};
static struct line lines[] = {{.base = 0x3f8, .irq = 4}, {.base = 0x2f8, .irq = 3},
	{.base = 0x3e8, .irq = 4}, {.base = 0x2e8, .irq = 3}};

static uint8_t in(const struct line *l, unsigned reg)
{
	return inb((uint16_t)(l->base + reg));
}
static void out(const struct line *l, unsigned reg, uint8_t v)
{
	outb((uint16_t)(l->base + reg), v);
}

/* Move bytes to the transmitter while it is empty. */
static void transmit_locked(struct line *l)
{
	unsigned n;

	while (l->head != l->tail && in(l, LSR) & LSR_THRE)
		for (n = 0; n < FIFO_BYTES && l->head != l->tail; n++)
			out(l, THR, l->ring[l->tail++ % RING_BYTES]);
	if (l->tx_on != (l->head != l->tail)) {
		l->tx_on = !l->tx_on;
		out(l, IER, IER_RX | IER_LINE | (l->tx_on ? IER_TX : 0));
	}
}

static size_t line_write(struct tty *t, const uint8_t *s, size_t n)
{
	struct line *l = tty_driver_data(t);
	unsigned long f = spin_lock_irq(&l->lock);
	size_t i;

	for (i = 0; i < n && l->head - l->tail < RING_BYTES; i++)
		l->ring[l->head++ % RING_BYTES] = s[i];
	transmit_locked(l);
	spin_unlock_irq(&l->lock, f);
	return i;
}

static size_t line_room(struct tty *t)
{
	struct line *l = tty_driver_data(t);

	return RING_BYTES - (READ_ONCE(l->head) - READ_ONCE(l->tail));
}

static void line_break(struct tty *t, bool on)
{
	struct line *l = tty_driver_data(t);

	out(l, LCR, (uint8_t)((in(l, LCR) & ~LCR_BREAK) | (on ? LCR_BREAK : 0)));
}

static void line_set_termios(struct tty *t, const struct termios *old)
{
	const struct termios *m = tty_termios(t);
	struct line *l = tty_driver_data(t);
	uint32_t baud = m->c_ospeed ? m->c_ospeed : 9600;
	uint32_t divisor = baud < BASE_BAUD ? BASE_BAUD / baud : 1;
	uint8_t lcr = (uint8_t)((m->c_cflag & CSIZE) >> 4);
	unsigned long f;

	if (old && m->c_cflag == old->c_cflag && m->c_ospeed == old->c_ospeed)
		return;
	lcr |= (m->c_cflag & CSTOPB ? 4 : 0) | (m->c_cflag & PARENB ? 8 : 0) |
	       (m->c_cflag & PARENB && !(m->c_cflag & PARODD) ? 16 : 0);
	f = spin_lock_irq(&l->lock);
	out(l, LCR, lcr | LCR_DLAB);
	out(l, DLL, (uint8_t)divisor);
	out(l, DLM, (uint8_t)(divisor >> 8));
	out(l, LCR, lcr);
	spin_unlock_irq(&l->lock, f);
}

static const struct tty_driver_ops line_ops = {.write = line_write,
	.write_room = line_room,
	.set_termios = line_set_termios,
	.brk = line_break};

static void line_interrupt(void *arg)
{
	struct line *l = arg;
	unsigned long f = spin_lock_irq(&l->lock);
	unsigned budget = 256;
	uint8_t buf[64], lsr;
	unsigned n = 0, breaks = 0;
	bool had_output = l->head != l->tail;

	while (!(in(l, IIR) & 1) && budget) {
		while ((lsr = in(l, LSR)) & (LSR_READY | LSR_BREAK) && n < sizeof(buf) &&
			budget--) {
			uint8_t c = in(l, RBR);

			if (lsr & LSR_BREAK)
				breaks++;
			else
				buf[n++] = c;
		}
		transmit_locked(l);
		if (n == sizeof(buf) || !budget) {
			spin_unlock_irq(&l->lock, f);
			tty_input(l->tty, buf, n);
			f = spin_lock_irq(&l->lock);
			n = 0;
		}
		in(l, MSR);
	}
	transmit_locked(l);
	spin_unlock_irq(&l->lock, f);
	if (n)
		tty_input(l->tty, buf, n);
	while (breaks--)
		tty_input_break(l->tty);
	if (had_output && line_room(l->tty) > RING_BYTES / 2)
		tty_write_wakeup(l->tty);
}

/* The scratch register keeps what is written if a chip is there. */
static bool line_is_there(const struct line *l)
{
	out(l, SCR, 0x5a);
	if (in(l, SCR) != 0x5a)
		return false;
	out(l, SCR, 0xa5);
	return in(l, SCR) == 0xa5;
}

static int line_start(struct line *l, unsigned n)
{
	int err;

	spin_init(&l->lock);
	snprintf(l->name, sizeof(l->name), "ttyS%u", n);
	err = tty_register(l->name, MKDEV(4, 64 + n), &line_ops, l, &l->tty);
	if (err)
		return err;
	out(l, LCR, LCR_DLAB);
	out(l, DLL, 1);
	out(l, DLM, 0);
	out(l, LCR, 3);
	out(l, FCR, FCR_ENABLE | FCR_CLEAR | FCR_TRIGGER_8);
	out(l, MCR, MCR_DTR | MCR_RTS | MCR_OUT2);
	err = irq_request_isa(l->irq, line_interrupt, l, l->name);
	if (err < 0)
		return err;
	out(l, IER, IER_RX | IER_LINE);
	tty_offer_console(l->tty);
	log_info("%s: 16550 at port %x, interrupt %u", l->name, l->base, l->irq);
	return 0;
}

int serial_init(void)
{
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		int err = line_is_there(&lines[i]) ? line_start(&lines[i], i) : 0;

		if (err)
			log_err("ttyS%u: cannot be used: error %d", i, -err);
	}
	return 0;
}
