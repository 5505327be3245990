/*
 * slab.c - caches of small objects of one size, with a magazine per CPU.
 *
 * Does not: size classes for kmalloc() (kmalloc.c), give empty magazines back under pressure, NUMA.
 *
 * Objects. A slab is a block of 2^order pages cut into objects of one cache. Its first page carries
 * the list of free objects (slab_free), slab_inuse and slab_objects; every page of it has PG_SLAB,
 * slab_cache, and ->mapping pointing (as an untyped word) to the first page. Slabs with free
 * objects hang in cache->partial; full ones are on no list and are found again through the address
 * of the object that is freed.
 *
 * Magazines. Each CPU has, for each cache, a chain of free objects linked through a word inside
 * (behind the object when a constructor's work must be kept). slab_alloc() and slab_free() push and
 * pop with interrupts off and touch nothing shared; an empty magazine is filled with up to `batch`
 * objects, a full one hands half back, under cache->lock.
 *
 * Invariants: slab_inuse counts objects outside the slab's own list, those in magazines included; a
 * slab with slab_inuse 0 is kept only if it is the cache's last spare, else its pages go back.
 *
 * DEBUG: free objects are filled with POISON_FREE and checked when given out; a trail behind each
 * object says whether it is in use, so a double free or an overrun panics with the cache's name,
 * and who allocated and freed it. Freed objects first wait in a queue of their CPU, so that
 * memcheck.c sees who still uses them. failslab=N: every Nth allocation on behalf of a program
 * fails (kernel threads and boot are spared, so that the machine comes up).
 *
 * Locks: cache->lock is irq-save, level 80, above buddy.lock. list_lock guards the list of caches.
 */
#include <arch/boot.h>
#include <debug.h>
#include <log.h>
#include <memcheck.h>
#include <slab.h>
#include <string.h>
#include "internal.h"
#include "slab_internal.h"

#define MAX_CACHES     192u
#define MAX_SLAB_ORDER 3u
#define POISON_FREE    0x6b
#define POISON_NEW     0x5a
#define RED_FREE       0xdeadf8eedeadf8eeull
#define RED_USED       0x1417ed0b1ec71417ull

/* Key: [c] constant  [l] ->lock */
struct slab_cache {
	const char *name;         /* [c] */
	uint32_t id;              /* [c] index into the CPUs' magazines */
	uint32_t object_bytes;    /* [c] as asked */
	uint32_t stride;          /* [c] from object to object */
	uint32_t link_offset;     /* [c] word that chains free objects */
	uint32_t order, per_slab; /* [c] */
	uint32_t batch, limit;    /* [c] magazine sizes */
	void (*ctor)(void *);     /* [c] */
	struct spinlock lock;
	struct list_head partial; /* [l] slabs with free objects */
	uint32_t nr_empty;        /* [l] of those, without any in use */
	uint64_t nr_slabs;        /* [l] */
	uint64_t nr_out;          /* [l] objects in use or in magazines */
};

struct magazine {
	void *first;
	uint32_t count;
};
struct magazines {
	struct magazine of[MAX_CACHES];
};
DEFINE_PER_CPU(struct magazines, magazines);

static struct slab_cache caches[MAX_CACHES];
static unsigned nr_caches;
static struct spinlock list_lock = SPINLOCK_INIT("slab_list");

static uint32_t failslab_every;
static atomic_t failslab_count;

bool slab_should_fail(void)
{
	if (!failslab_every || !current || current->is_kernel || !current->mm)
		return false;
	return (uint32_t)atomic_inc(&failslab_count) % failslab_every == 0;
}

static inline void **link_of(const struct slab_cache *c, void *obj)
{
	return (void **)((char *)obj + c->link_offset);
}

/* The first page of the slab that @p belongs to. */
static struct page *slab_head(const struct page *p)
{
	return (struct page *)(void *)p->mapping;
}

#if CONFIG_DEBUG
#define CALLERS 3u

/* Behind each object. Code lies in the top 2 GiB: half an address is enough. */
struct trail {
	uint32_t made[CALLERS], freed[CALLERS];
	uint64_t red;
};
#define TRAIL_BYTES sizeof(struct trail)

static struct trail *trail_of(const struct slab_cache *c, const void *obj)
{
	return (struct trail *)((char *)(uintptr_t)obj + c->stride - sizeof(struct trail));
}

static uint64_t *red_of(const struct slab_cache *c, void *obj)
{
	return &trail_of(c, obj)->red;
}

static void note_callers(uint32_t *to, const void *frame)
{
	uint64_t pc[CALLERS];
	unsigned n = stack_trace(pc, CALLERS, frame);

	for (unsigned i = 0; i < CALLERS; i++)
		to[i] = i < n ? (uint32_t)pc[i] : 0;
}

