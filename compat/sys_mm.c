/*
 * sys_mm.c - memory: mmap(2), mprotect(2), mremap(2), brk(2), madvise(2), msync(2), mincore(2),
 * mlock(2).
 */
#include "compat.h"
#include <vm.h>

enum { PROT_KNOWN = 7, PROT_SEM = 8, PROT_GROWSDOWN = 0x01000000, PROT_GROWSUP = 0x02000000 };
enum {
	MAP_SHARED = 1,
	MAP_PRIVATE = 2,
	MAP_SHARED_VALIDATE = 3,
	MAP_TYPE = 0xf,
	MAP_FIXED = 0x10,
	MAP_ANONYMOUS = 0x20,
	MAP_32BIT = 0x40,
	MAP_GROWSDOWN = 0x100,
	MAP_DENYWRITE = 0x800,
	MAP_EXECUTABLE = 0x1000,
	MAP_LOCKED = 0x2000,
	MAP_NORESERVE = 0x4000,
	MAP_POPULATE = 0x8000,
	MAP_NONBLOCK = 0x10000,
	MAP_STACK = 0x20000,
	MAP_HUGETLB = 0x40000,
	MAP_SYNC = 0x80000,
	MAP_FIXED_NOREPLACE = 0x100000
};
#define MAP_VALIDATED                                                                              \
	(MAP_TYPE | MAP_FIXED | MAP_ANONYMOUS | MAP_32BIT | MAP_GROWSDOWN | MAP_DENYWRITE |        \
		MAP_EXECUTABLE | MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK |        \
		MAP_STACK | MAP_HUGETLB | MAP_FIXED_NOREPLACE)
static_assert(VM_READ == 1 && VM_WRITE == 2 && VM_EXEC == 4, "mmap(2)'s PROT bits");

static bool may_lock_memory(void)
{
	return rlimit_cur(RLIMIT_MEMLOCK) || capable(CAP_IPC_LOCK);
}

/* proc(5), mmap_min_addr: asked only where it matters, as capabilities are asked of the ambit too.
 */
static bool may_map_low(bool fixed, unsigned long addr)
{
	return fixed && addr < mmap_min_addr && capable(CAP_SYS_RAWIO);
}

/* MAP_* as the kernel's request; -errno for what cannot be asked. */
static int decode_map(struct vm_map_args *a, unsigned prot, unsigned flags)
{
	unsigned type = flags & MAP_TYPE;

	if (type != MAP_PRIVATE && type != MAP_SHARED && type != MAP_SHARED_VALIDATE)
		return -EINVAL;
	if (type == MAP_SHARED_VALIDATE &&
		(flags & MAP_ANONYMOUS || flags & ~(unsigned)MAP_VALIDATED))
		return flags & MAP_ANONYMOUS ? -EINVAL : -EOPNOTSUPP;
	if (flags & MAP_HUGETLB)
		return flags & MAP_ANONYMOUS ? -ENOMEM : -EINVAL;
	if (flags & MAP_LOCKED && !may_lock_memory())
		return -EPERM;
	if (flags & MAP_GROWSDOWN && type != MAP_PRIVATE)
		return -EINVAL;
	a->flags = (prot & PROT_KNOWN) | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;
	if (type != MAP_PRIVATE)
		a->flags |= VM_SHARED;
	if (flags & MAP_GROWSDOWN)
		a->flags |= VM_GROWSDOWN;
	if (flags & MAP_LOCKED)
		a->flags |= VM_LOCKED;
	if (flags & MAP_NORESERVE)
		a->flags |= VM_NORESERVE;
	a->fixed = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE);
	a->noreplace = flags & MAP_FIXED_NOREPLACE;
	a->populate = flags & MAP_LOCKED || (flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE;
	a->below_4g = flags & MAP_32BIT;
	a->low = may_map_low(a->fixed, a->addr);
	return 0;
}

static int map_file(struct vm_map_args *a, int fd, vaddr_t *at)
{
	struct fd_ref r = fd_begin(fd);
	int err;

	if (!r.file)
		return -EBADF;
	err = vfs_mmap(r.file, a);
	if (!err) {
		err = mm_map(current->mm, a, at);
		if (err && a->file)
			file_put(a->file);
	}
	fd_end(r);
	return err;
}

