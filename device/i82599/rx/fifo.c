/* SPDX-License-Identifier: BSD-3-Clause */
/* The Rx packet buffer: where frames wait that have passed the filters but may not go to memory yet.
 *
 * A frame whose queue has no descriptor and does not drop waits here, and every later frame waits behind it, as on the
 * chip: one queue that software forgets stops them all, unless SRRCTL.DROP_EN is set.
 */
#include <stdint.h>
#include <string.h>
#include "desc.h"
#include "regs.h"
#include "core.h"

static inline uint32_t word(const struct nic *nic, uint32_t offset)
{
    return nic->word[offset / 4];
}

/* A record: struct rx_info, the frame, up to the next multiple of the former's size.  One with no frame fills the end. */
static uint32_t record_bytes(uint32_t len_bytes)
{
    const uint32_t unit = sizeof(struct rx_info);

    return unit + (len_bytes + unit - 1) / unit * unit;
}

void rx_fifo_clear(struct nic *nic)
{
    nic->count.rx_disabled += nic->fifo_frames;
    nic->fifo_head = nic->fifo_tail = nic->fifo_used_bytes = nic->fifo_frames = 0;
}

/* 0: no room, as RXPBSIZE(0) limits it. */
int rx_fifo_push(struct nic *nic, const struct rx_info *info, const uint8_t *data)
{
    uint32_t need = record_bytes(info->len_bytes), skip = 0, limit = word(nic, R_RXPBSIZE(0)) & RXPBSIZE_SIZE;

    if (limit > NIC_FIFO_BYTES)
        limit = NIC_FIFO_BYTES;
    if (!nic->fifo_frames)
        nic->fifo_head = nic->fifo_tail = nic->fifo_used_bytes = 0;
    if (need > NIC_FIFO_BYTES - nic->fifo_tail)
        skip = NIC_FIFO_BYTES - nic->fifo_tail;
    if (nic->fifo_used_bytes + skip + need > limit)
        return 0;
    if (skip) {
        memset(nic->fifo + nic->fifo_tail, 0, sizeof(*info));
        nic->fifo_tail = 0;
    }
    memcpy(nic->fifo + nic->fifo_tail, info, sizeof(*info));
    memcpy(nic->fifo + nic->fifo_tail + sizeof(*info), data, info->len_bytes);
    nic->fifo_tail = (nic->fifo_tail + need) % NIC_FIFO_BYTES;
    nic->fifo_used_bytes += skip + need;
    nic->fifo_frames++;
    return 1;
}

/* Whether frames may go to memory now.  A security engine on pause or a function that may not master the bus lets them
 * wait; nothing is lost as long as the buffer holds them. */
int rx_flows(const struct nic *nic)
{
    return nic->bus_master && (word(nic, R_RXCTRL) & RXCTRL_RXEN) && !(word(nic, R_SECRXCTRL) & SECRXCTRL_RX_DIS);
}

/* Frames to their rings, as far as descriptors go; how many went.  Close the rings afterwards. */
int rx_fifo_run(struct nic *nic)
{
    int moved = 0;

    while (nic->fifo_frames) {
        struct rx_info info;

        memcpy(&info, nic->fifo + nic->fifo_head, sizeof(info));
        if (!info.len_bytes) {
            nic->fifo_used_bytes -= NIC_FIFO_BYTES - nic->fifo_head;
            nic->fifo_head = 0;
            continue;
        }
        if (!rx_ring_put(nic, &info, nic->fifo + nic->fifo_head + sizeof(info)))
            break;
        nic->fifo_used_bytes -= record_bytes(info.len_bytes);
        nic->fifo_head = (nic->fifo_head + record_bytes(info.len_bytes)) % NIC_FIFO_BYTES;
        nic->fifo_frames--;
        moved++;
    }
    return moved;
}

int rx_drain(struct nic *nic)
{
    int moved;

    if (!nic->fifo_frames || !rx_flows(nic))
        return 0;
    moved = rx_fifo_run(nic);
    rx_ring_close(nic);
    return moved;
}
