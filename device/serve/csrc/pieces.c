/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pieces.h"

static int is_write(const struct pieces *p)
{
    return p->header.cmd == VFIO_USER_REGION_WRITE;
}

struct pieces *pieces_new(const struct conn_message *message, uint64_t region_bytes)
{
    struct vfio_user_region_access access;
    struct pieces *p;

    memcpy(&access, message->body, sizeof(access));
    if (access.count <= PIECE_BYTES || access.offset > region_bytes || access.count > region_bytes - access.offset ||
        (message->header.cmd == VFIO_USER_REGION_WRITE && message->body_bytes != sizeof(access) + access.count))
        return NULL;
    p = calloc(1, sizeof(*p) + sizeof(access) + access.count);
    if (p == NULL)
        return NULL;
    p->header = message->header;
    p->access = access;
    memcpy(p->data, &access, sizeof(access));
    if (is_write(p))
        memcpy(p->data + sizeof(access), message->body + sizeof(access), access.count);
    return p;
}

/* Pieces end where a whole number of them would: no register is cut in two that was not cut before. */
static uint32_t next_piece(const struct pieces *p)
{
    uint32_t left = p->access.count - p->done;
    uint32_t most = PIECE_BYTES - (uint32_t)((p->access.offset + p->done) % PIECE_BYTES);

    return left < most ? left : most;
}

struct vfio_user_header pieces_header(const struct pieces *p)
{
    struct vfio_user_header header = p->header;

    header.msg_size = (uint32_t)(sizeof(header) + sizeof(p->access)) + (is_write(p) ? next_piece(p) : 0);
    return header;
}

uint8_t *pieces_body(struct pieces *p)
{
    struct vfio_user_region_access access = p->access;
    uint8_t *body;

    access.offset += p->done;
    access.count = next_piece(p);
    body = malloc(sizeof(access) + access.count);
    if (body == NULL)
        return NULL;
    memcpy(body, &access, sizeof(access));
    if (is_write(p))
        memcpy(body + sizeof(access), p->data + sizeof(access) + p->done, access.count);
    p->piece = access.count;
    p->done += access.count;
    return body;
}

void pieces_answer(struct pieces *p, const uint8_t *body, uint64_t body_bytes)
{
    if (!is_write(p) && body_bytes == sizeof(p->access) + p->piece)
        memcpy(p->data + sizeof(p->access) + p->done - p->piece, body + sizeof(p->access), p->piece);
}

size_t pieces_answer_bytes(const struct pieces *p)
{
    return sizeof(p->access) + (is_write(p) ? 0 : p->access.count);
}
