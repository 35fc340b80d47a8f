/* SPDX-License-Identifier: BSD-3-Clause */
/* Fuzz target: registers, rings, descriptors and frames, straight on the device core. */
#include "victim.h"

#define ACTS_MAX 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct input in = { data, bytes };

    if (!card)
        victim_make();
    victim_start();
    for (int n = 0; n < ACTS_MAX && in.left; n++)
        victim_act(&in);
    victim_step();
    return 0;
}
