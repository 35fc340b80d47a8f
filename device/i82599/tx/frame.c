/* SPDX-License-Identifier: BSD-3-Clause */
/* One packet, one frame: straight from guest memory when nothing is to be changed, else through the arena. */
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

#define IPLEN_MIN_BYTES 12 /* up to the end of the checksum field */

/* The field counts with what software left in it (the pseudo-header, usually): that is how it gets into the sum. */
static int insert_ip(uint8_t *data, uint32_t len_bytes, const struct tx_packet *pkt)
{
    if (pkt->ip_len < IPLEN_MIN_BYTES || pkt->mac_len + pkt->ip_len > len_bytes)
        return STALL_DESC;
    put_be16(data + pkt->mac_len + IPV4_CHECK, csum_fold(csum_add(0, data + pkt->mac_len, pkt->ip_len)));
    return 0;
}

/* L4 starts where the context says, not where a parser would find it: tunnels and extension headers are software's. */
static int insert_l4(uint8_t *data, uint32_t len_bytes, const struct tx_packet *pkt)
{
    uint32_t l4 = pkt->mac_len + pkt->ip_len, field;
    uint16_t sum;

    switch (pkt->l4t) {
    case TXCTX1_L4T_TCP: field = l4 + TCP_CHECK; break;
    case TXCTX1_L4T_UDP: field = l4 + UDP_CHECK; break;
    case TXCTX1_L4T_SCTP: field = l4 + SCTP_CHECK; break;
    default: return STALL_DESC;
    }
    if (pkt->l4t == TXCTX1_L4T_SCTP) {
        uint32_t crc;
        if (field + sizeof(crc) > len_bytes)
            return STALL_DESC;
        memset(data + field, 0, sizeof(crc));
        crc = crc32c(data + l4, len_bytes - l4);
        memcpy(data + field, &crc, sizeof(crc)); /* least significant byte first, as this host has it */
        return 0;
    }
    if (field + sizeof(sum) > len_bytes)
        return STALL_DESC;
    sum = csum_fold(csum_add(0, data + l4, len_bytes - l4));
    if (!sum && pkt->l4t == TXCTX1_L4T_UDP)
        sum = UINT16_MAX; /* 0 means "no checksum" in UDP (RFC 768) */
    put_be16(data + field, sum);
    return 0;
}

static int insert_legacy(uint8_t *data, uint32_t len_bytes, const struct tx_packet *pkt)
{
    if (pkt->css >= len_bytes || pkt->cso + sizeof(uint16_t) > len_bytes)
        return STALL_DESC;
    put_be16(data + pkt->cso, csum_fold(csum_add(0, data + pkt->css, len_bytes - pkt->css)));
    return 0;
}

int tx_insert_sums(const struct tx_packet *pkt, uint8_t *data, uint32_t len_bytes)
{
    int rc = pkt->ixsm ? insert_ip(data, len_bytes, pkt) : 0;

    return !rc && pkt->txsm ? insert_l4(data, len_bytes, pkt) : rc;
}

int tx_frame(struct tx_turn *turn, const struct tx_packet *pkt)
{
    struct dma *dma = turn->q->dma;
    uint32_t len_bytes = pkt->len_bytes;
    struct tx_cursor cursor;
    uint8_t *data;
    int rc;

    if (len_bytes < ETH_HEADER_BYTES + (pkt->own_fcs ? ETH_FCS_BYTES : 0))
        return STALL_DESC;
    if (pkt->descs == 1 && len_bytes >= ETH_FRAME_MIN_BYTES && !(pkt->vle | pkt->ixsm | pkt->txsm | pkt->ic | pkt->own_fcs | pkt->copied)) {
        data = dma_try(dma, pkt->buffer, len_bytes, DMA_READ);
        if (data) {
            if (turn->frames == FRAME_BATCH)
                tx_flush(turn);
            tx_emit(turn, data, len_bytes);
            return 0;
        }
        /* perhaps it only crosses from one region into the next */
    }
    data = tx_slot(turn, ETH_TAG_BYTES + (len_bytes < ETH_FRAME_MIN_BYTES ? ETH_FRAME_MIN_BYTES : len_bytes));
    if (!data)
        return STALL_DESC;
    data += ETH_TAG_BYTES;
    tx_rewind(pkt, &cursor);
    rc = tx_read(turn, &cursor, data, len_bytes);
    if (!rc)
        rc = tx_insert_sums(pkt, data, len_bytes);
    if (!rc && pkt->ic)
        rc = insert_legacy(data, len_bytes, pkt);
    if (!rc)
        tx_emit_built(turn, pkt, data, len_bytes);
    return rc;
}
