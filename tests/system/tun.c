/*
 * tun.c - programs with /dev/net/tun open.
 *
 * requests: what the requests of an unused and of an attached file answer, a line each.
 * mirror NAME tun|tap [vnet]: sends each IP packet back with source and destination exchanged, so
 * that the interface's peer seems to be this machine itself; on a tap it answers ARP too.
 * hold NAME: reads nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static uint8_t frame[70000];

static int open_tun(const char *name, int flags)
{
	struct ifreq r = {.ifr_flags = (short)flags};
	int fd = open("/dev/net/tun", O_RDWR);

	strncpy(r.ifr_name, name, IFNAMSIZ - 1);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &r) < 0) {
		perror(name);
		exit(1);
	}
	printf("%s\n", r.ifr_name);
	fflush(stdout);
	return fd;
}

/* ---- mirror ---- */

static void exchange(uint8_t *a, uint8_t *b, size_t n)
{
	uint8_t t[16];

	memcpy(t, a, n);
	memcpy(a, b, n);
	memcpy(b, t, n);
}

/* Sums stay right: they do not mind the order. An echo request becomes its answer. */
static bool turn_ip(uint8_t *ip, size_t n)
{
	uint8_t *l4 = ip + (ip[0] & 15) * 4;

	if (ip[0] >> 4 == 6 && n >= 40) {
		exchange(ip + 8, ip + 24, 16);
		return ip[6] == 6 || ip[6] == 17;
	}
	if (n < 20 || ip[0] >> 4 != 4)
		return false;
	exchange(ip + 12, ip + 16, 4);
	if (ip[9] == 1 && l4[0] == 8) {
		unsigned sum = (l4[2] << 8 | l4[3]) + 0x800;

		sum = (sum & 0xffff) + (sum >> 16);
		l4[0] = 0;
		l4[2] = (uint8_t)(sum >> 8);
		l4[3] = (uint8_t)sum;
	}
	return true;
}

static bool turn_ethernet(uint8_t *f, size_t n)
{
	static const uint8_t mine[6] = {2, 0, 0, 0, 0, 9};
	unsigned type = f[12] << 8 | f[13];

	memcpy(f, f + 6, 6);
	memcpy(f + 6, mine, 6);
	if (type == 0x806 && n >= 42 && f[21] == 1) { /* who has: I have */
		f[21] = 2;
		exchange(f + 22, f + 32, 10);
		memcpy(f + 22, mine, 6);
		return true;
	}
	return type == 0x800 && turn_ip(f + 14, n - 14);
}

static int mirror(const char *name, const char *kind, bool vnet)
{
	bool tap = !strcmp(kind, "tap");
	int fd = open_tun(name, (tap ? IFF_TAP : IFF_TUN) | IFF_NO_PI | (vnet ? IFF_VNET_HDR : 0));
	size_t head = vnet ? sizeof(struct virtio_net_hdr) : 0;
	ssize_t n;

	if (vnet && ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6))
		perror("TUNSETOFFLOAD");
	while ((n = read(fd, frame, sizeof(frame))) > 0) {
		uint8_t *f = frame + head;
		size_t len = (size_t)n - head;

		if (tap ? turn_ethernet(f, len) : turn_ip(f, len))
			if (write(fd, frame, (size_t)n) != n)
				perror("write");
	}
	perror("read");
	return 0;
}

/* ---- requests ---- */

#define SAY(call)                                                                                  \
	do {                                                                                       \
		errno = 0;                                                                         \
		long r_ = (call);                                                                  \
		printf("%s = %ld%s%s\n", #call, r_, r_ < 0 ? " " : "",                             \
			r_ < 0 ? strerror(errno) : "");                                            \
	} while (0)

static long iff(int fd, const char *name, int flags)
{
	struct ifreq r = {.ifr_flags = (short)flags};

	strncpy(r.ifr_name, name, IFNAMSIZ - 1);
	return ioctl(fd, TUNSETIFF, &r);
}

static long get_iff(int fd)
{
	struct ifreq r = {0};
	long e = ioctl(fd, TUNGETIFF, &r);

	printf("%s %#x: ", r.ifr_name,
		r.ifr_flags & (IFF_TUN | IFF_TAP | IFF_VNET_HDR | IFF_PERSIST));
	return e;
}

