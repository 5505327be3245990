/*
 * internal.h - the two halves of this room: the tree and the memory devices.
 */
#pragma once

void mem_devices_init(void);
