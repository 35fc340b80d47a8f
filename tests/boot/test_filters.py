# SPDX-License-Identifier: BSD-3-Clause
"""What the NIC lets in for stock ixgbe, on which queue, and what it says of it; and what it leaves out."""

import ipaddress
import re
from collections.abc import Callable, Iterator

import pytest
from scapy.compat import raw
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from ci.demo import HOST4, HOST6, WIRE4, WIRE6
from ci.vm import MAC, Options, Vm
from tests.boot.figures import Rises, quiet, rises, tally
from tests.boot.judge import feature, send_udp, settle
from tests.boot.traffic import Flow, captured, listening, send, send_frames
from tests.twins.rss import toeplitz

NEWEST = "6.12"
CPUS = 4
PORT = 7000
COUNT = 40
EXPERIMENTAL = 0x88B5  # IEEE 802: for local experiments
STRANGER, SECOND = "02:00:00:00:aa:01", "02:00:00:00:aa:02"
GROUP, SAME_HASH, OTHER_HASH = "239.1.1.77", "239.1.15.77", "239.1.1.78"


@pytest.fixture(scope="module", params=[NEWEST, "6.1"])
def vm(request: pytest.FixtureRequest, start: Callable[[Options], Vm]) -> Iterator[Vm]:
    made = start(Options(kernel=request.param, smp=CPUS))
    made.expect("enabling UDP RSS: fragmented packets may arrive out of order", "the price of it; asked for here")
    assert made.bind() == "eth0"
    yield made
    made.stop_qemu()


newest = pytest.mark.parametrize("vm", [NEWEST], indirect=True)


# ---- multicast and promiscuous


def all_in(rise: Rises) -> bool:
    kept = rise["card.rx_frames"] + rise["card.rx_filtered"]
    return rise["tap.tx.packets"] == rise["port.rx_frames"] == kept and rise["card.rx_frames"] == rise["nic.rx_packets"]


def arrive(vm: Vm, group: str) -> int:
    """Send datagrams to a group; how many the driver got.  Not one may be unaccounted for."""
    before = tally(vm)
    send(vm, {"to": group, "port": PORT, "count": COUNT, "interface": WIRE4})
    rise = rises(vm, before, lambda rise: rise["tap.tx.packets"] == COUNT and all_in(rise))
    assert rise["tap.tx.packets"] == COUNT == rise["card.rx_frames"] + rise["card.rx_filtered"]
    assert rise["nic.rx_packets"] == rise["nic.multicast"] == rise["link.rx.multicast"] == rise["card.rx_frames"]
    return rise["nic.rx_packets"]


def test_multicast_comes_to_members_only(vm: Vm) -> None:
    quiet(vm)
    assert arrive(vm, GROUP) == 0
    with listening(vm, {"port": PORT, "group": GROUP, "interface": HOST4}) as got:
        assert GROUP in vm.run("ip maddr show dev eth0").out
        assert arrive(vm, GROUP) == COUNT
        assert arrive(vm, OTHER_HASH) == 0
        assert arrive(vm, SAME_HASH) == COUNT  # the filter has 4096 bits: software drops what shares one
    assert got == [COUNT]
    assert arrive(vm, GROUP) == 0


def test_all_multicast(vm: Vm) -> None:
    quiet(vm)
    vm.run("ip link set eth0 allmulticast on")
    assert arrive(vm, GROUP) == COUNT
    assert arrive(vm, OTHER_HASH) == COUNT
    vm.run("ip link set eth0 allmulticast off")
    assert arrive(vm, OTHER_HASH) == 0


def frame(destination: str) -> bytes:
    return bytes(raw(Ether(dst=destination, src="02:00:00:00:aa:ff", type=EXPERIMENTAL) / Raw(b"hello" * 20)))


def seen(vm: Vm, *destinations: str) -> list[str]:
    """Which of the frames the guest's tcpdump sees; one to the NIC itself, sent last, tells that all are through."""
    with captured(vm, f"ether proto {EXPERIMENTAL}", "-e") as capture:
        send_frames(vm, *(frame(destination) for destination in (*destinations, MAC)))
        capture.wait_for(f"> {MAC}")
    return [mac for mac in re.findall(r" > (\S+), ethertype", capture.out) if mac != MAC]


