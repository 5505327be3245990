/*
 * serial.c - the first serial port (COM1, 115200 8n1) as log console from the first line on.
 * Polled, output only.
 *
 * Does not: the tty on the port (drivers/), which takes over with
 * log_console_unregister(early_serial_console()).
 */
#include <arch/io.h>
#include <arch/init.h>
#include <log.h>
#include "room.h"

#define COM1 0x3f8
enum { REG_DATA, REG_IER, REG_FCR, REG_LCR, REG_MCR, REG_LSR, REG_MSR, REG_SCRATCH };

static void put(char c)
{
	for (unsigned spin = 0; spin < 100000 && !(inb(COM1 + REG_LSR) & 0x20); spin++)
		cpu_relax();
	outb(COM1 + REG_DATA, (uint8_t)c);
}

static void serial_write(struct log_console *c, const char *s, size_t n)
{
	(void)c;
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '\n')
			put('\r');
		put(s[i]);
	}
}

static struct log_console serial_console = {.name = "com1", .write = serial_write};

struct log_console *early_serial_console(void)
{
	return &serial_console;
}

/* A port that keeps two values in its scratch register answers. */
static bool answers(void)
{
	outb(COM1 + REG_SCRATCH, 0x5a);
	if (inb(COM1 + REG_SCRATCH) != 0x5a)
		return false;
	outb(COM1 + REG_SCRATCH, 0xa5);
	return inb(COM1 + REG_SCRATCH) == 0xa5;
}

void early_serial_init(void)
{
	if (!answers())
		return;
	outb(COM1 + REG_IER, 0);
	outb(COM1 + REG_LCR, 0x80);
	outb(COM1 + REG_DATA, 1);
	outb(COM1 + REG_IER, 0);
	outb(COM1 + REG_LCR, 3);
	outb(COM1 + REG_FCR, 7);
	outb(COM1 + REG_MCR, 3);
	log_console_register(&serial_console);
}
