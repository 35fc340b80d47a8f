/* SPDX-License-Identifier: BSD-3-Clause */
/* The driver's hot path: register access, descriptor rings, NAPI polling, packet sinks.
 *
 * Read twice, by the C compiler and by cffi (driver/csrc/build_core.py), so it stays in cffi's dialect: no guards, no includes,
 * no function-like macros.  Every .c includes <stdint.h>, "desc.h", "regs.h" and this header, in that order.
 *
 * A ring belongs to the one thread that polls its q_vector.  Functions return a count >= 0 or -errno, allocate nothing,
 * and loop no longer than their budget.
 */

/* ---- mmio.c, vfio_user.c: one way to reach a register, whatever the door ------------------------------------------- */

#define MMIO_PAGES 128                   /* 512 KiB of BAR in 4 KiB pages */

struct mmio {
    uint8_t *page[MMIO_PAGES];           /* mapped pages (VFIO, shared doorbells); NULL = go through the functions */
    uint64_t len_bytes;
    int (*read32)(void *arg, uint64_t offset, uint32_t *value);      /* 0 or -errno */
    int (*write32)(void *arg, uint64_t offset, uint32_t value);      /* posted where the door can */
    void *arg;
    uint64_t reads, writes;
    int error;                           /* first -errno seen by mmio_write32, which has no other way to tell */
};

uint32_t mmio_read32(struct mmio *bar, uint64_t offset);             /* 0xFFFFFFFF and bar->error on failure */
void mmio_write32(struct mmio *bar, uint64_t offset, uint32_t value);

/* The vfio-user side of it: REGION_READ / REGION_WRITE on one socket, one request at a time. */
struct vfu_client {
    int fd;
    int timeout_ms;                      /* a reply later than this breaks the connection for good */
    int error;                           /* -errno that broke it; every later call returns it */
    uint16_t id;
    uint16_t pad;
    uint32_t region;
    void *lock;                          /* two threads may use one door */
};

int vfu_client_open(struct vfu_client *c, int fd, int timeout_ms);
void vfu_client_close(struct vfu_client *c);                         /* wakes waiters; later calls return -ENODEV */
void vfu_client_free(struct vfu_client *c);                          /* the lock's memory; nobody may be inside */
int vfu_client_read32(void *c, uint64_t offset, uint32_t *value);    /* struct mmio callbacks; use c->region */
int vfu_client_write32(void *c, uint64_t offset, uint32_t value);
/* one whole message: body out, reply body in; fds ride along. Reply length or -errno (also the server's own error reply) */
int vfu_client_call(struct vfu_client *c, uint16_t command, const void *body, uint32_t body_bytes,
                    const int *fds, uint32_t fd_count, void *reply, uint32_t reply_bytes, int *reply_fds, uint32_t reply_fd_max);

/* ---- rings.c -------------------------------------------------------------------------------------------------------- */

#define RX_FRAME_BUFS 9                  /* most buffers one received frame may span (16 KiB of 2 KiB buffers, and one) */

#define RX_STATUS_VP 8                   /* the NIC took a VLAN tag out; same bit as in the descriptor, checked in rings.c */
#define RING_EINVAL 22
#define RING_EAGAIN 11

struct ring_stats { uint64_t packets, bytes, errors, csum_errors, drops, busy, restarts; };

/* Rx: slot i always owns buffer i (buf + i * buf_bytes).  next_to_clean .. next_to_use-1 belong to the NIC. */
struct rx_ring {
    struct mmio *bar;
    uint64_t *desc;                      /* count descriptors of two qwords */
    uint64_t buf_iova;
    uint8_t *buf;
    uint32_t buf_bytes;
    uint32_t count;                      /* power of two not needed; multiple of 8 */
    uint32_t next_to_use, next_to_clean;
    uint32_t tail_offset;                /* RDT */
    uint32_t queue;
    struct ring_stats stats;
};

