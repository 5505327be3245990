/*
 * tlb.c - which address space a CPU has loaded, and making every CPU forget entries.
 *
 * Each address space counts its flushes in tlb_gen. A CPU remembers for each PCID slot whose
 * entries it may hold and up to which generation they are right. mmu->active names the CPUs that
 * have it loaded; a flush bumps the generation, then asks those, so that a CPU either is asked or
 * sees the new generation when it loads the space (both sides: full barrier between their store and
 * load). A CPU running a kernel thread keeps the last space loaded, marked lazy: it is not asked,
 * and compares generations when it goes back to it; only when tables were freed it is asked too and
 * lets go of the space, because its page walker might read them. Spec: SDM vol 3, 4.10
 * (PCIDs 4.10.1, invalidation 4.10.4).
 */
#include <arch/smp.h>
#include <debug.h>
#include "room.h"
#include "x86.h"

#define SLOTS            4u   /* PCID 1.. of each CPU; 0 is the kernel's own table */
#define FULL_FLUSH_PAGES 33ul /* from here on reload everything */
#define CR3_KEEP         (1ull << 63)

struct tlb_cpu {            /* changed by its CPU only, interrupts off */
	struct mmu *loaded; /* NULL: the kernel's table */
	bool lazy;          /* read by others */
	unsigned slot, victim;
	struct {
		uint64_t id, gen;
	} slots[SLOTS];
};
static DEFINE_PER_CPU(struct tlb_cpu, tlb_cpu_);
static struct mmu kernel_mmu;

struct mmu *mmu_kernel(void)
{
	return &kernel_mmu;
}

void tlb_init_cpu(void)
{
	kernel_mmu.root = kernel_root;
	write_cr3(virt_to_phys(kernel_root));
	if (cpu_has.pcid)
		write_cr4(read_cr4() | CR4_PCIDE);
}

static uint64_t cr3_of(const struct mmu *m, unsigned slot)
{
	return virt_to_phys(m->root) | (cpu_has.pcid ? slot + 1 : 0);
}

static void leave(struct tlb_cpu *t)
{
	struct mmu *m = t->loaded;

	write_cr3(virt_to_phys(kernel_root));
	t->loaded = NULL;
	WRITE_ONCE(t->lazy, false);
	cpumask_clear(&m->active, cpu_id());
}

/* Bring the loaded space to the present generation. */
static void catch_up(struct tlb_cpu *t)
{
	uint64_t gen = __atomic_load_n(&t->loaded->tlb_gen, __ATOMIC_SEQ_CST);

	if (t->slots[t->slot].gen == gen)
		return;
	t->slots[t->slot].gen = gen;
	write_cr3(cr3_of(t->loaded, t->slot));
}

static void load(struct tlb_cpu *t, struct mmu *next)
{
	struct mmu *old = t->loaded;
	bool keep = false;
	unsigned slot = 0;
	uint64_t gen;

	cpumask_set(&next->active, cpu_id());
	gen = __atomic_load_n(&next->tlb_gen, __ATOMIC_SEQ_CST);
	if (cpu_has.pcid) {
		while (slot < SLOTS && t->slots[slot].id != next->id)
			slot++;
		if (slot == SLOTS)
			slot = t->victim = (t->victim + 1) % SLOTS;
		else
			keep = t->slots[slot].gen == gen;
	}
	t->slots[slot].id = next->id;
	t->slots[slot].gen = gen;
	t->slot = slot;
	t->loaded = next;
	WRITE_ONCE(t->lazy, false);
	write_cr3(cr3_of(next, slot) | (keep ? CR3_KEEP : 0));
	if (old)
		cpumask_clear(&old->active, cpu_id());
}

void mmu_switch(struct mmu *prev, struct mmu *next)
{
	struct tlb_cpu *t = this_cpu_ptr(tlb_cpu_);

	(void)prev; /* what is loaded may be older than the previous task */
	if (!next) {
		WRITE_ONCE(t->lazy, t->loaded != NULL);
	} else if (t->loaded != next) {
		load(t, next);
	} else if (t->lazy) {
		__atomic_store_n(&t->lazy, false, __ATOMIC_SEQ_CST);
		catch_up(t);
	}
}

