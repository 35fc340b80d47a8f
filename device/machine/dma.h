/* SPDX-License-Identifier: BSD-3-Clause */
/* DMA memory of one function: which iova lies where in this process, and whether it may be reached now. */

#define DMA_READ 1                /* the device may read it */
#define DMA_WRITE 2               /* the device may write it */

#define DMA_BROKEN_FAULT 1        /* a fault: nothing is mapped, as far as the device can see */
#define DMA_BROKEN_GONE 8         /* a fault: the function has left the bus */
#define DMA_BROKEN_NEXT 4         /* a fault: the next `fail_next` accesses are errors */
#define DMA_BROKEN_LOST 2         /* memory went away in this turn: what was read of it means nothing */

#define DMA_OFF_MASTER 1          /* PCI: COMMAND.BUS_MASTER is 0, or the function is not in D0 */
#define DMA_OFF_CHIP 2            /* the chip's own: its driver asked for no more requests */

struct dma_region {
    uint64_t iova;
    uint64_t len_bytes;
    uint8_t *ptr;                 /* where it is mapped in this process */
    uint32_t prot;                /* DMA_READ, DMA_WRITE; 0 when it was lost */
    uint32_t file;                /* what it is a part of, as whoever mapped it counts files */
    uint8_t *map;                 /* the whole mapping, if it may go away under us (guard.h); else NULL */
    uint64_t map_bytes;
};

/* Memory that went away: what was lost first, for whoever tells of it. */
struct dma_lost {
    uint64_t iova, len_bytes;     /* the region */
    uint64_t at;                  /* the iova of the page that could not be reached */
    uint32_t file;
    uint32_t regions;             /* lost and not told of; 0: the rest says nothing */
};

struct guard;
struct dma {
    struct dma_region *region;    /* sorted by iova, no overlap */
    uint32_t count;
    uint32_t capacity;
    uint32_t hit;                 /* last region found */
    uint32_t off;                 /* DMA_OFF_*: reasons why nothing may be reached; 0: everything mapped may be */
    uint32_t broken;              /* DMA_BROKEN_*: reasons why every access is an error */
    uint32_t fail_next;           /* with DMA_BROKEN_NEXT: how many are left */
    uint64_t reach;               /* a fault: no region may end above this iova; 0: all may */
    uint32_t changes;             /* grows when a region came, went or was lost: pointers found before are stale */
    uint64_t errors;              /* accesses outside the regions, or while off, or to memory that went away */
    struct dma_lost lost;
    uint32_t *alarm;              /* set when memory is lost in this turn; NULL: nobody looks there */
    struct guard *guard;          /* once there is memory that may go away */
};

int dma_add(void *dma, uint64_t iova, uint64_t len_bytes, void *ptr, uint32_t prot);
int dma_del(void *dma, uint64_t iova, uint64_t len_bytes);        /* every region inside the range; count removed */
/* The region at iova lies in this mapping, which may go away: then it is lost, and not the process.  0 or -errno. */
int dma_guard(void *dma, uint64_t iova, void *map, uint64_t map_bytes, uint32_t file);
/* Whether the region of exactly that range was lost: 1 or 0. */
int dma_is_lost(void *dma, uint64_t iova, uint64_t len_bytes);
void dma_turn(struct dma *dma);                                   /* a turn begins: what was not lost may be reached */
void dma_free(struct dma *dma);
void *dma_ptr(struct dma *dma, uint64_t iova, uint64_t len_bytes, uint32_t prot); /* NULL (counted): not in one region, or off */
void *dma_try(struct dma *dma, uint64_t iova, uint64_t len_bytes, uint32_t prot); /* the same, and NULL is no error */
int dma_copy_out(struct dma *dma, uint64_t iova, const void *src, uint64_t len_bytes); /* to the driver; may cross regions */
int dma_copy_in(struct dma *dma, void *dst, uint64_t iova, uint64_t len_bytes);        /* from the driver */
