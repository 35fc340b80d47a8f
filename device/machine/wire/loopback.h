/* SPDX-License-Identifier: BSD-3-Clause */

struct loopback_port {
    uint32_t slots;               /* frames the ring holds, one in each slot of the port */
    uint32_t first;               /* slot of the oldest frame under way */
    uint32_t under_way;           /* frames */
    uint32_t keeps;               /* each frame lies here until recv() takes it; tests that look at what was sent set it */
    uint32_t *len_bytes;          /* of the frame in each slot */
};
