/*
 * tty_dev.c - the names that stand for another terminal: /dev/tty, /dev/tty0, /dev/console.
 *
 * /dev/console is the terminal of the last console= option that exists (serial line or virtual
 * console), as init expects.
 */
#include "tty_internal.h"
#include <arch/boot.h>
#include <dev.h>
#include <error.h>
#include <string.h>

static int current_open(struct inode *i, struct file *f)
{
	struct tty *t = tty_proc_ops ? tty_proc_ops->session_tty() : NULL;
	int err;

	(void)i;
	if (!t)
		return -ENXIO;
	err = tty_open_file(t, f);
	if (err)
		tty_put(t);
	return err;
}

static struct tty *console; /* set at boot, then constant */

void tty_offer_console(struct tty *t)
{
	char name[32];
	unsigned nth;

	if (!console)
		console = t;
	for (nth = 0; boot_option("console", nth, name, sizeof(name)); nth++) {
		size_t n = strlen(t->name);
		bool is_me = !strncmp(name, t->name, n) && (name[n] == '\0' || name[n] == ',');

		/* tty0 is the virtual console in front: the first one at boot. */
		if (is_me || (!strcmp(name, "tty0") && !strcmp(t->name, "tty1")))
			console = t;
	}
}

int tty_console_current(struct tty **out)
{
	if (!console)
		return -ENXIO;
	*out = tty_get(console);
	return 0;
}

static int console_open(struct inode *i, struct file *f)
{
	struct tty *t;
	int err = tty_console_current(&t);

	(void)i;
	if (err)
		return err;
	f->flags |= O_NOCTTY; /* opening the console never makes it controlling */
	err = tty_open_file(t, f);
	if (err)
		tty_put(t);
	return err;
}

static struct tty *(*front_console)(void); /* set at boot, then constant */

static int front_open(struct inode *i, struct file *f)
{
	struct tty *t = tty_get(front_console());
	int err = tty_open_file(t, f);

	(void)i;
	if (err)
		tty_put(t);
	return err;
}

static const struct file_ops front_fops = {.open = front_open};

int tty_register_front(struct tty *(*front)(void))
{
	front_console = front;
	return chrdev_register(MKDEV(4, 0), "tty0", 0620, &front_fops, NULL);
}

static const struct file_ops current_fops = {.open = current_open};
static const struct file_ops console_fops = {.open = console_open};

int tty_init(void)
{
	int err = chrdev_register(MKDEV(5, 0), "tty", 0666, &current_fops, NULL);

	if (!err)
		err = chrdev_register(MKDEV(5, 1), "console", 0600, &console_fops, NULL);
	return err ? err : pty_init();
}
