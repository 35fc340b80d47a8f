# SPDX-License-Identifier: BSD-3-Clause
"""Two guests with stock ixgbe on one cable: while one's CPUs stand still, pause frames hold the other.

Nothing is lost then; without pause frames what is lost is counted.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from ci.vm import MAC, NicOptions, Options, Vm
from tests.boot.judge import WAIT_S, carrier, counters, eventually
from tests.boot.traffic import listening

OTHER_MAC = "02:00:00:82:59:a0"
ADDRESSES = ("203.0.113.1", "203.0.113.2")
PORT, COUNT, SIZE = 7000, 3000, 1400
BUFFER_BYTES = 32 << 20  # the receiving socket's: no datagram may be dropped behind the driver
MEMORY = "512M"


@dataclass(frozen=True)
class Cable:
    """The two guests."""

    near: Vm
    far: Vm


@pytest.fixture(scope="module", params=["trapped", "shared"])
def cable(
    request: pytest.FixtureRequest, start: Callable[[Options], Vm], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cable]:
    port = ("--peer", str(tmp_path_factory.mktemp("cable") / "sock"))
    guests = []
    for mac in (MAC, OTHER_MAC):
        nic = NicOptions(mac=mac, port=port, doorbells=request.param)
        guests.append(start(Options(smp=1, memory=MEMORY, iommu=False, nics=(nic,))))
    for vm, address, other, mac in zip(guests, ADDRESSES, ADDRESSES[::-1], (OTHER_MAC, MAC), strict=True):
        vm.run("modprobe ixgbe; ip link set eth0 up")
        vm.run(f"ip address add {address}/24 dev eth0; ip neigh replace {other} lladdr {mac} dev eth0 nud permanent")
        vm.run(f"sysctl -q -w net.core.rmem_max={BUFFER_BYTES}")
    for vm in guests:
        carrier(vm)
    yield Cable(*guests)
    for vm in guests:
        vm.stop_qemu()


def paused(vm: Vm, *, on: bool) -> None:
    """Have flow control as ``ethtool -A`` sets it; both ways, or neither."""
    word = "on" if on else "off"
    vm.run(f"ethtool -A eth0 autoneg off rx {word} tx {word}", check=False)  # 80: nothing changed
    carrier(vm)

    def is_shown() -> bool:  # it shows the mode in force, which the driver sets when the link comes up again
        return re.findall(r"^(?:RX|TX):\s+(\w+)", vm.run("ethtool -a eth0").out, re.MULTILINE) == [word, word]

    eventually(is_shown, f"flow control is {word}")
    carrier(vm)


def sent_while_it_stands(cable: Cable) -> tuple[int, dict[str, int], dict[str, int]]:
    """Send datagrams while the receiver's CPUs stand still for a while.

    Returns:
        How many datagrams its program got; by how much the sender's and the receiver's ``ethtool -S`` rose.
    """
    before = [counters(vm) for vm in (cable.near, cable.far)]
    flow = {"to": ADDRESSES[1], "port": PORT, "count": COUNT, "size": SIZE}
    with listening(cable.far, {"port": PORT, "buffer": BUFFER_BYTES}) as got:
        cable.far.qmp("stop")
        try:
            job = cable.near.begin(f"exec python3 -m tests.boot.ends send '{json.dumps([flow])}'")
            eventually(lambda: job.ended or rose(cable.near, before[0], "tx_packets") > COUNT // 4, "frames leave")
        finally:
            cable.far.qmp("cont")
        assert job.wait(WAIT_S).code == 0, job.out
        still = [0, -1]
        while still[0] != still[1]:  # until nothing more comes
            still = [rose(cable.far, before[1], "rx_packets"), still[0]]
            cable.near.run("sleep 0.5")
    after = [counters(vm) for vm in (cable.near, cable.far)]
    near, far = ({name: now[name] - was.get(name, 0) for name in now} for now, was in zip(after, before, strict=True))
    return got[0], near, far


def rose(vm: Vm, before: dict[str, int], name: str) -> int:
    return counters(vm)[name] - before[name]


def test_with_pause_on_no_frame_is_lost(cable: Cable) -> None:
    for vm in (cable.near, cable.far):
        paused(vm, on=True)
    got, near, far = sent_while_it_stands(cable)
    assert got == COUNT
    assert far["tx_flow_control_xoff"] > 0, far
    assert near["rx_flow_control_xoff"] == far["tx_flow_control_xoff"], (near, far)
    assert (far["rx_missed_errors"], far["rx_no_dma_resources"], near["tx_timeout_count"]) == (0, 0, 0), (near, far)


def test_with_pause_off_every_lost_frame_is_counted(cable: Cable) -> None:
    for vm in (cable.near, cable.far):
        paused(vm, on=False)
    got, near, far = sent_while_it_stands(cable)
    assert near["tx_flow_control_xoff"] == far["tx_flow_control_xoff"] == near["rx_flow_control_xoff"] == 0
    assert got < COUNT
    assert far["rx_missed_errors"] + far["rx_no_dma_resources"] > 0, far
