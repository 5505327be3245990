/*
 * mounts_test.c - mount namespaces and the propagation of mounts: bind, move, unmount, copies.
 *
 * Each case works in a mount namespace of its own, in which all is private, on a tmpfs below its
 * directory. What mountinfo says is printed in the order of places, the numbers of groups by their
 * first appearance.
 */
#include "abi.h"

#include <sched.h>
#include <sys/mount.h>

static char world[PATH_MAX];

static void show_errno(const char *what)
{
	say("%s: %s", what, errno_name(errno));
}

/* A tmpfs as the whole visible world, private. */
static void begin(void)
{
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		show_errno("no namespace");
	if (!getcwd(world, sizeof(world)) || mount("world", world, "tmpfs", 0, NULL) < 0 ||
		chdir(world) < 0)
		show_errno("no world");
}

/* ---- what mountinfo says ---- */

struct line {
	int id, parent, depth;
	char root[64], place[160], tags[96], type[24];
};
static struct line lines[160];
static unsigned line_count;
static int known_groups[200];
static unsigned group_count;

static int group_name(int id)
{
	for (unsigned i = 0; i < group_count; i++)
		if (known_groups[i] == id)
			return (int)i + 1;
	known_groups[group_count++] = id;
	return (int)group_count;
}

static int by_place(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	int order = strcmp(x->place, y->place);

	return order ? order : x->depth - y->depth;
}

static int depth_of(int id)
{
	for (unsigned i = 0; i < line_count; i++)
		if (lines[i].id == id && lines[i].parent != id)
			return 1 + depth_of(lines[i].parent);
	return 0;
}

static void read_mountinfo(const char *file)
{
	FILE *f = fopen(file, "r");
	char text[1024], place[512];
	size_t n = strlen(world);

	line_count = 0;
	while (f && fgets(text, sizeof(text), f) && line_count < COUNT(lines)) {
		struct line *l = &lines[line_count];
		char *dash = strstr(text, " - ");
		int at = 0;

		if (!dash || sscanf(text, "%d %d %*s %63s %511s %*s%n", &l->id, &l->parent, l->root,
				     place, &at) < 4)
			continue;
		*dash = 0;
		sscanf(dash + 3, "%23s", l->type);
		snprintf(l->tags, sizeof(l->tags), "%s", text + at);
		if (strncmp(place, world, n) != 0 || (place[n] && place[n] != '/'))
			continue;
		snprintf(l->place, sizeof(l->place), ".%s", place + n);
		line_count++;
	}
	if (f)
		fclose(f);
	for (unsigned i = 0; i < line_count; i++)
		lines[i].depth = depth_of(lines[i].id);
	qsort(lines, line_count, sizeof(lines[0]), by_place);
}

/* " shared:17 master:3" with the numbers by which they were first met. */
static void tags_text(const char *tags, char *out, size_t size)
{
	char copy[96];
	size_t at = 0;

	out[0] = 0;
	snprintf(copy, sizeof(copy), "%s", tags);
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " ")) {
		char *colon = strchr(word, ':');

		if (colon)
			at += (size_t)snprintf(out + at, size - at, " %.*s:%d", (int)(colon - word),
				word, group_name(atoi(colon + 1)));
		else
			at += (size_t)snprintf(out + at, size - at, " %s", word);
	}
}

static void show_in(const char *title, const char *file)
{
	char tags[128];

	read_mountinfo(file);
	say("-- %s", title);
	for (unsigned i = 0; i < line_count; i++) {
		tags_text(lines[i].tags, tags, sizeof(tags));
		say("%s %s %s%s", lines[i].place, lines[i].root, lines[i].type, tags);
	}
}

static void show(const char *title)
{
	show_in(title, "/proc/self/mountinfo");
}

/* ---- short names for what the cases do ---- */

static int make_dir(const char *name)
{
	return mkdir(name, 0755);
}

static int tmpfs_on(const char *place)
{
	return mount("t", place, "tmpfs", 0, NULL);
}

/* A tmpfs on a new folder with a folder d in it, of one kind. */
static void make_mount(const char *place, unsigned long kind)
{
	char inside[64];

	make_dir(place);
	if (tmpfs_on(place) < 0 || (kind && mount("none", place, NULL, kind, NULL) < 0))
		show_errno(place);
	snprintf(inside, sizeof(inside), "%s/d", place);
	make_dir(inside);
}

static int bind_to(const char *from, const char *to)
{
	return mount(from, to, NULL, MS_BIND, NULL);
}

