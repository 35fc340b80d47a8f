/* SPDX-License-Identifier: BSD-3-Clause */
/* A received frame on its way through the chip, and the stages it passes.
 *
 * Each stage belongs to one block and writes down what it found out; the card lists them in their order (card.c,
 * receive()), so that no block needs to know another.
 */

#define CHIP_QUEUES 128               /* Rx queues, and as many Tx queues */
#define CHIP_CLASSES 8                /* traffic classes, and user priorities */

#define FRAME_SWITCHED 0x100          /* flag of a frame: one pool sent it, and others have it now */
#define FRAME_COUNTED 0x200           /* flag: the queue that sent it has counted it */
#define FRAME_PLACE_SHIFT 16          /* of a switched one: where the card has its pools */

/* What the descriptor says about a received frame, wherever the frame waits. */
struct rx_info {
    uint32_t queue;
    uint32_t len_bytes;               /* as it arrived, without FCS */
    uint32_t type;                    /* low dword of the write-back: RSS type and packet type */
    uint32_t hash;                    /* high dword: RSS hash, flow director's hash and id, or fragment checksum and IP id */
    uint32_t status;                  /* status and error bits, without DD, EOP and VP */
    uint32_t flags;                   /* FRAME_* */
    uint16_t vlan_tci;
    uint16_t vlan_offset;             /* where the tag lies in the frame; 0 = untagged */
    uint16_t tc;                      /* its traffic class: the part of the packet buffer where it waits */
    uint16_t pool;                    /* whose copy it is; 0 without pools */
};

#define STEERED_BEFORE 1              /* one before the flow director */
#define STEERED_TO_DROP 2             /* the flow director, to where frames are lost */

struct rx_pass {
    const struct frame *frame;
    struct packet packet;
    struct rx_info info;
    int steered;                      /* STEERED_*: a filter has chosen the queue */
};
