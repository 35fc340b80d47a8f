/* SPDX-License-Identifier: BSD-3-Clause */
/* Posted writes, obeyed many at a time, and the message that carries up to 200 of them (REGION_WRITE_MULTI); and reads of
 * a register that have come together, whose answers leave together.
 *
 * Only these are obeyed here, if they are right and have been read already; everything else is the library's, in its place
 * in the stream.  Every access is obeyed as if it had come alone: none is left out for a later one.
 *
 * Observed: QEMU 11.1 keeps posted writes in a list without an end while the socket is full, and its next read waits
 * behind them.  A socket holds some 280 messages, and QEMU's thread wakes each time three quarters of them are gone: one
 * write a message is too slow for a guest that does nothing but store.  Offered `write_multiple`, QEMU puts 200 into a
 * message as soon as 1024 messages wait.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <syslog.h>

#include "vfio-user.h"
#include "conn.h"
#include "glue.h"
#include "mend.h"

#define NS_PER_US 1000ull
#define NS_PER_S 1000000000ull
#define BARS 6

#define ACCESS_MAX_BYTES 8            /* a longer one is the library's, which obeys it in pieces */
#define BURST_US 100                  /* a register may be served by Python, so time counts as well as messages */
#define CLOCK_EVERY 8                 /* writes between two looks at the clock */
#define WRITES_A_MESSAGE 16           /* so many writes of a multiple one cost as much as one message by itself */

#define BEHIND_NS NS_PER_S            /* a socket that is never found empty for so long: its client outruns us */
#define WARN_EVERY_NS (60 * NS_PER_S)

/* Ref: vfio-user specification, VFIO_USER_REGION_WRITE_MULTI: a count, then so many writes of up to 8 bytes. */
struct multi_write {
    uint64_t offset;
    uint32_t region, count;
    uint8_t data[8];
};

_Static_assert(sizeof(struct vfio_user_header) + sizeof(struct vfio_user_region_access) + ACCESS_MAX_BYTES <=
                   CONN_GATHERED_BYTES, "a turn's answers have room");

#define OFFER ",\"write_multiple\":true}}"

struct iovec burst_offer(struct iovec said, char *to, size_t room)
{
    const size_t len = strnlen(said.iov_base, said.iov_len);

    /* The library's own words: {"capabilities":{...}} and a NUL. */
    if (len + 1 != said.iov_len || len < 2 || len + sizeof(OFFER) > room ||
        memcmp((const char *)said.iov_base + len - 2, "}}", 2) != 0)
        return said;
    memcpy(to, said.iov_base, len - 2);
    memcpy(to + len - 2, OFFER, sizeof(OFFER));
    return (struct iovec){to, len - 2 + sizeof(OFFER)};
}

/* Whether a write lies within a BAR that somebody serves. */
static bool within(const struct vdev *v, uint32_t region, uint64_t offset, uint64_t count)
{
    return region < BARS && v->region[region].access != NULL && count > 0 && count <= v->region[region].len_bytes &&
           offset <= v->region[region].len_bytes - count;
}

/* As ever with posted writes, nobody hears of a failure. */
static void obey(struct vdev *v, uint32_t region, uint64_t offset, const uint8_t *data, uint64_t count)
{
    (void)v->region[region].access(v->region[region].arg, (uint8_t *)(uintptr_t)data, count, offset, 1);
}

/* A REGION_WRITE: whether it was obeyed; if not it is the library's. */
static bool write_one(struct vdev *v, const struct conn_message *message)
{
    struct vfio_user_region_access access;

    if (!message->header.flags.no_reply || message->fd_count != 0 || message->body_bytes < sizeof(access))
        return false;
    memcpy(&access, message->body, sizeof(access));
    if (access.count > ACCESS_MAX_BYTES ||
        access.count != message->body_bytes - sizeof(access) || !within(v, access.region, access.offset, access.count))
        return false;
    obey(v, access.region, access.offset, message->body + sizeof(access), access.count);
    return true;
}

/* How many writes a message says it holds; none if it cannot hold them. */
static uint64_t writes_in(struct vdev *v, const struct conn_message *message)
{
    uint64_t count = 0;

    if (message->body_bytes >= sizeof(count))
        memcpy(&count, message->body, sizeof(count));
    if (count > 0 && count <= VDEV_MULTI_MAX && message->fd_count == 0 &&
        message->body_bytes == sizeof(count) + count * sizeof(struct multi_write))
        return count;
    v->count.multi_refused++;
    vfu_log(v->ctx, LOG_ERR, "command 15 is refused: %zu bytes and %u descriptors are not the %llu writes it announces",
            message->body_bytes, message->fd_count, (unsigned long long)count);
    return 0;
}

static void answer(struct vdev *v, const struct conn_message *message, uint64_t count, uint64_t refused)
{
    uint64_t done = count - refused;
    struct iovec iov[2] = {{NULL, 0}, {&done, sizeof(done)}};
    int error = count == 0 || refused != 0 ? EINVAL : 0;

    if (!message->header.flags.no_reply &&
        conn_reply(v->conn, message->header.msg_id, message->header.cmd, error, iov, error ? 1 : 2, -1) < 0)
        conn_hang_up(v->conn);
}

