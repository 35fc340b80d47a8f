# SPDX-License-Identifier: BSD-3-Clause
"""Answers every frame with the same frame, addresses swapped: the smallest program on the driver.

usage: python examples/echo.py NIC [SECONDS]
"""

import sys
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # run from a checkout, wherever you are

from driver.core.rings import RxFrame, TxRing
from driver.doors.open import open_door
from driver.ixgbe.adapter import Adapter
from driver.ixgbe.probe import ProbeOptions, probe


def answer(tx: TxRing, batch: Iterable[RxFrame]) -> int:
    """Send a batch back; returns how many frames found room."""
    sent = 0
    for frame in batch:
        data = bytes(frame)  # a frame may lie in several of the NIC's buffers
        sent += tx.post(data[6:12] + data[:6] + data[12:])
    tx.flush()  # one doorbell for all of them
    return sent


def echo(nic: Adapter, seconds: float | None) -> int:
    """Echo until ``seconds`` are over, for ever if None; returns the frames sent back."""
    return sum(answer(nic.tx(0), batch) for batch in nic.rx(0, timeout_s=seconds))


def main(name: str, seconds: float | None = None) -> None:
    """Probe, echo, and say how many frames it was."""
    with probe(open_door(name), ProbeOptions()) as nic:
        nic.up(queues=1)
        print(f"echoing as {nic.mac}", flush=True)
        try:
            count = echo(nic, seconds)
        except KeyboardInterrupt:
            return
        print(f"{count} frames echoed")


if __name__ == "__main__":
    main(sys.argv[1], *map(float, sys.argv[2:3]))
