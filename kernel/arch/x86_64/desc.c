/*
 * desc.c - GDT, TSS and IDT. Each CPU has its own GDT and TSS with four IST stacks; the IDT is
 * shared.
 *
 * Selectors are those that Linux programs see in signal frames and ptrace (CS 0x33, SS 0x2b). Spec:
 * SDM vol 3, 3.4, 6.14, 7.7.
 */
#include <debug.h>
#include <string.h>
#include "room.h"
#include "x86.h"

struct tss {
	uint32_t reserved0;
	uint64_t rsp[3];
	uint64_t reserved1, ist[7], reserved2;
	uint16_t reserved3, iomap;
} __packed;
static_assert(sizeof(struct tss) == 104, "SDM vol 3, figure 7-11");

struct ist_stack {
	uint8_t bytes[IST_BYTES - 16];
	uint64_t gs_base, pad;
} __aligned(16);
static_assert(sizeof(struct ist_stack) == IST_BYTES, "entry.S finds gs base by it");

struct cpu_desc {
	uint64_t gdt[10];
	struct tss tss;
	struct ist_stack ist[4]; /* NMI, #DF, #MC, #DB */
};
static DEFINE_PER_CPU(struct cpu_desc, cpu_desc_);
DEFINE_PER_CPU(uint64_t, kstack_top_);
DEFINE_PER_CPU(uint64_t, user_rsp_);

struct gate {
	uint16_t off_low, sel;
	uint8_t ist, type;
	uint16_t off_mid;
	uint32_t off_high, reserved;
};
static_assert(sizeof(struct gate) == 16, "SDM vol 3, figure 6-8");
static struct gate idt[256] __aligned(4096);

extern char trap_stubs[], irq_stubs[];

struct table_reg {
	uint16_t limit;
	uint64_t base;
} __packed;

static void idt_build(void)
{
	for (unsigned v = 0; v < 256; v++) {
		uintptr_t to = v < 32 ? (uintptr_t)trap_stubs + 16 * v
				      : (uintptr_t)irq_stubs + 16 * (v - 32);
		struct gate *g = &idt[v];

		g->off_low = (uint16_t)to;
		g->off_mid = (uint16_t)(to >> 16);
		g->off_high = (uint32_t)(to >> 32);
		g->sel = KERNEL_CS;
		g->type = 0x8e; /* present, interrupt gate: arrives with interrupts off */
	}
	idt[3].type = 0xee; /* INT3 and INTO may be executed by programs */
	idt[4].type = 0xee;
	idt[2].ist = 1;
	idt[8].ist = 2;
	idt[18].ist = 3;
	idt[1].ist = 4;
}

void desc_init_cpu(void)
{
	struct cpu_desc *d = this_cpu_ptr(cpu_desc_);
	struct table_reg gdtr = {sizeof(d->gdt) - 1, (uintptr_t)d->gdt};
	struct table_reg idtr = {sizeof(idt) - 1, (uintptr_t)idt};
	uint64_t base = (uintptr_t)&d->tss;

	if (!idt[0].type)
		idt_build();
	d->gdt[KERNEL_CS / 8] = 0x00af9b000000ffffull;
	d->gdt[KERNEL_DS / 8] = 0x00cf93000000ffffull;
	d->gdt[0x20 / 8] = 0x00cffb000000ffffull; /* 32-bit user code: only a place holder for
						     STAR's arithmetic */
	d->gdt[SEL_USER_DS / 8] = 0x00cff3000000ffffull;
	d->gdt[SEL_USER_CS / 8] = 0x00affb000000ffffull;
	d->gdt[SEL_TSS / 8] = (sizeof(struct tss) - 1) | (base & 0xffffff) << 16 | 0x89ull << 40 |
			      (base >> 24 & 0xff) << 56;
	d->gdt[SEL_TSS / 8 + 1] = base >> 32;
	d->tss.iomap = sizeof(struct tss);
	for (unsigned i = 0; i < 4; i++) {
		d->ist[i].gs_base = this_cpu(percpu_offset_);
		d->tss.ist[i] = (uintptr_t)&d->ist[i].gs_base;
	}
	__asm__ __volatile__("lgdt %0\n\tlidt %1\n\tltr %w2"
			     :
			     : "m"(gdtr), "m"(idtr), "r"(SEL_TSS)
			     : "memory");
}

void desc_set_kernel_stack(uint64_t top)
{
	this_cpu(kstack_top_) = top;
	this_cpu(cpu_desc_).tss.rsp[0] = top;
}
