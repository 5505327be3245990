/*
 * mmap.c - mapping files: permissions, and the file reference that lives in each VMA.
 *
 * vfs_mmap() takes one reference into args->file; mm_map() passes it to the VMA it makes, whose ops
 * drop it when it goes and take another when it is split or copied. If mm_map() fails, or after a
 * successful vfs_mmap() is not called, the caller drops args->file if it is not NULL. A driver's
 * mmap that sets its own ops handles v->file in them as file_vma_ops does; one that clears
 * args->file (memory without a file, as /dev/zero's) needs none.
 */
#include "internal.h"
#include <stat.h>
#include <vm.h>

static void file_vma_open(struct vma *v)
{
	if (v->file)
		file_get(v->file);
}

static void file_vma_close(struct vma *v)
{
	if (v->file)
		file_put(v->file);
}

const struct vma_ops file_vma_ops = {.open = file_vma_open, .close = file_vma_close};

/* Whether the part of a file that is asked for can exist: mmap(2), EOVERFLOW. */
static bool file_reaches(const struct file *f, const struct vm_map_args *a)
{
	int64_t limit = S_ISREG(f->inode->mode) ? f->inode->sb->max_size : 0;
	uint64_t pages = (uint64_t)(limit ? limit : INT64_MAX) >> PAGE_SHIFT;
	uint64_t wanted = DIV_ROUND_UP(a->length, PAGE_SIZE);

	return wanted <= pages && a->pgoff <= pages - wanted;
}

int vfs_mmap(struct file *f, struct vm_map_args *a)
{
	unsigned ops = POLICY_READ;
	int err;

	if (f->mode & FMODE_PATH)
		return -EBADF;
	if ((S_ISREG(f->inode->mode) || S_ISBLK(f->inode->mode)) && !file_reaches(f, a))
		return -EOVERFLOW;
	if (!(f->mode & FMODE_READ))
		return -EACCES;
	if ((a->flags & VM_SHARED) && !(f->mode & FMODE_WRITE)) {
		if (a->flags & VM_WRITE)
			return -EACCES;
		a->flags &= ~(uint32_t)VM_MAYWRITE;
	}
	if ((a->flags & VM_SHARED) && (f->mode & FMODE_WRITE) && inode_append_only(f->inode))
		return -EACCES;
	if (f->path.mnt->flags & MS_NOEXEC) {
		if (a->flags & VM_EXEC)
			return -EPERM;
		a->flags &= ~(uint32_t)VM_MAYEXEC;
	}
	if (!f->ops->mmap)
		return -ENODEV;
	if (a->flags & VM_EXEC)
		ops |= POLICY_MAP_EXEC;
	err = policy_file(current->cred, &f->path, ops);
	if (err)
		return err;
	a->file = file_get(f);
	err = f->ops->mmap(f, a);
	if (err) {
		a->file = NULL;
		file_put(f);
		return err;
	}
	if (!a->file)
		file_put(f);
	else if (!a->ops)
		a->ops = &file_vma_ops;
	return 0;
}
