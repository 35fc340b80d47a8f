# SPDX-License-Identifier: BSD-3-Clause
"""Debian's own kernels and their own ixgbe: a driver nobody here wrote."""

import re
from collections.abc import Callable

import pytest

from ci.vm import MAC, NIC_ADDRESS, Options, Vm
from tests.boot.judge import settle


@pytest.fixture(scope="module", params=["6.12", "6.1"])
def vm(request: pytest.FixtureRequest, start: Callable[[Options], Vm]) -> Vm:
    made = start(Options(kernel=request.param))
    assert made.bind() == "eth0"
    return made


def test_banner(vm: Vm) -> None:
    banner = "\n".join(message.text for message in vm.messages if "ixgbe" in message.text)
    assert f"ixgbe {NIC_ADDRESS}: MAC: 2, PHY: 20, SFP+: 5, PBA No: IXLAB0-001" in banner
    assert f"ixgbe {NIC_ADDRESS}: {MAC}" in banner
    assert "32.000 Gb/s available PCIe bandwidth (5.0 GT/s PCIe x8 link)" in banner
    assert "NIC Link is Up 10 Gbps, Flow Control: RX/TX" in banner


# What `lspci -vvv` says of an X520; QEMU shows a guest neither ARI nor SR-IOV.
LSPCI = """\
82599ES 10-Gigabit SFI/SFP+ Network Connection (rev 01)
Subsystem: Intel Corporation Ethernet Server Adapter X520-2
(64-bit, non-prefetchable) [size=512K]
[size=32]
(64-bit, non-prefetchable) [size=16K]
[40] Power Management version 3
Flags: PMEClk- DSI+ D1- D2- AuxCurrent=0mA PME(D0+,D1-,D2-,D3hot+,D3cold-)
Status: D0 NoSoftRst- PME-Enable- DSel=0 DScale=1 PME-
[50] MSI: Enable- Count=1/1 Maskable+ 64bit+
[70] MSI-X: Enable+ Count=64 Masked-
Vector table: BAR=4 offset=00000000
PBA: BAR=4 offset=00002000
[a0] Express (v2) Endpoint
MaxPayload 512 bytes, PhantFunc 0, Latency L0s <512ns, L1 <64us
ExtTag- AttnBtn- AttnInd- PwrInd- RBE+ FLReset+
CorrErr+ NonFatalErr+ FatalErr+ UnsupReq+
RlxdOrd+ ExtTag- PhantFunc- AuxPwr- NoSnoop+ FLReset-
CorrErr- NonFatalErr- FatalErr- UnsupReq- AuxPwr- TransPend-
Port #0, Speed 5GT/s, Width x8, ASPM L0s
Completion Timeout: Range ABCD, TimeoutDis+
Completion Timeout: 50us to 50ms, TimeoutDis-
Target Link Speed: 5GT/s, EnterCompliance- SpeedDis-
Current De-emphasis Level: -6dB
[e0] Vital Product Data
[100 v1] Advanced Error Reporting
DLP+ SDES- TLP- FCP+ CmpltTO- CmpltAbrt- UnxCmplt- RxOF+ MalfTLP+
ECRCGenCap+ ECRCGenEn- ECRCChkCap+ ECRCChkEn-
[140 v1] Device Serial Number 02-00-00-ff-ff-82-59-90
Kernel driver in use: ixgbe
"""


def test_lspci_is_the_real_cards(vm: Vm) -> None:
    out = vm.run(f"lspci -vvv -s {NIC_ADDRESS}").out
    at = 0
    for text in LSPCI.splitlines():  # in this order
        assert text in out[at:], f"{text!r} is missing in what follows:\n{out[at:]}"
        at += out[at:].index(text)


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("-i", "driver: ixgbe"),
        ("-k", "tcp-segmentation-offload: on"),
        ("-g", "RX:			512"),
        ("-l", "Combined:	2"),
        ("-x", "toeplitz: on"),
        ("-c", "rx-usecs:	1"),
        ("-a", "RX:		on"),
        ("-n", "2 RX rings available"),
        ("-m", "Transceiver type                          : 10G Ethernet: 10G Base-SR"),
        ("-e", "0x0000:"),
        ("-d", "Link Speed:                                    10G"),
        ("-S", "rx_packets: "),
        ("-T", "hardware-transmit"),
        ("", "Speed: 10000Mb/s"),
    ],
)
def test_ethtool_answers(vm: Vm, option: str, text: str) -> None:
    assert text in vm.run(f"ethtool {option} eth0").out


@pytest.mark.parametrize("kind", ["online", "offline"])
def test_its_own_self_test(vm: Vm, kind: str) -> None:
    settle(vm)
    out = vm.run(f"ethtool -t eth0 {kind}", timeout_s=300).out
    assert "The test result is PASS" in out, out
    assert re.findall(r"\t +(\d+)$", out, re.MULTILINE) == ["0"] * 5, out
    settle(vm)
