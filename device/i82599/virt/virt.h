/* SPDX-License-Identifier: BSD-3-Clause */
/* Pools: which of them a frame is for, what they may send, and the switch between them.
 *
 * A set of pools is 64 bits, one for each.  Everything here follows the registers of the physical function: who has no
 * virtual functions has pools too (VMDq).
 * Ref: 82599 datasheet, "Virtualization"; where a rule below has no `Guess:` it is from there, or from ixgbe.
 */

#define VIRT_SLOTS 256                /* twice as many as there are receive addresses */
#define VIRT_VLANS 64
#define VIRT_VLAN_IDS 4096
#define VIRT_MIRRORS 4

struct virt_address {                 /* an exact filter that some pool has: RAL | RAH << 32, address bytes only; pools 0: none */
    uint64_t address, pools;
};

struct virt_mirror {                  /* a mirror rule that is on */
    uint32_t rules;                   /* MRCTL */
    uint64_t target;                  /* the one pool that gets the copy */
    uint64_t pools;                   /* VMRVM: the pools it mirrors */
    uint64_t vlans;                   /* VMRVLAN: the entries of VLVF it mirrors */
};

struct virt_way {                     /* where a frame goes */
    uint64_t pools;
    uint64_t may;                     /* those that a filter for a queue may send it to instead */
    uint32_t inexact;                 /* no filter of its very address let it in */
    uint32_t to_wire;                 /* a sent one: out of the card, too */
};

struct virt_count {
    uint64_t rx_no_pool;              /* frames for which no pool was left */
    uint64_t tx_spoofed;              /* frames that their pool may not send */
    uint64_t switched_frames;         /* frames from pool to pool */
    uint64_t pool_copies;             /* copies of frames to pools, beyond the first */
};

struct virt {
    struct regfile *regs;
    uint32_t stale;                   /* a register changed: what follows must be made anew */
    uint32_t on;                      /* VT_CTL.VT_ENABLE */
    uint32_t replicates;              /* VT_CTL.REPLEN: more than one pool may have a frame */
    uint64_t exist;                   /* pools that the queues of MRQC make */
    uint64_t default_pool;            /* none, if software wants none */
    uint64_t receive;                 /* VFRE */
    uint64_t own;                     /* VMTXSW: pools that may hear themselves */
    uint64_t untagged, broadcast, multicast_hash, multicast_all, unicast_hash;   /* VMOLR */
    struct virt_address address[VIRT_SLOTS];          /* from virt_slot() of an address on, until the first that is none */
    uint8_t vlan_entry[VIRT_VLAN_IDS];      /* of VLVF, counted from 1, by VLAN id; 0: the id has none */
    uint64_t vlan_pools[VIRT_VLANS];        /* VLVFB */
    uint32_t mirrors;
    struct virt_mirror mirror[VIRT_MIRRORS];
    struct virt_way switched[FRAME_BATCH];  /* frames that go from pool to pool right now */
    struct virt_count count;
};

/* virt.c */
void virt_changed(void *virt);
void virt_refresh(struct virt *virt);                             /* what registers say, if one changed */

uint32_t virt_slot(uint64_t address);

/* pools.c: they want what virt_refresh() made */
uint64_t virt_owners(const struct virt *virt, uint64_t address);  /* pools that have this very address */
struct virt_way virt_received(const struct virt *virt, const uint8_t *data, const struct packet *pkt);
struct virt_way virt_sent(const struct virt *virt, uint32_t pool, const uint8_t *data, const struct packet *pkt);

/* mirror.c */
void virt_take_mirrors(struct virt *virt);
/* More pools for a frame that these have; of the wire, or sent, and then to the wire as well or not. */
uint64_t virt_mirrored(const struct virt *virt, uint64_t pools, const struct packet *pkt, int from_wire, int to_wire);

/* spoof.c */
int virt_may_send(const struct virt *virt, uint32_t pool, const uint8_t *data, const struct packet *pkt);  /* 0: drop it */
int virt_counts_spoofs(const struct virt *virt, uint32_t pool);
