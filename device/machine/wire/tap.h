/* SPDX-License-Identifier: BSD-3-Clause */

struct tap_port {
    uint32_t header;              /* every frame has a virtio-net header in front of it */
};
