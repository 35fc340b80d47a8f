# SPDX-License-Identifier: BSD-3-Clause
"""Which frames arrive, on which queue, and that everybody counts the same."""

from collections.abc import Iterator

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Dot1Q, Ether

from device.machine.wire.loopback import LoopbackPort
from device.machine.wire.null import NullPort
from device.machine.wire.peer import PeerPort
from device.regs.i82599 import FCTRL, HLREG0, MAXFRS, RETA
from driver.compiled import lib
from driver.errors import DriverError
from driver.ixgbe.hw.mac import mta_place
from tests.rigs.pair import FAR, MAC, Rig, Wire, flow, offload, plain, rig, steered

BROADCAST = "ff:ff:ff:ff:ff:ff"
MULTICAST = "01:00:5e:00:00:fb"
OTHER = "02:00:00:00:00:77"


@pytest.fixture
def up(wire: Wire) -> Iterator[Rig]:
    with rig(wire, queues=4, ring_count=256, mtu=1500) as made:
        yield made


def arrives(up: Rig, wire: Wire, frame: bytes) -> bool:
    """Whether a frame off the wire reaches a ring, on whichever queue."""
    wire.inject(frame)
    up.settle()
    got = [one for frames in up.take_all().values() for one in frames]
    assert got in ([], [frame])
    return got == [frame]


# ---- RSS -------------------------------------------------------------------------------------------------------------


def test_the_published_vector_gives_the_published_hash(up: Rig, wire: Wire) -> None:
    # Verification suite of Microsoft's RSS specification: 66.9.149.187:2794 -> 161.142.100.80:1766.
    tcp = IP(src="66.9.149.187", dst="161.142.100.80") / TCP(sport=2794, dport=1766)
    wire.inject(bytes(Ether(dst=MAC, src=FAR) / tcp))
    up.settle()
    queue = 0x51CCC178 % 128 % 4
    (frame,) = up.adapter.rx_rings[queue].harvest()
    assert frame.rss_hash == 0x51CCC178


def test_every_flow_lands_where_hash_and_table_say(up: Rig, wire: Wire) -> None:
    frames = [flow(n, v6=bool(n % 2), udp=n % 4 > 1, payload=bytes(n % 50)) for n in range(160)]
    wire.inject(*frames)
    up.settle()
    got = up.take_all()
    wanted: dict[int, list[bytes]] = {}
    for frame in frames:
        wanted.setdefault(steered(up, frame), []).append(frame.ljust(60, b"\0"))
    assert got == wanted
    assert set(got) == {0, 1, 2, 3}
    assert min(len(part) for part in got.values()) > 20


def test_a_flow_stays_on_its_queue(up: Rig, wire: Wire) -> None:
    wire.inject(*[flow(7, payload=bytes([n])) for n in range(50)])
    up.settle()
    ((_, frames),) = up.take_all().items()
    assert len(frames) == 50


def test_what_is_not_ip_lands_on_queue_0(up: Rig, wire: Wire) -> None:
    wire.inject(plain(1))
    up.settle()
    assert up.take_all() == {0: [plain(1)]}


def test_another_table_moves_every_flow(up: Rig, wire: Wire) -> None:
    for n in range(RETA.count):
        up.adapter.bar.write(RETA, RETA.of(ENTRY0=3, ENTRY1=3, ENTRY2=3, ENTRY3=3), n)
    wire.inject(*[flow(n) for n in range(20)])
    up.settle()
    assert list(up.take_all()) == [3]


@pytest.mark.parametrize("queues", [1, 2, 3, 16, 24])
def test_rss_spreads_over_sixteen_queues_at_most(queues: int) -> None:
    with Wire() as wire, rig(wire, queues=queues) as up:
        wire.inject(*[flow(n, payload=bytes(20)) for n in range(256)])
        assert set(up.take_all()) == set(range(min(queues, 16)))


def test_every_queue_sends(up: Rig, wire: Wire) -> None:
    for queue in range(4):
        up.send([plain(queue)], queue)
    assert wire.sent() == [plain(n) for n in range(4)]