struct rx_frame {                        /* one received frame, still in the NIC's buffers */
    uint8_t *data[RX_FRAME_BUFS];
    uint32_t len_bytes[RX_FRAME_BUFS];
    uint32_t bufs;
    uint32_t total_bytes;
    uint32_t rss_hash;
    uint16_t rss_type;
    uint16_t packet_type;
    uint32_t status;                     /* status|error dword of the last descriptor */
    uint16_t vlan_tci;                   /* valid if status has VP */
    uint16_t slots;
};

int rx_harvest(struct rx_ring *ring, struct rx_frame *out, uint32_t budget);  /* complete frames only */
int rx_refill(struct rx_ring *ring);     /* give every cleaned slot back, in batches; one tail write. Slots given */

/* Tx: slot i owns buffer i.  A frame takes one context slot if it needs one, then its data slots. */
struct tx_ring {
    struct mmio *bar;
    uint64_t *desc;
    uint64_t buf_iova;
    uint8_t *buf;
    uint32_t buf_bytes;
    uint32_t count;
    uint32_t next_to_use, next_to_clean;
    uint32_t *eop_of;                    /* per first slot: slot of the frame's last descriptor */
    uint32_t *len_of;                    /* per first slot: frame length for the statistics */
    uint32_t tail_offset;                /* TDT */
    uint32_t tail_written;
    uint32_t queue;
    uint64_t stuck_ns;                   /* since when no descriptor completed while work was pending; 0 = fine */
    struct ring_stats stats;
};

struct tx_offload {                      /* what a frame asks of the NIC; all 0 = nothing */
    uint16_t l3_offset;                  /* MACLEN: start of the IP header */
    uint16_t l4_offset;                  /* start of TCP/UDP/SCTP */
    uint16_t l4_len_bytes;               /* header length, for TSO */
    uint16_t mss;                        /* TSO segment payload; 0 = no TSO */
    uint8_t ipv4;
    uint8_t ip_csum;
    uint8_t l4_csum;
    uint8_t l4_type;                     /* 0 UDP, 1 TCP, 2 SCTP */
    uint16_t vlan_tci;
    uint16_t vlan;                       /* 1 = insert vlan_tci */
};

uint32_t tx_free(const struct tx_ring *ring);
int tx_clean(struct tx_ring *ring, uint32_t budget, uint64_t now_ns);         /* frames completed */
int tx_post(struct tx_ring *ring, const uint8_t *frame, uint32_t len_bytes, const struct tx_offload *off); /* copies; 1, or -EAGAIN */
int tx_commit(struct tx_ring *ring, uint32_t len_bytes, const struct tx_offload *off); /* frame already in buffers next_to_use+1 ... */
void tx_flush(struct tx_ring *ring);     /* one tail write for everything posted since the last */

/* ---- netdev.c: a ring pair and one queue of a tap interface, frames with a virtio-net header between them ------------- */

#define VNET_HDR_BYTES 10

struct netdev_stats {
    uint64_t rx_frames, rx_bytes, rx_dropped, tx_frames, tx_bytes, tx_dropped, tx_gso, csum_left, csum_good;
    uint64_t csum_soft;                  /* checksums of a shape the NIC does not know, done here */
};

int netdev_rx(struct rx_ring *ring, int tap_fd, uint32_t budget, struct netdev_stats *stats); /* frames taken from the ring */
int netdev_tx(struct tx_ring *ring, int tap_fd, uint32_t budget, struct netdev_stats *stats); /* frames given to the ring */

/* ---- vnet.c: the virtio-net header of a tap's frames ------------------------------------------------------------------ */

