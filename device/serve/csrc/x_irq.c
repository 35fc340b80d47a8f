/* SPDX-License-Identifier: BSD-3-Clause */
/* irq.c with SET_IRQS checked before it is believed, and a note of which kind of interrupt is armed.
 *
 * INTx, MSI and MSI-X share the library's one array of eventfds.  So disabling a kind that is not armed must not take
 * the armed kind's eventfds away, and arming another kind starts from an empty array.  Mended on the way: `start +
 * count` may wrap, and taking back vectors [start, start + count) stopped at `count`.  What comes as an eventfd must be
 * one: another file would be written to, and could make us wait.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "dma.h"
#include "private.h"
#include "mend.h"

#define handle_device_set_irqs lib_set_irqs
#define eventfd_write(fd, value) mend_eventfd_signal(fd)
#include "irq.c"
#undef eventfd_write
#undef handle_device_set_irqs

static bool are_eventfds(vfu_ctx_t *ctx, const vfu_msg_t *msg, const struct vfio_irq_set *set)
{
    char words[64];

    for (size_t i = 0; i < msg->in.nr_fds; i++) {
        if (mend_is_eventfd(msg->in.fds[i]))
            continue;
        mend_fd_kind(msg->in.fds[i], words, sizeof(words));
        vfu_log(ctx, LOG_ERR, "%s vector %" PRIu64 " was refused: what came for it is %s; send an eventfd, "
                "made by eventfd(2)", vfio_irq_idx_to_str((int)set->index), (uint64_t)set->start + i, words);
        return false;
    }
    return true;
}

static void take_back(vfu_ctx_t *ctx, uint32_t start, uint32_t count)
{
    uint32_t i;

    for (i = start; i < start + count && i < ctx->irqs->max_ivs; i++) {
        if (ctx->irqs->efds[i] >= 0)
            close(ctx->irqs->efds[i]);
        ctx->irqs->efds[i] = -1;
    }
}

int handle_device_set_irqs(vfu_ctx_t *ctx, vfu_msg_t *msg)
{
    const struct vfio_irq_set *set = msg->in.iov.iov_base;
    uint32_t action, data;
    int armed, ret;

    if (msg->in.iov.iov_len < sizeof(*set) || set->index > VFIO_PCI_MSIX_IRQ_INDEX ||
        (uint64_t)set->start + set->count > ctx->irq_count[set->index])
        return ERROR_INT(EINVAL);
    if (device_set_irqs_validate(ctx, msg) != 0)
        return -1;

    action = set->flags & VFIO_IRQ_SET_ACTION_TYPE_MASK;
    data = set->flags & VFIO_IRQ_SET_DATA_TYPE_MASK;
    armed = glue_armed(ctx);
    if (action != VFIO_IRQ_SET_ACTION_TRIGGER)
        return lib_set_irqs(ctx, msg);
    if ((data == VFIO_IRQ_SET_DATA_NONE && set->count == 0) ||
        (data == VFIO_IRQ_SET_DATA_EVENTFD && msg->in.nr_fds == 0)) {
        uint32_t count = set->count != 0 ? set->count : ctx->irqs->max_ivs;

        if (armed == (int)set->index) {
            take_back(ctx, set->start, count);
            glue_irqs(ctx, set->index, set->start, count, 0);
        }
        return 0;
    }
    if (data != VFIO_IRQ_SET_DATA_EVENTFD)
        return armed == (int)set->index ? lib_set_irqs(ctx, msg) : 0;
    if (glue_irqs_refused(ctx, set->index))
        return ERROR_INT(ENOSPC);
    if (!are_eventfds(ctx, msg, set))
        return ERROR_INT(EINVAL);
    if (armed != -1 && armed != (int)set->index) {
        take_back(ctx, 0, ctx->irqs->max_ivs);
        glue_irqs(ctx, (uint32_t)armed, 0, ctx->irqs->max_ivs, 0);
    }
    ret = lib_set_irqs(ctx, msg);
    if (ret == 0)
        glue_irqs(ctx, set->index, set->start, set->count, 1);
    return ret;
}
