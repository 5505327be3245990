# Ambit - the one entry. `make help` lists the targets.
#
# Rooms add themselves: each makefile under mk/ or ROOM/room.mk appends to the variables below and
# defines its own targets. Everything built goes to build/; nothing is written to the source tree.

MAKEFLAGS += --no-builtin-rules --warn-undefined-variables
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SECONDARY:

DEBUG ?= 0
BUILD := build
ifeq ($(DEBUG),1)
KBUILD := $(BUILD)/kernel-debug
else
KBUILD := $(BUILD)/kernel
endif

include mk/host.mk
include mk/kernel.mk
include mk/lint.mk
include ports/room.mk
include iso/room.mk
include tests/room.mk

.PHONY: help clean
help: ## this list
	@grep -hE '^[a-z][a-zA-Z-]*:.*## ' $(MAKEFILE_LIST) | sort -u | \
		sed -E 's/^([a-zA-Z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

clean: ## remove build/ (downloads and built ports stay in the cache)
	rm -rf $(BUILD)