/* len_bytes is what of the frame lies in one piece at `frame`.  0; 1 if software has to do the checksum; or -EINVAL */
int vnet_to_offload(const uint8_t *vnet, const uint8_t *frame, uint32_t len_bytes, struct tx_offload *off);
void vnet_sum(struct tx_ring *ring, uint32_t buf, uint32_t len_bytes, const uint8_t *vnet); /* that checksum; frame from buffer `buf` on */
void vnet_tso_seed(uint8_t *frame, uint32_t len_bytes, const struct tx_offload *off); /* make the kernel's seed one for segments */
void vnet_from_status(uint32_t status, uint8_t *vnet);                                /* checksum verdict of the NIC */

/* ---- netns.c: asking about an interface that somebody may have moved to another network namespace --------------------- */

int netns_socket(int tap_fd, int domain, int type, int protocol);    /* a socket where the interface lives now, or -errno */

/* ---- napi.c: interrupt, poll, re-arm --------------------------------------------------------------------------------- */

#define NAPI_WEIGHT 64                   /* Rx frames one poll may take */
#define NAPI_TX_WEIGHT 256               /* Tx frames one poll may complete, per ring */

#define NAPI_IRQ 0                       /* sleep on the vector's eventfd */
#define NAPI_POLL 1                      /* never sleep, never re-arm */
#define NAPI_HYBRID 2                    /* after an interrupt, poll until nothing came for spin_us */

#define SINK_NONE 0                      /* frames stay in the ring; somebody else harvests */
#define SINK_DROP 1                      /* counted and given back */
#define SINK_NETDEV 2                    /* the tap interface */
#define SINK_ECHO 3                      /* sent back with the MAC addresses swapped */

struct napi {
    uint32_t v_idx;
    int irq_fd;                          /* eventfd of the vector, or -1 */
    int tap_fd;                          /* one queue of the netdev, or -1 */
    int mode;                            /* NAPI_* */
    int sink;                            /* SINK_* */
    int scheduled;                       /* an interrupt came and polling is not complete */
    struct mmio *bar;
    uint64_t rearm_offset;               /* EIMS_EX(n), or EIMS without MSI-X */
    uint32_t rearm_value;                /* the vector's bit */
    uint32_t weight;
    struct rx_ring **rx;
    struct tx_ring **tx;
    uint32_t rx_count, tx_count;
    uint32_t spin_us;
    uint32_t tap_blocked;                /* the Tx ring is full: leave the tap alone */
    uint64_t busy_ns;                    /* hybrid: last time work was found */
    uint64_t irqs, polls, rearms, work, budget_spent, tx_work;
    struct netdev_stats netdev;
    int tap_error;                       /* -errno with which the interface refused a read: it is gone */
};

int napi_poll(struct napi *napi, int budget, uint64_t now_ns);           /* NAPI's return value: < budget means complete */
int napi_run(struct napi **napi, uint32_t count, int stop_fd, int64_t timeout_ns); /* until stop_fd is readable (timeout < 0: only then); 0, or -errno */
uint64_t napi_now(void);

/* ---- apps.c: small packet programs that run whole in C ---------------------------------------------------------------- */

struct app_result { uint64_t sent, received, bad, elapsed_ns; };

/* Send `frames` frames of len_bytes and take back what the other end returns, until all are back or deadline_ns has passed.
 * Polls both rings; every frame carries a sequence number, and one that is damaged or out of order counts as bad. */
int app_loop(struct rx_ring *rx, struct tx_ring *tx, const uint8_t *header, uint32_t len_bytes, uint64_t frames, uint32_t batch,
             uint64_t deadline_ns, struct app_result *out);
uint64_t app_read_ns(struct mmio *bar, uint64_t offset, uint32_t times);    /* mean cost of a register read */
uint64_t app_write_ns(struct mmio *bar, uint64_t offset, uint32_t value, uint32_t times);
/* Register write that raises an interrupt -> its eventfd is readable here; nanoseconds per try into out, or -ETIMEDOUT */
int app_irq_ns(struct mmio *bar, uint64_t offset, uint32_t value, int irq_fd, uint64_t rearm_offset, uint32_t rearm_value,
               uint64_t *out_ns, uint32_t times, uint32_t pause_us);
