/*
 * loops_test.c - loop devices: binding, size, flags, errors, and that bytes go where they belong.
 */
#include "abi.h"

#include <linux/fs.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

static char device[32]; /* the one that take() found last */
static int number;

/* A free device, opened; its name is in `device`. */
static int take(int flags)
{
	int control = open("/dev/loop-control", O_RDWR);
	int fd;

	number = ioctl(control, LOOP_CTL_GET_FREE);
	close(control);
	snprintf(device, sizeof(device), "/dev/loop%d", number);
	if (access(device, F_OK) < 0)
		mknod(device, S_IFBLK | 0600, makedev(7, (unsigned)number));
	fd = open(device, flags);
	if (number < 0 || fd < 0)
		say("no device: %s", errno_name(errno));
	return fd;
}

/* A file of letters: its first 512 bytes are a, the next b ... */
static int make_file(const char *name, int sectors, int more, int flags)
{
	char text[512];
	int fd = open(name, O_CREAT | O_TRUNC | O_WRONLY, 0600);

	for (int i = 0; i < sectors; i++) {
		memset(text, 'a' + i % 26, sizeof(text));
		if (write(fd, text, sizeof(text)) != sizeof(text))
			say("write: %s", errno_name(errno));
	}
	memset(text, '#', sizeof(text));
	if (more && write(fd, text, (size_t)more) != more)
		say("write: %s", errno_name(errno));
	close(fd);
	return open(name, flags);
}

/* Bind a free device to @file, and again if somebody else was quicker. */
static int bind_free(int file, int flags)
{
	for (int tries = 0; tries < 20; tries++) {
		int fd = take(flags);

		if (ioctl(fd, LOOP_SET_FD, file) == 0)
			return fd;
		if (errno != EBUSY) {
			say("LOOP_SET_FD: %s", errno_name(errno));
			return fd;
		}
		close(fd);
	}
	return -1;
}

static void show_size(int fd)
{
	uint64_t bytes = 0;
	unsigned long sectors = 0;

	R(ioctl(fd, BLKGETSIZE64, &bytes));
	V(bytes);
	ioctl(fd, BLKGETSIZE, &sectors);
	V(sectors);
}

static void show_loop(int fd)
{
	struct loop_info64 info = {0};
	struct stat st;

	if (R(ioctl(fd, LOOP_GET_STATUS64, &info)) < 0)
		return;
	T(info.lo_number == (unsigned)number);
	V(info.lo_offset);
	V(info.lo_sizelimit);
	HEX(info.lo_flags);
	say("name \"%s\"", (char *)info.lo_file_name);
	if (stat("file", &st) == 0) {
		T(info.lo_inode == st.st_ino);
		T(info.lo_device == st.st_dev);
		T(info.lo_rdevice == st.st_rdev);
	}
}

static void show_byte(int fd, off_t at)
{
	char c = '?';
	ssize_t n = pread(fd, &c, 1, at);

	say("byte %ld: %ld %c %s", (long)at, (long)n, n == 1 ? c : '-',
		n < 0 ? errno_name(errno) : "");
}

static int set_status(int fd, uint64_t offset, uint64_t limit, unsigned flags)
{
	struct loop_info64 info = {.lo_offset = offset, .lo_sizelimit = limit, .lo_flags = flags};

	strcpy((char *)info.lo_file_name, "a name");
	return ioctl(fd, LOOP_SET_STATUS64, &info);
}

CASE(a_free_device)
{
	struct loop_info64 info = {0};
	char text[512] = {0};
	int fd = take(O_RDWR);

	show_size(fd);
	R(read(fd, text, sizeof(text)));
	R(write(fd, text, sizeof(text)));
	R(ioctl(fd, LOOP_GET_STATUS64, &info));
	R(ioctl(fd, LOOP_SET_STATUS64, &info));
	R(ioctl(fd, LOOP_CLR_FD));
	R(ioctl(fd, LOOP_SET_CAPACITY));
	R(ioctl(fd, LOOP_SET_DIRECT_IO, 1));
	R(ioctl(fd, LOOP_SET_BLOCK_SIZE, 512));
	R(ioctl(fd, LOOP_GET_STATUS64, BAD_PTR) < 0);
}

