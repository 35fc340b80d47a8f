# SPDX-License-Identifier: BSD-3-Clause
"""Faults of any PCI function by name: what its slot, its bus and its host do to a driver.

Those of registers, DMA and interrupts in general, of which some of these are made, are in ``common_faults``.
"""

from device.machine.common_faults import (
    Planner,
    assign,
    dma_reach,
    listed,
    stuck_at,
    stuck_number,
    together,
)
from device.machine.core import ffi, lib
from device.machine.faults import Door, Fault, Plan, Target, Undo, number, place
from device.machine.function import LOST
from device.machine.irq import IrqKind
from device.regs import pci
from device.regs.core import W1C

ALL_ONES = 0xFFFFFFFF
ACCESSES_MAX = 1 << 20
DMA_MAX = 1 << 16
IRQ_DELAY_MAX_MS = 10_000
VECTORS = 64
W1C_BYTES = pci.bits_bytes(W1C)
REACHES = ("dma-32bit", "dma-refused", "dma-reach")
KINDS = ("no-msix", "no-msi", "no-irq")
QEMU_OWN = "on the socket only: QEMU shows its own"


def _mem_decode_refused(target: Target, _arg: str) -> Plan:
    reads_0 = stuck_at("PCI_COMMAND.MEMORY:0")(target, "")
    at = pci.PCI_COMMAND.offset()

    def config_write(offset: int, data: bytes, _stored: bytes) -> bytes:
        return bytes(byte & ~pci.PCI_COMMAND.MEMORY.mask if n == at else byte for n, byte in enumerate(data, offset))

    def begin() -> Undo:
        target.pf.set_answers(on=False, reason=lib.REG_OFF_REFUSED)
        return together(
            [
                reads_0.begin(),
                listed(target.pf.config_write_faults, config_write),
                lambda: target.pf.set_answers(on=True, reason=lib.REG_OFF_REFUSED),
            ]
        )

    return Plan(None, begin)


# -- surprise removal ------------------------------------------------------------------------------------------------


def _leave(target: Target) -> Undo:
    """The function is no longer on the bus: reads give all ones, writes, DMA and messages are lost."""
    pf = target.pf

    def config_read(_offset: int, data: bytes) -> bytes:
        return b"\xff" * len(data)

    def config_write(offset: int, data: bytes, stored: bytes) -> bytes:
        # What is there is written again, but for bits that would be cleared by that.
        return bytes(old & ~W1C_BYTES[at] for at, old in enumerate(stored[: len(data)], offset))

    pf.set_answers(on=False, reason=lib.REG_OFF_GONE)
    pf.set_reachable(on=False, reason=lib.DMA_BROKEN_GONE)
    return together(
        [
            lambda: pf.set_answers(on=True, reason=lib.REG_OFF_GONE),
            lambda: pf.set_reachable(on=True, reason=lib.DMA_BROKEN_GONE),
            assign(pf.c.irq, "gone", 1, 0),
            listed(pf.config_read_faults, config_read),
            listed(pf.config_write_faults, config_write),
        ]
    )


def _bus_all_ones(target: Target, arg: str) -> Plan:
    if not arg:
        return Plan(None, lambda: _leave(target))
    text, _, nth = arg.partition(":")
    where = place(target, text)
    if where.in_config or where.field:
        raise ValueError(f"{text}: wanted a whole register of BAR0, such as EEC or RAL[0]")
    left = number(nth or "1", 1, ACCESSES_MAX, "at which access it leaves")
    undos: list[Undo] = []

    def answer(value: int, is_write: bool) -> int:
        nonlocal left
        left -= 1
        if left > 0:
            return value
        if len(undos) == 1:
            undos.append(_leave(target))
        return LOST if is_write else ALL_ONES

    def begin() -> Undo:
        undos.append(target.regs.set_fault(where.register, where.n, answer))
        return together(undos)

    return Plan(None, begin)


