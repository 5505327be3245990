/*
 * internal.h - what the files of mm/ share among themselves: allocator levels, LRU, reverse
 * mapping, address-space helpers.
 *
 * The theory is in page_alloc.c (pages), slab.c (objects), pagecache.c (file contents) and mm.c
 * (address spaces).
 */
#pragma once
#include <arch/percpu.h>
#include <pagecache.h>
#include <task.h>
#include <tlb.h>
#include <vm.h>

/* Event counters per CPU; changed in task context only, sums may be off by what is in flight. */
enum page_stat {
	STAT_CACHED,
	STAT_BUFFERS,
	STAT_SHMEM,
	STAT_ANON,
	STAT_MAPPED,
	STAT_FAULTS,
	STAT_MAJOR,
	STAT_INS,
	STAT_OUTS,
	STAT_SLAB,
	STAT_SWAP_IN,
	STAT_SWAP_OUT,
	NR_STATS
};
struct page_stats {
	int64_t n[NR_STATS];
};
DECLARE_PER_CPU(struct page_stats, page_stats);
static inline void stat_add(enum page_stat s, int64_t n)
{
	this_cpu(page_stats).n[s] += n;
}
int64_t stat_sum(enum page_stat s);
extern atomic64_t stat_dirty, stat_writeback; /* also changed by interrupts */

/* page_alloc.c */
struct watermarks {
	uint64_t min, low, high;
}; /* pages; below low reclaim runs, programs stop at min */
extern struct watermarks watermarks;
extern uint64_t total_pages;
uint64_t pages_free_estimate(void); /* in the buddy lists only */
uint64_t pages_free_all(void);      /* and in the CPUs' lists */
void page_drain_cpus(void);         /* hands every CPU's list back; interrupts on */

void page_wait_init(void); /* page_wait.c */

/* lru.c */
void lru_add(struct page *p);    /* a new page of a reclaimable mapping */
void lru_remove(struct page *p); /* any context */
void lru_touch(struct page *p);  /* it was used */
unsigned lru_isolate(bool active, struct page **out, unsigned n); /* referenced, off the list */
void lru_putback(struct page *p, bool active); /* drops the reference of isolation */
void lru_drain(void);                          /* this CPU's batch to the lists */
uint64_t lru_count(bool active);

/* reclaim.c, oom.c */
uint64_t reclaim_direct(unsigned gfp); /* pages freed */

/* lazyfree.c */
void lazy_free(struct vma *v, vaddr_t start, vaddr_t end); /* anonymous; mm->lock held */
void lazy_forget(struct mm *m);                            /* its last user is gone */
uint64_t lazy_reclaim(uint64_t want);                      /* pages freed */

/* mm_list.c */
void mm_list_add(struct mm *m);    /* complete: its VMAs change under mm->lock only from now on */
void mm_list_remove(struct mm *m); /* its last user is gone; waits for mm_unpin() */
struct mm *mm_pin_next(void);      /* of all in turn; it stays until mm_unpin(). NULL: none */
void mm_unpin(struct mm *m);
unsigned mm_list_count(void);
/* Of a pinned one: false if its last user waits for mm_unpin(). */
static inline bool mm_in_use(const struct mm *m)
{
	return refcount_read(&m->users) > 0;
}

/* swap.c, swapout.c */
bool swap_has_room(void);
void swap_count(uint64_t *total, uint64_t *free); /* slots */
void swap_get(uint64_t place); /* one user more of an entry's place; its table is locked */
void swap_put(uint64_t place, unsigned n); /* one less of each of the @n from @place on */
/* The reclaim thread's: writes what programs have not used lately to swap space. Looks at about a
 * 2^@priority th of their pages; pages freed. */
uint64_t swap_out(uint64_t want, unsigned priority);

void reclaim_wake(void);
void reclaim_init(void);
bool oom_kill(unsigned order, unsigned gfp);

/* pagecache.c */
int pagecache_insert(struct mapping *m, struct page *p,
	uint64_t index); /* page locked; the caller's reference becomes the cache's */
void pagecache_remove(struct mapping *m,
	struct page *p); /* page locked, clean, not in writeback; drops the cache's reference */
bool pagecache_reclaim(struct mapping *m,
	struct page *p); /* the same if nobody else has a reference; frees the page */
int pagecache_read_range(struct mapping *m, uint64_t index, unsigned nr, uint64_t mark);
int pagecache_get_ra(
	struct mapping *m, uint64_t index, struct readahead *ra, unsigned want, struct page **out);
int pagecache_fill(struct mapping *m,
	struct page *p); /* locked, not up to date: read and wait; unlocked in any case */
