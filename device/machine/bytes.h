/* SPDX-License-Identifier: BSD-3-Clause */
/* Big-endian fields of headers, and sixteen bytes at once.  For C only: cffi does not read this. */

typedef uint64_t bytes_16 __attribute__((vector_size(16), aligned(1), may_alias));  /* wherever they lie */

static inline uint16_t be16(const uint8_t *at)
{
    uint16_t value;

    __builtin_memcpy(&value, at, sizeof(value));
    return __builtin_bswap16(value);
}

static inline uint32_t be32(const uint8_t *at)
{
    uint32_t value;

    __builtin_memcpy(&value, at, sizeof(value));
    return __builtin_bswap32(value);
}

static inline void put_be16(uint8_t *at, uint32_t value)
{
    uint16_t swapped = __builtin_bswap16((uint16_t)value);

    __builtin_memcpy(at, &swapped, sizeof(swapped));
}

static inline void put_be32(uint8_t *at, uint32_t value)
{
    uint32_t swapped = __builtin_bswap32(value);

    __builtin_memcpy(at, &swapped, sizeof(swapped));
}
