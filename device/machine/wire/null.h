/* SPDX-License-Identifier: BSD-3-Clause */

struct null_port {
    uint64_t generate;            /* frames still to generate */
    uint64_t seq;                 /* number in the next one */
    uint32_t len_bytes;           /* of each */
    uint8_t dst[ETH_ADDR_BYTES];
    uint8_t src[ETH_ADDR_BYTES];
};
