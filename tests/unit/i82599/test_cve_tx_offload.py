# SPDX-License-Identifier: BSD-3-Clause
"""Offloads and loopback that broke other emulated NICs: no byte outside the frame, no turn without an end.

The public numbers are what the bug was called elsewhere.

Ref: the CVE List, by number (github.com/CVEProject/cvelistV5).
"""

import struct
from collections.abc import Iterator

import pytest

from device.machine.core import lib
from device.regs.i82599 import (
    HLREG0,
    RDH,
    RDT,
    RXDCTL,
    TDH,
    TDT,
    TXDCTL,
)
from tests.rigs.cve import FRAME, LONGEST, receive_into, settle, still_sends, stopped, turn
from tests.rigs.tx import (
    IOVA,
    RINGS_BYTES,
    TxRig,
    context_desc,
    data_desc,
    legacy_desc,
    options,
    rig,
)
from tests.twins import tso as twin
from tests.twins.tso import Offload


@pytest.fixture
def tx() -> Iterator[TxRig]:
    with rig(count=64) as made:
        yield made


# ---- segmentation ----------------------------------------------------------------------------------------------------

BAD_TSO: dict[str, tuple[Offload, int, int]] = {  # what the context says, the packet's length, its PAYLEN
    "mss 0": (Offload(mss=0), 254, 200),
    "no headers": (Offload(mac_len=0, ip_len=0, l4_len=0, mss=100), 254, 254),
    "MAC header of 13 bytes": (Offload(mac_len=13, mss=100), 254, 201),
    "IPv4 header of 19 bytes": (Offload(ip_len=19, mss=100), 254, 201),
    "IPv6 header of 39 bytes": (Offload(ip_len=39, ipv4=False, mss=100), 254, 181),
    "TCP header of 19 bytes": (Offload(l4_len=19, mss=100), 254, 201),
    "UDP header of 7 bytes": (Offload(l4t=twin.UDP, l4_len=7, mss=100), 254, 213),
    "headers longer than the packet": (Offload(mac_len=127, ip_len=511, l4_len=255, mss=100), 254, 200),
    "headers exactly the packet, payload promised": (Offload(mss=100), 54, 200),
    "payload shorter than promised": (Offload(mss=100), 254, 2000),
    "payload longer than promised": (Offload(mss=100), 254, 10),
    "segment longer than a frame": (Offload(mss=0xFFFF), 16000 * 2, 16000 * 2 - 54),
    "segment and tag one byte too long": (Offload(mss=LONGEST - 54 - 3, vlan=5), LONGEST, LONGEST - 54),
    "SCTP cannot be segmented": (Offload(l4t=twin.SCTP, mss=100), 254, 200),
}


@pytest.mark.parametrize("name", BAD_TSO)
def test_cve_2021_20257_segmentation_that_cannot_be(tx: TxRig, name: str) -> None:
    """QEMU's e1000 never got to the end of packets with such contexts (CVE-2015-6815 too); bhyve's wrote headers
    over its
    stack (CVE-2019-5609)."""
    how, length, payload = BAD_TSO[name]
    at = tx.buffer(bytes(length))
    first, rest = min(length, 16000), max(length - 16000, 0)
    descs = [context_desc(how), data_desc(at, first, eop=not rest, **options(how, payload, tse=True))]
    if rest:
        descs.append(data_desc(at + first, rest, **options(how, payload, tse=True)))
    stopped(tx, *descs, why=lib.STALL_TSO)


def test_cve_2016_6834_segments_of_nothing(tx: TxRig) -> None:
    """QEMU's net_tx_pkt cut fragments of length 0 for ever: headers and no payload are no frame, and the end of it."""
    how = Offload(mss=100)
    tx.post(context_desc(how), data_desc(tx.buffer(bytes(54)), 54, **options(how, 0, tse=True)))
    assert settle(tx) == []
    assert (tx.stall(), tx.read(TDH)) == (0, 2)
    assert tx.done(1)
    still_sends(tx)


