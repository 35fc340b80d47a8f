# SPDX-License-Identifier: BSD-3-Clause
"""What all ports share: what they refuse to send, and how a kind is found and asked for."""

from pathlib import Path

import pytest

from device.errors import ConfigError, MissingError
from device.machine.core import ffi, lib
from device.machine.wire import LoopbackPort, NullPort, PcapPort, PeerPort, Port, TapPort
from device.machine.wire.kinds import chosen, kinds, usage
from tests.rigs.wire import FRAMES, Wire

WIRE = Path("device/machine/wire")
TCP4 = {"kind": lib.FRAME_TCP4, "segment_bytes": 1448}


def offer(caps: int, *asked: dict[str, int]) -> tuple[int, list[int]]:
    """Frames of 100 bytes to a port that takes all it is given: how many it took, and the lengths of each call."""
    calls: list[int] = []

    def send(_port: object, _frames: object, n: int) -> int:
        calls.append(n)
        return n

    called = ffi.callback("uint32_t(struct port *, const struct frame *, uint32_t)", send)
    ops = ffi.new("struct port_ops *", {"send": called, "caps": caps})
    port = ffi.new("struct port *", {"ops": ops})
    data = ffi.new("uint8_t[]", 100)
    sent = lib.port_send(
        port, ffi.new("struct frame[]", [{"data": data, "len_bytes": 100, **a} for a in asked]), len(asked)
    )
    assert (port.count.tx_frames, port.count.tx_dropped) == (sent, len(asked) - sent)
    assert port.count.tx_bytes == 100 * sent
    return sent, calls


@pytest.mark.parametrize("port", [LoopbackPort, NullPort])
@pytest.mark.parametrize("asked", [TCP4, {"csum_start": 34, "csum_offset": 16}])
def test_a_port_is_not_given_what_it_cannot_do(port: type[LoopbackPort | NullPort], asked: dict[str, int]) -> None:
    data = ffi.new("uint8_t[]", 100)
    fields = {"data": data, "len_bytes": 100}
    with port() as wire:
        assert lib.port_send(wire.c, ffi.new("struct frame[]", [fields, fields | asked, fields]), 3) == 1
        count = wire.counters()
    assert (count["tx_frames"], count["tx_bytes"], count["tx_dropped"]) == (1, 100, 2)


@pytest.mark.parametrize(
    ("kind", "cap"),
    [(lib.FRAME_TCP4, lib.PORT_TCP4), (lib.FRAME_TCP6, lib.PORT_TCP6), (lib.FRAME_UDP, lib.PORT_UDP)],
)
def test_a_super_frame_goes_only_to_a_port_that_takes_its_kind(kind: int, cap: int) -> None:
    every = lib.PORT_WAITS | lib.PORT_CSUM | lib.PORT_TCP4 | lib.PORT_TCP6 | lib.PORT_UDP
    asked = {"kind": kind, "segment_bytes": 50}
    assert offer(cap, {}, asked, {}) == (3, [3])
    assert offer(every & ~cap, {}, asked, {}) == (1, [1])
    assert offer(every, asked | {"segment_bytes": 0}) == (0, [])
    assert offer(every, {"kind": 4, "segment_bytes": 50}) == (0, [])
    assert offer(every, {"kind": 255, "segment_bytes": 50}) == (0, [])


def test_a_missing_checksum_goes_only_to_a_port_that_fills_it_in() -> None:
    asked = {"csum_start": 34, "csum_offset": 16}
    assert offer(lib.PORT_CSUM, asked) == (1, [1])
    assert offer(~lib.PORT_CSUM & 0xFF, asked) == (0, [])
    assert offer(lib.PORT_TCP4, TCP4 | asked) == (0, [])
    assert offer(lib.PORT_CSUM, {"csum_start": 82, "csum_offset": 16}) == (1, [1])
    assert offer(lib.PORT_CSUM, {"csum_start": 83, "csum_offset": 16}) == (0, [])  # its last byte lies behind the frame
    assert offer(lib.PORT_CSUM, {"csum_start": 65535, "csum_offset": 65535}) == (0, [])


