/*
 * tty_test.c - pseudo terminals: modes, line editing, signals, window size, hangup, job control.
 */
#include "abi.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

static int master, slave;
static char slave_name[32];

/* Opens a pair; nobody's controlling terminal yet. */
static void open_pair(void)
{
	int number = -1, unlock = 0;

	master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (master < 0 || ioctl(master, TIOCSPTLCK, &unlock) < 0 ||
		ioctl(master, TIOCGPTN, &number) < 0)
		say("ptmx: %s", errno_name(errno));
	snprintf(slave_name, sizeof(slave_name), "/dev/pts/%d", number);
	slave = open(slave_name, O_RDWR | O_NOCTTY);
	if (slave < 0)
		say("slave: %s", errno_name(errno));
}

static void show_modes(const char *what, int fd)
{
	struct termios t;
	char text[128] = "";

	if (tcgetattr(fd, &t) < 0) {
		say("%s: %s", what, errno_name(errno));
		return;
	}
	say("%s: iflag %o oflag %o cflag %o lflag %o", what, t.c_iflag, t.c_oflag, t.c_cflag,
		t.c_lflag);
	for (int i = 0; i < 17; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " %d", t.c_cc[i]);
	say("%s: cc%s", what, text);
	say("%s: speeds %o %o", what, cfgetispeed(&t), cfgetospeed(&t));
}

static void change(int fd, unsigned off, unsigned on)
{
	struct termios t;

	tcgetattr(fd, &t);
	t.c_lflag = (t.c_lflag & ~off) | on;
	tcsetattr(fd, TCSANOW, &t);
}

/* What waits to be read, without waiting long. */
static void drain(const char *what, int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char text[512];
	ssize_t n;

	if (poll(&p, 1, 300) <= 0 || !(p.revents & POLLIN)) {
		say("%s: nothing, events %#x", what, p.revents);
		return;
	}
	pause_ms(20);
	n = read(fd, text, sizeof(text));
	if (n < 0)
		say("%s: %s", what, errno_name(errno));
	else
		show_bytes(what, text, n);
}

static void type(const char *text)
{
	if (write(master, text, strlen(text)) != (ssize_t)strlen(text))
		say("type: %s", errno_name(errno));
}

CASE(defaults)
{
	struct winsize size = {1, 2, 3, 4};
	struct stat st;

	open_pair();
	show_modes("slave", slave);
	show_modes("master", master);
	T(isatty(slave));
	T(isatty(master));
	R(ioctl(slave, TIOCGWINSZ, &size));
	say("%d %d", size.ws_row, size.ws_col);
	fstat(slave, &st);
	OCT(st.st_mode & S_IFMT);
	T(st.st_rdev >> 8 == 136);
	stat("/dev/ptmx", &st);
	HEX(st.st_rdev);
	stat("/dev/tty", &st);
	HEX(st.st_rdev);
	R(open("/dev/tty", O_RDWR));
	R(lseek(slave, 0, SEEK_SET));
	R(pread(slave, &st, 1, 0));
	R(ftruncate(slave, 0));
	R(fsync(slave));
}

CASE(locked_until_unlocked)
{
	int lock = -1, number, m = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	char name[32];

	R(ioctl(m, TIOCGPTLCK, &lock));
	V(lock);
	ioctl(m, TIOCGPTN, &number);
	snprintf(name, sizeof(name), "/dev/pts/%d", number);
	R(open(name, O_RDWR | O_NOCTTY));
	R(read(m, name, 0));
	lock = 0;
	R(ioctl(m, TIOCSPTLCK, &lock));
	R(open(name, O_RDWR | O_NOCTTY));
	R(ioctl(4, TIOCGPTN, &number));
	R(sc(ioctl, m, 0x5441, O_RDWR | O_NOCTTY));
	close(m);
	R(access(name, F_OK));
	R(open("/dev/pts/99999", O_RDWR));
	R(open("/dev/pts", O_RDONLY | O_DIRECTORY) >= 0);
}

