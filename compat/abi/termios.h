/*
 * abi/termios.h - terminal settings in their three Linux forms; asserts that the kernel's is struct
 * termios2.
 */
#pragma once
#include <tty.h>

#define LINUX_TERMIOS_BYTES 36u /* TCGETS: struct termios2 without the speeds */
static_assert(
	sizeof(struct termios) == 44 && offsetof(struct termios, c_ispeed) == LINUX_TERMIOS_BYTES,
	"struct termios2");
static_assert(offsetof(struct termios, c_cc) == 17 && NCCS == 19, "struct termios2");
static_assert(sizeof(struct winsize) == 8, "struct winsize");

struct linux_termio {
	uint16_t c_iflag, c_oflag, c_cflag, c_lflag;
	uint8_t c_line, c_cc[8];
};
static_assert(sizeof(struct linux_termio) == 18, "struct termio");

static_assert(TCSETSF == 0x5404 && TCFLSH == 0x540b && TIOCSCTTY == 0x540e && TIOCSPGRP == 0x5410 &&
		      TIOCGWINSZ == 0x5413 && FIONREAD == 0x541b,
	"ioctl_tty(2)");
static_assert(
	FIONBIO == 0x5421 && TIOCNOTTY == 0x5422 && TCSBRKP == 0x5425 && VT_DISALLOCATE == 0x5608,
	"ioctl_tty(2), ioctl_console(2)");
