/*
 * fuzz_tun.c - /dev/net/tun: frames with headers of a program's choice (sums and segmentation left
 * to the kernel), into the stack and on through it; and the requests on the file.
 *
 * Input: flags of the world and of the interface, then operations.
 */
#include "world.h"
#include <file.h>
#include <netctl.h>
#include <sched.h>
#include <string.h>
#include <vnet_hdr.h>
#include "around.h"
#include "config.h"

enum { OPS = 32, ROOM = 66000, TUNSETIFF = 0x400454ca };
enum { IFF_TUN = 1, IFF_TAP = 2, IFF_NO_PI = 0x1000, IFF_VNET_HDR = 0x4000 };
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct file file;
static struct inode inode;
static unsigned format; /* of the interface: IFF_* */
static struct netdev *dev;
static uint8_t buf[ROOM + 64];

static void add_address(unsigned last)
{
	struct if_addr a = {.addr = ip_from_v4(to_be32(0x0a050000u + last)),
		.prefix = 120,
		.ifindex = dev->ifindex,
		.valid_s = UINT32_MAX,
		.preferred_s = UINT32_MAX};

	net_config_lock();
	(void)inet_addr_add(&net_initial, &a, false);
	net_config_unlock();
}

static void make(unsigned how)
{
	struct {
		char name[16];
		int16_t flags;
		uint8_t rest[22];
	} r = {.name = "tun0"};

	format = (how & 1 ? IFF_TAP : IFF_TUN) | (how & 2 ? IFF_NO_PI : 0) |
		 (how & 4 ? IFF_VNET_HDR : 0);
	r.flags = (int16_t)format;
	memset(&file, 0, sizeof(file));
	file.inode = &inode;
	file.ops = world_tun_ops;
	file.flags = 0x800 | 2; /* O_NONBLOCK, O_RDWR */
	PANIC_ON(file.ops->open(&inode, &file) || file.ops->ioctl(&file, TUNSETIFF, &r));
	dev = netdev_get_by_name(&net_initial, "tun0");
	PANIC_ON(!dev);
	net_config_lock();
	PANIC_ON(netdev_open(dev));
	net_config_unlock();
	add_address(1);
	world_wait(NSEC_PER_SEC);
}

static void gone(void)
{
	netdev_put(dev);
	file.ops->release(&file);
}

/* The header of a frame of @n bytes; mostly one that the frame agrees with. */
static void vnet_header(struct input *in, struct vnet_hdr *h, unsigned n)
{
	static const uint8_t types[] = {VNET_GSO_NONE, VNET_GSO_TCP4, VNET_GSO_TCP6,
		VNET_GSO_UDP_L4, VNET_GSO_UDP, VNET_GSO_TCP4 | VNET_GSO_ECN, VNET_GSO_TCP4, 7};
	const unsigned how = in_u8(in), link = format & IFF_TAP ? ETH_HLEN : 0;
	const unsigned ip = how & 8 ? 40 : 20;

	*h = (struct vnet_hdr){.flags = how >> 6,
		.gso_type = types[how & 7],
		.gso_size = to_le16(how & 32 ? in_u16(in) : 1000),
		.csum_start = to_le16((uint16_t)(link + ip)),
		.csum_offset = to_le16((how & 7) == 3 ? 6 : 16),
		.hdr_len = to_le16((uint16_t)MIN(n, link + ip + 20u))};
	if (how & 16) {
		h->csum_start = to_le16(in_u8(in));
		h->csum_offset = to_le16(in_u8(in));
		h->hdr_len = to_le16(in_u16(in));
	}
}

static void write_frame(struct input *in, unsigned how)
{
	static uint8_t frame[ROOM];
	const unsigned more = how & 8 ? in_u16(in) : 0;
	unsigned n, at = 0, link = format & IFF_TAP ? 0 : ETH_HLEN;
	const uint8_t *bytes = in_bytes(in, in_u16(in) & 511, &n);
	struct vnet_hdr h;
	struct iov_iter it;
	int64_t pos = 0;

	memset(frame, 0, 512);
	memcpy(frame, bytes, n);
	n = MIN(n + more, 65535u);
	if (n > ETH_HLEN && how & 16) {
		memcpy(frame, dev->addr, 6);
		frame[12] = frame[ETH_HLEN] >> 4 == 6 ? 0x86 : 8;
		frame[13] = frame[ETH_HLEN] >> 4 == 6 ? 0xdd : 0;
	}
	if (how & 32)
		peer_mend(frame, n, false);
	link = MIN(link, n);
	if (!(format & IFF_NO_PI)) {
		memset(buf, 0, 4);
		memcpy(buf + 2, frame + 12, 2);
		at = 4;
	}
	if (format & IFF_VNET_HDR) {
		vnet_header(in, &h, n - link);
		memcpy(buf + at, &h, sizeof(h));
		at += sizeof(h);
	}
	memcpy(buf + at, frame + link, n - link);
	iov_iter_kernel(&it, buf, at + n - link);
	(void)file.ops->write(&file, &it, &pos);
	net_enter();
	netdev_rx_flush();
	net_exit();
}

static void read_frames(struct input *in)
{
	struct iov_iter it;
	int64_t pos = 0;
	const unsigned n = in_u8(in) * 256u;

	for (unsigned i = 0; i < 16; i++) {
		iov_iter_kernel(&it, buf, n);
		if (file.ops->read(&file, &it, &pos) < 0)
			return;
	}
}

/* TUNSET and TUNGET numbers of if_tun.h; what they carry is kernel memory, or the value itself. */
static void request(struct input *in)
{
	static const uint8_t by_value[] = {200, 201, 203, 204, 205, 206, 208};
	static uint64_t room[8];
	const unsigned how = in_u8(in), number = 200 + how % 24;

	room[0] = in_u16(in);
	for (unsigned i = 0; i < ARRAY_SIZE(by_value); i++)
		if (number == by_value[i]) {
			(void)file.ops->ioctl(
				&file, 0x40045400u | number, (void *)(uintptr_t)room[0]);
			return;
		}
	(void)file.ops->ioctl(&file, (how & 128 ? 0x80045400u : 0x40045400u) | number, room);
}

static void step(struct input *in)
{
	const unsigned how = in_u8(in);

	switch (how & 7) {
	case 5:
		read_frames(in);
		break;
	case 6:
		request(in);
		break;
	case 7:
		world_wait(NSEC_PER_MSEC << (in_u8(in) & 15));
		break;
	case 4:
		alloc_fail_after(in_u8(in) & 15);
		write_frame(in, how);
		alloc_fail_after(-1);
		break;
	default:
		write_frame(in, how);
	}
	if (how & 64) {
		world_drain(world.udp);
		world_drain(world.packet);
	}
	world_drop_sent();
	EXPECT(!current->nr_held);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static bool once;
	struct input in = {data, data + n};

	if (!once)
		config_keep();
	once = true;
	world_begin(in_u8(&in) & ~(unsigned)WORLD_FILTER);
	world_sockets();
	make(in_u8(&in));
	for (unsigned i = 0; i < OPS && in_more(&in); i++)
		step(&in);
	gone();
	config_restore();
	world.dev = NULL;
	world_end();
	return 0;
}
