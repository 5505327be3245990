/*
 * console.c - the virtual terminals tty1 to tty6: the screen, the keys and the kernel's log meet
 * here.
 *
 * Theory. Each terminal has an emulator (vt.c) with its cells, made when it is first opened or
 * brought to the front. Writing changes cells under console_lock and asks for a redraw; a delayed
 * work item copies row after row of the terminal in front out of the lock and hands it to the
 * display, which draws what differs from what it shows. So a flood of output costs cells, not
 * pixels: the screen follows FRAME_NS behind. Only the work item, and a panic, draw.
 *
 * The log is written to tty1, from any context, run queue lock held or not: that touches cells
 * alone, and the redraw is asked for by a wait entry on the log's own queue, which is woken when
 * that is safe. After a panic each line is drawn at once. Without a screen the terminals work all
 * the same, of 80x25 cells, and the log is not written to them.
 *
 * Memory: a terminal begins with two screens of cells in single pages; the redraw adds history,
 * page by page, to the one in front. Locks: console_lock is a leaf, irq-save. draw_lock (mutex)
 * makes drawing one at a time; it is taken first.
 */
#include "display.h"
#include "vts.h"
#include <arch/boot.h>
#include <console.h>
#include <debug.h>
#include <dev.h>
#include <error.h>
#include <log.h>
#include <mutex.h>
#include <page.h>
#include <printf.h>
#include <slab.h>
#include <string.h>
#include <task.h>
#include <termios.h>
#include <time.h>
#include <wait.h>
#include <workqueue.h>

#define FRAME_NS       (16 * NSEC_PER_MSEC)
#define GROW_PAGES     64u /* of history for each redraw */
#define LINE_BYTES     (screen_cols * sizeof(struct vt_cell))
#define LINES_PER_PAGE (PAGE_SIZE / LINE_BYTES)

struct console consoles[NR_CONSOLES];
struct spinlock console_lock = SPINLOCK_INIT("console");
unsigned console_front;
const struct keyboard_ops *console_keyboard;

static const struct display *display; /* NULL: no screen */
static unsigned screen_cols = 80, screen_rows = 25;
static struct mutex draw_lock;
static struct delayed_work redraw_work;
static struct work switch_work;
static uint32_t redraw_queued, forget_pending, log_pending;
static unsigned wanted_front; /* what switch_work shall bring */
static struct wait_queue front_wait = WAIT_QUEUE_INIT(front_wait);

/* ---- memory ---- */

/* Lines of cells in whole pages: their pointers to @lines. The first line of each page is aligned
 * to it, which is how they are freed. */
static int alloc_lines(struct vt_cell **lines, unsigned n)
{
	unsigned i, k;

	for (i = 0; i < n; i += k) {
		struct page *p = page_alloc(0, GFP_ZERO);
		uint8_t *at;

		if (!p) {
			while (i--)
				if (IS_ALIGNED((uintptr_t)lines[i], PAGE_SIZE))
					page_free(virt_to_page(lines[i]), 0);
			return -ENOMEM;
		}
		at = page_address(p);
		for (k = 0; k < LINES_PER_PAGE && i + k < n; k++)
			lines[i + k] = (struct vt_cell *)(at + k * LINE_BYTES);
	}
	return 0;
}

static void free_lines(struct vt_cell *const *lines, unsigned n)
{
	while (n--)
		if (IS_ALIGNED((uintptr_t)lines[n], PAGE_SIZE))
			page_free(virt_to_page(lines[n]), 0);
}

static void free_vt(struct vt *vt)
{
	free_lines(vt->lines, vt->total);
	free_lines(vt->alt, vt->rows);
	kfree(vt);
}