/* A REGION_WRITE_MULTI, from its write number v->multi_done on.  False: time is up, or the client is gone. */
static bool write_multi(struct vdev *v, const struct conn_message *message, uint64_t end_ns)
{
    struct conn *c = v->conn;
    const uint64_t count = writes_in(v, message);

    while (v->multi_done < count) {
        struct multi_write one;

        memcpy(&one, message->body + sizeof(count) + v->multi_done * sizeof(one), sizeof(one));
        if (one.count <= sizeof(one.data) && within(v, one.region, one.offset, one.count)) {
            v->count.multi_writes++;
            obey(v, one.region, one.offset, one.data, one.count);
        } else {
            v->multi_refused++;
            v->count.multi_refused++;
            vfu_log(v->ctx, LOG_ERR, "write %u of %llu in command 15 is refused: %u bytes at 0x%llx of region %u",
                    v->multi_done, (unsigned long long)count, one.count, (unsigned long long)one.offset, one.region);
        }
        if (v->conn != c)
            return false;
        v->multi_done++;
        c->cost += v->multi_done % WRITES_A_MESSAGE == 0;
        if (v->multi_done % CLOCK_EVERY == 0 && v->multi_done < count && conn_now_ns() >= end_ns)
            return false;
    }
    answer(v, message, count, v->multi_refused);
    v->multi_done = v->multi_refused = 0;
    return true;
}

static void send_answers(struct conn *c, struct conn_answers *answers)
{
    if (conn_send_gathered(c, answers) < 0)
        conn_hang_up(c);
}

/* A REGION_READ of no more than a register: whether it was obeyed; if not it is the library's.  Its answer is gathered, or
 * held, if a fault made the register slow; then nothing more is obeyed, and those before it leave. */
static bool read_one(struct vdev *v, const struct conn_message *message, struct conn_answers *answers)
{
    const struct vfio_user_header *header = &message->header;
    struct conn *c = v->conn;
    struct {
        struct vfio_user_region_access access;
        uint8_t data[ACCESS_MAX_BYTES];
    } body = {.data = {0}};
    size_t len = sizeof(body.access);
    int64_t done;
    int error = 0;

    if (header->flags.no_reply || message->fd_count != 0 || message->body_bytes != sizeof(body.access))
        return false;
    memcpy(&body.access, message->body, sizeof(body.access));
    if (body.access.count > ACCESS_MAX_BYTES || !within(v, body.access.region, body.access.offset, body.access.count))
        return false;
    done = v->region[body.access.region].access(v->region[body.access.region].arg, body.data, body.access.count,
                                                body.access.offset, 0);
    if (v->conn != c)
        return true;
    if (done != body.access.count)
        error = done < 0 ? (int)-done : EINVAL;
    len = error ? 0 : len + body.access.count;
    if (!hold_reply(v, header->msg_id, header->cmd, &body, len, error))
        conn_gather(answers, header->msg_id, header->cmd, error, &body, len);
    return true;
}

/* What has come, as far as a turn goes. */
static int obey_all(struct vdev *v, struct conn_answers *answers)
{
    struct conn *c = v->conn;
    const uint64_t end_ns = conn_now_ns() + BURST_US * NS_PER_US;
    const uint32_t cost = c->cost;
    struct conn_message message;
    uint32_t done = 0;

    while (c->cost - cost < SOCKET_TURN_MESSAGES && v->hold.body == NULL && c->unsent == NULL &&
           conn_next(c, &message) > 0) {
        if (message.header.cmd == VDEV_WRITE_MULTI) {
            send_answers(c, answers);             /* it may have one of its own */
            if (c->unsent != NULL)
                break;
            if (!write_multi(v, &message, end_ns))
                return SOCKET_TURN_MESSAGES;
        } else if (message.header.cmd == VFIO_USER_REGION_READ) {
            if (!read_one(v, &message, answers))
                break;
        } else if (message.header.cmd != VFIO_USER_REGION_WRITE || !write_one(v, &message)) {
            break;
        }
        if (v->conn != c)
            return SOCKET_TURN_MESSAGES;
        v->count.requests++;
        conn_take(c);
        if (++done % CLOCK_EVERY == 0 && conn_now_ns() >= end_ns)
            return SOCKET_TURN_MESSAGES;
    }
    return (int)(c->cost - cost);
}

int burst_run(struct vdev *v)
{
    struct conn *c = v->conn;
    struct conn_answers answers;
    int rc;

    answers.bytes = 0;
    rc = obey_all(v, &answers);
    if (v->conn == c)
        send_answers(c, &answers);
    return rc;
}

void burst_found(struct vdev *v, bool empty)
{
    uint64_t now;

    if (empty) {
        v->behind_ns = 0;
        return;
    }
    now = conn_now_ns();
    if (v->behind_ns == 0)
        v->behind_ns = now;
    if (now - v->behind_ns < BEHIND_NS)
        return;
    v->behind_ns = now;
    v->count.behind_s++;
    if (v->warned_ns != 0 && now - v->warned_ns < WARN_EVERY_NS)
        return;
    v->warned_ns = now;
    vfu_log(v->ctx, LOG_WARNING,
            "the client posts writes faster than they are obeyed: its socket has not been empty for a second, its memory "
            "may grow and its next read wait; use --doorbells shared, or \"x-no-posted-writes\": true on vfio-user-pci");
}
