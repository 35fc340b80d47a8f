/* SPDX-License-Identifier: BSD-3-Clause */

#define PCAP_REST_BYTES 16400     /* a record's header and its frame, FRAME_MAX_BYTES */

struct pcap_port {
    int fd_out;                   /* the capture being written, or -1: Python opens, follows and closes it */
    int failing;                  /* the last frame could not be recorded */
    int lost_errno;               /* why the last of those that could not */
    uint32_t rest_bytes;          /* of a record that a pipe took half of, in rest[]: it is finished first */
    uint64_t lost;                /* frames that could not be recorded */
    uint8_t *rest;                /* PCAP_REST_BYTES; Python's */
    int nsec;                     /* the one being played has its times in nanoseconds */
    int swapped;                  /* and is in the other byte order */
    uint32_t fcs_bytes;           /* at the end of every frame of it: 4, or 0 */
    int paced;                    /* keep the recorded distances; the port's fd is then a timerfd */
    uint8_t *play;                /* its whole file, validated by Python */
    uint64_t play_bytes;
    uint64_t play_offset;         /* next record header */
    uint64_t played;              /* frames */
    uint64_t due_ns;              /* the timer is set to this time; 0: it is not set */
    int started;
    uint64_t first_ns;            /* timestamp of the first record, and when it was played */
    uint64_t start_ns;
};
