/* SPDX-License-Identifier: BSD-3-Clause */
/* The least that an XDP program can be. */
#include <stdint.h>

#define PASS 2
#define TX 3

uint32_t verdict_pass(void *frame, void *context)
{
    (void)frame, (void)context;
    return PASS;
}

uint32_t verdict_tx(void *frame, void *context)
{
    (void)frame, (void)context;
    return TX;
}
