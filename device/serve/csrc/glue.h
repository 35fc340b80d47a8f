/* SPDX-License-Identifier: BSD-3-Clause */
/* A PCI function offered over a vfio-user socket: libvfio-user's context with our callbacks around it.
 *
 * Read twice, by the C compiler and by cffi (device/csrc/build_vfu.py), so it stays in cffi's dialect.  It names no type
 * of the library: whoever uses this sees function pointers and numbers only.  One thread owns a `struct vdev`.
 * Functions return a count >= 0 or -errno.
 */

#define VDEV_REGIONS 9            /* VFIO's PCI region indexes: BAR0-5, ROM, configuration space, VGA */
#define VDEV_CONFIG 7
#define VDEV_READ 1
#define VDEV_WRITE 2
#define VDEV_MEM 4                /* memory BAR; an I/O BAR otherwise */
#define VDEV_ALWAYS_CB 8          /* configuration space: every byte is ours */
#define VDEV_AREAS_MAX 8
#define VDEV_WRITE_MULTI 15       /* vfio-user's REGION_WRITE_MULTI: the library does not know it */
#define VDEV_MULTI_MAX 200        /* writes in one such message */

#define VDEV_VECTORS 64
#define VDEV_FILES 16
#define VDEV_NAME_BYTES 256

#define VDEV_RESET_DEVICE 0       /* asked for by the client */
#define VDEV_RESET_LOST 1         /* the client is gone */
#define VDEV_RESET_FLR 2

#define VDEV_MSIX_BYTES 16384     /* BAR4: table at 0, pending bits at VDEV_PBA */
#define VDEV_PBA 8192

/* An access of any width to a region: count or -errno. */
struct vdev_region {
    int64_t (*access)(void *arg, uint8_t *buf, uint64_t count, uint64_t offset, int is_write);
    void *arg;
    uint64_t len_bytes;           /* kept by vdev_add_region() */
};

/* Part of a region that a client may map: bytes [offset, offset + len_bytes) of the region and of the file. */
struct vdev_area {
    uint64_t offset;
    uint64_t len_bytes;
};

struct vdev_count {
    uint64_t requests;            /* messages obeyed or refused */
    uint64_t sessions;            /* clients that got through the handshake */
    uint64_t refused;             /* connections that did not */
    uint64_t dropped;             /* sessions that we ended */
    uint64_t turned_away;         /* callers told that another client is served */
    uint64_t irqs;                /* eventfds written */
    uint64_t irqs_unheard;        /* interrupts nobody had armed */
    uint64_t dma_maps;
    uint64_t dma_unmaps;
    uint64_t dma_refused;         /* regions the core had no room for */
    uint64_t dma_bad_file;        /* regions in a file that DMA might have to wait for */
    uint64_t dma_without_fd;      /* writable regions that came without a file: DMA there is refused */
    uint64_t dma_private;         /* files that the client itself maps privately */
    uint64_t multi_writes;        /* writes obeyed that came many to a message */
    uint64_t multi_refused;       /* such writes, and whole messages of them, that make no sense */
    uint64_t behind_s;            /* seconds through which the client's socket was never found empty */
};

struct vdev_hold {                /* an answer that is given later (hold.c); body NULL: there is none */
    uint8_t *body;
    uint64_t body_bytes;
    uint16_t id, command;
    int error;
    int timer_fd, watch_fd;
};

/* A file that a client's memory lies in. */
struct vdev_file {
    uint64_t dev, ino;
    int seals;                    /* F_SEAL_*; -1: it is no memory file */
    char name[VDEV_NAME_BYTES];   /* as the kernel calls it */
};

struct conn;
struct callers;
struct pieces;

