/*
 * vm.h - address spaces: struct mm is a tree of VMAs plus page tables.
 *
 * mm->lock (rwsem) guards the tree; faults take it shared. Contents come from vma->mapping (page
 * cache), or are anonymous: zero-filled at first touch, shared copy-on-write after fork. Copy on
 * write is decided by page->mapcount/refs. Shared anonymous memory is a private tmpfs-like mapping
 * made by mm itself.
 */
#pragma once
#include <arch/mmu.h>
#include <mutex.h>
#include <pagecache.h>
#include <rbtree.h>

struct file;
struct frame;
struct vma;
enum vma_flags {
	VM_READ = 1,
	VM_WRITE = 2,
	VM_EXEC = 4,
	VM_SHARED = 8,
	VM_MAYREAD = 0x10,
	VM_MAYWRITE = 0x20,
	VM_MAYEXEC = 0x40,
	VM_GROWSDOWN = 0x100,
	VM_LOCKED = 0x200,
	VM_DONTCOPY = 0x400,
	VM_DONTDUMP = 0x800,
	VM_WIPEONFORK = 0x1000,
	VM_PFN = 0x2000 /* device memory: no struct page, never copied on write; pgoff is the frame
			   number of start */
	,
	VM_NORESERVE = 0x4000,
	VM_STACK = 0x8000,
	VM_SPECIAL = 0x10000 /* vDSO: pages given by ops->fault, may not be merged or expanded */,
	VM_ACCOUNT = 0x20000 /* mm's own: counted in the committed memory */,
};
struct vma_ops {
	void (*open)(struct vma *v); /* copied or split: take references */
	void (*close)(struct vma *v);
	/* Supply the page for @pgoff (in vma->pgoff units): referenced in *out. Default for
	 * v->mapping: page cache. */
	int (*fault)(struct vma *v, uint64_t pgoff, struct page **out);
	const char *(*name)(struct vma *v); /* for /proc/PID/maps: "[vdso]" */
	/* msync(MS_SYNC) of file pages [first, last]: as fsync of the range. NULL: pagecache_sync()
	 * only. */
	int (*sync)(struct vma *v, uint64_t first, uint64_t last);
};
/* Key: [m] mm->lock (write to change) */
struct vma {
	struct rb_node node;  /* [m] by address; augmented with max_gap */
	vaddr_t start, end;   /* [m] page-aligned, end exclusive */
	vaddr_t gap, max_gap; /* [m] free space before this one; largest in the subtree */
	uint32_t flags;       /* [m] vma_flags */
	struct mm *mm;
	uint64_t pgoff;            /* [m] offset of start in the file, in pages */
	struct mapping *mapping;   /* NULL: anonymous */
	struct list_head map_node; /* mapping->vmas */
	struct file *file;         /* vfs owns the reference through ops; may be NULL */
	const struct vma_ops *ops; /* may be NULL */
	void *private;
	bool has_anon; /* file vma: some pages were copied on write; set under the shared lock too,
			  never cleared */
};
struct mm {
	struct mmu mmu;
	struct rb_root vmas; /* [m] */
	struct vma *cached;  /* [m] last found; hint */
	struct rwsem lock;
	refcount_t users; /* tasks; the last frees the address space */
	uint32_t nr_vmas; /* [m] */
	uint64_t total_pages, locked_pages, stack_pages, data_pages,
		exec_pages;                             /* [m] virtual sizes */
	atomic64_t anon_pages, file_pages, shmem_pages; /* resident */
	atomic64_t swap_pages;                          /* entries whose page is in swap space */
	struct list_head all_node;                      /* of all address spaces: mm_list.c */
	unsigned pins;                                  /* mm_list.c */
	vaddr_t swap_hand;                              /* swapout.c: where it goes on */
	uint64_t peak_rss;                              /* pages */
	vaddr_t brk_start, brk, mmap_base, stack_top;   /* [m] */
	vaddr_t code_start, code_end, data_start, data_end, arg_start, arg_end, env_start,
		env_end; /* set by exec */
	uint64_t auxv[48];
	unsigned auxv_words; /* as given at exec: /proc/PID/auxv */
	struct file *exe;    /* vfs reference; dropped through mm_drop_file */
	vaddr_t vdso;        /* 0: none */
	uint64_t limit_as, limit_data, limit_stack,
		limit_memlock; /* bytes; copied from rlimits by proc */
	bool dumpable;
	int16_t oom_score_adj;
	uint32_t def_flags; /* [m] VM_LOCKED after mlockall(MCL_FUTURE); cleared by exec and fork */
	struct list_head lazy_node; /* lazyfree.c's */
	bool lock_on_fault;         /* [m] MCL_ONFAULT: def_flags does not populate */
};
extern void (*mm_drop_file)(struct file *f); /* vfs sets it: fput */

int __must_check mm_create(struct mm **out); /* empty; users 1 */
/* @sp: where the caller's stack is in use. */
int __must_check mm_fork(struct mm *from, vaddr_t sp, struct mm **out);
static inline struct mm *mm_get(struct mm *m)
{
	refcount_inc(&m->users);
	return m;
}
void mm_put(struct mm *m); /* sleeps */
/* Make @m the current task's address space (exec); returns with the old one unreferenced by the
 * task (caller puts it). */
struct mm *mm_adopt(struct mm *m);

