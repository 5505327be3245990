# The host: what it must have installed, and where its tools are.
#
# The stamp is an included makefile: make brings it up to date before anything else and then reads
# everything again, so that $(shell gcc ...) in other makefiles already finds what was just installed.

export PATH := $(PATH):/usr/sbin:/sbin

MAKECMDGOALS ?=
ifneq ($(filter-out help clean host-setup format,$(MAKECMDGOALS)),)
-include $(BUILD)/host.mk
endif

$(BUILD)/host.mk: tools/host-setup
	@tools/host-setup
	@mkdir -p $(@D)
	@echo '# the host has what tools/host-setup asks for' > $@

.PHONY: host-setup
host-setup: ## install the Debian packages that are missing on this host
	@tools/host-setup
	@mkdir -p $(BUILD)
	@echo '# the host has what tools/host-setup asks for' > $(BUILD)/host.mk