def test_a_port_is_given_no_more_than_a_batch_at_once() -> None:
    assert offer(0, *[{}] * 150) == (150, [64, 64, 22])
    assert offer(0, *[{}] * 70, TCP4, *[{}] * 70) == (70, [64, 6])
    assert offer(0) == (0, [])


def test_every_kind_has_its_python_and_its_c(root: Path) -> None:
    assert list(kinds()) == sorted(path.stem for path in (root / WIRE).glob("*.c") if path.stem != "port")
    for name, kind in kinds().items():
        assert kind.__module__ == f"device.machine.wire.{name}"
        assert lib.port_ops_of(name.encode())
        assert (kind.from_arg.__doc__ or "").splitlines()[0].endswith("."), f"{name} says what it is"


def test_a_kind_whose_c_is_not_built_says_so() -> None:
    class Rope(Port):
        KIND = "rope"

    with pytest.raises(MissingError, match=r"rope\.c is not built in; build it"):
        Rope("rope")


@pytest.mark.parametrize(
    ("text", "kind", "arg"),
    [
        ("null", NullPort, ""),
        ("loopback", LoopbackPort, ""),
        ("loopback:8", LoopbackPort, "8"),
        ("tap:wire0", TapPort, "wire0"),
        ("pcap:,out.pcap", PcapPort, ",out.pcap"),
        ("peer:/a:b", PeerPort, "/a:b"),
    ],
)
def test_a_wire_is_chosen_by_its_kind(text: str, kind: type, arg: str) -> None:
    assert chosen(text) == (kind, arg)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no wire is called ''; there are "),
        ("Null", "no wire is called 'Null'"),
        ("base", "no wire is called 'base'"),
        (":x", "no wire is called ''"),
        ("tap", "tap lacks its argument: tap:NAME"),
        ("peer:", "peer lacks its argument: peer:PATH"),
        ("pcap", "pcap lacks its argument: pcap:IN[,OUT]"),
        ("loopback:", "loopback lacks its argument: loopback[:SLOTS]"),
        ("null:x", "null takes no argument, and was given 'x'"),
        ("null:", "null takes no argument, and was given ''"),
    ],
)
def test_a_wire_that_cannot_be_chosen_is_explained(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=r"^\w* ") as caught:
        chosen(text)
    assert words in str(caught.value)


def test_all_wires_are_said_with_their_arguments() -> None:
    assert {"loopback[:SLOTS]", "null", "pcap:IN[,OUT]", "peer:PATH", "tap:NAME"} <= set(usage().split(", "))


def test_arguments_become_ports(tmp_path: Path) -> None:
    with LoopbackPort.from_arg("3") as few, LoopbackPort.from_arg("") as usual, NullPort.from_arg("") as null:
        assert [Wire(port).send(FRAMES) for port in (few, usual, null)] == [3, 20, 20]
    with PeerPort.from_arg(str(tmp_path / "wire")):
        assert (tmp_path / "wire").is_socket()
    with PcapPort.from_arg(f",{tmp_path / 'out'}") as record, PcapPort.from_arg(",") as neither:
        assert Wire(record).send(FRAMES) == Wire(neither).send(FRAMES) == 20
    with PcapPort.from_arg(f"{tmp_path / 'out'},") as play:
        play.set_link(up=True)
        assert Wire(play).all() == FRAMES
    with pytest.raises(ConfigError, match="not a name for an interface"):
        TapPort.from_arg("a/b")


@pytest.mark.parametrize("arg", ["x", "-1", "0", "16385", "1e3", "1_0", "\uff11", "9" * 5000])
def test_a_loopback_of_no_size_is_refused(arg: str) -> None:
    with pytest.raises(ValueError, match=r"16384|digits"):
        LoopbackPort.from_arg(arg)
