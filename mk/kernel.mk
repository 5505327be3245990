# The kernel: every .c and .S below kernel/ and compat/, linked by kernel/arch/$(ARCH)/kernel.ld.
# `make kernel` builds $(KBUILD)/ambit.elf; DEBUG=1 builds the checking kernel beside it.

ARCH := x86_64
CC := gcc
LD := ld
OBJCOPY := objcopy
NM := nm

KSRC_C := $(sort $(shell find kernel compat -name '*.c' -not -path '*/arch/host/*' -not -path '*/vdso/user/*'))
KSRC_S := $(sort $(shell find kernel compat -name '*.S' -not -path '*/arch/host/*' -not -path '*/vdso/user/*'))
KGEN := $(BUILD)/gen
KOBJ := $(KSRC_C:%.c=$(KBUILD)/%.o) $(KSRC_S:%.S=$(KBUILD)/%.S.o)

WARN := -Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wshadow \
	-Wundef -Wvla -Wwrite-strings -Wpointer-arith -Wimplicit-fallthrough -Wno-sign-compare \
	-Wno-unused-parameter -Wframe-larger-than=2048

KINC := -Ikernel/include -Ikernel/arch/$(ARCH)/include -Icompat -I$(KGEN)
KCFLAGS := -std=gnu17 -O2 -g -ffreestanding -nostdinc -isystem $(shell $(CC) -print-file-name=include) \
	-fno-strict-aliasing -fno-delete-null-pointer-checks -fno-common -mno-red-zone -mgeneral-regs-only \
	-mcmodel=kernel -fno-pic -fno-pie -fno-omit-frame-pointer -fno-asynchronous-unwind-tables \
	-fno-jump-tables -fmacro-prefix-map=$(CURDIR)/= -ffile-prefix-map=$(CURDIR)=. $(WARN) $(KINC) \
	-DCONFIG_DEBUG=$(DEBUG)
ifeq ($(CC),gcc)
KCFLAGS += -ftrivial-auto-var-init=zero -mindirect-branch-register
endif
KCHECK :=
KUNCHECKED :=
KCFLAGS += -fstack-protector-strong -mstack-protector-guard=global
ifeq ($(DEBUG),1)
# Not null: per-CPU variables are addressed from 0; a null access faults by itself.
KCFLAGS += -fsanitize=undefined -fno-sanitize=null,object-size
# Programs may point where they like, and x86 reads it.
$(KBUILD)/compat/%.o: KCFLAGS += -fno-sanitize=alignment
# kernel/mm/memcheck.c: a call for each access, but in the checker and what it is made of.
KCHECK := -fsanitize=kernel-address --param asan-instrumentation-with-call-threshold=0 \
	--param asan-stack=0 --param asan-globals=0
KUNCHECKED := $(addprefix $(KBUILD)/kernel/,mm/memcheck.o mm/slab.o mm/page_alloc.o lib/string.o core/lockdep.o core/spinlock.o)
endif
KLDFLAGS := -nostdlib -static -z max-page-size=4096 -z noexecstack --no-warn-rwx-segments --emit-relocs --build-id=none

.PHONY: kernel
kernel: $(KBUILD)/ambit.elf ## the kernel alone (DEBUG=1: with checks)

$(KBUILD)/%.o: %.c $(KGEN)/.done
	@mkdir -p $(@D)
	@echo "  CC  $<"
	@$(CC) $(KCFLAGS) $(if $(filter $@,$(KUNCHECKED)),,$(KCHECK)) -I$(dir $<) -MMD -MP -c $< -o $@

$(KBUILD)/%.S.o: %.S $(KGEN)/.done
	@mkdir -p $(@D)
	@echo "  AS  $<"
	@$(CC) $(KCFLAGS) -D__ASSEMBLY__ -I$(dir $<) -MMD -MP -c $< -o $@

# The symbol table for backtraces is made from a first link and linked in by a second.
$(KBUILD)/ambit.elf: $(KOBJ) kernel/arch/$(ARCH)/kernel.ld tools/ksyms.py
	@echo "  LD  $@"
	@python3 tools/ksyms.py --empty > $(KBUILD)/ksyms0.S
	@$(CC) -c $(KBUILD)/ksyms0.S -o $(KBUILD)/ksyms0.o
	@$(LD) $(KLDFLAGS) -T kernel/arch/$(ARCH)/kernel.ld $(KOBJ) $(KBUILD)/ksyms0.o -o $(KBUILD)/pass1.elf
	@$(NM) -n $(KBUILD)/pass1.elf | python3 tools/ksyms.py > $(KBUILD)/ksyms1.S
	@$(CC) -c $(KBUILD)/ksyms1.S -o $(KBUILD)/ksyms1.o
	@$(LD) $(KLDFLAGS) -T kernel/arch/$(ARCH)/kernel.ld $(KOBJ) $(KBUILD)/ksyms1.o -o $@

# Generated sources (syscall table, font); the rooms' makefiles say how.
KGEN_DONE :=
-include compat/room.mk
-include kernel/drivers/console/room.mk
$(KGEN)/.done: $(KGEN_DONE)
	@mkdir -p $(@D)
	@touch $@

-include $(KOBJ:.o=.d)