def test_sixty_four_pairs_send_and_receive() -> None:
    with Wire() as wire, rig(wire, queues=64) as up:
        for queue in range(64):
            up.send([plain(queue)], queue)
        assert wire.sent() == [plain(n) for n in range(64)]
        wire.inject(*[flow(n, payload=bytes(20)) for n in range(64)])
        assert sum(len(frames) for frames in up.take_all().values()) == 64


# ---- counters --------------------------------------------------------------------------------------------------------


def test_chip_port_core_and_driver_count_the_same(up: Rig, wire: Wire) -> None:
    inbound = [
        *(flow(n, payload=bytes(37 * n % 1200)).ljust(60, b"\0") for n in range(100)),
        *(plain(n, 100, dst=BROADCAST) for n in range(3)),
    ]
    outbound = [plain(n, 60 + 13 * n) for n in range(40)]
    wire.inject(*inbound, plain(1, dst=OTHER))
    up.settle()
    got = up.take_all()
    for n, frame in enumerate(outbound):
        up.send([frame], n % 4)
    assert wire.sent() == outbound
    rx_bytes, tx_bytes = sum(map(len, inbound)), sum(map(len, outbound))
    stats, port, core = up.adapter.stats(), wire.counters(), up.nic.report().counters
    assert stats["rx_packets"] == stats["rx_pkts_nic"] == core["rx_frames"] == len(inbound)
    assert stats["rx_total"] == port["rx_frames"] == len(inbound) + 1
    assert stats["tx_packets"] == stats["tx_pkts_nic"] == stats["tx_total"] == stats["tx_dma_pkts"] == len(outbound)
    assert port["tx_frames"] == core["tx_frames"] == len(outbound)
    assert stats["rx_bytes"] == core["rx_bytes"] == rx_bytes
    assert stats["rx_bytes_nic"] == rx_bytes + 4 * len(inbound)
    assert stats["tx_bytes"] == core["tx_bytes"] == port["tx_bytes"] == tx_bytes
    assert stats["tx_bytes_nic"] == tx_bytes + 4 * len(outbound)
    assert stats["broadcast"] == 3
    for queue in range(4):
        frames = got.get(queue, [])
        assert stats[f"rx_queue_{queue}_packets"] == len(frames)
        assert stats[f"rx_queue_{queue}_bytes"] == sum(map(len, frames))
        assert stats[f"tx_queue_{queue}_packets"] == 10
    assert (stats["rx_group_0_packets"], stats["rx_group_0_bytes"]) == (len(inbound), rx_bytes)


def test_frames_are_counted_by_size(up: Rig, wire: Wire) -> None:
    """Classes count the FCS: 60 bytes of ours are 64 on the wire."""
    sizes = [60, 61, 123, 124, 251, 252, 507, 508, 1019, 1020, 1514]
    wire.inject(*[plain(n, size) for n, size in enumerate(sizes)])
    up.settle()
    up.send([plain(n, size) for n, size in enumerate(sizes)])
    stats = up.adapter.stats()
    for way in ("rx", "tx"):
        assert [stats[f"{way}_size_{top}"] for top in (64, 127, 255, 511, 1023, 1522)] == [1, 2, 2, 2, 2, 2]


def test_counters_keep_growing_over_reads_resets_and_restarts(up: Rig, wire: Wire) -> None:
    for n in range(1, 6):
        wire.inject(plain(n))
        up.settle()
        up.take_all()
        up.send([plain(n)])
        assert [up.adapter.stats()[name] for name in ("rx_packets", "rx_pkts_nic", "tx_packets", "tx_pkts_nic")] == [
            n
        ] * 4
        if n == 2:
            up.adapter.reinit()
        if n == 3:
            up.restart()
        up.nic.link.evaluate()


def test_generated_frames_are_all_taken_and_counted() -> None:
    with NullPort() as port, rig(port, ring_count=512) as up:
        (napi,) = up.adapter.napis()
        napi.c.sink = lib.SINK_DROP
        port.generate(5000, len_bytes=512)
        for _ in range(1000):
            up.nic.step()
            napi.poll(64)
            if napi.c.work == 5000:
                break
        stats = up.adapter.stats()
        assert napi.c.work == stats["rx_packets"] == stats["rx_pkts_nic"] == stats["broadcast"] == 5000
        assert port.counters()["rx_frames"] == 5000
        assert stats["rx_bytes_nic"] == 5000 * 516


