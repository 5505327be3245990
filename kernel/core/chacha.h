/*
 * chacha.h - the ChaCha20 block function.
 */
#pragma once
#include <compiler.h>

#define CHACHA_BLOCK 64u
/* One block of key stream. Spec: RFC 8439, 2.3; @nonce is three words. */
void chacha20_block(const uint32_t key[8], uint32_t counter, const uint32_t nonce[3],
	uint8_t out[CHACHA_BLOCK]);
