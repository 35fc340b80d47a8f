# SPDX-License-Identifier: BSD-3-Clause
"""Probe: from a virtual function to an adapter that can be brought up, in the order of ixgbevf_probe.

If a step fails, what the steps before it took is given back.  A virtual function is of use only with a driver of its
physical function: every failure that comes of that says which program is missing.

Ref: ixgbevf_probe, ixgbevf_sw_init.
"""

import errno
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from device.regs.i82599.vf import BAR0_BYTES, VFSTATUS, VTEICS
from driver.core.bar import Bar
from driver.core.clock import Clock, SystemClock
from driver.core.family import Ids, ProbeLog
from driver.core.itr import ITR_20K_US
from driver.core.probe_pci import enable_device_mem, request_mem_regions, save_state, set_dma_mask, set_master
from driver.core.probing import PciProbing, run_steps
from driver.core.sriov import advice, who_drives
from driver.core.station import show
from driver.core.vector_options import VectorOptions
from driver.doors.door import Door
from driver.errors import DeviceGone, ProbeError
from driver.ixgbevf.adapter import VfAdapter
from driver.ixgbevf.hw import VfHw
from driver.ixgbevf.interrupts import QUEUE_VECTORS_MAX, VfInterrupts, check_options, check_queues
from driver.ixgbevf.mailbox import VERSIONS, MailboxError, RestartError
from driver.ixgbevf.rings import RING_DEFAULT, RINGS

IDS = Ids(driven={(0x8086, 0x10ED): "82599 VF"}, virtual={})


def not_enabled(name: str, err: DeviceGone) -> DeviceGone:
    """What to say of a function that reads all ones."""
    return DeviceGone(f"{err}; VFs are not enabled: {needed(name)}")


def needed(name: str) -> str:
    """Which program has to run."""
    return advice(name) or who_drives()


@dataclass(frozen=True, slots=True)
class VfOptions:
    """What a user may decide.

    Attributes:
        queues: Ring pairs to make vectors for; up to two, one per CPU, if not given.
        ring_count: Descriptors per ring.
        itr_us: Moderation interval of queue vectors, in µs.
        cpus: Online CPUs; counted if not given.
        clock: Time; the system's if not given.
        claim_dir: Where claims live; the usual place if not given.
        register: Makes the interface; what it returns removes it.
        vectors: How to share out interrupt vectors.
    """

    queues: int | None = None
    ring_count: int = RING_DEFAULT
    itr_us: int = ITR_20K_US
    cpus: int | None = None
    clock: Clock | None = None
    claim_dir: Path | None = None
    register: Callable[[VfAdapter], Callable[[], object]] | None = None
    vectors: VectorOptions = field(default_factory=VectorOptions)


@dataclass
class VfProbing(PciProbing):
    """A probe under way: what the steps have so far."""

    options: VfOptions
    cpus: int = 1
    hw_made: VfHw | None = None
    adapter_made: VfAdapter | None = None

    @property
    def hw(self) -> VfHw:
        """The hardware, once its registers are mapped."""
        assert self.hw_made is not None
        return self.hw_made

    @property
    def adapter(self) -> VfAdapter:
        """The adapter, once there is one."""
        assert self.adapter_made is not None
        return self.adapter_made


# ---- the steps, in their order -----------------------------------------------------------------------------------


def check_function(p: VfProbing) -> str:
    """Refuse strangers before anything is touched."""
    vendor, device, _, _ = p.config.ids()
    IDS.check(p.door.name, vendor, device)
    check_options(p.door, p.options.vectors)
    return f"{vendor:04x}:{device:04x} is a virtual function"


def ioremap(p: VfProbing) -> str:
    """Reach the registers through BAR 0.

    Raises:
        ProbeError: EIO, there is no BAR 0, or it is too small for a virtual function's.
        DeviceGone: It reads all ones: the function does not exist.
    """
    try:
        bar = Bar(p.door, 0, VFSTATUS, sleep=p.clock.sleep, clock=p.clock.now_s)
    except OSError as err:
        raise ProbeError(errno.EIO, f"{p.door.name}: BAR 0 cannot be mapped: {err}") from err
    bar.wake_by(VTEICS)
    if bar.len_bytes < BAR0_BYTES:
        raise ProbeError(
            errno.EIO, f"{p.door.name}: BAR 0 has {bar.len_bytes} bytes, a virtual function's has {BAR0_BYTES}"
        )
    try:
        bar.read(VFSTATUS)
    except DeviceGone as err:
        raise not_enabled(p.door.name, err) from err
    p.hw_made = VfHw(bar, p.door, p.clock)
    p.undo_with("registers", p.hw.reset)
    return f"BAR 0, {bar.len_bytes // 1024} KiB, {p.hw.number()}"


