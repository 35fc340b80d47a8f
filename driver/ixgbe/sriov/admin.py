# SPDX-License-Identifier: BSD-3-Clause
"""What an administrator may decide of a VF, as ``ip link set … vf`` has it, and the table of all of it.

Ref: ixgbe_ndo_set_vf_mac, _vlan, _bw, _spoofchk, _trust, _link_state, _rss_query_en.
"""

from collections.abc import Callable, Sequence
from typing import Any

from device.regs.i82599 import VFRE, VFTE
from driver.core.station import ADDRESS_BYTES, show, valid_station
from driver.errors import DriverError
from driver.ixgbe.sriov import mirror, registers
from driver.ixgbe.sriov.chip import PoolChip
from driver.ixgbe.sriov.counters import NAMES, PoolCounters
from driver.ixgbe.sriov.messages import VID_MAX
from driver.ixgbe.sriov.mirror import Mirror
from driver.ixgbe.sriov.pools import WORD_BITS
from driver.ixgbe.sriov.state import VERSIONS, LinkWish, Vf

QOS_MAX = 7
RATE_MIN_MBPS = 11
MBPS_OF_RATES = 10_000
SWITCH = {"on": True, "off": False}


def _number(word: str, what: str, most: int, unit: str = "") -> int:
    if not word.isdecimal() or int(word) > most:
        raise DriverError(f"{what} {word} is out of range: 0 to {most}{unit}")
    return int(word)


def _address(word: str) -> bytes | None:
    """An address; ``none`` is None."""
    if word == "none":
        return None
    parts = word.split(":")
    try:
        address = bytes(int(part, 16) for part in parts if 1 <= len(part) <= 2)
    except ValueError:
        address = b""
    if len(parts) != ADDRESS_BYTES or len(address) != ADDRESS_BYTES:
        raise DriverError(
            f"mac {word}: an address is six bytes such as 02:00:00:00:00:01, or none: the VF's own choice"
        )
    if not valid_station(address):
        why = "a multicast address" if any(address) else "zero, `mac none` leaves it to the VF"
        raise DriverError(f"mac {word}: no station can have it: it is {why}")
    return address


