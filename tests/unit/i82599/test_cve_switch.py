# SPDX-License-Identifier: BSD-3-Clause
"""What broke other emulated switches and loopbacks: frames that come round for ever, and memory used while it changes.

Ref: the CVE List, by number (github.com/CVEProject/cvelistV5).
"""

import time
from collections.abc import Iterator

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether

from device.regs.i82599 import (
    FCTRL,
    HLREG0,
    MRCTL,
    PFVFSPOOF,
    RDH,
    SSVPC,
    VMECM,
    VMRVM,
    VMTXSW,
)
from tests.rigs.pools import TX_BUFFERS, TX_RINGS, PoolRig, mac, pool_rig
from tests.rigs.rx import IOVA
from tests.rigs.tx import context_desc, data_desc, options
from tests.twins.tso import Offload

BROADCAST = b"\xff" * 6
TURN_S = 0.25  # a machine that is busy, too


@pytest.fixture
def card() -> Iterator[PoolRig]:
    """64 pools that all want all."""
    with pool_rig() as made:
        made.use(2, pf=63)
        made.write(FCTRL, FCTRL.of(BAM=1, UPE=1, MPE=1))
        made.modes(*range(64), BAM=1, MPE=1, AUPE=1)
        for pool in range(64):
            made.address(pool, mac(pool), pool)
        yield made


def broadcast(of: int) -> bytes:
    return (BROADCAST + mac(of) + b"\x88\xb5").ljust(200, b"\x11")


def test_cve_2021_3416_a_frame_that_every_pool_gets_comes_round_once(card: PoolRig) -> None:
    """QEMU's NICs in loopback sent what they received.  Here every pool hears itself, mirrors, and the MAC loops."""
    card.write(HLREG0, card.read(HLREG0) | HLREG0.of(LPBK=1))
    for half in range(2):
        card.write(VMTXSW, 0xFFFF_FFFF, half)
    for n in range(4):
        card.write(MRCTL, MRCTL.of(VPME=1, UPME=1, DPME=1, VLME=1, MP=n), n)
        card.write(VMRVM, 0xFFFF_FFFF, n)
        card.write(VMRVM, 0xFFFF_FFFF, n + 4)
    card.listen_pools(*range(16))
    card.send(5, broadcast(5))
    assert card.pools() == sorted([*range(16)] * 2), "once by the switch, once by the MAC"
    assert card.count.pool_copies == 63 + 63
    assert card.nic.settle() == 0
    assert card.got() == {}


def test_a_storm_from_every_pool_leaves_the_loop_its_turns(card: PoolRig) -> None:
    """64 frames a turn, 63 copies each."""
    card.listen_pools(*range(16))
    for pool in range(64):
        card.speak(2 * pool)
    for pool in range(64):
        card.post(2 * pool, *[data_desc(card.buffer(broadcast(pool)), 200)] * 7)
    started = time.monotonic()
    card.nic.step()
    took_s = time.monotonic() - started
    assert card.count.switched_frames == 64
    assert took_s < TURN_S
    card.nic.settle()
    assert card.count.switched_frames == 64 * 7
    assert card.nic.settle() == 0


def test_a_sender_that_changes_a_frame_after_the_check_changes_nothing(card: PoolRig) -> None:
    """CVE-2023-3019's kin: memory that the frame itself overwrites.  Pool 1's buffer lies over the sender's."""
    card.listen_pools(1, 2)
    frame = broadcast(0)
    card.rings[2].set(0, IOVA + TX_BUFFERS + 6, 0)
    card.send(0, frame)
    assert card.read(RDH, 2) == 1
    assert card.memory[TX_BUFFERS + 6 : TX_BUFFERS + 206] == frame
    assert card.wire.all() == [frame]
    card.rings.pop(2)
    assert card.got() == {4: [frame]}, "the copies after the first, and the wire's, are what was judged"


def test_what_was_judged_is_what_is_sent(card: PoolRig) -> None:
    """The address lies in one descriptor and the rest in another, and the ring's memory is a receive buffer as well."""
    card.write(PFVFSPOOF, PFVFSPOOF.of(MACAS=1))
    card.write(VMECM, 1)
    forged = broadcast(9)
    card.speak(0)
    at = card.buffer(forged)
    card.post(0, data_desc(at, 20, eop=0), data_desc(at + 20, 180))
    card.nic.step()
    assert (card.wire.all(), card.read(SSVPC)) == ([], 1)


def test_segments_are_whole_though_a_copy_falls_on_their_headers_and_ring(card: PoolRig) -> None:
    """The buffers of the pool that receives are the sender's packet and its ring."""
    card.listen_pools(1, 2)
    headers = Ether(dst=BROADCAST, src=mac(0)) / IP(src="10.0.0.1", dst="10.0.0.2", chksum=0) / TCP(seq=1, chksum=0)
    payload = bytes(n % 251 for n in range(3000))
    how = Offload(mss=1000)
    data = bytes(headers) + payload
    card.speak(0)
    at = card.buffer(data)
    card.rings[2].set(0, at, 0)
    card.rings[2].set(1, IOVA + TX_RINGS, 0)
    card.post(0, context_desc(how), data_desc(at, len(data), **options(how, len(payload), tse=True)))
    card.nic.step()
    card.rings.pop(2)
    segments = [Ether(segment) for segment in card.got()[4]]
    assert b"".join(bytes(segment[TCP].payload) for segment in segments) == payload
    assert [segment[TCP].seq for segment in segments] == [1, 1001, 2001]
    assert card.guards_whole()


def test_a_pool_whose_ring_is_the_senders_ring(card: PoolRig) -> None:
    """Receive and transmit write back into the same descriptors: nobody crashes, and the others get theirs."""
    card.listen_pools(1, 2)
    card.speak(0)
    for n in range(7):
        card.rings[2].set(n, IOVA + TX_RINGS + n, 0)
    for _ in range(5):
        card.send(0, broadcast(0))
    card.rings.pop(2)
    assert card.got()[4][0] == broadcast(0)
    card.wire.all()
    assert card.turn(3, broadcast(3))[1] == 1
    assert card.guards_whole()
