# SPDX-License-Identifier: BSD-3-Clause
"""Debian's own kernels and their own ixgbe: a driver nobody here wrote."""

import re
import time
from collections.abc import Callable

import pytest

from ci.demo import HOST4, WIRE4, WIRE_IF
from ci.say import CiError
from ci.vm import MAC, NIC_ADDRESS, Options, Vm
from tests.boot.judge import GUEST, MIB, WIRE, counters, ping, send_udp, settle, tcp


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


# What `lspci -vvv` says of an X520; QEMU shows a guest neither ARI nor SR-IOV, and VPD is optional.
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


@pytest.mark.parametrize("size", [64, 1472, 9000])
def test_ping(vm: Vm, size: int) -> None:
    ping(vm, count=300, size=size)


def test_tcp_both_ways(vm: Vm) -> None:
    tcp(vm, 16 * MIB, (*WIRE, *GUEST))


def test_counters_equal_what_the_tap_saw(vm: Vm) -> None:
    def both() -> tuple[dict[str, int], dict[str, int]]:
        port = vm.ask_nic(report=True)["report"]
        assert isinstance(port, dict)
        return counters(vm), {key: int(value) for key, value in port["port"].items() if isinstance(value, int)}

    vm.run("ethtool -S eth0 >/dev/null; sleep 1")
    before, wire_before = both()
    tcp(vm)

    def rose(name: str) -> int:
        return after[name] - before[name]

    after, wire_after = both()
    for _ in range(20):  # the driver's own copies are up to 2 s old
        nic, seen = rose("tx_pkts_nic"), wire_after["tx_frames"] - wire_before["tx_frames"]
        if nic == seen and rose("rx_pkts_nic") == rose("rx_packets"):
            break
        time.sleep(0.5)
        after, wire_after = both()
    assert rose("tx_pkts_nic") == wire_after["tx_frames"] - wire_before["tx_frames"]
    assert rose("tx_packets") <= rose("tx_pkts_nic")  # a segmented packet is one for the driver, many for the wire
    assert rose("rx_pkts_nic") == rose("rx_packets")
    assert not any(after[name] for name in ("rx_errors", "tx_errors", "rx_crc_errors", "rx_csum_offload_errors"))


def test_jumbo_frames(vm: Vm) -> None:
    vm.run("ip link set eth0 mtu 9000")
    vm.wire.run("ip", "link", "set", WIRE_IF, "mtu", "9000")
    try:
        settle(vm)
        ping(vm, size=8972)
        tcp(vm, 8 * MIB, (*WIRE, *GUEST))
    finally:
        vm.run("ip link set eth0 mtu 1500")
        vm.wire.run("ip", "link", "set", WIRE_IF, "mtu", "1500")
        settle(vm)


@pytest.mark.parametrize(
    "feature", ["tso", "gso", "gro", "tx", "rx", "sg", "rxhash", "txvlan", "rxvlan", "rx-vlan-filter"]
)
def test_without_an_offload(vm: Vm, feature: str) -> None:
    vm.run(f"ethtool -K eth0 {feature} off")
    settle(vm)
    tcp(vm, 4 * MIB)
    vm.run(f"ethtool -K eth0 {feature} on; ethtool -K eth0 sg on tx on tso on gso on")
    settle(vm)


def test_large_receive_offload(vm: Vm) -> None:
    vm.run("ethtool -K eth0 lro on")
    settle(vm)
    tcp(vm, 8 * MIB, GUEST)
    vm.run("ethtool -K eth0 lro off")
    settle(vm)


def test_perfect_filters_steer_and_drop(vm: Vm) -> None:
    vm.run("ethtool -K eth0 ntuple on")
    settle(vm)
    vm.run(f"ethtool -N eth0 flow-type udp4 dst-ip {HOST4} dst-port 4242 action 1")
    vm.run(f"ethtool -N eth0 flow-type udp4 dst-ip {HOST4} dst-port 4243 action -1")
    vm.run(f"ping -c 1 -w 30 {WIRE4}")
    before = counters(vm)
    send_udp(vm, 4242, 100)
    send_udp(vm, 4243, 50)
    vm.run(f"ping -c 1 -w 30 {WIRE4}")  # what came before has been received by now
    after = {name: value - before[name] for name, value in counters(vm).items()}
    for _ in range(10):
        if after["fdir_match"] >= 150:
            break
        time.sleep(0.5)
        after = {name: value - before[name] for name, value in counters(vm).items()}
    assert after["fdir_match"] == 150
    assert 100 <= after["rx_queue_1_packets"] < 150
    assert after["rx_queue_0_packets"] < 50
    rules = re.findall(r"^Filter: (\d+)$", vm.run("ethtool -n eth0").out, re.MULTILINE)
    assert len(rules) == 2
    vm.run("; ".join(f"ethtool -N eth0 delete {rule}" for rule in rules))
    vm.run("ethtool -K eth0 ntuple off")
    settle(vm)


@pytest.mark.parametrize(
    ("change", "back"),
    [
        ("-X eth0 weight 0 1", "-X eth0 default"),
        ("-G eth0 rx 64 tx 64", "-G eth0 rx 512 tx 512"),
        ("-G eth0 rx 4096 tx 4096", "-G eth0 rx 512 tx 512"),
        ("-C eth0 rx-usecs 200", "-C eth0 rx-usecs 1"),
        ("-A eth0 rx off tx off", "-A eth0 rx on tx on"),
        ("-L eth0 combined 1", "-L eth0 combined 2"),
    ],
)
def test_changed_under_traffic(vm: Vm, change: str, back: str) -> None:
    if vm.options.kernel == "6.1" and change.startswith("-X"):
        # Debian 13's ethtool sets a field (input_xfrm) that Linux 6.1 does not know and refuses.
        with pytest.raises(CiError, match="Invalid argument"):
            vm.run(f"ethtool {change}")
        return
    flood = vm.begin(f"exec ping -q -i 0.002 -s 1000 {WIRE4}")
    time.sleep(0.3)
    vm.run(f"ethtool {change}")
    settle(vm)
    tcp(vm, 4 * MIB)
    vm.run(f"ethtool {back}")
    settle(vm)
    flood.kill(2)
    flood.wait(60)
    ping(vm)