/* What openpty(3) of glibc asks for: the slave's file is the one that has the name. */
CASE(peer_is_the_named_file)
{
	struct stat by_fd, by_name;
	char link[64] = "", path[64];
	int peer;

	open_pair();
	peer = (int)sc(ioctl, master, 0x5441, O_RDWR | O_NOCTTY);
	R(fstat(peer, &by_fd));
	R(stat(slave_name, &by_name));
	V(S_ISCHR(by_fd.st_mode));
	V(by_fd.st_ino == by_name.st_ino && by_fd.st_dev == by_name.st_dev);
	V(by_fd.st_rdev == by_name.st_rdev && by_fd.st_mode == by_name.st_mode);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", peer);
	R(readlink(path, link, sizeof(link) - 1) > 0);
	V(!strcmp(link, slave_name));
	V(ttyname(peer) && !strcmp(ttyname(peer), slave_name));
	R(fcntl(peer, F_GETFL) & (O_ACCMODE | O_NOCTTY | O_NONBLOCK));
	V(fcntl(peer, F_GETFD));
	R(write(peer, "x", 1));
	R(read(master, path, 1));
	close(slave);
	close(peer);
	R(read(master, path, 1));
}

CASE(not_terminals)
{
	struct winsize size;
	struct termios t;
	int p[2], value;

	put("f", "x");
	R(open("f", O_RDWR));
	pipe(p);
	R(isatty(3));
	R(ioctl(3, TIOCGWINSZ, &size));
	R(ioctl(p[0], TIOCGWINSZ, &size));
	R(ioctl(0, TIOCGWINSZ, &size));
	R(ioctl(3, TCGETS, &t));
	R(ioctl(p[1], TCGETS, &t));
	R(ioctl(0, TCGETS, &t));
	R(ioctl(3, TIOCGPGRP, &value));
	R(ioctl(3, TIOCSCTTY, 0));
	R(ioctl(3, TIOCNOTTY, 0));
	R(ioctl(99, TIOCGWINSZ, &size));
	R(isatty(99));
	R(open(".", O_RDONLY));
	R(ioctl(6, TIOCGWINSZ, &size));
	R(tcgetpgrp(3));
}

CASE(line_editing)
{
	open_pair();
	type("hello\n");
	drain("slave", slave);
	drain("echo", master);
	type("abc\177\177xy\n");
	drain("slave", slave);
	drain("echo", master);
	type("one two three\027\n");
	drain("slave", slave);
	drain("echo", master);
	type("throw away\025kept\n");
	drain("slave", slave);
	drain("echo", master);
	type("again\022\n");
	drain("slave", slave);
	drain("echo", master);
	type("quote\026\003\026\177\n");
	drain("slave", slave);
	drain("echo", master);
	type("a\tb\177\n");
	drain("slave", slave);
	drain("echo", master);
	type("\177\177\n");
	drain("slave", slave);
	drain("echo", master);
	type("\001\033[A\n");
	drain("slave", slave);
	drain("echo", master);
	type("ret\r");
	drain("slave", slave);
	drain("echo", master);
	type("partial");
	drain("slave", slave);
	type(" rest\n");
	drain("slave", slave);
	drain("echo", master);
}

CASE(lines_one_by_one)
{
	char b[16];
	int n;

	open_pair();
	type("first\nsecond\nthird\n");
	pause_ms(50);
	R(ioctl(slave, FIONREAD, &n));
	V(n);
	R(read(slave, b, 3));
	R(read(slave, b, 16));
	show_bytes("b", b, 3);
	R(read(slave, b, 16));
	drain("slave", slave);
	drain("slave", slave);
	type("xy\004");
	drain("before the end", slave);
	type("\004");
	R(read(slave, b, 16));
	type("\004\004");
	R(read(slave, b, 16));
	R(read(slave, b, 16));
	type("after\n");
	drain("slave", slave);
	fcntl(slave, F_SETFL, O_NONBLOCK);
	R(read(slave, b, 16));
	type("no line yet");
	pause_ms(50);
	R(read(slave, b, 16));
	fcntl(master, F_SETFL, O_NONBLOCK);
	drain("echo", master);
	R(read(master, b, 16));
}

CASE(long_line)
{
	char b[6000];
	ssize_t n;

	open_pair();
	change(slave, ECHO, 0);
	memset(b, 'x', sizeof(b));
	for (int i = 0; i < 50; i++)
		write(master, b, 100);
	type("\n");
	n = read(slave, b, sizeof(b));
	V(n);
	V(b[n - 1]);
}

