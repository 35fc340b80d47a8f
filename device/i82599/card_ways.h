/* SPDX-License-Identifier: BSD-3-Clause */
/* For C only: cffi does not read this.  Include after card.h. */

/* USUAL_*, as the registers are now. */
static inline uint32_t card_ways(struct card *card)
{
    if (__builtin_expect(card->usual.seen != card->pf.regs.changes, 0))
        card_usual_look(card);
    return card->usual.ways;
}