# -- DMA and interrupts ----------------------------------------------------------------------------------------------


def _dma_bits(bits: int) -> Planner:
    return lambda target, _arg: dma_reach(target, str(bits))


def _dma_fault(target: Target, arg: str) -> Plan:
    times = number(arg or "1", 1, DMA_MAX, "how many accesses fail")
    pf = target.pf

    def begin() -> Undo:
        pf.c.dma.fail_next = times
        pf.set_reachable(on=False, reason=lib.DMA_BROKEN_NEXT)
        return lambda: pf.set_reachable(on=True, reason=lib.DMA_BROKEN_NEXT)

    return Plan(None, begin, over=lambda: not pf.c.dma.broken & lib.DMA_BROKEN_NEXT)


def _missing(*kinds: IrqKind) -> Planner:
    def plan(target: Target, _arg: str) -> Plan:
        missing = target.pf.missing_irqs

        def begin() -> Undo:
            missing.update(kinds)
            return lambda: missing.difference_update(kinds)

        return Plan(None, begin)

    return plan


def _set_irqs_refused(target: Target, arg: str) -> Plan:
    irq = target.pf.c.irq
    kth = number(arg, 1, VECTORS, "which of those who set eventfds from now on is refused")
    return Plan(None, lambda: assign(irq, "refuse_in", kth, 0), over=lambda: not irq.refuse_in)


def _irq_spurious(target: Target, arg: str) -> Plan:
    vector = number(arg or "0", 0, VECTORS - 1, "a vector")
    irq = ffi.addressof(target.pf.c, "irq")

    def chore(_now_ns: int) -> None:
        lib.irq_send(irq, vector)
        if target.pf.irq_kind is IrqKind.INTX:
            lib.irq_lower(irq)

    return Plan(vector, lambda: listed(target.chores, chore))


def _irq_delay(target: Target, arg: str) -> Plan:
    delay_ns = number(arg, 1, IRQ_DELAY_MAX_MS, "milliseconds") * 1_000_000
    return Plan(None, lambda: assign(target.pf.c.irq, "delay_ns", delay_ns, 0))


