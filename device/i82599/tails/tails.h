/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared doorbells: queue tails and enable bits that clients change by plain stores, and that are looked at in turns. */

#define TAILS_PAGES 4                 /* pages of BAR0 that hold the tails: 0x1000 0x6000 0x7000 0xD000 */

struct tails_count {
    uint64_t doorbells;
};

struct tails {
    struct regfile *regs;
    uint64_t every_ns;                /* a busy queue is looked at at least this often */
    uint64_t busy_ns;                 /* when frames or doorbells last moved */
    uint32_t on;                      /* queues seen enabled */
    uint16_t rdt[CHIP_QUEUES];        /* tails as last looked at */
    uint16_t tdt[CHIP_QUEUES];
    uint8_t rx_on[CHIP_QUEUES];       /* and enable bits */
    uint8_t tx_on[CHIP_QUEUES];
    struct tails_count count;
};

void tails_reset(struct tails *tails);
/* How many moved; what they mean is the queues' hooks'.  turn: its number; busy: the last one moved frames or doorbells. */
uint32_t tails_look(struct tails *tails, uint64_t turn, uint32_t busy);
uint64_t tails_wait_ns(const struct tails *tails);                /* when to look again; UINT64_MAX: not shared */