int console_use(struct console *c)
{
	struct vt_cell **lines;
	struct vt *vt;
	unsigned long f;

	if (READ_ONCE(c->vt))
		return 0;
	vt = kzalloc(sizeof(*vt));
	lines = kcalloc((size_t)2 * screen_rows, sizeof(*lines));
	if (!vt || !lines || alloc_lines(lines, 2 * screen_rows)) {
		kfree(lines);
		kfree(vt);
		return -ENOMEM;
	}
	vt_init(vt, screen_cols, screen_rows, lines);
	kfree(lines);
	f = spin_lock_irq(&console_lock);
	if (!c->vt) {
		c->kbmode = KB_UNICODE;
		c->vt = vt;
		vt = NULL;
	}
	spin_unlock_irq(&console_lock, f);
	if (vt) /* another was faster */
		free_vt(vt);
	return 0;
}

int console_free(struct console *c)
{
	unsigned long f = spin_lock_irq(&console_lock);
	struct vt *vt = c->vt;
	bool busy = c->is_open || c == &consoles[console_front] || c == &consoles[0];

	if (!busy)
		c->vt = NULL;
	spin_unlock_irq(&console_lock, f);
	if (vt && !busy)
		free_vt(vt);
	return busy ? -EBUSY : 0;
}

/* More history for @c, so that what scrolls away before the next redraw is kept. */
static void grow(struct console *c)
{
	struct vt_cell *lines[8];
	unsigned pages, n = MIN((unsigned)LINES_PER_PAGE, (unsigned)ARRAY_SIZE(lines)), took = n;
	unsigned long f;

	for (pages = 0; took == n && pages < GROW_PAGES; pages++) {
		if (alloc_lines(lines, n))
			return;
		f = spin_lock_irq(&console_lock);
		took = c->vt && vt_wants_lines(c->vt) ? vt_grow(c->vt, lines, n) : 0;
		spin_unlock_irq(&console_lock, f);
		if (!took)
			free_lines(lines, n); /* a page taken in part is in use */
	}
}

/* ---- drawing ---- */

static void draw_screen(void)
{
	static struct vt_cell row[VT_MAX_COLS]; /* draw_lock */
	struct console *c;
	unsigned long f;
	unsigned y;

	for (y = 0; y < screen_rows; y++) {
		f = spin_lock_irq(&console_lock);
		c = &consoles[console_front];
		if (!c->vt || (c->graphics && !panicking)) {
			spin_unlock_irq(&console_lock, f);
			return;
		}
		if (!y)
			c->vt->changed = false;
		vt_view_row(c->vt, y, row);
		spin_unlock_irq(&console_lock, f);
		display->draw(y, row);
	}
}

static void redraw(struct work *w)
{
	struct console *c;
	unsigned long f;
	bool grows;

	(void)w;
	__atomic_store_n(
		&redraw_queued, 0, __ATOMIC_SEQ_CST); /* from here on, a change asks for another */
	mutex_lock(&draw_lock);
	if (__atomic_exchange_n(&forget_pending, 0, __ATOMIC_SEQ_CST))
		display->forget();
	draw_screen();
	f = spin_lock_irq(&console_lock);
	c = &consoles[console_front];
	grows = c->vt && vt_wants_lines(c->vt);
	spin_unlock_irq(&console_lock, f);
	if (grows)
		grow(c);
	mutex_unlock(&draw_lock);
}

void console_redraw(bool forget)
{
	if (!display)
		return;
	if (forget)
		__atomic_store_n(&forget_pending, 1, __ATOMIC_SEQ_CST);
	if (!READ_ONCE(redraw_queued) && !__atomic_exchange_n(&redraw_queued, 1, __ATOMIC_SEQ_CST))
		delayed_work_queue(&redraw_work, FRAME_NS);
}

/* ---- the log ---- */

static void log_at_panic(const char *s, size_t n)
{
	static unsigned depth;
	unsigned tries = 1000000, y;
	static struct vt_cell row[VT_MAX_COLS];

	while (!spin_trylock(&console_lock) && --tries)
		cpu_relax(); /* its holder may be stopped for good: go on without it */
	if (depth++)
		return; /* drawing itself failed */
	console_front = 0;
	consoles[0].vt->view = 0;
	vt_write_log(consoles[0].vt, s, n);
	for (y = 0; y < screen_rows; y++) {
		vt_view_row(consoles[0].vt, y, row);
		display->draw(y, row);
	}
	depth--;
	if (tries)
		spin_unlock(&console_lock);
}

