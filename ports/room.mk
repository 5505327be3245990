# Ports: third-party programs, built from their sources by the recipes in ports/NAME/port.
# Outputs are plain folders: build/ports/NAME, and build/sysroot to compile against (bin/ambit-cc).

PORTS := busybox e2fsprogs curl sftp-server dropbear tcpdump nginx iperf3 zlib bearssl libpcap ca-certificates
PORTS_SRC := $(shell find ports -type f)
SYSROOT := $(BUILD)/sysroot
TARGET_CC := $(SYSROOT)/bin/ambit-cc

.PHONY: ports sysroot linux
ports: $(BUILD)/ports/.done ## build all ports (port-NAME: one)

port-%:
	@BUILD=$(BUILD) ports/build $*

# The driver decides by hashes what is to do; the stamp only keeps make from asking each time. Two ports
# are built at a time, the longest first: much of each is a configure script that keeps one processor busy.
$(BUILD)/ports/.done: $(PORTS_SRC)
	@BUILD=$(BUILD) ports/build musl linux-headers
	@printf '%s\n' $(PORTS) | BUILD=$(BUILD) xargs -P 2 -n 1 ports/build
	@touch $@

sysroot: $(SYSROOT)/.done ## C library and headers to compile programs for Ambit
$(SYSROOT)/.done: ports/build ports/fetch $(wildcard ports/musl/* ports/linux-headers/*)
	@BUILD=$(BUILD) ports/build musl linux-headers
	@rm -rf $(SYSROOT)
	@mkdir -p $(SYSROOT)
	@for p in musl musl-dev linux-headers; do cp -a $(BUILD)/ports/$$p/. $(SYSROOT)/; done
	@touch $@
$(TARGET_CC): $(SYSROOT)/.done ;

# Debian's Linux kernel, to compare with: the same root image boots with it.
linux: $(BUILD)/linux/.done ## Debian's Linux kernel, for comparisons
$(BUILD)/linux/.done: ports/linux-boot ports/fetch ports/linux-init $(BUILD)/ports/.done
	@BUILD=$(BUILD) ports/linux-boot
	@touch $@
$(BUILD)/linux/vmlinuz $(BUILD)/linux/initrd: $(BUILD)/linux/.done ;