struct vm_map_args {
	vaddr_t addr;
	uint64_t length;
	uint32_t flags; /* vma_flags */
	bool fixed, noreplace, populate, below_4g;
	bool low; /* may be fixed below mmap_min_addr */
	struct mapping *mapping;
	struct file *file;
	uint64_t pgoff;
	const struct vma_ops *ops;
	void *private;
};
/* 0 and the address, or -ENOMEM, -EINVAL, -EEXIST (noreplace). Takes mm->lock. ops->open is NOT
 * called: the caller's reference passes in on success. */
int __must_check mm_map(struct mm *m, const struct vm_map_args *a, vaddr_t *out);
int __must_check mm_unmap(struct mm *m, vaddr_t addr, uint64_t length);
int __must_check mm_protect(
	struct mm *m, vaddr_t addr, uint64_t length, uint32_t prot /* VM_READ|WRITE|EXEC */);
int __must_check mm_remap(struct mm *m, vaddr_t old, uint64_t old_len, uint64_t new_len,
	unsigned flags /* 1 MAYMOVE 2 FIXED 4 DONTUNMAP 8 below mmap_min_addr too */, vaddr_t to,
	vaddr_t *out);
int64_t mm_brk(struct mm *m, vaddr_t want); /* the new (or unchanged) break */
enum vm_advice {
	ADVISE_DONTNEED,
	ADVISE_FREE,
	ADVISE_WILLNEED,
	ADVISE_DONTFORK,
	ADVISE_DOFORK,
	ADVISE_WIPEONFORK,
	ADVISE_KEEPONFORK,
	ADVISE_DONTDUMP,
	ADVISE_DODUMP,
	ADVISE_NOTHING,
	ADVISE_POPULATE_READ,
	ADVISE_POPULATE_WRITE,
	ADVISE_REMOVE
};
int __must_check mm_advise(struct mm *m, vaddr_t addr, uint64_t length, enum vm_advice what);
int __must_check mm_sync(struct mm *m, vaddr_t addr, uint64_t length, bool wait, bool invalidate);
int __must_check mm_incore(
	struct mm *m, vaddr_t addr, uint64_t pages, uint8_t *vec); /* vec in kernel memory */
/* mm->limit_memlock is UINT64_MAX for tasks with CAP_IPC_LOCK (the caller sees to it). */
int __must_check mm_lock_range(struct mm *m, vaddr_t addr, uint64_t length, bool lock);
/* What is there stays, and so does what is touched later: MLOCK_ONFAULT. */
int __must_check mm_lock_range_on_fault(struct mm *m, vaddr_t addr, uint64_t length);
int __must_check mm_lock_all(struct mm *m, bool current_, bool future, bool onfault);
/* VMA that contains or follows @addr; mm->lock held. */
struct vma *mm_find(struct mm *m, vaddr_t addr);
struct vma *vma_next(struct vma *v);
uint64_t mm_rss(const struct mm *m);
/* Read or write another address space (ptrace, /proc/PID/mem, exec's stack): bytes done or -EFAULT.
 * @force ignores VM_WRITE by COW. */
ssize_t mm_access(struct mm *m, vaddr_t addr, void *buf, size_t n, bool write, bool force);
/*
 * References to the pages of [@addr, ...), up to @n, for who reads them while the program goes on:
 * its later writes are seen or not, and unmapping, exec and exit leave the page to the holder, who
 * gives it back by page_put(). How many, or -EFAULT (not readable), -EOPNOTSUPP (memory that is not
 * lent: devices', untouched); sleeps. Whoever holds pages for long bounds their number.
 */
int __must_check mm_pin_pages(struct mm *m, vaddr_t addr, struct page **out, unsigned n);
/* Futex key of a user address: private (mm, addr) or shared (mapping id, offset). */
struct futex_key {
	uint64_t object;
	uint64_t offset;
	bool shared;
};
int __must_check mm_futex_key(vaddr_t addr, bool private, struct futex_key *out);
/* For shared anonymous memory and SysV shm: a mapping without a name. */
struct mapping *shmem_mapping_create(int64_t size);
void shmem_mapping_put(struct mapping *m);
struct mapping *shmem_mapping_get(struct mapping *m);
int64_t shmem_mapping_size(struct mapping *m);
/* /proc/sys/vm: 0 heuristic, 1 always, 2 never beyond ratio percent of memory; VMAs per program. */
extern int overcommit_memory, overcommit_ratio;
extern uint32_t max_map_count;
extern vaddr_t mmap_min_addr; /* bytes; who may map below it is the caller's to know: proc(5) */
/* Charge or (negative) uncharge committed memory: 0 or -ENOMEM. */
int __must_check vm_commit(int64_t pages);
void vm_uncommit(int64_t pages);
/* Resident and dirty figures of one VMA for smaps. */
struct vma_usage {
	uint64_t rss, pss, shared_clean, shared_dirty, private_clean, private_dirty, anonymous,
		referenced, swap;
};
void vma_usage(struct vma *v, struct vma_usage *out);                /* bytes; mm->lock held */
int mm_handle_fault(vaddr_t addr, unsigned access, struct frame *f); /* arch_upcalls.page_fault */
/* Called when memory cannot be found; returns whether someone was chosen. Set by proc. */
extern bool (*oom_kill_hook)(const char *why);
void mm_init(void); /* boot, after slab_init(): also lends memory to lib (xarray_init()) and core
		       (task_cache_init()) */
