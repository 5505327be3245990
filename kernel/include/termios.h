/*
 * termios.h - terminal modes: POSIX's names with Linux's values (asserted in compat/abi).
 */
#pragma once
#include <compiler.h>

#define NCCS 19
struct termios {
	uint32_t c_iflag, c_oflag, c_cflag, c_lflag;
	uint8_t c_line;
	uint8_t c_cc[NCCS];
	uint32_t c_ispeed, c_ospeed;
};
struct winsize {
	uint16_t ws_row, ws_col, ws_xpixel, ws_ypixel;
};
enum {
	VINTR,
	VQUIT,
	VERASE,
	VKILL,
	VEOF,
	VTIME,
	VMIN,
	VSWTC,
	VSTART,
	VSTOP,
	VSUSP,
	VEOL,
	VREPRINT,
	VDISCARD,
	VWERASE,
	VLNEXT,
	VEOL2
};
enum {
	IGNBRK = 1,
	BRKINT = 2,
	IGNPAR = 4,
	PARMRK = 010,
	INPCK = 020,
	ISTRIP = 040,
	INLCR = 0100,
	IGNCR = 0200,
	ICRNL = 0400,
	IUCLC = 01000,
	IXON = 02000,
	IXANY = 04000,
	IXOFF = 010000,
	IMAXBEL = 020000,
	IUTF8 = 040000
};
enum {
	OPOST = 1,
	OLCUC = 2,
	ONLCR = 4,
	OCRNL = 010,
	ONOCR = 020,
	ONLRET = 040,
	TABDLY = 014000,
	XTABS = 014000
};
enum {
	CBAUD = 010017,
	CSIZE = 060,
	CS5 = 0,
	CS6 = 020,
	CS7 = 040,
	CS8 = 060,
	CSTOPB = 0100,
	CREAD = 0200,
	PARENB = 0400,
	PARODD = 01000,
	HUPCL = 02000,
	CLOCAL = 04000,
	B0 = 0,
	B9600 = 015,
	B38400 = 017,
	B115200 = 010002
};
enum {
	ISIG = 1,
	ICANON = 2,
	XCASE = 4,
	ECHO = 010,
	ECHOE = 020,
	ECHOK = 040,
	ECHONL = 0100,
	NOFLSH = 0200,
	TOSTOP = 0400,
	ECHOCTL = 01000,
	ECHOPRT = 02000,
	ECHOKE = 04000,
	FLUSHO = 010000,
	PENDIN = 040000,
	IEXTEN = 0100000,
	EXTPROC = 0200000
};
enum { TCIFLUSH, TCOFLUSH, TCIOFLUSH };
enum { TCOOFF, TCOON, TCIOFF, TCION };
