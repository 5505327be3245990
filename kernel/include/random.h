/*
 * random.h - the kernel's random numbers: ChaCha20 with fast key erasure, seeded by RDRAND, jitter
 * and devices.
 */
#pragma once
#include <compiler.h>

void random_bytes(void *buf, size_t n); /* any context; never blocks */
uint64_t random_u64(void);
uint64_t random_below(uint64_t bound);                              /* uniform in [0, bound) */
void random_add(const void *data, size_t n, unsigned entropy_bits); /* stir in; any context */
bool random_ready(void);                                            /* seeded with 256 bits */
int __must_check random_wait_ready(void);                           /* 0 or -ERESTARTSYS */
void random_init(void);
