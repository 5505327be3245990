/*
 * seals_test.c - memfd_create(2) and the seals of its files: who may add which, and what each
 * forbids to writes, sizes, holes and mappings.
 */
#include "abi.h"

#include <sys/mman.h>
#include <sys/uio.h>

#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x20
#endif
#define MFD_SEALING 2u
#define MFD_NOEXEC  8u
#define MFD_MAY_RUN 0x10u

static int memfd(unsigned flags)
{
	int fd = (int)sc(memfd_create, "m", flags);

	if (fd >= 0 && write(fd, "data", 4) != 4)
		say("write: %s", errno_name(errno));
	return fd;
}

static void try_mmap(const char *what, int fd, int prot, int flags)
{
	void *m = mmap(NULL, 4096, prot, flags, fd, 0);

	if (m == MAP_FAILED) {
		say("mmap(%s) = -1 %s", what, errno_name(errno));
		return;
	}
	say("mmap(%s): ok", what);
	say("mprotect(%s to writable): %s", what,
		mprotect(m, 4096, PROT_READ | PROT_WRITE) ? errno_name(errno) : "ok");
	munmap(m, 4096);
}

/* All that a seal may forbid, on a file of four bytes. */
static void use(int fd)
{
	struct iovec v = {"v", 1};

	R(write(fd, "", 0));
	R(pwrite(fd, "x", 1, 0));
	R(pwrite(fd, "xyz", 3, 3));
	R(pwrite(fd, "x", 1, 10000));
	R(pwritev(fd, &v, 1, 1));
	R(sc(pwritev2, fd, &v, 1, 0, 0, 0x10));
	R(size_of("/proc/self/fd/3"));
	R(ftruncate(fd, 4));
	R(ftruncate(fd, 3));
	R(ftruncate(fd, 9000));
	R(fallocate(fd, 0, 0, 5000));
	R(fallocate(fd, 0, 0, 12000));
	R(fallocate(fd, 1, 0, 20000));
	R(fallocate(fd, 3, 0, 4096));
	R(size_of("/proc/self/fd/3"));
	R(truncate("/proc/self/fd/3", 100));
	R(fchmod(fd, 0700));
	R(fchmod(fd, 0600));
	R(fchmod(fd, 0644));
	try_mmap("shared, read", fd, PROT_READ, MAP_SHARED);
	try_mmap("shared, write", fd, PROT_READ | PROT_WRITE, MAP_SHARED);
	try_mmap("private, write", fd, PROT_READ | PROT_WRITE, MAP_PRIVATE);
}

CASE(each_seal)
{
	static const unsigned seals[] = {0, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_SHRINK | F_SEAL_GROW,
		F_SEAL_WRITE, F_SEAL_FUTURE_WRITE, F_SEAL_EXEC, 0x3f};

	for (unsigned i = 0; i < COUNT(seals); i++) {
		int fd = memfd(MFD_SEALING);

		say("seals %#x: %s", seals[i],
			fcntl(fd, F_ADD_SEALS, seals[i]) ? errno_name(errno) : "ok");
		HEX(fcntl(fd, F_GET_SEALS));
		use(fd);
		close(fd);
	}
}

CASE(who_may_seal)
{
	int fd;

	R(memfd(0));
	R(fcntl(3, F_GET_SEALS));
	R(fcntl(3, F_ADD_SEALS, F_SEAL_GROW));
	R(fcntl(3, F_ADD_SEALS, 0));
	R(memfd(MFD_SEALING));
	R(fcntl(4, F_GET_SEALS));
	R(fcntl(4, F_ADD_SEALS, 0));
	R(fcntl(4, F_ADD_SEALS, 0x40));
	R(sc(fcntl, 4, F_ADD_SEALS, 1ul << 32));
	R(fcntl(4, F_ADD_SEALS, F_SEAL_SHRINK));
	R(fcntl(4, F_ADD_SEALS, F_SEAL_SHRINK));
	R(fcntl(4, F_ADD_SEALS, F_SEAL_SEAL));
	R(fcntl(4, F_ADD_SEALS, F_SEAL_SHRINK));
	R(fcntl(4, F_GET_SEALS));
	R(memfd(MFD_SEALING));
	fd = open("/proc/self/fd/5", O_RDONLY);
	R(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
	R(fcntl(fd, F_GET_SEALS));
	R(fcntl(open("/proc/self/fd/5", O_RDWR), F_ADD_SEALS, F_SEAL_GROW));
	R(fcntl(5, F_GET_SEALS));
	R(fcntl(open("/proc/self/fd/5", O_PATH), F_GET_SEALS));
	R(fcntl(0, F_GET_SEALS));
	R(fcntl(0, F_ADD_SEALS, 1));
	R(fcntl(open("/dev/null", O_RDWR), F_ADD_SEALS, 1));
	R(fcntl(99, F_ADD_SEALS, 1));
	R(fcntl(open(".", O_RDONLY), F_GET_SEALS));
}

CASE(executable_or_not)
{
	static const unsigned flags[] = {0, MFD_SEALING, MFD_NOEXEC, MFD_NOEXEC | MFD_SEALING,
		MFD_MAY_RUN, MFD_MAY_RUN | MFD_SEALING, MFD_MAY_RUN | MFD_NOEXEC, 0x20, 0x80000000};
	struct stat st;

	for (unsigned i = 0; i < COUNT(flags); i++) {
		int fd = memfd(flags[i]);

		say("flags %#x: %s", flags[i], fd < 0 ? errno_name(errno) : "ok");
		if (fd < 0)
			continue;
		fstat(fd, &st);
		OCT(st.st_mode);
		HEX(fcntl(fd, F_GET_SEALS));
		R(fchmod(fd, 0777));
		R(fchmod(fd, 0666));
		R(fchmod(fd, 0100));
		close(fd);
	}
}

CASE(writers_that_are_there)
{
	int fd = memfd(MFD_SEALING);
	char *m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	char *reader = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	char *own = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

	R(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	R(mprotect(m, 4096, PROT_READ));
	R(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	R(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
	R(mprotect(m, 4096, PROT_READ | PROT_WRITE));
	m[0] = 'm';
	R(pwrite(fd, "x", 1, 0));
	IN_CHILD
	{
		m[1] = 'n';
		R(munmap(m, 4096));
		R(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	}
	R(munmap(m, 4096));
	R(munmap(reader, 4096));
	R(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	own[2] = 'o';
	show_bytes("own", own, 4);
	show_file("/proc/self/fd/3");
	R(fcntl(fd, F_GET_SEALS));
}

CASE_ON(tmpfs, files_with_names)
{
	put("f", "data");
	R(open("f", O_RDWR));
	R(fcntl(3, F_GET_SEALS));
	R(fcntl(3, F_ADD_SEALS, F_SEAL_GROW));
}

CASE_ON(disk, files_on_disk)
{
	put("f", "data");
	R(open("f", O_RDWR));
	R(fcntl(3, F_GET_SEALS));
	R(fcntl(3, F_ADD_SEALS, F_SEAL_GROW));
}
