/* SPDX-License-Identifier: BSD-3-Clause */
/* The card: its functions, its blocks, the wire, and how they are tied together.  Blocks know nothing of each other. */

#define CARD_BAR0_BYTES 131072        /* register space; what a bigger BAR0 has above it reads 0 */

#define HOOK_INTR 1                   /* which block's hook an access goes to; device/i82599 names the registers */
#define HOOK_RX 2
#define HOOK_TX 3
#define HOOK_FILTERS 4
#define HOOK_RSS 5
#define HOOK_FDIR 6
#define HOOK_TIMESYNC 7
#define HOOK_STATS 8
#define HOOK_VFS 9
#define HOOK_VIRT 10

#define USUAL_RX 1                    /* untagged frames to our own address that are no IP, if all else about them is usual */
#define USUAL_IP 2                    /* and TCP and UDP over IPv4 */
#define USUAL_FDIR_MISS 4             /* each of the latter misses the flow director's filters: there are none */
#define USUAL_NO_XOFF 8               /* the other end is never told to stop: the wire is read as it comes */
#define USUAL_ROOM 16                 /* an empty packet buffer has room for any FRAME_BATCH frames, whatever may be told of it */

struct usual {                        /* which frames may go the usual way (card_usual.c) */
    uint32_t ways;                    /* USUAL_*, as long as */
    uint32_t seen;                    /* regfile.changes is this */
    uint32_t off;                     /* all go the exact way; tests set it */
    uint32_t longest_bytes;           /* without FCS */
    uint64_t address;                 /* as filters.rar has it */
    uint64_t frames;                  /* so many went it */
};

struct super_cutter;

struct card {
    struct clock clock;
    struct function pf;
    struct function *owner_of_queue[CHIP_QUEUES];   /* whose memory a queue's rings and buffers are in */
    struct stalls stalls;
    struct intr intr;
    struct filters filters;
    struct virt virt;
    struct rss rss;
    struct fdir fdir;
    struct rx rx;
    struct tx tx;
    struct timesync timesync;
    struct stats stats;
    struct flow flow;
    struct tails tails;
    struct vfs vfs;
    struct wire_faults wire_faults;
    struct usual usual;
    struct super_cutter *cutter;      /* of what the port brings */
    struct port *port;                /* the wire; NULL = none (frames are dropped and counted) */
    uint64_t turns;
    uint32_t worked;                  /* what the last one did */
};

struct card *card_new(void);                        /* NULL when out of memory */
void card_free(struct card *card);
int card_make_vfs(struct card *card, uint32_t count);             /* once, before anything runs; 0 or -errno */
void card_own_queue(struct card *card, uint32_t queue, struct function *function);
const struct chip_ops *card_ops(void);
void card_tell_stalls(struct card *card);           /* the end of a turn, on its own */
int card_step(void *card);                          /* one turn without waiting: wire, rings, interrupts; work done */

/* card_usual.c: the usual way of received frames */
void card_usual_look(struct card *card);                          /* what the registers say now */
uint32_t card_receive_usual(void *card, const struct frame *frames, uint32_t n);   /* how many of the first ones went it */

/* card_super.c */
uint32_t card_supers(struct card *card);      /* PORT_*: the super-frames that may leave as they are now */

/* card_pools.c: the ways of frames with pools */
int card_has_pools(struct card *card);                            /* after a look at what changed */
int card_receive_pools(struct card *card, struct rx_pass *pass);  /* after the filters of size; 0: no pool has it */
void card_pools_hold(struct card *card, uint64_t held[2]);        /* adds Tx queues that have to wait */
uint32_t card_switch(struct card *card, uint32_t queue, struct frame *frames, uint32_t n, uint32_t *local);
void card_pools_sent(struct card *card, uint32_t queue, const struct frame *frames, uint32_t n);    /* counts what the wire took */
uint32_t card_pools_rule(void *card, uint32_t queue);             /* VMVIR of the pool that a Tx queue belongs to; 0: none */
void card_pool_stored(void *card, const struct rx_info *info, const uint8_t *data);