static void log_write(struct log_console *lc, const char *s, size_t n)
{
	unsigned long f;

	(void)lc;
	if (panicking) {
		f = irq_save();
		log_at_panic(s, n);
		irq_restore(f);
		return;
	}
	f = spin_lock_irq(&console_lock);
	vt_write_log(consoles[0].vt, s, n);
	spin_unlock_irq(&console_lock, f);
	WRITE_ONCE(log_pending, 1);
}

/* The log wakes its readers when no lock can be in the way. */
static int log_came(struct wait_entry *we, unsigned key)
{
	(void)we, (void)key;
	if (READ_ONCE(log_pending)) {
		WRITE_ONCE(log_pending, 0);
		console_redraw(false);
	}
	return 0;
}

static struct log_console screen_log = {.name = "tty1", .write = log_write};
static struct wait_entry log_entry = {.node = LIST_INIT(log_entry.node), .wake = log_came};

/* console= options, when there are any, choose where the log goes. */
static bool option_names_screen(void)
{
	char name[16];
	unsigned nth;

	for (nth = 0; boot_option("console", nth, name, sizeof(name)); nth++)
		if (!strncmp(name, "tty", 3) && name[3] >= '0' && name[3] <= '9')
			return true;
	return nth == 0;
}

/* ---- the terminals' driver ---- */

static size_t con_write(struct tty *t, const uint8_t *s, size_t n)
{
	struct console *c = tty_driver_data(t);
	char reply[VT_REPLY];
	unsigned long f;
	size_t reply_len = 0;
	bool seen = false;

	f = spin_lock_irq(&console_lock);
	if (c->vt) {
		vt_write(c->vt, s, n);
		reply_len = c->vt->reply_len;
		memcpy(reply, c->vt->reply, reply_len);
		c->vt->reply_len = 0;
		seen = c == &consoles[console_front];
	}
	spin_unlock_irq(&console_lock, f);
	if (reply_len)
		tty_input(t, (const uint8_t *)reply, reply_len);
	if (seen)
		console_redraw(false);
	return n;
}

static size_t con_room(struct tty *t)
{
	(void)t;
	return 4096; /* cells take everything */
}

static int con_open(struct tty *t)
{
	struct console *c = tty_driver_data(t);
	unsigned long f;
	int err;

	do { /* VT_DISALLOCATE may come between */
		err = console_use(c);
		f = spin_lock_irq(&console_lock);
		c->is_open = c->vt != NULL;
		spin_unlock_irq(&console_lock, f);
	} while (!err && !c->is_open);
	return err;
}

static void con_close(struct tty *t)
{
	struct console *c = tty_driver_data(t);
	unsigned long f = spin_lock_irq(&console_lock);
	bool was_graphics = c->graphics;

	c->is_open = c->graphics = false;
	c->kbmode = KB_UNICODE;
	spin_unlock_irq(&console_lock, f);
	if (was_graphics)
		console_redraw(true);
}

static const struct tty_driver_ops con_ops = {
	.write = con_write,
	.write_room = con_room,
	.open = con_open,
	.close = con_close,
	.ioctl = console_ioctl,
	.iflag = IUTF8,
};

/* ---- which one is in front ---- */

int console_bring_to_front(unsigned index)
{
	unsigned long f;
	int err;

	do {
		err = console_use(&consoles[index]);
		if (err)
			return err;
		f = spin_lock_irq(&console_lock);
		if (consoles[index].vt)
			console_front = index;
		spin_unlock_irq(&console_lock, f);
	} while (READ_ONCE(console_front) != index && !READ_ONCE(consoles[index].vt));
	wake_up_all(&front_wait);
	console_redraw(false);
	if (console_keyboard)
		console_keyboard->set_leds(8);
	return 0;
}

int console_wait_front(unsigned index)
{
	return wait_event_interruptible(&front_wait, READ_ONCE(console_front) == index);
}

static void switch_now(struct work *w)
{
	unsigned index = READ_ONCE(wanted_front);
	int err = console_bring_to_front(index);

	(void)w;
	if (err)
		log_ratelimited(LOG_WARNING, "tty%u: cannot be shown: error %d", index + 1, -err);
}

