# SPDX-License-Identifier: BSD-3-Clause
"""What one guest does to its virtual function, beside a neighbour whose TCP stream never errs.

The stream is the neighbour's, out of the card or in; what it sent and what came are compared by SHA-256.
``IXLAB_THOROUGH=1`` does each of it as often as a card that is to be trusted needs.
"""

import contextlib
import json
import os
from collections.abc import Iterator

import pytest

from tests.boot.judge import eventually
from tests.boot.parties import MIB, NIC_ADDRESS, TCP_TIMEOUT_S, Party, echoes, party

NEIGHBOUR, WILD = 0, 1
THOROUGH = bool(os.environ.get("IXLAB_THOROUGH"))
NIC = f"/sys/bus/pci/devices/{NIC_ADDRESS}"
DRIVER = "/sys/bus/pci/drivers/ixgbevf"
ENDLESS = 1 << 40
MAY_GROW_KIB = 12288  # tables of what is mapped page by page: with 20,000 more regions they are longer


@pytest.fixture(scope="module")
def we() -> Iterator[Party]:
    made = party(("6.12", "6.12"))
    made.guests[WILD].vm.expect(
        "Hardware is in reset|PF still in reset|Reset Failed|timed out", "it is reset on purpose"
    )
    yield made
    made.close()


@pytest.fixture(params=["out", "in"])
def stream(we: Party, request: pytest.FixtureRequest) -> Iterator[None]:
    with streaming(we, str(request.param)):
        yield


@contextlib.contextmanager
def streaming(we: Party, way: str) -> Iterator[None]:
    """TCP between the neighbour and the wire as long as the block runs."""
    neighbour = we.guests[NEIGHBOUR]
    source, target = (neighbour, we.wire) if way == "out" else (we.wire, neighbour)
    before = we.card.nic.footprint()
    taker = target.begin(f"python3 -m ci.traffic receive {target.v4} 5400 {ENDLESS}")
    taker.wait_for("listening")
    giver = source.begin(f"python3 -m ci.traffic send {target.v4} 5400 {ENDLESS}")
    giver.wait_for("sending")
    yield
    giver.terminate()
    sent, got = (json.loads(job.finish(TCP_TIMEOUT_S).splitlines()[-1]) for job in (giver, taker))
    assert (sent["bytes"], sent["sha256"]) == (got["bytes"], got["sha256"])
    assert sent["bytes"] >= MIB
    echoes(we.guests[WILD], we.wire.v4)
    after = we.card.nic.footprint()
    assert after["fds"] == before["fds"]
    assert after["private_kib"] <= before["private_kib"] + MAY_GROW_KIB, (before, after)


@pytest.mark.usefixtures("stream")
def test_interface_down_and_up(we: Party) -> None:
    wild = we.guests[WILD]
    for _ in range(50 if THOROUGH else 5):
        wild.run("ip link set eth0 down; ip link set eth0 up")
    wild.wait_for_carrier()


@pytest.mark.usefixtures("stream")
def test_unbound_and_bound(we: Party) -> None:
    wild = we.guests[WILD]
    for _ in range(20 if THOROUGH else 3):
        wild.run(f"echo {NIC_ADDRESS} > {DRIVER}/unbind; echo {NIC_ADDRESS} > {DRIVER}/bind")
    wild.vm.addresses("eth0", wild.v4, wild.v6)


@pytest.mark.usefixtures("stream")
def test_function_level_reset_under_traffic(we: Party) -> None:
    wild = we.guests[WILD]
    for _ in range(10 if THOROUGH else 2):
        wild.run(f"ping -q -f -c 300 -w 20 {we.wire.v4} & sleep 0.2; echo 1 > {NIC}/reset; wait", check=False)
        wild.run("ip link set eth0 down; ip link set eth0 up")
        wild.wait_for_carrier()
    row = we.card.nic.ask(report=True)["report"]["vfs"][WILD]  # type: ignore[index]
    assert row["counters"]["resets"] >= 2


def test_reboot(we: Party) -> None:
    wild = we.guests[WILD]
    with streaming(we, "out"):
        for _ in range(10 if THOROUGH else 1):
            wild.vm.ask({"id": 0, "run": "reboot -f"})
            wild.vm.wait_boot()
            wild.vm.bind(v4=wild.v4, v6=wild.v6)


def test_killed_and_started_anew(we: Party) -> None:
    """SIGKILL for the guest's QEMU, in the middle of its own traffic."""
    wild = we.guests[WILD]
    with streaming(we, "in"):
        wild.run(f"ping -q -i 0.002 -w 60 {we.wire.v4} > /dev/null 2>&1 &")
        wild.vm.stop_qemu(kill=True)
        eventually(lambda: not we.card.nic.ask(report=True)["report"]["vfs"][WILD]["client"], "it is gone")  # type: ignore[index]
        wild.vm.start()
        wild.vm.bind(v4=wild.v4, v6=wild.v6)
