/* SPDX-License-Identifier: BSD-3-Clause */
/* The Rx packet buffer: where frames wait that have passed the filters but may not go to memory yet.
 *
 * A frame whose queue has no descriptor and does not drop waits here, and every later frame waits behind it, as on the
 * chip: one queue that software forgets stops them all, unless it drops (SRRCTL.DROP_EN, PFQDE).
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

void rx_fifo_clear(struct rx *rx)
{
    rx->count.rx_disabled += rx->fifo.frames;
    rx->fifo.head = rx->fifo.tail = rx->fifo.used_bytes = rx->fifo.frames = 0;
}

/* 0: no room, as RXPBSIZE(0) limits it. */
int rx_fifo_push(struct rx *rx, const struct rx_info *info, const uint8_t *data)
{
    uint32_t need = record_bytes(info->len_bytes), skip = 0, limit = reg(rx->regs, R_RXPBSIZE(0)) & RXPBSIZE_SIZE;

    if (limit > RX_FIFO_BYTES)
        limit = RX_FIFO_BYTES;
    if (!rx->fifo.frames)
        rx->fifo.head = rx->fifo.tail = rx->fifo.used_bytes = 0;
    if (need > RX_FIFO_BYTES - rx->fifo.tail)
        skip = RX_FIFO_BYTES - rx->fifo.tail;
    if (rx->fifo.used_bytes + skip + need > limit)
        return 0;
    if (skip) {
        memset(rx->fifo.data + rx->fifo.tail, 0, sizeof(*info));
        rx->fifo.tail = 0;
    }
    memcpy(rx->fifo.data + rx->fifo.tail, info, sizeof(*info));
    memcpy(rx->fifo.data + rx->fifo.tail + sizeof(*info), data, info->len_bytes);
    rx->fifo.tail = (rx->fifo.tail + need) % RX_FIFO_BYTES;
    rx->fifo.used_bytes += skip + need;
    rx->fifo.frames++;
    return 1;
}

/* Frames to their rings, as far as descriptors go; how many went.  Close the rings afterwards. */
int rx_fifo_run(struct rx *rx)
{
    int moved = 0;

    while (rx->fifo.frames) {
        struct rx_info info;

        memcpy(&info, rx->fifo.data + rx->fifo.head, sizeof(info));
        if (!info.len_bytes) {
            rx->fifo.used_bytes -= RX_FIFO_BYTES - rx->fifo.head;
            rx->fifo.head = 0;
            continue;
        }
        if (!rx_ring_put(rx, &info, rx->fifo.data + rx->fifo.head + sizeof(info)))
            break;
        rx->fifo.used_bytes -= record_bytes(info.len_bytes);
        rx->fifo.head = (rx->fifo.head + record_bytes(info.len_bytes)) % RX_FIFO_BYTES;
        rx->fifo.frames--;
        moved++;
    }
    return moved;
}
