# SPDX-License-Identifier: BSD-3-Clause
"""Which tests stay together when several processes share them: those of a file, and there those of one kernel.

A guest lives as long as its file's tests run in one process: scattered over two, every guest would boot twice.
"""

import pytest
from xdist.scheduler import LoadScopeScheduling

OLDER_KERNEL = "6.1"


def group(node: str) -> str:
    """Return the name of the group that a test, by its pytest name, belongs to."""
    path, _, name = node.partition("::")
    values = name.partition("[")[2].removesuffix("]").split("-")
    return f"{path} on {OLDER_KERNEL}" if OLDER_KERNEL in values else path


def scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling:
    """Return what gives each process one group after the other."""
    grouped = LoadScopeScheduling(config, log)
    grouped._split_scope = group
    return grouped