static inline uint64_t bytes_to_pages(int64_t bytes)
{
	return ((uint64_t)bytes + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

/* readahead.c */
void readahead_miss(struct mapping *m, struct readahead *ra, uint64_t index, unsigned want);
void readahead_hit(
	struct mapping *m, struct readahead *ra, uint64_t index); /* on a PG_READAHEAD page */

/* dirty.c, writeback.c */
bool page_clear_dirty(struct page *p); /* page locked; true if it was dirty */
void mapping_set_error(struct mapping *m, int error);
void mapping_forget_dirty(struct mapping *m); /* off the dirty list; waits for the flusher */
unsigned dirty_mappings(void);
struct mapping *dirty_next(
	uint64_t older_than_ns);    /* marked FLUSHING and last on the list, or NULL */
void dirty_done(struct mapping *m); /* after dirty_next(); unpins if clean */
int mapping_write_range(struct mapping *m, struct writeback *wb);
void dirty_limits(uint64_t *background, uint64_t *limit);

/* rmap.c */
void mapping_zap(struct mapping *m, uint64_t first, uint64_t last, bool even_cows);
void mapping_write_protect(struct mapping *m, uint64_t index);
enum { RMAP_YOUNG = 1, RMAP_LOCKED = 2 };
unsigned mapping_page_users(struct mapping *m, uint64_t index); /* RMAP_* ; clears the young bits */

/* vma.c */
extern struct slab_cache *vma_slab, *mm_slab;
#define STACK_GUARD_BYTES (256 * PAGE_SIZE)
/* Where the kernel itself puts nothing below. */
static inline vaddr_t vm_lowest(void)
{
	return MAX(mmap_min_addr, (vaddr_t)PAGE_SIZE);
}
void vma_insert(struct mm *m, struct vma *v);
void vma_erase(struct mm *m, struct vma *v);
void vma_resize(struct vma *v, vaddr_t start,
	vaddr_t end); /* pgoff follows start; takes the mapping's lock */
void vma_link_mapping(struct vma *v);
/* @v is about to be linked: counts already if it may be written and shared, unless that is sealed:
 * 0, -EPERM. vma_announced() ends that. */
int __must_check vma_announce(const struct vma *v);
void vma_announced(const struct vma *v);
void vma_unlink_mapping(struct vma *v);
struct vma *vma_prev(struct vma *v);
struct vma *vma_at(struct mm *m, vaddr_t addr);         /* contains @addr, or NULL */
int vma_split(struct mm *m, struct vma *v, vaddr_t at); /* v keeps the lower part */
struct vma *vma_merge(
	struct mm *m, struct vma *v); /* with its neighbours where alike; returns what v became */
int vma_isolate(struct mm *m, struct vma **v, vaddr_t start,
	vaddr_t end);         /* split so that *v lies inside */
void vma_free(struct vma *v); /* closes it */
vaddr_t vma_find_gap(
	struct mm *m, uint64_t length, vaddr_t low, vaddr_t high); /* highest; 0: none */
bool vma_range_free(struct mm *m, vaddr_t start, vaddr_t end);
void mm_account(struct mm *m, const struct vma *v, int64_t pages);
static inline uint64_t vma_pages(const struct vma *v)
{
	return (v->end - v->start) >> PAGE_SHIFT;
}
static inline uint64_t vma_index(const struct vma *v, vaddr_t va)
{
	return v->pgoff + ((va - v->start) >> PAGE_SHIFT);
}
static inline unsigned vma_prot(const struct vma *v)
{
	return v->flags & (VM_READ | VM_WRITE | VM_EXEC);
}
static_assert((int)VM_READ == (int)MMU_READ && (int)VM_WRITE == (int)MMU_WRITE &&
		      (int)VM_EXEC == (int)MMU_EXEC,
	"vma_prot() is also for pte_make()");
static inline bool vma_is_anon(const struct vma *v)
{
	return !v->mapping && !(v->ops && v->ops->fault) && !(v->flags & VM_PFN);
}

/* zap.c */
enum zap_flags { ZAP_FILE_ONLY = 1 };
/* @tlb NULL: the address space is dead, nobody can reach the tables. */
void zap_range(struct mm *m, vaddr_t start, vaddr_t end, struct tlb_batch *tlb, unsigned flags);
atomic64_t *mm_rss_counter(struct mm *m, const struct page *p);
void page_drop_mapcount(struct page *p); /* an entry of a cache's page went away */

/* fault.c, mmap.c, shmem.c */
int fault_in_page(
	struct mm *m, struct vma *v, vaddr_t addr, unsigned access); /* mm->lock held shared */
int mm_populate(struct mm *m, vaddr_t start,
	vaddr_t end); /* takes mm->lock; best effort up to the first error */
/*
 * mm->lock held for writing, range checked. The VMAs taken out go to @dead: vma_free_all() after
 * the lock is released, as closing the last user of a file takes locks of higher rank.
 */
int unmap_locked(struct mm *m, vaddr_t start, vaddr_t end, struct list_head *dead);
void vma_free_all(struct list_head *dead);
int expand_stack_locked(struct mm *m, struct vma *v, vaddr_t addr);
int mm_check_limits(struct mm *m, uint32_t flags, uint64_t pages);
extern struct page *zero_page;
extern const struct vma_ops shmem_vma_ops;
void fault_init(void);
void shmem_init(void);
