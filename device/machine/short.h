/* SPDX-License-Identifier: BSD-3-Clause */
/* Sums and hashes of few bytes, inline: what short frames should pay no calls for.  csum.c and toeplitz.c say what they are.
 *
 * For C only: cffi does not read this.  Include after machine/bytes.h, machine/toeplitz.h and <string.h>.
 */

#define SHORT_BYTES 128
#define TOEPLITZ_IPV4_BYTES 12        /* both addresses, and behind a header without options both ports */

/* Adds the words of so many bytes, as the host reads them; an odd byte is the first of a word that ends with 0.  No more
 * than SHORT_BYTES, and the sum stays far below 64 bits. */
static inline uint64_t short_sum(const uint8_t *data, uint32_t len_bytes)
{
    const bytes_16 low = { UINT32_MAX, UINT32_MAX };
    bytes_16 sums = { 0, 0 };
    uint64_t sum = 0, last = 0;

    for (; len_bytes >= sizeof(sums); len_bytes -= sizeof(sums), data += sizeof(sums)) {
        const bytes_16 words = *(const bytes_16 *)data;

        sums += (words & low) + (words >> 32);
    }
    if (len_bytes & 8) {
        memcpy(&last, data, 8);
        sum += (last & UINT32_MAX) + (last >> 32);
        data += 8;
    }
    if (len_bytes & 4) {
        last = 0;
        memcpy(&last, data, 4);
        sum += last;
        data += 4;
    }
    if (len_bytes & 2) {
        last = 0;
        memcpy(&last, data, 2);
        sum += last;
        data += 2;
    }
    if (len_bytes & 1)
        sum += *data;
    return sum + sums[0] + sums[1];
}

/* Whether such words, not all 0, have their right checksum among them. */
static inline int short_sum_is_good(uint64_t sum)
{
    sum = (sum & UINT32_MAX) + (sum >> 32);
    sum = (sum & UINT16_MAX) + (sum >> 16);
    sum = (sum & UINT16_MAX) + (sum >> 16);
    return (sum & UINT16_MAX) + (sum >> 16) == UINT16_MAX;
}

/* The hash of TOEPLITZ_IPV4_BYTES, or of the addresses alone. */
static inline uint32_t short_hash(const struct toeplitz *toeplitz, const uint8_t *input, uint32_t len_bytes)
{
    uint32_t hash = 0;

#pragma GCC unroll 12
    for (uint32_t i = 0; i < len_bytes; i++)
        hash ^= toeplitz->sum[i][input[i]];
    return hash;
}
