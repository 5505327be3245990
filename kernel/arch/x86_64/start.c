/*
 * start.c - the first C code, and the theory of this room.
 *
 * Boot: boot.S brings CPU 0 into long mode on its own tables (first 4 GiB at 0 and at the direct
 * map, image at KERNEL_VMA) and jumps to arch_start(), which makes exceptions readable and calls
 * kernel_main(). The boot table calls the arch_init_*() steps below in the order of arch/init.h.
 * Other processors come through trampoline.S to smp_ap_start() (smp.c).
 *
 * Address space: programs below USER_END; direct map of memory from DIRECT_MAP_BASE; vmap area (2
 * GiB) from VMAP_BASE: device registers and kernel stacks; the image in the last 2 GiB. The kernel
 * half of the top table never changes after paging_init(), so every address space has a copy of it.
 * Nothing is both writable and executable, in any alias.
 *
 * Per-CPU data: the template section .percpu; each CPU's area is a copy, gs base = area - template.
 * In user mode gs is the program's; entries from user mode SWAPGS, those on IST stacks load it from
 * the stack's top (desc.c, entry.S).
 *
 * Entries: all build a struct frame at the top of the task's kernel stack (from user mode) or on
 * the stack in use (from kernel mode). C runs with interrupts off first: trap() turns them on for
 * page faults and user faults, system calls run with interrupts on, device interrupts and timers
 * with interrupts off. On the way to user mode task->work is looked at with interrupts off; a kick
 * (VEC_KICK) makes a running CPU take that way.
 *
 * Invariants: 1. gs base is the CPU's own whenever C runs. 2. kstack_top_ and TSS.RSP0 belong to
 * `current`. 3. The FPU registers hold the state of fpu_owner_ if its fpu_cpu says this CPU
 * (fpu.c); kernel code that borrows vector register 0 restores it (usercopy.S).
 * 4. A CPU named in mmu->active is asked at each flush; others compare generations (tlb.c). 5.
 * Interrupts are off from the look at task->work to IRET or SYSRET.
 *
 * Locks: vmap_lock, irq_lock, page table locks (leaves); the IPI calls of smp.c wait for other CPUs
 * with interrupts on and no lock that an interrupt handler takes. Errors: 0 or -errno; before mm is
 * up and for our own tables, panic. Does not: 32-bit programs, more than 64 processors, 5-level
 * paging, suspend.
 */
#include <arch/clock.h>
#include <arch/init.h>
#include <debug.h>
#include <log.h>
#include <printf.h>
#include <string.h>
#include "room.h"
#include "x86.h"

void arch_start(void)
{
	memcpy(__percpu_boot, __percpu_start, (size_t)(__percpu_end - __percpu_start));
	percpu_offsets_[0] = (uintptr_t)__percpu_boot - (uintptr_t)__percpu_start;
	this_cpu(percpu_offset_) = percpu_offsets_[0];
	cpu_identify();
	smap_patch(); /* the entry stubs have CLAC */
	extable_init();
	desc_init_cpu();
	printf_symbol = ksym_lookup;
	early_serial_init();
	boot_info_parse();
	kernel_main();
}

int arch_init_cpu(void)
{
	cpu_enable_features();
	usercopy_init();
	log_info("cpu: %s, family %u model %u stepping %u",
		cpu_has.model[0] ? cpu_has.model : cpu_has.vendor, cpu_has.family, cpu_has.model_nr,
		cpu_has.stepping);
	return 0;
}

static const char *const kind_name[] = {"usable", "reserved", "ACPI", "kernel", "module"};

int arch_init_paging(void)
{
	uint64_t usable = 0;

	for (unsigned i = 0; i < boot_info.nr_mem; i++) {
		const struct mem_range *r = &boot_info.mem[i];

		log_debug("memory: %012lx-%012lx %s", r->start, r->end - 1, kind_name[r->kind]);
		if (r->kind == MEM_USABLE)
			usable += r->end - r->start;
	}
	log_info("memory: %lu MiB usable, command line \"%s\"", usable >> 20, boot_info.cmdline);
	paging_init();
	tlb_init_cpu();
	return 0;
}
