/* SPDX-License-Identifier: BSD-3-Clause */
/* What a super-frame counts as, and what it is when it is cut.
 *
 * A piece is made as the kernel makes it: the id of IPv4 counts up, FIN and PSH are in the last piece only and CWR in the
 * first, and checksums are made from nothing.
 */
#include <stdint.h>
#include <string.h>
#include "machine/bytes.h"
#include "machine/csum.h"
#include "machine/eth.h"
#include "machine/wire/port.h"
#include "machine/super.h"

#define TAGS_MOST 2u
#define TCP_FIN_PSH 0x009u
#define TCP_CWR 0x080u

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

/* ---- cutting ----------------------------------------------------------------------------------------------------- */

/* Where the IP header is; 0: there is none before the L4 header. */
static uint32_t ip_offset(const struct frame *frame)
{
    uint32_t at = ETH_TYPE_OFFSET, tags = 0;

    for (;; at += ETH_TAG_BYTES, tags++) {
        uint32_t type = be16(frame->data + at);

        if (type == ETH_TYPE_IPV4 || type == ETH_TYPE_IPV6)
            return at + 2 + (type == ETH_TYPE_IPV4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES) <= frame->csum_start ? at + 2 : 0;
        if (at + 2 + ETH_TAG_BYTES > frame->csum_start)
            return 0;
        if ((type != ETH_TYPE_VLAN && type != ETH_TYPE_VLAN_OUTER) || tags == TAGS_MOST)
            return 0;
    }
}

static void fix_l4(uint8_t *l4, const struct frame *frame, uint32_t done, int last, uint32_t l4_bytes)
{
    if (frame->kind == FRAME_UDP) {
        put_be16(l4 + UDP_LENGTH, l4_bytes);
        return;
    }
    put_be32(l4 + TCP_SEQ, be32(l4 + TCP_SEQ) + done);
    put_be16(l4 + TCP_FLAGS, be16(l4 + TCP_FLAGS) & ~((last ? 0 : TCP_FIN_PSH) | (done ? TCP_CWR : 0)));
}

/* One piece, in `data`: as much of the payload as one has, behind the first `done` bytes. */
static struct frame piece(const struct frame *frame, uint32_t ip_at, uint32_t header_bytes, uint32_t done, uint8_t *data)
{
    uint32_t left = frame->len_bytes - header_bytes - done, part = left < frame->segment_bytes ? left : frame->segment_bytes;
    uint32_t l4_bytes = header_bytes - frame->csum_start + part, proto = frame->kind == FRAME_UDP ? PROTO_UDP : PROTO_TCP, sum;
    uint8_t *ip = data + ip_at, *l4 = data + frame->csum_start, *check = l4 + (frame->kind == FRAME_UDP ? UDP_CHECK : TCP_CHECK);

    memcpy(data, frame->data, header_bytes);
    memcpy(data + header_bytes, frame->data + header_bytes + done, part);
    if (ip[0] / 16 == 4) {
        put_be16(ip + IPV4_LENGTH, frame->csum_start - ip_at + l4_bytes);
        put_be16(ip + IPV4_ID, be16(ip + IPV4_ID) + done / frame->segment_bytes);
        put_be16(ip + IPV4_CHECK, 0);
        put_be16(ip + IPV4_CHECK, csum_fold(csum_add(0, ip, frame->csum_start - ip_at)));
        sum = csum_add(proto + l4_bytes, ip + IPV4_SRC, 8);
    } else {
        put_be16(ip + IPV6_LENGTH, frame->csum_start - ip_at - IPV6_HEADER_BYTES + l4_bytes);
        sum = csum_add(proto + l4_bytes, ip + IPV6_SRC, 32);
    }
    fix_l4(l4, frame, done, left == part, l4_bytes);
    put_be16(check, 0);
    sum = csum_fold(csum_add(sum, l4, l4_bytes));
    put_be16(check, frame->kind == FRAME_UDP && !sum ? UINT16_MAX : sum);
    return (struct frame){ .data = data, .len_bytes = header_bytes + part, .flags = frame->flags | FRAME_SUMMED };
}

/* Pieces of the first frame that is left; returns how many. */
static uint32_t cut(struct super_cutter *cutter, uint32_t most)
{
    const struct frame *frame = &cutter->received[cutter->at];
    uint32_t header_bytes = super_header_bytes(frame), ip_at = header_bytes ? ip_offset(frame) : 0, got = 0;

    if (!ip_at || !frame->segment_bytes || header_bytes + frame->segment_bytes > FRAME_MAX_BYTES) {
        cutter->at++;                 /* a port that keeps to its contract brings none such */
        return 0;
    }
    while (got < most && header_bytes + cutter->cut_bytes < frame->len_bytes) {
        cutter->batch[got] = piece(frame, ip_at, header_bytes, cutter->cut_bytes, cutter->piece[got]);
        cutter->cut_bytes += frame->segment_bytes;
        got++;
    }
    if (header_bytes + cutter->cut_bytes >= frame->len_bytes) {
        cutter->cut_bytes = 0;
        cutter->at++;
    }
    return got;
}

/* The field holds the sum of the pseudo-header.  A sum of 0 says in UDP that there is none (RFC 768). */
static void fill(struct frame *frame)
{
    uint32_t at = (uint32_t)frame->csum_start + frame->csum_offset;
    uint16_t sum;

    if (at + sizeof(sum) > frame->len_bytes)
        return;
    sum = csum_fold(csum_add(0, frame->data + frame->csum_start, frame->len_bytes - frame->csum_start));
    put_be16(frame->data + at, !sum && frame->csum_offset == UDP_CHECK ? UINT16_MAX : sum);
    frame->csum_start = frame->csum_offset = 0;
}

uint32_t super_next(struct super_cutter *cutter, uint32_t most, struct frame **frames)
{
    uint32_t first = cutter->at, got = 0, end;

    most = most < FRAME_BATCH ? most : FRAME_BATCH;
    end = cutter->n - first < most ? cutter->n : first + most;
    for (; cutter->at < end && cutter->received[cutter->at].kind == FRAME_WHOLE; cutter->at++)
        if (cutter->received[cutter->at].csum_start)
            fill(&cutter->received[cutter->at]);
    if (cutter->at > first) {         /* as they are */
        *frames = &cutter->received[first];
        return cutter->at - first;
    }
    while (!got && cutter->at < cutter->n && cutter->received[cutter->at].kind != FRAME_WHOLE && most)
        got = cut(cutter, most);
    *frames = cutter->batch;
    return got || cutter->at == cutter->n || !most ? got : super_next(cutter, most, frames);
}
