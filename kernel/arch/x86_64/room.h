/*
 * room.h - what the files of this room tell each other. Theory: start.c.
 */
#pragma once
#include <arch/boot.h>
#include <arch/frame.h>
#include <arch/mmu.h>
#include <arch/percpu.h>
#include <cpumask.h>
#include <task.h>
#include "boot_map.h"

/* linker script */
extern char __image_start[], __text_start[], __text_end[], __rodata_end[], __image_end[];
extern char __percpu_start[], __percpu_end[], __percpu_boot[];
/* boot.S */
extern pte_t boot_pml4[];
extern char boot_guard[], boot_stack[];

DECLARE_PER_CPU(uint64_t, kstack_top_); /* where an entry from user mode starts to push */
DECLARE_PER_CPU(uint64_t, user_rsp_);   /* entry.S's own */
DECLARE_PER_CPU(unsigned, irq_depth_);
DECLARE_PER_CPU(bool, idle_halting_);
DECLARE_PER_CPU(uint32_t, apic_id_);

/* Interrupt vectors above those given to devices. */
enum {
	VEC_DEVICE_FIRST = 0x30,
	VEC_DEVICE_LAST = 0xef,
	VEC_TIMER = 0xf0,
	VEC_KICK = 0xf1,
	VEC_CALL = 0xf2,
	VEC_SPURIOUS = 0xff
};

/* desc.c */
void desc_init_cpu(void); /* GDT, TSS, IDT of this CPU, whose per-CPU area is in use */
void desc_set_kernel_stack(uint64_t top); /* for entries from user mode */
/* trap.c */
void trap(struct frame *f, unsigned vec, uint64_t err);
void extable_init(void);
void cpu_fault_dumped(const struct frame *f);
void user_exit_work(struct frame *f);
void frame_sanitise(struct frame *f);
void user_exit_check(void);
/* nmi.c */
void nmi_interrupt(struct frame *f);
/* irq.c, apic.c, ioapic.c */
void irq_dispatch(struct frame *f, unsigned vec);
/* boot_info.c, boot_mem.c */
void boot_info_parse(void);
void boot_mem_reserve_fixed(void);
bool boot_mem_open(void);       /* boot_alloc_pages() is still the way to get memory */
extern paddr_t boot_trampoline; /* a page below 1 MiB */
/* usercopy.c */
extern uint32_t move_mode;
void usercopy_init(void);
void smap_patch(void);
/* paging.c */
void paging_init(void);
pte_t *kernel_pte(vaddr_t va,
	bool alloc); /* leaf entry of a 4 KiB mapping; NULL: none or no memory, or a large page */
bool direct_mapped(paddr_t pa, size_t bytes);
extern pte_t *kernel_root;
extern uint16_t kernel_slots[]; /* entries of the top table in the kernel half, ended by 0 */
/* vmap.c */
#define VMAP_BASE  0xffffc00000000000ull
#define VMAP_BYTES (2ull << 30)
void *phys_map(paddr_t pa,
	size_t bytes); /* read firmware tables: through the direct map or a new cached mapping */
void *stack_alloc(unsigned pages); /* mapped pages between guards */
void stack_free(void *stack, unsigned pages);
/* tlb.c */
void tlb_init_cpu(void);
void tlb_forget(struct mmu *m); /* no CPU has @m loaded afterwards */
/* fpu.c, task.c */
void fpu_init_cpu(void);
void fpu_switch(struct task *prev, struct task *next);
void arch_fpu_start(struct task *t); /* initial state, in memory */
void arch_fpu_copy(struct task *to); /* from the current task */
void arch_fpu_reset(void);           /* of the current task, in the registers */
unsigned kstack_pages(void);
struct task *switch_stacks(struct task *prev, struct task *next);
void task_entered(struct task *prev);
void task_entry_kernel(void);
void task_entry_user(void);
void __noreturn user_enter(struct frame *f);
/* serial.c */
void early_serial_init(void);
/* smp.c */
extern unsigned cpu_online_count;
void smp_call_interrupt(void);
/* clock.c */
void clock_timer_interrupt(bool from_user);
int clock_init_cpu(void);
