/*
 * i8042.c - the PC's keyboard controller: its first port, which a keyboard is on.
 *
 * The controller translates to scan code set 1. All waits at start have limits, so a machine
 * without it costs a few milliseconds at most. Later commands (lights) go out one byte for each
 * acknowledgement. Does not: the second port (mouse). Spec: IBM PS/2 Hardware Interface Technical
 * Reference, keyboard and auxiliary device controller; keyboard commands.
 */
#include "ps2.h"
#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/io.h>
#include <arch/irq.h>
#include <error.h>
#include <log.h>
#include <spinlock.h>
#include <time.h>

enum { DATA = 0x60, STATUS = 0x64, COMMAND = 0x64 };
enum { ST_OUTPUT = 1, ST_INPUT = 2, ST_AUX = 0x20 };
enum {
	C_READ_CONFIG = 0x20,
	C_WRITE_CONFIG = 0x60,
	C_AUX_OFF = 0xa7,
	C_SELF_TEST = 0xaa,
	C_OFF = 0xad,
	C_ON = 0xae
};
enum { CONF_IRQ1 = 1, CONF_IRQ12 = 2, CONF_OFF = 0x10, CONF_AUX_OFF = 0x20, CONF_TRANSLATE = 0x40 };
enum {
	KBD_ENABLE = 0xf4,
	KBD_DEFAULTS = 0xf6,
	KBD_ACK = 0xfa,
	KBD_RESEND = 0xfe,
	SELF_TEST_GOOD = 0x55
};
#define WAIT_NS           (50 * NSEC_PER_MSEC)
#define QUEUE             16u
#define MAX_BYTES_PER_IRQ 16u

static struct spinlock lock = SPINLOCK_INIT("i8042"); /* irq-save, leaf */
static uint8_t queue[QUEUE];       /* [lock] commands; the one at tail is being acknowledged */
static unsigned head, tail, tries; /* [lock] free-running */
static void (*deliver)(uint8_t c);

/* Until the bits of the status are as wanted; false: they did not become so. */
static bool wait_status(uint8_t mask, uint8_t want)
{
	uint64_t end = clock_ns() + WAIT_NS;

	while ((inb(STATUS) & mask) != want) {
		if (clock_ns() > end)
			return false;
		cpu_relax();
	}
	return true;
}

static int command(uint8_t c)
{
	if (!wait_status(ST_INPUT, 0))
		return -ENODEV;
	outb(COMMAND, c);
	return 0;
}

static int write_data(uint8_t c)
{
	if (!wait_status(ST_INPUT, 0))
		return -ENODEV;
	outb(DATA, c);
	return 0;
}

static int read_data(void)
{
	return wait_status(ST_OUTPUT, ST_OUTPUT) ? inb(DATA) : -ENODEV;
}

static void drain(void)
{
	unsigned i;

	for (i = 0; i < 32 && inb(STATUS) & ST_OUTPUT; i++)
		(void)inb(DATA);
}

/* ---- the keyboard's commands ---- */

static void send_next_locked(void)
{
	unsigned spin;

	if (head == tail)
		return;
	for (spin = 0; spin < 10000 && inb(STATUS) & ST_INPUT; spin++)
		cpu_relax();
	outb(DATA, queue[tail % QUEUE]);
}

void i8042_send(const uint8_t *s, unsigned n)
{
	unsigned long f = spin_lock_irq(&lock);
	bool idle = head == tail;

	if (deliver && head - tail + n <= QUEUE)
		while (n--)
			queue[head++ % QUEUE] = *s++;
	else if (deliver)
		head = tail; /* it has stopped answering: forget what it owes */
	if (idle)
		send_next_locked();
	spin_unlock_irq(&lock, f);
}

/* True: @c was an answer to a command. */
static bool answer_locked(uint8_t c)
{
	if ((c != KBD_ACK && c != KBD_RESEND) || head == tail)
		return false;
	if (c == KBD_ACK || ++tries > 3) {
		tail++;
		tries = 0;
	}
	send_next_locked();
	return true;
}

static void interrupt(void *arg)
{
	unsigned n;

	(void)arg;
	for (n = 0; n < MAX_BYTES_PER_IRQ; n++) {
		unsigned long f = spin_lock_irq(&lock);
		uint8_t status = inb(STATUS), c = 0;
		bool is_key = false;

		if (status & ST_OUTPUT) {
			c = inb(DATA);
			is_key = !(status & ST_AUX) && !answer_locked(c);
		}
		spin_unlock_irq(&lock, f);
		if (!(status & ST_OUTPUT))
			break;
		if (is_key)
			deliver(c);
	}
}

/* ---- start ---- */

static int configure(void)
{
	int config, test;

	if (inb(STATUS) == 0xff || command(C_OFF) || command(C_AUX_OFF))
		return -ENODEV;
	drain();
	if (command(C_SELF_TEST))
		return -ENODEV;
	test = read_data();
	if (test != SELF_TEST_GOOD)
		return -ENODEV;
	if (command(C_READ_CONFIG))
		return -ENODEV;
	config = read_data();
	if (config < 0)
		return config;
	config = (config | CONF_IRQ1 | CONF_AUX_OFF | CONF_TRANSLATE) & ~(CONF_IRQ12 | CONF_OFF);
	if (command(C_WRITE_CONFIG) || write_data((uint8_t)config))
		return -ENODEV;
	return command(C_ON);
}

int i8042_start(void (*byte)(uint8_t c))
{
	static const uint8_t start[] = {KBD_DEFAULTS, KBD_ENABLE};
	int err = configure();

	if (err)
		return err;
	drain();
	deliver = byte;
	err = irq_request_isa(1, interrupt, NULL, "i8042");
	if (err < 0) {
		deliver = NULL;
		return err;
	}
	i8042_send(start, sizeof(start));
	return 0;
}
