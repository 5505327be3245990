/*
 * console.c - the virtual terminals tty1 to tty6.
 */
#include <tty.h>

int console_init(void)
{
	return 0;
}