long sys_mmap(unsigned long addr, unsigned long len, unsigned prot, unsigned flags, int fd,
	unsigned long off)
{
	struct vm_map_args a = {.addr = addr, .length = len, .pgoff = off >> PAGE_SHIFT};
	vaddr_t at = 0;
	int err;

	if (off & ~PAGE_MASK)
		return -EINVAL;
	if (!(flags & MAP_ANONYMOUS)) {
		struct fd_ref r = fd_begin(fd);

		if (!r.file)
			return -EBADF;
		fd_end(r);
	}
	if (!len)
		return -EINVAL;
	if (len > USER_END)
		return -ENOMEM;
	a.length = ALIGN_UP(len, PAGE_SIZE);
	if (flags & MAP_ANONYMOUS)
		a.pgoff = 0;
	else if (a.pgoff + (a.length >> PAGE_SHIFT) < a.pgoff || (int64_t)(off + a.length) < 0)
		return -EOVERFLOW;
	if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE) && addr & ~PAGE_MASK)
		return -EINVAL;
	err = decode_map(&a, prot, flags);
	if (err)
		return err;
	err = flags & MAP_ANONYMOUS ? mm_map(current->mm, &a, &at) : map_file(&a, fd, &at);
	return err ? err : (long)at;
}

/* An address and a length as most calls here take them: 0 and the page-rounded length. */
static int page_range(unsigned long addr, unsigned long len, uint64_t *rounded)
{
	if (addr & ~PAGE_MASK)
		return -EINVAL;
	*rounded = ALIGN_UP(len, PAGE_SIZE);
	return *rounded < len || addr + *rounded < addr ? -ENOMEM : 0;
}

long sys_munmap(unsigned long addr, unsigned long len)
{
	if (addr & ~PAGE_MASK || addr > USER_END || len > USER_END - addr || !len)
		return -EINVAL;
	return mm_unmap(current->mm, addr, ALIGN_UP(len, PAGE_SIZE));
}

long sys_mprotect(unsigned long addr, unsigned long len, unsigned prot)
{
	uint64_t n;
	int err;

	if ((prot & (PROT_GROWSDOWN | PROT_GROWSUP)) == (PROT_GROWSDOWN | PROT_GROWSUP))
		return -EINVAL;
	err = page_range(addr, len, &n);
	if (err == -EINVAL || !len)
		return err == -EINVAL ? err : 0;
	if (err)
		return err;
	if (prot & ~(unsigned)(PROT_KNOWN | PROT_SEM))
		return -EINVAL;
	return mm_protect(current->mm, addr, n, prot & PROT_KNOWN);
}

enum { MREMAP_MAYMOVE = 1, MREMAP_FIXED = 2, MREMAP_DONTUNMAP = 4 };
#define REMAP_LOW 8u /* mm_remap()'s */

long sys_mremap(unsigned long addr, unsigned long old_len, unsigned long new_len, unsigned flags,
	unsigned long new_addr)
{
	uint64_t from = ALIGN_UP(old_len, PAGE_SIZE), to = ALIGN_UP(new_len, PAGE_SIZE);
	vaddr_t at = 0;
	int err;

	if (flags & ~(unsigned)(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP) ||
		addr & ~PAGE_MASK || !to)
		return -EINVAL;
	if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP) && !(flags & MREMAP_MAYMOVE))
		return -EINVAL;
	if (flags & MREMAP_DONTUNMAP && from != to)
		return -EINVAL;
	if (flags & MREMAP_FIXED &&
		(new_addr & ~PAGE_MASK || to > USER_END || new_addr > USER_END - to ||
			(addr + from > new_addr && new_addr + to > addr)))
		return -EINVAL;
	if (may_map_low(flags & MREMAP_FIXED, new_addr))
		flags |= REMAP_LOW;
	err = mm_remap(current->mm, addr, from, to, flags, new_addr, &at);
	return err ? err : (long)at;
}

long sys_brk(unsigned long addr)
{
	return mm_brk(current->mm, addr);
}

