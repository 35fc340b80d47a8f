/* SPDX-License-Identifier: BSD-3-Clause */
/* A queue that stopped because of what its driver gave it.  It stands still until it is enabled again; all others go on. */

#define STALL_NONE 0
#define STALL_RING_UNMAPPED 1     /* ring base or a descriptor outside DMA memory */
#define STALL_RING_LEN 2          /* the ring has no length */
#define STALL_TAIL 3              /* tail beyond the ring */
#define STALL_BUFFER 4            /* descriptor points outside DMA memory */
#define STALL_DESC 5              /* descriptor cannot be obeyed (type, length) */
#define STALL_CONTEXT 6           /* data descriptor wants a context never loaded */
#define STALL_TSO 7               /* MSS 0, or headers longer than the packet */

struct stalls {
    uint64_t count;
    void (*py_stall)(void *self, int is_tx, uint32_t queue, uint32_t why);
    void *self;
};

void stall_tell(struct stalls *stalls, int is_tx, uint32_t queue, uint32_t why);
