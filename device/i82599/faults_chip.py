# SPDX-License-Identifier: BSD-3-Clause
"""Faults of the chip itself: semaphores, resets, firmware, link and queues that do not do what they should."""

from typing import Protocol

from device.i82599.core import QUEUES, CardCore
from device.i82599.link import Link
from device.machine.common_faults import ids, listed, stuck_at, stuck_number, together
from device.machine.core import ffi, lib
from device.machine.faults import Door, Fault, Plan, Target, Undo, number
from device.regs.i82599 import GSSR

VF_ID = "8086:10ed"
FIRMWARES = GSSR.of(FW_EEP=1, FW_PHY0=1, FW_PHY1=1, FW_MAC_CSR=1, FW_FLASH=1, FW_SW_MNG=1)
FLAP_MS, FLAP_MIN_MS, FLAP_MAX_MS = 500, 100, 60_000
NS_PER_MS = 1_000_000
HALF = 64
ALL_QUEUES = (1 << QUEUES) - 1


class HasChip(Target, Protocol):
    """What these faults reach."""

    core: CardCore
    link: Link


def _gssr_held(target: Target, arg: str) -> Plan:
    bits = number(arg or str(int(FIRMWARES)), 1, 0xFFFF, "bits of GSSR")

    def answer(value: int, is_write: bool) -> int:
        return value if is_write else value | bits

    return Plan(None, lambda: target.regs.set_fault(GSSR, 0, answer))


def _vf_id(target: Target, _arg: str) -> Plan:
    return ids(target, VF_ID)


def _link_flap(card: HasChip, arg: str) -> Plan:
    half_ns = number(arg or str(FLAP_MS), FLAP_MIN_MS, FLAP_MAX_MS, "milliseconds") * NS_PER_MS
    link = card.link
    began_ns: list[int] = []

    def set_dark(dark: bool) -> None:
        if link.dark != dark:
            link.dark = dark
            link.evaluate()

    def chore(now_ns: int) -> None:
        if not began_ns:
            began_ns.append(now_ns)
        set_dark((now_ns - began_ns[0]) // half_ns % 2 == 0)

    return Plan(None, lambda: together([listed(card.chores, chore), lambda: set_dark(False)]))


# -- queues that take no descriptors ---------------------------------------------------------------------------------


def _queues(arg: str) -> int:
    """The queues that are meant, one bit each."""
    return 1 << number(arg, 0, QUEUES - 1, "a queue") if arg else ALL_QUEUES


def _bits(halves: list[int]) -> int:
    return int(halves[0]) | int(halves[1]) << HALF


def _tx_stall(card: HasChip, arg: str) -> Plan:
    queues = _queues(arg)
    tx = ffi.addressof(card.core.c, "tx")

    def freeze(new: int) -> None:
        lib.tx_freeze(tx, new % (1 << HALF), new >> HALF)

    def begin() -> Undo:
        freeze(_bits(tx.frozen) | queues)
        return lambda: freeze(_bits(tx.frozen) & ~queues)

    return Plan(queues, begin, over=lambda: not _bits(tx.frozen) & queues)


def _rx_stall(card: HasChip, arg: str) -> Plan:
    queues = _queues(arg)
    rx = ffi.addressof(card.core.c, "rx")

    def freeze(new: int) -> None:
        rx.frozen = (new % (1 << HALF), new >> HALF)

    def begin() -> Undo:
        freeze(_bits(rx.frozen) | queues)
        return lambda: freeze(_bits(rx.frozen) & ~queues)

    return Plan(queues, begin, over=lambda: not _bits(rx.frozen) & queues)


FAULTS: tuple[Fault[HasChip], ...] = (
    Fault(
        "swsm-stuck",
        Door.REGISTER_READ,
        "",
        "somebody keeps the semaphore that guards the others: SWSM.SMBI reads 1",
        stuck_at("SWSM.SMBI:1"),
        reaches="ixgbe_probe: reset_hw, ixgbe_get_eeprom_semaphore; HW Init failed -> err_sw_init",
    ),
    Fault(
        "gssr-held",
        Door.REGISTER_READ,
        "BITS",
        f"somebody keeps these bits of GSSR, or all of firmware's ({int(FIRMWARES):#x}), whoever overrules him",
        _gssr_held,
        reaches="ixgbe_probe: reset_hw, ixgbe_acquire_swfw_sync times out after 1 s",
        optional=True,
    ),
    Fault(
        "reset-stuck",
        Door.REGISTER_READ,
        "",
        "a reset never ends: CTRL.RST and CTRL.LRST read 1",
        stuck_at("CTRL.RST:1", "CTRL.LRST:1"),
        reaches="ixgbe_probe: reset_hw, reset polling failed; HW Init failed -> err_sw_init (-EIO)",
    ),
    Fault(
        "master-disable-stuck",
        Door.REGISTER_READ,
        "",
        "DMA never ends: STATUS.GIO and EXP_DEVSTA.TRANSACTIONS_PENDING read 1",
        stuck_at("STATUS.GIO:1", "EXP_DEVSTA.TRANSACTIONS_PENDING:1"),
        reaches="ixgbe_probe: reset_hw, ixgbe_disable_pcie_primary; HW Init failed -> err_sw_init (-EALREADY)",
    ),
    Fault(
        "fw-error",
        Door.REGISTER_READ,
        "",
        "firmware reports an error: FWSM.EXT_ERR_IND is 1",
        stuck_at("FWSM.EXT_ERR_IND:1"),
        reaches="ixgbe_probe: ixgbe_check_fw_error warns; goes on, and warns every 2 s",
    ),
    Fault(
        "fw-recovery",
        Door.REGISTER_READ,
        "",
        "firmware is in recovery mode: FWSM.NVM_RECOVERY is 1",
        stuck_at("FWSM.NVM_RECOVERY:1"),
        reaches="none: ixgbe_check_fw_error asks mac.ops.fw_recovery_mode, which only the X550 has",
    ),
    Fault(
        "vf-id",
        Door.CONFIG,
        "",
        "the device id is that of a virtual function (10ed); a guest takes it for ixgbevf's. SR-IOV is not there, so "
        "a VF with the port's own id (is_virtfn) is not either",
        _vf_id,
        reaches="ixgbe_probe: pdev->is_virtfn -> return -EINVAL",
        against=("ids",),
    ),
    Fault(
        "port",
        Door.REGISTER_READ,
        "N",
        "STATUS.LAN_ID says that this is port N of the card; its address stays",
        stuck_number("STATUS.LAN_ID", 0, 1, "a port"),
        reaches="ixgbe_probe: get_bus_info, func = 1: the module's kinds, GSSR.PHY1, the second SAN address",
    ),
    Fault(
        "link-flap",
        Door.WIRE,
        "MS",
        f"no light for MS ms ({FLAP_MS}), light for as long, and so on, at both ends of the cable",
        _link_flap,
        reaches="ixgbe_watchdog_subtask: NIC Link is Down, Up; with work in a ring -> reset",
        optional=True,
    ),
    Fault(
        "rx-stall",
        Door.DMA,
        "QUEUE",
        "this receive queue, or all, takes no descriptors until a reset; frames wait in the buffer, then are missed",
        _rx_stall,
        reaches="none: nobody looks for that; `ip link set down`, `up` resets",
        optional=True,
    ),
    Fault(
        "tx-stall",
        Door.DMA,
        "QUEUE",
        "this transmit queue, or all, takes no descriptors until a reset after that was felt",
        _tx_stall,
        reaches="ixgbe_check_tx_hang: Detected Tx Unit Hang -> ixgbe_tx_timeout_reset",
        optional=True,
    ),
)
