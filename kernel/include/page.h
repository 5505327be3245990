/*
 * page.h - struct page, one for each frame of memory, and the page allocator.
 *
 * A page is free (buddy), or owned by whoever allocated it: slab, page table, anonymous memory or a
 * page cache mapping. refs counts users; the last page_put() frees. mapcount counts the page-table
 * entries of pages of a cache; an anonymous page's entries are counted by refs alone (each holds
 * one). The array of struct page is virtually contiguous over all usable memory: page <-> pfn is
 * arithmetic.
 */
#pragma once
#include <arch/mmu.h>
#include <atomic.h>
#include <list.h>
#include <spinlock.h>

enum page_flags { /* bits in page->flags, changed atomically unless the page is locked or private */
	PG_LOCKED = 0,   /* page cache: I/O or truncation in progress; page_lock() */
	PG_UPTODATE = 1, /* contents valid */
	PG_DIRTY = 2,
	PG_WRITEBACK = 3,
	PG_REFERENCED = 4, /* reclaim: second chance */
	PG_ACTIVE = 5,
	PG_LRU = 6, /* on an LRU list */
	PG_SLAB = 7,
	PG_BUDDY = 8, /* head of a free block; order in ->order */
	PG_TABLE = 9, /* page table: ptl and table_entries valid */
	PG_ANON = 10, /* mapping is not a page cache */
	PG_SWAPBACKED =
		11,       /* tmpfs, shared anonymous: cannot be written anywhere, not reclaimable */
	PG_RESERVED = 12, /* never allocated */
	PG_ERROR = 13,
	PG_WAITERS = 14,   /* someone sleeps in page_wait() */
	PG_READAHEAD = 15, /* hitting it starts the next window */
	PG_LAZY = 17,      /* anonymous: may go while its entry is clean (lazyfree.c) */
	PG_SWAPPING = 18,  /* anonymous: being written to swap; clear: changed since (swapout.c) */
	PG_PRIVATE =
		16, /* fs: ->fs_private in use (block numbers of a metadata page and the like) */
};

struct mapping;
struct slab;
struct page { /* 64 bytes */
	uint32_t flags;
	refcount_t refs;
	union {
		struct list_head lru; /* LRU, free lists */
		struct {
			struct slab_cache *slab_cache;
			void *slab_free;
		};
		struct {
			struct spinlock ptl;
			uint32_t table_entries;
		};
	};
	struct mapping *mapping; /* page cache owner; NULL after truncation */
	union {
		uint64_t index; /* page cache: offset in pages */
		uint64_t order; /* free or compound head: block order */
		struct {
			uint16_t slab_inuse, slab_objects, slab_frozen;
		};
	};
	union {
		struct {
			atomic_t mapcount; /* entries mapping it (not of PG_ANON pages); starts at 0
					    */
			uint32_t cpu;      /* allocator's own */
			uint64_t fs_private;
		};
		struct list_head slab_node; /* slab with free objects */
	};
} __aligned(64);
#if !CONFIG_DEBUG
static_assert(sizeof(struct page) == 64, "struct page is one cache line");
#endif

extern struct page *const page_array; /* index: pfn */
#define pfn_to_page(pfn) (page_array + (pfn))
#define page_to_pfn(pg)  ((pfn_t)((pg)-page_array))
static inline paddr_t page_to_phys(const struct page *pg)
{
	return page_to_pfn(pg) << PAGE_SHIFT;
}
static inline void *page_address(const struct page *pg)
{
	return phys_to_virt(page_to_phys(pg));
}
static inline struct page *virt_to_page(const void *va)
{
	return pfn_to_page(virt_to_phys(va) >> PAGE_SHIFT);
}
bool pfn_valid(pfn_t pfn);  /* has a struct page (RAM) */
bool memory_is_short(void); /* programs will soon have to wait for memory: a hint */

static inline bool page_test(const struct page *p, enum page_flags b)
{
	return READ_ONCE(p->flags) >> b & 1;
}
static inline void page_set(struct page *p, enum page_flags b)
{
	__atomic_fetch_or(&p->flags, 1u << b, __ATOMIC_SEQ_CST);
}
static inline void page_clear_flag(struct page *p, enum page_flags b)
{
	__atomic_fetch_and(&p->flags, ~(1u << b), __ATOMIC_SEQ_CST);
}
static inline bool page_test_set(struct page *p, enum page_flags b)
{
	return __atomic_fetch_or(&p->flags, 1u << b, __ATOMIC_SEQ_CST) >> b & 1;
}
static inline bool page_test_clear(struct page *p, enum page_flags b)
{
	return __atomic_fetch_and(&p->flags, ~(1u << b), __ATOMIC_SEQ_CST) >> b & 1;
}

enum gfp {              /* how hard to try */
	GFP_ATOMIC = 1, /* must not sleep; may use the emergency reserve */
	GFP_ZERO = 2,
	GFP_NOFS = 4,    /* no reclaim through file systems (called with their locks held) */
	GFP_NORETRY = 8, /* fail rather than kill someone */
	GFP_KERNEL = 0,  /* may sleep, reclaim, and wake the OOM killer */
	GFP_USER = 16,   /* charged to a program: respects the low-memory reserve */
	GFP_NOWAIT = 32, /* must not sleep, and leaves the reserve alone: for what has a fallback */
};
/* 2^order contiguous pages with refs 1, or NULL. Order <= 10. */
struct page *page_alloc(unsigned order, unsigned gfp) __must_check;
/* The same with GFP_NOWAIT, all of it below physical address 2^32; slow: it searches. */
struct page *page_alloc_low(unsigned order) __must_check;
void page_free(struct page *p,
	unsigned order); /* drops the caller's reference, the only one but for passing lookups */
static inline struct page *page_get(struct page *p)
{
	refcount_inc(&p->refs);
	return p;
}
void page_put_last(struct page *
		p); /* any context; frees the whole block of ->order (0 once in use by a mapping) */
static inline void page_put(struct page *p)
{
	if (refcount_dec(&p->refs))
		page_put_last(p);
}

void page_lock(struct page *p); /* sleeps */
bool page_trylock(struct page *p);
void page_unlock(struct page *p);
void page_wait(struct page *p, enum page_flags bit); /* sleeps until the bit is clear */
void page_wake(struct page *p);                      /* after clearing a waited-for bit */

struct mem_stats { /* in pages */
	uint64_t total, free, available, cached, buffers, dirty, writeback, anon, mapped, shmem,
		slab_reclaimable, slab_unreclaimable, page_tables, kernel_stacks, active_file,
		inactive_file, committed, commit_limit, swap_total, swap_free;
	uint64_t faults, major_faults, page_ins, page_outs, swap_ins, swap_outs;
};
void mem_stats(struct mem_stats *out);
extern atomic64_t page_table_pages, kernel_stack_pages; /* arch adds and subtracts */
void page_init(void);                                   /* boot: takes over boot_info.mem */
