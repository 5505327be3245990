# Images. build/rootfs/ is composed from the ports and rootfs/; build/root.ext2 is a file system of it with
# the kernel in /boot; build/ambit.img is the whole disk: GPT, GRUB for BIOS and UEFI, that root.
# DEBUG=1 makes build/ambit-debug.img and build/root-debug.ext2 with the checking kernel.
#
# Only the last two steps depend on the kernel, and they take well under two seconds.
# This development image lets root in by the ssh key build/ssh/id_ed25519, made here when there is none.
#
# KERNEL_ELF=FILE takes another kernel, CMDLINE='...' adds to its command line,
# ROOT_EXTRA='DIR...' lays more folders over the root.

ROOT_UUID := 5a1d0c1e-7b0e-4d63-9c55-a0b17a0b1700
ROOT_MIB ?= 512
CMDLINE ?=
ROOT_EXTRA ?=
RUN_ARGS ?=
KERNEL_ELF ?= $(KBUILD)/ambit.elf
ifeq ($(DEBUG),1)
VARIANT := -debug
else
VARIANT :=
endif
IMAGE := $(BUILD)/ambit$(VARIANT).img
ROOT_IMAGE := $(BUILD)/root$(VARIANT).ext2
RUN_IMAGE := $(BUILD)/run$(VARIANT).img
BOOT := $(BUILD)/boot

GRUB_DIR := /usr/lib/grub
# No `vga` module: it offers a screen mode nobody can use.
GRUB_MODULES := multiboot2 normal configfile part_gpt part_msdos ext2 fat iso9660 search search_fs_uuid search_label \
	search_fs_file echo test ls cat boot minicmd reboot halt serial terminal gfxterm video video_fb font all_video \
	relocator acpi mmap true sleep keystatus loadenv probe regexp

.PHONY: image rootfs run
image: $(IMAGE) $(ROOT_IMAGE) ## build/ambit.img, a disk that boots by BIOS and UEFI (DEBUG=1: ambit-debug.img)
rootfs: $(BUILD)/rootfs.done ## the root file system as a folder, build/rootfs

# A setting given on the command line counts as a dependency through its value in this file.
$(BOOT)/settings: FORCE
	@mkdir -p $(@D)
	@echo '$(ROOT_UUID) $(ROOT_MIB) $(CMDLINE) $(ROOT_EXTRA)' | cmp -s - $@ || \
		echo '$(ROOT_UUID) $(ROOT_MIB) $(CMDLINE) $(ROOT_EXTRA)' > $@
.PHONY: FORCE
FORCE:

$(BOOT)/%.cfg: iso/%.cfg.in $(BOOT)/settings
	@mkdir -p $(@D)
	@sed 's|@UUID@|$(ROOT_UUID)|; s|@CMDLINE@|$(CMDLINE)|' $< > $@

$(BOOT)/BOOTX64.EFI: $(BOOT)/early.cfg iso/room.mk
	@echo "  GRUB $@"
	@grub-mkimage -O x86_64-efi -o $@ -p /boot/grub -c $< $(GRUB_MODULES) efi_gop

$(BOOT)/core.img: $(BOOT)/early.cfg iso/room.mk
	@echo "  GRUB $@"
	@grub-mkimage -O i386-pc -o $@ -p /boot/grub -c $< $(GRUB_MODULES) biosdisk vbe

$(BOOT)/template.img: $(BOOT)/BOOTX64.EFI $(BOOT)/core.img iso/mkimage $(BOOT)/settings
	@iso/mkimage template $@ --size $(ROOT_MIB) --core $(BOOT)/core.img --boot $(GRUB_DIR)/i386-pc/boot.img \
		--efi $(BOOT)/BOOTX64.EFI

# Without a passphrase: it opens the machines of this folder alone.
$(BUILD)/ssh/id_ed25519:
	@mkdir -p -m 700 $(@D)
	@ssh-keygen -q -t ed25519 -N '' -C 'Ambit development image' -f $@

# The root without a kernel, as a folder, a tar file and a file system.
$(BUILD)/rootfs.done: $(BUILD)/ports/.done $(shell find rootfs -mindepth 1 -not -type l) iso/mkroot $(BOOT)/grub.cfg $(BOOT)/settings \
		$(BUILD)/ssh/id_ed25519 \
		$(if $(strip $(ROOT_EXTRA)),$(shell find $(ROOT_EXTRA) -not -type l))
	@echo "  ROOT $(BUILD)/rootfs"
	@iso/mkroot rootfs $(BUILD)/ports $(BUILD)/rootfs $(ROOT_EXTRA)
	@install -D -m 644 $(BOOT)/grub.cfg $(BUILD)/rootfs/boot/grub/grub.cfg
	@install -d -m 700 $(BUILD)/rootfs/root/.ssh
	@install -m 600 $(BUILD)/ssh/id_ed25519.pub $(BUILD)/rootfs/root/.ssh/authorized_keys
	@touch $@

$(BUILD)/rootfs.tar: $(BUILD)/rootfs.done
	@tar -C $(BUILD)/rootfs --sort=name --owner=0 --group=0 --numeric-owner --mtime=@1735689600 -cf $@ .

$(BOOT)/base.ext2: $(BUILD)/rootfs.done iso/mkimage
	@echo "  EXT2 $@"
	@iso/mkimage root $(BUILD)/rootfs $@ --uuid $(ROOT_UUID) --size $(ROOT_MIB)

# Only debugging information is left out of the kernel on the disk.
$(BOOT)/ambit$(VARIANT).elf: $(KERNEL_ELF)
	@mkdir -p $(@D)
	@objcopy --strip-debug --remove-relocations="*" $< $@

$(ROOT_IMAGE): $(BOOT)/base.ext2 $(BOOT)/ambit$(VARIANT).elf
	@iso/mkimage put $(BOOT)/base.ext2 $@ $(BOOT)/ambit$(VARIANT).elf=/boot/ambit.elf

$(IMAGE): $(BOOT)/template.img $(ROOT_IMAGE)
	@echo "  IMG $@"
	@iso/mkimage disk $(BOOT)/template.img $(ROOT_IMAGE) $@

# `make run` works on a copy of the image, so that what you change in Ambit stays until the image is
# built anew; then the copy is replaced.
$(RUN_IMAGE): $(IMAGE)
	@cp --sparse=always $< $@

run: $(RUN_IMAGE) ## Ambit in QEMU: serial on this terminal (Ctrl-A X ends QEMU), a window when there is a display
	@iso/run $(RUN_ARGS) $(RUN_IMAGE)

