/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdint.h>
#include "machine/trace.h"

void trace_note(struct trace *trace, uint64_t now_ns, int kind, uint32_t offset, uint32_t value, uint32_t len_bytes)
{
    if (trace->used >= trace->size) {
        trace->lost++;
        return;
    }
    trace->entry[trace->used++] = (struct trace_entry){
        .time_ns = now_ns, .offset = offset, .value = value, .len_bytes = (uint8_t)len_bytes, .kind = (uint8_t)kind,
    };
}
