/* SPDX-License-Identifier: BSD-3-Clause */
/* Register reads of a vfio-user client: some requests in one sendmsg, then their answers.
 *
 * A read by itself costs both sides a sleep and a wake-up.  The server obeys requests in order and answers each, so many
 * may be under way: posted writes before them come first as ever, and what a register gave is never lost to a later one's
 * failure, which matters where reading clears.  Each answer has as long as that of a single read.
 *
 * Who reads 200 registers does so in bursts, with a turn for others after each.  A burst leaves whole or not at all: the
 * kernel cuts what is sent only above half of what the socket holds.  So never do both sides wait for room.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include "mmio.h"
#include "turns.h"
#include "vfu_client.h"
#include "vfu_stream.h"

struct question {
    struct vfu_header header;
    struct vfu_access access;
};

struct answer {                          /* of a refusal there is the header alone */
    struct vfu_header header;
    struct vfu_access access;
    uint32_t value;
} __attribute__((packed));

/* The bytes of a burst's answers, in the order of the questions. */
struct answers {
    uint8_t bytes[VFU_READS_AT_ONCE * sizeof(struct answer)];
    size_t got, at;                      /* received, and done with */
};

/* The answer at `at`, if it is here.  1: it was taken; 0: not yet; -errno: the connection broke. */
static int take_answer(struct vfu_client *c, struct answers *in, const struct question *asked, struct mmio_read *read)
{
    const size_t have = in->got - in->at;
    struct vfu_header header;
    int rc;

    if (have < sizeof header)
        return 0;
    memcpy(&header, in->bytes + in->at, sizeof header);
    rc = vfu_judge(c, &header, &asked->header);
    if (c->error)
        return c->error;
    if (rc == 0 && header.size != sizeof(struct answer))
        return vfu_broken(c, -EPROTO);
    if (have < header.size)
        return 0;
    if (rc == 0)
        memcpy(&read->value, in->bytes + in->at + offsetof(struct answer, value), sizeof read->value);
    read->error = rc;
    in->at += header.size;
    return 1;
}

/* Wait for all answers of a burst; c->error says whether the connection held. */
static void take_answers(struct vfu_client *c, const struct question *asked, struct mmio_read *reads, uint32_t n)
{
    struct answers in = {.got = 0, .at = 0};
    int64_t deadline = 0;
    uint32_t done = 0;
    int news = 1;

    while (done < n) {
        int rc = take_answer(c, &in, &asked[done], &reads[done]);

        if (rc > 0) {
            done++;
            news = 1;
            continue;
        }
        if (rc == 0 && !news && vfu_now_ms() >= deadline)
            rc = vfu_broken(c, -ETIMEDOUT);
        if (news)
            deadline = vfu_deadline_ms(c);
        news = 0;
        if (rc == 0)
            rc = (int)vfu_recv_some(c, in.bytes + in.got, n * sizeof(struct answer) - in.got, NULL, deadline);
        if (rc < 0)
            return;
        in.got += (size_t)rc;
    }
    if (in.got > in.at)                  /* nobody asked for that */
        (void)vfu_broken(c, -EPROTO);
}

/* Up to VFU_READS_AT_ONCE reads, with the lock held. */
static void burst(struct vfu_client *c, struct mmio_read *reads, uint32_t n)
{
    struct question asked[VFU_READS_AT_ONCE];
    struct iovec iov = {asked, n * sizeof *asked};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

    for (uint32_t i = 0; i < n; i++)
        asked[i] = (struct question){
            .header = vfu_request(c, VFU_REGION_READ, sizeof asked->access, 0),
            .access = {reads[i].offset, c->region, sizeof reads[i].value},
        };
    if (vfu_send(c, &msg, n * sizeof *asked, vfu_deadline_ms(c)) == 0)
        take_answers(c, asked, reads, n);
}

void vfu_client_read_many(void *client, struct mmio_read *reads, uint32_t n)
{
    struct vfu_client *c = client;

    for (uint32_t at = 0, some; at < n; at += some) {
        int error = -ENODEV;

        some = n - at < VFU_READS_AT_ONCE ? n - at : VFU_READS_AT_ONCE;
        for (uint32_t i = at; i < at + some; i++)
            reads[i].error = 1;          /* not answered yet */
        if (c->lock != NULL) {
            turns_take(c->lock);
            if (c->error == 0)
                burst(c, reads + at, some);
            error = c->error;
            turns_give(c->lock);
        }
        for (uint32_t i = at; i < at + some; i++)
            if (reads[i].error > 0)
                reads[i].error = error;
    }
}

int vfu_client_read32(void *client, uint64_t offset, uint32_t *value)
{
    struct mmio_read read = {.offset = offset};

    vfu_client_read_many(client, &read, 1);
    if (read.error == 0)
        *value = read.value;
    return read.error;
}
