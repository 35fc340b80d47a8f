/* SPDX-License-Identifier: BSD-3-Clause */
/* Virtual functions: each a function of its own, with windows onto the physical function's registers of one pool.
 *
 * VF v is pool v.  Its queues are the card's, from v * queues_of_pool() on; they work in its memory and tell its vectors
 * while it is enabled.  The mailbox is where it talks with the physical function's driver.
 * Ref: 82599 datasheet, "Virtualization"; Linux ixgbe and ixgbevf for what they rely on.
 */

#define VFS_MAX 63                    /* the last pool is the physical function's */
#define VF_BAR0_BYTES 16384
#define VF_VECTORS 3
#define VF_QUEUES 8                   /* queues that BAR0 has windows for */
#define HOOK_VF_BAR0 1                /* the one hook of a virtual function's registers */

#define VF_BOX_PFSTS 1                /* what VFMAILBOX tells besides the locks: a message of the PF's came */
#define VF_BOX_PFACK 2                /* the PF has read ours */
#define VF_BOX_RSTI 4                 /* the PF is being reset */
#define VF_BOX_RSTD 8                 /* and is done with it */

struct vf_count {
    uint64_t irqs, irqs_moderated, resets, requests, acks;
};

struct vf_intr {                      /* causes, masks: one bit a vector */
    uint32_t cause, mask, autoclear, automask;
    uint32_t waiting;                 /* vectors whose message waits for next_ns */
    uint64_t next_ns[VF_VECTORS];     /* a vector may not fire before this time */
};

struct vfs;
struct vf {
    struct function function;
    struct vfs *all;
    uint32_t n;                       /* which one, and its pool */
    struct vf_intr intr;
    uint32_t box;                     /* VF_BOX_* */
    struct vf_count count;
};

struct vfs {
    struct regfile *regs;             /* the physical function's */
    const struct clock *clock;
    void (*cause)(void *intr, uint32_t causes);       /* EICR causes, in place */
    void *intr;
    void (*own)(void *card, uint32_t queue, struct function *function);   /* it serves this function from now on */
    struct function **owner_of_queue; /* the card's */
    struct function *pf;
    void *card;                       /* the chip, as struct function has it */
    struct vf *vf;                    /* `count` of them; NULL: the card was made without */
    uint32_t count;
    uint32_t enabled;                 /* SR-IOV: VFs 0 to enabled - 1 are in use */
    uint32_t queues;                  /* of each pool, as the owners of the queues were dealt out last */
    uint32_t alarm;                   /* one of them lost memory in this turn */
    uint64_t due_ns;                  /* when the first message that waits is due; UINT64_MAX: none waits */
};

/* life.c */
int vfs_make(struct vfs *vfs, uint32_t count, const struct chip_ops *ops);   /* once; 0 or -errno */
void vfs_free(struct vfs *vfs);
void vfs_enable(struct vfs *vfs, uint32_t enabled);               /* SR-IOV: so many, from now on */
void vfs_owners(struct vfs *vfs);                                 /* GCR_EXT or `enabled` is another: whose queues are whose */
void vfs_pf_reset(struct vfs *vfs);                               /* the PF is reset: RSTI in all of them */
void vfs_pf_ready(struct vfs *vfs);                               /* CTRL_EXT.PFRSTD: RSTI goes, RSTD comes */
void vf_reset(struct vf *vf);                                     /* VFCTRL.RST or FLR, its own registers being reset */
void vfs_write(void *vfs, uint32_t offset, uint32_t old, uint32_t seen, uint32_t written);  /* struct reg_hook's, PF */

/* windows.c: struct reg_hook's functions of a virtual function's registers */
uint32_t vf_read(void *vf, uint32_t offset);
uint32_t vf_peek(void *vf, uint32_t offset);
void vf_write(void *vf, uint32_t offset, uint32_t old, uint32_t seen, uint32_t written);

/* intr.c */
void vf_intr_reset(struct vf *vf);
void vf_intr_queue(struct vf *vf, uint32_t queue, int is_tx, int at_once);   /* one of its own, counted from 0 */
void vf_intr_mailbox(struct vf *vf);
void vf_intr_changed(void *vf);                                   /* PCI changed the kind; replays what is pending */
void vf_intr_raise(struct vf *vf, uint32_t vectors, int at_once); /* just latched, or unmasked while latched */
void vfs_intr_run(struct vfs *vfs);                               /* send what is due */

/* mailbox.c */
uint32_t vf_mailbox_peek(const struct vf *vf);                    /* VFMAILBOX */
uint32_t vf_mailbox_read(struct vf *vf);
void vf_mailbox_write(struct vf *vf, uint32_t written);

void vfs_mailbox_write(struct vfs *vfs, uint32_t v, uint32_t old, uint32_t written);  /* PFMAILBOX(v) */
void vfs_mailbox_reset(struct vfs *vfs, uint32_t v);              /* nobody holds it, and nothing is told */
void vfs_tell_reset(struct vfs *vfs, uint32_t v);                 /* VFLRE, and EICR.MAILBOX */
