/*
 * ioctl_errors_test.c - what ioctl(2) and the calls on mappings refuse: terminal requests on files
 * that are no terminals, bad sessions, groups, pointers and numbers on a terminal, wrong flags.
 */
#include "abi.h"

#include <pty.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <termios.h>

static const struct {
	const char *name;
	unsigned long nr;
} request[] = {
	{"TCGETS", TCGETS},
	{"TCSETS", TCSETS},
	{"TCSETSW", TCSETSW},
	{"TCSETSF", TCSETSF},
	{"TCSBRK", TCSBRK},
	{"TCXONC", TCXONC},
	{"TCFLSH", TCFLSH},
	{"TIOCSCTTY", TIOCSCTTY},
	{"TIOCGPGRP", TIOCGPGRP},
	{"TIOCSPGRP", TIOCSPGRP},
	{"TIOCGSID", TIOCGSID},
	{"TIOCSTI", TIOCSTI},
	{"TIOCGWINSZ", TIOCGWINSZ},
	{"TIOCSWINSZ", TIOCSWINSZ},
	{"TIOCNOTTY", TIOCNOTTY},
	{"TIOCGPTN", TIOCGPTN},
	{"TIOCSPTLCK", TIOCSPTLCK},
};

static void each_on(const char *what, int fd)
{
	for (unsigned i = 0; i < COUNT(request); i++) {
		long r = ioctl(fd, request[i].nr, BAD_PTR);

		say("ioctl(%s, %s) = %ld %s", what, request[i].name, r,
			r < 0 ? errno_name(errno) : "");
	}
}

CASE(no_terminal)
{
	int p[2], s[2];

	pipe(p);
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	each_on("a file", make("f", O_RDWR));
	each_on("a directory", open(".", O_RDONLY));
	each_on("a pipe", p[0]);
	each_on("a socket", s[0]);
	each_on("an event", eventfd(0, 0));
	each_on("null", open("/dev/null", O_RDWR));
	each_on("a path", open("f", O_PATH));
	each_on("nothing", 99);
}

CASE(sessions_and_groups_of_a_terminal)
{
	int master, slave, id = 0;

	R(openpty(&master, &slave, NULL, NULL, NULL) < 0);
	R(ioctl(slave, TIOCGSID, &id));
	R(ioctl(slave, TIOCGPGRP, &id));
	R(ioctl(slave, TIOCSPGRP, &id));
	R(ioctl(slave, TIOCNOTTY));
	R(ioctl(slave, TIOCSCTTY, 0));
	R(ioctl(slave, TIOCSCTTY, 0));
	R(ioctl(slave, TIOCGSID, &id));
	T(id == getpid());
	id = -1;
	R(ioctl(slave, TIOCSPGRP, &id));
	id = 0;
	R(ioctl(slave, TIOCSPGRP, &id));
	id = 99999999;
	R(ioctl(slave, TIOCSPGRP, &id));
	id = 1;
	R(ioctl(slave, TIOCSPGRP, &id));
	R(ioctl(slave, TIOCSPGRP, BAD_PTR));
	R(ioctl(slave, TIOCGPGRP, BAD_PTR));
	R(ioctl(slave, TIOCGSID, BAD_PTR));
	R(ioctl(slave, TCGETS, BAD_PTR));
	R(ioctl(slave, TCSETS, BAD_PTR));
	R(ioctl(slave, TIOCSWINSZ, BAD_PTR));
	R(ioctl(slave, TIOCGWINSZ, BAD_PTR));
	R(ioctl(slave, TCXONC, 9));
	R(ioctl(slave, TCFLSH, 9));
	R(ioctl(slave, 0x54ff, 0));
	R(ioctl(slave, TIOCGPTN, &id));
}

CASE(flags_of_mappings)
{
	char *m = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	R(madvise(m, 4096, 999));
	R(madvise(m, 4096, -1));
	R(madvise(m + 1, 4096, MADV_NORMAL));
	R(madvise(m, -4096ul, MADV_NORMAL));
	R(madvise(m, 0, 999));
	RZ(mremap(m, 4096, 0, 0));
	RZ(mremap(m + 1, 4096, 4096, 0));
	RZ(mremap(m, 4096, 4096, 8));
	RZ(mremap(m, 4096, 4096, MREMAP_FIXED, m + 4096));
	RZ(mremap(m, 8192, 8192, MREMAP_MAYMOVE | MREMAP_FIXED, m + 4096));
	RZ(mremap(m, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, m + 4097));
	RZ(mmap(NULL, 4096, PROT_READ, MAP_ANONYMOUS, -1, 0));
	RZ(mmap(NULL, 0, PROT_READ, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0));
	RZ(mmap(m + 1, 4096, PROT_READ, MAP_ANONYMOUS | MAP_PRIVATE | MAP_FIXED, -1, 0));
	RZ(mmap(m, 4096, PROT_READ, MAP_ANONYMOUS | MAP_PRIVATE | MAP_FIXED_NOREPLACE, -1, 0));
	RZ(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 99, 0));
	RZ(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 99, 1));
}
