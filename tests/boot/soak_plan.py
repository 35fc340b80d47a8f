# SPDX-License-Identifier: BSD-3-Clause
"""What a soak does, as data drawn from a seed: phases of traffic, and what is changed meanwhile."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

TRAFFIC = ("tcp", "tcp", "udp", "idle")
FEATURES = ("tso", "gso", "gro", "tx", "rx", "sg", "rxhash", "rxvlan", "txvlan", "rx-vlan-filter", "lro")
MTU_LEAST, MTU_MOST = 1500, 9000
RING_LEAST, RING_MOST, RING_STEP = 64, 4096, 8
RX_USECS = (0, 1, 10, 50, 200, 500)
CHANGES_MOST = 3
PAUSE_MOST_S = 0.5
MIB = 1 << 20
LOADS_BYTES = (2 * MIB, 8 * MIB, 24 * MIB)


@dataclass(frozen=True)
class Change:
    """One thing that is changed.

    Attributes:
        kind: ``ethtool``'s option, or what else it is.
        guest: A shell command in the guest.
        wire_mtu: What the tap is to take, if that changes.
        card: Requests for the device's control socket, in this order.
        refusal: What the command may say when it fails, where that is right.
        restarts: How often the link may go and come for it.
        pause_s: How long to wait before it.
    """

    kind: str
    guest: str = ""
    wire_mtu: int = 0
    card: tuple[dict[str, object], ...] = ()
    refusal: str = ""
    restarts: int = 0
    pause_s: float = 0.0


@dataclass(frozen=True)
class Phase:
    """One stretch of traffic.

    Attributes:
        number: From 1.
        traffic: One of ``TRAFFIC``.
        ip_version: 4 or 6.
        load_bytes: How much each way.
        changes: What is changed meanwhile.
    """

    number: int
    traffic: str
    ip_version: int
    load_bytes: int
    changes: tuple[Change, ...]


class Planner:
    """Draws phases; remembers what a later change depends on.

    Args:
        seed: The same seed gives the same phases.
        queues: Most combined channels.
        tables: Whether ``ethtool -X`` can set anything: Linux 6.1 refuses what Debian 13's ethtool sends it.
    """

    def __init__(self, seed: int, queues: int = 2, *, tables: bool = True) -> None:
        self._random = random.Random(seed)
        self._tables = tables
        self._queues = queues
        self._combined = queues
        self._off: set[str] = {"lro"}

    def phases(self) -> Iterator[Phase]:
        """Yield phases without end."""
        number = 0
        while True:
            number += 1
            draw = self._random
            changes = tuple(self._change() for _ in range(draw.randint(1, CHANGES_MOST)))
            yield Phase(number, draw.choice(TRAFFIC), draw.choice((4, 6)), draw.choice(LOADS_BYTES), changes)

    def _change(self) -> Change:
        kind = self._random.choice(sorted(KINDS.keys() - (set() if self._tables else {"-X"})))
        return replace(KINDS[kind](self), pause_s=round(self._random.uniform(0, PAUSE_MOST_S), 3))

    def _feature(self) -> Change:
        name = self._random.choice(FEATURES)
        self._off ^= {name}
        word = "off" if name in self._off else "on"
        # One may hang on another that is off.
        refusal = "Could not change any device features"
        return Change("-K", f"ethtool -K eth0 {name} {word}", refusal=refusal, restarts=1)

    def _channels(self) -> Change:
        # A table that somebody set keeps the queues it names from going.
        self._combined = self._random.randint(1, self._queues)
        default = "ethtool -X eth0 default && " if self._tables else ""
        return Change("-L", f"{default}ethtool -L eth0 combined {self._combined}", restarts=1)

    def _rings(self) -> Change:
        rx, tx = (self._random.randrange(RING_LEAST, RING_MOST + 1, RING_STEP) for _ in range(2))
        # Asked for what it has, ethtool exits with 80 and changes nothing.
        return Change("-G", f"ethtool -G eth0 rx {rx} tx {tx} || test $? = 80", restarts=1)

    def _moderation(self) -> Change:
        # With LRO on, a rate too high for it switches it off, and that takes a restart.
        return Change("-C", f"ethtool -C eth0 rx-usecs {self._random.choice(RX_USECS)}", restarts=1)

    def _pause_frames(self) -> Change:
        rx, tx = self._random.choice(("on", "off")), self._random.choice(("on", "off"))
        return Change("-A", f"ethtool -A eth0 rx {rx} tx {tx} || test $? = 79", restarts=1)

    def _table(self) -> Change:
        if self._random.random() < 0.5:
            return Change("-X", f"ethtool -X eth0 equal {self._random.randint(1, self._combined)}")
        weights = [self._random.randint(1, 5) for _ in range(self._combined)]
        return Change("-X", f"ethtool -X eth0 weight {' '.join(map(str, weights))}")

    def _filters(self) -> Change:
        rule = f"flow-type udp4 dst-port {self._random.randint(20000, 30000)} action {self._random.randrange(2) - 1}"
        steps = ["ethtool -K eth0 ntuple on", f"ethtool -N eth0 {rule} loc 7", "ethtool -N eth0 delete 7"]
        return Change("-N", " && ".join([*steps, "ethtool -K eth0 ntuple off"]), restarts=2)

    def _mtu(self) -> Change:
        mtu = self._random.choice((MTU_LEAST, MTU_MOST, self._random.randint(MTU_LEAST, MTU_MOST)))
        return Change("mtu", f"ip link set eth0 mtu {mtu}", wire_mtu=mtu, restarts=1)

    def _down_up(self) -> Change:
        return Change("down, up", "ip link set eth0 down; ip link set eth0 up", restarts=1)

    def _carrier(self) -> Change:
        return Change("cable", card=({"carrier": False}, {"carrier": True}), restarts=1)

    def _module(self) -> Change:
        module = self._random.choice(("sr", "lr", "da"))
        return Change("module", card=({"sfp": "none"}, {"sfp": module}), restarts=2)  # found, then set up


KINDS = {
    "-K": Planner._feature,
    "-L": Planner._channels,
    "-G": Planner._rings,
    "-C": Planner._moderation,
    "-A": Planner._pause_frames,
    "-X": Planner._table,
    "-N": Planner._filters,
    "mtu": Planner._mtu,
    "down, up": Planner._down_up,
    "cable": Planner._carrier,
    "module": Planner._module,
}