static int rbind_to(const char *from, const char *to)
{
	return mount(from, to, NULL, MS_BIND | MS_REC, NULL);
}

static int move_to(const char *from, const char *to)
{
	return mount(from, to, NULL, MS_MOVE, NULL);
}

static int kind_of(const char *place, unsigned long kind)
{
	return mount("none", place, NULL, kind, NULL);
}

/* `to` becomes a slave of the shared mount `from`. */
static void make_slave_of(const char *from, const char *to)
{
	make_dir(to);
	if (bind_to(from, to) < 0 || kind_of(to, MS_SLAVE) < 0)
		show_errno(to);
}

static const struct {
	const char *name;
	unsigned long kind;
} kinds[] = {{"shared", MS_SHARED}, {"private", MS_PRIVATE}, {"slave", MS_SLAVE},
	{"unbindable", MS_UNBINDABLE}};

/* A source and a destination of the given kinds: ./s with ./s/d, ./t with ./t/d. */
static void make_pair(unsigned long source, unsigned long target)
{
	if (source == MS_SLAVE) {
		make_mount("master", MS_SHARED);
		make_slave_of("master", "s");
	} else {
		make_mount("s", source);
	}
	make_mount("t", target);
	make_dir("peer");
	bind_to("t", "peer");
}

/* ---- bind and move ---- */

static void matrix(bool moving, unsigned long target)
{
	for (unsigned k = 0; k < COUNT(kinds); k++) {
		pid_t pid = abi_fork();

		if (pid == 0) {
			char title[64];

			begin();
			make_pair(kinds[k].kind, target);
			snprintf(title, sizeof(title), "%s", kinds[k].name);
			say("== %s", title);
			if (moving)
				R(move_to("s", "t/d"));
			else
				R(bind_to("s", "t/d"));
			show(title);
			_exit(0);
		}
		abi_reap("world", pid);
	}
}

CASE(bind_to_a_shared_mount)
{
	matrix(false, MS_SHARED);
}

CASE(bind_to_a_private_mount)
{
	matrix(false, MS_PRIVATE);
}

CASE(move_to_a_shared_mount)
{
	matrix(true, MS_SHARED);
}

CASE(move_to_a_private_mount)
{
	matrix(true, MS_PRIVATE);
}

CASE(bind_part_of_a_file_system)
{
	begin();
	make_mount("a", MS_SHARED);
	make_dir("a/d/e");
	make_dir("a/x");
	make_dir("b");
	R(bind_to("a/d", "b"));
	show("part");
	R(tmpfs_on("a/d/e"));
	R(tmpfs_on("a/x"));
	show("only what lies in it is passed on");
	put("file", "text");
	put("other", "");
	R(bind_to("file", "other"));
	show_file("other");
	R(bind_to("file", "b"));
	R(bind_to("b", "file"));
	show("a file");
}

CASE(rbind_leaves_out_the_unbindable)
{
	begin();
	make_mount("a", MS_SHARED);
	make_dir("a/u");
	R(tmpfs_on("a/d"));
	R(tmpfs_on("a/u"));
	make_dir("a/u/below");
	R(tmpfs_on("a/u/below"));
	R(kind_of("a/u", MS_UNBINDABLE));
	make_dir("b");
	make_dir("c");
	R(bind_to("a/u", "c"));
	R(bind_to("a", "c"));
	R(rbind_to("a", "b"));
	R(bind_to("a/u/below", "c"));
	show("copies");
	R(kind_of("a/u", MS_SHARED));
	R(bind_to("a/u", "c"));
	show("bindable again");
}

CASE(rbind_into_itself)
{
	begin();
	make_mount("a", MS_SHARED);
	make_dir("a/d/e");
	R(rbind_to("a", "a/d"));
	show("once");
	R(rbind_to("a", "a/d/d"));
	show("twice");
}

CASE(move_errors)
{
	begin();
	make_mount("p", MS_SHARED);
	R(tmpfs_on("p/d"));
	make_dir("to");
	make_dir("to/deep");
	R(move_to("p/d", "to"));
	R(kind_of("p", MS_PRIVATE));
	R(move_to("p/d", "to"));
	R(move_to("to/deep", "p"));
	make_dir("to/in");
	R(move_to("to", "to/in"));
	R(move_to("/", "to/in"));
	R(move_to("nothing", "to"));
	R(move_to("to", "nothing"));
	R(kind_of("to", MS_UNBINDABLE));
	make_mount("s", MS_SHARED);
	R(move_to("to", "s/d"));
	R(move_to("to", "p/d"));
	put("file", "");
	R(move_to("p/d", "file"));
	show("end");
}

