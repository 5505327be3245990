/*
 * mounts.c - /proc/PID/mounts and mountinfo: the namespace of the process, names as it sees them.
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

/* The mount's place as the process sees it; without @root: what of its file system it shows. */
static void text_place(struct text *t, const struct path *at, const struct path *root)
{
	char *buf = kmalloc(PATH_MAX, GFP_KERNEL);
	char *s = NULL;

	if (!buf)
		t->err = -ENOMEM;
	else if (root)
		s = path_name(at, root, buf, PATH_MAX);
	else
		s = dentry_name(at->dentry, buf, PATH_MAX);
	text_escaped(t, s ? s : "/");
	kfree(buf);
}

static void text_propagation(struct text *t, const struct mount *m, const struct path *root)
{
	struct mount_propagation p;

	mount_propagation(m, root, &p);
	if (p.shared)
		text_add(t, " shared:%u", p.shared);
	if (p.master)
		text_add(t, " master:%u", p.master);
	if (p.from)
		text_add(t, " propagate_from:%u", p.from);
	if (m->unbindable)
		text_add(t, " unbindable");
}

static int show_mount(struct mount *m, const struct path *root, void *arg)
{
	struct text *t = arg;
	const struct path at = {.mnt = m, .dentry = m->root};

	text_escaped(t, *m->source ? m->source : "none");
	text_add(t, " ");
	text_place(t, &at, root);
	text_add(t, " %s ", m->sb->type->name);
	text_options(t, m);
	text_super_options(t, m->sb);
	text_add(t, " 0 0\n");
	return 0;
}

static int show_info(struct mount *m, const struct path *root, void *arg)
{
	struct text *t = arg;
	const struct path at = {.mnt = m, .dentry = m->root};

	text_add(t, "%d %d %u:%u ", m->id, m->parent->id, MAJOR(m->sb->dev), MINOR(m->sb->dev));
	text_place(t, &at, NULL);
	text_add(t, " ");
	text_place(t, &at, root);
	text_add(t, " ");
	text_options(t, m);
	text_propagation(t, m, root);
	text_add(t, " - %s ", m->sb->type->name);
	text_escaped(t, *m->source ? m->source : "none");
	text_add(t, " %s", sb_rdonly(m->sb) ? "ro" : "rw");
	text_super_options(t, m->sb);
	text_add(t, "\n");
	return 0;
}

static int show(struct text *t, const struct proc_node *n,
	int (*one)(struct mount *m, const struct path *root, void *arg))
{
	struct task *task = proc_node_task(n);
	struct fs_context *fs = task ? task_fs_get(task) : NULL;
	int err;

	if (task)
		task_put(task);
	if (!fs)
		return -EINVAL; /* it has exited */
	err = vfs_for_each_mount(fs, one, t);
	fs_context_put(fs);
	return err;
}

int proc_show_mounts(struct text *t, const struct proc_node *n)
{
	return show(t, n, show_mount);
}

int proc_show_mountinfo(struct text *t, const struct proc_node *n)
{
	return show(t, n, show_info);
}
