/*
 * tty.h - terminals: line discipline over a driver (serial, virtual console, pty).
 *
 * struct termios has Linux's kernel layout (asserted in compat/abi), its constants are POSIX's with
 * Linux's values.
 */
#pragma once
#include <file.h>
#include <termios.h>
#include <wait.h>

struct tty;
struct tty_driver_ops {
	/* Bytes for the terminal, processed; returns how many were taken (0: full). May be called
	 * under tty locks; must not sleep. */
	size_t (*write)(struct tty *t, const uint8_t *s, size_t n);
	size_t (*write_room)(struct tty *t);
	void (*set_termios)(struct tty *t, const struct termios *old);
	void (*throttle)(struct tty *t, bool stop);
	int (*open)(struct tty *t);
	void (*close)(struct tty *t); /* last close */
	void (*hangup)(struct tty *t);
	void (*resize)(struct tty *t);
	long (*ioctl)(struct tty *t, unsigned cmd, void *arg); /* -ENOTTY: not mine */
	void (*brk)(struct tty *t, bool on);
	/* Its input or output was thrown away, or both: drop what the driver still has of it. Must
	 * not sleep. */
	void (*flush)(struct tty *t, bool input, bool output);
	uint32_t iflag; /* c_iflag that this kind of terminal has at first, besides the usual */
	uint32_t cflag_without; /* c_cflag that it has not */
};
/* Make a terminal /dev/@name with number @dev. Never freed (consoles, serial lines). 0 or -errno.
 */
int __must_check tty_register(const char *name, dev_t dev, const struct tty_driver_ops *ops,
	void *driver, struct tty **out);
void *tty_driver_data(const struct tty *t);
const struct termios *tty_termios(const struct tty *t);
/* Driver: received bytes; any context. Signals are sent and echo is done from a work item if
 * needed. */
void tty_input(struct tty *t, const uint8_t *s, size_t n);
void tty_input_break(struct tty *t);
void tty_write_wakeup(struct tty *t); /* the driver has room again; any context */
void tty_hangup(struct tty *t); /* carrier lost, vhangup: SIGHUP to the session, reads give 0 */
void tty_set_winsize(struct tty *t, const struct winsize *ws); /* SIGWINCH if changed */
struct tty *tty_get(struct tty *t);
void tty_put(struct tty *t);
dev_t tty_dev(const struct tty *t);
pid_t tty_foreground_pgrp(const struct tty *t); /* 0: none */
/* proc calls these under the tasklist lock-free part: session leader exits */
void tty_session_ends(struct tty *t, pid_t session);
/* Hooks that proc registers, so that tty need not know processes. */
struct tty_proc_ops {
	void (*signal_pgrp)(pid_t pgrp, int sig);
	/* current: session id, its tty, whether leader, its pgrp; orphaned */
	pid_t (*session)(void);
	pid_t (*pgrp)(void);
	bool (*is_leader)(void);
	struct tty *(*session_tty)(void);
	int (*set_session_tty)(struct tty *t); /* current's session; NULL to give up */
	void (*clear_session_tty)(pid_t session);
	bool (*pgrp_in_session)(pid_t pgrp, pid_t session);
	bool (*pgrp_exists)(pid_t pgrp);
	bool (*ignores)(int sig);
	bool (*pgrp_orphaned)(void);
	void (*signal_session)(pid_t session, int sig);
	void (*ctrl_alt_del)(void);
};
extern const struct tty_proc_ops *tty_proc_ops;
/* Driver, once at boot for each terminal: it may become /dev/console (the last console= option that
 * exists). */
void tty_offer_console(struct tty *t);
/* Driver, once: /dev/tty0 is the virtual console that @front returns. 0 or -errno. */
int __must_check tty_register_front(struct tty *(*front)(void));
int tty_init(void);     /* boot: /dev/tty, console, ptmx, devpts */
int console_init(void); /* framebuffer or VGA text console, tty1.., keyboard */
int serial_init(void);
/* ioctl numbers the tty room understands, Linux's values; argument kinds in compat's table. */
enum tty_ioctl {
	TCGETS = 0x5401,
	TCSETS,
	TCSETSW,
	TCSETSF,
	TCGETA,
	TCSETA,
	TCSETAW,
	TCSETAF,
	TCSBRK,
	TCXONC,
	TCFLSH,
	TIOCEXCL,
	TIOCNXCL,
	TIOCSCTTY,
	TIOCGPGRP,
	TIOCSPGRP,
	TIOCOUTQ,
	TIOCSTI,
	TIOCGWINSZ,
	TIOCSWINSZ,
	TIOCMGET,
	TIOCMBIS,
	TIOCMBIC,
	TIOCMSET,
	TIOCGSOFTCAR,
	TIOCSSOFTCAR,
	FIONREAD,
	TIOCLINUX,
	TIOCCONS,
	TIOCGSERIAL,
	TIOCSSERIAL,
	TIOCPKT,
	FIONBIO,
	TIOCNOTTY,
	TIOCSETD,
	TIOCGETD,
	TCSBRKP,
	TIOCSBRK = 0x5427,
	TIOCCBRK = 0x5428,
	TIOCGSID = 0x5429,
	TIOCGPTN = 0x80045430,
	TIOCSPTLCK = 0x40045431,
	TIOCGDEV = 0x80045432,
	TCGETS2 = 0x802c542a,
	TCSETS2 = 0x402c542b,
	TCSETSW2 = 0x402c542c,
	TCSETSF2 = 0x402c542d,
	TIOCGPTPEER = 0x5441,
	TIOCVHANGUP = 0x5437,
	TIOCGPTLCK = 0x80045439,
	TIOCGEXCL = 0x80045440,
	TIOCGLCKTRMIOS = 0x5456,
	TIOCSLCKTRMIOS = 0x5457,
	KDGKBTYPE = 0x4b33,
	KDGETMODE = 0x4b3b,
	KDSETMODE = 0x4b3a,
	KDGKBMODE = 0x4b44,
	KDSKBMODE = 0x4b45,
	KDGKBENT = 0x4b46,
	KDSKBENT = 0x4b47,
	KDGETLED = 0x4b31,
	KDSETLED = 0x4b32,
	KIOCSOUND = 0x4b2f,
	KDMKTONE = 0x4b30,
	VT_OPENQRY = 0x5600,
	VT_GETMODE,
	VT_SETMODE,
	VT_GETSTATE,
	VT_SENDSIG,
	VT_RELDISP,
	VT_ACTIVATE,
	VT_WAITACTIVE,
	VT_DISALLOCATE
};
/* devpts: an instance file system "devpts"; the slave's node appears in every mount of it. */