/* ---- what peers and slaves get ---- */

CASE(peers_give_each_other_mounts)
{
	begin();
	make_mount("a", MS_SHARED);
	make_dir("b");
	make_dir("c");
	bind_to("a", "b");
	bind_to("b", "c");
	show("peers");
	R(tmpfs_on("b/d"));
	show("mounted on one");
	R(umount("c/d"));
	show("unmounted from another");
	R(tmpfs_on("a/d"));
	R(kind_of("b", MS_PRIVATE));
	R(umount("b/d"));
	show("one left");
	R(umount("a/d"));
	R(umount("c"));
	R(umount("a"));
	show("gone");
}

CASE(slaves_only_receive)
{
	begin();
	make_mount("a", MS_SHARED);
	make_slave_of("a", "b");
	make_slave_of("a", "c");
	kind_of("c", MS_SHARED);
	make_dir("c2");
	bind_to("c", "c2");
	make_slave_of("c", "e");
	show("chain");
	R(tmpfs_on("a/d"));
	show("from the top");
	make_dir("a/d/x");
	R(tmpfs_on("a/d/x"));
	show("and below it");
	R(umount("a/d/x"));
	R(umount("a/d"));
	R(tmpfs_on("c/d"));
	R(tmpfs_on("b/d"));
	R(tmpfs_on("e/d"));
	show("from below");
	R(tmpfs_on("a/d"));
	show("slips under what is there");
	R(umount("a/d"));
	show("and out again");
}

CASE(mounts_slip_under_peers)
{
	begin();
	make_mount("a", MS_SHARED);
	make_slave_of("a", "b");
	R(tmpfs_on("b/d"));
	put("b/d/mine", "");
	make_mount("tree", 0);
	R(tmpfs_on("tree/d"));
	put("tree/name", "");
	R(rbind_to("tree", "a/d"));
	show("under");
	R(access("b/d/mine", F_OK));
	R(umount("b/d"));
	R(access("b/d/name", F_OK));
	R(umount2("a/d", MNT_DETACH));
	show("all gone");
}

CASE(a_receiver_with_mounts_below_keeps_it)
{
	begin();
	make_mount("a", MS_SHARED);
	make_slave_of("a", "b");
	R(tmpfs_on("a/d"));
	make_dir("b/d/own");
	R(kind_of("b/d", MS_PRIVATE));
	R(tmpfs_on("b/d/own"));
	R(umount("a/d"));
	show("kept");
	R(umount("b/d/own"));
	R(umount("b/d"));
	R(tmpfs_on("a/d"));
	int fd = open("b/d", O_RDONLY | O_DIRECTORY);
	R(umount("a/d"));
	close(fd);
	R(umount("a/d"));
	show("busy, then gone");
}

CASE(lazy_unmount_of_a_tree)
{
	begin();
	make_mount("a", MS_SHARED);
	make_dir("b");
	bind_to("a", "b");
	make_slave_of("a", "c");
	R(tmpfs_on("a/d"));
	make_dir("a/d/1");
	make_dir("a/d/2");
	R(tmpfs_on("a/d/1"));
	R(tmpfs_on("a/d/2"));
	make_dir("c/d/2/own");
	R(kind_of("c/d/2", MS_PRIVATE));
	R(tmpfs_on("c/d/2/own"));
	R(umount("a/d"));
	R(umount2("b/d", MNT_DETACH));
	show("what has something of its own stays");
	R(umount2("a", MNT_DETACH));
	show("a alone");
	R(umount2("nothing", MNT_DETACH));
	R(umount2("c/d", 64));
	R(umount2("c/d", MNT_EXPIRE | MNT_DETACH));
}

/* ---- changing the kind ---- */

CASE(kinds_change)
{
	begin();
	make_mount("a", 0);
	show("private");
	R(kind_of("a", MS_SLAVE));
	show("a private one cannot be a slave");
	R(kind_of("a", MS_SHARED));
	R(kind_of("a", MS_SLAVE));
	show("nor one without peers");
	R(kind_of("a", MS_SHARED));
	make_dir("b");
	bind_to("a", "b");
	R(kind_of("b", MS_SLAVE));
	R(kind_of("b", MS_SHARED));
	show("shared and slave");
	R(kind_of("b", MS_SLAVE));
	show("without peers: slave again");
	R(kind_of("b", MS_UNBINDABLE));
	show("unbindable");
	R(kind_of("b", MS_SLAVE));
	R(kind_of("b", MS_SHARED));
	show("shared");
	R(kind_of("b", MS_PRIVATE));
	show("end");
}