CASE(control_device)
{
	int fd = open("/dev/loop-control", O_RDWR);
	long own = 5000 + getpid() % 1000;

	T(ioctl(fd, LOOP_CTL_GET_FREE) >= 0);
	T(ioctl(fd, LOOP_CTL_ADD, own) == own);
	R(ioctl(fd, LOOP_CTL_ADD, own));
	R(ioctl(fd, LOOP_CTL_REMOVE, own));
	R(ioctl(fd, LOOP_CTL_REMOVE, own));
	T(ioctl(fd, LOOP_CTL_ADD, own) == own);
	R(ioctl(fd, LOOP_CTL_REMOVE, own));
}

CASE(bytes_go_where_they_belong)
{
	int file = make_file("file", 9, 392, O_RDWR);
	int fd = bind_free(file, O_RDWR);
	char text[512];

	show_size(fd);
	show_loop(fd);
	show_byte(fd, 0);
	show_byte(fd, 511);
	show_byte(fd, 512);
	show_byte(fd, 9 * 512 - 1);
	show_byte(fd, 9 * 512);
	memset(text, 'W', sizeof(text));
	R(pwrite(fd, text, 512, 1024));
	R(pwrite(fd, text, 100, 3000));
	R(fsync(fd));
	show_byte(file, 1023);
	show_byte(file, 1024);
	show_byte(file, 1535);
	show_byte(file, 1536);
	show_byte(file, 2999);
	show_byte(file, 3000);
	show_byte(file, 3099);
	show_byte(file, 3100);
	R(pwrite(fd, text, 512, 9 * 512));
	R(ioctl(fd, LOOP_CLR_FD));
	close(fd);
	fd = open(device, O_RDWR);
	show_size(fd);
	V(size_of("file"));
}

CASE(offset_and_limit)
{
	int file = make_file("file", 20, 100, O_RDWR);
	int fd = bind_free(file, O_RDWR);

	R(set_status(fd, 1024, 0, 0));
	show_loop(fd);
	show_size(fd);
	show_byte(fd, 0);
	R(set_status(fd, 512, 3000, 0));
	show_size(fd);
	show_byte(fd, 0);
	R(set_status(fd, 100, 0, 0));
	show_size(fd);
	show_byte(fd, 412);
	R(set_status(fd, 1 << 20, 0, 0));
	show_size(fd);
	R(set_status(fd, UINT64_MAX, 0, 0));
	R(ioctl(fd, LOOP_CLR_FD));
}

CASE(read_only)
{
	int file = make_file("file", 8, 0, O_RDONLY);
	int fd = bind_free(file, O_RDWR);
	char text[512] = {0};
	int ro = -1;

	R(ioctl(fd, BLKROGET, &ro));
	V(ro);
	show_loop(fd);
	show_byte(fd, 0);
	R(write(fd, text, 512) < 0 || fsync(fd) < 0 ? -1 : 0);
	T(open(device, O_RDWR) < 0);
	R(ioctl(fd, LOOP_CLR_FD));
	close(fd);
	close(file);
	file = open("file", O_RDWR);
	fd = bind_free(file, O_RDONLY);
	R(ioctl(fd, BLKROGET, &ro));
	V(ro);
	R(ioctl(fd, LOOP_CLR_FD));
	R(ioctl(fd, LOOP_CLR_FD));
}

CASE(cleared_by_the_last_close)
{
	int file = make_file("file", 8, 0, O_RDWR);
	int fd = bind_free(file, O_RDWR);
	int second = open(device, O_RDWR);

	R(set_status(fd, 0, 0, LO_FLAGS_AUTOCLEAR));
	show_loop(fd);
	close(second);
	show_byte(fd, 0);
	second = open(device, O_RDONLY);
	close(fd);
	show_byte(second, 512);
	close(second);
	fd = open(device, O_RDWR);
	show_size(fd);
	show_loop(fd);
	close(fd);
	fd = bind_free(file, O_RDWR);
	second = open(device, O_RDWR);
	R(ioctl(fd, LOOP_CLR_FD));
	show_loop(second);
	show_byte(second, 0);
	close(fd);
	show_byte(second, 4095);
	close(second);
	fd = open(device, O_RDWR);
	show_size(fd);
}

