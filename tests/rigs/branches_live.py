# SPDX-License-Identifier: BSD-3-Clause
"""Faults of a port that runs, and how it recovers: what is seen of it, in sentences."""

import os
from collections.abc import Callable
from dataclasses import dataclass

from device.i82599.card import Card
from device.machine.wire.loopback import LoopbackPort
from driver.errors import DeviceGone
from driver.ixgbe.probe import ProbeOptions, probe
from tests.rigs.branches import MAC, NAME, left_over, watched
from tests.rigs.driver_clock import NoWait
from tests.rigs.pair import Rig, Wire, plain, readable, rig
from tests.rigs.pair_door import PairDoor

WATCHDOG_S = 2.0
FRAMES = 5
NS_PER_MS = 1_000_000
FLAP_MS, STEP_MS = 200, 100
Told = tuple[str, ...]


@dataclass(frozen=True)
class Live:
    """One fault of a running port.

    Attributes:
        fault: What is injected.
        kernel: Where the kernel notices.
        run: Does it; returns what was seen.
        stock: What Linux's ixgbe was seen to log, as in ``Scenario``; "" if nothing.
    """

    fault: str
    kernel: str
    run: Callable[[], Told]
    stock: str = ""


def _echoes(up: Rig, seed: int) -> str:
    """How many of some frames come back."""
    up.nic.link.evaluate()
    up.adapter.service()
    frames = [plain(seed + n) for n in range(FRAMES)]
    came = up.echo(frames)
    return f"{len([frame for frame in came if frame in frames])} of {FRAMES} frames pass"


def _hang(fault: str) -> Callable[[], Told]:
    def run() -> Told:
        with LoopbackPort() as port, rig(port, name=NAME) as up, watched() as watch:
            told = [_echoes(up, 0)]
            up.nic.faults.inject(fault)
            ring = up.adapter.tx_rings[0]
            ring.post(plain(9))
            ring.flush()
            up.settle()
            ring.clean()
            told.append(f"with {fault}: {'1 frame waits' if ring.pending else 'nothing waits'}")
            told += [f"{queue}: {why.partition(': ')[2]}" for queue, why, _ in up.nic.report().stalls]
            for look in range(1, 5):
                up.time.sleep(WATCHDOG_S)
                up.adapter.service()
                if up.adapter.work.tx_timeout_count:
                    told.append(f"look {look}, each {WATCHDOG_S:g} s: {watch.warnings[-1]}")
                    break
            told.append(f"faults left: {', '.join(up.nic.faults.active) or 'none'}")
            told.append(_echoes(up, 20))
            return tuple(told)

    return run


def _removal() -> Told:
    with LoopbackPort() as port, Card(mac=MAC, port=port) as nic:
        door, time = PairDoor(nic, NAME), NoWait()
        adapter = probe(door, ProbeOptions(clock=time, cpus=2))
        adapter.up(queues=1)
        nic.faults.inject("bus-all-ones")
        try:
            adapter.service()
        except DeviceGone as gone:
            told = [f"the service task: {gone}"]
        else:
            told = ["the service task saw nothing"]
        adapter.close()
        told.append(f"close leaves {', '.join(left_over(nic, door, gone=True)) or 'nothing'}")
        nic.faults.end()
        again = PairDoor(nic, NAME)
        again.reset()
        with probe(again, ProbeOptions(clock=time, cpus=2)) as adapter:
            told.append(f"plugged again, after a reset: {adapter.mac} is probed")
        return tuple(told)


def _flap() -> Told:
    with LoopbackPort() as port, rig(port, name=NAME) as up:
        up.nic.poll(10**12)
        up.nic.faults.inject(f"link-flap={FLAP_MS}")
        up.adapter.service()
        told, changes = [], up.nic.link.changes
        for n in range(1, 9):
            up.nic.poll(10**12 + n * STEP_MS * NS_PER_MS)
            up.adapter.service()
            state = "up" if up.link_up() else "down"
            told.append(f"{state} {len(up.echo([plain(n)]))}")
        resets = up.adapter.stats()["resets"]
        up.nic.faults.end()
        return (
            f"each {STEP_MS} ms, link and frames of 1 that pass: {', '.join(told)}",
            f"{up.nic.link.changes - changes} changes of the link, {resets} resets since the start",
            _echoes(up, 30),
        )


def _rx_stall() -> Told:
    with Wire() as wire, rig(wire, name=NAME) as up:
        up.nic.faults.inject("rx-stall=0")
        wire.inject(*(plain(n) for n in range(FRAMES)))
        told = [f"{len(up.take())} of {FRAMES} frames come in"]
        up.restart()
        told.append(f"after down and up, faults left: {', '.join(up.nic.faults.active) or 'none'}")
        wire.inject(*(plain(n) for n in range(FRAMES)))
        return (*told, f"{len(up.take())} of {FRAMES} frames come in")


def _irq_lost() -> Told:
    with Wire() as wire, rig(wire, name=NAME) as up:
        fd = up.adapter.scheme.irq_fd(up.adapter.q_vectors[0])
        if readable(fd):
            os.eventfd_read(fd)
        up.nic.faults.inject("irq-lost=0")
        wire.inject(plain(1))
        up.settle()
        told = [f"a frame came, its interrupt {'did' if readable(fd) else 'did not'}"]
        up.nic.faults.end()
        up.time.sleep(WATCHDOG_S)
        up.adapter.service()
        up.settle()
        told.append(f"after the watchdog's kick: the interrupt {'came' if readable(fd) else 'did not'}")
        return (*told, f"{len(up.take())} of 1 frame comes in")


def _irq_spurious() -> Told:
    with Wire() as wire, rig(wire, name=NAME) as up:
        fd = up.adapter.scheme.irq_fd(up.adapter.q_vectors[0])
        if readable(fd):
            os.eventfd_read(fd)
        up.nic.faults.inject("irq-spurious=0")
        up.nic.poll(10**12)
        told = [f"no frame came, an interrupt {'did' if readable(fd) else 'did not'}"]
        up.nic.faults.end()
        wire.inject(plain(1))
        return (*told, f"{len(up.take())} of 1 frame comes in")


LINK_UP = "NIC Link is Up 10 Gbps, Flow Control: RX/TX"
HANG = f"Detected Tx Unit Hang… / initiating reset due to tx timeout / Reset adapter / {LINK_UP}"

LIVE: tuple[Live, ...] = (
    Live("tx-stall", "ixgbe_check_tx_hang, ixgbe_tx_timeout_reset", _hang("tx-stall"), HANG),
    Live("dma-fault", "the same", _hang("dma-fault"), HANG),
    Live("bus-all-ones", "ixgbe_remove_adapter", _removal, "Adapter removed"),
    Live("link-flap", "ixgbe_watchdog_subtask", _flap, f"NIC Link is Down / {LINK_UP}"),
    Live("rx-stall", "nowhere; ip link set down, up", _rx_stall),
    Live("irq-lost", "ixgbe_check_hang_subtask writes EICS", _irq_lost),
    Live("irq-spurious", "ixgbe_poll finds nothing", _irq_spurious),
)