/* madvise(2)'s numbers; -1: there is no such advice. */
static int advice_of(int advice)
{
	static const int8_t known[] = {
		[0] = ADVISE_NOTHING,
		[1] = ADVISE_NOTHING,
		[2] = ADVISE_NOTHING,
		[3] = ADVISE_WILLNEED,
		[4] = ADVISE_DONTNEED,
		[5] = -1,
		[6] = -1,
		[7] = -1,
		[8] = ADVISE_FREE,
		[9] = ADVISE_REMOVE,
		[10] = ADVISE_DONTFORK,
		[11] = ADVISE_DOFORK,
		[12] = ADVISE_NOTHING,
		[13] = ADVISE_NOTHING,
		[14] = ADVISE_NOTHING,
		[15] = ADVISE_NOTHING,
		[16] = ADVISE_DONTDUMP,
		[17] = ADVISE_DODUMP,
		[18] = ADVISE_WIPEONFORK,
		[19] = ADVISE_KEEPONFORK,
		[20] = ADVISE_NOTHING,
		[21] = ADVISE_NOTHING,
		[22] = ADVISE_POPULATE_READ,
		[23] = ADVISE_POPULATE_WRITE,
		[24] = ADVISE_DONTNEED,
		[25] = -1,
	};

	return advice >= 0 && (size_t)advice < ARRAY_SIZE(known) ? known[advice] : -1;
}

long sys_madvise(unsigned long addr, unsigned long len, int advice)
{
	int what = advice_of(advice);
	uint64_t n;
	int err;

	if (what < 0)
		return -EINVAL;
	err = page_range(addr, len, &n);
	if (err)
		return -EINVAL;
	return n ? mm_advise(current->mm, addr, n, (enum vm_advice)what) : 0;
}

enum { MS_ASYNC = 1, MS_INVALIDATE = 2, MS_SYNC = 4 };

long sys_msync(unsigned long addr, unsigned long len, unsigned flags)
{
	uint64_t n;
	int err;

	if (flags & ~(unsigned)(MS_ASYNC | MS_INVALIDATE | MS_SYNC) ||
		(flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC))
		return -EINVAL;
	err = page_range(addr, len, &n);
	if (err || !n)
		return err;
	return mm_sync(current->mm, addr, n, flags & MS_SYNC, flags & MS_INVALIDATE);
}

long sys_mincore(unsigned long addr, unsigned long len, void __user *vec)
{
	uint64_t pages = len / PAGE_SIZE + (len % PAGE_SIZE != 0), done;
	uint8_t buf[512] UNCLEARED;
	int err = 0;

	if (addr & ~PAGE_MASK)
		return -EINVAL;
	if (addr > USER_END || len > USER_END - addr)
		return -ENOMEM;
	for (done = 0; !err && done < pages; done += sizeof(buf)) {
		uint64_t n = MIN(pages - done, (uint64_t)sizeof(buf));

		err = mm_incore(current->mm, addr + done * PAGE_SIZE, n, buf);
		if (!err)
			err = copy_to_user((uint8_t __user *)vec + done, buf, n);
	}
	return err;
}

static long lock_range(unsigned long addr, size_t len, bool lock, bool on_fault)
{
	uint64_t start = ALIGN_DOWN(addr, PAGE_SIZE);
	uint64_t n = ALIGN_UP(len + (addr - start), PAGE_SIZE);

	if (lock && !may_lock_memory())
		return -EPERM;
	if (n < len || start + n < start)
		return -EINVAL;
	if (!n)
		return 0;
	return on_fault ? mm_lock_range_on_fault(current->mm, start, n)
			: mm_lock_range(current->mm, start, n, lock);
}

long sys_mlock(unsigned long addr, size_t len)
{
	return lock_range(addr, len, true, false);
}

enum { MLOCK_ONFAULT = 1 };

long sys_mlock2(unsigned long addr, size_t len, int flags)
{
	if (flags & ~MLOCK_ONFAULT)
		return -EINVAL;
	return lock_range(addr, len, true, flags & MLOCK_ONFAULT);
}

long sys_munlock(unsigned long addr, size_t len)
{
	return lock_range(addr, len, false, false);
}

enum { MCL_CURRENT = 1, MCL_FUTURE = 2, MCL_ONFAULT = 4 };

long sys_mlockall(int flags)
{
	if (!flags || flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) || flags == MCL_ONFAULT)
		return -EINVAL;
	if (!may_lock_memory())
		return -EPERM;
	return mm_lock_all(
		current->mm, flags & MCL_CURRENT, flags & MCL_FUTURE, flags & MCL_ONFAULT);
}

long sys_munlockall(void)
{
	return mm_lock_all(current->mm, false, false, false);
}
