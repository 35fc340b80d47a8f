/* SPDX-License-Identifier: BSD-3-Clause */

#define TAP_SLOTS_MORE 4          /* beyond FRAME_BATCH: a super-frame reaches over so many */

struct tap_port {
    uint32_t supers;              /* super-frames, and frames without their checksums, may come */
    uint32_t header;              /* every frame has a virtio-net header in front of it */
};
