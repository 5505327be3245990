/*
 * types.h - the integer types every room uses.
 *
 * paddr_t is a physical byte address, vaddr_t a virtual one, pfn_t a page frame number; they are
 * not mixed. Offsets in files are int64_t. Sparse checks __user, __beNN and __leNN.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int64_t ssize_t;
typedef uint64_t paddr_t;
typedef uint64_t vaddr_t;
typedef uint64_t pfn_t;
typedef int32_t pid_t;
typedef uint32_t uid_t;
typedef uint32_t gid_t;
typedef uint32_t mode_t;
typedef uint64_t dev_t; /* MKDEV() in dev.h */
typedef uint64_t ino_t;

#ifdef __CHECKER__
#define __user    __attribute__((noderef, address_space(1)))
#define __bitwise __attribute__((bitwise))
#define __force   __attribute__((force))
#else
#define __user
#define __bitwise
#define __force
#endif

typedef uint16_t __bitwise __le16;
typedef uint32_t __bitwise __le32;
typedef uint64_t __bitwise __le64;
typedef uint16_t __bitwise __be16;
typedef uint32_t __bitwise __be32;
typedef uint64_t __bitwise __be64;