def test_other_peoples_frames_are_seen_by_the_promiscuous_only(vm: Vm) -> None:
    other_group = "01:00:5e:01:01:4e"
    everybody = "ff:ff:ff:ff:ff:ff"
    assert seen(vm, STRANGER, other_group, everybody) == [everybody]
    vm.run("ip link set eth0 promisc on")
    assert seen(vm, STRANGER, other_group, everybody) == [STRANGER, other_group, everybody]
    vm.run("ip link set eth0 promisc off")
    assert seen(vm, STRANGER, other_group, everybody) == [everybody]


def test_a_second_address(vm: Vm) -> None:
    vm.run(f"bridge fdb add {SECOND} dev eth0 self")
    assert seen(vm, STRANGER, SECOND) == [SECOND]
    vm.run(f"bridge fdb del {SECOND} dev eth0 self")
    assert seen(vm, STRANGER, SECOND) == []


# ---- receive side scaling


def indirection(vm: Vm) -> tuple[bytes, list[int]]:
    """Return key and table, as ``ethtool -x`` says."""
    out = vm.run("ethtool -x eth0").out
    key = re.search(r"RSS hash key:\n(\S+)", out)
    assert key is not None, out
    table = [int(queue) for row in re.findall(r"^ +\d+: (.*)$", out, re.MULTILINE) for queue in row.split()]
    assert len(table) == 128
    return bytes.fromhex(key[1].replace(":", "")), table


def flows(vm: Vm, *, tcp: bool = False, hashes: bool = True) -> tuple[list[Flow], list[Flow]]:
    """Flows over IPv4 and IPv6, and sockets that take them only with the hash and queue that the specification says."""
    key, table = indirection(vm)
    sends, sockets = [], []
    for number in range(24):
        source, target = (WIRE4, HOST4) if number % 2 else (WIRE6, HOST6)
        ports = 41000 + 7 * number, PORT + number
        data = b"".join(ipaddress.ip_address(address).packed for address in (source, target))
        value = toeplitz(key, data + b"".join(port.to_bytes(2, "big") for port in ports))
        sends.append({"to": target, "port": ports[1], "from": ports[0], "count": COUNT, "tcp": tcp, "size": 100})
        sockets.append({"address": target, "port": ports[1], "queue": table[value % len(table)], "tcp": tcp})
        sockets[-1]["hash"] = value if hashes else 0
    return sends, sockets


def spread(vm: Vm, sends: list[Flow], sockets: list[Flow], queues: int) -> None:
    """Send; every frame came with the right hash, through the right queue, and was counted there."""
    wanted = [COUNT * sum(one["queue"] == queue for one in sockets) for queue in range(queues)]
    quiet(vm)
    before = tally(vm)
    with listening(vm, *sockets) as got:
        send(vm, *sends)
        rise = rises(vm, before, lambda rise: rise["udp.InDatagrams"] + rise["udp6.InDatagrams"] == sum(wanted))
    assert got == [COUNT] * len(sends)
    assert [rise.get(f"nic.rx_queue_{queue}_packets") for queue in range(queues)] == wanted
    assert rise["nic.rx_packets"] == rise["nic.rx_pkts_nic"] == sum(wanted)


@pytest.fixture
def udp_ports_hashed(vm: Vm) -> Iterator[None]:
    for kind in ("udp4", "udp6"):
        vm.run(f"ethtool -N eth0 rx-flow-hash {kind} sdfn")
    settle(vm)
    yield
    for kind in ("udp4", "udp6"):
        vm.run(f"ethtool -N eth0 rx-flow-hash {kind} sd")
    settle(vm)


@pytest.mark.parametrize("queues", [1, 2, 3, 4])
def test_each_flow_has_its_queue(vm: Vm, udp_ports_hashed: None, queues: int) -> None:
    vm.run(f"ethtool -L eth0 combined {queues}", check=queues != CPUS)
    settle(vm)
    sends, sockets = flows(vm)
    assert {one["queue"] for one in sockets} == set(range(queues))
    spread(vm, sends, sockets, queues)
    vm.run(f"ethtool -L eth0 combined {CPUS}", check=queues != CPUS)
    settle(vm)


