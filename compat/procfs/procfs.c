/*
 * procfs.c - the file system that shows processes and the kernel's state as text.
 *
 * Objects. Each inode has a struct proc_node: which entry of which table it is, and the process,
 * thread and descriptor it speaks of. Inodes are made at lookup and live as long as somebody uses
 * their dentry; nothing is made beforehand. A node holds a reference to struct process, which
 * outlives the process itself: a file that was opened before the exit gives ESRCH afterwards.
 *
 * Text. A file's text is made at the first read and again when a read starts at position 0; reads
 * in between see one consistent text, however small their buffers.
 *
 * Staleness. Dentries below a process are revalidated at each walk: they are dropped when the
 * process (thread, descriptor) is gone.
 *
 * Locks. None of its own but the mutex of each opened text; the makers of texts take the locks of
 * the rooms they ask.
 */
#include "procfs.h"
#include <mutex.h>
#include <policy.h>
#include <printf.h>

static const struct inode_ops dir_ops, file_iops, link_ops, magic_ops;
static const struct file_ops dir_fops, text_fops;
static uint64_t next_ino = 2;

struct task *proc_node_task(const struct proc_node *n)
{
	struct task *t = task_find(n->tid ? n->tid : n->process->pid);

	if (t && t->process != n->process) {
		task_put(t);
		return NULL;
	}
	return t;
}

bool proc_may_look(const struct proc_node *n)
{
	struct task *t;
	bool ok;

	if (!n->process || n->process == current->process)
		return true;
	t = proc_node_task(n);
	if (!t)
		return false;
	ok = process_may_look(t, LOOK_FS, POLICY_SEE);
	task_put(t);
	return ok;
}

int proc_number(const char *s, unsigned len, uint32_t *out)
{
	uint32_t v = 0;
	unsigned i;

	if (!len || len > 9 || (len > 1 && s[0] == '0'))
		return -ENOENT;
	for (i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -ENOENT;
		v = v * 10 + (uint32_t)(s[i] - '0');
	}
	*out = v;
	return 0;
}

/* ---- inodes ---- */

static void set_owner(struct inode *i, const struct proc_node *n)
{
	struct task *t = n->process ? proc_node_task(n) : NULL;

	if (!t)
		return;
	rcu_read_lock();
	if (n->process->dumpable || S_ISDIR(i->mode)) {
		i->uid = rcu_dereference(t->cred)->euid;
		i->gid = rcu_dereference(t->cred)->egid;
	}
	rcu_read_unlock();
	task_put(t);
}

struct proc_inode {
	struct inode inode;
	struct proc_node node;
	char link[64]; /* text of a plain symlink */
};

struct inode *entry_alloc_inode(struct super *sb)
{
	struct proc_inode *pi = kzalloc(sizeof(*pi));

	(void)sb;
	return pi ? &pi->inode : NULL;
}

void entry_free_inode(struct inode *i)
{
	struct proc_inode *pi = container_of(i, struct proc_inode, inode);

	if (pi->node.process)
		process_put(pi->node.process);
	kfree(pi);
}

/* Consumes the references in @n also on failure. */
static int node_inode(struct super *sb, const struct proc_node *n, struct inode **out)
{
	const struct proc_entry *e = n->entry;
	struct inode *i = inode_new(sb);
	struct proc_inode *pi = container_of(i, struct proc_inode, inode);
	int err;

	if (!i) {
		if (n->process)
			process_put(n->process);
		return -ENOMEM;
	}
	pi->node = *n;
	i->private = &pi->node;
	i->ino = __atomic_fetch_add(&next_ino, 1, __ATOMIC_RELAXED);
	i->mode = e->mode;
	i->nlink = S_ISDIR(e->mode) ? 2 : 1;
	i->atime = i->mtime = i->ctime = time_now_coarse();
	i->ops = S_ISDIR(e->mode)   ? &dir_ops
		 : e->follow        ? &magic_ops
		 : S_ISLNK(e->mode) ? &link_ops
				    : &file_iops;
	i->fops = S_ISDIR(e->mode) ? &dir_fops : e->fops ? e->fops : &text_fops;
	set_owner(i, n);
	err = e->link ? e->link(n, pi->link, sizeof(pi->link)) : 0;
	if (err)
		inode_put(i);
	else
		*out = i;
	return err;
}

void entry_evict(struct inode *i)
{
	inode_clear(i);
}

/* ---- directories ---- */

