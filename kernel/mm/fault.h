/*
 * fault.h - between fault.c (first touches) and cow.c (stores to pages that are mapped read-only or
 * shared).
 */
#pragma once
#include <arch/upcalls.h>
#include "internal.h"

enum {
	FAULT_FORCE = 0x100
}; /* a debugger's access: rights of the VMA do not matter, a write copies */

struct fault {
	struct mm *mm;
	struct vma *v;
	vaddr_t addr;   /* of the page */
	uint64_t index; /* in the file or device; not set for first touches of anonymous memory */
	pte_t *pte;
	unsigned access; /* fault_access */
	bool major;      /* a device was waited for */
};

/* Each consumes the reference to @p. 0, -EREFAULT, -ENOMEM, -EIO. */
int install_page(struct fault *f, struct page *p, unsigned prot);
int copy_for_write(struct fault *f, struct page *p);
int share_for_write(struct fault *f, struct page *p);
/* The page of the entry @old lies in swap space. 0, -EREFAULT, -ENOMEM, -EIO. */
int fault_swapped(struct fault *f, pte_t old);
/* A store to a page whose present entry @old forbids it. */
int fault_write_protected(struct fault *f, pte_t old);
