/* SPDX-License-Identifier: BSD-3-Clause */
/* The byte stream under a vfio-user client, for vfu_client.c; cffi does not read this file. */

#define VFU_FDS_MAX 16
#define VFU_NEVER_MS INT64_MAX       /* a deadline that does not come */

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
