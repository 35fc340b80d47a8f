/* SPDX-License-Identifier: BSD-3-Clause */
/* What cffi and the compiler both read. */

struct ideal_rings {
    const uint32_t *tx_tail, *rx_tail;   /* where the driver stores its tails */
    uint64_t *tx_desc, *rx_desc;
    uint32_t count;                      /* of both rings */
    uint8_t *memory;                     /* where the driver's memory is, and what it calls its first byte */
    uint64_t iova;
    uint32_t tx, rx;                     /* the next slots; as the thread left them, once it is stopped */
};

struct ideal *ideal_start(struct ideal_rings *rings);  /* a thread that answers from now on; NULL: no memory, or no thread */
void ideal_stop(struct ideal *ideal);    /* when it returns, nobody touches the rings */
