# SPDX-License-Identifier: BSD-3-Clause
"""What a guest, QEMU and a device may not say without failing a test."""

import pytest

from ci import complaints
from ci.talk import Message

HUNG = "ixgbe 0000:01:00.0 eth0: Detected Tx Unit Hang"


@pytest.mark.parametrize(
    "text",
    [
        HUNG,
        "NETDEV WATCHDOG: CPU: 1: transmit queue 0 timed out 5000 ms",
        "BUG: unable to handle page fault for address: ffffc90000000000",
        "WARNING: CPU: 0 PID: 1 at net/core/dev.c:1",
        "DMAR: [DMA Write NO_PASID] Request device [01:00.0] fault addr 0x0",
        "vfio-pci 0000:01:00.0: resetting",
        "pcieport 0000:00:02.0: AER: Corrected error received: 0000:02:00.0",
    ],
)
def test_a_warning_of_the_kernel_that_names_the_nic(text: str) -> None:
    assert complaints.of_kernel([Message(4, text)]) == [f"kernel <4> {text}"]
    assert complaints.of_kernel([Message(3, text)]) == [f"kernel <3> {text}"]
    assert complaints.of_kernel([Message(5, text)]) == [], "a notice is none"


def test_of_others_and_of_what_is_known_nothing_is_said() -> None:
    known = "DMAR: VT-d Scalable Mode not enabled, no PASID allocation"
    assert complaints.of_kernel([Message(4, "ACPI: _OSC evaluation failed"), Message(4, known)]) == []
    assert complaints.of_kernel([Message(4, f"{known}, and more")]) != []


def test_expected_ones_are_those_that_match() -> None:
    assert complaints.of_kernel([Message(3, HUNG)], ((r"Tx Unit Hang$", "provoked"),)) == []
    assert complaints.of_kernel([Message(3, HUNG)], ((r"^Tx Unit Hang", "provoked"),)) != []


def test_lines_of_qemu() -> None:
    log = "vfio_user_recv: unexpected reply\nqemu-system-x86_64: vfio: error\nelsewhere: qemu-system\n"
    log += "qemu-system-x86_64: warning: vfio 0000: Could not enable error recovery for the device\n"
    assert complaints.of_qemu(log) == [
        "QEMU: vfio_user_recv: unexpected reply",
        "QEMU: qemu-system-x86_64: vfio: error",
    ]
    assert complaints.of_qemu(log, ((r"unexpected reply", "provoked"), (r"vfio: error", "provoked"))) == []


def test_lines_of_the_device() -> None:
    log = "2026-01-01 00:00:00,000 I device.i82599.link: link is up\n2026-01-01 00:00:00,000 W device.serve.vfu: no\n"
    log += "2026-01-01 00:00:00,000 E device.card: worse\n2026-01-01 00:00:00,000 I device.x: a line with W in it\n"
    told = "2026-01-01 00:00:00,000 W device.machine.told: {}\n"
    for usual in ("FCTRL <- 0x00000402 changes SBP=1 while RXCTRL.RXEN is 1",
                  "TDT[1] <- 0x00000002 came while TXDCTL[1].ENABLE was 0 and counts only from then on"):  # fmt: skip
        assert complaints.of_device(told.format(usual)) == []
    wrong = told.format("RDLEN[0] <- 0x00000001 sets bits 0x1, which no field has")
    assert len(complaints.of_device(wrong)) == 1, "what a stock driver does is right"
    found = complaints.of_device(log)
    assert len(found) == 2
    assert found[0].endswith("W device.serve.vfu: no")
    assert found[1].endswith("E device.card: worse")
    assert complaints.of_device(log, ((r"device\.(serve\.vfu|card)", "provoked"),)) == []


def test_that_lines_were_left_out_is_no_complaint_of_its_own() -> None:
    log = "2026-11-28 05:37:04,363 W device.machine.stall: {}\n"
    said = ("Rx queue 3 stands still", "more such lines are left out for now", "7 such lines were left out: %s")
    assert len(complaints.of_device("".join(log.format(text) for text in said))) == 1
