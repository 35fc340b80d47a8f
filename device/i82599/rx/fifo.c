/* SPDX-License-Identifier: BSD-3-Clause */
/* The Rx packet buffer: where frames wait that have passed the filters but may not go to memory yet.
 *
 * Each traffic class has a part of it.  A frame whose queue has no descriptor and does not drop waits in its class's part,
 * and every later frame of the class waits behind it, as on the chip: one queue that software forgets stops all of its
 * class, unless it drops (SRRCTL.DROP_EN, DROPEN, PFQDE).  Without classes there is one part.
 */
#include <stdint.h>
#include <string.h>
#include "regs.h"
#include "machine/eth.h"
#include "machine/dma.h"
#include "machine/regfile.h"
#include "machine/parse.h"
#include "machine/wire/port.h"
#include "i82599/chip.h"
#include "i82599/pass.h"
#include "i82599/rx/rx.h"

/* A record: struct rx_info, the frame, up to the next multiple of the former's size.  One with no frame fills the end. */
static uint32_t record_bytes(uint32_t len_bytes)
{
    const uint32_t unit = sizeof(struct rx_info);

    return unit + (len_bytes + unit - 1) / unit * unit;
}

_Static_assert(RX_FIFO_BYTES == RX_BUFFER_BYTES, "chip.h has it for C, rx.h for Python, too");

void rx_fifo_reset(struct rx *rx)
{
    struct rx_fifo *fifo = &rx->fifo;

    fifo->used_bytes = fifo->frames = 0;
    for (uint32_t tc = 0; tc < CHIP_CLASSES; tc++) {
        fifo->part[tc] = (struct rx_part){ .data = fifo->data + (uint64_t)tc * RX_FIFO_BYTES };
        fifo->used_of[tc] = 0;
    }
}

void rx_fifo_clear(struct rx *rx)
{
    rx->count.rx_disabled += rx->fifo.frames;
    rx_fifo_reset(rx);
}

static void use(struct rx_fifo *fifo, uint32_t tc, uint32_t bytes)
{
    fifo->used_bytes += bytes;
    fifo->used_of[tc] += bytes;
}

static void unuse(struct rx_fifo *fifo, uint32_t tc, uint32_t bytes)
{
    fifo->used_bytes -= bytes;
    fifo->used_of[tc] -= bytes;
}

/* 0: no room, as RXPBSIZE limits it. */
int rx_fifo_push(struct rx *rx, const struct rx_info *info, const uint8_t *data)
{
    uint32_t need = record_bytes(info->len_bytes), skip = 0, tc = info->tc;
    struct rx_part *part = &rx->fifo.part[tc];

    if (!part->frames) {
        unuse(&rx->fifo, tc, rx->fifo.used_of[tc]);
        part->head = part->tail = 0;
    }
    if (need > RX_FIFO_BYTES - part->tail)
        skip = RX_FIFO_BYTES - part->tail;
    if (rx->fifo.used_of[tc] + skip + need > rx_buffer_bytes(rx->regs, tc))
        return 0;
    if (skip) {
        memset(part->data + part->tail, 0, sizeof(*info));
        part->tail = 0;
    }
    memcpy(part->data + part->tail, info, sizeof(*info));
    memcpy(part->data + part->tail + sizeof(*info), data, info->len_bytes);
    part->tail = (part->tail + need) % RX_FIFO_BYTES;
    use(&rx->fifo, tc, skip + need);
    part->frames++;
    rx->fifo.frames++;
    return 1;
}

static int run_part(struct rx *rx, uint32_t tc)
{
    struct rx_part *part = &rx->fifo.part[tc];
    int moved = 0;

    while (part->frames) {
        uint64_t before = rx->count.rx_frames;
        struct rx_info info;

        memcpy(&info, part->data + part->head, sizeof(info));
        if (!info.len_bytes) {
            unuse(&rx->fifo, tc, RX_FIFO_BYTES - part->head);
            part->head = 0;
            continue;
        }
        if (!rx_ring_put(rx, &info, part->data + part->head + sizeof(info)))
            break;
        if (rx->pools && rx->count.rx_frames != before)
            rx->of_pool(rx->card, &info, part->data + part->head + sizeof(info));
        unuse(&rx->fifo, tc, record_bytes(info.len_bytes));
        part->head = (part->head + record_bytes(info.len_bytes)) % RX_FIFO_BYTES;
        part->frames--;
        rx->fifo.frames--;
        moved++;
    }
    return moved;
}

/* Frames to their rings, as far as descriptors go, the highest class first; how many went.  Close the rings afterwards. */
int rx_fifo_run(struct rx *rx)
{
    int moved = 0;

    for (uint32_t left = CHIP_CLASSES; left > 0; left--)
        moved += run_part(rx, left - 1);
    return moved;
}
