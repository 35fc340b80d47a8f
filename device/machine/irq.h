/* SPDX-License-Identifier: BSD-3-Clause */
/* How interrupts leave one function: the kind that PCI has enabled, and who carries a message or moves the line. */

#define IRQ_NONE 0
#define IRQ_INTX 1
#define IRQ_MSI 2
#define IRQ_MSIX 3

struct irq {
    int kind;                                       /* IRQ_*: what PCI has enabled */
    int level;                                      /* the INTx line as last told */
    int gone;                                       /* a fault: the function has left the bus, and nothing arrives */
    uint64_t lost;                                  /* a fault: messages of these vectors are sent and never arrive */
    uint32_t refused;                               /* a fault: 1 << IRQ_*, kinds whose eventfds are not taken */
    uint32_t refuse_in;                             /* a fault: of those who set eventfds from now on, this one is refused */
    uint64_t delay_ns;                              /* a fault: messages go out so much later */
    int (*send)(void *arg, uint32_t vector);        /* a message; 0 or -errno */
    int (*line)(void *arg, int level);              /* the INTx line; 0 or -errno */
    void *arg;
    void (*changed)(void *chip);                    /* the kind is another one, or somebody listens anew: replay */
    void *chip;
};

int irq_send(struct irq *irq, uint32_t vector);     /* a message, or the line up; 0, or -1: nobody can take it now */
void irq_lower(struct irq *irq);                    /* the line goes down */
void irq_set_kind(struct irq *irq, int kind);       /* PCI changed the kind; what is pending is replayed */

/* A world made of eventfds, for tests and for a driver in the same process: `arg` of the two functions below. */
#define IRQ_FD_COUNT -2           /* instead of an fd: count the message and tell nobody */
struct irq_fds {
    uint32_t vectors;
    int *vector;                  /* eventfd per message; -1: the vector cannot be sent; or IRQ_FD_COUNT */
    uint64_t *sent;               /* messages sent, INTx edges under 0 */
    int intx;                     /* eventfd told when the line rises; as above */
    int level;                    /* the line as last told */
};
int irq_fds_send(void *irq_fds, uint32_t vector);
int irq_fds_line(void *irq_fds, int level);
