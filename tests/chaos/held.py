# SPDX-License-Identifier: BSD-3-Clause
"""What a process holds: it must be as much at the end as it was at the start."""

from dataclasses import dataclass, fields
from pathlib import Path

from tests.rigs.counts import fd_count

# What may have been added in between: allocators keep a little, and a queue that was never used before is used now.
MORE = {"fds": 0, "threads": 0, "maps": 16, "private_kib": 6144}


@dataclass(frozen=True)
class Held:
    """Of one process, now."""

    fds: int
    threads: int
    maps: int
    private_kib: int

    @classmethod
    def of(cls, pid: int) -> "Held":
        """Read /proc."""
        proc = Path(f"/proc/{pid}")
        rollup = (proc / "smaps_rollup").read_text().splitlines()
        private = sum(int(line.split()[1]) for line in rollup if line.startswith("Private_"))
        maps = len((proc / "maps").read_text().splitlines())
        return cls(fd_count(pid), len(list((proc / "task").iterdir())), maps, private)

    def more_than(self, before: "Held") -> dict[str, int]:
        """What grew beyond what may."""
        grown = {field.name: getattr(self, field.name) - getattr(before, field.name) for field in fields(self)}
        return {name: by for name, by in grown.items() if by > MORE[name]}