CASE(what_it_cannot_stand_on)
{
	int file = make_file("file", 8, 0, O_RDWR);
	int fd = take(O_RDWR);
	int fds[2];

	R(ioctl(fd, LOOP_SET_FD, 99));
	R(ioctl(fd, LOOP_SET_FD, -1));
	pipe(fds);
	R(ioctl(fd, LOOP_SET_FD, fds[0]));
	R(ioctl(fd, LOOP_SET_FD, open("/dev/null", O_RDWR)));
	R(ioctl(fd, LOOP_SET_FD, open(".", O_RDONLY)));
	R(ioctl(fd, LOOP_SET_FD, open("file", O_PATH)));
	R(ioctl(fd, LOOP_SET_FD, fd));
	R(ioctl(fd, LOOP_SET_FD, file));
	R(ioctl(fd, LOOP_SET_FD, file));
	R(ioctl(fd, LOOP_CLR_FD));
}

CASE(one_on_another)
{
	int file = make_file("file", 16, 0, O_RDWR);
	int lower = bind_free(file, O_RDWR);
	int upper = bind_free(lower, O_RDWR);
	char text[512];

	show_size(upper);
	show_byte(upper, 1024);
	memset(text, 'U', sizeof(text));
	R(pwrite(upper, text, 512, 1024));
	R(fsync(upper));
	show_byte(file, 1024);
	R(set_status(upper, 512, 0, 0));
	show_byte(upper, 512);
	R(ioctl(upper, LOOP_CLR_FD));
	close(upper);
	R(ioctl(lower, LOOP_CLR_FD));
}

CASE(configure)
{
	int file = make_file("file", 16, 0, O_RDWR);
	struct loop_config c = {.fd = (unsigned)file, .block_size = 1000};
	int fd = take(O_RDWR), size = 0;

	R(ioctl(fd, LOOP_CONFIGURE, &c));
	c.block_size = 4096;
	c.info.lo_offset = 1024;
	c.info.lo_flags = 2;
	R(ioctl(fd, LOOP_CONFIGURE, &c));
	c.info.lo_flags = LO_FLAGS_READ_ONLY;
	strcpy((char *)c.info.lo_file_name, "configured");
	R(ioctl(fd, LOOP_CONFIGURE, &c));
	R(ioctl(fd, LOOP_CONFIGURE, &c));
	show_loop(fd);
	show_size(fd);
	R(ioctl(fd, BLKSSZGET, &size));
	V(size);
	show_byte(fd, 0);
	R(ioctl(fd, LOOP_SET_BLOCK_SIZE, 512));
	R(ioctl(fd, BLKSSZGET, &size));
	V(size);
	R(ioctl(fd, LOOP_SET_BLOCK_SIZE, 8));
	R(ioctl(fd, LOOP_SET_BLOCK_SIZE, 1536));
	R(ioctl(fd, LOOP_CLR_FD));
}

CASE(the_file_grows_and_shrinks)
{
	int file = make_file("file", 16, 0, O_RDWR);
	int fd = bind_free(file, O_RDWR);

	R(ftruncate(file, 32 * 512));
	show_size(fd);
	R(ioctl(fd, LOOP_SET_CAPACITY));
	show_size(fd);
	show_byte(fd, 15 * 512);
	R(ftruncate(file, 4 * 512));
	R(ioctl(fd, LOOP_SET_CAPACITY));
	show_size(fd);
	show_byte(fd, 3 * 512);
	R(ioctl(fd, LOOP_CLR_FD));
}

CASE(direct_io_is_the_same_bytes)
{
	int file = make_file("file", 64, 0, O_RDWR);
	int fd = bind_free(file, O_RDWR);
	char text[8192];

	RZ(ioctl(fd, LOOP_SET_DIRECT_IO, 1) < 0 && errno != EINVAL ? -1 : 0);
	memset(text, 'D', sizeof(text));
	R(pwrite(fd, text, 8192, 4096));
	R(fsync(fd));
	show_byte(file, 4095);
	show_byte(file, 4096);
	show_byte(file, 12287);
	show_byte(file, 12288);
	R(ioctl(fd, LOOP_CLR_FD));
}