CASE(raw_modes)
{
	struct termios t;
	struct pollfd p;
	char b[16];
	pid_t pid;
	int n;

	open_pair();
	tcgetattr(slave, &t);
	cfmakeraw(&t);
	R(tcsetattr(slave, TCSANOW, &t));
	show_modes("raw", slave);
	type("a\003\004\r\n");
	drain("slave", slave);
	drain("echo", master);
	R(write(slave, "x\ny", 3));
	drain("output", master);
	t.c_cc[VMIN] = 0;
	t.c_cc[VTIME] = 0;
	tcsetattr(slave, TCSANOW, &t);
	R(read(slave, b, 16));
	type("ab");
	pause_ms(20);
	R(read(slave, b, 16));
	t.c_cc[VTIME] = 1;
	tcsetattr(slave, TCSANOW, &t);
	R(read(slave, b, 16));
	type("c");
	R(read(slave, b, 16));
	t.c_cc[VMIN] = 3;
	t.c_cc[VTIME] = 0;
	tcsetattr(slave, TCSANOW, &t);
	type("12");
	p = (struct pollfd){.fd = slave, .events = POLLIN};
	R(poll(&p, 1, 50));
	R(ioctl(slave, FIONREAD, &n));
	V(n);
	pid = abi_fork();
	if (!pid) {
		R(read(slave, b, 16));
		_exit(0);
	}
	wait_blocked(pid);
	type("3");
	abi_reap("reader", pid);
	t.c_cc[VMIN] = 5;
	t.c_cc[VTIME] = 1;
	tcsetattr(slave, TCSANOW, &t);
	type("45");
	R(read(slave, b, 16));
	type("6789a");
	R(read(slave, b, 4));
	drain("left", slave);
}

CASE(output_processing)
{
	struct termios t;

	open_pair();
	R(write(slave, "one\ntwo\n\ttab\n", 13));
	drain("plain", master);
	tcgetattr(slave, &t);
	t.c_oflag &= ~(unsigned)ONLCR;
	tcsetattr(slave, TCSANOW, &t);
	R(write(slave, "one\ntwo\n", 8));
	drain("no CR", master);
	t.c_oflag = OPOST | OCRNL;
	tcsetattr(slave, TCSANOW, &t);
	R(write(slave, "one\rtwo", 7));
	drain("CR to NL", master);
	t.c_oflag = OPOST | XTABS;
	tcsetattr(slave, TCSANOW, &t);
	R(write(slave, "a\tbcd\te", 7));
	drain("tabs", master);
	t.c_oflag = 0;
	t.c_iflag = IGNCR;
	tcsetattr(slave, TCSANOW, &t);
	type("a\rb\n");
	drain("CR ignored", slave);
	t.c_iflag = INLCR | IUCLC;
	t.c_lflag |= IEXTEN;
	tcsetattr(slave, TCSANOW, &t);
	type("Ab\n");
	type("\n\004");
	drain("NL to CR, lower case", slave);
	drain("echo", master);
}

CASE(echo_modes)
{
	open_pair();
	change(slave, ECHO, 0);
	type("secret\n");
	drain("slave", slave);
	drain("no echo", master);
	change(slave, 0, ECHONL);
	type("secret\n");
	drain("slave", slave);
	drain("newline only", master);
	change(slave, ECHOCTL, ECHO);
	type("a\001b\n");
	drain("slave", slave);
	drain("controls as they are", master);
	change(slave, ECHOE | ECHOK, 0);
	type("ab\177\n");
	drain("slave", slave);
	drain("erase not shown", master);
	change(slave, 0, ECHOPRT | ECHOE);
	type("abc\177\177d\n");
	drain("slave", slave);
	drain("erase printed", master);
}

CASE(settings)
{
	struct termios t, u;
	struct winsize size = {10, 20, 30, 40};

	open_pair();
	R(sc(ioctl, slave, TCGETS, BAD_PTR));
	R(sc(ioctl, slave, TCSETS, BAD_PTR));
	tcgetattr(slave, &t);
	t.c_cc[VINTR] = 'q';
	t.c_iflag = 0177777;
	R(tcsetattr(slave, TCSADRAIN, &t));
	tcgetattr(slave, &u);
	V(u.c_cc[VINTR]);
	OCT(u.c_iflag);
	type("pending\n");
	pause_ms(20);
	R(tcsetattr(slave, TCSAFLUSH, &t));
	drain("flushed", slave);
	type("more\n");
	pause_ms(20);
	R(tcflush(slave, TCIFLUSH));
	drain("flushed", slave);
	R(tcflush(slave, 77));
	R(tcdrain(slave));
	R(tcsendbreak(slave, 0));
	R(tcflow(slave, TCOOFF));
	R(tcflow(slave, TCOON));
	R(ioctl(slave, TCXONC, 77));
	R(ioctl(slave, TIOCSWINSZ, &size));
	memset(&size, 0, sizeof(size));
	R(ioctl(master, TIOCGWINSZ, &size));
	say("%d %d %d %d", size.ws_row, size.ws_col, size.ws_xpixel, size.ws_ypixel);
	R(sc(ioctl, slave, TIOCSWINSZ, BAD_PTR));
	R(sc(ioctl, slave, 0x5499, 0));
	R(sc(ioctl, slave, TIOCSPTLCK, BAD_PTR));
	R(ioctl(slave, TIOCGETD, &size));
	V(size.ws_row);
	R(sc(ioctl, slave, TIOCOUTQ, &size));
}

