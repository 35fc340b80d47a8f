# SPDX-License-Identifier: BSD-3-Clause
"""Which tests stay together when several processes share them: those of a file, and there those of one kernel.

A guest lives as long as its file's tests run in one process: scattered over two, every guest would boot twice.
"""

import pytest
from xdist.scheduler import LoadScopeScheduling

OLDER_KERNEL = "6.1"


def on_older_kernel(node: str) -> bool:
    """Return whether a test, by its pytest name, is for a guest with the older kernel."""
    return OLDER_KERNEL in node.partition("[")[2].removesuffix("]").split("-")


def group(node: str) -> str:
    """Return the name of the group that a test, by its pytest name, belongs to."""
    path = node.partition("::")[0]
    return f"{path} on {OLDER_KERNEL}" if on_older_kernel(node) else path


def scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling:
    """Return what gives each process one group after the other."""
    grouped = LoadScopeScheduling(config, log)
    grouped._split_scope = group
    return grouped
