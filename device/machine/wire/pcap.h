/* SPDX-License-Identifier: BSD-3-Clause */

struct pcap_port {
    int fd_out;                   /* the capture being written, or -1 */
    int nsec;                     /* the one being played has its times in nanoseconds */
    int swapped;                  /* and is in the other byte order */
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
