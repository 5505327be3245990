/*
 * shm.c - System V shared memory: shmget(2), shmat(2), shmdt(2), shmctl(2).
 *
 * A segment is a mapping without a file (mm/shmem.c), committed in full when it is made. Each VMA
 * that shows it is an attachment and has a reference; parts of one (munmap(2) or mprotect(2) in the
 * middle) count as more, as on Linux. A removed segment that is attached loses its key, keeps its
 * identifier, and goes with the last attachment.
 *
 * Does not: huge pages; swap, so SHM_LOCK only remembers.
 */
#include <cred.h>
#include <error.h>
#include <printf.h>
#include <process.h>
#include <task.h>
#include <vm.h>
#include "internal.h"

/* Key: [c] constant  [o] object.lock */
struct segment {
	struct ipc_object object;                      /* first */
	struct ipc_table *table;                       /* [c] */
	struct mapping *mapping;                       /* [c] */
	uint64_t bytes;                                /* [c] */
	uint64_t attachments;                          /* [o] */
	int64_t attach_time, detach_time, change_time; /* [o] */
	pid_t creator, last;                           /* [o] */
	char name[32];                                 /* [c] in /proc/PID/maps */
};

static struct segment *segment_of(struct ipc_object *o)
{
	return container_of(o, struct segment, object);
}

