/* SPDX-License-Identifier: BSD-3-Clause */
/* What rings.h asks of a family, done with the 82599's descriptors. */

extern const struct ring_ops *const i82599_ring_ops;
extern const struct ring_ops *const i82599_rsc_ring_ops; /* the same for Rx rings whose queue coalesces (RSCCTL.RSCEN) */

int i82599_harvest(struct rx_ring *ring, struct rx_frame *out, uint32_t budget);
int i82599_harvest_rsc(struct rx_ring *ring, struct rx_frame *out, uint32_t budget);
void i82599_refill(struct rx_ring *ring, uint32_t slots);
