# SPDX-License-Identifier: BSD-3-Clause
"""How the cards are set up when captures are received: what decides where a frame goes and what is said of it."""

from dataclasses import dataclass, field

from device.regs.i82599 import (
    CTRL_EXT,
    ETQF,
    ETQS,
    FCTRL,
    FDIRCTRL,
    FTQF,
    HLREG0,
    IVAR,
    L34TIMIR,
    MAXFRS,
    MRQC,
    RDRXCTL,
    RETA,
    RSSRK,
    RXCSUM,
    RXDCTL,
    SYNQF,
    TSYNCRXCTL,
    VFTA,
    VLNCTRL,
    Register,
)
from tests.rigs.usual_rx import QUEUES, Twins

Write = tuple[type[Register], int, int]
KEY = bytes.fromhex(
    "6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c6a42b73bbeac01fa"
)  # the one of the specification's examples
COUNT = 64  # descriptors of each ring: a batch of long frames, or of many short ones
PROMISCUOUS = FCTRL.of(UPE=1, MPE=1, BAM=1)
RSS_ALL = MRQC.of(MRQE=1) | 0x01FF0000
SPREAD: list[Write] = [
    *((RSSRK, n, int.from_bytes(KEY[4 * n : 4 * n + 4], "little")) for n in range(10)),
    *((RETA, n, 0x03020100) for n in range(32)),
]
JUMBO: list[Write] = [
    (MAXFRS, 0, MAXFRS.of(MFS=16128)),
    (HLREG0, 0, HLREG0.of(JUMBOEN=1, RXCRCSTRP=1, TXCRCEN=1, TXPADEN=1)),
]
STRIP: list[Write] = [(RXDCTL, n, RXDCTL.of(ENABLE=1, VME=1)) for n in range(QUEUES)]


@dataclass(frozen=True)
class Configuration:
    """What is written before frames come.

    Attributes:
        name: What a failure calls it.
        writes: Register, index, value.
        ring: SRRCTL's fields.
        judged: MRQC where what the descriptors say is held against computations that are not the device's.
    """

    name: str
    writes: list[Write]
    ring: dict[str, int] = field(default_factory=dict)
    judged: int | None = None

    def apply(self, twins: Twins) -> None:
        """Both cards as new, set up so, with descriptors."""
        twins.renew(COUNT, **self.ring)
        twins.write(IVAR, 0x80818081)
        for register, n, value in self.writes:
            twins.write(register, value, n)
        twins.give_back()


def _rss(fields: int) -> list[Write]:
    return [*SPREAD, (MRQC, 0, MRQC.of(MRQE=1) | fields)]


CONFIGURATIONS = [
    Configuration("promiscuous, no RSS", [], judged=0),
    Configuration("RSS over all fields", [*SPREAD, (MRQC, 0, RSS_ALL)], judged=RSS_ALL),
    Configuration(
        "RSS over TCP and UDP of IPv4",
        _rss(MRQC.of(RSS_FIELD_IPV4_TCP=1, RSS_FIELD_IPV4_UDP=1)),
        judged=MRQC.of(MRQE=1, RSS_FIELD_IPV4_TCP=1, RSS_FIELD_IPV4_UDP=1),
    ),
    Configuration(
        "RSS over addresses",
        _rss(MRQC.of(RSS_FIELD_IPV4=1, RSS_FIELD_IPV6=1)),
        judged=MRQC.of(MRQE=1, RSS_FIELD_IPV4=1, RSS_FIELD_IPV6=1),
    ),
    Configuration("fragment sums in place of hashes", [(RXCSUM, 0, 0)]),
    Configuration("fragment sums, RSS", [*SPREAD, (MRQC, 0, RSS_ALL), (RXCSUM, 0, RXCSUM.of(IPPCSE=1))]),
    Configuration("only for us and all", [(FCTRL, 0, FCTRL.of(BAM=1))]),
    Configuration(
        "VLAN tags stripped and filtered",
        [*STRIP, (VLNCTRL, 0, VLNCTRL.of(VFE=1, VET=0x8100)), *((VFTA, n, 0x55555555) for n in range(0, 128, 3))],
    ),
    Configuration(
        "two VLAN tags, RSS",
        [*STRIP, *SPREAD, (MRQC, 0, RSS_ALL), (CTRL_EXT, 0, CTRL_EXT.of(EXTENDED_VLAN=1))],
    ),
    Configuration("flow director by signature", [*SPREAD, (MRQC, 0, RSS_ALL), (FDIRCTRL, 0, FDIRCTRL.of(PBALLOC=1))]),
    Configuration(
        "flow director by match, always reporting",
        [(FDIRCTRL, 0, FDIRCTRL.of(PBALLOC=1, PERFECT_MATCH=1, REPORT_STATUS_ALWAYS=1))],
    ),
    Configuration("jumbo frames, also damaged ones", [*JUMBO, (FCTRL, 0, PROMISCUOUS | FCTRL.of(SBP=1))]),
    Configuration("jumbo frames, RSS", [*JUMBO, *SPREAD, (MRQC, 0, RSS_ALL)]),
    Configuration(
        "lengths looked at, FCS kept",
        [(HLREG0, 0, HLREG0.of(TXCRCEN=1, RXLNGTHERREN=1)), (RDRXCTL, 0, 0)],
    ),
    Configuration(
        "filters by ethertype, SYN and five fields",
        [
            *((ETQF, n, ETQF.of(FILTER_EN=1, ETYPE=kind)) for n, kind in enumerate((0x0806, 0x88CC, 0x88F7))),
            (ETQS, 0, ETQS.of(QUEUE_EN=1, RX_QUEUE=1)),
            (SYNQF, 0, SYNQF.of(QUEUE_EN=1, RX_QUEUE=2)),
            (L34TIMIR, 3, 3 << 21),
            (FTQF, 3, FTQF.of(ENABLE=1, POOL_MASK=1, MASK=0b01111, PROTOCOL=1)),
        ],
    ),
    Configuration("time stamps", [(TSYNCRXCTL, 0, TSYNCRXCTL.of(ENABLED=1, TYPE=4))]),
    Configuration("legacy descriptors", [], ring={"DESCTYPE": 0}),
    Configuration("headers split", [], ring={"DESCTYPE": 5, "BSIZEHEADER": 2}),
    Configuration("buffers of 1 KiB, RSS", [*SPREAD, (MRQC, 0, RSS_ALL)], ring={"BSIZEPACKET": 1}),
]
