/* SPDX-License-Identifier: BSD-3-Clause */
/* A long region access, obeyed piece by piece so that others have their turns in between.  cffi never reads this.
 *
 * The library gets one message for each piece; the client gets one answer.
 */
#ifndef IXLAB_PIECES_H
#define IXLAB_PIECES_H

#include <stdint.h>

#include "conn.h"

#define PIECE_BYTES 1024              /* 256 registers: some 0.2 ms */
#define PIECE_COST 8                  /* in messages of the turn's budget */

struct pieces {
    struct vfio_user_header header;   /* of the client's message */
    struct vfio_user_region_access access;
    uint32_t done, piece;             /* bytes given to the library so far, the last piece among them */
    uint64_t hold_ns;                 /* the longest that a piece asked its answer to be kept */
    uint8_t data[];                   /* what is written; or the answer's body: access, then what was read */
};

/* Take a long access of a region of so many bytes to pieces; NULL: it is none, or can only be refused. */
struct pieces *pieces_new(const struct conn_message *message, uint64_t region_bytes);
struct vfio_user_header pieces_header(const struct pieces *p);    /* of the next piece's message */
uint8_t *pieces_body(struct pieces *p);                           /* its body, for free(); NULL: no memory */
void pieces_answer(struct pieces *p, const uint8_t *body, uint64_t body_bytes);     /* the library's, to that piece */
size_t pieces_answer_bytes(const struct pieces *p);               /* of data, once all is done */

#endif