CASE(slaves_are_handed_on)
{
	begin();
	make_mount("a", MS_SHARED);
	make_slave_of("a", "b");
	kind_of("b", MS_SHARED);
	make_slave_of("b", "c");
	make_slave_of("b", "e");
	show("a, b below it, c and e below that");
	R(umount("b"));
	show("without b");
	R(tmpfs_on("a/d"));
	show("they hear of it from a");
	R(umount("a/d"));
	R(kind_of("a", MS_PRIVATE));
	show("the last of a's group leaves");
}

CASE(kinds_of_whole_trees)
{
	begin();
	make_mount("a", 0);
	R(tmpfs_on("a/d"));
	make_dir("a/d/e");
	R(tmpfs_on("a/d/e"));
	R(kind_of("a", MS_SHARED | MS_REC));
	show("all shared");
	make_dir("b");
	R(rbind_to("a", "b"));
	R(kind_of("b", MS_SLAVE | MS_REC));
	show("all slaves");
	R(kind_of("b/d", MS_PRIVATE));
	R(kind_of("a", MS_UNBINDABLE | MS_REC | MS_SILENT));
	show("the originals unbindable");
}

CASE(kind_errors)
{
	begin();
	make_mount("a", 0);
	R(kind_of("a", MS_SHARED | MS_PRIVATE));
	R(kind_of("a", MS_SHARED | MS_RDONLY));
	R(kind_of("a/d", MS_SHARED));
	R(kind_of("nothing", MS_SHARED));
	R(mount(NULL, "a", NULL, MS_SHARED | MS_BIND, NULL));
	R(mount("a/d", "a", NULL, MS_PRIVATE | MS_SLAVE | MS_BIND, NULL));
	show("bind wins");
	R(umount("a"));
	drop_to(1234, 1234);
	R(kind_of("a", MS_SHARED));
	R(tmpfs_on("a"));
	R(umount("a"));
	R(unshare(CLONE_NEWNS));
}

CASE(propagate_from_tells_of_groups_in_sight)
{
	begin();
	make_mount("a", MS_SHARED);
	make_dir("a/jail");
	make_slave_of("a", "b");
	kind_of("b", MS_SHARED);
	make_slave_of("b", "c");
	make_dir("c/jail/proc");
	R(mount("proc", "c/jail/proc", "proc", 0, NULL));
	make_dir("c/jail/a");
	R(bind_to("a", "c/jail/a"));
	R(bind_to("c/jail", "c/jail"));
	R(bind_to("a", "c/jail/a"));
	R(chroot("c/jail"));
	R(chdir("/"));
	FILE *f = fopen("/proc/self/mountinfo", "r");
	char text[1024];

	while (f && fgets(text, sizeof(text), f)) {
		char place[256] = "", tags[128], *dash = strstr(text, " - ");
		int at = 0;

		sscanf(text, "%*d %*d %*s %*s %255s %*s%n", place, &at);
		if (!dash)
			continue;
		*dash = 0;
		tags_text(text + at, tags, sizeof(tags));
		say("%s%s", place, tags);
	}
}

/* ---- namespaces ---- */

static int step[2], answer[2];

static void hand_over(int to[2])
{
	if (write(to[1], "", 1) != 1)
		say("no turn");
}

static void await_turn(int from[2])
{
	char byte;

	if (read(from[0], &byte, 1) != 1)
		say("no turn");
}

CASE(a_new_namespace_is_a_copy)
{
	int status;

	begin();
	make_mount("shared", MS_SHARED);
	make_mount("private", MS_PRIVATE);
	make_mount("unbindable", 0);
	make_slave_of("shared", "slave");
	if (pipe(step) < 0 || pipe(answer) < 0)
		show_errno("pipe");
	pid_t pid = fork();
	if (pid == 0) {
		R(unshare(CLONE_NEWNS));
		show("the copy");
		hand_over(answer);
		await_turn(step);
		show("after mounts in the other");
		R(tmpfs_on("slave/d"));
		R(umount("shared/d"));
		R(tmpfs_on("private/d"));
		hand_over(answer);
		await_turn(step);
		R(kind_of("shared", MS_SLAVE));
		show("now a slave of the other");
		_exit(0);
	}
	await_turn(answer);
	R(tmpfs_on("shared/d"));
	R(tmpfs_on("private/d"));
	hand_over(step);
	await_turn(answer);
	show("here, after mounts there");
	hand_over(step);
	waitpid(pid, &status, 0);
	show_status("child", status);
	show("here, alone again");
}

