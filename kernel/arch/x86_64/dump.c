/*
 * dump.c - for panics: registers, backtraces, symbols. Does not: decide when to panic (core).
 */
#include <arch/cpu.h>
#include <log.h>
#include "room.h"
#include "x86.h"

/* tools/ksyms.py */
extern const uint64_t ksyms_count, ksyms_addr[];
extern const uint32_t ksyms_off[];
extern const char ksyms_name[];

const char *ksym_lookup(uint64_t pc, uint64_t *offset)
{
	uint64_t lo = 0;
	uint64_t hi = ksyms_count;

	if (pc < (uintptr_t)__text_start || pc >= (uintptr_t)__text_end)
		return NULL;
	while (lo < hi) { /* first symbol above pc */
		uint64_t mid = lo + (hi - lo) / 2;

		if (ksyms_addr[mid] <= pc)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0)
		return NULL;
	*offset = pc - ksyms_addr[lo - 1];
	return ksyms_name + ksyms_off[lo - 1];
}

void frame_dump(const struct frame *f)
{
	cpu_fault_dumped(f);
	log_at(LOG_EMERG, "rip %016lx rsp %016lx rflags %06lx cs %02lx ss %02lx", f->rip, f->rsp,
		f->rflags, f->cs, f->ss);
	log_at(LOG_EMERG, "rax %016lx rbx %016lx rcx %016lx rdx %016lx", f->rax, f->rbx, f->rcx,
		f->rdx);
	log_at(LOG_EMERG, "rsi %016lx rdi %016lx rbp %016lx  r8 %016lx", f->rsi, f->rdi, f->rbp,
		f->r8);
	log_at(LOG_EMERG, " r9 %016lx r10 %016lx r11 %016lx r12 %016lx", f->r9, f->r10, f->r11,
		f->r12);
	log_at(LOG_EMERG, "r13 %016lx r14 %016lx r15 %016lx", f->r13, f->r14, f->r15);
	log_at(LOG_EMERG, "cr2 %016lx cr3 %016lx cr4 %08lx cpu %u", read_cr2(), read_cr3(),
		read_cr4(), cpu_id());
}

/* A frame pointer is believed while it points into the image's data, the direct map or the vmap
 * area and is mapped there. */
static bool readable(uint64_t p)
{
	if (p & 7)
		return false;
	if (p >= (uintptr_t)__text_end && p + 16 <= (uintptr_t)__image_end)
		return true;
	if (p >= VMAP_BASE && p + 16 <= VMAP_BASE + VMAP_BYTES) {
		pte_t *pte = kernel_pte(p, false);

		return pte && (pte->v & PTE_P) && (p & ~PAGE_MASK) <= PAGE_SIZE - 16;
	}
	return p >= DIRECT_MAP_BASE && p < VMAP_BASE && direct_mapped(p - DIRECT_MAP_BASE, 16);
}

unsigned stack_trace(uint64_t *pc, unsigned max, const void *frame_pointer)
{
	const uint64_t *fp = frame_pointer ? frame_pointer : __builtin_frame_address(0);
	unsigned n = 0;

	while (n < max && readable((uintptr_t)fp)) {
		const uint64_t *next = (const uint64_t *)fp[0];

		if (fp[1] < (uintptr_t)__text_start || fp[1] >= (uintptr_t)__text_end)
			break;
		pc[n++] = fp[1] - 1; /* inside the call: what follows may be another function */
		if (next <= fp)
			break;
		fp = next;
	}
	return n;
}
