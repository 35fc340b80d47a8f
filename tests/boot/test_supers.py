# SPDX-License-Identifier: BSD-3-Clause
"""Super-frames on the tap, coalesced ones in the guest: stock ixgbe, TCP both ways, and what counters say of it."""

import re
from collections.abc import Callable, Iterator

import pytest

from ci.demo import FCS_BYTES, HOST4, HOST6, WIRE4, WIRE6
from ci.vm import Options, Vm
from tests.boot.figures import Rises, quiet, rises, tally
from tests.boot.judge import MIB, feature, ping, tcp
from tests.boot.traffic import captured


@pytest.fixture(scope="module")
def vm(start: Callable[[Options], Vm]) -> Iterator[Vm]:
    made = start(Options(kernel="6.12"))
    assert made.bind() == "eth0"
    yield made
    made.stop_qemu()


def chip_and_port_agree(rise: Rises) -> bool:
    return rise["port.rx_frames"] == rise["nic.rx_pkts_nic"] and rise["port.tx_frames"] == rise["nic.tx_pkts_nic"]


def moved(vm: Vm, *addresses: str) -> Rises:
    """TCP to these; by how much all figures rise, of which those that count frames agree."""
    quiet(vm)
    before = tally(vm)
    tcp(vm, 8 * MIB, addresses)
    rise = rises(vm, before, chip_and_port_agree)
    for way in ("rx", "tx"):
        frames = rise[f"port.{way}_frames"]
        assert frames == rise[f"card.{way}_frames"] == rise[f"nic.{way}_pkts_nic"]
        assert rise[f"port.{way}_bytes"] == rise[f"card.{way}_bytes"]
        assert rise[f"port.{way}_bytes"] + FCS_BYTES * frames == rise[f"nic.{way}_bytes_nic"]
    errors = {name: value for name, value in rise.items() if re.search(r"error|dropped|missed|collision", name)}
    assert not any(errors.values()), errors
    return rise


@pytest.mark.parametrize("address", [WIRE4, WIRE6])
def test_the_guest_sends_super_frames(vm: Vm, address: str) -> None:
    with captured(vm, "src port not 22 and greater 1600", "-q", guest=False) as outside:
        rise = moved(vm, address)
    assert outside.frames > 0
    assert rise["card.tx_packets_tso"] > 0
    assert rise["tap.rx.packets"] < rise["nic.tx_pkts_nic"] / 4


def test_what_the_host_sends_is_coalesced(vm: Vm) -> None:
    with feature(vm, "lro", "on"):
        rise = moved(vm, HOST4)
        ping(vm, count=20, size=1000)
    assert rise["nic.hw_rsc_aggregated"] > rise["nic.rx_pkts_nic"] / 2
    assert 0 < rise["nic.hw_rsc_flushed"] < rise["nic.hw_rsc_aggregated"] / 4
    assert rise["tap.tx.packets"] < rise["nic.rx_pkts_nic"] / 4


@pytest.mark.parametrize("address", [HOST4, HOST6])
def test_without_it_the_guest_gets_frames(vm: Vm, address: str) -> None:
    rise = moved(vm, address)
    assert rise["nic.hw_rsc_aggregated"] == 0
    assert rise["nic.rx_packets"] == rise["nic.rx_pkts_nic"]
    assert rise["tap.tx.packets"] < rise["nic.rx_pkts_nic"] / 4
