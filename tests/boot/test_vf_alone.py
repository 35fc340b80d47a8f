# SPDX-License-Identifier: BSD-3-Clause
"""Virtual functions whose mailbox the device answers itself, because nobody drives the physical function."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ci import stale
from ci.vfs import WIRE4, SharedCard
from ci.vm import Options, Vm
from tests.boot.parties import GUEST4, GUEST6, Guest, Here, echoes, seen_by, tcp

KERNELS = ("6.12", "6.1")


def test_a_command_in_a_guest_on_a_virtual_function(root: Path) -> None:
    """Our driver has the physical function; all of it is gone at the end."""
    before = set(Path("/tmp").glob("ixlab-*"))
    words = [sys.executable, "-m", "ci", "vm", "--vf", "1", "--run", "ip link show eth0"]
    env = os.environ | {"IXLAB_READY": "1"}
    done = subprocess.run(words, cwd=root, env=env, text=True, capture_output=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "state UP" in done.stdout
    assert set(Path("/tmp").glob("ixlab-vfs-*")) - before == set()


@pytest.fixture(scope="module", params=KERNELS)
def guest(request: pytest.FixtureRequest) -> Iterator[tuple[Guest, Here]]:
    with SharedCard(stale.run_folder("vfs"), 2, pf="none") as card:
        card.start()
        options = Options(driver="ixgbevf", kernel=request.param, others=tuple(card.of_guest(1)), wire=card.wire,
                          iommu=False, from_state=True)  # fmt: skip
        with Vm(options) as vm:
            vm.start()
            vm.bind(v4=GUEST4[0], v6=GUEST6[0])
            yield Guest("guest", vm, GUEST4[0], GUEST6[0], 1), Here("wire", card.wire, WIRE4, "2001:db8::1", "ixwire0")
            assert vm.complaints() == []


def test_it_has_an_address_and_a_link(guest: tuple[Guest, Here]) -> None:
    assert guest[0].mac == "02:00:00:82:59:92", "the second after the card's own"
    assert "Speed: 10000Mb/s" in guest[0].run("ethtool eth0")


def test_ping_and_tcp(guest: tuple[Guest, Here]) -> None:
    inside, wire = guest
    echoes(inside, wire.v4)
    tcp(inside, wire, wire.v4)
    tcp(wire, inside, inside.v4)


def test_multicast_and_a_vlan(guest: tuple[Guest, Here]) -> None:
    inside, wire = guest
    before = inside.counters()["multicast"]
    inside.run("ip maddress add 01:00:5e:01:02:03 dev eth0")
    wire.run("ping -c 20 -i 0.05 -W 1 -I ixwire0 239.1.2.3", check=False)
    assert inside.counters()["multicast"] - before >= 20
    inside.run(
        "ip link add link eth0 name tagged type vlan id 77 && ip address add 198.51.100.2/24 dev tagged "
        "&& ip link set tagged up"
    )
    with seen_by(wire, "vlan 77 and arp") as lines:
        inside.run("ping -c 2 -W 1 198.51.100.1", check=False)
    assert any("vlan 77" in line for line in lines)
    inside.run("ip link delete tagged")
