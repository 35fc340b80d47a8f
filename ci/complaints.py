# SPDX-License-Identifier: BSD-3-Clause
"""What a guest's kernel, QEMU and the device may say, and what of it is a failure."""

import re
from collections.abc import Iterable

from ci.talk import Message

WARNING_LEVEL = 4
Allowed = tuple[tuple[str, str], ...]

# Kernel messages of level warning or worse that name one of these are failures …
KERNEL_NAMES = re.compile(
    r"ixgbe|vfio|DMAR|\bBUG\b|WARNING|hung task|0000:0[1-9]:00\.0|\bTx Unit Hang\b|NETDEV WATCHDOG"
)
# … except these, each with its reason.
KERNEL_ALLOWED: Allowed = (
    # Linux 6.1 warns of any IOMMU that is not in scalable mode; QEMU's is not, and the NIC has no part in it.
    (r"^DMAR: VT-d Scalable Mode not enabled, no PASID allocation$", "QEMU's vIOMMU"),
)
# A card without MSI-X is one that ixgbe complains about at length.
KERNEL_WITHOUT_MSIX: Allowed = (
    (r"ixgbe .*Failed to allocate MSI-X interrupts", "what was asked for"),
    (r"ixgbe .*Failed to allocate MSI interrupt, falling back to legacy", "what was asked for"),
    (r"ixgbe .*Disabling (DCB|SR-IOV|RSS) support", "follows from one vector"),
)
# Lines of QEMU's stderr that begin so are failures …
QEMU_NAMES = re.compile(r"^(qemu-system|vfio_user_)")
# … except these, each with its reason.
QEMU_ALLOWED: Allowed = (
    # The device offers no ERR interrupt: QEMU's answer to one is to stop the VM for good.
    (r"warning: vfio \S+: Could not enable error recovery for the device$", "no ERR interrupt"),
)
# Lines of the device's log of level warning or worse are failures.
DEVICE_LEVELS = re.compile(r" [WEC] ")
DEVICE_LEVEL_WITHIN = 40  # characters: the time and the level stand in front
# … except that some were left out: those of their kind that came are judged themselves.
DEVICE_ALLOWED: Allowed = (
    (r": (more such lines are left out|\d+ such lines were left out)", "the log's limit"),
    (
        r" W (ixlab\.)?device\.machine\.stored: .* not obeyed$",
        "it asked for what FEATURES.md calls stored (ixgbe: DCA)",
    ),
    # Linux's self-test stores bad frames while it receives, and a transmit that is under way when a queue goes, by a
    # new ring or a reset that somebody else asked for, writes its tail all the same.
    (
        r" W (ixlab\.)?device\.machine\.told: (FCTRL <- .* while RXCTRL\.RXEN is 1|[RT]DT\[\d+\] <- .*ENABLE was 0 )",
        "ixgbe does so; a porter is told all the same",
    ),
)


# What no kernel says while all is well with it, whoever caused it.
_FATAL = re.compile(
    r"^(?:\[[^]]*\] *)?(?:BUG: |kernel BUG at |WARNING: |Oops: |general protection fault|KASAN: |UBSAN: )"
)


def fatal(messages: Iterable[Message]) -> list[str]:
    """Return a guest's kernel messages that begin a report of a bug in it, whatever their level."""
    return [message.text for message in messages if _FATAL.match(message.text)]


def _allowed(text: str, known: Allowed) -> bool:
    return any(re.search(pattern, text) for pattern, _ in known)


def of_kernel(messages: Iterable[Message], more: Allowed = ()) -> list[str]:
    """Return what a guest's kernel complained of and neither the list above nor ``more`` allows."""
    return [
        f"kernel <{message.level}> {message.text}"
        for message in messages
        if message.level <= WARNING_LEVEL
        and KERNEL_NAMES.search(message.text)
        and not _allowed(message.text, KERNEL_ALLOWED + more)
    ]


def of_qemu(log: str, more: Allowed = ()) -> list[str]:
    """Return what QEMU complained of and neither the list above nor ``more`` allows."""
    lines = (line for line in log.splitlines() if QEMU_NAMES.match(line))
    return [f"QEMU: {line}" for line in lines if not _allowed(line, QEMU_ALLOWED + more)]


def of_device(log: str, more: Allowed = ()) -> list[str]:
    """Return what a device complained of and neither the list above nor ``more`` allows."""
    lines = (line for line in log.splitlines() if DEVICE_LEVELS.search(line[:DEVICE_LEVEL_WITHIN]))
    return [f"device: {line}" for line in lines if not _allowed(line, DEVICE_ALLOWED + more)]