static int find_child(
	const struct proc_node *dir, const char *name, unsigned len, struct proc_node *out)
{
	const struct proc_entry *e;

	for (e = dir->entry->children; e && e->name; e++) {
		if (strlen(e->name) != len || memcmp(e->name, name, len))
			continue;
		*out = (struct proc_node){.entry = e,
			.process = dir->process,
			.tid = e->link ? current->tid : dir->tid,
			.index = dir->index};
		if (out->process)
			process_get(out->process);
		return 0;
	}
	return dir->entry->dir ? dir->entry->dir->lookup(dir, name, len, out) : -ENOENT;
}

static int proc_lookup(struct inode *dir, struct dentry *d)
{
	struct proc_node n = {0};
	struct inode *i;
	int err = find_child(dir->private, d->name.name, d->name.len, &n);

	if (err)
		return err;
	err = node_inode(dir->sb, &n, &i);
	if (err)
		return err;
	d_add(d, i);
	return 0;
}

static bool node_is_current(const struct proc_node *n)
{
	struct task *t;

	if (!n->process)
		return true;
	if (READ_ONCE(n->process->flags) & PROC_REAPED)
		return false;
	if (!n->tid)
		return true;
	t = proc_node_task(n);
	if (t)
		task_put(t);
	return t;
}

/* What /proc/self says depends on who asks; a descriptor's number may mean another file by now. */
static int proc_revalidate(struct inode *i, bool rcu)
{
	const struct proc_node *n = i->private;

	if (n->entry->link)
		return n->tid == current->tid;
	if (n->entry->unsure)
		return rcu ? -ECHILD_WALK : 0;
	if (!n->process)
		return 1;
	if (rcu)
		return -ECHILD_WALK;
	return n->fd < 0 ? 0 : node_is_current(n);
}

#define DYNAMIC_POS 0x1000

static int proc_readdir(struct file *f, struct dir_context *ctx)
{
	const struct proc_node *n = f->inode->private;
	const struct proc_entry *children = n->entry->children;
	struct inode *parent = f->path.dentry->parent->inode;
	unsigned count = 0;
	char name[16];
	uint32_t key;
	mode_t mode;

	while (children && children[count].name)
		count++;
	if (ctx->pos == 0 && !ctx->emit(ctx, ".", 1, 1, f->inode->ino, DT_DIR))
		return 0;
	if (ctx->pos == 0)
		ctx->pos = 1;
	if (ctx->pos == 1 && !ctx->emit(ctx, "..", 2, 2, parent->ino, DT_DIR))
		return 0;
	if (ctx->pos == 1)
		ctx->pos = 2;
	for (; ctx->pos < 2 + (int64_t)count; ctx->pos++) {
		const struct proc_entry *e = &children[ctx->pos - 2];

		if (!ctx->emit(ctx, e->name, (unsigned)strlen(e->name), ctx->pos + 1,
			    (ino_t)ctx->pos, MODE_TO_DT(e->mode)))
			return 0;
	}
	if (!n->entry->dir)
		return 0;
	if (ctx->pos < DYNAMIC_POS)
		ctx->pos = DYNAMIC_POS;
	for (key = (uint32_t)(ctx->pos - DYNAMIC_POS); n->entry->dir->next(n, &key, name, &mode);
		key++) {
		if (!ctx->emit(ctx, name, (unsigned)strlen(name), DYNAMIC_POS + (int64_t)key + 1,
			    DYNAMIC_POS + key, MODE_TO_DT(mode)))
			return 0;
		ctx->pos = DYNAMIC_POS + (int64_t)key + 1;
	}
	return 0;
}

/* ---- links ---- */

static const char *proc_get_link(struct inode *i, bool rcu, int *err)
{
	(void)rcu;
	*err = 0;
	return container_of(i, struct proc_inode, inode)->link;
}

static int proc_follow(struct inode *i, struct path *out)
{
	const struct proc_node *n = i->private;

	int err = proc_may_look(n) ? n->entry->follow(n, out) : -EACCES;

	if (!err && !proc_may_look(n)) { /* it executed something privileged meanwhile */
		path_put(out);
		err = -EACCES;
	}
	return err;
}

/* ---- texts ---- */

struct text_file {
	struct mutex lock;
	struct text text;
};

static int text_open(struct inode *i, struct file *f)
{
	const struct proc_node *n = i->private;
	struct text_file *tf;

	if (n->entry->guarded && !proc_may_look(n))
		return -EACCES;
	if ((f->mode & FMODE_WRITE) && !n->entry->write)
		return -EACCES;
	tf = kzalloc(sizeof(*tf));
	if (!tf)
		return -ENOMEM;
	mutex_init(&tf->lock);
	f->private = tf;
	return 0;
}

static void text_release(struct file *f)
{
	struct text_file *tf = f->private;

	text_free(&tf->text);
	kfree(tf);
}

