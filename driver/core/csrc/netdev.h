/* SPDX-License-Identifier: BSD-3-Clause */
/* A ring pair and one queue of a tap interface, frames with a virtio-net header between them. */

struct netdev_stats {
    uint64_t rx_frames, rx_bytes, rx_dropped, tx_frames, tx_bytes, tx_dropped, tx_gso, csum_left, csum_good;
    uint64_t csum_soft;                  /* checksums of a shape the NIC does not know, done here */
};

int netdev_rx(struct rx_ring *ring, int tap_fd, uint32_t budget, struct netdev_stats *stats); /* frames taken from the ring */
int netdev_tx(struct tx_ring *ring, int tap_fd, uint32_t budget, struct netdev_stats *stats); /* frames given to the ring */