static uint64_t pages_of(uint64_t bytes)
{
	return (bytes + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

/* ---- segments ---- */

static int make(struct ipc_table *t, const struct ipc_request *r, struct ipc_object **out)
{
	struct segment *s;

	if (r->size < 1 || r->size > SHM_MAX_BYTES)
		return -EINVAL;
	if (pages_of(r->size) << PAGE_SHIFT < r->size ||
		pages_of(r->size) > SHM_MAX_PAGES - t->total)
		return -ENOSPC;
	if (r->size > INT64_MAX)
		return -ENOMEM;
	*out = ipc_alloc(&shm_ops, 0);
	if (!*out)
		return -ENOMEM;
	s = segment_of(*out);
	s->mapping = shmem_mapping_create((int64_t)(pages_of(r->size) << PAGE_SHIFT));
	if (!s->mapping) {
		ipc_put(IPC_SHM, *out);
		return -ENOMEM;
	}
	s->table = t;
	s->bytes = r->size;
	s->change_time = ipc_now();
	s->creator = current->process->pid;
	snprintf(s->name, sizeof(s->name), "/SYSV%08x (deleted)", (unsigned)r->key);
	t->total += pages_of(r->size);
	return 0;
}

static int check(const struct ipc_object *o, const struct ipc_request *r)
{
	return r->size > container_of(o, struct segment, object)->bytes ? -EINVAL : 0;
}

int shm_get(int32_t key, uint64_t bytes, unsigned flags)
{
	struct ipc_request r = {
		.key = key, .flags = flags, .make = make, .check = check, .size = bytes};

	return ipc_get(IPC_SHM, &r);
}

static bool stays(struct ipc_object *o)
{
	if (!segment_of(o)->attachments)
		return false;
	o->perm.mode |= SHM_DEST;
	return true;
}

static void removed(struct ipc_object *o)
{
	struct segment *s = segment_of(o);

	s->table->total -= pages_of(s->bytes);
}

static void release(struct ipc_object *o)
{
	if (segment_of(o)->mapping)
		shmem_mapping_put(segment_of(o)->mapping);
}

static int set(struct ipc_object *o, const struct ipc_set *in)
{
	(void)in;
	segment_of(o)->change_time = ipc_now();
	return 0;
}

const struct ipc_ops shm_ops = {
	.size = sizeof(struct segment),
	.removed = removed,
	.release = release,
	.set = set,
	.stays = stays,
};

/* ---- attachments ---- */

static void attached(struct segment *s)
{
	spin_lock(&s->object.lock);
	s->attachments++;
	s->attach_time = ipc_now();
	s->last = current->process ? current->process->pid : 0;
	spin_unlock(&s->object.lock);
}

/* The last attachment of a removed segment is gone: so is the segment, unless somebody was faster.
 */
static void remove_unused(struct segment *s)
{
	struct ipc_table *t = s->table;
	bool gone;

	rwsem_write_lock(&t->lock);
	spin_lock(&s->object.lock);
	gone = !s->attachments && !s->object.removed;
	if (gone)
		ipc_unlink_locked(t, &s->object);
	spin_unlock(&s->object.lock);
	rwsem_write_unlock(&t->lock);
	if (gone)
		ipc_put(IPC_SHM, &s->object); /* the table's */
}

static void detached(struct segment *s)
{
	bool unused;

	spin_lock(&s->object.lock);
	s->attachments--;
	s->detach_time = ipc_now();
	s->last = current->process ? current->process->pid : 0;
	unused = !s->attachments && s->object.perm.mode & SHM_DEST;
	spin_unlock(&s->object.lock);
	if (unused)
		remove_unused(s);
	ipc_put(IPC_SHM, &s->object);
}

static void vma_opened(struct vma *v)
{
	struct segment *s = v->private;

	ipc_ref(&s->object);
	attached(s);
}

static void vma_closed(struct vma *v)
{
	detached(v->private);
}

static const char *vma_name(struct vma *v)
{
	return ((struct segment *)v->private)->name;
}

static const struct vma_ops shm_vma_ops = {
	.open = vma_opened, .close = vma_closed, .name = vma_name};

int shm_attach(const struct shm_attach *a, vaddr_t *out)
{
	unsigned bits = 0444 | (a->prot & VM_WRITE ? 0222 : 0) | (a->prot & VM_EXEC ? 0111 : 0);
	struct vm_map_args args = {
		.addr = a->addr,
		.flags = a->prot | VM_SHARED | VM_MAYREAD | VM_MAYEXEC |
			 (a->prot & VM_WRITE ? VM_MAYWRITE : 0),
		.fixed = a->fixed,
		.noreplace = a->fixed && !a->replace,
		.low = a->low,
		.ops = &shm_vma_ops,
	};
	struct ipc_object *o;
	struct segment *s;
	int err = ipc_lock(IPC_SHM, a->id, &o);

	if (err)
		return err;
	s = segment_of(o);
	err = ipc_permission(o, bits);
	spin_unlock(&o->lock);
	if (err) {
		ipc_put(IPC_SHM, o);
		return err;
	}
	/* The reference becomes the attachment's. */
	attached(s);
	args.mapping = s->mapping;
	args.private = s;
	args.length = s->bytes;
	err = mm_map(current->mm, &args, out);
	if (err)
		detached(s);
	return err == -EEXIST ? -EINVAL : err;
}

/* The first VMA at or after @addr that shows the segment which an attachment to @base would begin
 * with: where it lies, and its segment. false: none. */
static bool find_attachment(
	vaddr_t base, vaddr_t *addr, uint64_t *length, const struct segment **which)
{
	struct mm *m = current->mm;
	bool found = false;
	struct vma *v;

	rwsem_read_lock(&m->lock);
	for (v = mm_find(m, *addr); v && !found; v = vma_next(v)) {
		if (v->ops != &shm_vma_ops || (*which && v->private != *which) || v->start < base ||
			(v->start - base) >> PAGE_SHIFT != v->pgoff)
			continue;
		found = true;
		*which = v->private;
		*addr = v->start;
		*length = v->end - v->start;
	}
	rwsem_read_unlock(&m->lock);
	return found;
}

int shm_detach(vaddr_t base)
{
	const struct segment *s = NULL; /* only compared: it goes with its last VMA */
	uint64_t length = 0;
	vaddr_t at = base;
	int err = -EINVAL;

	while (find_attachment(base, &at, &length, &s)) {
		err = mm_unmap(current->mm, at, length);
		if (err)
			return err;
		at += length;
	}
	return err;
}

/* ---- looking ---- */

static void fill(struct segment *s, struct shm_stat *out)
{
	*out = (struct shm_stat){
		.perm = s->object.perm,
		.id = s->object.id,
		.bytes = s->bytes,
		.attachments = s->attachments,
		.resident_pages = s->mapping->nr_pages,
		.attach_time = s->attach_time,
		.detach_time = s->detach_time,
		.change_time = s->change_time,
		.creator = s->creator,
		.last = s->last,
	};
}

int shm_status(enum ipc_select how, int which, struct shm_stat *out)
{
	struct ipc_object *o;
	int err = ipc_lock_select(IPC_SHM, how, which, &o);

	if (err)
		return err;
	fill(segment_of(o), out);
	ipc_unlock(IPC_SHM, o);
	return 0;
}

bool shm_next(int *which, struct shm_stat *out)
{
	struct ipc_object *o = ipc_next(IPC_SHM, which);

	if (!o)
		return false;
	fill(segment_of(o), out);
	ipc_unlock(IPC_SHM, o);
	return true;
}

/* shmctl(2): since Linux 2.6.9 for the owner, within RLIMIT_MEMLOCK. */
int shm_lock(int id, bool lock)
{
	struct ipc_object *o;
	int err = ipc_lock(IPC_SHM, id, &o);

	if (err)
		return err;
	if (!capable(CAP_IPC_LOCK)) {
		uid_t me = current->cred->euid;

		if ((me != o->perm.uid && me != o->perm.cuid) ||
			(lock && !rlimit_cur(RLIMIT_MEMLOCK)))
			err = -EPERM;
	}
	if (!err)
		o->perm.mode = lock ? o->perm.mode | SHM_LOCKED
				    : o->perm.mode & ~(mode_t)SHM_LOCKED;
	ipc_unlock(IPC_SHM, o);
	return err;
}