@newest  # Linux 6.1 refuses what Debian 13's ethtool asks for
def test_own_key_and_table(vm: Vm, udp_ports_hashed: None) -> None:
    key = ":".join(f"{(37 * i + 11) % 256:02x}" for i in range(40))
    vm.run(f"ethtool -X eth0 hkey {key} weight 1 0 5 2")
    settle(vm)
    assert indirection(vm)[0].hex(":") == key
    sends, sockets = flows(vm)
    assert {one["queue"] for one in sockets} == {0, 2, 3}
    spread(vm, sends, sockets, CPUS)
    vm.run("ethtool -X eth0 default")
    settle(vm)


def test_without_the_hash_queues_stay(vm: Vm, udp_ports_hashed: None) -> None:
    with feature(vm, "rxhash"):
        spread(vm, *flows(vm, hashes=False), CPUS)


def test_datagrams_of_two_hosts_share_a_queue(vm: Vm) -> None:
    """Without the ports in the hash, as it is from the start."""
    quiet(vm)
    before = tally(vm)
    ports = range(PORT, PORT + 8)
    with listening(vm, *({"port": port} for port in ports)) as got:
        send(vm, *({"to": HOST4, "port": port, "count": COUNT} for port in ports))
        rise = rises(vm, before, lambda rise: rise["udp.InDatagrams"] == COUNT * len(ports))
    assert got == [COUNT] * len(ports)
    key, table = indirection(vm)
    value = toeplitz(key, b"".join(ipaddress.ip_address(address).packed for address in (WIRE4, HOST4)))
    assert rise[f"nic.rx_queue_{table[value % 128]}_packets"] == COUNT * len(ports) == rise["nic.rx_packets"]


def test_each_connection_has_its_queue(vm: Vm) -> None:
    """A listener hands its filter on: one segment with another hash or of another queue, and nothing would arrive."""
    with feature(vm, "ntuple", "on"):  # else the driver wants a flow on the queue that answers (ATR)
        sends, sockets = flows(vm, tcp=True)
        with listening(vm, *sockets) as got:
            send(vm, *sends)
        assert got == [COUNT * 100] * len(sends)


@pytest.mark.parametrize("cpu", range(CPUS))
def test_atr_brings_a_connection_to_the_cpu_that_sends(vm: Vm, cpu: int) -> None:
    """Linux's ATR: the driver samples what a CPU's queue sends, and signature filters bring the answers there."""
    quiet(vm)
    before = tally(vm)
    vm.transfer(WIRE4, 8 << 20, prefix=f"taskset {1 << cpu:x} ")  # what comes back are acknowledgements
    rise = rises(vm, before, lambda rise: rise["nic.rx_packets"] > 0)
    came = [rise[f"nic.rx_queue_{queue}_packets"] for queue in range(CPUS)]
    assert came[cpu] > 0.8 * sum(came), came
    assert rise["nic.fdir_match"] > 0.8 * sum(came), rise


def test_perfect_filters_steer_and_drop(vm: Vm) -> None:
    quiet(vm)
    with feature(vm, "ntuple", "on"):
        vm.run(f"ethtool -N eth0 flow-type udp4 dst-ip {HOST4} dst-port 4242 action 1")
        vm.run(f"ethtool -N eth0 flow-type udp4 dst-ip {HOST4} dst-port 4243 action -1")
        quiet(vm)
        before = tally(vm)
        with listening(vm, *({"port": port, "buffer": 1 << 20} for port in (4242, 4243, 4244))) as got:
            for port, count in ((4242, 100), (4243, 50), (4244, 25)):
                send_udp(vm, port, count)
            rise = rises(
                vm,
                before,
                lambda rise: rise["nic.fdir_match"] + rise["nic.fdir_miss"] == 175 and rise["udp.InDatagrams"] == 125,
            )
        assert got == [100, 0, 25]
        assert (rise["nic.fdir_match"], rise["nic.fdir_miss"], rise["nic.rx_packets"]) == (150, 25, 125)
        assert rise["nic.rx_queue_1_packets"] in (100, 125)
        rules = re.findall(r"^Filter: (\d+)$", vm.run("ethtool -n eth0").out, re.MULTILINE)
        assert len(rules) == 2
        vm.run("; ".join(f"ethtool -N eth0 delete {rule}" for rule in rules))