# ---- filters ---------------------------------------------------------------------------------------------------------


def test_only_our_own_unicast_arrives(up: Rig, wire: Wire) -> None:
    assert arrives(up, wire, plain(1, dst=MAC))
    assert not arrives(up, wire, plain(2, dst=OTHER))
    assert up.count("rx_filtered") == 1
    up.adapter.hw.mac.add_unicast(bytes.fromhex(OTHER.replace(":", "")))
    assert arrives(up, wire, plain(3, dst=OTHER))


def test_promiscuous_takes_everything(up: Rig, wire: Wire) -> None:
    up.adapter.set_rx_mode(promiscuous=True)
    for dst in (OTHER, MULTICAST, BROADCAST, MAC):
        assert arrives(up, wire, plain(1, dst=dst))
    up.adapter.set_rx_mode(promiscuous=False)
    assert not arrives(up, wire, plain(1, dst=OTHER))


def test_broadcast_arrives_unless_switched_off(up: Rig, wire: Wire) -> None:
    up.adapter.set_rx_mode(all_multicast=False)
    assert arrives(up, wire, plain(1, dst=BROADCAST))
    up.adapter.bar.update(FCTRL, BAM=0)
    assert not arrives(up, wire, plain(1, dst=BROADCAST))


def test_multicast_groups(up: Rig, wire: Wire) -> None:
    neighbour = "01:00:5e:00:00:fc"
    same_hash = "01:80:c2:00:00:fb"
    assert mta_place(bytes.fromhex(same_hash.replace(":", ""))) == mta_place(bytes.fromhex(MULTICAST.replace(":", "")))
    up.adapter.set_rx_mode(all_multicast=False)
    assert not arrives(up, wire, plain(1, dst=MULTICAST))
    up.adapter.set_rx_mode(multicast=[bytes.fromhex(MULTICAST.replace(":", ""))])
    assert arrives(up, wire, plain(2, dst=MULTICAST))
    assert arrives(up, wire, plain(3, dst=same_hash))  # the filter is a hash of twelve bits
    assert not arrives(up, wire, plain(4, dst=neighbour))
    up.adapter.set_rx_mode(all_multicast=True)
    assert arrives(up, wire, plain(5, dst=neighbour))
    up.adapter.set_rx_mode(all_multicast=False, multicast=[])
    assert not arrives(up, wire, plain(6, dst=MULTICAST))
    assert up.adapter.stats()["multicast"] == 3


def test_filters_survive_a_reset(up: Rig, wire: Wire) -> None:
    up.adapter.set_rx_mode(multicast=[bytes.fromhex(MULTICAST.replace(":", ""))])
    up.adapter.hw.mac.add_unicast(bytes.fromhex(OTHER.replace(":", "")))
    up.adapter.reinit()
    up.nic.link.evaluate()
    assert arrives(up, wire, plain(1, dst=MULTICAST))
    assert arrives(up, wire, plain(1, dst=OTHER))
    assert not arrives(up, wire, plain(1, dst="02:00:00:00:00:78"))


# ---- VLAN ------------------------------------------------------------------------------------------------------------


def test_a_tag_stays_in_the_frame_until_stripping_is_on(up: Rig, wire: Wire) -> None:
    tagged = flow(1, payload=bytes(60), vlan=5 << 13 | 100)
    assert arrives(up, wire, tagged)
    up.adapter.set_vlan_features(stripping=True)
    wire.inject(tagged)
    up.settle()
    (frame,) = [frame for ring in up.adapter.rx_rings for frame in ring.harvest()]
    assert frame.vlan_tci == 5 << 13 | 100
    assert bytes(frame) == flow(1, payload=bytes(60))


def test_an_untagged_frame_has_no_tag_to_strip(up: Rig, wire: Wire) -> None:
    up.adapter.set_vlan_features(stripping=True)
    wire.inject(flow(1, payload=bytes(60)))
    up.settle()
    (frame,) = [frame for ring in up.adapter.rx_rings for frame in ring.harvest()]
    assert frame.vlan_tci is None