NAMED: tuple[Fault[Target], ...] = (
    Fault(
        "mem-decode-refused",
        Door.CONFIG,
        "",
        "PCI_COMMAND.MEMORY stays 0, BAR0 reads all ones; a guest's kernel does not look, and QEMU does not map it: 0",
        _mem_decode_refused,
        reaches="ixgbe_probe: pci_enable_device_mem -> return err; a guest: validate_checksum -> err_sw_init (-EIO)",
        against=("bus-all-ones",),
    ),
    Fault(
        "bus-all-ones",
        Door.REGISTER_READ,
        "REG[:NTH]",
        "surprise removal, now or at the NTHth access to REG: reads give all ones, writes, DMA and messages are lost",
        _bus_all_ones,
        reaches="ixgbe_probe: ixgbe_removed after EEC -> err_ioremap, later -> err_sw_init (-EIO)",
        against=("mem-decode-refused",),
        optional=True,
    ),
    Fault(
        "dma-32bit",
        Door.DMA,
        "",
        "memory above 4 GiB cannot be mapped (dma-reach=32); a guest with more memory than that does not start",
        _dma_bits(32),
        reaches="ixgbe_probe: dma_set_mask_and_coherent(64) fails, 32 is taken: pci_using_dac = 0",
        against=REACHES,
    ),
    Fault(
        "dma-refused",
        Door.DMA,
        "",
        "no memory can be mapped (dma-reach=0); on the socket only: QEMU itself gives up before the guest runs",
        _dma_bits(0),
        reaches="ixgbe_probe: dma_set_mask_and_coherent(32) fails too -> err_dma (-EIO)",
        against=REACHES,
    ),
    Fault(
        "dma-fault",
        Door.DMA,
        "N",
        "the next N (1) DMA accesses fail; the queue whose they are stands still until it is enabled again",
        _dma_fault,
        reaches="ixgbe_check_tx_hang: Detected Tx Unit Hang -> ixgbe_tx_timeout_reset",
        optional=True,
    ),
    Fault(
        "no-msix",
        Door.INTERRUPT,
        "",
        "there is no MSI-X, for clients that come from now on",
        _missing(IrqKind.MSIX),
        reaches="ixgbe_set_interrupt_capability: ixgbe_acquire_msix_vectors fails -> one queue, MSI",
        against=("few-msix", "no-irq"),
    ),
    Fault(
        "no-msi",
        Door.INTERRUPT,
        "",
        "there is no MSI, for clients that come from now on; with no-msix INTx is left",
        _missing(IrqKind.MSI),
        reaches="ixgbe_set_interrupt_capability: pci_enable_msi fails -> legacy interrupt (with no-msix)",
        against=("no-irq",),
    ),
    Fault(
        "no-irq",
        Door.INTERRUPT,
        "",
        "there is no interrupt of any kind, for clients that come from now on",
        _missing(IrqKind.MSIX, IrqKind.MSI, IrqKind.INTX),
        reaches="ixgbe_probe: ixgbe_init_interrupt_scheme -> err_sw_init (-EIO); stock fails at open: request_irq",
        against=("few-msix", "no-msix", "no-msi", "set-irqs-refused"),
    ),
    Fault(
        "set-irqs-refused",
        Door.INTERRUPT,
        "K",
        "the Kth of those who set eventfds from now on (SET_IRQS) is refused: ENOSPC; QEMU says so in its own log",
        _set_irqs_refused,
        reaches="ice_alloc_irq: pci_msix_alloc_irq_at fails -> exit_free_res; ixgbe: the next best kind",
        against=("no-irq",),
    ),
    Fault(
        "irq-spurious",
        Door.INTERRUPT,
        "VECTOR",
        "messages of VECTOR (0) come ten times a second though nothing happened",
        _irq_spurious,
        reaches="ixgbe_msix_clean_rings: a poll that finds nothing; ixgbe_intr: IRQ_NONE",
        optional=True,
    ),
    Fault(
        "irq-delay",
        Door.INTERRUPT,
        "MS",
        "every message goes out MS milliseconds late; nobody else waits",
        _irq_delay,
        reaches="none: throughput and latency; from 2 s on ixgbe_check_tx_hang",
    ),
    Fault(
        "link-width",
        Door.CONFIG,
        "N",
        "the slot has N lanes (EXP_LNKSTA); a guest sees it behind a root port",
        stuck_number("EXP_LNKSTA.LINK_WIDTH", 1, 32, "lanes"),
        reaches="ixgbe_probe: ixgbe_check_minimum_link warns",
    ),
    Fault(
        "link-speed",
        Door.CONFIG,
        "N",
        "the slot runs at generation N, 1: 2.5 GT/s (EXP_LNKSTA); a guest sees it behind a root port",
        stuck_number("EXP_LNKSTA.LINK_SPEED", 1, 3, "a generation"),
        reaches="ixgbe_probe: ixgbe_check_minimum_link warns",
    ),
    Fault(
        "dual-port",
        Door.CONFIG,
        "",
        f"PCI_HEADER_TYPE says that the card has more functions; {QEMU_OWN}",
        stuck_at("PCI_HEADER_TYPE.MULTIFUNCTION:1"),
        reaches="none: ixgbe_enumerate_functions counts what is on the bus; one function is served a socket",
    ),
    Fault(
        "subsystem",
        Door.CONFIG,
        "ID",
        "the board's subsystem id, such as 0x0470, which may wake the system",
        stuck_number("PCI_SUBSYSTEM_ID", 0, 0xFFFF, "an id"),
        reaches="ixgbe_probe: ixgbe_wol_supported -> adapter->wol = IXGBE_WUFC_MAG",
    ),
)
