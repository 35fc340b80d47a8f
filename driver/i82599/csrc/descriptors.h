/* SPDX-License-Identifier: BSD-3-Clause */
/* What rings.h asks of a family, done with the 82599's descriptors. */

extern const struct ring_ops *const i82599_ring_ops;
