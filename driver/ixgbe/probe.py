# SPDX-License-Identifier: BSD-3-Clause
"""Probe: from a claimed-by-nobody PCI function to an adapter that can be brought up, in the order of ixgbe_probe.

Every step is a small function that says what it found, and puts what undoes it on one stack.  If a step fails, the
stack is unwound: nothing stays mapped, claimed, or able to interrupt or to do DMA.  ``Adapter.close`` unwinds the same
stack.  Steps that any PCI function wants are in driver/core/probe_pci.py, those that
ask the card who it is in probe_card.py.

Ref: ixgbe_probe as annotated in the seed notes, and Linux 6.12.
"""

import errno
import logging
import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from device.regs.i82599 import CTRL_EXT, EICS, STATUS, WUS
from driver.core.clock import SystemClock
from driver.core.family import ProbeLog
from driver.core.probe_pci import (
    enable_device_mem,
    enable_error_reporting,
    request_mem_regions,
    save_state,
    set_dma_mask,
    set_master,
)
from driver.core.probing import run_steps
from driver.core.station import show, valid_station
from driver.doors.door import Door
from driver.errors import ProbeError
from driver.ixgbe.adapter import Adapter
from driver.ixgbe.hw.hw import Hw
from driver.ixgbe.hw.info import DEVICES, IDS, DeviceId
from driver.ixgbe.hw.phy import SfpType, UnsupportedSfpError
from driver.ixgbe.ice_scheme import scheme_for
from driver.ixgbe.probe_card import (
    add_san_mac,
    check_fw_error,
    check_wol,
    read_pba,
    read_versions,
    set_fw_drv_ver,
    setup_link,
)
from driver.ixgbe.probe_pci import check_minimum_link, get_bus_info
from driver.ixgbe.probing import ProbeOptions, Probing
from driver.ixgbe.rings import RINGS
from driver.ixgbe.sw_init import sw_init

__all__ = ["STEPS", "ProbeLog", "ProbeOptions", "Probing", "Step", "probe"]

log = logging.getLogger(__name__)

ALL = 0xFFFFFFFF


# ---- the steps, in their order -----------------------------------------------------------------------------------


def refuse_vf(p: Probing) -> str:
    """Refuse virtual functions and strangers before anything is touched.

    A broken card may put the wrong VF device id into its SR-IOV capability, so that VFs look like ports.
    """
    vendor, p.device_id, _, p.subsystem_id = p.config.ids()
    IDS.check(p.door.name, vendor, p.device_id)
    return f"{vendor:04x}:{p.device_id:04x} is a physical function"


def ioremap(p: Probing) -> str:
    """Reach the registers through BAR 0.

    Raises:
        ProbeError: EIO, there is no BAR 0.
    """
    try:
        p.bar_made = p.options.make_bar(p.door, 0, STATUS, sleep=p.clock.sleep, clock=p.clock.now_s)
    except OSError as err:
        raise ProbeError(errno.EIO, f"{p.door.name}: BAR 0 cannot be mapped: {err}") from err
    p.bar.wake_by(EICS)
    p.undo_with("registers", lambda: _quiesce(p))
    return f"BAR 0, {p.bar.len_bytes // 1024} KiB"


def _quiesce(p: Probing) -> None:
    """Leave the function silent: no receive, no interrupts, and firmware told that nobody drives it.

    Raises:
        OSError: One of it was refused; the rest was done.
        DriverError: Likewise.
    """
    if p.hw_made is None or (p.adapter_made is not None and p.adapter.asleep):
        return
    with ExitStack() as rest:  # last first
        rest.callback(lambda: p.bar.update(CTRL_EXT, DRV_LOAD=0))
        rest.callback(p.hw.reset.mask_interrupts)
        rest.callback(p.hw.reset.disable_rx)