struct flush {
	struct mmu *m;
	vaddr_t start, end;
	uint64_t gen;
	bool tables;
};

/* On a CPU that may hold entries; interrupts off. */
static void flush_here(void *arg)
{
	const struct flush *f = arg;
	struct tlb_cpu *t = this_cpu_ptr(tlb_cpu_);
	uint64_t *have = &t->slots[t->slot].gen;

	if (t->loaded != f->m)
		return;
	if (t->lazy && f->tables) {
		leave(t);
		return;
	}
	if (*have >= f->gen)
		return;
	if (*have + 1 != f->gen || f->end - f->start >= FULL_FLUSH_PAGES * PAGE_SIZE) {
		catch_up(t);
		return;
	}
	for (vaddr_t va = f->start; va < f->end; va += PAGE_SIZE)
		invlpg(va);
	*have = f->gen;
}

static void flush_range(struct mmu *m, vaddr_t start, vaddr_t end)
{
	struct flush f = {m, start, end, 0, false};
	struct cpumask ask;
	unsigned long flags;
	unsigned cpu;

	if (unlikely(m->tables_freed))
		f.tables = __atomic_exchange_n(&m->tables_freed, false, __ATOMIC_SEQ_CST);
	f.gen = __atomic_add_fetch(&m->tlb_gen, 1, __ATOMIC_SEQ_CST);
	ask.bits = __atomic_load_n(&m->active.bits, __ATOMIC_SEQ_CST);
	flags = irq_save();
	flush_here(&f);
	ask.bits &= ~(1ull << cpu_id());
	irq_restore(flags);
	if (likely(!ask.bits))
		return;
	for_each_cpu_in(cpu, ask) if (!f.tables && __atomic_load_n(&per_cpu(tlb_cpu_, cpu).lazy,
							   __ATOMIC_SEQ_CST))
		ask.bits &= ~(1ull << cpu);
	smp_call(ask, flush_here, &f);
}

void tlb_flush_page(struct mmu *m, vaddr_t va)
{
	flush_range(m, va & PAGE_MASK, (va & PAGE_MASK) + PAGE_SIZE);
}
void tlb_flush_range(struct mmu *m, vaddr_t start, vaddr_t end)
{
	flush_range(m, start, end);
}
void tlb_flush_all(struct mmu *m)
{
	flush_range(m, 0, USER_END);
}
void tlb_flush_local(vaddr_t va)
{
	invlpg(va);
}

static void flush_kernel_here(void *arg)
{
	const struct flush *f = arg;

	if (f->end - f->start < FULL_FLUSH_PAGES * PAGE_SIZE) {
		for (vaddr_t va = f->start; va < f->end; va += PAGE_SIZE)
			invlpg(va);
	} else { /* SDM vol 3, 4.10.4.1: clearing PGE forgets global entries and every PCID */
		uint64_t cr4 = read_cr4();

		write_cr4(cr4 & ~CR4_PGE);
		write_cr4(cr4);
	}
}

void tlb_flush_kernel(vaddr_t start, vaddr_t end)
{
	struct flush f = {.start = start, .end = end};

	smp_call((struct cpumask){cpu_count() == 64 ? ~0ull : (1ull << cpu_count()) - 1},
		flush_kernel_here, &f);
}

static void forget_here(void *arg)
{
	struct tlb_cpu *t = this_cpu_ptr(tlb_cpu_);

	if (t->loaded == arg)
		leave(t);
}

void tlb_forget(struct mmu *m)
{
	unsigned long flags = irq_save();

	forget_here(m);
	irq_restore(flags);
	if (READ_ONCE(m->active.bits))
		smp_call(m->active, forget_here, m);
	PANIC_ON(m->active.bits);
}
