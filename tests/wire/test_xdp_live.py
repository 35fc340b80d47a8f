# SPDX-License-Identifier: BSD-3-Clause
"""An XDP program comes and goes while frames circle, on a thread that polls: none is lost, doubled or changed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from driver.core.napi import NapiMode, Sink
from driver.core.xdp import Verdict, XdpFrame
from tests.rigs.driving import Driver
from tests.rigs.frames import PEER, frame
from tests.rigs.process import Device, until

FRAMES, ROUNDS = 32, 40
MAC_BYTES = 12  # an echo swaps them


@pytest.mark.timeout(240)
@pytest.mark.parametrize("mode", [NapiMode.IRQ, NapiMode.POLL])
def test_attach_and_detach_under_traffic(tmp_path: Path, mode: NapiMode) -> None:
    seen: set[bytes] = set()

    def passed() -> int:
        return int(adapter.stats().get("xdp_pass", 0))

    def program(passing: XdpFrame) -> Verdict:
        seen.add(bytes(passing.data)[MAC_BYTES:])
        return Verdict.PASS

    with Device(tmp_path, "--loopback") as device, Driver(device.name, queues=1) as driver:
        adapter = driver.adapter
        adapter.set_rx_mode(promiscuous=True)
        frames = [frame(n, dst=PEER) for n in range(FRAMES)]
        driver.poll(Sink.ECHO, frames, mode)

        def wait_for(count: Callable[[], int], more: int, what: str) -> None:
            enough = count() + more
            until(lambda: count() >= enough, what)

        for _ in range(ROUNDS):
            adapter.xdp(program)
            wait_for(passed, 2 * FRAMES, "frames pass the program")
            adapter.xdp(None)
            wait_for(driver.packets, FRAMES, "frames circle without it")
        driver.stop()
        ring = adapter.tx_rings[0]
        until(lambda: (ring.clean(), not ring.pending)[1], "every frame marked as sent")
        got = driver.receive(FRAMES)
        wanted = {one[MAC_BYTES:] for one in frames}
        assert seen == wanted
        assert sorted(one[MAC_BYTES:] for one in got) == sorted(wanted)
        stats = adapter.stats()
        assert (stats["xdp_aborted"], stats["xdp_drop"]) == (0, 0)
        assert stats["xdp_pass"] >= ROUNDS * 2 * FRAMES
