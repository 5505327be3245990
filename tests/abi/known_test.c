/*
 * known_test.c - what Ambit is known not to do as Linux does; differences.txt names each case and
 * says why.
 */
#include "abi.h"

CASE(holes_on_a_disk)
{
	R(open("f", O_RDWR | O_CREAT, 0644));
	R(pwrite(3, "end", 3, 1 << 20));
	R(lseek(3, 0, SEEK_DATA));
	R(lseek(3, 0, SEEK_HOLE));
}
