/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdint.h>
#include "machine/stall.h"

void stall_tell(struct stalls *stalls, int is_tx, uint32_t queue, uint32_t why)
{
    stalls->count++;
    if (stalls->py_stall)
        stalls->py_stall(stalls->self, is_tx, queue, why);
}