def test_segments_of_one_byte_take_many_turns_and_no_turn_for_long(tx: TxRig) -> None:
    """The longest packet, MSS 1: every turn sends a batch, and other queues have theirs in between.  No public
    number."""
    how = Offload(mss=1)
    payload = 2**18 - 1
    at = tx.buffer(bytes(16000))
    pieces = [16000] * 16 + [payload + 54 - 16000 * 16]
    last = len(pieces) - 1
    data = [data_desc(at, size, eop=n == last, **options(how, payload, tse=True)) for n, size in enumerate(pieces)]
    tx.post(context_desc(how), *data)
    for _ in range(20):
        assert len(turn(tx)) == lib.FRAME_BATCH
    tx.enable(5)
    tx.send(FRAME, q=5)
    assert FRAME in [*turn(tx), *turn(tx)]
    tx.write(TXDCTL, 0)
    still_sends(tx)


@pytest.mark.parametrize("kind", [b"\x08\x06", b"\x88\xb5", b"\xff\xff", b"\0\0"])
def test_cve_2020_27617_segmentation_of_what_is_no_ip(tx: TxRig, kind: bytes) -> None:
    """QEMU's eth_get_gso_type asserted on a packet without a layer 3 it knew.  Here the context says where headers
    are."""
    how = Offload(mss=100, ixsm=False)
    packet = FRAME[:12] + kind + bytes(40) + bytes(range(200))
    tx.post(context_desc(how), data_desc(tx.buffer(packet), len(packet), **options(how, 200, tse=True)))
    left = settle(tx)
    assert [frame[:14] for frame in left] == [packet[:14]] * 2
    assert b"".join(frame[54:] for frame in left) == packet[54:]
    still_sends(tx)


# ---- checksums, tags, padding ----------------------------------------------------------------------------------------


def test_cve_2022_23087_checksums_anywhere(tx: TxRig) -> None:
    """bhyve's e1000 stored a checksum where the guest said, on its stack.  Every place and every start, in a short
    frame."""
    at = tx.buffer(bytes(range(60)))
    for cso in range(256):
        for css in (0, 13, 58, 59, 60, 255):
            tx.enable(0, 64)
            tx.post(legacy_desc(at, 60, CMD_IC=1, CSO=cso, CSS=css))
            left = turn(tx)
            fits = cso + 2 <= 60 and css < 60
            assert (len(left), tx.stall()) == ((1, 0) if fits else (0, lib.STALL_DESC)), (cso, css)
            if fits:
                same = bytes(range(60))
                assert left[0][:cso] + left[0][cso + 2 :] == same[:cso] + same[cso + 2 :]
    still_sends(tx)


@pytest.mark.parametrize("l4t", [twin.TCP, twin.UDP, twin.SCTP])
def test_cve_2024_3567_checksums_of_packets_that_are_too_short(tx: TxRig, l4t: int) -> None:
    """QEMU asserted that an SCTP checksum lies inside its packet.  Each length from the shortest frame on."""
    field = {twin.TCP: 18, twin.UDP: 8, twin.SCTP: 12}[l4t]  # bytes of the L4 header up to the end of its checksum
    for length in range(14, 60):
        how = Offload(l4t=l4t, ixsm=False, mss=0)
        tx.enable(0, 64)
        tx.post(context_desc(how), data_desc(tx.buffer(bytes(length)), length, **options(how, length)))
        left = turn(tx)
        fits = 34 + field <= length
        assert (len(left), tx.stall()) == ((1, 0) if fits else (0, lib.STALL_DESC)), length
    still_sends(tx)


@pytest.mark.parametrize("ip_len", [0, 11, 12, 20, 46, 47, 511])
def test_cve_2022_23087_ip_checksum_outside_the_packet(tx: TxRig, ip_len: int) -> None:
    """The same for the header checksum: IPLEN decides, and only lengths that hold the field and lie in the frame are
    good."""
    how = Offload(ip_len=ip_len, txsm=False)
    tx.post(context_desc(how), data_desc(tx.buffer(bytes(60)), 60, **options(how, 60)))
    assert (len(turn(tx)), tx.stall()) == ((1, 0) if 12 <= ip_len <= 46 else (0, lib.STALL_DESC))
    still_sends(tx)


@pytest.mark.parametrize("length", [*range(1, 16), 55, 56, 59, 60, 61, LONGEST - 4, LONGEST - 3, LONGEST])
def test_tags_and_padding_at_every_edge(tx: TxRig, length: int) -> None:
    """VLAN insertion and padding overruns; no public number.  Too short or too long stops the queue, all else is
    right."""
    how = Offload(vlan=5, ixsm=False, txsm=False)
    packet = bytes(n % 251 for n in range(length))
    tx.write(HLREG0, int(HLREG0.of(TXPADEN=1, TXCRCEN=1)))
    tx.post(context_desc(how), data_desc(tx.buffer(packet), length, **options(how, length)))
    left = turn(tx)
    if 14 <= length <= LONGEST - 4:
        assert left == [(packet[:12] + b"\x81\0\0\5" + packet[12:]).ljust(60, b"\0")]
    else:
        assert (left, tx.stall()) == ([], lib.STALL_DESC)
    still_sends(tx)


