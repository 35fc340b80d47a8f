/* SPDX-License-Identifier: BSD-3-Clause */
/* Segmentation: one TCP or UDP packet of up to 256 KiB becomes many frames, each with its own headers.
 *
 * The header is read once; payload goes from the guest's buffers straight into each frame.  When the turn's budget ends
 * in the middle, txq.tso_sent_bytes remembers how far it came.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "desc.h"
#include "regs.h"
#include "core.h"

#define ETH_HEADER_BYTES 14
#define PAD_BYTES 60
#define VLAN_TAG_BYTES 4
#define HEADER_MAX_BYTES 1024 /* MACLEN 7 bits + IPLEN 9 bits + L4LEN 8 bits is less */
#define IPV4_HEADER_BYTES 20
#define IPV6_HEADER_BYTES 40
#define TCP_HEADER_BYTES 20
#define UDP_HEADER_BYTES 8
#define IPV4_LENGTH 2 /* offsets of fields in their headers */
#define IPV4_ID 4
#define IPV4_CHECK 10
#define IPV6_LENGTH 4
#define TCP_SEQ 4
#define TCP_FLAGS 12 /* data offset 15:12, flags 11:0 */
#define TCP_OFFSET_BITS 0xF000
#define TCP_CHECK 16
#define UDP_LENGTH 4
#define UDP_CHECK 6

static uint16_t get16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

/* Can the context be obeyed at all? */
static int tso_check(const struct tx_packet *pkt)
{
    uint32_t header_bytes = pkt->mac_len + pkt->ip_len + pkt->l4_len;
    uint32_t longest = pkt->mss < pkt->payload_bytes ? pkt->mss : pkt->payload_bytes;

    if (!pkt->mss || header_bytes > pkt->len_bytes || pkt->len_bytes - header_bytes != pkt->payload_bytes)
        return FAULT_TSO;
    if (header_bytes + longest + VLAN_TAG_BYTES > NIC_FRAME_MAX)
        return FAULT_TSO;
    if (pkt->mac_len < ETH_HEADER_BYTES || pkt->ip_len < (pkt->ipv4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES))
        return FAULT_TSO;
    if (pkt->l4t == TXCTX1_L4T_TCP)
        return pkt->l4_len < TCP_HEADER_BYTES ? FAULT_TSO : 0;
    if (pkt->l4t == TXCTX1_L4T_UDP)
        return pkt->l4_len < UDP_HEADER_BYTES ? FAULT_TSO : 0;
    return FAULT_TSO;
}

/* The checksum field is never cleared first: of a tunnelled packet it holds what cancels the inner headers. */
static void fix_ip(uint8_t *ip, const struct tx_packet *pkt, uint32_t part, uint32_t segment)
{
    if (!pkt->ipv4) {
        put16(ip + IPV6_LENGTH, pkt->ip_len - IPV6_HEADER_BYTES + pkt->l4_len + part);
        return;
    }
    put16(ip + IPV4_LENGTH, pkt->ip_len + pkt->l4_len + part);
    put16(ip + IPV4_ID, get16(ip + IPV4_ID) + segment);
    if (pkt->ixsm)
        put16(ip + IPV4_CHECK, csum_fold(csum_add(0, ip, pkt->ip_len)));
}

/* The field holds the pseudo-header without its length, which differs from segment to segment: it is added here. */
static uint16_t l4_sum(const uint8_t *l4, const struct tx_packet *pkt, uint32_t part)
{
    return csum_fold(csum_add(0, l4, pkt->l4_len + part) + pkt->l4_len + part);
}

