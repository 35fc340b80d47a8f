# SPDX-License-Identifier: BSD-3-Clause
"""``python3 -m ci test soak``: traffic and random changes of everything ethtool can change, for ten minutes.

``IXLAB_SOAK_S`` is how long, ``IXLAB_SOAK_SEED`` makes it the same again, ``IXLAB_SOAK_KERNEL`` is the guest's kernel.
"""

import os
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from random import SystemRandom

from ci.demo import HOST4, HOST6, WIRE4, WIRE6, WIRE_IF
from ci.say import CiError
from ci.vm import Options, Vm
from tests.boot.judge import counters, send_udp
from tests.boot.soak_plan import Change, Phase, Planner

SECONDS = float(os.environ.get("IXLAB_SOAK_S", "600"))
SEED = int(os.environ.get("IXLAB_SOAK_SEED") or SystemRandom().randrange(1 << 32))
KERNEL = os.environ.get("IXLAB_SOAK_KERNEL", "6.12")

PHASES_MOST = 100_000
PINGS = 40
LATE_MS = 100.0
TRIES = 3  # a busy machine is late once, a lost interrupt again and again
DATAGRAMS = 2000
# What the device process may hold more at the end than after the first phases.
MORE = {"fds": 0, "threads": 0, "maps": 16, "private_kib": 4096}
WARM_UP_PHASES = 5
# Rows of `ethtool -S` that stay 0 in health.
ALWAYS_ZERO = (
    "rx_errors",
    "tx_errors",
    "rx_crc_errors",
    "rx_csum_offload_errors",
    "alloc_rx_page_failed",
    "fcoe_noddp",
)


def say(text: str) -> None:
    print(text, flush=True)


def apply(vm: Vm, change: Change) -> None:
    time.sleep(change.pause_s)
    if change.wire_mtu:
        vm.wire.run("ip", "link", "set", WIRE_IF, "mtu", str(change.wire_mtu))
    if change.guest:
        vm.run(change.guest)
    for request in change.card:
        vm.ask_nic(**request)
        time.sleep(change.pause_s)


def tcp(vm: Vm, phase: Phase) -> None:
    for address in (WIRE4, HOST4) if phase.ip_version == 4 else (WIRE6, HOST6):
        vm.transfer(address, phase.load_bytes)


def udp(vm: Vm, _phase: Phase) -> None:
    """Datagrams to a port where nobody listens: the guest's answers are traffic too."""
    for port in (9, 5001):
        send_udp(vm, port, DATAGRAMS)


def idle(_vm: Vm, _phase: Phase) -> None:
    time.sleep(1)


LOADS: dict[str, Callable[[Vm, Phase], None]] = {"tcp": tcp, "udp": udp, "idle": idle}


def worst_ms(output: str) -> float:
    found = re.search(r"= [\d.]+/[\d.]+/([\d.]+)/", output)
    if found is None or " 0% packet loss" not in output:
        raise AssertionError(f"an idle link loses nothing:\n{output}")
    return float(found[1])


