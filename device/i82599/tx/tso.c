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
#include "machine/bytes.h"
#include "machine/csum.h"
#include "machine/eth.h"
#include "machine/dma.h"
#include "machine/stall.h"
#include "machine/regfile.h"
#include "machine/parse.h"
#include "machine/wire/port.h"
#include "i82599/chip.h"
#include "i82599/pass.h"
#include "i82599/tx/tx.h"

#define HEADER_MAX_BYTES 1024 /* MACLEN 7 bits + IPLEN 9 bits + L4LEN 8 bits is less */
#define TCP_OFFSET_BITS 0xF000

/* Can the context be obeyed at all? */
static int tso_check(const struct tx_packet *pkt)
{
    uint32_t header_bytes = pkt->mac_len + pkt->ip_len + pkt->l4_len;
    uint32_t longest = pkt->mss < pkt->payload_bytes ? pkt->mss : pkt->payload_bytes;

    if (!pkt->mss || header_bytes > pkt->len_bytes || pkt->len_bytes - header_bytes != pkt->payload_bytes)
        return STALL_TSO;
    if (header_bytes + longest + ETH_TAG_BYTES > FRAME_MAX_BYTES)
        return STALL_TSO;
    if (pkt->mac_len < ETH_HEADER_BYTES || pkt->ip_len < (pkt->ipv4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES))
        return STALL_TSO;
    if (pkt->l4t == TXCTX1_L4T_TCP)
        return pkt->l4_len < TCP_HEADER_BYTES ? STALL_TSO : 0;
    if (pkt->l4t == TXCTX1_L4T_UDP)
        return pkt->l4_len < UDP_HEADER_BYTES ? STALL_TSO : 0;
    return STALL_TSO;
}

/* The checksum field is never cleared first: of a tunnelled packet it holds what cancels the inner headers. */
static void fix_ip(uint8_t *ip, const struct tx_packet *pkt, uint32_t part, uint32_t segment)
{
    if (!pkt->ipv4) {
        put_be16(ip + IPV6_LENGTH, pkt->ip_len - IPV6_HEADER_BYTES + pkt->l4_len + part);
        return;
    }
    put_be16(ip + IPV4_LENGTH, pkt->ip_len + pkt->l4_len + part);
    put_be16(ip + IPV4_ID, be16(ip + IPV4_ID) + segment);
    if (pkt->ixsm)
        put_be16(ip + IPV4_CHECK, csum_fold(csum_add(0, ip, pkt->ip_len)));
}

/* The field holds the pseudo-header without its length, which differs from segment to segment: it is added here. */
static uint16_t l4_sum(const uint8_t *l4, const struct tx_packet *pkt, uint32_t part)
{
    return csum_fold(csum_add(0, l4, pkt->l4_len + part) + pkt->l4_len + part);
}

/* Flags that a segment keeps.  After reset: FIN and PSH only in the last, CWR only in the first. */
static uint32_t tcp_flags_kept(const struct regfile *regs, int first, int last)
{
    uint32_t low = reg(regs, R_DTXTCPFLGL), high = reg(regs, R_DTXTCPFLGH), kept = 0;

    if (!first && !last)
        return field(low, DTXTCPFLGL_MIDDLE);
    if (first)
        kept |= field(low, DTXTCPFLGL_FIRST);
    if (last)
        kept |= field(high, DTXTCPFLGH_LAST);
    return kept; /* one that is both keeps all */
}

static void fix_tcp(const struct regfile *regs, uint8_t *l4, const struct tx_packet *pkt, uint32_t done, uint32_t part)
{
    uint32_t seq = be32(l4 + TCP_SEQ) + done;
    uint32_t kept = tcp_flags_kept(regs, !done, done + part == pkt->payload_bytes);

    put_be32(l4 + TCP_SEQ, seq);
    put_be16(l4 + TCP_FLAGS, be16(l4 + TCP_FLAGS) & (TCP_OFFSET_BITS | kept));
    if (pkt->txsm)
        put_be16(l4 + TCP_CHECK, l4_sum(l4, pkt, part));
}

static void fix_udp(uint8_t *l4, const struct tx_packet *pkt, uint32_t part)
{
    uint16_t sum;

    put_be16(l4 + UDP_LENGTH, pkt->l4_len + part);
    if (!pkt->txsm)
        return;
    sum = l4_sum(l4, pkt, part);
    put_be16(l4 + UDP_CHECK, sum ? sum : UINT16_MAX);
}

static int segment_send(struct tx_turn *turn, const struct tx_packet *pkt, const uint8_t *header,
                        struct tx_cursor *cursor, uint32_t done, uint32_t part)
{
    uint32_t header_bytes = pkt->mac_len + pkt->ip_len + pkt->l4_len, len_bytes = header_bytes + part;
    uint8_t *data = tx_slot(turn, ETH_TAG_BYTES + (len_bytes < ETH_FRAME_MIN_BYTES ? ETH_FRAME_MIN_BYTES : len_bytes)), *l4;
    int rc;

    if (!data)
        return STALL_TSO;
    data += ETH_TAG_BYTES;
    l4 = data + pkt->mac_len + pkt->ip_len;
    memcpy(data, header, header_bytes);
    rc = tx_read(turn, cursor, data + header_bytes, part);
    if (rc)
        return rc;
    fix_ip(data + pkt->mac_len, pkt, part, done / pkt->mss);
    if (pkt->l4t == TXCTX1_L4T_TCP)
        fix_tcp(turn->tx->regs, l4, pkt, done, part);
    else
        fix_udp(l4, pkt, part);
    tx_emit_built(turn, pkt, data, len_bytes);
    return 0;
}

int tso_send(struct tx_turn *turn, const struct tx_packet *pkt)
{
    struct txq *txq = turn->q;
    uint32_t header_bytes = pkt->mac_len + pkt->ip_len + pkt->l4_len, done = txq->tso_sent_bytes;
    uint8_t header[HEADER_MAX_BYTES];
    struct tx_cursor cursor;
    int rc = tso_check(pkt);

    if (rc)
        return rc;
    tx_rewind(pkt, &cursor);
    rc = tx_read(turn, &cursor, header, header_bytes);
    if (!rc && turn->tx->supers && !done && super_fits(turn, pkt, header))
        return super_send(turn, pkt, header, &cursor);
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
        turn->tx->count.tx_packets_tso++;
    return rc;
}
