/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdint.h>
#include <string.h>
#include "machine/toeplitz.h"

#define PORTS_BYTES 4

/* The hash is the sum (xor) of 32-bit windows of the key, one for each 1 bit of the input, counted from its first bit.
 * A byte at input position i can only select the windows that start at bits 8i..8i+7, so 256 sums per position do. */
void toeplitz_set_key(struct toeplitz *toeplitz, const uint8_t *key_bytes)
{
    uint8_t key[TOEPLITZ_KEY_BYTES + 8] = { 0 };

    memcpy(key, key_bytes, TOEPLITZ_KEY_BYTES);
    for (uint32_t i = 0; i < TOEPLITZ_KEY_BYTES; i++) {
        uint64_t window;
        uint32_t *sum = toeplitz->sum[i];

        memcpy(&window, key + i, sizeof(window));
        window = __builtin_bswap64(window);
        sum[0] = 0;
        for (uint32_t bit = 0; bit < 8; bit++)              /* bit 0 of a byte is its last one */
            for (uint32_t low = 0; low < 1u << bit; low++)
                sum[1u << bit | low] = sum[low] ^ (uint32_t)(window >> (25 + bit));
    }
}

/* Addresses and ports come in fours. */
static inline uint32_t add(uint32_t hash, const uint32_t (*sum)[256], const uint8_t *input, uint32_t bytes)
{
    for (const uint8_t *end = input + bytes; input < end; input += 4, sum += 4)
        hash ^= sum[0][input[0]] ^ sum[1][input[1]] ^ sum[2][input[2]] ^ sum[3][input[3]];
    return hash;
}

uint32_t toeplitz_hash(const struct toeplitz *toeplitz, const uint8_t *src, const uint8_t *dst, uint32_t address_bytes,
                       const uint8_t *ports)
{
    uint32_t hash = add(0, toeplitz->sum, src, address_bytes);

    hash = add(hash, toeplitz->sum + address_bytes, dst, address_bytes);
    return ports ? add(hash, toeplitz->sum + 2 * address_bytes, ports, PORTS_BYTES) : hash;
}
