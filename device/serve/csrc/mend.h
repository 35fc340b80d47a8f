/* SPDX-License-Identifier: BSD-3-Clause */
/* What the wrapped library files and ours tell each other; cffi never reads this. */
#ifndef IXLAB_MEND_H
#define IXLAB_MEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "libvfio-user.h"

/* x_libvfio.c: end the session as if the client had closed its socket. */
void mend_drop_client(vfu_ctx_t *ctx);

/* x_irq.c asks irqs.c to note a SET_IRQS that was obeyed: vectors [start, start + count) of a VFIO index. */
void glue_irqs(vfu_ctx_t *ctx, uint32_t index, uint32_t start, uint32_t count, int armed);
/* The VFIO index whose eventfds are in the library's one shared array, or -1. */
int glue_armed(vfu_ctx_t *ctx);
/* A fault: eventfds for this VFIO index are not taken. */
int glue_irqs_refused(vfu_ctx_t *ctx, uint32_t index);

/* Before x_dma.c asks a client's file anything: whether it may be DMA memory (memory.c).  0, or -1 and errno. */
int glue_file(vfu_ctx_t *ctx, uint64_t iova, uint64_t len_bytes, int fd);
/* x_dma.c tells memory.c of memory that is about to be mapped; st: its file, or NULL. */
struct stat;
void glue_memory(vfu_ctx_t *ctx, uint64_t iova, uint64_t len_bytes, uint32_t prot, int fd, const struct stat *st);
/* close() for a descriptor that a client sent, which may be a file of a file system that never answers. */
int mend_let_go(int fd);

/* memory.c: a fault does not let the card reach so far, so this memory is refused. */
int glue_memory_refused(vfu_ctx_t *ctx, uint64_t iova, uint64_t len_bytes);
/* Whether exactly this memory is mapped and went away under us: then mapping it again makes it live again. */
int glue_memory_lost(vfu_ctx_t *ctx, uint64_t iova, uint64_t len_bytes);

/* irqs.c: the client masked or unmasked INTx. */
void glue_intx_state(vfu_ctx_t *ctx, uint32_t start, uint32_t count, bool mask);

/* hold.c keeps an answer when an access asked for it (1), gives it when it is due, and forgets it. */
struct vdev;
int hold_reply(struct vdev *v, uint16_t id, uint16_t command, const void *body, size_t body_bytes, int error);
int hold_run(struct vdev *v, int (*send)(struct vdev *v));        /* > 0 done, 0 not due yet */
void hold_end(struct vdev *v);
/* x_tran_sock.c: give the answer that was kept; 1. */
int mend_send_held(struct vdev *v);
/* session.c: the loop waits for what is to come next. */
void vdev_watch(struct vdev *v);
/* last_words.c: say why a client has to go (conn_next() or conn_fill() said rc), and answer what cannot be obeyed. */
struct conn;
struct conn_message;
void mend_last_words(vfu_ctx_t *ctx, struct conn *c, const struct conn_message *message, int rc);
/* x_tran_sock.c: the socket at which clients arrive. */
int mend_listen_fd(vfu_ctx_t *ctx);

/* irq_fd.c: the eventfd of a vector, or -1. */
int mend_irq_fd(vfu_ctx_t *ctx, uint32_t vector);

/* eventfds.c: whether a descriptor is an eventfd; what it is, for people; and signal one: 0 or -errno, never waits. */
void mend_eventfds_prepare(void);     /* once before the others */
bool mend_is_eventfd(int fd);
void mend_fd_kind(int fd, char *words, size_t room);
int mend_eventfd_signal(int fd);
/* burst.c: obey the accesses that have been read, for a bounded time; what it cost, 0: the next message is none of these. */
int burst_run(struct vdev *v);
/* burst.c: hear whether a look at the client's socket found nothing. */
void burst_found(struct vdev *v, bool empty);
/* burst.c: what the server says of itself in the handshake, with write_multiple added. */
struct iovec burst_offer(struct iovec said, char *to, size_t room);
/* x_dma.c: regions mapped now. */
int mend_dma_regions(vfu_ctx_t *ctx);

#endif
