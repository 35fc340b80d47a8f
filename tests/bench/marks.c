/* SPDX-License-Identifier: BSD-3-Clause */
/* Tells callgrind when to count; outside valgrind these do nothing. */
#include <valgrind/callgrind.h>

void marks_on(void)
{
    CALLGRIND_START_INSTRUMENTATION;
}

void marks_zero(void)
{
    CALLGRIND_ZERO_STATS;
}

void marks_dump(const char *name)
{
    CALLGRIND_DUMP_STATS_AT(name);
}
