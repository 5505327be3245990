# The network stack against hostile input: libFuzzer targets on the host, under ASan and UBSan (README.md). Found inputs and
# corpora are kept in build/fuzz/NAME; T=name runs one target.

FUZZ := $(BUILD)/fuzz
FUZZ_SECONDS ?= 3600
FUZZ_SHORT ?= 10
FUZZ_JOBS ?= 1
TEST_LEVELS += fuzz
.PHONY: fuzz-net test-fuzz fuzz-programs

fuzz-programs: $(KGEN)/.done
	@mkdir -p $(BUILD)/results
	@$(MAKE) --no-print-directory $(if $(findstring -j,$(MAKEFLAGS)),,-j2) -f tests/fuzz/programs.mk FUZZ=$(FUZZ)

fuzz-net: fuzz-programs ## libFuzzer on the network stack for FUZZ_SECONDS in all (3600), FUZZ_JOBS at a time (1)
	@tests/fuzz/run --seconds $(FUZZ_SECONDS) --jobs $(FUZZ_JOBS) --results $(BUILD)/results/fuzz-net.txt $(FUZZ) $(T)

test-fuzz: fuzz-programs ## the same mutations every time for some seconds of each target, from its seeds and what was kept
	@tests/fuzz/run --seed 1 --seconds-each $(FUZZ_SHORT) --results $(BUILD)/results/fuzz.txt $(FUZZ) $(T)
