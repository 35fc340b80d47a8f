/* SPDX-License-Identifier: BSD-3-Clause */
/* Causes, masks, moderation, and which vector tells of what.
 *
 * Causes live in two words: cause_q has one bit per queue vector (EICR_EX; its low 16 are EICR's), cause has the other
 * causes (EICR[30:16]).  A cause latches whatever the mask says; what is latched and unmasked is pending and belongs to
 * a vector.  A vector with something pending sends at once or, when EITR forbids it, at next_ns.
 * In legacy ways (INTx, MSI, or MSI-X without GPIE.MSIX_MODE) there is one vector, 0.
 */

#define INTR_VECTORS 64               /* MSI-X table size */
#define INTR_EITRS 129                /* EITR(0..128) */

struct intr_count {
    uint64_t irqs, irqs_moderated;
};

struct intr {
    struct regfile *regs;
    struct irq *irq;                  /* how messages leave the function */
    const struct clock *clock;
    uint64_t cause_q;                 /* EICR_EX: one bit per queue vector; bits 15:0 are EICR[15:0] */
    uint64_t mask_q;                  /* EIMS_EX: 1 = enabled; bits 15:0 are EIMS[15:0] */
    uint64_t automask_q;              /* EIAM_EX */
    uint32_t cause;                   /* EICR[30:16] in place */
    uint32_t mask;                    /* EIMS[30:16] in place */
    uint32_t automask;                /* EIAM[30:16] */
    uint32_t autoclear;               /* EIAC */
    uint64_t next_ns[INTR_EITRS];     /* vector may not fire before this time */
    uint64_t waiting;                 /* vectors whose message waits for next_ns */
    uint64_t late;                    /* a fault keeps the message of these until next_ns, whatever EITR says */
    uint64_t deadline_ns;             /* earliest of those; UINT64_MAX when none */
    uint64_t timer_ns;                /* TCPTIMER ends then; UINT64_MAX: it stands still */
    uint64_t timer_left_ns;           /* while it stands still: what was left */
    struct intr_count count;
};

void intr_reset(struct intr *intr);
void intr_rx(void *intr, uint32_t queue);                         /* descriptors were written back */
void intr_rx_at_once(void *intr, uint32_t queue);                 /* the same; whatever EITR says */
uint64_t intr_rx_wait_ns(void *intr, uint32_t queue);             /* until one of these may leave; 0: now, or none will */
void intr_tx(void *intr, uint32_t queue);
void intr_cause(void *intr, uint32_t causes);                     /* EICR[30:16] causes, in place */
void intr_run(struct intr *intr);                                 /* send what is due */
void intr_changed(void *intr);                                    /* PCI changed the kind; replays what is pending */
uint64_t intr_wait_ns(const struct intr *intr);                   /* until the next message is due; UINT64_MAX: none waits */

/* registers.c: what reads of the interrupt registers give and writes of them do; struct reg_hook's functions */
uint32_t intr_read(void *intr, uint32_t offset);
uint32_t intr_peek(void *intr, uint32_t offset);
void intr_write(void *intr, uint32_t offset, uint32_t old, uint32_t seen, uint32_t written);

/* Between the files. */
void intr_raise(struct intr *intr, uint64_t queues, uint32_t others, int at_once); /* just latched, or unmasked while latched */
void intr_fall(struct intr *intr);                                /* INTx goes down when nothing is pending */
int intr_timer_write(struct intr *intr, uint32_t written);        /* timer.c: TCPTIMER, as it was written; 1: it ended */
int intr_timer_run(struct intr *intr);                            /* 1: its end has come */
