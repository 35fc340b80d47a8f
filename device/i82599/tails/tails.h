/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared doorbells: registers of queues that clients change by plain stores, which are looked for in turns.
 *
 * A client maps a copy of four pages (machine/regfile.h) and may store there whatever it likes, where it likes.  A store
 * that is noticed is a write to that register: bits that software may write are taken, all others are put back, and so is
 * what is no register.  Nobody else believes what is in those pages.
 */

#define TAILS_PAGES 4                 /* TDT 0..63, TDT 64..127, RDT 0..63, RDT 64..127 */

struct tails {
    struct regfile *regs;
    uint64_t every_ns;                /* a busy queue is looked at at least this often */
    uint64_t busy_ns;                 /* when frames or doorbells last moved */
    uint64_t accesses;                /* of clients, by message, at the last look */
    int silent;                       /* a client stored after a pause and sent no message that would have woken us */
    uint64_t doubt_ns;                /* when one stored so, and its message may still come; 0: none did */
    uint64_t rx_on[2];                /* queues seen enabled, one bit each: all of them */
    uint64_t tx_on[2];
    int known;                        /* if this is set, */
    uint32_t seen;                    /* as long as regfile.changes is this */
};

void tails_reset(struct tails *tails);
int tails_show(struct tails *tails, uint64_t every_ns);           /* clients may map the pages from now on; 0 or -errno */
/* How many registers moved; what it means is the queues' hooks'.  turn: its number; busy: the last one moved frames. */
uint32_t tails_look(struct tails *tails, uint64_t turn, uint32_t busy);
uint64_t tails_wait_ns(const struct tails *tails);                /* when to look again; UINT64_MAX: not shared */
