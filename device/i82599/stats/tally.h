/* SPDX-License-Identifier: BSD-3-Clause */
/* Adding frames to a tally.  For C only: cffi does not read this.  Include after stats.h and machine/eth.h. */

#define TALLY_GROUP 1u                /* first bit on the wire of a group address */

static inline uint32_t tally_octets(uint32_t len_bytes)
{
    return len_bytes + ETH_FCS_BYTES < 64 ? 64 : len_bytes + ETH_FCS_BYTES;
}

/* So many frames of the same length. */
static inline void tally_size(struct tally *tally, uint32_t len_bytes, uint32_t frames)
{
    uint32_t octets = tally_octets(len_bytes), bits = 32u - (uint32_t)__builtin_clz(octets);
    uint32_t of_class = octets == 64 ? 0 : bits - 6;   /* 65..127 has 7 significant bits */

    tally->frames += frames;
    tally->bytes += (uint64_t)len_bytes * frames;
    tally->octets += (uint64_t)octets * frames;
    tally->of_class[of_class < TALLY_CLASSES ? of_class : TALLY_CLASSES - 1] += frames;
}

/* Frames of one length come in runs: those before this one are added when its length is another. */
static inline void tally_run(struct tally *tally, uint32_t *len_bytes, uint32_t *frames, uint32_t next_bytes)
{
    if (__builtin_expect(next_bytes != *len_bytes, 0)) {
        tally_size(tally, *len_bytes, *frames);
        *len_bytes = next_bytes;
        *frames = 0;
    }
    ++*frames;
}

/* And of what kind of address they are for, of which a frame may be too short to tell. */
static inline void tally_address(struct tally *tally, const struct frame *frame, uint32_t frames)
{
    const uint8_t *da = frame->data;

    if (__builtin_expect(!frame->len_bytes || !(da[0] & TALLY_GROUP), 1))
        return;
    if (frame->len_bytes >= ETH_ADDR_BYTES && (da[0] & da[1] & da[2] & da[3] & da[4] & da[5]) == UINT8_MAX)
        tally->broadcast += frames;
    else
        tally->multicast += frames;
}

static inline void tally_frame(struct tally *tally, const struct frame *frame)
{
    tally_size(tally, frame->len_bytes, 1);
    tally_address(tally, frame, 1);
}
