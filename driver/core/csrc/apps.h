/* SPDX-License-Identifier: BSD-3-Clause */
/* Small packet programs that run whole in C. */

struct app_result { uint64_t sent, received, bad, elapsed_ns; };

/* Send `frames` frames of len_bytes and take back what the other end returns, until all are back or deadline_ns has passed.
 * Polls both rings; every frame carries a sequence number, and one that is damaged or out of order counts as bad. */
int app_loop(struct rx_ring *rx, struct tx_ring *tx, const uint8_t *header, uint32_t len_bytes, uint64_t frames, uint32_t batch,
             uint64_t deadline_ns, struct app_result *out);
uint64_t app_read_ns(struct mmio *bar, uint64_t offset, uint32_t times);    /* mean cost of a register read */
uint64_t app_write_ns(struct mmio *bar, uint64_t offset, uint32_t value, uint32_t times);
/* Register write that raises an interrupt -> its eventfd is readable here; nanoseconds per try into out, or -ETIMEDOUT */
int app_irq_ns(struct mmio *bar, uint64_t offset, uint32_t value, int irq_fd, uint64_t rearm_offset, uint32_t rearm_value,
               uint64_t *out_ns, uint32_t times, uint32_t pause_us);
