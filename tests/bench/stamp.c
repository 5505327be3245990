/*
 * stamp - prints the time stamp counter, then becomes BusyBox's getty.
 *
 * Takes the place of /sbin/getty on a copy of the root, to show when the login prompt was reached:
 * under QEMU's -icount shift=0 the counter is the number of instructions since reset.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	unsigned int low, high;

	(void)argc;
	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	for (char **arg = argv; *arg; arg++) {
		if (strcmp(*arg, "ttyS0") == 0) {
			FILE *tty = fopen("/dev/ttyS0", "w");

			if (tty) {
				fprintf(tty, "\nstamp %llu\n",
					(unsigned long long)high << 32 | low);
				fclose(tty);
			}
		}
	}
	argv[0] = "getty";
	execv("/bin/busybox", argv);
	return 1;
}
