# make lint: what can be judged without running. make format rewrites the layout of C files.
# Each check is a script under tools/lint/ that prints file:line: what is wrong and exits non-zero.

LINT_C := $(sort $(shell find kernel compat tests cmd -name '*.[ch]' 2>/dev/null))

.PHONY: lint format
lint: $(KGEN)/.done | host-setup ## layout, include direction, headers alone, sizes, spelling
	@clang-format-14 --version >/dev/null 2>&1 || clang-format --version >/dev/null
	@clang-format --dry-run -Werror $(LINT_C)
	@python3 tools/lint/rooms.py
	@python3 tools/lint/sizes.py
	@tools/lint/headers $(KCFLAGS)
	@tools/lint/sparse $(KCFLAGS)
	@tools/lint/clang $(filter-out -ftrivial-auto-var-init=zero -mindirect-branch-register,$(KCFLAGS))
	@codespell -q 3 -L 'ofo,iif,ect,uptodate,ist,ro,ot,te,fo,nd,ser,wee,inout,datas,hist,parms,creat,thru,aline,sie,anull,ue,clos,iput,fle' \
		$(wildcard kernel compat tests docs rootfs iso README.md) --skip '*.pyc,*.png,*.psf'

format: ## lay out all C files as .clang-format says
	@clang-format -i $(LINT_C)
