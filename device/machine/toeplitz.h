/* SPDX-License-Identifier: BSD-3-Clause */
/* The Toeplitz hash of receive side scaling.  Ref: Microsoft, "RSS hashing functions". */

#define TOEPLITZ_KEY_BYTES 40

struct toeplitz {
    uint32_t sum[TOEPLITZ_KEY_BYTES][256];        /* contribution of byte value v at input position i */
};

void toeplitz_set_key(struct toeplitz *toeplitz, const uint8_t *key);         /* TOEPLITZ_KEY_BYTES of it */
/* Source, destination (address_bytes each), then source and destination port as they lie in the header; NULL: no ports. */
uint32_t toeplitz_hash(const struct toeplitz *toeplitz, const uint8_t *src, const uint8_t *dst, uint32_t address_bytes,
                       const uint8_t *ports);
