# SPDX-License-Identifier: BSD-3-Clause
"""``python3 -m ci test soak``: traffic and random changes of everything ethtool can change, for ten minutes.

``IXLAB_SOAK_S`` is how long, ``IXLAB_SOAK_SEED`` makes it the same again, ``IXLAB_SOAK_KERNEL`` is the guest's kernel.
"""

import os
import re
import shlex
import threading
import time
from collections import Counter
from collections.abc import Callable
from random import SystemRandom

from ci.demo import FCS_BYTES, HOST4, HOST6, WIRE4, WIRE6, WIRE_IF
from ci.say import CiError
from ci.vm import Options, Vm
from tests.boot.judge import LINK_LOSS, allow_frames_left_behind, counters, send_udp
from tests.boot.soak_plan import Change, Phase, Planner

SECONDS = float(os.environ.get("IXLAB_SOAK_S", "600"))
SEED = int(os.environ.get("IXLAB_SOAK_SEED") or SystemRandom().randrange(1 << 32))
KERNEL = os.environ.get("IXLAB_SOAK_KERNEL", "6.12")

PHASES_MOST = 100_000
PHASES_LEAST = 8
# A lost interrupt is made good by the next frame's, or by the driver's watchdog after 2 s: an answer is then late by
# the time between two pings, or by more.
PINGS, PING_EVERY_S, LOST_MS = 12, 0.25, 240.0
LATE_MS = 100.0
TRIES = 3  # less than LOST_MS late: a busy machine is so once
DATAGRAMS = 2000
# What the device process may hold more at the end than after the first phases.
MORE = {"fds": 0, "threads": 0, "maps": 16, "private_kib": 4096}
WARM_UP_PHASES = 4
# Rows of `ethtool -S` that stay 0 in health.
ALWAYS_ZERO = (
    "rx_errors",
    "tx_errors",
    "rx_crc_errors",
    "rx_csum_offload_errors",
    "alloc_rx_page_failed",
    "alloc_rx_buff_failed",
)
WATCH_EVERY_S, WATCH_LATE_MS = 0.01, 20
# Runs in the guest all the time: says when one of its CPUs wakes it late.
GUEST_WATCH = f"""
import os, time
cpu = 0
while cpu + 1 < os.cpu_count() and os.fork() == 0:
    cpu += 1
os.sched_setaffinity(0, {{cpu}})
print("watching", flush=True)
while True:
    before_s = time.monotonic()
    time.sleep({WATCH_EVERY_S})
    late_ms = (time.monotonic() - before_s - {WATCH_EVERY_S}) * 1e3
    if late_ms > {WATCH_LATE_MS}:
        print("late %.1f" % late_ms, flush=True)
"""
GUEST_SEND = f"""
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range({DATAGRAMS}):
    try:
        s.sendto(bytes(20 + i % 1400), ("{WIRE4}", 9))
    except OSError:  # the answer to an earlier one, or no route while the interface is down
        pass
"""


def say(text: str) -> None:
    print(text, flush=True)


def apply(vm: Vm, change: Change) -> None:
    time.sleep(change.pause_s)
    if change.wire_mtu:
        vm.wire.run("ip", "link", "set", WIRE_IF, "mtu", str(change.wire_mtu))
    if change.guest:
        result = vm.run(change.guest, check=False)
        refused = bool(change.refusal) and change.refusal in result.out
        assert result.code == 0 or refused, f"`{change.guest}` exited with {result.code}\n{result.out}"
    for request in change.card:
        vm.ask_nic(**request)
        time.sleep(change.pause_s)


def tcp(vm: Vm, phase: Phase) -> None:
    for address in (WIRE4, HOST4) if phase.ip_version == 4 else (WIRE6, HOST6):
        vm.transfer(address, phase.load_bytes)


def udp(vm: Vm, _phase: Phase) -> None:
    """Datagrams both ways, to a port where nobody listens: the answers are traffic too."""
    there = vm.begin(f"exec python3 -c {shlex.quote(GUEST_SEND)}")
    send_udp(vm, 9, DATAGRAMS)
    result = there.wait(300)
    assert result.code == 0, result.out


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