class Watch(threading.Thread):
    """How late this machine lets a thread of ours wake up, while the block runs."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.worst_ms = 0.0
        self._done = threading.Event()

    def run(self) -> None:
        while not self._done.is_set():
            before_s = time.monotonic()
            time.sleep(0.002)
            self.worst_ms = max(self.worst_ms, (time.monotonic() - before_s) * 1e3 - 2)

    def __enter__(self) -> "Watch":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self.join(10)


def latency(vm: Vm) -> tuple[float, float]:
    """The worst of some idle pings, and how slow guest and machine were for other reasons meanwhile; ms."""
    options = f"-q -n -c {PINGS} -i 0.02 -W 30"
    with Watch() as watch:
        control = vm.begin(f"ping {options} 127.0.0.1")
        nic = vm.run(f"ping {options} {WIRE4}").out
        lo = control.wait(120).out
    return worst_ms(nic), max(watch.worst_ms, worst_ms(lo))


def punctual(vm: Vm) -> tuple[float, float]:
    """No idle ping comes late, unless the machine is the reason.

    Ref: a lost interrupt shows as the driver's watchdog, every 2 s.
    """
    measured = []
    for _ in range(TRIES):
        nic_ms, control_ms = latency(vm)
        measured.append((nic_ms, control_ms))
        if nic_ms <= LATE_MS or control_ms > nic_ms / 3:
            return nic_ms, control_ms
    raise AssertionError(f"idle pings are late, {TRIES} times in a row: (ms, what else was slow) {measured}")


class Soak:
    """One soak on one guest."""

    def __init__(self, vm: Vm) -> None:
        self.vm = vm
        self.kinds: Counter[str] = Counter()
        self.bytes = 0
        self.pings = 0
        self.worst = (0.0, 0.0)
        self.marks: list[tuple[str, dict[str, int]]] = []

    def mark(self, when: str) -> None:
        """Note what the device process holds while the interface is down: DMA mappings of rings are not its doing."""
        self.vm.run("ip link set eth0 down; sleep 0.5")
        self.marks.append((when, self.vm.nic.footprint()))
        self.vm.run("ip link set eth0 up")
        self.settle()

    def phase(self, phase: Phase) -> None:
        failed: list[BaseException] = []

        def load() -> None:
            try:
                LOADS[phase.traffic](self.vm, phase)
            except (AssertionError, CiError, OSError, ValueError) as exc:
                failed.append(exc)

        began_s = time.monotonic()
        traffic = threading.Thread(target=load, daemon=True)
        traffic.start()
        for change in phase.changes:
            apply(self.vm, change)
            self.settle()
            self.kinds[change.kind] += 1
        traffic.join(900)
        assert not traffic.is_alive(), "traffic does not end"
        if failed:
            raise failed[0]
        self.settle()
        self.judge()
        nic_ms, control_ms = punctual(self.vm)
        self.pings += PINGS
        self.worst = max(self.worst, (nic_ms, control_ms))
        self.bytes += 2 * phase.load_bytes if phase.traffic == "tcp" else 0
        what = ", ".join(change.guest or change.kind for change in phase.changes) or "nothing changed"
        ms = f"worst ping {nic_ms:.1f} ms ({control_ms:.1f} elsewhere)"
        say(f"{phase.number:4} {phase.traffic:4} v{phase.ip_version} {time.monotonic() - began_s:5.1f} s  {ms}  {what}")

    def settle(self) -> None:
        """Link and addresses are there again, and the carrier stays."""
        self.vm.addresses("eth0")

    def judge(self) -> None:
        """Nobody complains, no queue hung, and the link does not come and go by itself."""
        assert self.vm.complaints() == []
        changes = "cat /sys/class/net/eth0/carrier_changes"
        before = self.vm.run(changes).out
        hung = self.vm.run("cat /sys/class/net/eth0/queues/tx-*/tx_timeout").out.split()
        assert set(hung) == {"0"}, f"transmit queues hung: {hung}"
        seen = counters(self.vm)
        bad = {name: seen[name] for name in ALWAYS_ZERO if seen.get(name)}
        assert not bad, bad
        assert self.vm.run(changes).out == before, "the link comes and goes"

    def balance(self) -> None:
        """With nothing changed meanwhile, the driver's figures are the wire's."""

        def figures() -> tuple[int, int]:
            report = self.vm.ask_nic(report=True)["report"]
            assert isinstance(report, dict)
            return counters(self.vm)["tx_pkts_nic"], int(report["port"]["tx_frames"])

        time.sleep(2.5)  # the driver looks at the NIC's counters every 2 s
        nic_before, wire_before = figures()
        self.vm.transfer(WIRE4, 8 << 20)
        sent = (0, 1)
        for _ in range(20):
            nic, wire = figures()
            sent = nic - nic_before, wire - wire_before
            if sent[0] == sent[1]:
                return
            time.sleep(0.5)
        raise AssertionError(f"frames sent, by ethtool -S and by the wire: {sent}")

    def summary(self, phases: int, took_s: float) -> None:
        say(f"\n{phases} phases in {took_s:.0f} s, seed {SEED}, Linux {self.vm.release}")
        say(f"TCP {self.bytes / 2**20:.0f} MiB, SHA-256 equal; {self.pings} idle pings, none lost")
        say(f"worst idle ping {self.worst[0]:.1f} ms, when elsewhere something took {self.worst[1]:.1f} ms")
        say("changes: " + ", ".join(f"{times} {kind}" for kind, times in self.kinds.most_common()))
        for when, held in self.marks:
            say(f"device {when:14} " + "  ".join(f"{name} {value}" for name, value in held.items()))


def test_soak() -> None:
    say(f"\nsoak: {SECONDS:.0f} s, seed {SEED}, kernel {KERNEL}")
    with Vm(Options(kernel=KERNEL)) as vm:
        vm.start()
        vm.bind()
        soak = Soak(vm)
        began_s = time.monotonic()
        number = 0
        for phase in Planner(SEED).phases():
            try:
                soak.phase(phase)
            except (AssertionError, CiError):
                say(f"FAILED in {phase}\nIXLAB_SOAK_SEED={SEED} does the same again")
                raise
            number = phase.number
            if number == WARM_UP_PHASES:
                soak.mark("warmed up")
            if time.monotonic() - began_s > SECONDS or number >= PHASES_MOST:
                break
        soak.balance()
        soak.mark("at the end")
        soak.summary(number, time.monotonic() - began_s)
        assert vm.complaints() == []
        before, after = soak.marks[0][1], soak.marks[-1][1]
        grown = {name: after[name] - before[name] for name in MORE if after[name] - before[name] > MORE[name]}
        assert not grown, f"the device process holds more than it did: {grown}"
