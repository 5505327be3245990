/*
 * watches - files are watched, changed and no longer watched all at once.
 *
 *   watches SECONDS DIR   threads that change names and files in DIR, threads that add and remove
 *                         watches of them, and readers that check what they are told
 *   watches mounts N DIR  N times: mount, watch from two threads, unmount while one gives up
 *   watches limits N DIR  N watches and N instances can be made, one more cannot
 *
 * What a reader checks: records are whole and their names padded, events are of the kinds asked
 * for, nothing follows IN_IGNORED of a watch. Exits with 0 when all held; prints how many events.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MUST(cond)                                                                                 \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "watches: line %d: %s (errno %d)\n", __LINE__, #cond,      \
				errno);                                                            \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

enum { CHANGERS = 3, WATCHERS = 3, NAMES = 6, NUMBERS = 1 << 16 };

static const char *top;
static time_t until;
static atomic_ulong events;

struct dice {
	uint64_t state;
};

static unsigned roll(struct dice *d, unsigned sides)
{
	d->state ^= d->state << 13;
	d->state ^= d->state >> 7;
	d->state ^= d->state << 17;
	return (unsigned)(d->state >> 20) % sides;
}

static const char *some_name(struct dice *d, char buf[256])
{
	static const char *const parts[] = {"a", "b_name_that_is_longer_than_others"};

	snprintf(buf, 256, "%s/%s/%s%u", top, roll(d, 2) ? "one" : "two", parts[roll(d, 2)],
		roll(d, NAMES));
	return buf;
}

static void change_once(struct dice *d)
{
	char a[256], b[256];
	int fd;

	some_name(d, a);
	some_name(d, b);
	switch (roll(d, 9)) {
	case 0:
	case 1:
		fd = open(a, O_CREAT | O_RDWR, 0644);
		if (fd >= 0) {
			write(fd, "text", 4);
			pread(fd, b, 4, 0);
			close(fd);
		}
		break;
	case 2:
		unlink(a);
		break;
	case 3:
		mkdir(a, 0755);
		break;
	case 4:
		rmdir(a);
		break;
	case 5:
		rename(a, b);
		break;
	case 6:
		link(a, b);
		break;
	case 7:
		chmod(a, 0600 + roll(d, 0200));
		break;
	default:
		syscall(316, AT_FDCWD, a, AT_FDCWD, b, 2); /* renameat2, RENAME_EXCHANGE */
	}
}

static void *changer(void *arg)
{
	struct dice d = {(uintptr_t)arg * 0x9e3779b97f4a7c15};

	while (time(NULL) < until)
		for (int k = 0; k < 100; k++)
			change_once(&d);
	return NULL;
}

struct watcher {
	int fd;
	uint8_t ended[NUMBERS]; /* by number: IN_IGNORED was read */
};

static void check_one(struct watcher *w, const struct inotify_event *e)
{
	const uint32_t kinds = IN_ALL_EVENTS | IN_ISDIR | IN_IGNORED | IN_UNMOUNT;

	events++;
	if (e->mask == IN_Q_OVERFLOW) {
		MUST(e->wd == -1 && !e->len);
		return;
	}
	MUST(e->wd > 0 && e->wd < NUMBERS);
	MUST(!(e->mask & ~kinds));
	MUST(!w->ended[e->wd]);
	MUST(e->len % 16 == 0 && (!e->len || strlen(e->name) < e->len));
	MUST(!e->cookie || e->mask & IN_MOVE);
	w->ended[e->wd] = e->mask == IN_IGNORED;
}

static void read_all(struct watcher *w)
{
	static _Thread_local char buf[8192] __attribute__((aligned(8)));
	ssize_t n;

	while ((n = read(w->fd, buf, sizeof(buf))) > 0)
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *e = (const void *)(buf + at);

			check_one(w, e);
			at += (ssize_t)(sizeof(*e) + e->len);
			MUST(at <= n);
		}
	MUST(errno == EAGAIN);
}