def test_cve_2015_5165_padding_shows_nothing_of_earlier_packets(tx: TxRig) -> None:
    """QEMU's rtl8139 sent heap memory behind packets whose headers promised more than there was."""
    tx.write(HLREG0, int(HLREG0.of(TXPADEN=1, TXCRCEN=1)))
    two = [b"\xee" * 700, b"\xee" * 800]
    for half in two:  # leaves \xee in the room where frames are built
        tx.post(data_desc(tx.buffer(half), 700, eop=0), data_desc(tx.buffer(half), 100))
    short = FRAME[:12] + b"\x08\0\x45\0\xff\xff" + bytes(4)  # an IP header that promises 65535 bytes
    tx.post(data_desc(tx.buffer(short), 14, eop=0), data_desc(tx.buffer(short[14:]), len(short) - 14))
    assert settle(tx)[-1] == short.ljust(60, b"\0")
    how = Offload(mss=1, ixsm=False)
    tx.post(context_desc(how), data_desc(tx.buffer(bytes(55)), 55, **options(how, 1, tse=True)))
    assert b"\xee" not in settle(tx)[-1]


@pytest.mark.parametrize("length", [LONGEST + 1, 20_000, 0xFFFF])
def test_cve_2020_11102_lengths_beyond_any_frame(tx: TxRig, length: int) -> None:
    """QEMU's tulip copied as much as a descriptor said into a frame buffer."""
    stopped(tx, data_desc(tx.buffer(bytes(length)), length), why=lib.STALL_DESC)
    tx.enable(0, 64)
    stopped(tx, legacy_desc(tx.buffer(bytes(length)), length), why=lib.STALL_DESC)


# ---- loopback --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["the transmit ring", "the packet itself", "the receive ring"])
def test_cve_2021_3416_loopback_that_feeds_itself(tx: TxRig, what: str) -> None:
    """QEMU's NICs recursed in loopback mode: a looped packet that makes the NIC send again.  Here it waits for the
    next turn."""
    at = tx.buffer(FRAME)
    place = {
        "the transmit ring": tx.ring_iova(),
        "the packet itself": at,
        "the receive ring": IOVA + RINGS_BYTES - 0x8000,
    }
    receive_into(tx, place[what])
    again = struct.pack("<QQ", *data_desc(at, 1024)) * 64
    tx.memory[at - IOVA : at - IOVA + len(again)] = again  # what is sent are descriptors that send it once more
    tx.post(data_desc(at, len(again)))
    for n in range(200):
        tx.write(TDT, (n * 7 + 5) % 64)
        tx.write(RDT, (n * 5 + 3) % 64)
        assert tx.run(lib.FRAME_BATCH) <= lib.FRAME_BATCH
    tx.write(HLREG0, HLREG0.of(TXCRCEN=1))
    tx.write(RXDCTL, 0)
    still_sends(tx)


@pytest.mark.parametrize("length", [60, LONGEST - 1, LONGEST])
def test_cve_2015_7504_a_looped_frame_and_its_checksum(tx: TxRig, length: int) -> None:
    """QEMU's pcnet appended the FCS of a looped frame behind its buffer.  Here 4 more bytes may need one more
    descriptor."""
    packet = bytes(n % 253 for n in range(length))
    room = tx.buffer(bytes(1024 * 18))
    receive_into(tx, room)
    ring = RINGS_BYTES - 0x8000
    for n in range(18):
        tx.memory[ring + 16 * n : ring + 16 * n + 8] = struct.pack("<Q", room + 1024 * n)
    tx.send(packet)
    settle(tx)
    used = -(-(length + 4) // 1024)
    assert tx.read(RDH) == (used if length + 4 <= LONGEST + 4 else 0)
    at = room - IOVA
    assert bytes(tx.memory[at : at + length]) == packet
    assert bytes(tx.memory[at + length + 4 : at + 1024 * 18]).count(0) == 1024 * 18 - length - 4
    tx.write(HLREG0, HLREG0.of(TXCRCEN=1))
    still_sends(tx)
