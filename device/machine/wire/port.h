/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames, and the port they pass: the far side of a NIC.
 *
 * A kind of port is KIND.py and KIND.c beside this file, and KIND.h if Python sets state that C reads.  Python opens a
 * port, watches and mends it; C moves its frames.  KIND.c defines `const struct port_ops KIND_ops`, and no list names
 * it: the build writes port_ops_of() from the files it finds.  In cffi's dialect.
 */

#define FRAME_MAX_BYTES 16384     /* one frame on the wire, FCS excluded; longer ones are oversize */
#define SUPER_MAX_BYTES 65553     /* a super-frame: header, VLAN tag, and the longest IP packet */
#define FRAME_BATCH 64            /* frames handed to or taken from a port at once */

#define FRAME_BAD_CRC 1           /* flag: arrived damaged (a port that can tell) */
#define FRAME_LOOPBACK 2          /* flag: came back from our own transmitter */
#define FRAME_SUMMED 16           /* flag: its L4 checksum was made just now, and is right */
#define FRAME_PADS 8              /* flag of a super-frame: each piece of it is padded to the shortest frame */
#define FRAME_EXACT 4             /* flag: came with its FCS, so it is as long as it was on the wire, and not to be padded */

/* Kinds.  A super-frame stands for many frames; whoever puts it on a wire cuts it into them. */
#define FRAME_WHOLE 0             /* no super-frame */
#define FRAME_TCP4 1              /* TCP over IPv4 */
#define FRAME_TCP6 2              /* TCP over IPv6 */
#define FRAME_UDP 3               /* UDP over either: each piece a datagram of its own */

struct frame {
    uint8_t *data;                /* Ethernet header first, no FCS */
    uint32_t len_bytes;
    uint32_t flags;               /* FRAME_BAD_CRC ... */
    uint16_t segment_bytes;       /* of a super-frame: payload of each piece, the last may be shorter; else 0 */
    uint16_t csum_start;          /* byte from which on a checksum is still to be made; 0: none is missing */
    uint16_t csum_offset;         /* from there to its two bytes, which hold the sum of the pseudo header until then */
    uint8_t kind;                 /* FRAME_WHOLE ... */
    uint8_t unused;
};

/* What a kind of port can do. */
#define PORT_WAITS 1              /* its frames wait until somebody listens; others bring them as they come */
#define PORT_CSUM 2               /* send() fills in a missing checksum */
#define PORT_TCP4 4               /* send() takes super-frames: FRAME_TCP4 */
#define PORT_TCP6 8               /* FRAME_TCP6 */
#define PORT_UDP 16               /* FRAME_UDP */
#define PORT_KEEPS 32             /* what nobody takes is not lost: no wire, but a store of frames */

struct clock;
struct port;
struct port_ops {
    /* 1 to FRAME_BATCH frames out, none that asks for more than caps; how many of the first ones the world took. */
    uint32_t (*send)(struct port *port, const struct frame *frames, uint32_t n);
    /* Up to n frames in, FRAME_BATCH at most; how many.  Their data holds until the next call.  A super-frame, or one
     * that lacks its checksum, comes only from a port that was told it may: whoever takes it has machine/super.h. */
    uint32_t (*recv)(struct port *port, struct frame *frames, uint32_t n, const struct clock *clock);
    /* Of n frames that send() would have now, how many of the first ones are the next that recv() would bring: whoever has
     * them may hand them on himself (port_looped()).  NULL: a wire to somebody else. */
    uint32_t (*loops)(const struct port *port, uint32_t n);
    uint32_t caps;                /* PORT_* */
};

#define PORT_SLOT_BYTES 16576     /* FRAME_MAX_BYTES + 3 cache lines, so that slots do not fight for one cache set */

struct port_count {
    uint64_t tx_frames, tx_bytes; /* accepted by the world; of a super-frame its pieces */
    uint64_t rx_frames, rx_bytes; /* brought in from the world */
    uint64_t tx_dropped;          /* world was full, slow, or dead; or more was asked than the port can do */
    uint64_t rx_dropped;          /* longer than FRAME_MAX_BYTES, or unreadable */
    uint64_t errors;              /* syscalls that failed for another reason; last_errno says which */
};

/* One wire. */
struct port {
    const struct port_ops *ops;
    void *state;                  /* what only its kind knows: `struct KIND_port`, or NULL */
    int fd;                       /* readable when frames wait; -1 if it never wakes the loop */
    int carrier;                  /* 1: the world says the cable is good; Python sets it, C clears it on a dead fd */
    uint32_t lacks;               /* PORT_* of its kind's caps that this one cannot do */
    int link;                     /* our side is up; a port that generates or plays does not before */
    int full;                     /* the last send ended because the other end has not read yet what it has: only for now */
    int last_errno;
    uint8_t (*slot)[PORT_SLOT_BYTES]; /* received frames: FRAME_BATCH slots, or as many as the kind asked for */
    struct port_count count;
};

/* For the NIC.  How many frames were accepted: always the first ones.  The rest is dropped and counted, whether the
 * world refused one, or it is too long or asks for what caps lacks: such a frame never reaches send(). */
int port_send(struct port *port, const struct frame *frames, uint32_t n);
/* The same, and nothing is dropped or counted so: the caller may offer the rest again. */
int port_offer(struct port *port, const struct frame *frames, uint32_t n);
int port_recv(struct port *port, struct frame *frames, uint32_t n, const struct clock *clock); /* FRAME_BATCH at most */
void port_looped(struct port *port, uint32_t frames, uint64_t bytes); /* so many came back by the caller's hand: they count both ways */

uint32_t port_caps(const struct port *port);          /* PORT_*: its kind's, without what it lacks */

const struct port_ops *port_ops_of(const char *kind); /* NULL: there is no such KIND.c */

/* For the kinds. */
void port_failed(struct port *port, int error);       /* a send or receive said so */
int port_timer(void);                                 /* a timerfd that fires now; or -errno */
/* One more frame behind the `got` ones in frames[], unless it cannot be one: returns how many there are now. */
uint32_t port_keep(struct port *port, struct frame *frames, uint32_t got, uint8_t *data, uint64_t len_bytes);
