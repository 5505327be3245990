/*
 * dirs_test.c - reading directories: every name once, also while others come and go.
 */
#include "abi.h"

#include <dirent.h>

#define MANY 2000

struct dirent64_ {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[];
};

static unsigned char seen[MANY + 8];
static int dots, others, twice;

static void note(const char *name, bool number)
{
	if (!strcmp(name, ".") || !strcmp(name, ".."))
		dots++;
	else if (number && atoi(name) >= 0 && atoi(name) < MANY)
		twice += seen[atoi(name)]++ != 0;
	else
		others++;
}

static void reset(void)
{
	memset(seen, 0, sizeof(seen));
	dots = others = twice = 0;
}

/* Reads one buffer full; returns what the call returned. */
static long next(int fd, size_t size)
{
	static char buffer[65536];
	long n = sc(getdents64, fd, buffer, size);

	for (long at = 0; at < n;) {
		struct dirent64_ *entry = (struct dirent64_ *)(buffer + at);

		note(entry->name, true);
		if (entry->reclen % 8 || entry->ino == 0)
			say("%s: odd entry", entry->name);
		at += entry->reclen;
	}
	return n;
}

static int count_seen(void)
{
	int n = 0;

	for (int i = 0; i < MANY; i++)
		n += seen[i] != 0;
	return n;
}

static void make_many(int from, int to)
{
	char name[32];

	mkdir("d", 0755);
	for (int i = from; i < to; i++) {
		snprintf(name, sizeof(name), "d/%d", i);
		if (mknod(name, S_IFREG | 0644, 0) < 0)
			say("%s: %s", name, errno_name(errno));
	}
}

static void remove_many(int from, int to, int step)
{
	char name[32];

	for (int i = from; i < to; i += step) {
		snprintf(name, sizeof(name), "d/%d", i);
		if (unlink(name) < 0)
			say("%s: %s", name, errno_name(errno));
	}
}

CASE(two_thousand_entries)
{
	int fd;
	size_t sizes[] = {64, 256, 1024, 4096, 32768};

	make_many(0, MANY);
	for (unsigned i = 0; i < COUNT(sizes); i++) {
		reset();
		fd = open("d", O_RDONLY);
		while (next(fd, sizes[i]) > 0)
			;
		close(fd);
		say("by %zu: %d seen, %d twice, %d dots, %d others", sizes[i], count_seen(), twice,
			dots, others);
	}
	reset();
	fd = open("d", O_RDONLY);
	while (next(fd, 4096) > 0)
		;
	R(next(fd, 4096));
	R(lseek(fd, 0, SEEK_SET));
	reset();
	while (next(fd, 4096) > 0)
		;
	say("again: %d seen, %d dots", count_seen(), dots);
}

CASE(delete_while_reading)
{
	int fd, left = 0;

	make_many(0, MANY);
	reset();
	fd = open("d", O_RDONLY);
	next(fd, 2048);
	for (int i = 0; i < MANY; i += 2)
		if (!seen[i]) {
			char name[32];

			snprintf(name, sizeof(name), "d/%d", i);
			unlink(name);
		}
	while (next(fd, 2048) > 0)
		;
	for (int i = 1; i < MANY; i += 2)
		left += seen[i] != 0;
	V(left);
	V(twice);
	V(dots);
	lseek(fd, 0, SEEK_SET);
	for (long n = 1; n > 0;) {
		reset();
		n = next(fd, 1024);
		for (int i = 0; i < MANY; i++)
			if (seen[i]) {
				char name[32];

				snprintf(name, sizeof(name), "d/%d", i);
				unlink(name);
			}
	}
	R(rmdir("d"));
	R(next(fd, 1024));
	lseek(fd, 0, SEEK_SET);
	R(next(fd, 1024));
}

CASE(create_while_reading)
{
	int fd, old = 0;

	make_many(0, 1000);
	reset();
	fd = open("d", O_RDONLY);
	next(fd, 2048);
	make_many(1000, MANY);
	while (next(fd, 2048) > 0)
		;
	for (int i = 0; i < 1000; i++)
		old += seen[i] != 0;
	V(old);
	V(twice);
	close(fd);
	remove_many(0, MANY, 1);
	R(rmdir("d"));
}

