/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdint.h>
#include <string.h>
#include "machine/csum.h"

#define POLY_CRC32C 0x82F63B78u  /* Castagnoli, bits reversed */
#define POLY_FCS 0xEDB88320u     /* IEEE 802.3, bits reversed */

/* table[k][b]: what byte b does to the register when k more zero bytes follow it. */
static uint32_t table_crc32c[8][256];
static uint32_t table_fcs[8][256];

static void table_fill(uint32_t table[8][256], uint32_t poly)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (crc & 1 ? poly : 0);
        table[0][byte] = crc;
    }
    for (uint32_t byte = 0; byte < 256; byte++)
        for (int k = 1; k < 8; k++)
            table[k][byte] = (table[k - 1][byte] >> 8) ^ table[0][table[k - 1][byte] & 0xFF];
}

__attribute__((constructor)) static void tables_init(void)
{
    table_fill(table_crc32c, POLY_CRC32C);
    table_fill(table_fcs, POLY_FCS);
}

static uint32_t crc_run(uint32_t table[8][256], const uint8_t *data, uint32_t len_bytes)
{
    uint32_t crc = UINT32_MAX;

    while (len_bytes >= 8) {
        uint32_t low, high;
        memcpy(&low, data, 4);
        memcpy(&high, data + 4, 4);
        low ^= crc;
        crc = table[7][low & 0xFF] ^ table[6][(low >> 8) & 0xFF] ^ table[5][(low >> 16) & 0xFF] ^ table[4][low >> 24] ^
              table[3][high & 0xFF] ^ table[2][(high >> 8) & 0xFF] ^ table[1][(high >> 16) & 0xFF] ^ table[0][high >> 24];
        data += 8;
        len_bytes -= 8;
    }
    while (len_bytes--)
        crc = (crc >> 8) ^ table[0][(crc ^ *data++) & 0xFF];
    return ~crc;
}

/* The finished CRC.  SCTP stores it least significant byte first. */
uint32_t crc32c(const uint8_t *data, uint32_t len_bytes)
{
    return crc_run(table_crc32c, data, len_bytes);
}

/* The frame check sequence; on the wire and in memory least significant byte first. */
uint32_t crc32_fcs(const uint8_t *data, uint32_t len_bytes)
{
    return crc_run(table_fcs, data, len_bytes);
}

/* What is carried out of 64 bits comes in again at the bottom. */
static inline uint64_t add64(uint64_t sum, uint64_t word)
{
    uint64_t total;

    return __builtin_add_overflow(sum, word, &total) ? total + 1 : total;
}

/* Adds data to a running sum.  An odd last byte counts as if a zero byte followed, so only the last piece may be odd.
 * Ones' complement sums do not care about byte order (RFC 1071 2(B)): add as the host reads, swap once. */
uint32_t csum_add(uint32_t sum, const uint8_t *data, uint32_t len_bytes)
{
    uint64_t wide = 0, word[4];

    for (; len_bytes >= sizeof(word); len_bytes -= sizeof(word), data += sizeof(word)) {
        memcpy(word, data, sizeof(word));
        wide = add64(add64(add64(add64(wide, word[0]), word[1]), word[2]), word[3]);
    }
    for (; len_bytes >= sizeof(word[0]); len_bytes -= sizeof(word[0]), data += sizeof(word[0])) {
        memcpy(word, data, sizeof(word[0]));
        wide = add64(wide, word[0]);
    }
    if (len_bytes & 4) {
        uint32_t part;
        memcpy(&part, data, sizeof(part));
        wide = add64(wide, part);
        data += sizeof(part);
    }
    if (len_bytes & 2) {
        uint16_t part;
        memcpy(&part, data, sizeof(part));
        wide = add64(wide, part);
        data += sizeof(part);
    }
    if (len_bytes & 1)
        wide = add64(wide, *data);    /* the low half on a little-endian host is the first byte */
    wide = (wide & UINT32_MAX) + (wide >> 32); /* 33 bits, then 18, 17, 16 */
    wide = (wide & 0xFFFF) + ((wide >> 16) & 0xFFFF) + (wide >> 32);
    wide = (wide & 0xFFFF) + (wide >> 16);
    wide = (wide & 0xFFFF) + (wide >> 16);
    return (sum & 0xFFFF) + (sum >> 16) + __builtin_bswap16((uint16_t)wide);
}

/* The checksum as it is stored (complemented).  A sum that includes a right checksum folds to 0. */
uint16_t csum_fold(uint32_t sum)
{
    sum = (sum & 0xFFFF) + (sum >> 16);
    sum = (sum & 0xFFFF) + (sum >> 16);
    return (uint16_t)~sum;
}