static void print_callers(const char *what, const uint32_t *from)
{
	if (from[0])
		log_at(LOG_EMERG, "  %s", what);
	for (unsigned i = 0; i < CALLERS && from[i]; i++)
		log_at(LOG_EMERG, "    %pS", (void *)(uintptr_t)(int64_t)(int32_t)from[i]);
}

static void explain_object(const struct slab_cache *c, const void *obj)
{
	const struct trail *t = trail_of(c, obj);

	log_at(LOG_EMERG, "object %p of %s, %u bytes, %s", obj, c->name, c->object_bytes,
		t->red == RED_USED   ? "in use"
		: t->red == RED_FREE ? "free"
				     : "overrun");
	print_callers("allocated by", t->made);
	print_callers("freed by", t->freed);
}

static void check_taken(const struct slab_cache *c, void *obj, const void *frame)
{
	if (*red_of(c, obj) != RED_FREE) {
		explain_object(c, obj);
		panic("slab %s: object %p given out is damaged behind its end or in use", c->name,
			obj);
	}
	*red_of(c, obj) = RED_USED;
	note_callers(trail_of(c, obj)->made, frame);
	for (uint32_t i = 0; !c->ctor && i < c->object_bytes; i++) {
		if (i - c->link_offset < sizeof(void *) || ((uint8_t *)obj)[i] == POISON_FREE)
			continue;
		explain_object(c, obj);
		panic("slab %s: object %p written at +%u after it was freed", c->name, obj, i);
	}
	mem_allow(obj, c->object_bytes);
	if (!c->ctor)
		memset(obj, POISON_NEW, c->object_bytes);
}

static void check_given(const struct slab_cache *c, void *obj, const void *frame)
{
	const struct page *p = virt_to_page(obj);

	if (!page_test(p, PG_SLAB) || p->slab_cache != c)
		panic("slab %s: %p freed is not an object of it", c->name, obj);
	if (*red_of(c, obj) != RED_USED) {
		explain_object(c, obj);
		panic("slab %s: object %p freed twice or overrun", c->name, obj);
	}
	*red_of(c, obj) = RED_FREE;
	note_callers(trail_of(c, obj)->freed, frame);
	mem_allow(obj, c->object_bytes); /* kmalloc() may have asked for less */
	if (!c->ctor)
		memset(obj, POISON_FREE, c->object_bytes);
	mem_forbid(obj, ALIGN_UP(c->object_bytes, 8u), MEM_FREE_OBJECT);
}

static void check_new(const struct slab_cache *c, void *obj)
{
	*trail_of(c, obj) = (struct trail){.red = RED_FREE};
	if (!c->ctor)
		memset(obj, POISON_FREE, c->object_bytes);
	mem_forbid(obj, c->stride, MEM_BEHIND_OBJECT);
	mem_forbid(obj, ALIGN_UP(c->object_bytes, 8u), MEM_FREE_OBJECT);
}

void slab_explain(const void *p)
{
	const struct page *head = slab_head(virt_to_page(p));
	const struct slab_cache *c = head->slab_cache;
	const char *base = page_address(head);
	size_t nth = (size_t)((const char *)p - base) / c->stride;

	if (nth < c->per_slab)
		explain_object(c, base + nth * c->stride);
}

/* ---- freed objects that are not given out for a while ---- */

#define QUEUE_OBJECTS 256u
#define QUEUE_BYTES   (256u << 10)

/* Of its CPU, interrupts off. */
struct queue {
	unsigned first, n;
	size_t bytes;
	void *object[QUEUE_OBJECTS];
};
static DEFINE_PER_CPU(struct queue, queue);

static void *queue_take(struct queue *q)
{
	void *obj = q->object[q->first];

	q->first = (q->first + 1) % QUEUE_OBJECTS;
	q->n--;
	q->bytes -= slab_cache_of(obj)->stride;
	return obj;
}

/* Keeps @obj for later. NULL, or an older one that is to be freed in its place. */
static void *delay_free(const struct slab_cache *c, void *obj)
{
	struct queue *q = this_cpu_ptr(queue);
	void *old = NULL;

	if (!memcheck_is_on())
		return obj;
	if (q->n == QUEUE_OBJECTS || q->bytes + c->stride > QUEUE_BYTES)
		old = queue_take(q);
	q->object[(q->first + q->n++) % QUEUE_OBJECTS] = obj;
	q->bytes += c->stride;
	return old;
}
#else
#define TRAIL_BYTES 0u
static inline void check_taken(const struct slab_cache *c, void *obj, const void *frame)
{
	(void)c, (void)obj, (void)frame;
}
static inline void check_given(const struct slab_cache *c, void *obj, const void *frame)
{
	(void)c, (void)obj, (void)frame;
}
static inline void check_new(const struct slab_cache *c, void *obj)
{
	(void)c, (void)obj;
}
#endif

