/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdint.h>
#include "machine/wire/port.h"
#include "machine/faults.h"

uint32_t wire_faults_in(struct wire_faults *faults, struct frame *frames, uint32_t n)
{
    uint32_t left = 0;

    for (uint32_t i = 0; i < n; i++) {
        faults->seen++;
        if (faults->lose_every && faults->seen % faults->lose_every == 0) {
            faults->lost++;
            continue;
        }
        frames[left] = frames[i];
        if (faults->damage_every && faults->seen % faults->damage_every == 0) {
            frames[left].flags |= FRAME_BAD_CRC;
            faults->damaged++;
        }
        left++;
    }
    return left;
}