def reset_and_introduce(p: VfProbing) -> str:
    """Reset the function; learn from its peer our address, its API and our queues.

    Raises:
        ProbeError: ETIMEDOUT, there is no peer that answers; EPROTO, its answers make no sense.
    """
    try:
        return p.hw.start()
    except MailboxError as err:
        absent = isinstance(err, RestartError) or "waited" in str(err)
        code = errno.ETIMEDOUT if absent else errno.EPROTO
        raise ProbeError(code, f"{err}; {needed(p.door.name)}") from err


def get_mac_address(p: VfProbing) -> str:
    """The address that the peer gave, or one of our own making."""
    return f"{show(p.hw.address)}, {'given' if p.hw.given else 'made up: none was given'}"


def make_adapter(p: VfProbing) -> str:
    """Make the adapter with its service task; it does nothing until it is up."""
    scheme = VfInterrupts(p.door, p.hw.bar, cpus=p.cpus, wanted=p.options.vectors)
    p.adapter_made = VfAdapter(p.hw, scheme, p.claim, iova_base=p.iova_base)
    p.adapter.itr_us = p.options.itr_us
    p.adapter.ring_count = RINGS.check_count(p.options.ring_count)
    p.adapter.saved_state = p.saved_state
    return "mailbox, link, statistics, hang check"


def init_interrupt_scheme(p: VfProbing) -> str:
    """Take interrupts and share rings out to them.

    Raises:
        ProbeError: EIO, there are too few; EINVAL, more queues or vectors were asked for than it has.
    """
    p.undo_with("interrupts", p.adapter.scheme.clear)
    offer = p.hw.offer
    xdp = p.options.vectors.xdp_rings
    usual = max(1, min(offer.rx, offer.tx - xdp, p.cpus, QUEUE_VECTORS_MAX))
    queues = p.options.queues if p.options.queues is not None else usual
    return p.adapter.scheme.init(check_queues(p.door, queues, xdp, offer.tx, offer.rx))


def register_netdev(p: VfProbing) -> str:
    """Tell the rest of the system that there is an interface, without carrier.

    Raises:
        DriverError: There cannot be such an interface.
    """
    offer, hw = p.hw.offer, p.hw
    p.adapter.about.update(
        {
            "mac": show(hw.address),
            "address": "given by the physical function's driver" if hw.given else "made up",
            "api": VERSIONS[hw.mailbox.api],
            "queues": f"{offer.rx} Rx, {offer.tx} Tx",
            "vlan": "tagged by the physical function's driver" if offer.tagged else "our own tags",
            "interrupts": "MSIX",
        }
    )
    if p.options.register is None:
        return "nobody asked"
    p.undo_with("netdev", p.options.register(p.adapter))
    return "registered"


Step = Callable[[VfProbing], str]

STEPS: tuple[tuple[str, Step], ...] = (
    ("check_function", check_function),
    ("enable_device_mem", enable_device_mem),
    ("set_dma_mask", set_dma_mask),
    ("request_mem_regions", request_mem_regions),
    ("set_master", set_master),
    ("save_state", save_state),
    ("ioremap", ioremap),
    ("reset_and_introduce", reset_and_introduce),
    ("get_mac_address", get_mac_address),
    ("make_adapter", make_adapter),
    ("init_interrupt_scheme", init_interrupt_scheme),
    ("register_netdev", register_netdev),
)


def probe(
    door: Door,
    options: VfOptions | None = None,
    watch: ProbeLog | None = None,
    *,
    steps: Sequence[tuple[str, Step]] = STEPS,
) -> VfAdapter:
    """Probe the virtual function behind ``door``, which belongs to the probe from now on.

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
        DeviceGone: It does not exist, or stopped answering.
    """
    options = options or VfOptions()
    p = VfProbing(door, options, clock=options.clock or SystemClock(), claim_dir=options.claim_dir)
    p.cpus = options.vectors.cpus or options.cpus or len(os.sched_getaffinity(0))
    undo = run_steps(p, steps, watch)
    p.adapter.adopt(undo)
    return p.adapter
