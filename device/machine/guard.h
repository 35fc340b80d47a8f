/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory of others, which may go away under us.
 *
 * An access behind the end of a file, or to a page that cannot be had (a full file system, no huge page, bad memory), is
 * SIGBUS.  For memory that is guarded the handler puts empty memory in its place: the access goes on, reads 0 and writes
 * nowhere, and whoever owns the memory learns of it right after.  Guarded memory costs nothing while it is there.
 *
 * Seals do not make a guard superfluous.  F_SEAL_SHRINK says that a file is never cut short, and that is the usual way to
 * lose memory.  But a hole may still be punched into it (only F_SEAL_WRITE forbids that, and it forbids DMA, too), and
 * filling the hole fails where memory is short: strict overcommit, no huge page, a full tmpfs.  Somebody else's
 * userfaultfd is no danger: it holds for their own mapping of a file, not for ours.
 *
 * A SIGBUS elsewhere is handed on to whoever was there before, and ends the process as ever.
 */

struct guard {
    /* By the handler: 1 if the address lies in memory of this owner, who takes it as lost from now on; map: all of it. */
    int (*lose)(void *owner, uint8_t *at, uint8_t **map, uint64_t *map_bytes);
    void *owner;
    struct guard *next;
};

int guard_arm(void);                  /* the handler is in place: 0 or -errno.  Cheap, and may be called again */
struct guard *guard_new(int (*lose)(void *, uint8_t *, uint8_t **, uint64_t *), void *owner); /* NULL: out of memory */
void guard_free(struct guard *guard);