/* TIOCSLCKTRMIOS: bits, and characters, that are set in it stay as they are. */
CASE(modes_that_are_locked)
{
	struct {
		struct termios t;
		char more[64];
	} lock = {.t.c_lflag = ECHO | ICANON, .t.c_iflag = ICRNL};
	struct termios t;

	open_pair();
	memset(&t, 0xff, sizeof(t));
	R(ioctl(slave, TIOCGLCKTRMIOS, &t));
	say("%o %o %o %o %d %d %d", t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag, t.c_line, t.c_cc[0],
		t.c_cc[18]);
	lock.t.c_cc[VINTR] = 1;
	R(ioctl(slave, TIOCSLCKTRMIOS, &lock));
	R(ioctl(master, TIOCGLCKTRMIOS, &t));
	say("%o %o %o %o %d", t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag, t.c_cc[VINTR]);
	tcgetattr(slave, &t);
	t.c_lflag &= ~(tcflag_t)(ECHO | ICANON | ISIG);
	t.c_iflag = IGNCR;
	t.c_oflag = 0;
	t.c_cc[VINTR] = 'x';
	t.c_cc[VQUIT] = 'y';
	R(tcsetattr(slave, TCSANOW, &t));
	show_modes("locked", slave);
	memset(&lock, 0xff, sizeof(lock));
	R(ioctl(slave, TIOCSLCKTRMIOS, &lock));
	cfsetospeed(&t, B9600);
	t.c_lflag = 0;
	R(tcsetattr(slave, TCSANOW, &t));
	show_modes("all", slave);
	memset(&lock, 0, sizeof(lock));
	R(ioctl(master, TIOCSLCKTRMIOS, &lock));
	R(tcsetattr(slave, TCSANOW, &t));
	show_modes("unlocked", slave);
	R(ioctl(slave, TIOCGLCKTRMIOS, BAD_PTR));
	R(ioctl(slave, TIOCSLCKTRMIOS, BAD_PTR));
	R(ioctl(0, TIOCGLCKTRMIOS, &t));
	drop_to(1000, 1000);
	R(ioctl(slave, TIOCGLCKTRMIOS, &t));
	R(ioctl(slave, TIOCSLCKTRMIOS, &lock));
}

CASE(stopped_output)
{
	struct pollfd p;

	open_pair();
	type("\023");
	pause_ms(30);
	p = (struct pollfd){.fd = slave, .events = POLLOUT};
	R(poll(&p, 1, 0));
	pid_t pid = abi_fork();
	if (!pid) {
		R(write(slave, "held", 4));
		_exit(0);
	}
	wait_blocked(pid);
	type("\021");
	abi_reap("writer", pid);
	drain("after", master);
}

/* A child that leads a session with the slave as its controlling terminal. */
static pid_t session(void (*run)(void))
{
	pid_t pid = abi_fork();

	if (!pid) {
		setsid();
		if (ioctl(slave, TIOCSCTTY, 0) < 0)
			say("TIOCSCTTY: %s", errno_name(errno));
		close(master);
		run();
		_exit(0);
	}
	return pid;
}

static struct gate ready;

static void wait_for_signal(void)
{
	int numbers[] = {SIGINT, SIGQUIT, SIGTSTP, SIGWINCH, SIGHUP, SIGCONT};

	for (unsigned i = 0; i < COUNT(numbers); i++)
		catch_signal(numbers[i], SA_RESTART);
	gate_open(&ready);
	while (!caught)
		pause_ms(2);
	say("caught %s", signal_name(caught_signal));
	caught = 0;
	gate_open(&ready);
	while (!caught)
		pause_ms(2);
	say("caught %s", signal_name(caught_signal));
	drain("input", slave);
}

