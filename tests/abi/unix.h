/*
 * unix.h - what the chapters of AF_UNIX share: names, sockets that are bound, and how they look.
 */
#pragma once
#include "abi.h"

#include <poll.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/param.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

#define SIOCOUTQ_ 0x5411

static inline struct sockaddr_un named(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	strcpy(a.sun_path, path);
	return a;
}

static inline socklen_t abstract(struct sockaddr_un *a, const char *name)
{
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	strcpy(a->sun_path + 1, name);
	return offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name);
}

static inline void events(const char *what, int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT | POLLPRI | POLLRDHUP};

	poll(&p, 1, 0);
	say("%s: events %#x", what, p.revents);
}

static inline void show_name(
	const char *what, int result, const struct sockaddr_un *a, socklen_t len)
{
	if (result < 0)
		say("%s: %s", what, errno_name(errno));
	else if (len <= offsetof(struct sockaddr_un, sun_path))
		say("%s: family %d, length %d", what, a->sun_family, (int)len);
	else
		say("%s: family %d, length %d, '%s%s'", what, a->sun_family, (int)len,
			a->sun_path[0] ? "" : "@", a->sun_path[0] ? a->sun_path : a->sun_path + 1);
}

static inline void names(const char *what, int fd)
{
	struct sockaddr_un a;
	socklen_t len = sizeof(a);
	char text[64];
	int r;

	memset(&a, 0, sizeof(a));
	r = getsockname(fd, (struct sockaddr *)&a, &len);
	snprintf(text, sizeof(text), "%s own", what);
	show_name(text, r, &a, len);
	memset(&a, 0, sizeof(a));
	len = sizeof(a);
	r = getpeername(fd, (struct sockaddr *)&a, &len);
	snprintf(text, sizeof(text), "%s peer", what);
	show_name(text, r, &a, len);
}

static inline int bound(int type, const char *path)
{
	struct sockaddr_un a = named(path);
	int fd = socket(AF_UNIX, type, 0);

	if (bind(fd, (struct sockaddr *)&a, sizeof(a)))
		say("bind %s: %s", path, errno_name(errno));
	return fd;
}

static inline int listening(int type, const char *path, int backlog)
{
	int fd = bound(type, path);

	if (listen(fd, backlog))
		say("listen: %s", errno_name(errno));
	return fd;
}

static inline long connect_to(int fd, const char *path)
{
	struct sockaddr_un a = named(path);

	return connect(fd, (struct sockaddr *)&a, sizeof(a));
}