class Punctuality:
    """Pings on an idle link, and beside them whatever else shows how slow guest and machine are at that moment."""

    def __init__(self, vm: Vm) -> None:
        self._vm = vm
        self._guest = vm.begin(f"exec python3 -c {shlex.quote(GUEST_WATCH)}", timeout_s=86400)
        self._guest.wait_for("watching", 120)
        self.pings = 0
        self.excused = 0
        self.worst_ms = (0.0, 0.0)

    def measure(self) -> tuple[float, float]:
        """Return the worst of some pings, and the worst of what does not touch the NIC; ms."""
        # What was asked of a link that was away is asked again a second later: that is the neighbour's, not the NIC's.
        self._vm.run(f"ping -c 1 -w 30 {WIRE4}")
        options = f"-q -n -c {PINGS} -i {PING_EVERY_S} -W 30"
        heard = len(self._guest.out)
        with Watch() as watch:
            control = self._vm.begin(f"ping {options} 127.0.0.1")
            nic_ms = worst_ms(self._vm.run(f"ping {options} {WIRE4}").out)
            lo_ms = worst_ms(control.wait(120).out)
        late = [float(text) for text in re.findall(r"^late ([\d.]+)$", self._guest.out[heard:], re.MULTILINE)]
        control_ms = max(watch.worst_ms, lo_ms, *late)
        self.pings += PINGS
        self.worst_ms = max(self.worst_ms, (nic_ms, control_ms))
        return nic_ms, control_ms

    def judge(self) -> tuple[float, float]:
        """No ping on an idle link comes late, unless the machine is the reason; returns what was measured last."""
        measured = []
        for _ in range(TRIES):
            nic_ms, control_ms = self.measure()
            measured.append((nic_ms, control_ms))
            if nic_ms <= LATE_MS:
                return nic_ms, control_ms
            if control_ms > nic_ms / 3:
                self.excused += 1
                return nic_ms, control_ms
            if nic_ms >= LOST_MS:
                break
        raise AssertionError(f"idle pings are late: (ms, what else was slow) {measured}")