CASE(keyboard_signals)
{
	pid_t pid;

	open_pair();
	gate_init(&ready);
	pid = session(wait_for_signal);
	gate_wait(&ready);
	type("lost");
	drain("echo", master);
	type("\003");
	gate_wait(&ready);
	drain("echo", master);
	type("\034");
	abi_reap("session", pid);
	drain("echo", master);
	open_pair();
	pid = session(wait_for_signal);
	gate_wait(&ready);
	type("\032");
	gate_wait(&ready);
	type("\003");
	abi_reap("session", pid);
	open_pair();
	change(slave, ISIG, 0);
	type("\003\n");
	drain("no signals", slave);
	change(slave, 0, ISIG | NOFLSH);
	pid = session(wait_for_signal);
	gate_wait(&ready);
	type("kept\003");
	gate_wait(&ready);
	type("\003 too\n");
	abi_reap("session", pid);
}

CASE(window_changes)
{
	struct winsize size = {50, 100, 0, 0};
	pid_t pid;

	open_pair();
	gate_init(&ready);
	pid = session(wait_for_signal);
	gate_wait(&ready);
	ioctl(master, TIOCSWINSZ, &size);
	gate_wait(&ready);
	ioctl(master, TIOCSWINSZ, &size);
	pause_ms(50);
	size.ws_col = 7;
	ioctl(slave, TIOCSWINSZ, &size);
	abi_reap("session", pid);
}

static void own_terminal(void)
{
	int fd;
	pid_t value;

	T(tcgetsid(slave) == getpid());
	T(tcgetpgrp(slave) == getpid());
	R(fd = open("/dev/tty", O_RDWR) < 0 ? -1 : 0);
	R(ioctl(slave, TIOCSCTTY, 0));
	R(sc(ioctl, slave, TIOCSPGRP, BAD_PTR));
	value = 99999;
	R(ioctl(slave, TIOCSPGRP, &value));
	value = -1;
	R(ioctl(slave, TIOCSPGRP, &value));
	IN_CHILD
	{
		setpgid(0, 0);
		R(tcgetpgrp(slave) == getppid());
		ignore_signal(SIGTTOU);
		value = getpid();
		R(ioctl(slave, TIOCSPGRP, &value));
		T(tcgetpgrp(slave) == getpid());
	}
	value = getpid();
	ignore_signal(SIGTTOU);
	R(ioctl(slave, TIOCSPGRP, &value));
	IN_CHILD
	{
		setsid();
		R(open("/dev/tty", O_RDWR));
		R(tcgetpgrp(slave));
		R(ioctl(slave, TIOCSCTTY, 0));
		R(ioctl(slave, TIOCNOTTY, 0));
	}
	catch_signal(SIGHUP, 0);
	catch_signal(SIGCONT, 0);
	R(ioctl(slave, TIOCNOTTY, 0));
	R(open("/dev/tty", O_RDWR));
	R(tcgetpgrp(slave));
	R(write(slave, "x", 1));
}

CASE(controlling_terminal)
{
	open_pair();
	R(tcgetpgrp(slave));
	R(tcgetsid(slave));
	R(tcgetpgrp(master));
	abi_reap("session", session(own_terminal));
	R(ioctl(slave, TIOCSCTTY, 0));
	T(tcgetsid(slave) == getpid());
	R(open("/dev/tty", O_RDWR) >= 0);
}

static struct gate told, go;

static void background_child(void)
{
	char b[8];

	setpgid(0, 0);
	R(read(slave, b, 8));
	gate_open(&told);
	gate_wait(&go);
	R(write(slave, "bg ", 3));
	change(slave, 0, TOSTOP);
	say("changed");
	gate_open(&told);
	gate_wait(&go);
	R(write(slave, "more ", 5));
	ignore_signal(SIGTTOU);
	R(write(slave, "ignored ", 8));
	ignore_signal(SIGTTIN);
	R(read(slave, b, 8));
	block_signal(SIGTTIN);
	default_signal(SIGTTIN);
	R(read(slave, b, 8));
	_exit(3);
}

/* Lets the child go on in the foreground, and takes the foreground back when it says so. */
static void foreground(pid_t pid)
{
	tcsetpgrp(slave, pid);
	kill(-pid, SIGCONT);
	gate_wait(&told);
	tcsetpgrp(slave, getpid());
	gate_open(&go);
}