static long number(int fd, unsigned long cmd, int v)
{
	long e = ioctl(fd, cmd, &v);

	printf("%d: ", v);
	return e;
}

static long up(const char *name)
{
	struct ifreq r = {.ifr_flags = IFF_UP};
	int s = socket(AF_INET, SOCK_DGRAM, 0);
	long e;

	strncpy(r.ifr_name, name, IFNAMSIZ - 1);
	e = ioctl(s, SIOCSIFFLAGS, &r);
	close(s);
	return e;
}

static short events(int fd)
{
	struct pollfd p = {fd, POLLIN | POLLOUT, 0};

	poll(&p, 1, 0);
	return p.revents;
}

static int requests(void)
{
	static const uint8_t packet[20] = {
		0x45, 0, 0, 20, 0, 0, 0, 0, 1, 254, 0, 0, 10, 9, 9, 2, 10, 9, 9, 1};
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK), other = open("/dev/net/tun", O_RDWR);
	unsigned features = 0;

	SAY(read(fd, frame, 100));
	SAY(write(fd, packet, 20));
	SAY(events(fd));
	SAY(get_iff(fd));
	SAY(number(fd, TUNGETSNDBUF, 0));
	SAY(ioctl(fd, TUNGETFEATURES, &features));
	SAY(features & (IFF_TUN | IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_ONE_QUEUE));
	SAY(ioctl(fd, TUNSETIFF, 16));
	SAY(iff(fd, "rq%d", 0));
	SAY(iff(fd, "lo", IFF_TUN));
	SAY(iff(fd, "a/b", IFF_TUN));
	SAY(iff(fd, "rq%d", IFF_TUN | IFF_TAP));
	SAY(iff(fd, "rq%d", IFF_TUN));
	SAY(get_iff(fd));
	SAY(iff(other, "rq0", IFF_TUN));
	SAY(iff(other, "rq0", IFF_TAP));
	SAY(events(fd));
	SAY(write(fd, packet, 20));
	SAY(write(fd, packet, 3));
	SAY(up("rq0"));
	SAY(write(fd, "\0\0\x08\0", 4));
	SAY(write(fd, "\0\0\x08\0\x45", 5));
	SAY(ioctl(fd, TUNSETOFFLOAD, 0x8000));
	SAY(ioctl(fd, TUNSETOFFLOAD, TUN_F_TSO4));
	SAY(ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4));
	SAY(number(fd, TUNGETVNETHDRSZ, 0));
	SAY(number(fd, TUNSETVNETHDRSZ, 9));
	SAY(number(fd, TUNSETVNETHDRSZ, 12));
	SAY(number(fd, TUNGETVNETHDRSZ, 0));
	SAY(number(fd, TUNSETSNDBUF, 0));
	SAY(number(fd, TUNSETSNDBUF, 5000));
	SAY(number(fd, TUNGETSNDBUF, 0));
	SAY(ioctl(fd, TUNSETLINK, 1));
	SAY(number(fd, _IOW('T', 202, long), 0));
	SAY(number(fd, _IOR('T', 250, int), 0));
	SAY(ioctl(fd, TUNSETPERSIST, 1));
	close(fd);
	SAY(iff(other, "rq0", IFF_TUN | IFF_NO_PI | IFF_TUN_EXCL));
	SAY(iff(other, "rq0", IFF_TUN | IFF_NO_PI | IFF_VNET_HDR));
	SAY(get_iff(other));
	SAY(write(other, frame, 11));
	SAY(write(other, frame, 12));
	SAY(ioctl(other, TUNSETPERSIST, 0));
	close(other);
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
	SAY(iff(fd, "rqtap", IFF_TAP | IFF_NO_PI));
	SAY(up("rqtap"));
	SAY(write(fd, frame, 13));
	SAY(write(fd, frame, 14));
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "requests"))
		return requests();
	if (argc >= 4 && !strcmp(argv[1], "mirror"))
		return mirror(argv[2], argv[3], argc > 4);
	if (argc == 3 && !strcmp(argv[1], "hold")) {
		open_tun(argv[2], IFF_TUN | IFF_NO_PI);
		pause();
	}
	return 2;
}
