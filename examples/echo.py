# SPDX-License-Identifier: BSD-3-Clause
"""Answers every frame with the same frame, addresses swapped: the smallest program on the driver.

usage: python examples/echo.py NIC [SECONDS]
"""

import sys

from driver.ixgbe.probe import ProbeOptions, probe
from driver.pci import open_door


def main(name: str, seconds: float) -> None:
    """Echo for ``seconds`` and say how many frames it was."""
    with probe(open_door(name), ProbeOptions()) as nic:
        nic.up(queues=1)
        count = 0
        for batch in nic.rx(0, timeout_s=seconds):
            for frame in batch:
                whole = bytes(frame)
                nic.tx(0).post(whole[6:12] + whole[:6] + whole[12:])
                count += 1
            nic.tx(0).flush()
            nic.tx(0).clean()
        print(f"{count} frames echoed")


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 10.0)