/* Flags that a segment keeps.  After reset: FIN and PSH only in the last, CWR only in the first. */
static uint32_t tcp_flags_kept(const struct nic *nic, int first, int last)
{
    uint32_t low = nic->word[R_DTXTCPFLGL / 4], high = nic->word[R_DTXTCPFLGH / 4], kept = 0;

    if (!first && !last)
        return (low & DTXTCPFLGL_MIDDLE) >> DTXTCPFLGL_MIDDLE_SHIFT;
    if (first)
        kept |= (low & DTXTCPFLGL_FIRST) >> DTXTCPFLGL_FIRST_SHIFT;
    if (last)
        kept |= (high & DTXTCPFLGH_LAST) >> DTXTCPFLGH_LAST_SHIFT;
    return kept; /* one that is both keeps all */
}

static void fix_tcp(const struct nic *nic, uint8_t *l4, const struct tx_packet *pkt, uint32_t done, uint32_t part)
{
    uint32_t seq = ((uint32_t)get16(l4 + TCP_SEQ) << 16 | get16(l4 + TCP_SEQ + 2)) + done;
    uint32_t kept = tcp_flags_kept(nic, !done, done + part == pkt->payload_bytes);

    put16(l4 + TCP_SEQ, seq >> 16);
    put16(l4 + TCP_SEQ + 2, seq);
    put16(l4 + TCP_FLAGS, get16(l4 + TCP_FLAGS) & (TCP_OFFSET_BITS | kept));
    if (pkt->txsm)
        put16(l4 + TCP_CHECK, l4_sum(l4, pkt, part));
}

static void fix_udp(uint8_t *l4, const struct tx_packet *pkt, uint32_t part)
{
    uint16_t sum;

    put16(l4 + UDP_LENGTH, pkt->l4_len + part);
    if (!pkt->txsm)
        return;
    sum = l4_sum(l4, pkt, part);
    put16(l4 + UDP_CHECK, sum ? sum : UINT16_MAX);
}

static int segment_send(struct tx_turn *turn, const struct tx_packet *pkt, const uint8_t *header,
                        struct tx_cursor *cursor, uint32_t done, uint32_t part)
{
    uint32_t header_bytes = pkt->mac_len + pkt->ip_len + pkt->l4_len, len_bytes = header_bytes + part;
    uint8_t *data = tx_slot(turn, VLAN_TAG_BYTES + (len_bytes < PAD_BYTES ? PAD_BYTES : len_bytes)), *l4;
    int rc;

    if (!data)
        return FAULT_TSO;
    data += VLAN_TAG_BYTES;
    l4 = data + pkt->mac_len + pkt->ip_len;
    memcpy(data, header, header_bytes);
    rc = tx_read(turn, cursor, data + header_bytes, part);
    if (rc)
        return rc;
    fix_ip(data + pkt->mac_len, pkt, part, done / pkt->mss);
    if (pkt->l4t == TXCTX1_L4T_TCP)
        fix_tcp(turn->nic, l4, pkt, done, part);
    else
        fix_udp(l4, pkt, part);
    tx_emit_built(turn, pkt, data, len_bytes);
    return 0;
}

int tso_send(struct tx_turn *turn, const struct tx_packet *pkt)
{
    struct txq *txq = &turn->nic->txq[turn->queue];
    uint32_t header_bytes = pkt->mac_len + pkt->ip_len + pkt->l4_len, done = txq->tso_sent_bytes;
    uint8_t header[HEADER_MAX_BYTES];
    struct tx_cursor cursor;
    int rc = tso_check(pkt);

    if (rc)
        return rc;
    tx_rewind(pkt, &cursor);
    rc = tx_read(turn, &cursor, header, header_bytes);
    if (!rc && done && done < pkt->payload_bytes)
        rc = tx_read(turn, &cursor, NULL, done);
    while (!rc && done < pkt->payload_bytes) {
        uint32_t left = pkt->payload_bytes - done, part = left < pkt->mss ? left : pkt->mss;

        if (tx_full(turn)) {
            txq->tso_sent_bytes = done;
            return -EBUSY;
        }
        rc = segment_send(turn, pkt, header, &cursor, done, part);
        done += part;
    }
    txq->tso_sent_bytes = 0;
    if (!rc)
        turn->nic->count.tx_packets_tso++;
    return rc;
}
