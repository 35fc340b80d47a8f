/* SPDX-License-Identifier: BSD-3-Clause */
/* Rights that this process gives up for good. */
#include <errno.h>
#include <stdint.h>
#include <sys/prctl.h>

#include "glue.h"

int vdev_no_new_privs(void)
{
    return prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) < 0 ? -errno : 0;
}
