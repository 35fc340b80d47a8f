# SPDX-License-Identifier: BSD-3-Clause
"""Statistics: registers that clear when read, added up here into totals that do not.

All of them are read in bursts (driver/core/read_list.py); what one gave counts, whatever becomes of the others.

Ref: ixgbe_update_stats, ixgbe_clear_hw_cntrs_generic; names of ``ethtool -S`` where there is one.
"""

from collections.abc import Iterator

from device.regs import i82599 as regs
from device.regs.i82599 import ALL, MPC, QBRC_H, QBRC_L, QBTC_H, QBTC_L, QPRC, QPRDC, QPTC, Register
from driver.core.bar import Bar
from driver.core.read_list import Counted, ReadList, pair

# One register each.
SINGLE: dict[str, type[Register]] = {
    "tx_pkts_nic": regs.GPTC,
    "rx_crc_errors": regs.CRCERRS,
    "rx_illegal_bytes": regs.ILLERRC,
    "rx_error_bytes": regs.ERRBC,
    "rx_short_packets": regs.MSPDC,
    "mac_local_faults": regs.MLFC,
    "mac_remote_faults": regs.MRFC,
    "rx_length_errors": regs.RLEC,
    "tx_flow_control_xon": regs.LXONTXC,
    "tx_flow_control_xoff": regs.LXOFFTXC,
    "rx_flow_control_xon": regs.LXONRXCNT,
    "rx_flow_control_xoff": regs.LXOFFRXCNT,
    "rx_pkts_nic": regs.GPRC,
    "broadcast": regs.BPRC,
    "multicast": regs.MPRC,
    "rx_undersize": regs.RUC,
    "rx_fragments": regs.RFC,
    "rx_oversize": regs.ROC,
    "rx_jabbers": regs.RJC,
    "rx_management": regs.MNGPRC,
    "rx_management_dropped": regs.MNGPDC,
    "rx_total": regs.TPR,
    "tx_total": regs.TPT,
    "tx_multicast": regs.MPTC,
    "tx_broadcast": regs.BPTC,
    "rx_csum_errors_nic": regs.XEC,
    "tx_spoofed": regs.SSVPC,
    "tx_dma_pkts": regs.TXDGPC,
    "fcoe_bad_fccrc": regs.FCCRC,
    "rx_fcoe_dropped": regs.FCOERPDC,
    "fcoe_last_errors": regs.FCLAST,
    "rx_fcoe_packets": regs.FCOEPRC,
    "rx_fcoe_dwords": regs.FCOEDWRC,
    "tx_fcoe_packets": regs.FCOEPTC,
    "tx_fcoe_dwords": regs.FCOEDWTC,
    "rx_size_64": regs.PRC64,
    "rx_size_127": regs.PRC127,
    "rx_size_255": regs.PRC255,
    "rx_size_511": regs.PRC511,
    "rx_size_1023": regs.PRC1023,
    "rx_size_1522": regs.PRC1522,
    "tx_size_64": regs.PTC64,
    "tx_size_127": regs.PTC127,
    "tx_size_255": regs.PTC255,
    "tx_size_511": regs.PTC511,
    "tx_size_1023": regs.PTC1023,
    "tx_size_1522": regs.PTC1522,
}

# Low half first: reading it takes the snapshot, the high half only clears.
PAIRS: dict[str, tuple[type[Register], type[Register]]] = {
    "rx_bytes_nic": (regs.GORCL, regs.GORCH),
    "tx_bytes_nic": (regs.GOTCL, regs.GOTCH),
    "rx_total_bytes": (regs.TORL, regs.TORH),
}

# One counter per priority or packet buffer; ``{}`` is its number.
ARRAYS: dict[str, type[Register]] = {
    "tx_pb_{}_pxon": regs.PXONTXC,
    "tx_pb_{}_pxoff": regs.PXOFFTXC,
    "rx_pb_{}_pxon": regs.PXONRXCNT,
    "rx_pb_{}_pxoff": regs.PXOFFRXCNT,
    "rx_pb_{}_pxon2off": regs.PXON2OFFCNT,
}

GROUPS = 16
MISSED = "rx_missed_errors"


def _counted() -> Iterator[Counted]:
    """Every counter, in the order of reading."""
    for n in range(MPC.count):
        yield MISSED, 1, MPC, n
    for name, register in SINGLE.items():
        yield name, 1, register, 0
    for name, (low, high) in PAIRS.items():
        yield from pair(name, low, high)
    for name, register in ARRAYS.items():
        for n in range(register.count):
            yield name.format(n), 1, register, n
    for n in range(GROUPS):
        yield "rx_no_dma_resources", 1, QPRDC, n
        yield f"rx_group_{n}_packets", 1, QPRC, n
        yield from pair(f"rx_group_{n}_bytes", QBRC_L, QBRC_H, n)
        yield f"tx_group_{n}_packets", 1, QPTC, n
        yield from pair(f"tx_group_{n}_bytes", QBTC_L, QBTC_H, n)


COUNTED = tuple(_counted())


class HwStats:
    """Totals of one port's counters since the driver took it."""

    def __init__(self, bar: Bar) -> None:
        """Everything is 0."""
        self.bar = bar
        self.totals: dict[str, int] = {}
        self.missed = 0
        self._reads = ReadList(bar, [(register, n) for _, _, register, n in COUNTED])

    def _add(self, name: str, count: int) -> None:
        self.totals[name] = self.totals.get(name, 0) + count

    def clear(self) -> None:
        """Read every counter once and drop what it says: what came before is not ours.

        Ref: ixgbe_clear_hw_cntrs_generic.
        """
        for register in ALL:
            if register.COUNTER:
                for n in range(register.count):
                    self.bar.read(register, n)

    def update(self) -> dict[str, int]:
        """Read every counter and add it up; returns what this round added.

        The chip counts a frame as good before it finds no room for it, so what MPC says is taken off GPRC.

        Raises:
            DeviceGone: The function no longer answers; what it gave before is in the totals.
            OSError: It refused a read; all others are in the totals.
        """
        before = dict(self.totals)
        missed = 0
        for (name, worth, _, _), value in zip(COUNTED, self._reads.read(), strict=True):
            self._add(name, worth * (value or 0))
            missed += (value or 0) if name == MISSED else 0
        self._add("rx_pkts_nic", -missed)
        self.totals["rx_errors"] = self.totals["rx_crc_errors"] + self.totals["rx_length_errors"]
        self._reads.check()
        return {name: count - before.get(name, 0) for name, count in self.totals.items()}
