# Unit tests on the host. A test file names the kernel sources that it needs in lines `/* LINK: a.c b.c */`;
# the programs' link lists are made from those lines and then built by programs.mk.

UNIT := $(BUILD)/unit
T ?=
TEST_LEVELS += unit
.PHONY: unit test-unit
test-unit: unit
unit: ## unit tests on the host, under ASan and UBSan (T=name: only programs whose path contains it)
	@mkdir -p $(UNIT) $(BUILD)/results
	@tests/unit/links tests/unit > $(UNIT)/links.tmp
	@cmp -s $(UNIT)/links.tmp $(UNIT)/links.mk || cp $(UNIT)/links.tmp $(UNIT)/links.mk
	@$(MAKE) --no-print-directory -k -f tests/unit/programs.mk UNIT=$(UNIT) T='$(T)' || \
		echo 'FAIL tests/unit: a program was not built' > $(UNIT)/build.failed
	@tests/unit/run $(UNIT) $(BUILD)/results/unit.txt '$(T)'

