/*
 * dev.h - device numbers in Linux's encoding.
 */
#pragma once
#include <compiler.h>

#define MKDEV(major, minor)                                                                        \
	((dev_t)(((uint64_t)((major)&0xfffff000u) << 32) | (((uint64_t)(major)&0xfff) << 8) |      \
		 ((uint64_t)((minor)&0xffffff00u) << 12) | ((minor)&0xff)))
#define MAJOR(d) ((unsigned)((((d) >> 32) & 0xfffff000u) | (((d) >> 8) & 0xfff)))
#define MINOR(d) ((unsigned)((((d) >> 12) & 0xffffff00u) | ((d)&0xff)))
