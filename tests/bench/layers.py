# SPDX-License-Identifier: BSD-3-Clause
"""The same loop as a program in Python would have it: what each layer above the C costs."""

import time
from typing import Any

from ci.say import CiError
from tests.bench.traffic import PLAIN, TIMEOUT_S, WINDOW, template

BY_BATCH, BY_FRAME = "shared, Python by batch", "shared, Python by frame"


def carry(adapter: Any, *, len_bytes: int, batch: int, frames: int, each: bool) -> float:
    """Frames per µs, out and back by the driver's Python.

    Args:
        adapter: A NIC with a loopback plug, up.
        len_bytes: Of a frame.
        batch: Frames a doorbell.
        frames: How many.
        each: Copy every frame out of its buffer and look at it; else a batch's views are counted.

    Raises:
        CiError: A frame was lost or damaged.
    """
    sender, receiver = adapter.tx_rings[0], adapter.rx_rings[0]
    frame = template(PLAIN, 1, len_bytes, adapter.mac)
    sent = received = 0
    start_s = time.perf_counter()
    while received < frames:
        wanted = min(batch, frames - sent, WINDOW - (sent - received))
        sent += sender.send([frame] * wanted)
        sender.clean()
        got = receiver.harvest()
        if each and any(bytes(one) != frame for one in got):
            raise CiError(f"loop in Python: a damaged frame among {received} to {received + len(got)}")
        received += len(got)
        receiver.refill()
        if time.perf_counter() - start_s > TIMEOUT_S:
            raise CiError(f"loop in Python: sent {sent}, received {received} in {TIMEOUT_S:.0f} s")
    return frames / (time.perf_counter() - start_s) / 1e6
