# Builds the unit-test programs; run by `make unit` (room.mk) from the root of the tree.

MAKEFLAGS += --no-builtin-rules
CC := gcc
UNIT ?= build/unit
T ?=
all:
include $(UNIT)/links.mk

FLAGS := -std=gnu17 -g -O1 -ffreestanding -fno-strict-aliasing -fno-delete-null-pointer-checks -fno-common \
	-fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined -ftrivial-auto-var-init=pattern \
	-Wall -Wextra -Werror -Wno-sign-compare -Wno-unused-parameter -Wno-missing-field-initializers -MMD -MP
KFLAGS := $(FLAGS) -nostdinc -isystem $(shell $(CC) -print-file-name=include) \
	-DCONFIG_DEBUG=1 -DUNIT_TEST=1 -I. -Itests/unit -Itests/unit/host/include -Ikernel/include -Icompat -I$(UNIT)/../gen
HOST := $(patsubst %.c,$(UNIT)/obj/%.o,$(wildcard tests/unit/host/*.c)) $(UNIT)/obj/tests/unit/libc.o

all: $(foreach p,$(PROGRAMS),$(if $(findstring $(or $(T),$(p)),$(p)),$(UNIT)/bin/$(p)))

$(UNIT)/obj/tests/unit/libc.o: tests/unit/libc.c
	@mkdir -p $(@D)
	@$(CC) $(filter-out -ffreestanding,$(FLAGS)) -c $< -o $@

$(UNIT)/obj/%.o: %.c
	@mkdir -p $(@D)
	@echo "  UNIT $<"
	@$(CC) $(KFLAGS) -I$(<D) -c $< -o $@

# lib's own that every program may use; taken only where the program does not link them itself.
SHARED := $(UNIT)/obj/kernel/lib/printf.o $(UNIT)/obj/kernel/lib/strcopy.o
$(UNIT)/libshared.a: $(SHARED)
	@rm -f $@
	@ar rcs $@ $^

$(UNIT)/bin/%: $(HOST) $(UNIT)/libshared.a
	@mkdir -p $(@D)
	@$(CC) -fsanitize=address,undefined $(sort $(filter %.o,$^)) $(UNIT)/libshared.a -o $@

-include $(shell find $(UNIT)/obj -name '*.d' 2>/dev/null)
