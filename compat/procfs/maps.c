/*
 * maps.c - /proc/PID/maps and smaps: what an address space consists of.
 */
#include "procfs.h"
#include <dev.h>
#include <vm.h>

static const char *vma_label(struct mm *m, struct vma *v)
{
	if (v->ops && v->ops->name && !v->file)
		return v->ops->name(v);
	if (v->mapping)
		return NULL;
	if (v->start <= m->brk && v->end > m->brk_start && m->brk > m->brk_start)
		return "[heap]";
	if (v->flags & VM_STACK)
		return "[stack]";
	return NULL;
}

static void show_vma(struct text *t, struct mm *m, struct vma *v)
{
	const struct inode *i = v->file ? v->file->inode : NULL;
	size_t line = t->len;
	const char *label = vma_label(m, v);

	text_add(t, "%08llx-%08llx %c%c%c%c %08llx %02x:%02x %llu ", (unsigned long long)v->start,
		(unsigned long long)v->end, v->flags & VM_READ ? 'r' : '-',
		v->flags & VM_WRITE ? 'w' : '-', v->flags & VM_EXEC ? 'x' : '-',
		v->flags & VM_SHARED ? 's' : 'p',
		(unsigned long long)(v->mapping ? v->pgoff << PAGE_SHIFT : 0),
		i ? MAJOR(i->sb->dev) : 0, i ? MINOR(i->sb->dev) : 0,
		(unsigned long long)(i ? i->ino : 0));
	if (i || label) {
		while (t->len - line < 73)
			text_bytes(t, " ", 1);
		if (i)
			text_path(t, &v->file->path, false);
		else
			text_bytes(t, label, strlen(label));
	}
	text_bytes(t, "\n", 1);
}

static void show_usage(struct text *t, uint64_t size, const struct vma_usage *u)
{
	const struct {
		const char *name;
		uint64_t bytes;
	} row[] = {
		{"Rss", u->rss},
		{"Pss", u->pss},
		{"Shared_Clean", u->shared_clean},
		{"Shared_Dirty", u->shared_dirty},
		{"Private_Clean", u->private_clean},
		{"Private_Dirty", u->private_dirty},
		{"Referenced", u->referenced},
		{"Anonymous", u->anonymous},
		{"Swap", u->swap},
		{"SwapPss", u->swap},
		{"Locked", 0},
	};

	if (size)
		text_add(t,
			"Size:           %8llu kB\nKernelPageSize:        4 kB\nMMUPageSize:       "
			"    4 kB\n",
			(unsigned long long)size / 1024);
	for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
		size_t start = t->len;

		text_add(t, "%s:", row[i].name);
		text_add(t, "%*llu kB\n", (int)(24 - (t->len - start)),
			(unsigned long long)row[i].bytes / 1024);
	}
}

enum form { FORM_MAPS, FORM_SMAPS, FORM_ROLLUP };

static int show(struct text *t, const struct proc_node *n, enum form form)
{
	struct mm *m = proc_node_mm(n);
	struct vma_usage sum = {0}, u;
	vaddr_t first = 0, last = 0;
	struct vma *v;

	if (!m)
		return 0;
	rwsem_read_lock(&m->lock);
	for (v = mm_find(m, 0); v; v = vma_next(v)) {
		first = first ? first : v->start;
		last = v->end;
		if (form != FORM_ROLLUP)
			show_vma(t, m, v);
		if (form == FORM_MAPS)
			continue;
		vma_usage(v, &u);
		if (form == FORM_SMAPS)
			show_usage(t, v->end - v->start, &u);
		for (unsigned i = 0; i < sizeof(u) / sizeof(uint64_t); i++)
			((uint64_t *)&sum)[i] += ((uint64_t *)&u)[i];
	}
	rwsem_read_unlock(&m->lock);
	if (form == FORM_ROLLUP) {
		text_add(t,
			"%08llx-%08llx ---p 00000000 00:00 0                          [rollup]\n",
			(unsigned long long)first, (unsigned long long)last);
		show_usage(t, 0, &sum);
	}
	mm_put(m);
	return 0;
}

int proc_show_maps(struct text *t, const struct proc_node *n)
{
	return show(t, n, FORM_MAPS);
}

int proc_show_smaps(struct text *t, const struct proc_node *n)
{
	return show(t, n, FORM_SMAPS);
}

int proc_show_smaps_rollup(struct text *t, const struct proc_node *n)
{
	return show(t, n, FORM_ROLLUP);
}
