/*
 * boot_map.h - building the map of physical memory, inside this room.
 */
#pragma once
#include <arch/boot.h>

/* [start, end) is @kind, whatever was said about it before. Usable ranges shrink to whole pages,
 * others grow. */
void boot_mem_set(paddr_t start, paddr_t end, enum mem_kind kind);
