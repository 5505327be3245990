# The ABI tests: the same static programs on the host's Linux and on Ambit; the host is the oracle.

ABI := $(BUILD)/tests/abi
ABI_TESTS := $(sort $(notdir $(basename $(wildcard tests/abi/*_test.c))))
ABI_PROGRAMS := $(ABI_TESTS:%=$(ABI)/bin/%)
ABI_CFLAGS := -std=gnu17 -O1 -Wall -Wextra -Werror -Wno-unused-result -Wno-nonnull -static -pthread
TEST_LEVELS += abi

.PHONY: test-abi abi-programs abi-coverage
test-abi: image abi-programs ## system calls: equal output on the host and on Ambit (T=name: only these programs)
	@/usr/bin/python3 -B tests/abi/run.py $(if $(T),--part '$(T)')

abi-programs: $(ABI_PROGRAMS)
$(ABI)/bin/%: tests/abi/%.c tests/abi/abi.c tests/abi/more.c tests/abi/abi.h tests/abi/more.h tests/abi/unix.h tests/abi/inet.h tests/abi/watch.h $(TARGET_CC)
	@mkdir -p $(@D)
	@echo "  CC $@"
	@$(TARGET_CC) $(ABI_CFLAGS) $(filter %.c,$^) -o $@

abi-coverage: ## which errors of which calls the last test-abi provoked, and which documented ones not
	@/usr/bin/python3 -B tests/abi/coverage.py
