/*
 * rseq.h - layouts and numbers of rseq(2).
 */
#pragma once
#include <compiler.h>

#define RSEQ_UNREGISTER 1u
#define RSEQ_OLD_BYTES  32u /* the first layout's size: the least that may be registered */
#define RSEQ_ALIGN      32u /* AT_RSEQ_ALIGN */

/* The area; programs may make it longer. */
struct linux_rseq {
	uint32_t cpu_id_start;
	uint32_t cpu_id;
	uint64_t rseq_cs; /* address of a struct linux_rseq_cs, or 0: written by the program */
	uint32_t flags;   /* the program's; must be 0 */
	uint32_t node_id;
	uint32_t mm_cid;
};
#define RSEQ_FEATURE_BYTES 28u /* AT_RSEQ_FEATURE_SIZE: up to the end of mm_cid */
static_assert(offsetof(struct linux_rseq, mm_cid) + sizeof(uint32_t) == RSEQ_FEATURE_BYTES, "abi");

/* A critical section: [start_ip, start_ip + post_commit_offset). */
struct linux_rseq_cs {
	uint32_t version; /* 0 */
	uint32_t flags;
	uint64_t start_ip;
	uint64_t post_commit_offset;
	uint64_t abort_ip; /* behind four bytes that are the registered signature */
};
static_assert(sizeof(struct linux_rseq_cs) == 32, "abi");
