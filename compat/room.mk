# compat/: generated dispatch, tracer names and prototypes from the one table; the vDSO's shared object.

.PHONY: syscalls
syscalls: ## which Linux system calls are there
	@python3 compat/gen_syscalls.py compat/syscalls.tbl --coverage

$(KGEN)/syscalls.done: compat/syscalls.tbl compat/gen_syscalls.py
	@mkdir -p $(@D)
	@echo "  GEN $<"
	@python3 compat/gen_syscalls.py compat/syscalls.tbl $(KGEN)
	@touch $@
KGEN_DONE += $(KGEN)/syscalls.done

VDSO_CFLAGS := -std=gnu17 -O2 -fPIC -ffreestanding -fno-stack-protector -fno-jump-tables -fasynchronous-unwind-tables \
	-fomit-frame-pointer -fcf-protection=none -Wall -Wextra -Werror -Wno-unused-parameter -Icompat -ffile-prefix-map=$(CURDIR)=.
VDSO_LDFLAGS := -shared -nostdlib -soname linux-vdso.so.1 --hash-style=both --eh-frame-hdr -z max-page-size=4096 -z noexecstack \
	--no-warn-rwx-segments --build-id=none -Bsymbolic -s

$(KGEN)/vdso.so: compat/vdso/user/vdso.c compat/vdso/user/vdso.lds compat/vdso/data.h
	@mkdir -p $(@D)
	@echo "  VDSO $@"
	@$(CC) $(VDSO_CFLAGS) -c $< -o $(KGEN)/vdso.o
	@$(LD) $(VDSO_LDFLAGS) -T compat/vdso/user/vdso.lds $(KGEN)/vdso.o -o $@
KGEN_DONE += $(KGEN)/vdso.so
