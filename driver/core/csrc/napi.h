/* SPDX-License-Identifier: BSD-3-Clause */
/* Interrupt, poll, re-arm.  A vector with its rings belongs to one thread. */

#define NAPI_WEIGHT 64                   /* Rx frames one poll may take */
#define NAPI_TX_WEIGHT 256               /* Tx frames one poll may complete, per ring */

#define NAPI_IRQ 0                       /* sleep on the vector's eventfd */
#define NAPI_POLL 1                      /* never sleep, never re-arm */
#define NAPI_HYBRID 2                    /* after an interrupt, poll until nothing came for spin_us */

#define NAPI_DECIDE 1                    /* what napi_run returns when a vector owes a decision about its interval */
#define NAPI_DECIDE_GAP_US 2000          /* no vector owes one sooner after the last ... */
#define NAPI_DECIDE_STALE_US 1000000     /* ... and each does at its first completion after so long, whatever it counted */

#define NAPI_SLEPT_NS 100000             /* after so long a sleep the device may sleep, too */

#define SINK_NONE 0                      /* frames stay in the ring; somebody else harvests */
#define SINK_DROP 1                      /* counted and given back */
#define SINK_NETDEV 2                    /* the tap interface */
#define SINK_ECHO 3                      /* sent back with the MAC addresses swapped */

struct napi {
    uint32_t v_idx;
    int irq_fd;                          /* eventfd of the vector, or -1 */
    int mode;                            /* NAPI_* */
    int sink;                            /* SINK_* */
    int scheduled;                       /* an interrupt came and polling is not complete */
    struct mmio *bar;
    uint64_t rearm_offset;               /* the register that lets the vector interrupt again, and what to write to it */
    uint32_t rearm_value;
    uint32_t weight;
    struct rx_ring **rx;
    struct tx_ring **tx;
    uint32_t rx_count, tx_count;
    uint32_t spin_us;
    int *rx_tap;                         /* of each Rx ring: the queue of the netdev that its frames go to */
    int *tx_tap;                         /* of each Tx ring: the queue of the netdev that it sends for, its own */
    uint32_t *tx_blocked;                /* of each Tx ring: it is full, leave its queue of the netdev alone */
    uint64_t busy_ns;                    /* hybrid: last time work was found */
    uint64_t irqs, polls, rearms, work, budget_spent, tx_work;
    uint64_t events;                     /* interrupts while the vector has rings: what moderation goes by */
    uint32_t decide_events;              /* a decision is owed after so many of them; 0: never */
    int owes;                            /* it is owed; cleared by who decides, who also notes the two below */
    uint64_t decided_events, decided_ns;
    struct netdev_stats netdev;
    int tap_error;                       /* -errno with which the interface refused a read: it is gone */
};

int napi_poll(struct napi *napi, int budget, uint64_t now_ns);           /* NAPI's return value: < budget means complete */
int napi_run(struct napi **napi, uint32_t count, int stop_fd, int64_t timeout_ns); /* until stop_fd is readable (timeout < 0: only then); 0, NAPI_DECIDE, or -errno */
uint64_t napi_now(void);