/* A new slab, on no list; its memory belongs to the caller until it is inserted. */
static struct page *slab_make(struct slab_cache *c, unsigned gfp)
{
	struct page *head = page_alloc(c->order, gfp & ~GFP_ZERO);
	char *base;

	if (!head)
		return NULL;
	base = page_address(head);
	for (unsigned i = 0; i < 1u << c->order; i++) {
		head[i].flags = 1u << PG_SLAB;
		head[i].slab_cache = c;
		head[i].mapping = (struct mapping *)(void *)head;
	}
	head->slab_free = NULL;
	head->slab_inuse = 0;
	head->slab_objects = (uint16_t)c->per_slab;
	for (unsigned i = c->per_slab; i-- > 0;) {
		void *obj = base + (size_t)i * c->stride;

		if (c->ctor)
			c->ctor(obj);
		check_new(c, obj);
		*link_of(c, obj) = head->slab_free;
		head->slab_free = obj;
	}
	return head;
}

static void slab_release(struct slab_cache *c, struct page *head)
{
	for (unsigned i = 0; i < 1u << c->order; i++) {
		head[i].flags = 0;
		head[i].mapping = NULL;
	}
	head->fs_private = 0;
	head->cpu = 0;
	atomic_set(&head->mapcount, 0);
	stat_add(STAT_SLAB, -(1l << c->order));
	page_free(head, c->order);
}

/* cache->lock held. Moves objects from @head's list to the magazine. */
static void slab_take(struct slab_cache *c, struct page *head, struct magazine *m, unsigned want)
{
	while (head->slab_free && m->count < want) {
		void *obj = head->slab_free;

		head->slab_free = *link_of(c, obj);
		head->slab_inuse++;
		c->nr_out++;
		*link_of(c, obj) = m->first;
		m->first = obj;
		m->count++;
	}
}

/* Interrupts off. Fills the magazine from slabs that have free objects. */
static void fill_from_partial(struct slab_cache *c, struct magazine *m)
{
	spin_lock(&c->lock);
	while (m->count < c->batch && !list_empty(&c->partial)) {
		struct page *head = list_first(&c->partial, struct page, slab_node);

		if (!head->slab_inuse)
			c->nr_empty--;
		slab_take(c, head, m, c->batch);
		if (!head->slab_free)
			list_del(&head->slab_node);
	}
	spin_unlock(&c->lock);
}

static void *pop(struct slab_cache *c, struct magazine *m)
{
	void *obj = m->first;

	m->first = *link_of(c, obj);
	m->count--;
	return obj;
}

/* The magazine is empty. Interrupts are off at entry and at exit, but not in between: the CPU may
 * change. */
static void *__noinline alloc_slow(struct slab_cache *c, unsigned gfp, unsigned long irqs)
{
	struct magazine *m = &this_cpu_ptr(magazines)->of[c->id];
	struct page *head;

	fill_from_partial(c, m);
	if (m->first)
		return pop(c, m);
	irq_restore(irqs);
	head = slab_make(c, gfp);
	(void)irq_save();
	m = &this_cpu_ptr(magazines)->of[c->id];
	if (!head)
		return m->first ? pop(c, m) : NULL;
	stat_add(STAT_SLAB, 1l << c->order);
	/* We take ours before others see the slab: they may want all of it. */
	spin_lock(&c->lock);
	c->nr_slabs++;
	slab_take(c, head, m, c->batch);
	if (head->slab_free)
		list_add(&head->slab_node, &c->partial);
	if (!head->slab_inuse)
		c->nr_empty++;
	spin_unlock(&c->lock);
	return pop(c, m);
}

void *slab_alloc(struct slab_cache *c, unsigned gfp)
{
	unsigned long irqs;
	struct magazine *m;
	void *obj;

	if (unlikely(failslab_every) && slab_should_fail())
		return NULL;
	irqs = irq_save();
	m = &this_cpu_ptr(magazines)->of[c->id];
	obj = likely(m->first != NULL) ? pop(c, m) : alloc_slow(c, gfp, irqs);
	irq_restore(irqs);
	if (unlikely(!obj))
		return NULL;
	check_taken(c, obj, __builtin_frame_address(0));
	if (gfp & GFP_ZERO)
		memset(obj, 0, c->object_bytes);
	return obj;
}

/* cache->lock held. Returns a slab to be released, or NULL. */
static struct page *give_back(struct slab_cache *c, void *obj)
{
	struct page *head = slab_head(virt_to_page(obj));

