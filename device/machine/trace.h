/* SPDX-License-Identifier: BSD-3-Clause */
/* Every access of a client to registers, noted until Python fetches it. */

#define TRACE_READ 0
#define TRACE_WRITE 1
#define TRACE_RESET 2             /* of the whole function, by PCI */

struct trace_entry {              /* one access, of at most four bytes, or a reset */
    uint64_t time_ns;
    uint32_t offset;
    uint32_t value;               /* read or written, as the client sees it: its len_bytes low bytes */
    uint8_t len_bytes;
    uint8_t kind;                 /* TRACE_* */
    uint8_t unused[6];
};

struct trace {
    struct trace_entry *entry;
    uint32_t size, used;
    uint64_t lost;                /* came when there was no room */
};

void trace_note(struct trace *trace, uint64_t now_ns, int kind, uint32_t offset, uint32_t value, uint32_t len_bytes);
