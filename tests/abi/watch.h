/*
 * watch.h - events of inotify(7) as lines of text: cookies as the order in which they came.
 */
#pragma once
#include "abi.h"

#include <sys/inotify.h>

#ifndef IN_MASK_CREATE
#define IN_MASK_CREATE 0x10000000
#endif

static inline const char *event_names(uint32_t mask)
{
	static const struct {
		uint32_t bit;
		const char *name;
	} known[] = {{IN_ACCESS, "ACCESS"}, {IN_MODIFY, "MODIFY"}, {IN_ATTRIB, "ATTRIB"},
		{IN_CLOSE_WRITE, "CLOSE_WRITE"}, {IN_CLOSE_NOWRITE, "CLOSE_NOWRITE"},
		{IN_OPEN, "OPEN"}, {IN_MOVED_FROM, "MOVED_FROM"}, {IN_MOVED_TO, "MOVED_TO"},
		{IN_CREATE, "CREATE"}, {IN_DELETE, "DELETE"}, {IN_DELETE_SELF, "DELETE_SELF"},
		{IN_MOVE_SELF, "MOVE_SELF"}, {IN_UNMOUNT, "UNMOUNT"}, {IN_Q_OVERFLOW, "Q_OVERFLOW"},
		{IN_IGNORED, "IGNORED"}, {IN_ISDIR, "ISDIR"}};
	static char text[300];
	char *at = text;

	*at = '\0';
	for (size_t k = 0; k < COUNT(known); k++)
		if (mask & known[k].bit) {
			at += sprintf(at, "%s%s", at == text ? "" : "|", known[k].name);
			mask &= ~known[k].bit;
		}
	if (mask)
		sprintf(at, "|%#x", mask);
	return text;
}

static inline int cookie_number(uint32_t cookie)
{
	static uint32_t seen[100];
	static int count;

	if (!cookie)
		return 0;
	for (int k = 0; k < count; k++)
		if (seen[k] == cookie)
			return k + 1;
	if (count < (int)COUNT(seen))
		seen[count++] = cookie;
	return count;
}

static inline bool padded(const struct inotify_event *e)
{
	for (uint32_t k = (uint32_t)strlen(e->name); k < e->len; k++)
		if (e->name[k])
			return false;
	return true;
}

/* Prints the events in @buf; @brief: their kinds alone, equal ones in a row once. */
static inline void show_records(const char *what, const char *buf, ssize_t n, bool brief)
{
	char before[300] = "";
	ssize_t at = 0;

	while (at < n) {
		const struct inotify_event *e = (const void *)(buf + at);

		if (brief && strcmp(before, event_names(e->mask)))
			say("%s: wd %d %s", what, e->wd, event_names(e->mask));
		else if (!brief && e->len)
			say("%s: wd %d %s cookie %d len %u '%s' padded %d", what, e->wd,
				event_names(e->mask), cookie_number(e->cookie), e->len, e->name,
				padded(e));
		else if (!brief)
			say("%s: wd %d %s cookie %d", what, e->wd, event_names(e->mask),
				cookie_number(e->cookie));
		strcpy(before, event_names(e->mask));
		at += (ssize_t)(sizeof(*e) + e->len);
	}
	if (at != n)
		say("%s: cut off in the middle", what);
}

static inline void show_all(const char *what, int fd, bool brief)
{
	static char buf[1 << 16] __attribute__((aligned(8)));
	ssize_t n = read(fd, buf, sizeof(buf));

	if (n < 0)
		say("%s: %s", what, errno_name(errno));
	else
		show_records(what, buf, n, brief);
}

static inline void show_events(const char *what, int fd)
{
	show_all(what, fd, false);
}

static inline void show_kinds(const char *what, int fd)
{
	show_all(what, fd, true);
}