def setup_hw_api(p: Probing) -> str:
    """Bind the operations that this device id's MAC generation has."""
    device: DeviceId = DEVICES[p.device_id]
    p.hw_made = Hw(p.bar, p.door, device, device.info, p.clock)
    p.hw.phy.allow_unsupported_sfp = p.options.allow_unsupported_sfp
    p.hw.link.flow_control = p.options.flow_control
    return f"{device.name}: MAC {device.info.mac.value} ({device.info.name})"


def select_eeprom(p: Probing) -> str:
    """EEC decides how the EEPROM is read: EERD if the chip found a valid image, else bit by bit."""
    eec = p.hw.eeprom.select()
    how = "EEC.PRES=0: bit-bang" if p.hw.eeprom.bit_bang else "EERD"
    return f"{how}, {p.hw.eeprom.words} words, {16 if eec.ADDR_SIZE else 8}-bit addresses"


def sw_init_step(p: Probing) -> str:
    """Limits and sizes before the hardware is touched."""
    p.sw_made = sw_init(p.hw, p.cpus)
    p.sw.itr_us = p.options.itr_us
    p.sw.ring_count = RINGS.check_count(p.options.ring_count)
    return (
        f"RSS up to {p.sw.rss_limit} queues, {p.sw.rar_entries} MAC addresses, "
        f"{p.sw.msix_table} MSI-X vectors, {p.sw.queue_limit} queues for {p.cpus} CPUs"
    )


def init_swfw_sync(_: Probing) -> str:
    """Leave the semaphores alone: this chip's are shared with the other port, whose driver may hold some.

    Later chips start theirs afresh here.  A dead owner is overruled when what it holds is wanted.

    Ref: ixgbe_82599.c has no init_swfw_sync; Observed: the recorded probe of 6.12 touches SWSM in reset_hw first.
    """
    return "not on this chip: the other port may hold some"


def clear_wake_status(p: Probing) -> str:
    """Make it possible for the function to wake the system again."""
    p.bar.write(WUS, ALL)
    return "WUS cleared"


def reset_hw(p: Probing) -> str:
    """Reset the port; an empty cage is fine, a module that we do not drive is not.

    Raises:
        ProbeError: EOPNOTSUPP, unsupported module; EALREADY or EIO, the reset failed.
    """
    try:
        p.hw.reset.reset_hw()
    except UnsupportedSfpError as err:
        raise ProbeError(
            errno.EOPNOTSUPP,
            "failed to load because an unsupported SFP+ or QSFP module type was detected; "
            f"reload the driver after installing a supported module ({err})",
        ) from err
    phy = p.hw.phy
    if phy.sfp_type is SfpType.NOT_PRESENT:
        return "no SFP+ module: going on, the link waits for one"
    return f"SFP+ {phy.title} ({phy.type.name})"


def validate_eeprom(p: Probing) -> str:
    """The EEPROM's checksum must be right.

    Raises:
        ProbeError: EIO, it is not.
    """
    return f"checksum {p.hw.eeprom.validate_checksum():#06x} is right"


def get_mac_address(p: Probing) -> str:
    """Our address, which the reset loaded into RAR 0.

    Raises:
        ProbeError: EIO, it is zero or multicast.
    """
    address = p.hw.perm_addr
    if not valid_station(address):
        why = "multicast" if any(address) else "zero"
        raise ProbeError(errno.EIO, f"invalid MAC address {show(address)}: {why}")
    return show(address)


def mac_set_default_filter(p: Probing) -> str:
    """Take frames to our address."""
    p.hw.mac.set_default_filter(p.hw.perm_addr)
    return f"RAR 0 = {show(p.hw.perm_addr)}, pool 0"


def init_service_task(p: Probing) -> str:
    """Make the adapter with its service task; it does nothing until the port is up."""
    scheme = scheme_for(p.door, p.bar, cpus=p.cpus, kinds=p.options.interrupts, wanted=p.options.vectors)
    p.adapter_made = Adapter(p.hw, p.sw, scheme, p.claim, iova_base=p.iova_base)
    p.adapter.saved_state = p.saved_state
    return "link, statistics, hang check"


