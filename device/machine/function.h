/* SPDX-License-Identifier: BSD-3-Clause */
/* What PCI sees: one per physical and virtual function, each with registers, DMA memory and interrupts of its own.
 *
 * A chip is reached through a small table of operations.  One thread runs a chip and its functions: the loop (loop.c), or
 * a test.  Nothing under device/machine or a chip takes a lock, allocates while traffic flows, logs, or holds a Python
 * object.  Functions return a count >= 0 or -errno.
 */

struct chip_ops {
    int (*step)(void *chip);                        /* one turn without waiting: wire, rings, interrupts; work done */
    uint64_t (*may_sleep)(void *chip);              /* ns it may be left alone; UINT64_MAX: until a descriptor is readable */
    struct port *(*listens)(void *chip);            /* the wire, if it would take frames now; else NULL */
    void (*reset)(void *chip, uint32_t function);   /* its blocks forget what they had under way for this function */
};

struct function {
    uint32_t index;               /* 0: the physical function */
    struct regfile regs;          /* BAR0 */
    struct dma dma;
    struct irq irq;
    void *chip;
    const struct chip_ops *ops;
};

int function_init(struct function *function, uint32_t index, uint64_t bar0_bytes, const struct clock *clock, void *chip,
                  const struct chip_ops *ops);      /* 0 or -errno */
void function_free(struct function *function);
void function_reset(struct function *function, int keep); /* registers := reset values, then the chip's part; keep: by software */

/* A door in the same process: an access, then a turn of the chip.  0 or -errno. */
int function_read32(void *function, uint64_t offset, uint32_t *value);
int function_write32(void *function, uint64_t offset, uint32_t value);
