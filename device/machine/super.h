/* SPDX-License-Identifier: BSD-3-Clause */
/* Super-frames: one frame that stands for many.  Each of these has the same headers, but for lengths, ids, sequence
 * numbers and checksums. */

struct super_size {
    uint32_t pieces;                  /* frames that it stands for, 1 at least */
    uint32_t len_bytes;               /* of each of these but the last, without FCS */
    uint32_t last_bytes;              /* of the last */
};

/* Frames as they came from a port, on their way to a NIC that knows whole ones only, and takes so many in a turn. */
struct super_cutter {
    struct frame received[FRAME_BATCH];   /* those from `at` on are left, */
    uint32_t n, at;
    uint32_t cut_bytes;               /* and of the first of these what is behind so much of its payload */
    struct frame batch[FRAME_BATCH];
    uint8_t piece[FRAME_BATCH][PORT_SLOT_BYTES];
};

uint32_t super_header_bytes(const struct frame *frame);           /* up to the payload; 0: it has no whole header */
struct super_size super_size(const struct frame *frame);
/* How many frames these are on a wire; adds their bytes, without FCS, to *bytes. */
uint32_t super_count(const struct frame *frames, uint32_t n, uint64_t *bytes);
/* The next whole frames, `most` at most and FRAME_BATCH; 0: that was all.  Missing checksums are made.  They hold until the
 * next call, and what they are made of until the port is asked again. */
uint32_t super_next(struct super_cutter *cutter, uint32_t most, struct frame **frames);