static int text_make(struct text_file *tf, const struct proc_node *n)
{
	int err;

	text_free(&tf->text);
	if (!n->entry->show)
		return -EINVAL;
	if (!node_is_current(n))
		return -ESRCH;
	err = n->entry->show(&tf->text, n);
	/* Asked again, and after: since the opening it may have executed something privileged. */
	if (!err && n->entry->guarded && !proc_may_look(n)) {
		text_free(&tf->text);
		err = -EACCES;
	}
	return err ? err : tf->text.err;
}

static ssize_t text_read(struct file *f, struct iov_iter *to, int64_t *pos)
{
	struct text_file *tf = f->private;
	ssize_t n = 0;

	mutex_lock(&tf->lock);
	if (*pos == 0 || !tf->text.buf)
		n = text_make(tf, f->inode->private);
	if (!n && *pos < (int64_t)tf->text.len) {
		size_t want = MIN(to->count, tf->text.len - (size_t)*pos);

		n = (ssize_t)copy_to_iter(tf->text.buf + *pos, want, to);
		if (!n && want)
			n = -EFAULT;
	}
	mutex_unlock(&tf->lock);
	if (n > 0)
		*pos += n;
	return n;
}

static ssize_t text_write(struct file *f, struct iov_iter *from, int64_t *pos)
{
	const struct proc_node *n = f->inode->private;
	size_t len = from->count;
	char *s;
	ssize_t done;

	(void)pos;
	if (len > (n->entry->write_max ? n->entry->write_max : PAGE_SIZE - 1))
		return -EINVAL;
	s = kmalloc(len + 1, GFP_KERNEL);
	if (!s)
		return -ENOMEM;
	if (copy_from_iter(s, len, from) != len) {
		kfree(s);
		return -EFAULT;
	}
	s[len] = '\0';
	done = n->entry->write(n, s, len);
	kfree(s);
	return done;
}

static int64_t text_seek(struct file *f, int64_t off, int whence)
{
	return plain_seek(f, off, whence, -1, INT64_MAX);
}

static int proc_setattr(struct dentry *d, struct iattr *a)
{
	(void)d;
	return a->valid & (ATTR_MODE | ATTR_UID | ATTR_GID) ? -EPERM : 0;
}

static const struct inode_ops dir_ops = {
	.lookup = proc_lookup, .revalidate = proc_revalidate, .setattr = proc_setattr};
static const struct inode_ops file_iops = {.revalidate = proc_revalidate, .setattr = proc_setattr};
static const struct inode_ops link_ops = {
	.get_link = proc_get_link, .revalidate = proc_revalidate, .setattr = proc_setattr};
static const struct inode_ops magic_ops = {
	.follow = proc_follow, .revalidate = proc_revalidate, .setattr = proc_setattr};
static const struct file_ops dir_fops = {.readdir = proc_readdir, .seek = text_seek};
static const struct file_ops text_fops = {.open = text_open,
	.release = text_release,
	.read = text_read,
	.write = text_write,
	.seek = text_seek};

struct process *proc_dir_process(const struct file *f)
{
	const struct proc_node *n = f->ops == &dir_fops ? f->inode->private : NULL;

	return n && n->entry->children == proc_pid_entries ? process_get(n->process) : NULL;
}

/* ---- the file system ---- */

static int proc_statfs(struct super *sb, struct kstatfs *out)
{
	(void)sb;
	*out = (struct kstatfs){
		.type = 0x9fa0, .bsize = PAGE_SIZE, .frsize = PAGE_SIZE, .namelen = NAME_MAX};
	return 0;
}

static const struct super_ops proc_super_ops = {.alloc_inode = entry_alloc_inode,
	.free_inode = entry_free_inode,
	.evict = entry_evict,
	.statfs = proc_statfs};
static const struct proc_entry root_entry = {.name = "proc",
	.mode = S_IFDIR | 0555,
	.children = proc_root_entries,
	.dir = &proc_pid_dir};

int entry_fill_super(struct super *sb, const struct proc_entry *root, const struct super_ops *ops)
{
	struct proc_node n = {.entry = root};
	struct inode *i;
	int err;

	sb->ops = ops;
	sb->blksize = PAGE_SIZE;
	err = node_inode(sb, &n, &i);
	if (err)
		return err;
	sb->root = d_make_root(i);
	return sb->root ? 0 : -ENOMEM;
}

static int proc_fill_super(struct super *sb, const char *options, bool silent)
{
	(void)options; /* hidepid= and the like are accepted and have no effect, as mount(8) users
			  expect */
	(void)silent;
	return entry_fill_super(sb, &root_entry, &proc_super_ops);
}

static struct fs_type proc_type = {
	.name = "proc", .nodev = true, .single = true, .fill_super = proc_fill_super};

void procfs_init(void)
{
	proc_sys_init();
	fs_register(&proc_type);
}
