/* SPDX-License-Identifier: BSD-3-Clause */
/* DMA memory of one function: which iova lies where in this process, and whether it may be reached now. */

#define DMA_READ 1                /* the device may read it */
#define DMA_WRITE 2               /* the device may write it */

#define DMA_OFF_MASTER 1          /* PCI: COMMAND.BUS_MASTER is 0, or the function is not in D0 */
#define DMA_OFF_CHIP 2            /* the chip's own: its driver asked for no more requests */

struct dma_region {
    uint64_t iova;
    uint64_t len_bytes;
    uint8_t *ptr;                 /* where it is mapped in this process */
    uint32_t prot;                /* DMA_READ, DMA_WRITE */
};

struct dma {
    struct dma_region *region;    /* sorted by iova, no overlap */
    uint32_t count;
    uint32_t capacity;
    uint32_t hit;                 /* last region found */
    uint32_t off;                 /* DMA_OFF_*: reasons why nothing may be reached; 0: everything mapped may be */
    uint32_t broken;              /* a fault: nothing is mapped, as far as the device can see */
    uint64_t reach;               /* a fault: no region may end above this iova; 0: all may */
    uint64_t errors;              /* accesses outside the regions, or while off */
};

int dma_add(void *dma, uint64_t iova, uint64_t len_bytes, void *ptr, uint32_t prot);
int dma_del(void *dma, uint64_t iova, uint64_t len_bytes);        /* every region inside the range; count removed */
void dma_free(struct dma *dma);
void *dma_ptr(struct dma *dma, uint64_t iova, uint64_t len_bytes, uint32_t prot); /* NULL (counted): not in one region, or off */
int dma_copy_out(struct dma *dma, uint64_t iova, const void *src, uint64_t len_bytes); /* to the driver; may cross regions */
int dma_copy_in(struct dma *dma, void *dst, uint64_t iova, uint64_t len_bytes);        /* from the driver */
