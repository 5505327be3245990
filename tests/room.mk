# Tests and benchmarks. A level is a target test-LEVEL that leaves build/results/LEVEL.txt with the
# lines `passed N` and `failed N`; a room that has a level appends its name to TEST_LEVELS.
# T=name runs a part of a level.

T ?=
TEST_LEVELS := lint
-include tests/unit/room.mk
-include tests/fuzz/room.mk
-include tests/abi/room.mk
TEST_LEVELS += system

RESULTS := $(BUILD)/results
# Debian's Python: it has the modules that tools/host-setup installs, whatever else is on the PATH.
PYTEST := PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 -m pytest -p no:cacheprovider -ra --tb=short -q
TEST_NEEDS := image sysroot linux debug-kernel

.PHONY: test test-long test-lint test-system test-system-long test-bench bench debug-kernel

test: $(TEST_NEEDS) ## everything that fits in 35 minutes; ends with `N passed, N failed`
	@MAKE='$(MAKE)' tests/run $(TEST_LEVELS)

test-long: $(TEST_NEEDS) ## make test and what takes longer (five-minute storms, ...)
	@MAKE='$(MAKE)' tests/run $(patsubst system,system-long,$(TEST_LEVELS))

test-lint: lint
	@mkdir -p $(RESULTS)
	@printf 'passed 1\nfailed 0\n' > $(RESULTS)/lint.txt

test-system: $(TEST_NEEDS) ## the system tests in virtual machines (T=name: those whose name has it)
	@$(PYTEST) -m 'not slow' $(if $(T),-k '$(T)') --results $(RESULTS)/system.txt tests/vm tests/system

test-system-long: $(TEST_NEEDS)
	@$(PYTEST) $(if $(T),-k '$(T)') --results $(RESULTS)/system-long.txt tests/vm tests/system

test-bench: image sysroot linux ## one row of the benchmarks (T=row)
	@tests/bench/bench --no-cpu $(if $(T),--row $(T),--row control-loop --row null-call)

bench: image sysroot linux ## all benchmarks beside Debian's Linux; the table goes to build/bench.txt
	@tests/bench/bench

debug-kernel:
	@$(MAKE) --no-print-directory DEBUG=1 kernel
