/* SPDX-License-Identifier: BSD-3-Clause */
/* What the fuzz targets share: a card without Python, memory for its DMA, a wire, and a reader for the input. */
#ifndef IXLAB_FUZZ_VICTIM_H
#define IXLAB_FUZZ_VICTIM_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core.h" /* made by build.py: every header of the core, and the register rules */

#define IOVA 0x7FFFFF0000ull          /* the memory crosses a 4 GiB boundary in the middle */
#define MEMORY_BYTES 0x20000ull
#define HALF (MEMORY_BYTES / 2)

/* The input, from the front; what lies behind its end reads 0. */
struct input {
    const uint8_t *at;
    size_t left;
};

static inline uint64_t take(struct input *in, size_t bytes)
{
    uint64_t value = 0;

    if (bytes > in->left)
        bytes = in->left;
    memcpy(&value, in->at, bytes);
    in->at += bytes;
    in->left -= bytes;
    return value;
}

static inline size_t take_bytes(struct input *in, void *to, size_t bytes)
{
    if (bytes > in->left)
        bytes = in->left;
    memcpy(to, in->at, bytes);
    in->at += bytes;
    in->left -= bytes;
    return bytes;
}

extern struct card *card;
extern uint8_t *memory[2];            /* two regions that touch as the device sees them, each with red zones here */

void victim_make(void);               /* once */
void victim_start(void);              /* as after power-on, memory mapped and zero, data path open */
void victim_map(int half, int on);
void victim_frame(struct input *in);  /* a frame on the wire */
void victim_step(void);               /* some turns; a turn that finds more work than a turn may have ends the program */
void victim_poke(uint64_t at, const void *from, size_t bytes);
void victim_act(struct input *in);    /* one thing that a guest, or the world around it, may do */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#endif
