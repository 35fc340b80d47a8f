/* SPDX-License-Identifier: BSD-3-Clause */
/* How the blocks of this chip touch its registers: one accessor, one counter.  For C only: cffi does not read this.
 *
 * Include after regs.h and machine/regfile.h.  Offsets and masks are the generated R_* and REGISTER_FIELD.
 */

/* A field's value, of a register or of a descriptor word: field(reg(regs, R_SRRCTL(q)), SRRCTL_BSIZEPACKET). */
#define field(value, FIELD) ((uint32_t)(((value) & (FIELD)) >> FIELD##_SHIFT))

/* What a register holds. */
static inline uint32_t reg(const struct regfile *regs, uint32_t offset)
{
    return regs->word[offset / 4];
}

/* One bit of a table of bits (MTA, UTA, VFTA), counted from register `first`. */
static inline uint32_t reg_bit(const struct regfile *regs, uint32_t first, uint32_t n)
{
    return reg(regs, first + n / 32 * 4) >> n % 32 & 1;
}

/* Two registers that hold a bit for each of 64 pools, or of 64 entries. */
static inline uint64_t reg_pools(const struct regfile *regs, uint32_t low, uint32_t high)
{
    return reg(regs, low) | (uint64_t)reg(regs, high) << 32;
}

/* The 12 address bits that index MTA and UTA: 47:36, 46:35, 45:34 or 43:32, as MCSTCTRL.MO says. */
static inline uint32_t address_bit(uint32_t mcstctrl, const uint8_t *address)
{
    static const uint8_t drop[4] = { 4, 3, 2, 0 };
    uint32_t last_two = address[4] | (uint32_t)address[5] << 8;

    return last_two >> drop[field(mcstctrl, MCSTCTRL_MO) & 3] & 0xFFF;
}

#define CHIP_POOLS 64                 /* of two queues each; fewer if they have more */

/* Rx queues of a pool, as a power of two; 0: this MRQC knows no pools.  Ref: ixgbe_setup_mrqc. */
static inline uint32_t rx_pool_shift(uint32_t mrqc)
{
    switch (mrqc & MRQC_MRQE) {
    case MRQC_MRQE_VMDQ:
    case MRQC_MRQE_VMDQRSS64: return 1;
    case MRQC_MRQE_VMDQRSS32:
    case MRQC_MRQE_VMDQRT4TC: return 2;
    case MRQC_MRQE_VMDQRT8TC: return 3;
    default: return 0;
    }
}

/* Queues of each pool, as the windows of virtual functions and their DMA see them; 0: there are no pools. */
static inline uint32_t queues_of_pool(const struct regfile *regs)
{
    static const uint8_t queues[] = { 0, 8, 4, 2 };   /* by GCR_EXT.VT_MODE: none, 16, 32, 64 pools */

    return queues[field(reg(regs, R_GCR_EXT), GCR_EXT_VT_MODE)];
}

#define MTQC_RT_ENA 1u                /* MTQC.MODE: classes, pools, eight of the former and not four */
#define MTQC_VT_ENA 2u
#define MTQC_OF_8 12u

/* Tx queues of a pool, as a power of two; 0: this MTQC knows no pools.  Ref: ixgbe_setup_mtqc. */
static inline uint32_t tx_pool_shift(uint32_t mtqc)
{
    return mtqc & MTQC_VT_ENA ? (mtqc & MTQC_OF_8) >> 2 : 0;
}

/* The class of a Tx queue: how DCB, with and without pools, deals out the queues.  Ref: ixgbe_cache_ring_dcb. */
static inline uint32_t tx_class_of(uint32_t mtqc, uint32_t queue)
{
    static const uint8_t first_of_8[] = { 0, 32, 64, 80, 96, 104, 112, 120 }, first_of_4[] = { 0, 64, 96, 112 };
    uint32_t classes = (mtqc & MTQC_OF_8) == MTQC_OF_8 ? 8 : 4, tc = classes - 1;

    if (!(mtqc & MTQC_RT_ENA))
        return 0;
    if (mtqc & MTQC_VT_ENA)
        return queue % classes;
    while (queue < (classes == 8 ? first_of_8 : first_of_4)[tc])
        tc--;
    return tc;
}

#define RX_BUFFER_BYTES (512u * 1024)

/* What the Rx packet buffer holds of a class, as RXPBSIZE deals it out.
 *
 * A class that the other end is told to stop by priority pause may fill all of it: on a socket there is more under way
 * than on a cable, and the wire is read on for the other classes. */
static inline uint32_t rx_buffer_bytes(const struct regfile *regs, uint32_t tc)
{
    uint32_t left = RX_BUFFER_BYTES, size = 0;

    if ((reg(regs, R_FCCFG) & FCCFG_TFCE_PRIORITY) && (reg(regs, R_FCRTH(tc)) & FCRTH_FCEN))
        return RX_BUFFER_BYTES;
    for (uint32_t i = 0; i <= tc; i++) {
        left -= size;
        size = reg(regs, R_RXPBSIZE(i)) & RXPBSIZE_SIZE;
        if (size > left)
            size = left;
    }
    return size;
}

/* One byte of registers that hold an entry a byte (RETA, RQSMR, TQSM): entry n, counted from register `first`. */
static inline uint8_t reg_byte(const struct regfile *regs, uint32_t first, uint32_t n)
{
    return *((const uint8_t *)&regs->word[first / 4] + n);
}

/* Make a register hold a value. */
static inline void reg_set(struct regfile *regs, uint32_t offset, uint32_t value)
{
    regs->word[offset / 4] = value;
}

/* The same for a register that clients may map, the queues' heads: who sees it there sees what was done before. */
static inline void reg_publish(struct regfile *regs, uint32_t offset, uint32_t value)
{
    reg_set(regs, offset, value);
    if (regs->shared)
        __atomic_store_n(&regs->shown[offset / 4], value, __ATOMIC_RELEASE);
}

/* A counter gains n and stays at its highest value; device/regs/i82599/stats.py says how we know. */
static inline void bump(struct regfile *regs, uint32_t offset, uint32_t n)
{
    uint32_t *at = &regs->word[offset / 4];

    if (__builtin_add_overflow(*at, n, at))
        *at = UINT32_MAX;
}

/* One field of a register that holds several counters; one: 1 in place. */
static inline void bump_field(struct regfile *regs, uint32_t offset, uint32_t mask, uint32_t one)
{
    uint32_t *at = &regs->word[offset / 4];

    if ((*at & mask) != mask)
        *at += one;
}

/* A 36-bit counter, whose high word follows the low one. */
static inline void bump36(struct regfile *regs, uint32_t low, uint64_t n)
{
    uint64_t sum;

    __builtin_memcpy(&sum, &regs->word[low / 4], sizeof(sum));
    sum += n;
    __builtin_memcpy(&regs->word[low / 4], &sum, sizeof(sum));
    if (__builtin_expect(sum >> 36 != 0, 0)) {
        regs->word[low / 4] = UINT32_MAX;
        regs->word[low / 4 + 1] = (1u << 4) - 1;
    }
}