static void *watcher(void *arg)
{
	static const uint32_t flags[] = {0, IN_ONESHOT, IN_EXCL_UNLINK, IN_MASK_ADD};
	struct dice d = {(uintptr_t)arg * 0xda942042e4dd58b5};
	struct watcher *w = NULL;
	char name[256];
	int wd = 0;

	while (time(NULL) < until) {
		if (!w) {
			w = calloc(1, sizeof(*w));
			MUST(w);
			w->fd = inotify_init1(IN_NONBLOCK);
			MUST(w->fd >= 0);
		}
		for (int k = 0; k < 20; k++) {
			some_name(&d, name);
			if (!roll(&d, 4))
				*strrchr(name, '/') = '\0';
			wd = inotify_add_watch(w->fd, name, IN_ALL_EVENTS | flags[roll(&d, 4)]);
			MUST(wd > 0 || errno == ENOENT || errno == ENOTDIR || errno == EACCES);
		}
		if (wd > 0 && inotify_rm_watch(w->fd, 1 + (int)roll(&d, (unsigned)wd)) < 0)
			MUST(errno == EINVAL);
		if (roll(&d, 3))
			read_all(w);
		if (!roll(&d, 200) || wd > NUMBERS - 100) {
			close(w->fd);
			free(w);
			w = NULL;
			wd = 0;
		}
	}
	if (w)
		close(w->fd);
	free(w);
	return NULL;
}

static int all_at_once(int seconds)
{
	pthread_t t[CHANGERS + WATCHERS];
	char name[256];

	until = time(NULL) + seconds;
	for (int k = 0; k < 2; k++) {
		snprintf(name, sizeof(name), "%s/%s", top, k ? "one" : "two");
		MUST(!mkdir(name, 0755));
	}
	for (uintptr_t k = 0; k < CHANGERS + WATCHERS; k++)
		MUST(!pthread_create(
			&t[k], NULL, k < CHANGERS ? changer : watcher, (void *)(k + 1)));
	for (int k = 0; k < CHANGERS + WATCHERS; k++)
		pthread_join(t[k], NULL);
	printf("events %lu\n", events);
	return 0;
}

static void *give_up(void *arg)
{
	close((int)(intptr_t)arg);
	return NULL;
}

static int mounts(int count)
{
	char name[256];
	struct inotify_event e;

	for (int k = 0; k < count; k++) {
		int keeps = inotify_init1(IN_NONBLOCK), gives_up = inotify_init();
		pthread_t t;

		MUST(!mount("none", top, "tmpfs", 0, NULL));
		for (int n = 0; n < 20; n++) {
			snprintf(name, sizeof(name), "%s/%d", top, n);
			MUST(!mkdir(name, 0755));
			MUST(inotify_add_watch(gives_up, name, IN_ALL_EVENTS) > 0);
		}
		MUST(inotify_add_watch(keeps, name, IN_CREATE) == 1);
		MUST(!pthread_create(&t, NULL, give_up, (void *)(intptr_t)gives_up));
		MUST(!umount(top));
		MUST(read(keeps, &e, sizeof(e)) == sizeof(e));
		MUST(e.wd == 1 && e.mask == (IN_UNMOUNT | IN_ISDIR));
		pthread_join(t, NULL);
		close(keeps);
	}
	return 0;
}

static int limits(int count)
{
	int in = inotify_init1(IN_NONBLOCK);
	char name[256];

	for (int n = 0; n <= count; n++) {
		snprintf(name, sizeof(name), "%s/%d", top, n);
		MUST(!mkdir(name, 0755));
		MUST(inotify_add_watch(in, name, IN_OPEN) == (n < count ? n + 1 : -1));
	}
	MUST(errno == ENOSPC);
	MUST(!inotify_rm_watch(in, 1));
	MUST(inotify_add_watch(in, name, IN_OPEN) > count);
	for (int n = 1; n < count; n++)
		MUST(inotify_init() >= 0);
	MUST(inotify_init() == -1 && errno == EMFILE);
	return 0;
}

int main(int argc, char **argv)
{
	MUST(argc == 3 || argc == 4);
	top = argv[argc - 1];
	if (argc == 4 && !strcmp(argv[1], "limits"))
		return limits(atoi(argv[2]));
	return argc == 4 ? mounts(atoi(argv[2])) : all_at_once(atoi(argv[1]));
}