struct vdev {
    void *ctx;                    /* the library's context */
    struct callers *callers;      /* who has come and is no client yet */
    struct conn *conn;            /* the client's connection, or NULL */
    int conn_fd;                  /* -1 while no client is attached */
    int *watch;                   /* where to keep the fd that wakes the loop */
    int fd;                       /* ... here, unless somebody moved it */
    int armed;                    /* IRQ_* (machine/irq.h): the kind that has eventfds */
    int intx;                     /* the INTx line */
    int intx_masked;
    struct vdev_region region[VDEV_REGIONS];
    int (*dma_add)(void *dma, uint64_t iova, uint64_t len_bytes, void *ptr, uint32_t prot);
    int (*dma_del)(void *dma, uint64_t iova, uint64_t len_bytes);
    int (*dma_guard)(void *dma, uint64_t iova, void *map, uint64_t map_bytes, uint32_t file);  /* NULL: not guarded */
    void *dma;
    uint64_t *hold_ns;            /* faults, kept by the function; NULL: there are none.  An answer is kept so long; */
    int (*dma_is_lost)(void *dma, uint64_t iova, uint64_t len_bytes);   /* NULL: never */
    uint64_t *dma_reach;          /* memory that ends above is refused, unless it is 0; */
    uint32_t *irq_refused;        /* 1 << IRQ_*: eventfds for these kinds are refused */
    uint32_t *irq_refuse_in;      /* counts those who set eventfds; the one that makes it 0 is refused */
    const uint8_t *body;          /* of the message that the library is reading; */
    struct pieces *pieces;        /* or the long access that it gets in pieces, or NULL */
    struct vdev_hold hold;
    void *self;                   /* Python's handle */
    int (*on_reset)(void *self, int kind);
    void (*on_client)(void *self, int attached);
    void (*on_irqs)(void *self, int armed);
    int (*on_file)(void *self, uint64_t iova, uint64_t len_bytes, int fd); /* may DMA wait for it? 0 or -errno */
    void (*on_log)(void *self, int level, const char *text);
    void (*on_turned_away)(void *self, int caller_fd, int client_fd);
    uint32_t msix_max;            /* vectors that were realized */
    uint64_t area_bytes;          /* the largest part of a BAR that the client maps */
    uint64_t without_fd_before;   /* count.dma_without_fd when the client came */
    struct vdev_file file[VDEV_FILES];  /* what its memory lies in */
    uint32_t files;               /* how many of them are known; those that come later count as the last one */
    uint32_t at_file;             /* the one that is mapped now */
    int multi_waits;              /* one has been read, and burst.c is to obey it */
    uint32_t multi_done;          /* of the message that is being obeyed: writes done, and of these the refused ones */
    uint32_t multi_refused;
    uint64_t behind_ns;           /* since when the client's socket has not been found empty; 0: it was */
    uint64_t warned_ns;           /* when that was said last */
    uint32_t io_addr;             /* BAR2: the register IODATA stands for */
    uint8_t msix[VDEV_MSIX_BYTES];
    struct vdev_count count;
};

struct vdev *vdev_new(void);
void vdev_free(struct vdev *v);                          /* ends the session, forgets DMA, closes the socket */

/* Before vdev_open() fill in region[], dma_*, on_*; after it add regions; then realize. */
int vdev_open(struct vdev *v, const char *path, int log_level);
int vdev_add_region(struct vdev *v, int index, uint32_t len_bytes, int flags, const struct vdev_area *areas, uint32_t n,
                    int fd);
int vdev_realize(struct vdev *v, uint32_t msi, uint32_t msix);
int vdev_set_intx_msi(struct vdev *v, uint32_t intx, uint32_t msi);      /* the same of the other two kinds: 0 or 1 */
int vdev_set_msix(struct vdev *v, uint32_t msix);        /* for a client that has just come: at most what was realized */

int vdev_run(void *v);                                   /* a struct loop_source's run: what it cost; never waits */
void vdev_tend(struct vdev *v);                          /* turn away who comes while a client is served */
void vdev_drop(struct vdev *v);                          /* send the client away */
int vdev_irq_send(void *v, uint32_t vector);             /* -ENOENT: nobody listens */
int vdev_intx_level(void *v, int level);
int vdev_dma_regions(struct vdev *v);
int vdev_vectors_armed(struct vdev *v);                  /* eventfds that the client gave, of whichever kind */
void vdev_reset_state(struct vdev *v);                   /* MSI-X table, pending bits, IOADDR as after power-on */

int vdev_no_new_privs(void);                             /* no program that this process starts gains rights; 0, -errno */

/* Ready-made regions: arg is the struct vdev. */
int64_t vdev_msix_access(void *v, uint8_t *buf, uint64_t count, uint64_t offset, int is_write);
int64_t vdev_io_access(void *v, uint8_t *buf, uint64_t count, uint64_t offset, int is_write);