def init_interrupt_scheme(p: Probing) -> str:
    """Take interrupts and share rings out to them.

    Raises:
        ProbeError: EIO, there is no interrupt to be had.
    """
    p.undo_with("interrupts", p.adapter.scheme.clear)
    return p.adapter.scheme.init(p.options.queues if p.options.queues is not None else p.sw.queue_limit)


def start_hw(p: Probing) -> str:
    """Bring the fresh port to a known state; pre-production firmware is only a warning."""
    if not p.hw.reset.start_hw():
        log.warning(
            "%s is a pre-production adapter or its EEPROM lacks a firmware version; there may be issues with it",
            p.door.name,
        )
        return "filters empty, statistics zero; pre-production firmware"
    return "filters empty, statistics zero"


def register_netdev(p: Probing) -> str:
    """Tell the rest of the system that there is a port: its interface is there from now on, without carrier.

    Raises:
        DriverError: There cannot be such an interface.
    """
    p.adapter.about["interrupts"] = p.adapter.scheme.kind.name if p.adapter.scheme.kind is not None else "none"
    if p.options.register is None:
        return "nobody asked"
    p.undo_with("netdev", p.options.register(p.adapter))
    return "registered"


def disable_tx_laser(p: Probing) -> str:
    """Power down the optics until the port is up."""
    p.hw.link.set_laser(on=False)
    return "off until the port is up"


Step = Callable[[Probing], str]

STEPS: tuple[tuple[str, Step], ...] = (
    ("refuse_vf", refuse_vf),
    ("enable_device_mem", enable_device_mem),
    ("set_dma_mask", set_dma_mask),
    ("request_mem_regions", request_mem_regions),
    ("enable_error_reporting", enable_error_reporting),
    ("set_master", set_master),
    ("save_state", save_state),
    ("ioremap", ioremap),
    ("setup_hw_api", setup_hw_api),
    ("select_eeprom", select_eeprom),
    ("sw_init", sw_init_step),
    ("init_swfw_sync", init_swfw_sync),
    ("clear_wake_status", clear_wake_status),
    ("reset_hw", reset_hw),
    ("check_fw_error", check_fw_error),
    ("validate_eeprom", validate_eeprom),
    ("get_mac_address", get_mac_address),
    ("mac_set_default_filter", mac_set_default_filter),
    ("init_service_task", init_service_task),
    ("init_interrupt_scheme", init_interrupt_scheme),
    ("check_wol", check_wol),
    ("read_versions", read_versions),
    ("get_bus_info", get_bus_info),
    ("check_minimum_link", check_minimum_link),
    ("read_pba", read_pba),
    ("start_hw", start_hw),
    ("register_netdev", register_netdev),
    ("disable_tx_laser", disable_tx_laser),
    ("set_fw_drv_ver", set_fw_drv_ver),
    ("add_san_mac", add_san_mac),
    ("setup_link", setup_link),
)


def probe(
    door: Door,
    options: ProbeOptions | None = None,
    watch: ProbeLog | None = None,
    *,
    steps: Sequence[tuple[str, Step]] = STEPS,
) -> Adapter:
    """Probe the function behind ``door``.

    The door belongs to the probe from now on: it is closed on failure, and by ``Adapter.close``.

    Args:
        door: The function.
        options: The user's decisions.
        watch: Told of each step as it is done.
        steps: What to do; tests put failures in between.

    Returns:
        The adapter, not up yet.

    Raises:
        ProbeError: The function cannot be driven; ``code`` is the errno that Linux would return.
        Busy: Another driver has it.
        DeviceGone: It stopped answering.
    """
    options = options or ProbeOptions()
    p = Probing(door, options, clock=options.clock or SystemClock())
    p.cpus = options.vectors.cpus or options.cpus or len(os.sched_getaffinity(0))
    undo = run_steps(p, steps, watch)
    p.adapter.adopt(undo)
    return p.adapter