static int in_new_namespace(void *arg)
{
	(void)arg;
	R(tmpfs_on("a/d"));
	R(chdir("a"));
	show("made by clone");
	return 7;
}

CASE(clone_with_a_namespace)
{
	static char stack[65536] __attribute__((aligned(16)));
	int status;

	begin();
	make_mount("a", 0);
	R(clone(in_new_namespace, stack + sizeof(stack), CLONE_NEWNS | CLONE_FS | SIGCHLD, NULL));
	pid_t pid = clone(in_new_namespace, stack + sizeof(stack), CLONE_NEWNS | SIGCHLD, NULL);
	waitpid(pid, &status, 0);
	show_status("child", status);
	show("untouched");
}

CASE(unbindable_mounts_are_copied_into_a_namespace)
{
	begin();
	make_mount("a", MS_UNBINDABLE);
	IN_CHILD
	{
		R(unshare(CLONE_NEWNS));
		R(access("a/d", F_OK));
	}
}

CASE(mounts_of_another_process)
{
	char file[PATH_MAX + 64];
	int status;

	begin();
	make_mount("a", 0);
	if (pipe(step) < 0 || pipe(answer) < 0)
		show_errno("pipe");
	pid_t pid = fork();
	if (pid == 0) {
		unshare(CLONE_NEWNS);
		tmpfs_on("a/d");
		hand_over(answer);
		await_turn(step);
		_exit(0);
	}
	await_turn(answer);
	snprintf(file, sizeof(file), "/proc/%d/mountinfo", pid);
	show_in("of the child", file);
	show("ours");
	snprintf(file, sizeof(file), "/proc/%d/root%s/a/d", pid, world);
	R(umount(file) ? -1 : 0);
	R(bind_to(file, "a"));
	hand_over(step);
	waitpid(pid, &status, 0);
}

CASE(a_place_in_another_namespace_can_be_removed)
{
	int status;

	begin();
	make_mount("a", 0);
	make_dir("a/dir");
	put("a/file", "");
	put("a/new", "");
	if (pipe(step) < 0 || pipe(answer) < 0)
		show_errno("pipe");
	pid_t pid = fork();
	if (pid == 0) {
		unshare(CLONE_NEWNS);
		R(tmpfs_on("a/d"));
		R(tmpfs_on("a/dir"));
		R(bind_to("a/new", "a/file"));
		R(rmdir("a/d"));
		R(unlink("a/file"));
		R(rename("a/new", "a/file"));
		R(rename("a/dir", "a/dir2"));
		hand_over(answer);
		await_turn(step);
		show("there");
		_exit(0);
	}
	await_turn(answer);
	R(rmdir("a/d"));
	R(rename("a/new", "a/file"));
	R(rename("a/dir", "a/dir2"));
	hand_over(step);
	waitpid(pid, &status, 0);
	show_status("child", status);
}

CASE(pivot_root_rules)
{
	begin();
	make_mount("new", 0);
	make_dir("new/old");
	make_dir("plain");
	R(sc(pivot_root, "plain", "plain"));
	R(sc(pivot_root, "new", "plain"));
	R(sc(pivot_root, ".", "."));
	kind_of("new", MS_SHARED);
	R(sc(pivot_root, "new", "new/old"));
	kind_of("new", MS_PRIVATE);
	put("file", "");
	R(sc(pivot_root, "new", "file"));
	R(sc(pivot_root, "new", "new/old"));
	R(chdir("/"));
	R(access("/old/proc", F_OK));
	R(access("/d", F_OK));
	R(umount2("/old", MNT_DETACH));
	R(access("/old/proc", F_OK));
}

CASE(the_same_again)
{
	begin();
	make_dir("p");
	R(mount("proc", "p", "proc", 0, NULL));
	R(mount("proc", "p", "proc", 0, NULL));
	R(bind_to("p", "p"));
	R(tmpfs_on("p"));
	R(tmpfs_on("p"));
	show("stack");
	R(umount("p"));
	R(umount("p"));
	R(umount("p"));
	R(umount("p"));
	R(umount("p"));
}
