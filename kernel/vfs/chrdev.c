/*
 * chrdev.c - character devices by number, and opening their nodes.
 *
 * Does not: make nodes: devfs listens to chrdev_named. Lookup is by RCU; a device that is
 * unregistered keeps working for those who have it open, as its ops are constant.
 */
#include "internal.h"
#include <dev.h>
#include <hash.h>

struct chrdev {
	struct hlist_node node;
	dev_t dev;
	const char *name;
	mode_t mode;
	const struct file_ops *ops;
	void *private;
	struct rcu_head rcu;
};

static struct hlist_head table[64];
static struct mutex chrdev_mutex = MUTEX_INIT(chrdev_mutex);

void (*chrdev_named)(const char *name, mode_t mode, dev_t dev, bool added);

static struct hlist_head *bucket_of(dev_t dev)
{
	return &table[hash64(dev) % ARRAY_SIZE(table)];
}

static struct chrdev *find(dev_t dev)
{
	struct chrdev *c;

	hlist_for_each_entry (c, bucket_of(dev), node)
		if (c->dev == dev)
			return c;
	return NULL;
}

int chrdev_register(
	dev_t dev, const char *name, mode_t mode, const struct file_ops *ops, void *private)
{
	struct chrdev *c = kzalloc(sizeof(*c));
	int err = 0;

	if (!c)
		return -ENOMEM;
	if (name) {
		c->name = kstrdup(name);
		if (!c->name) {
			kfree(c);
			return -ENOMEM;
		}
	}
	c->dev = dev;
	c->mode = mode;
	c->ops = ops;
	c->private = private;
	mutex_lock(&chrdev_mutex);
	if (find(dev))
		err = -EBUSY;
	else
		hlist_add(&c->node, bucket_of(dev));
	if (!err && name && chrdev_named)
		chrdev_named(name, mode, dev, true);
	mutex_unlock(&chrdev_mutex);
	if (err) {
		kfree(c->name);
		kfree(c);
	}
	return err;
}

static void chrdev_free(struct rcu_head *h)
{
	struct chrdev *c = container_of(h, struct chrdev, rcu);

	kfree(c->name);
	kfree(c);
}

void chrdev_unregister(dev_t dev)
{
	struct chrdev *c;

	mutex_lock(&chrdev_mutex);
	c = find(dev);
	if (c) {
		hlist_del(&c->node);
		if (c->name && chrdev_named)
			chrdev_named(c->name, c->mode, dev, false);
		rcu_call(&c->rcu, chrdev_free);
	}
	mutex_unlock(&chrdev_mutex);
}

void chrdev_replay(void)
{
	mutex_lock(&chrdev_mutex);
	for (unsigned b = 0; b < ARRAY_SIZE(table); b++) {
		struct chrdev *c;

		hlist_for_each_entry (c, &table[b], node)
			if (c->name && chrdev_named)
				chrdev_named(c->name, c->mode, c->dev, true);
	}
	mutex_unlock(&chrdev_mutex);
}

void *chrdev_private(const struct inode *i)
{
	struct chrdev *c;
	void *p;

	rcu_read_lock();
	c = find(i->rdev);
	p = c ? c->private : NULL;
	rcu_read_unlock();
	return p;
}

static int chrdev_open(struct inode *i, struct file *f)
{
	struct chrdev *c;
	const struct file_ops *ops;

	rcu_read_lock();
	c = find(i->rdev);
	ops = c ? c->ops : NULL;
	rcu_read_unlock();
	if (!ops)
		return -ENXIO;
	f->ops = ops;
	return ops->open ? ops->open(i, f) : 0;
}

const struct file_ops chrdev_fops = {.open = chrdev_open};
