# SPDX-License-Identifier: BSD-3-Clause
"""Very many frames out through the NIC and back: none lost, damaged, out of its flow's order, or without its sum.

``IXLAB_THOROUGH=1`` sends 10⁸ of each kind.
"""

import os

import pytest

from device.regs.i82599 import GPRC, GPTC, MPC
from tests.bench import nic as bench_nic
from tests.bench.traffic import PLAIN, TCP4, UDP4, Kind, traffic

THOROUGH = bool(os.environ.get("IXLAB_THOROUGH"))
FRAMES = 100_000_000 if THOROUGH else 200_000
LEAST_FPS = 100_000  # of the slowest machine
QUEUES = 4


@pytest.mark.timeout(120 + FRAMES / LEAST_FPS)
@pytest.mark.parametrize("doorbells", ["shared", "trapped"])
@pytest.mark.parametrize("kind", [PLAIN, UDP4, TCP4], ids=["plain", "udp", "tcp"])
def test_none_of_very_many_frames_is_lost(kind: Kind, doorbells: str) -> None:
    options = "--loopback", "--doorbells", doorbells
    with traffic() as made, bench_nic.driven(*options, queues=QUEUES if kind.summed else 1) as (adapter, _):
        carried = made.run(  # says what was lost, damaged, out of order or without its sum
            adapter.rx_rings, adapter.tx_rings[:1], kind, adapter.mac,
            len_bytes=bench_nic.FRAME_BYTES, batch=bench_nic.BATCH, frames=FRAMES, timeout_s=60 + FRAMES / LEAST_FPS,
        )  # fmt: skip
        assert carried.received == FRAMES
        assert [int(adapter.bar.read(register)) for register in (GPTC, GPRC)] == [FRAMES, FRAMES]
        assert sum(int(adapter.bar.read(MPC, n)) for n in range(MPC.count)) == 0
