/*
 * net_sysctl.c - /proc/sys/net: the network room's settings as a tree of files.
 *
 * The tree is made once, at boot, from the names in net_sysctls[], which have slashes in them; the
 * entries of one directory lie in one array, which ends with a NULL name.
 */
#include "procfs.h"
#include <core.h>
#include <netctl.h>
#include <printf.h>

#define VALUES_MAX 4u

static int show(struct text *t, const struct proc_node *n)
{
	unsigned i = n->entry->index, count = net_sysctls[i].count;
	uint32_t v[VALUES_MAX];
	int err = net_sysctl_get(net_current(), i, v);

	if (err)
		return err;
	for (unsigned k = 0; k < count; k++)
		text_add(t, "%u%s", v[k], k + 1 < count ? "\t" : "\n");
	return 0;
}

/* Decimal numbers between blanks: how many, or -EINVAL. */
static int parse(const char *s, uint32_t *v)
{
	int n = 0;

	for (;;) {
		const char *end;
		uint64_t x;

		while (*s == ' ' || *s == '\t' || *s == '\n')
			s++;
		if (!*s)
			return n;
		if (n == VALUES_MAX || *s < '0' || *s > '9')
			return -EINVAL;
		x = strtou64(s, &end, 10);
		if (x > UINT32_MAX || (*end && *end != ' ' && *end != '\t' && *end != '\n'))
			return -EINVAL;
		v[n++] = (uint32_t)x;
		s = end;
	}
}

static ssize_t write(const struct proc_node *n, char *s, size_t len)
{
	uint32_t v[VALUES_MAX];
	int count = parse(s, v), err;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	if (count <= 0)
		return count ? count : (ssize_t)len;
	err = net_sysctl_set(net_current(), n->entry->index, v, (unsigned)count);
	return err ? err : (ssize_t)len;
}

/* The first component of @name below @prefix; its length, 0: @name does not lie there. */
static unsigned component(const char *name, const char *prefix, const char **out)
{
	size_t skip = strlen(prefix);

	if (strncmp(name, prefix, skip))
		return 0;
	*out = name + skip;
	return (unsigned)(strchr(*out, '/') ? (size_t)(strchr(*out, '/') - *out) : strlen(*out));
}

/* Has an earlier setting the same component (of length @len) there? */
static bool seen_before(unsigned i, const char *prefix, const char *at, unsigned len)
{
	const char *other;

	while (i--)
		if (component(net_sysctls[i].name, prefix, &other) == len &&
			!memcmp(other, at, len))
			return true;
	return false;
}

static const struct proc_entry *make_dir(const char *prefix);

static void make_entry(
	struct proc_entry *e, unsigned index, const char *prefix, const char *at, unsigned len)
{
	char *name = kstrndup(at, len), *below;

	if (!name)
		panic("no memory for /proc/sys/net");
	if (at[len] != '/') {
		*e = (struct proc_entry){.name = name,
			.mode = S_IFREG | 0644,
			.show = show,
			.write = write,
			.index = index};
		return;
	}
	below = kmalloc(strlen(prefix) + len + 2, GFP_KERNEL);
	if (!below)
		panic("no memory for /proc/sys/net");
	snprintf(below, strlen(prefix) + len + 2, "%s%s/", prefix, name);
	*e = (struct proc_entry){.name = name, .mode = S_IFDIR | 0555, .children = make_dir(below)};
	kfree(below);
}

static const struct proc_entry *make_dir(const char *prefix)
{
	struct proc_entry *dir = kcalloc(net_sysctl_count + 1, sizeof(*dir)), *e = dir;
	const char *at;

	if (!dir)
		panic("no memory for /proc/sys/net");
	for (unsigned i = 0; i < net_sysctl_count; i++) {
		unsigned len = component(net_sysctls[i].name, prefix, &at);

		if (len && !seen_before(i, prefix, at, len))
			make_entry(e++, i, prefix, at, len);
	}
	return dir;
}

void proc_net_sysctl_init(struct proc_entry *net)
{
	net->children = make_dir("");
}
