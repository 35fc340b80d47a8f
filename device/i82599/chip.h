/* SPDX-License-Identifier: BSD-3-Clause */
/* How the blocks of this chip touch its registers: one accessor, one counter.  For C only: cffi does not read this.
 *
 * Include after regs.h and machine/regfile.h.  Offsets and masks are the generated R_* and REGISTER_FIELD.
 */

/* A field's value, of a register or of a descriptor word: field(reg(regs, R_SRRCTL(q)), SRRCTL_BSIZEPACKET). */
#define field(value, FIELD) ((uint32_t)(((value) & (FIELD)) >> FIELD##_SHIFT))

/* What a register holds.  A client's stores to shared pages land at any moment, so every look is one load; what it wrote
 * before the store (descriptors before the tail) is seen after it. */
static inline uint32_t reg(const struct regfile *regs, uint32_t offset)
{
    return __atomic_load_n(&regs->word[offset / 4], __ATOMIC_ACQUIRE);
}

/* One byte of registers that hold an entry a byte (RETA, RQSMR, TQSM): entry n, counted from register `first`. */
static inline uint8_t reg_byte(const struct regfile *regs, uint32_t first, uint32_t n)
{
    return __atomic_load_n((const uint8_t *)&regs->word[first / 4] + n, __ATOMIC_RELAXED);
}

/* Make a register hold a value that the client may see at once: what was done before is done. */
static inline void reg_set(struct regfile *regs, uint32_t offset, uint32_t value)
{
    __atomic_store_n(&regs->word[offset / 4], value, __ATOMIC_RELEASE);
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
    uint32_t *pair = &regs->word[low / 4];
    uint64_t most = (1ull << 36) - 1, sum = ((uint64_t)pair[1] << 32 | pair[0]) + n;

    if (sum > most)
        sum = most;
    pair[0] = (uint32_t)sum;
    pair[1] = (uint32_t)(sum >> 32);
}
