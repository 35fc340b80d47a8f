/* SPDX-License-Identifier: BSD-3-Clause */
/* What a super-frame counts as: as if it had been cut. */
#include <stdint.h>
#include "machine/eth.h"
#include "machine/wire/port.h"
#include "machine/super.h"

uint32_t super_header_bytes(const struct frame *frame)
{
    uint32_t l4 = frame->csum_start, end;

    if (!l4)
        return 0;
    if (frame->kind == FRAME_UDP)
        end = l4 + UDP_HEADER_BYTES;
    else if (l4 + TCP_HEADER_BYTES > frame->len_bytes || frame->data[l4 + TCP_FLAGS] / 16u * 4 < TCP_HEADER_BYTES)
        return 0;
    else
        end = l4 + frame->data[l4 + TCP_FLAGS] / 16u * 4;
    return end <= frame->len_bytes ? end : 0;
}

static uint32_t padded(const struct frame *frame, uint32_t len_bytes)
{
    return (frame->flags & FRAME_PADS) && len_bytes < ETH_FRAME_MIN_BYTES ? ETH_FRAME_MIN_BYTES : len_bytes;
}

struct super_size super_size(const struct frame *frame)
{
    uint32_t header_bytes = frame->kind != FRAME_WHOLE ? super_header_bytes(frame) : 0, segment_bytes = frame->segment_bytes;
    uint32_t payload_bytes = frame->len_bytes - header_bytes, pieces;

    if (!header_bytes || !segment_bytes || !payload_bytes)
        return (struct super_size){ 1, frame->len_bytes, frame->len_bytes };
    pieces = (payload_bytes + segment_bytes - 1) / segment_bytes;
    return (struct super_size){
        .pieces = pieces,
        .len_bytes = padded(frame, header_bytes + segment_bytes),
        .last_bytes = padded(frame, header_bytes + payload_bytes - (pieces - 1) * segment_bytes),
    };
}

uint32_t super_count(const struct frame *frames, uint32_t n, uint64_t *bytes)
{
    uint32_t all = n;

    for (uint32_t i = 0; i < n; i++) {
        struct super_size size;

        if (__builtin_expect(frames[i].kind == FRAME_WHOLE, 1)) {
            *bytes += frames[i].len_bytes;
            continue;
        }
        size = super_size(&frames[i]);
        all += size.pieces - 1;
        *bytes += (uint64_t)(size.pieces - 1) * size.len_bytes + size.last_bytes;
    }
    return all;
}
