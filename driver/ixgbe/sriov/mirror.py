# SPDX-License-Identifier: BSD-3-Clause
"""Mirrors: a VF gets a copy of what others send or receive.  The chip has four rules.

Ref: 82599 datasheet, "Mirroring"; DPDK's ixgbe for the layout of VMRVLAN and VMRVM: rule r has words r and r + 4.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from device.regs.i82599 import MRCTL, VMRVLAN, VMRVM
from driver.core.bar import Bar
from driver.errors import DriverError
from driver.ixgbe.sriov.messages import VID_MAX
from driver.ixgbe.sriov.pools import WORD_BITS, Pools
from driver.ixgbe.sriov.vlans import VlanTable

RULES = MRCTL.count
PORT = "pf"
USAGE = "uplink, downlink, pools LIST (such as 0,2,pf), vlans LIST (such as 10,20), or off"


@dataclass(frozen=True, slots=True)
class Mirror:
    """What a VF gets copies of.

    Attributes:
        uplink: What comes from the wire.
        downlink: What goes to the wire.
        pools: What is received by these pools.
        vlans: What is in these VLANs.
    """

    uplink: bool = False
    downlink: bool = False
    pools: frozenset[int] = frozenset()
    vlans: frozenset[int] = frozenset()

    def shown(self, port: int) -> str:
        """As people write it."""
        parts = [name for name in ("uplink", "downlink") if getattr(self, name)]
        if self.pools:
            parts += ["pools", ",".join(PORT if pool == port else str(pool) for pool in sorted(self.pools))]
        if self.vlans:
            parts += ["vlans", ",".join(map(str, sorted(self.vlans)))]
        return " ".join(parts)


def _numbers(word: str, what: str, most: int, names: dict[str, int]) -> frozenset[int]:
    known = {str(number): number for number in range(most + 1)} | names
    parts = word.split(",")
    for part in parts:
        if part not in known:
            or_names = "".join(f" or {name}" for name in names)
            raise DriverError(f"mirror {what} {word}: {part!r} is none of them: 0 to {most}{or_names}")
    return frozenset(known[part] for part in parts)


def parse(words: Sequence[str], pools: Pools) -> Mirror | None:
    """What the words behind ``mirror`` ask for; None: no mirror any more.

    Raises:
        DriverError: They make no sense.
    """
    if list(words) == ["off"]:
        return None
    found = {"uplink": False, "downlink": False}
    lists: dict[str, frozenset[int]] = {"pools": frozenset(), "vlans": frozenset()}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word in found:
            found[word] = True
        elif word in lists and rest:
            most, names = (pools.vfs - 1, {PORT: pools.own}) if word == "pools" else (VID_MAX, {})
            lists[word] = _numbers(rest.pop(0), word, most, names)
        else:
            raise DriverError(f"mirror {' '.join(words)}: it is {USAGE}")
    if not words:
        raise DriverError(f"mirror what: it is {USAGE}")
    return Mirror(found["uplink"], found["downlink"], lists["pools"], lists["vlans"])


def check(mirrors: dict[int, Mirror], vf: int, wanted: Mirror | None, vlans: VlanTable) -> None:
    """See that a mirror can be had.

    Raises:
        DriverError: All rules are in use, or nobody is in one of its VLANs.
    """
    if wanted is None:
        return
    if vf not in mirrors and len(mirrors) >= RULES:
        has = ", ".join(map(str, sorted(mirrors)))
        raise DriverError(f"the chip has {RULES} mirrors, and VFs {has} have them: `mirror off` gives one back")
    if vf in wanted.pools:
        raise DriverError(f"VF {vf} cannot be a mirror of itself: leave {vf} out of the pools")
    for vid in sorted(wanted.vlans):
        if vlans.slot(vid) is None:
            raise DriverError(f"mirror vlans: nobody is in VLAN {vid}, so the chip does not know it yet")


def _bits(numbers: set[int], half: int) -> int:
    here = range(half * WORD_BITS, (half + 1) * WORD_BITS)
    return sum(2 ** (number % WORD_BITS) for number in numbers if number in here)


def write(bar: Bar, mirrors: dict[int, Mirror], vlans: VlanTable) -> None:
    """Write every rule: those that there are, in the order of their VFs, and none behind them."""
    rules = sorted(mirrors.items())
    for n in range(RULES):
        if n >= len(rules):
            bar.write(MRCTL, MRCTL.of(), n)
            continue
        vf, mirror = rules[n]
        slots = {slot for vid in mirror.vlans if (slot := vlans.slot(vid)) is not None}
        for half in range(2):
            bar.write(VMRVM, _bits(set(mirror.pools), half), n + half * RULES)
            bar.write(VMRVLAN, _bits(slots, half), n + half * RULES)
        flags = {"UPME": mirror.uplink, "DPME": mirror.downlink, "VPME": bool(mirror.pools), "VLME": bool(slots)}
        bar.write(MRCTL, MRCTL.of(MP=vf, **{name: int(on) for name, on in flags.items()}), n)