static struct tty *front_tty(void)
{
	return consoles[READ_ONCE(console_front)].tty;
}

/* ---- for the keyboard ---- */

void console_switch(unsigned n)
{
	if (n < 1 || n > NR_CONSOLES)
		return;
	WRITE_ONCE(wanted_front, n - 1);
	(void)work_queue(&switch_work);
}

void console_switch_by(int step)
{
	unsigned i = READ_ONCE(console_front), tried;

	for (tried = 1; tried < NR_CONSOLES; tried++) {
		i = (i + NR_CONSOLES + (unsigned)step) % NR_CONSOLES;
		if (READ_ONCE(consoles[i].vt)) {
			console_switch(i + 1);
			return;
		}
	}
}

void console_scroll(int pages)
{
	unsigned long f = spin_lock_irq(&console_lock);

	if (consoles[console_front].vt)
		vt_scroll_view(consoles[console_front].vt, pages * (int)(screen_rows / 2));
	spin_unlock_irq(&console_lock, f);
	console_redraw(false);
}

struct console_modes console_modes(void)
{
	unsigned long f = spin_lock_irq(&console_lock);
	const struct console *c = &consoles[console_front];
	struct console_modes m = {.kbmode = c->kbmode};

	if (c->vt)
		m = (struct console_modes){
			c->kbmode, c->vt->app_cursor, c->vt->app_keypad, c->vt->newline};
	spin_unlock_irq(&console_lock, f);
	return m;
}

void console_input(const uint8_t *s, size_t n)
{
	unsigned long f = spin_lock_irq(&console_lock);
	struct console *c = &consoles[console_front];
	bool was_back = c->vt && c->vt->view;

	if (was_back)
		vt_scroll_view(c->vt, -(int)c->vt->view);
	spin_unlock_irq(&console_lock, f);
	if (was_back)
		console_redraw(false);
	tty_input(c->tty, s, n);
}

void console_set_keyboard(const struct keyboard_ops *ops)
{
	console_keyboard = ops;
}

/* ---- boot ---- */

static int register_terminals(void)
{
	struct winsize ws = {(uint16_t)screen_rows, (uint16_t)screen_cols, 0, 0};
	unsigned i;
	int err = tty_register_front(front_tty);

	if (display) {
		ws.ws_xpixel = (uint16_t)display->xpixels;
		ws.ws_ypixel = (uint16_t)display->ypixels;
	}
	for (i = 0; i < NR_CONSOLES && !err; i++) {
		char name[8];

		snprintf(name, sizeof(name), "tty%u", i + 1);
		consoles[i].kbmode = KB_UNICODE;
		err = tty_register(name, MKDEV(4, i + 1), &con_ops, &consoles[i], &consoles[i].tty);
		if (!err)
			tty_set_winsize(consoles[i].tty, &ws);
	}
	return err;
}

static int start_log(void)
{
	int err;

	if (!display || !option_names_screen())
		return 0;
	err = console_use(&consoles[0]);
	if (err)
		return err;
	wait_queue_add(log_wait_queue(), &log_entry);
	log_console_register(&screen_log);
	console_redraw(false);
	return 0;
}

/* A terminal that nobody can see is /dev/console only if there is no serial line either that the
 * options name. */
static bool may_be_console(void)
{
	char name[16];
	unsigned nth;

	for (nth = 0; !display && boot_option("console", nth, name, sizeof(name)); nth++)
		if (!strncmp(name, "ttyS", 4))
			return false;
	return true;
}

int console_init(void)
{
	int err;

	mutex_init(&draw_lock);
	delayed_work_init(&redraw_work, redraw);
	work_init(&switch_work, switch_now);
	display = fbcon_init();
	if (!display)
		display = vgatext_init();
	if (display) {
		screen_cols = display->cols;
		screen_rows = display->rows;
	}
	err = register_terminals();
	if (err)
		return err;
	if (may_be_console())
		tty_offer_console(consoles[0].tty);
	err = start_log();
	return err ? err : keyboard_init();
}