class Soak:
    """One soak on one guest."""

    def __init__(self, vm: Vm) -> None:
        self.vm = vm
        self.kinds: Counter[str] = Counter()
        self.bytes = 0
        self.punctuality = Punctuality(vm)
        self.carrier_changes = (0, 0)
        self.began = self.figures()
        self.marks: list[tuple[str, dict[str, int]]] = []

    def mark(self, when: str) -> None:
        """Note what the device process holds, always with the interface down: a ring is memory it has mapped."""
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
        carrier_changes = self.seen_carrier_changes()
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
        nic_ms, control_ms = self.punctuality.judge()
        came_and_went = self.seen_carrier_changes() - carrier_changes
        most = 2 * sum(change.restarts for change in phase.changes)
        assert came_and_went <= most, f"{came_and_went} carrier changes, of which {most} may have been asked for"
        self.carrier_changes = (self.carrier_changes[0] + came_and_went, self.carrier_changes[1] + most)
        self.bytes += 2 * phase.load_bytes if phase.traffic == "tcp" else 0
        what = ", ".join(change.guest or change.kind for change in phase.changes) or "nothing changed"
        ms = f"worst ping {nic_ms:.1f} ms ({control_ms:.1f} elsewhere)"
        say(f"{phase.number:4} {phase.traffic:4} v{phase.ip_version} {time.monotonic() - began_s:5.1f} s  {ms}  {what}")

    def settle(self) -> None:
        """Link and addresses are there again, and the carrier stays."""
        self.vm.addresses("eth0")

    def seen_carrier_changes(self) -> int:
        return int(self.vm.run("cat /sys/class/net/eth0/carrier_changes").out)

    def judge(self) -> None:
        """Nobody complains, no queue hung, nothing was refused."""
        assert self.vm.complaints() == []
        hung = self.vm.run("cat /sys/class/net/eth0/queues/tx-*/tx_timeout").out.split()
        assert set(hung) == {"0"}, f"transmit queues hung: {hung}"
        seen = counters(self.vm)
        bad = {name: seen[name] for name in ALWAYS_ZERO if seen[name]}
        assert not bad, bad
        # ixgbe counts as a timeout, too, that it starts anew to be rid of frames which a link left behind.
        left_behind = sum(LINK_LOSS in message.text for message in self.vm.messages)
        assert seen["tx_timeout_count"] <= left_behind, f"{seen['tx_timeout_count']} timeouts, {left_behind} explained"

    def figures(self) -> dict[str, tuple[int, int]]:
        """What ``ethtool -S`` and what the device says of the same things."""
        driver = counters(self.vm)
        report = self.vm.ask_nic(report=True)["report"]
        assert isinstance(report, dict)
        port, core = report["port"], report["counters"]
        missed = core["rx_fifo_full"] + core["rx_no_desc"]
        return {
            "frames sent": (driver["tx_pkts_nic"], port["tx_frames"]),
            "bytes sent": (driver["tx_bytes_nic"] - FCS_BYTES * driver["tx_pkts_nic"], port["tx_bytes"]),
            "frames received": (driver["rx_pkts_nic"], core["rx_frames"] + missed),
            "bytes received": (driver["rx_bytes_nic"] - FCS_BYTES * driver["rx_pkts_nic"], core["rx_bytes"]),
        }

    def rose(self, before: dict[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
        """What ``figures`` say since."""
        now = self.figures()
        return {what: (now[what][0] - before[what][0], now[what][1] - before[what][1]) for what in now}

    def balance(self) -> None:
        """With nothing changed meanwhile the driver's figures are the wire's; over restarts it forgets some."""
        time.sleep(2.5)  # the driver looks at the NIC's counters every 2 s
        before = self.figures()
        for address in (WIRE4, HOST4):
            self.vm.transfer(address, 8 << 20)
        rose = self.rose(before)
        for _ in range(20):
            if all(driver == wire for driver, wire in rose.values()):
                break
            time.sleep(0.5)
            rose = self.rose(before)
        whole = self.rose(self.began)
        for what, (driver, wire) in rose.items():
            say(f"{what}: {driver:,} by ethtool -S, {wire:,} by the wire; in all {whole[what]}")
        assert all(driver == wire > 0 for driver, wire in rose.values()), rose
        assert all(0 < driver <= wire for driver, wire in whole.values()), whole

    def summary(self, phases: int, took_s: float) -> None:
        say(f"\n{phases} phases in {took_s:.0f} s, seed {SEED}, Linux {self.vm.release}")
        say(f"TCP {self.bytes / 2**20:.0f} MiB, SHA-256 equal")
        nic_ms, control_ms = self.punctuality.worst_ms
        say(f"{self.punctuality.pings} idle pings, none lost; worst {nic_ms:.1f} ms, {control_ms:.1f} elsewhere then")
        say(f"later than {LATE_MS:.0f} ms, as was all else at that moment: {self.punctuality.excused} times")
        say("{} carrier changes, at most {} asked for".format(*self.carrier_changes))
        say("changes: " + ", ".join(f"{times} {kind}" for kind, times in self.kinds.most_common()))
        for when, held in self.marks:
            say(f"device {when:14} " + "  ".join(f"{name} {value}" for name, value in held.items()))
        said = Counter(re.sub(r"\d+", "#", message.text) for message in self.vm.messages if "ixgbe" in message.text)
        for text, times in said.most_common():
            say(f"kernel {times:5} times {text}")


def test_soak() -> None:
    say(f"\nsoak: {SECONDS:.0f} s, seed {SEED}, kernel {KERNEL}")
    with Vm(Options(kernel=KERNEL)) as vm:
        vm.start()
        vm.bind()
        allow_frames_left_behind(vm)
        soak = Soak(vm)
        began_s = time.monotonic()
        number = 0
        for phase in Planner(SEED, tables=KERNEL != "6.1").phases():
            try:
                soak.phase(phase)
            except (AssertionError, CiError, OSError, ValueError):
                say(f"FAILED in {phase}\nIXLAB_SOAK_SEED={SEED} does the same again")
                raise
            number = phase.number
            took_s = time.monotonic() - began_s
            if number == WARM_UP_PHASES:
                soak.mark("warmed up")
            elif number > WARM_UP_PHASES and len(soak.marks) == 1 and took_s > SECONDS / 2:
                soak.mark("half way")
            if (took_s > SECONDS and number >= PHASES_LEAST) or number >= PHASES_MOST:
                break
        vm.run("ethtool -K eth0 lro off")
        soak.settle()
        soak.balance()
        soak.mark("at the end")
        soak.summary(number, time.monotonic() - began_s)
        assert vm.complaints() == []
        (_, before), *_, (_, after) = soak.marks
        grown = {name: after[name] - before[name] for name in MORE if after[name] - before[name] > MORE[name]}
        assert not grown, f"the device process holds more than it did: {grown}"
