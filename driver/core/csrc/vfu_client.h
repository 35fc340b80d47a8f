/* SPDX-License-Identifier: BSD-3-Clause */
/* The vfio-user door: REGION_READ / REGION_WRITE and whole messages on one socket, one request or one burst of reads at a
 * time. */

#define VFU_READS_AT_ONCE 64             /* answers that may be under way: far fewer than a socket holds, some 280, so nobody
                                            waits for room; and others get their turn after a tenth of a millisecond or so */

struct vfu_client {
    int fd;
    int timeout_ms;                      /* a reply later than this breaks the connection for good; 0: none is too late */
    int error;                           /* -errno that broke it; every later call returns it */
    int unread_bytes;                    /* when it broke by a timeout: memory of messages that the server had not read */
    uint16_t id;
    uint16_t pad;
    uint32_t region;
    void *lock;                          /* two threads may use one door, in the order in which they ask */
};

int vfu_client_open(struct vfu_client *c, int fd, int timeout_ms);
void vfu_client_close(struct vfu_client *c);                         /* wakes waiters; later calls return -ENODEV */
void vfu_client_free(struct vfu_client *c);                          /* the lock's memory; nobody may be inside */
int vfu_client_read32(void *c, uint64_t offset, uint32_t *value);    /* struct mmio callbacks; use c->region */
int vfu_client_write32(void *c, uint64_t offset, uint32_t value);
void vfu_client_read_many(void *c, struct mmio_read *reads, uint32_t n);
/* one whole message: body out, reply body in; fds ride along. Reply length or -errno (also the server's own error reply) */
int vfu_client_call(struct vfu_client *c, uint16_t command, const void *body, uint32_t body_bytes,
                    const int *fds, uint32_t fd_count, void *reply, uint32_t reply_bytes, int *reply_fds, uint32_t reply_fd_max);
