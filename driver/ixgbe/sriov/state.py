# SPDX-License-Identifier: BSD-3-Clause
"""What the driver knows of one virtual function: what its administrator decided, and what its own driver asked for."""

import enum
from collections import Counter
from dataclasses import dataclass, field

from device.regs.i82599.mbx import ApiVersion, XcastMode

VERSIONS = {
    ApiVersion.V1_0: "1.0",
    ApiVersion.V1_1: "1.1",
    ApiVersion.V1_2: "1.2",
    ApiVersion.V1_3: "1.3",
    ApiVersion.V1_4: "1.4",
    ApiVersion.V1_5: "1.5",
}
"""Those we speak, lowest first: the numbers themselves have no order."""

ORDER = tuple(VERSIONS)


def at_least(version: ApiVersion, wanted: ApiVersion) -> bool:
    """Whether a version that we speak is ``wanted`` or a later one."""
    return ORDER.index(version) >= ORDER.index(wanted)


class LinkWish(enum.Enum):
    """Whether a VF has a link, as its administrator sets it."""

    AUTO = "auto"  # while the port is up
    ENABLE = "enable"  # the same on this chip: a VF is shown the port's own link
    DISABLE = "disable"  # it neither sends nor receives


@dataclass(slots=True)
class Wish:
    """What the administrator decided; it outlives resets.

    Attributes:
        mac: The VF's address; None: its own choice.
        vlan: The VLAN that all of its frames are in, unseen by it; 0: none.
        qos: Priority in that VLAN's tag.
        spoofchk: Drop frames whose source address or VLAN is not the VF's.
        trusted: It may change its address, and have all multicast.
        query_rss: It may read the port's RSS table and key.
        link: Whether it has a link.
        max_mbps: How fast it may send; 0: as fast as it can.
    """

    mac: bytes | None = None
    vlan: int = 0
    qos: int = 0
    spoofchk: bool = True
    trusted: bool = False
    query_rss: bool = False
    link: LinkWish = LinkWish.AUTO
    max_mbps: int = 0


@dataclass(slots=True)
class Vf:
    """One VF.

    Attributes:
        n: Its number, and that of its pool.
        wish: What its administrator decided.
        started: Its driver started since it was reset last: it may send and receive.
        cts: It may ask for things; it has to start anew when it may not.
        api: The version it negotiated.
        mac: The address it has, of its own or by ``wish``; None: none.
        xcast: What it wants beside its unicast.
        hashes: Multicast hashes.
        vlans: VLANs it joined.
        macvlans: More addresses it wants.
        max_frame_bytes: The largest frame it asked for, its checksum included; 0: it did not ask.
        may_receive: VFRE, as the rules of jumbo frames leave it.
        counts: What its mailbox did, by name.
        asked: How often it asked for what, by name.
        last_refusal: What it was refused last, and why.
    """

    n: int
    wish: Wish = field(default_factory=Wish)
    started: bool = False
    cts: bool = False
    api: ApiVersion = ApiVersion.V1_0
    mac: bytes | None = None
    xcast: XcastMode = XcastMode.NONE
    hashes: tuple[int, ...] = ()
    vlans: set[int] = field(default_factory=set)
    macvlans: list[bytes] = field(default_factory=list)
    max_frame_bytes: int = 0
    may_receive: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    last_refusal: str = ""

    def forget(self) -> None:
        """It starts anew: what its driver asked for no longer counts."""
        self.started = self.cts = False
        self.api = ApiVersion.V1_0
        self.xcast = XcastMode.NONE
        self.hashes = ()
        self.vlans.clear()
        self.macvlans.clear()
        self.max_frame_bytes = 0
        self.may_receive = False