def test_vlan_filter(up: Rig, wire: Wire) -> None:
    assert arrives(up, wire, flow(1, payload=bytes(60), vlan=7))
    up.adapter.vlan_add(100)
    assert arrives(up, wire, flow(1, payload=bytes(60), vlan=100))
    assert arrives(up, wire, flow(1, payload=bytes(60), vlan=6 << 13 | 100))  # the priority is not looked at
    assert arrives(up, wire, flow(1, payload=bytes(60), vlan=0))
    assert arrives(up, wire, flow(1, payload=bytes(60)))
    assert not arrives(up, wire, flow(1, payload=bytes(60), vlan=101))
    up.adapter.vlan_kill(100)
    assert not arrives(up, wire, flow(1, payload=bytes(60), vlan=100))
    up.adapter.set_rx_mode(promiscuous=True)
    assert arrives(up, wire, flow(1, payload=bytes(60), vlan=101))


def test_the_nic_puts_a_tag_in(up: Rig, wire: Wire) -> None:
    frame = flow(3, payload=bytes(80))
    up.send([frame], offload=offload(l4_csum=False, vlan=3 << 13 | 42))
    (sent,) = wire.sent()
    assert sent == frame[:12] + bytes.fromhex("8100602a") + frame[12:]
    assert (Ether(sent)[Dot1Q].vlan, Ether(sent)[Dot1Q].prio) == (42, 3)


# ---- frame size ------------------------------------------------------------------------------------------------------


def test_mtu_decides_which_frames_fit(up: Rig, wire: Wire) -> None:
    assert up.nic.regs.get(MAXFRS).MFS == 1522
    assert arrives(up, wire, plain(1, 1514))
    assert not arrives(up, wire, plain(1, 1523))
    assert not arrives(up, wire, plain(1, 9014))
    assert up.adapter.stats()["rx_oversize"] == 2
    up.adapter.set_mtu(9000)
    up.nic.link.evaluate()
    assert arrives(up, wire, plain(1, 9014))
    assert not arrives(up, wire, plain(1, 9023))
    assert arrives(up, wire, flow(1, payload=bytes(8960), vlan=1))
    up.adapter.set_mtu(1500)
    up.nic.link.evaluate()
    assert not arrives(up, wire, plain(1, 9014))
    with pytest.raises(DriverError, match="MTU 9711"):
        up.adapter.set_mtu(9711)
    assert arrives(up, wire, plain(1, 1514))


def test_the_largest_mtu_works_both_ways() -> None:
    with LoopbackPort() as port, rig(port, mtu=9710) as up:
        frames = [plain(n, 9724) for n in range(10)]
        assert up.echo(frames) == frames


def test_the_mac_can_loop_frames_back_without_a_cable(up: Rig, wire: Wire) -> None:
    up.adapter.bar.update(HLREG0, LPBK=1)
    frames = [plain(n, 60 + n) for n in range(100)]
    assert up.echo(frames) == frames
    assert wire.sent() == []


# ---- two of them -----------------------------------------------------------------------------------------------------


def test_two_drivers_talk_over_a_cable() -> None:
    left_port, right_port = PeerPort.pair()
    with (
        left_port,
        right_port,
        rig(left_port, queues=2, ring_count=128, name="left") as left,
        rig(right_port, queues=2, ring_count=128, name="right") as right,
    ):
        left.settle()
        left.nic.link.evaluate()
        left.adapter.service()
        assert (left.adapter.link.up, right.adapter.link.up) == (True, True)
        left.adapter.set_rx_mode(promiscuous=True)
        (echo, _) = right.adapter.napis()
        echo.c.sink = lib.SINK_ECHO
        there = [plain(n, 60 + n) for n in range(200)]
        back: list[bytes] = []
        for start in range(0, 200, 40):
            left.send(there[start : start + 40])
            right.settle()
            while echo.poll() == 64:
                pass
            right.settle()
            back += left.take()
        assert back == [frame[6:12] + frame[:6] + frame[12:] for frame in there]
        assert left.adapter.stats()["tx_pkts_nic"] == right.adapter.stats()["rx_pkts_nic"] == 200
