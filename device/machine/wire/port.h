/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames, and the wires they come over. */

#define FRAME_BATCH 64            /* frames handed to or taken from a port at once */
#define FRAME_MAX_BYTES 16384     /* one frame on the wire, FCS excluded; longer ones are counted as oversize */

struct frame {
    uint8_t *data;                /* Ethernet header first, no FCS */
    uint32_t len_bytes;
    uint32_t flags;               /* FRAME_* */
};
#define FRAME_BAD_CRC 1           /* arrived damaged (a port that can tell) */
#define FRAME_LOOPBACK 2          /* came back from our own transmitter */

#define PORT_SLOT_BYTES 16576     /* FRAME_MAX_BYTES + 3 cache lines, so that slots do not fight for one cache set */

#define PORT_HELLO_BYTES 8        /* peer: "IXLAB", version, 1 = our side sends light, 0; too short for a frame */
#define PORT_HELLO_VERSION 1

#define PORT_NULL 0
#define PORT_LOOPBACK 1
#define PORT_TAP 2
#define PORT_PCAP 3
#define PORT_PEER 4

struct port_count {
    uint64_t tx_frames, tx_bytes; /* accepted by the world */
    uint64_t rx_frames, rx_bytes; /* brought in from the world */
    uint64_t tx_dropped;          /* world was full, slow, or dead */
    uint64_t rx_dropped;          /* longer than FRAME_MAX_BYTES, or unreadable */
    uint64_t errors;              /* syscalls that failed for another reason; last_errno says which */
};

/* One wire.  Python opens it (device/ports/), C moves frames through it (port.c). */
struct port {
    int kind;                     /* PORT_* */
    int fd;                       /* readable when frames wait; -1 if it never wakes the loop */
    int fd_out;                   /* pcap: the capture being written, or -1 */
    int carrier;                  /* 1: the world says the cable is good; Python sets it, C clears it on a dead fd */
    int last_errno;
    struct port_count count;
    uint8_t *arena;               /* receive buffers, FRAME_BATCH * PORT_SLOT_BYTES, or the ring of a loopback */
    uint32_t ring_head;           /* loopback: next slot to read; pcap: next frame to play */
    uint32_t ring_tail;           /* loopback: next slot to write */
    uint32_t *ring_len_bytes;     /* loopback: frame length per slot */
    uint8_t *play;                /* pcap: the whole input file, validated by Python */
    uint64_t play_bytes;
    uint64_t play_offset;         /* pcap: next record header */
    uint64_t play_ns;             /* pcap: not before this time; 0 = as fast as it is taken */
    int play_nsec;                /* pcap: input timestamps are in nanoseconds */
    int play_swapped;             /* pcap: input is in the other byte order */
    uint64_t generate;            /* null: frames still to generate */
    uint64_t generate_seq;        /* null: sequence number of the next one */
    uint32_t generate_len_bytes;
    uint8_t generate_dst[6];
    uint8_t generate_src[6];
    uint32_t slots;               /* loopback: frames the ring holds; slot i starts at i * PORT_SLOT_BYTES */
    int link;                     /* our side is up; pcap and null do not play before */
    int play_paced;               /* pcap: keep the recorded distances; fd is then a timerfd */
    int play_started;
    uint64_t play_first_ns;       /* pcap: timestamp of the first record, and when it was played */
    uint64_t play_start_ns;
};

/* port.c */
int port_send(struct port *port, const struct frame *frames, uint32_t n);     /* accepted; the rest is dropped and counted */
int port_recv(struct port *port, struct frame *frames, uint32_t n, uint64_t now_ns); /* up to FRAME_BATCH; 0 = none now */
void port_failed(struct port *port, int error);                               /* a send or receive said so */
uint32_t port_keep(struct port *port, struct frame *frames, uint32_t got, uint8_t *data, uint64_t len_bytes);

/* pcap.c */
uint32_t pcap_send(struct port *port, const struct frame *frames, uint32_t n); /* at most FRAME_BATCH */
uint32_t pcap_recv(struct port *port, struct frame *frames, uint32_t n, uint64_t now_ns);
int play_timer(void);                                                         /* a timerfd that fires now; or -errno */
