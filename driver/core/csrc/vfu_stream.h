/* SPDX-License-Identifier: BSD-3-Clause */
/* The byte stream and the messages under a vfio-user client, for vfu_client.c and vfu_reads.c; cffi does not read this file. */

#define VFU_FDS_MAX 16
#define VFU_NEVER_MS INT64_MAX       /* a deadline that does not come */
#define VFU_REGION_READ 9
#define VFU_REGION_WRITE 10
#define VFU_NO_REPLY 0x10u

struct vfu_header {
    uint16_t id, command;
    uint32_t size, flags, error;
};

struct vfu_access {
    uint64_t offset;
    uint32_t region, count;
};

_Static_assert(sizeof(struct vfu_header) == 16 && sizeof(struct vfu_access) == 16, "wire structures have no padding");

/* Fds a server sent: kept while there is room, closed otherwise. */
struct vfu_inbox {
    int *fds;
    uint32_t max, count;
};

int64_t vfu_now_ms(void);
int64_t vfu_deadline_ms(const struct vfu_client *c);
int vfu_broken(struct vfu_client *c, int rc);        /* ends the connection for good; what it ended with first */
int vfu_send(struct vfu_client *c, struct msghdr *msg, size_t left, int64_t deadline);
int vfu_recv(struct vfu_client *c, void *buf, size_t len, struct vfu_inbox *in, int64_t deadline);
ssize_t vfu_recv_some(struct vfu_client *c, void *buf, size_t most, struct vfu_inbox *in, int64_t deadline);  /* 1 at least */

/* vfu_client.c: the header of a request that is about to leave, and what the one that came back says of it: 0, the
 * server's refusal as -errno, or what broke the connection. */
struct vfu_header vfu_request(struct vfu_client *c, uint16_t command, uint32_t body_bytes, uint32_t flags);
int vfu_judge(struct vfu_client *c, const struct vfu_header *reply, const struct vfu_header *request);
