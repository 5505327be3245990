# Builds the fuzz targets with clang; run by `make fuzz-net` and `make test-fuzz` (room.mk) from the root of the tree.
# The whole network room and compat/net are in every one; only they are counted as covered.

MAKEFLAGS += --no-builtin-rules
, := ,
CC := clang
FUZZ ?= build/fuzz
NAMES ?= $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
all: $(NAMES:%=$(FUZZ)/bin/%)

STACK := $(filter-out kernel/net/unix%,$(wildcard kernel/net/*.c)) $(wildcard compat/net/*.c)
AROUND := kernel/lib/hash.c kernel/lib/rbtree.c kernel/lib/printf.c kernel/lib/strcopy.c kernel/mm/iov_iter.c kernel/policy/user.c \
	$(wildcard tests/unit/host/*.c) $(patsubst %,tests/fuzz/%.c,world around peer tcp_check config guard)

FLAGS := -std=gnu17 -g -O1 -ffreestanding -fno-strict-aliasing -fno-delete-null-pointer-checks -fno-common \
	-fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined -ftrivial-auto-var-init=pattern \
	-Wall -Wextra -Werror -Wno-sign-compare -Wno-unused-parameter -Wno-missing-field-initializers -MMD -MP
KFLAGS := $(FLAGS) -nostdinc -isystem $(shell $(CC) -print-file-name=include) \
	-DCONFIG_DEBUG=1 -DUNIT_TEST=1 -I. -Itests/unit -Itests/unit/host/include -Ikernel/include -Icompat -I$(FUZZ)/../gen
OBJ := $(patsubst %.c,$(FUZZ)/obj/%.o,$(STACK) $(AROUND)) $(FUZZ)/obj/tests/unit/libc.o

$(patsubst %.c,$(FUZZ)/obj/%.o,$(STACK)): KFLAGS += -fsanitize=fuzzer-no-link

$(FUZZ)/obj/tests/unit/libc.o: tests/unit/libc.c
	@mkdir -p $(@D)
	@$(CC) $(filter-out -ffreestanding,$(FLAGS)) -Dmain=unit_main -c $< -o $@

$(FUZZ)/obj/%.o: %.c
	@mkdir -p $(@D)
	@echo "  FUZZ $<"
	@$(CC) $(KFLAGS) -I$(<D) -c $< -o $@

# guard.c stands before these.
WRAP := $(patsubst %,-Wl$(,)--wrap=pkt_%,need_slow need_headroom append_iter append_bytes append_ref merge trim)

.SECONDARY:
$(FUZZ)/bin/%: $(OBJ) $(FUZZ)/obj/tests/fuzz/fuzz_%.o
	@mkdir -p $(@D)
	@$(CC) -fsanitize=address,undefined,fuzzer $(WRAP) $^ -o $@

-include $(shell find $(FUZZ)/obj -name '*.d' 2>/dev/null)