class Admin:
    """Decisions about a port's VFs.

    Args:
        chip: What they change.
        counters: What each pool counted.
        restart: Has a VF's driver start anew, for what it learns only then.
        spoofed: Frames dropped for a forged source so far.

    Attributes:
        mirrors: Who gets copies, and of what.
        rate_link_mbps: The link's speed when rates were set; 0: none is set.
    """

    def __init__(
        self, chip: PoolChip, counters: PoolCounters, restart: Callable[[Vf], None], spoofed: Callable[[], int]
    ) -> None:
        self.chip = chip
        self.counters = counters
        self.restart = restart
        self.spoofed = spoofed
        self.mirrors: dict[int, Mirror] = {}
        self.rate_link_mbps = 0
        self._changes: dict[str, tuple[range, str, Callable[[Vf, Sequence[str]], None]]] = {
            "mac": (range(1, 2), "ADDR|none", self._mac),
            "vlan": (range(1, 4), "VID [qos Q]", self._vlan),
            "spoofchk": (range(1, 2), "on|off", self._spoofchk),
            "trust": (range(1, 2), "on|off", self._trust),
            "query_rss": (range(1, 2), "on|off", self._query_rss),
            "rate": (range(2, 3), "MIN MAX", self._rate),
            "state": (range(1, 2), "auto|enable|disable", self._state),
            "mirror": (range(1, 7), mirror.USAGE, self._mirror),
        }

    def change(self, n: int, what: str, words: Sequence[str]) -> dict[str, Any]:
        """Change something of VF ``n``; returns its row of the table.

        Raises:
            DriverError: There is no such VF, no such thing, or it cannot have this value; nothing was changed.
        """
        if not 0 <= n < len(self.chip.vfs):
            raise DriverError(f"VF {n} is out of range: there are 0 to {len(self.chip.vfs) - 1}")
        if what not in self._changes:
            raise DriverError(f"{what!r} cannot be changed; there are {', '.join(self._changes)}")
        counts, usage, change = self._changes[what]
        if len(words) not in counts:
            raise DriverError(f"it is `{what} {usage}`, not {len(words)} words behind {what}")
        change(self.chip.vfs[n], words)
        return self.row(self.chip.vfs[n])

    # ---- changes ---------------------------------------------------------------------------------------------------

    @staticmethod
    def _switch(what: str, word: str) -> bool:
        if word not in SWITCH:
            raise DriverError(f"{what} {word}: it is on or off")
        return SWITCH[word]

    def _mac(self, vf: Vf, words: Sequence[str]) -> None:
        address = _address(words[0])
        if address is not None:
            try:
                self.chip.set_mac(vf, address)
            except OSError as err:
                raise DriverError(f"mac {words[0]}: {err.strerror}") from err
        elif vf.wish.mac is not None and vf.mac == vf.wish.mac:
            self.chip.drop_mac(vf)
        vf.wish.mac = address
        self.restart(vf)

    def _vlan(self, vf: Vf, words: Sequence[str]) -> None:
        if len(words) == 2 or (len(words) == 3 and words[1] != "qos"):
            raise DriverError(f"vlan {' '.join(words)}: it is `vlan VID [qos Q]`")
        vid = _number(words[0], "VLAN", VID_MAX, "; 0 is none")
        qos = _number(words[2], "qos", QOS_MAX) if len(words) == 3 else 0
        if qos and not vid:
            raise DriverError(f"qos {qos} is a part of a VLAN's tag: with VLAN 0 there is none")
        try:
            self.chip.set_port_vlan(vf, vid, qos)
        except OSError as err:
            raise DriverError(err.strerror or str(err)) from err
        self.restart(vf)

    def _spoofchk(self, vf: Vf, words: Sequence[str]) -> None:
        vf.wish.spoofchk = self._switch("spoofchk", words[0])
        if self.chip.active:
            registers.spoof_checks(self.chip.bar, vf.n, on=vf.wish.spoofchk)

    def _trust(self, vf: Vf, words: Sequence[str]) -> None:
        trusted = self._switch("trust", words[0])
        if trusted != vf.wish.trusted:
            vf.wish.trusted = trusted
            self.restart(vf)

    def _query_rss(self, vf: Vf, words: Sequence[str]) -> None:
        vf.wish.query_rss = self._switch("query_rss", words[0])

    def _state(self, vf: Vf, words: Sequence[str]) -> None:
        wish = next((wish for wish in LinkWish if wish.value == words[0]), None)
        if wish is None:
            raise DriverError(f"state {words[0]}: it is auto, enable or disable")
        vf.wish.link = wish
        self.restart(vf)

    def _rate(self, vf: Vf, words: Sequence[str]) -> None:
        least, most = (_number(word, "rate", MBPS_OF_RATES, " Mb/s") for word in words)
        link = self.chip.port.link
        if least:
            raise DriverError(f"rate {least} {most}: this chip guarantees no VF a rate: MIN is 0")
        if not link.up or link.speed_mbps != MBPS_OF_RATES:
            raise DriverError(
                f"rate {least} {most}: rates are parts of a link of {MBPS_OF_RATES} Mb/s, and there is none"
            )
        if 0 < most < RATE_MIN_MBPS:
            raise DriverError(f"rate {least} {most}: MAX is {RATE_MIN_MBPS} to {MBPS_OF_RATES} Mb/s, or 0: no limit")
        vf.wish.max_mbps = most
        self.rate_link_mbps = link.speed_mbps
        self.write_rate(vf)

    def write_rate(self, vf: Vf) -> None:
        """Write a VF's rate."""
        if self.chip.active:
            link_mbps = self.rate_link_mbps or MBPS_OF_RATES
            registers.rate(self.chip.bar, self.chip.pools, vf.n, max_mbps=vf.wish.max_mbps, link_mbps=link_mbps)

    def _mirror(self, vf: Vf, words: Sequence[str]) -> None:
        wanted = mirror.parse(words, self.chip.pools)
        mirror.check(self.mirrors, vf.n, wanted, self.chip.vlans)
        if wanted is None:
            self.mirrors.pop(vf.n, None)
        else:
            self.mirrors[vf.n] = wanted
        self.write_mirrors()

    def write_mirrors(self) -> None:
        """Write the rules of all mirrors."""
        if self.chip.active:
            mirror.write(self.chip.bar, self.mirrors, self.chip.vlans)

    def follow_vlans(self) -> None:
        """A VLAN got an entry or lost it: mirrors go by those."""
        if any(mirror.vlans for mirror in self.mirrors.values()):
            self.write_mirrors()

    # ---- the table -------------------------------------------------------------------------------------------------

    def table(self) -> dict[str, Any]:
        """Every VF, and how the queues are divided."""
        pools = self.chip.pools
        return {
            "vfs": [self.row(vf) for vf in self.chip.vfs],
            "queues": pools.queues,
            "port_pool": pools.own,
            "port_queue": pools.first_queue,
            "spoofed": self.spoofed(),
            "up": self.chip.active,
        }

    def row(self, vf: Vf) -> dict[str, Any]:
        """One VF."""
        wish = vf.wish
        return {
            "vf": vf.n,
            "mac": show(vf.mac) if vf.mac is not None else "",
            "mac_set": wish.mac is not None,
            "vlan": wish.vlan,
            "qos": wish.qos,
            "spoofchk": wish.spoofchk,
            "trust": wish.trusted,
            "query_rss": wish.query_rss,
            "state": wish.link.value,
            "min_mbps": 0,
            "max_mbps": wish.max_mbps,
            "mirror": self.mirrors[vf.n].shown(self.chip.pools.own) if vf.n in self.mirrors else "",
            "ready": vf.cts,
            "api": VERSIONS[vf.api],
            "receives": self._has(VFRE, vf),
            "sends": self._has(VFTE, vf),
            "xcast": vf.xcast.name.lower(),
            "vlans": sorted(vf.vlans),
            "multicast": len(vf.hashes),
            "macvlans": [show(address) for address in vf.macvlans],
            "max_frame": vf.max_frame_bytes,
            "asked": dict(vf.asked),
            "refused": vf.last_refusal,
            "mailbox": dict(vf.counts),
            **self._counted(vf),
        }

    def _has(self, register: type[VFRE] | type[VFTE], vf: Vf) -> bool:
        if not self.chip.active:
            return False
        word, bit = divmod(vf.n, WORD_BITS)
        return bool(int(self.chip.bar.read(register, word)) // 2**bit % 2)

    def _counted(self, vf: Vf) -> dict[str, int]:
        totals = self.counters.update(vf.n) if self.chip.active else self.counters.totals[vf.n]
        return {name: totals[name] for name in NAMES}
