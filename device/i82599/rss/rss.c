/* SPDX-License-Identifier: BSD-3-Clause */
/* Receive side scaling: Toeplitz hash, its type, and the redirection table.
 *
 * Ref: 82599 datasheet, Receive-Side Scaling; Microsoft "RSS hashing types" for the inputs of each type.
 */
#include <stdint.h>
#include <string.h>
#include "desc.h"
#include "regs.h"
#include "core.h"

#define KEY_BYTES 40
#define RETA_ENTRIES 128
#define PROTO_TCP 6
#define PROTO_UDP 17

/* The hash is the sum (xor) of 32-bit windows of the key, one for each 1 bit of the input, counted from its first bit.
 * A byte at input position i can only select the windows that start at bits 8i..8i+7, so 256 sums per position do. */
static void toeplitz_fill(struct nic *nic)
{
    uint8_t key[KEY_BYTES + 8] = { 0 };

    memcpy(key, &nic->word[R_RSSRK(0) / 4], KEY_BYTES);     /* register i holds key bytes 4i.., lowest first */
    for (uint32_t i = 0; i < KEY_BYTES; i++) {
        uint64_t window;
        uint32_t *sum = nic->toeplitz[i];

        memcpy(&window, key + i, sizeof(window));
        window = __builtin_bswap64(window);
        sum[0] = 0;
        for (uint32_t bit = 0; bit < 8; bit++)              /* bit 0 of a byte is its last one */
            for (uint32_t low = 0; low < 1u << bit; low++)
                sum[1u << bit | low] = sum[low] ^ (uint32_t)(window >> (25 + bit));
    }
    nic->rss_stale = 0;
}

static inline uint32_t add(uint32_t hash, const uint32_t (*table)[256], const uint8_t *input, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++)
        hash ^= table[i][input[i]];
    return hash;
}

static uint32_t hash_of(struct nic *nic, const uint8_t *src, const uint8_t *dst, uint32_t address_bytes,
                        const uint8_t *ports)
{
    const uint32_t (*table)[256] = (const uint32_t (*)[256])nic->toeplitz;
    uint32_t hash = add(0, table, src, address_bytes);

    hash = add(hash, table + address_bytes, dst, address_bytes);
    if (ports)                        /* source, then destination, as they lie in the header */
        hash = add(hash, table + 2 * address_bytes, ports, 4);
    return hash;
}

static uint32_t hash_ipv4(struct nic *nic, uint32_t mrqc, const uint8_t *data, const struct packet *pkt, uint32_t *type)
{
    const uint8_t *src = data + pkt->l3 + 12, *ports = data + pkt->l4;

    if (pkt->l4_proto == PROTO_TCP && (mrqc & MRQC_RSS_FIELD_IPV4_TCP))
        *type = RXDADV_RSSTYPE_IPV4_TCP;
    else if (pkt->l4_proto == PROTO_UDP && (mrqc & MRQC_RSS_FIELD_IPV4_UDP))
        *type = RXDADV_RSSTYPE_IPV4_UDP;
    else if (mrqc & MRQC_RSS_FIELD_IPV4) {
        *type = RXDADV_RSSTYPE_IPV4;
        ports = NULL;
    } else
        return 0;
    return hash_of(nic, src, src + 4, 4, ports);
}

/* The Ex types take a mobile node's home address and a type 2 routing header's destination instead of the header's
 * addresses.  Where a packet has neither, Ex and plain type are the same hash, and the plain one is reported first. */
static uint32_t hash_ipv6(struct nic *nic, uint32_t mrqc, const uint8_t *data, const struct packet *pkt, uint32_t *type)
{
    uint32_t plain = 0, ex = 0, plain_type = 0, ex_type = 0;
    const uint8_t *src = data + pkt->l3 + 8, *dst = src + 16, *ports = data + pkt->l4;
    int other_addresses = pkt->home_src || pkt->route_dst;

    if (pkt->l4_proto == PROTO_TCP) {
        plain = mrqc & MRQC_RSS_FIELD_IPV6_TCP;
        ex = mrqc & MRQC_RSS_FIELD_IPV6_EX_TCP;
        plain_type = RXDADV_RSSTYPE_IPV6_TCP;
        ex_type = RXDADV_RSSTYPE_IPV6_EX_TCP;
    } else if (pkt->l4_proto == PROTO_UDP) {
        plain = mrqc & MRQC_RSS_FIELD_IPV6_UDP;
        ex = mrqc & MRQC_RSS_FIELD_IPV6_EX_UDP;
        plain_type = RXDADV_RSSTYPE_IPV6_UDP;
        ex_type = RXDADV_RSSTYPE_IPV6_EX_UDP;
    }
    if (!plain && !ex) {
        plain = mrqc & MRQC_RSS_FIELD_IPV6;
        ex = mrqc & MRQC_RSS_FIELD_IPV6_EX;
        plain_type = RXDADV_RSSTYPE_IPV6;
        ex_type = RXDADV_RSSTYPE_IPV6_EX;
        ports = NULL;
    }
    if (!plain && !ex)
        return 0;
    if (ex && (other_addresses || !plain)) {
        *type = ex_type;
        if (pkt->home_src)
            src = data + pkt->home_src;
        if (pkt->route_dst)
            dst = data + pkt->route_dst;
    } else
        *type = plain_type;
    return hash_of(nic, src, dst, 16, ports);
}

static int rss_on(uint32_t mrqc)
{
    switch (mrqc & MRQC_MRQE) {
    case MRQC_MRQE_RSS:
    case MRQC_MRQE_RTRSS8TC:
    case MRQC_MRQE_RTRSS4TC:
    case MRQC_MRQE_VMDQRSS32:
    case MRQC_MRQE_VMDQRSS64: return 1;
    default: return 0;
    }
}

/* Hash and type for the descriptor; type 0 and hash 0: this packet is not hashed, and belongs to queue 0.
 * L4 type if it is enabled, else IP type if it is enabled; a fragment has no L4. */
uint32_t rss_hash(struct nic *nic, const uint8_t *data, const struct packet *pkt, uint32_t *rss_type)
{
    uint32_t mrqc = nic->word[R_MRQC / 4];

    *rss_type = 0;
    if (!rss_on(mrqc) || !pkt->ip_version)
        return 0;
    if (nic->rss_stale)
        toeplitz_fill(nic);
    if (pkt->ip_version == 4)
        return hash_ipv4(nic, mrqc, data, pkt, rss_type);
    return hash_ipv6(nic, mrqc, data, pkt, rss_type);
}

/* One table for everybody in mode RSS; with traffic classes this is class 0's share of it.  Pools pick their own. */
uint32_t rss_queue(struct nic *nic, uint32_t hash)
{
    const uint8_t *reta = (const uint8_t *)&nic->word[R_RETA(0) / 4];   /* one entry a byte */
    uint32_t mrqc = nic->word[R_MRQC / 4];

    switch (mrqc & MRQC_MRQE) {
    case MRQC_MRQE_RSS:
    case MRQC_MRQE_RTRSS8TC:
    case MRQC_MRQE_RTRSS4TC: return reta[hash % RETA_ENTRIES] & RETA_ENTRY0;
    default: return 0;
    }
}

/* RSSRK, RETA or MRQC changed; the table is made again when a frame needs it. */
void rss_write(struct nic *nic, uint32_t offset, uint32_t value)
{
    (void)offset;
    (void)value;
    nic->rss_stale = 1;
}
