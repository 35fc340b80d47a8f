/* SPDX-License-Identifier: BSD-3-Clause */
/* Super-frames: one frame that stands for many.  Each of these has the same headers, but for lengths, ids, sequence
 * numbers and checksums. */

struct super_size {
    uint32_t pieces;                  /* frames that it stands for, 1 at least */
    uint32_t len_bytes;               /* of each of these but the last, without FCS */
    uint32_t last_bytes;              /* of the last */
};

uint32_t super_header_bytes(const struct frame *frame);           /* up to the payload; 0: it has no whole header */
struct super_size super_size(const struct frame *frame);
/* How many frames these are on a wire; adds their bytes, without FCS, to *bytes. */
uint32_t super_count(const struct frame *frames, uint32_t n, uint64_t *bytes);
