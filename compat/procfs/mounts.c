/*
 * mounts.c - /proc/PID/mounts and mountinfo, of the reader's own namespace.
 */
#include "procfs.h"
#include <dev.h>

struct show_ctx {
	struct text *t;
	bool info;
};

static void text_options(struct text *t, const struct mount *m)
{
	static const struct {
		unsigned flag;
		const char *text;
	} option[] = {
		{MS_NOSUID, ",nosuid"},
		{MS_NODEV, ",nodev"},
		{MS_NOEXEC, ",noexec"},
		{MS_NOATIME, ",noatime"},
		{MS_NODIRATIME, ",nodiratime"},
		{MS_RELATIME, ",relatime"},
		{MS_NOSYMFOLLOW, ",nosymfollow"},
	};

	text_add(t, "%s", (m->flags | m->sb->flags) & MS_RDONLY ? "ro" : "rw");
	for (unsigned i = 0; i < ARRAY_SIZE(option); i++)
		if (m->flags & option[i].flag)
			text_add(t, "%s", option[i].text);
}

/* What the file system adds: ",size=..." */
static void text_super_options(struct text *t, struct super *sb)
{
	char buf[256] = "";

	if (sb->flags & MS_SYNCHRONOUS)
		text_add(t, ",sync");
	if (sb->ops->show_options)
		sb->ops->show_options(sb, buf, sizeof(buf));
	text_add(t, "%s", buf);
}

static int show_one(struct mount *m, void *arg)
{
	struct show_ctx *c = arg;
	struct text *t = c->t;
	const struct path at = {.mnt = m, .dentry = m->root};
	struct path root = {.mnt = m, .dentry = m->sb->root};
	const char *source = *m->source ? m->source : "none";

	if (!c->info) {
		text_escaped(t, source);
		text_add(t, " ");
		text_path(t, &at, true);
		text_add(t, " %s ", m->sb->type->name);
		text_options(t, m);
		text_super_options(t, m->sb);
		text_add(t, " 0 0\n");
		return 0;
	}
	text_add(t, "%d %d %u:%u ", m->id, m->parent->id, MAJOR(m->sb->dev), MINOR(m->sb->dev));
	if (m->root == root.dentry) {
		text_add(t, "/");
	} else {
		char *buf = kmalloc(PATH_MAX, GFP_KERNEL);
		char *s = buf ? path_name(&(struct path){m, m->root}, &root, buf, PATH_MAX) : NULL;

		text_escaped(t, s ? s : "/");
		kfree(buf);
	}
	text_add(t, " ");
	text_path(t, &at, true);
	text_add(t, " ");
	text_options(t, m);
	text_add(t, " - %s ", m->sb->type->name);
	text_escaped(t, source);
	text_add(t, " %s", sb_rdonly(m->sb) ? "ro" : "rw");
	text_super_options(t, m->sb);
	text_add(t, "\n");
	return 0;
}

int proc_show_mounts(struct text *t, const struct proc_node *n)
{
	struct show_ctx c = {t, false};

	(void)n;
	return vfs_for_each_mount(show_one, &c);
}

int proc_show_mountinfo(struct text *t, const struct proc_node *n)
{
	struct show_ctx c = {t, true};

	(void)n;
	return vfs_for_each_mount(show_one, &c);
}
