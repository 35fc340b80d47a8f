/* SPDX-License-Identifier: BSD-3-Clause */
/* The virtio-net header of a tap's frames. */

#define VNET_HDR_BYTES 10

/* len_bytes is what of the frame lies in one piece at `frame`, ip_max_bytes the longest IP header that the NIC can be told of.
 * 0; 1 if software has to do the checksum; or -EINVAL */
int vnet_to_offload(const uint8_t *vnet, const uint8_t *frame, uint32_t len_bytes, uint32_t ip_max_bytes, struct tx_offload *off);
void vnet_sum(struct tx_ring *ring, uint32_t buf, uint32_t len_bytes, const uint8_t *vnet); /* that checksum; frame from buffer `buf` on */
void vnet_tso_seed(uint8_t *frame, uint32_t len_bytes, const struct tx_offload *off); /* make the kernel's seed one for segments */
void vnet_from_flags(uint32_t flags, uint8_t *vnet);                                  /* checksum verdict of the NIC, in RX_* */
/* Header and frame to the tap, a VLAN tag back in place; 0 or -errno.  -EINVAL: a coalesced packet that is no TCP packet. */
int vnet_write(int tap_fd, const struct rx_frame *frame);