static void background_job(void)
{
	int status;
	pid_t pid = abi_fork();

	if (!pid)
		background_child();
	setpgid(pid, pid);
	ignore_signal(SIGTTOU);
	waitpid(pid, &status, WUNTRACED);
	show_status("reading", status);
	foreground(pid);
	waitpid(pid, &status, WUNTRACED);
	show_status("changing", status);
	foreground(pid);
	waitpid(pid, &status, WUNTRACED);
	show_status("writing", status);
	change(slave, TOSTOP, 0);
	kill(-pid, SIGCONT);
	abi_reap("background", pid);
}

CASE(background)
{
	pid_t pid;

	open_pair();
	gate_init(&told);
	gate_init(&go);
	type("line\n");
	pid = session(background_job);
	abi_reap("session", pid);
	drain("output", master);
}

static void orphan(void)
{
	struct gate gone;

	gate_init(&gone);
	pid_t pid = abi_fork();
	if (!pid) {
		setpgid(0, 0);
		if (!abi_fork()) {
			char b[4];

			gate_wait(&gone);
			while (getppid() != 1 && getppid() == getpgrp())
				pause_ms(2);
			R(read(slave, b, 4));
			gate_open(&ready);
			_exit(0);
		}
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	gate_open(&gone);
	gate_wait(&ready);
}

CASE(orphaned_group)
{
	open_pair();
	gate_init(&ready);
	abi_reap("session", session(orphan));
}

static void hung_up(void)
{
	char b[8];

	catch_signal(SIGHUP, 0);
	catch_signal(SIGCONT, 0);
	gate_open(&ready);
	R(read(slave, b, 8));
	while (caught < 1)
		pause_ms(2);
	pause_ms(50);
	R(read(slave, b, 8));
	R(write(slave, "x", 1));
	struct pollfd p = {.fd = slave, .events = POLLIN | POLLOUT};
	R(poll(&p, 1, 0));
	HEX(p.revents);
	struct termios t;
	R(tcgetattr(slave, &t));
	R(open("/dev/tty", O_RDWR));
	default_signal(SIGHUP);
}

CASE(hangup_by_master)
{
	pid_t pid;

	open_pair();
	gate_init(&ready);
	pid = session(hung_up);
	gate_wait(&ready);
	wait_blocked(pid);
	close(master);
	abi_reap("session", pid);
}

static void leave_members(void)
{
	if (!abi_fork()) {
		catch_signal(SIGHUP, 0);
		gate_open(&ready);
		while (!caught)
			pause_ms(2);
		char b[4];
		say("member got %s", signal_name(caught_signal));
		pause_ms(200);
		fcntl(slave, F_SETFL, O_NONBLOCK);
		R(read(slave, b, 4));
		R(tcgetpgrp(slave));
		R(open("/dev/tty", O_RDWR));
		gate_open(&told);
		_exit(0);
	}
	gate_wait(&ready);
}

CASE(leader_exits)
{
	pid_t pid;

	open_pair();
	gate_init(&ready);
	gate_init(&told);
	pid = session(leave_members);
	gate_wait(&told);
	abi_reap("leader", pid);
	R(write(slave, "x", 1));
	R(close(slave));
	slave = open(slave_name, O_RDWR | O_NOCTTY);
	R(write(slave, "x", 1));
	drain("reopened", master);
}

CASE(ends_closed)
{
	char b[8];
	struct pollfd p;

	open_pair();
	R(write(slave, "left", 4));
	close(slave);
	p = (struct pollfd){.fd = master, .events = POLLIN | POLLOUT};
	R(poll(&p, 1, 0));
	HEX(p.revents);
	R(read(master, b, 8));
	R(read(master, b, 8));
	R(write(master, "x", 1));
	R(slave = open(slave_name, O_RDWR | O_NOCTTY) >= 0);
	open_pair();
	type("to a line\n");
	close(master);
	p.fd = slave;
	R(poll(&p, 1, 0));
	HEX(p.revents);
	R(read(slave, b, 8));
	R(write(slave, "x", 1));
	R(access(slave_name, F_OK));
	R(open(slave_name, O_RDWR));
}

CASE(packet_mode)
{
	int on = 1;

	open_pair();
	R(ioctl(slave, TIOCPKT, &on));
	R(ioctl(master, TIOCPKT, &on));
	R(write(slave, "data", 4));
	drain("packet", master);
	tcflush(slave, TCIFLUSH);
	drain("flush", master);
}

CASE(simulated_input)
{
	char c = 'z';

	open_pair();
	R(ioctl(slave, TIOCSTI, &c));
	c = '\n';
	R(ioctl(slave, TIOCSTI, &c));
	drain("input", slave);
}