CASE(seek_and_tell)
{
	DIR *dir;
	struct dirent *entry;
	long places[50];
	char names[50][16];
	int wrong = 0;

	make_many(0, 200);
	dir = opendir("d");
	for (int i = 0; i < 50; i++) {
		places[i] = telldir(dir);
		entry = readdir(dir);
		snprintf(names[i], sizeof(names[i]), "%.15s", entry->d_name);
	}
	for (int i = 49; i >= 0; i -= 7) {
		seekdir(dir, places[i]);
		entry = readdir(dir);
		wrong += !entry || strncmp(entry->d_name, names[i], 15) != 0;
	}
	V(wrong);
	rewinddir(dir);
	entry = readdir(dir);
	T(entry && !strcmp(entry->d_name, names[0]));
	closedir(dir);
}

CASE(entry_types)
{
	DIR *dir;
	struct dirent *entry;
	const char *names[] = {"dir", "fifo", "file", "link", "null", "sock", ".", ".."};
	struct stat st;

	mkdir("d", 0755);
	mkdir("d/dir", 0755);
	put("d/file", "");
	symlink("x", "d/link");
	mknod("d/fifo", S_IFIFO | 0600, 0);
	mknod("d/sock", S_IFSOCK | 0600, 0);
	mknod("d/null", S_IFCHR | 0600, 0x103);
	dir = opendir("d");
	for (unsigned i = 0; i < COUNT(names); i++) {
		char path[32];

		rewinddir(dir);
		while ((entry = readdir(dir)) && strcmp(entry->d_name, names[i]))
			;
		snprintf(path, sizeof(path), "d/%s", names[i]);
		lstat(path, &st);
		if (!entry)
			say("%s: not there", names[i]);
		else
			say("%s: type %d, same inode %d", names[i], entry->d_type,
				entry->d_ino == st.st_ino);
	}
}

CASE(errors)
{
	char b[512];
	int fd;

	mkdir("d", 0755);
	put("f", "");
	fd = open("d", O_RDONLY);
	R(sc(getdents64, fd, b, 8) > 0);
	R(sc(getdents64, fd, b, 0));
	R(sc(getdents64, fd, BAD_PTR, 512));
	R(sc(getdents64, fd, b, 512));
	R(sc(getdents64, fd, b, 512));
	R(sc(getdents64, 99, b, 512));
	R(sc(getdents64, 0, b, 512));
	R(sc(getdents64, open("f", O_RDONLY), b, 512));
	R(sc(getdents64, open("d", O_PATH), b, 512));
	R(lseek(fd, -1, SEEK_SET));
	R(lseek(fd, 0, SEEK_SET));
	R(sc(getdents, fd, b, 512) > 0);
	R(rmdir("d"));
	R(sc(getdents64, fd, b, 512));
	R(lseek(fd, 0, SEEK_SET));
	R(sc(getdents64, fd, b, 512));
	R(openat(fd, "x", O_RDWR | O_CREAT, 0644));
	R(openat(fd, ".", O_RDONLY));
	R(openat(fd, "..", O_RDONLY));
}

CASE(empty_and_nested)
{
	struct stat st;
	char path[400] = "";

	for (int i = 0; i < 60; i++) {
		strcat(path, i ? "/deep" : "deep");
		if (mkdir(path, 0755) < 0)
			say("%d: %s", i, errno_name(errno));
	}
	R(stat(path, &st));
	V(st.st_nlink);
	strcat(path, "/f");
	put(path, "down here");
	R(size_of(path));
	unlink(path);
	for (int i = 0; i < 60; i++) {
		*strrchr(path, '/') = 0;
		if (rmdir(path) < 0)
			say("%d: %s", i, errno_name(errno));
	}
	R(access("deep", F_OK));
}

CASE(link_counts)
{
	struct stat st;
	char name[32];

	mkdir("d", 0755);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "d/%d", i);
		mkdir(name, 0755);
	}
	stat("d", &st);
	V(st.st_nlink);
	put("f", "");
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "d/%d/f", i);
		link("f", name);
	}
	stat("f", &st);
	V(st.st_nlink);
	for (int i = 0; i < 100; i += 2) {
		snprintf(name, sizeof(name), "d/%d/f", i);
		unlink(name);
		snprintf(name, sizeof(name), "d/%d", i);
		rmdir(name);
	}
	stat("f", &st);
	V(st.st_nlink);
	stat("d", &st);
	V(st.st_nlink);
}
