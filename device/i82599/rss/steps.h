/* SPDX-License-Identifier: BSD-3-Clause */
/* What no frame should pay a call for: rss.c, and the usual way of frames (card_usual.c).
 *
 * For C only: cffi does not read this.  Include after rss.h, regs.h and chip.h.
 */

#define RETA_ENTRIES 128

/* The queue of a hash, once rss_look() has seen the registers as they are. */
static inline uint32_t rss_queue_of(const struct rss *rss, uint32_t hash)
{
    return rss->by_table ? reg_byte(rss->regs, R_RETA(0), hash % RETA_ENTRIES) & RETA_ENTRY0 : 0;
}