	if (!head->slab_free)
		list_add(&head->slab_node, &c->partial);
	*link_of(c, obj) = head->slab_free;
	head->slab_free = obj;
	c->nr_out--;
	if (--head->slab_inuse > 0)
		return NULL;
	if (c->nr_empty == 0) {
		c->nr_empty++;
		list_move_tail(&head->slab_node, &c->partial);
		return NULL;
	}
	list_del(&head->slab_node);
	c->nr_slabs--;
	return head;
}

/* Interrupts off: half of a full magazine goes back to the slabs. */
static void __noinline drain_half(struct slab_cache *c, struct magazine *m)
{
	struct page *dead[4];
	unsigned nr_dead = 0;

	spin_lock(&c->lock);
	while (m->count > c->limit / 2 && nr_dead < ARRAY_SIZE(dead)) {
		struct page *head = give_back(c, pop(c, m));

		if (head)
			dead[nr_dead++] = head;
	}
	spin_unlock(&c->lock);
	while (nr_dead > 0)
		slab_release(c, dead[--nr_dead]);
}

/* Interrupts off. */
static inline void give(struct slab_cache *c, void *p)
{
	struct magazine *m = &this_cpu_ptr(magazines)->of[c->id];

	*link_of(c, p) = m->first;
	m->first = p;
	if (unlikely(++m->count > c->limit))
		drain_half(c, m);
}

void slab_free(struct slab_cache *c, void *p)
{
	unsigned long irqs;

	check_given(c, p, __builtin_frame_address(0));
	irqs = irq_save();
#if CONFIG_DEBUG
	p = delay_free(c, p);
	if (p)
		give(slab_cache_of(p), p);
#else
	give(c, p);
#endif
	irq_restore(irqs);
}

/* Which cache an address belongs to; NULL: not a slab object. */
struct slab_cache *slab_cache_of(const void *p)
{
	const struct page *pg = virt_to_page(p);

	return page_test(pg, PG_SLAB) ? pg->slab_cache : NULL;
}

size_t slab_object_bytes(const struct slab_cache *c)
{
	return c->object_bytes;
}

static void choose_layout(struct slab_cache *c, size_t size, size_t align)
{
	size_t stride = ALIGN_UP(size, sizeof(void *));

	c->object_bytes = (uint32_t)size;
	c->link_offset = 0;
	if (c->ctor) { /* the object must stay as the constructor left it */
		c->link_offset = (uint32_t)stride;
		stride += sizeof(void *);
	}
	stride += TRAIL_BYTES;
	stride = ALIGN_UP(stride, align);
	c->stride = (uint32_t)stride;
	while (c->order < MAX_SLAB_ORDER) {
		size_t bytes = PAGE_SIZE << c->order;

		if (bytes >= stride * 4 && bytes % stride <= bytes / 8)
			break;
		c->order++;
	}
	c->per_slab = (uint32_t)((PAGE_SIZE << c->order) / stride);
	c->limit = stride <= 256 ? 64 : stride <= 1024 ? 32 : 12;
	c->batch = c->limit / 4;
}

struct slab_cache *slab_cache_create(
	const char *name, size_t size, size_t align, void (*ctor)(void *))
{
	struct slab_cache *c;
	unsigned long f = spin_lock_irq(&list_lock);

	if (nr_caches == MAX_CACHES)
		panic("slab: too many caches, at %s", name);
	c = &caches[nr_caches];
	c->name = name;
	c->id = nr_caches;
	c->ctor = ctor;
	spin_init(&c->lock);
	list_init(&c->partial);
	choose_layout(c, MAX(size, sizeof(void *)), MAX(align, (size_t)16));
	if (c->per_slab == 0)
		panic("slab %s: %zu bytes are too many", name, size);
	smp_store_release(&nr_caches, nr_caches + 1);
	spin_unlock_irq(&list_lock, f);
	return c;
}

bool slab_info_get(unsigned nth, struct slab_info *out)
{
	const struct slab_cache *c = &caches[nth];
	uint64_t in_magazines = 0;
	unsigned cpu;

	if (nth >= smp_load_acquire(&nr_caches))
		return false;
	for_each_online_cpu (cpu)
		in_magazines += READ_ONCE(per_cpu(magazines, cpu).of[nth].count);
	*out = (struct slab_info){
		.name = c->name,
		.active = c->nr_out > in_magazines ? c->nr_out - in_magazines : 0,
		.total = c->nr_slabs * c->per_slab,
		.size = c->object_bytes,
		.pages = c->nr_slabs << c->order,
	};
	return true;
}

void slab_init(void)
{
	char value[16];

	kmalloc_init();
	if (boot_option("failslab", 0, value, sizeof(value)))
		failslab_every = (uint32_t)strtou64(value, NULL, 10);
}
