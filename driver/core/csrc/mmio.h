/* SPDX-License-Identifier: BSD-3-Clause */
/* One way to reach a register, whatever the door. */

#define MMIO_PAGES 128                   /* 512 KiB of BAR in 4 KiB pages */

struct mmio_read {                       /* one of many reads */
    uint64_t offset;
    uint32_t value;                      /* all ones if it failed */
    int error;                           /* 0 or -errno */
};

struct mmio {
    uint8_t *page[MMIO_PAGES];           /* mapped pages (VFIO, shared doorbells); NULL = go through the functions */
    uint64_t len_bytes;
    int (*read32)(void *arg, uint64_t offset, uint32_t *value);      /* 0 or -errno */
    int (*write32)(void *arg, uint64_t offset, uint32_t value);      /* posted where the door can */
    void (*read_many)(void *arg, struct mmio_read *reads, uint32_t n);   /* all of them in one go; NULL: one after the other */
    void *arg;
    uint32_t wake_offset;                /* a register in which a 0 changes nothing; 0: there is none */
    int slept;                           /* nothing was stored for long: a server that looks for stores to mapped pages now and
                                            then is told of the next one by a message, a 0 to wake_offset */
    uint64_t reads, writes;              /* for tests; several threads may lose some */
    int error;                           /* first -errno seen by mmio_write32, which has no other way to tell */
};

uint32_t mmio_read32(struct mmio *bar, uint64_t offset);             /* 0xFFFFFFFF and bar->error on failure */
void mmio_write32(struct mmio *bar, uint64_t offset, uint32_t value);
int mmio_is_mapped(const struct mmio *bar, uint64_t offset);         /* whether an access is a plain load or store */
void mmio_read_many(struct mmio *bar, struct mmio_read *reads, uint32_t n);      /* in this order; bar->error stays as it is */
