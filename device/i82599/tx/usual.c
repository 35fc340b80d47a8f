/* SPDX-License-Identifier: BSD-3-Clause */
/* The usual way of descriptors: frames that leave as they lie in memory, one descriptor each, one loop for all of them.
 *
 * A descriptor is usual when it is an advanced data descriptor, the whole of a frame that needs no padding, and asks for
 * nothing: no checksum, tag, segmentation, context or time stamp, and the MAC's own FCS.  Its buffer is in one DMA region.
 * The first one that is not usual ends the loop and goes the exact way (desc.c, frame.c), which alone says what a descriptor
 * means.
 */
#include <stdint.h>
#include <string.h>
#include "desc.h"
#include "regs.h"
#include "machine/eth.h"
#include "machine/dma.h"
#include "machine/regfile.h"
#include "machine/parse.h"
#include "machine/wire/port.h"
#include "i82599/chip.h"
#include "i82599/pass.h"
#include "i82599/tx/tx.h"

#define LOOKED_AT                                                                                                     \
    (TXD_CMD_DEXT | TXDADV_DTYP | TXD_CMD_IFCS | TXD_CMD_EOP | TXDADV_DCMD_TSE | TXD_CMD_VLE | TXDADV_MAC_TSTAMP |        \
     TXDADV_POPTS_IXSM | TXDADV_POPTS_TXSM | TXDADV_CC)
#define USUAL (TXD_CMD_DEXT | TXDADV_DTYP_DATA | TXD_CMD_IFCS | TXD_CMD_EOP)

/* Where a buffer lies, if that is where the last one did or in another region as a whole; NULL: the exact way will see. */
static inline uint8_t *buffer_at(struct dma *dma, const struct dma_region *last, uint64_t iova, uint32_t len_bytes)
{
    uint64_t inside = iova - last->iova, errors;
    uint8_t *at;

    if (__builtin_expect(inside < last->len_bytes && len_bytes <= last->len_bytes - inside && (last->prot & DMA_READ), 1))
        return last->ptr + inside;
    errors = dma->errors;
    at = dma_ptr(dma, iova, len_bytes, DMA_READ);
    if (!at)
        dma->errors = errors;
    return at;
}

uint32_t tx_usual(struct tx_turn *turn, uint32_t most)
{
    const struct tx_desc *ring = (const struct tx_desc *)turn->ring;
    struct dma *dma = turn->q->dma;
    uint32_t at = turn->head, frames = turn->frames, dones = turn->dones, n = 0, last = dma->hit;
    uint32_t used = turn->sent + frames + turn->more;

    if (used >= turn->budget || dma->broken || last >= dma->count)
        return 0;
    if (most > turn->budget - used)
        most = turn->budget - used;
    if (most > FRAME_BATCH - dones)
        most = FRAME_BATCH - dones;
    for (; n < most && at != turn->tail; n++) {
        uint64_t q1 = __atomic_load_n(&ring[at].q1, __ATOMIC_RELAXED), iova = __atomic_load_n(&ring[at].q0, __ATOMIC_RELAXED);
        uint32_t len_bytes = field(q1, TXD_LENGTH);
        uint8_t *data;

        if ((q1 & LOOKED_AT) != USUAL || len_bytes < ETH_FRAME_MIN_BYTES || len_bytes > FRAME_MAX_BYTES)
            break;
        data = buffer_at(dma, &dma->region[last], iova, len_bytes);
        if (!data || dma->broken)
            break;
        last = dma->hit;
        turn->frame[frames++] = (struct frame){ .data = data, .len_bytes = len_bytes };
        if (q1 & TXD_CMD_RS) {
            turn->done[dones] = (struct tx_desc *)&ring[at];
            turn->done_q1[dones] = (q1 & UINT32_MAX) | TXD_STAT_DD;
            dones += !turn->head_write_back;
            turn->head_due |= turn->head_write_back;
        }
        at = at + 1 == turn->count ? 0 : at + 1;
    }
    turn->tx->usual_frames += n;
    turn->frames = frames;
    turn->dones = dones;
    turn->head = at;
    return n;
}
