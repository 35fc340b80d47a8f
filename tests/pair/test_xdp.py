# SPDX-License-Identifier: BSD-3-Clause
"""XDP programs on the real driver and the real device core: what a program says is what becomes of a frame.

A SOCK_SEQPACKET socket stands in for the tap: one frame a read, one frame a write.
"""

import logging
import socket
import subprocess
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from cffi import FFI

from driver.compiled import ffi as core_ffi
from driver.compiled import lib
from driver.core import xdp as xdp_module
from driver.core.rings import TxRing
from driver.core.xdp import Verdict, Xdp, XdpFrame, XdpPort
from driver.errors import DriverError
from tests.rigs.pair import Rig, Wire, flow, plain, rig

DROP, PASS, TX, REDIRECT, ABORTED = Verdict.DROP, Verdict.PASS, Verdict.TX, Verdict.REDIRECT, Verdict.ABORTED

C_PROGRAM = """
#include <stdint.h>
struct xdp_frame { uint8_t *data; uint32_t len_bytes, target; };
static uint32_t seen;
uint32_t odd_ones(struct xdp_frame *frame, void *context)   /* drops frames whose last byte is odd, marks the others */
{
    (void)context;
    seen++;
    if (frame->data[frame->len_bytes - 1] & 1)
        return 1;
    frame->data[frame->len_bytes - 1] = 0xEE;
    return 2;
}
uint32_t how_many(void) { return seen; }
uint32_t too_long(struct xdp_frame *frame, void *context) { (void)context; frame->len_bytes = 1 << 20; return 2; }
uint32_t too_far(struct xdp_frame *frame, void *context) { (void)context; frame->data -= 4096; return 2; }
uint32_t too_short(struct xdp_frame *frame, void *context) { (void)context; frame->len_bytes = 13; return 2; }
uint32_t unheard_of(struct xdp_frame *frame, void *context) { (void)frame; (void)context; return 77; }
"""


@pytest.fixture
def up(wire: Wire) -> Iterator[Rig]:
    with rig(wire, queues=2) as made:
        yield made


@pytest.fixture(scope="module")
def c_programs(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("xdp")
    (folder / "programs.c").write_text(C_PROGRAM)
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", folder / "programs.so", folder / "programs.c"], check=True)
    ffi = FFI()
    names = ("odd_ones", "too_long", "too_far", "too_short", "unheard_of")
    ffi.cdef("".join(f"uint32_t {name}(void *frame, void *context);" for name in names) + "uint32_t how_many(void);")
    found = ffi.dlopen(str(folder / "programs.so"))
    return found, ffi


def plugged(ring: TxRing) -> XdpPort:
    port = XdpPort()
    port.plug(ring)
    return port


def attached(up: Rig, program: Any, tx: XdpPort | None = None, targets: Sequence[Any] = (), queue: int = 0) -> Xdp:
    xdp = Xdp(program, targets, name="pair")
    xdp.attach(up.adapter.rx_rings[queue], tx)
    return xdp


class Netdev:
    """A socket in a tap's place, as a target of REDIRECT."""

    def __init__(self) -> None:
        self.kernel, self.ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.kernel.setblocking(False)
        self.ours.setblocking(False)
        self.port = XdpPort()
        self.port.plug(tap_fd=self.ours.fileno())

    def xdp_port(self, _queue: int) -> XdpPort:
        return self.port

    def got(self) -> list[bytes]:
        found: list[bytes] = []
        while True:
            try:
                found.append(self.kernel.recv(65536)[10:])
            except BlockingIOError:
                return found

    def close(self) -> None:
        self.kernel.close()
        self.ours.close()


@pytest.fixture
def netdev() -> Iterator[Netdev]:
    made = Netdev()
    yield made
    made.close()


def through_netdev(up: Rig, netdev: Netdev, queue: int = 0) -> list[bytes]:
    """What reaches the interface of what waits in the cable."""
    up.settle()
    stats = core_ffi.new("struct netdev_stats *")
    ring = up.adapter.rx_rings[queue].c
    while lib.netdev_rx(ring, netdev.ours.fileno(), 64, stats) > 0:
        up.settle()
    return netdev.got()


def test_pass_and_drop(up: Rig, wire: Wire, netdev: Netdev) -> None:
    xdp = attached(up, lambda frame: PASS if frame.data[17] % 2 else DROP)
    frames = [plain(n) for n in range(40)]
    wire.inject(*frames)
    assert through_netdev(up, netdev) == frames[1::2]
    assert xdp.stats() == {
        "xdp_aborted": 0, "xdp_drop": 20, "xdp_pass": 20, "xdp_tx": 0, "xdp_redirect": 0,
        "xdp_tx_lost": 0, "xdp_redirect_lost": 0,
    }  # fmt: skip


def test_a_dropped_frame_gives_its_buffer_back(up: Rig, wire: Wire, netdev: Netdev) -> None:
    """Ten times the ring: it would stand still after the first 63 frames."""
    xdp = attached(up, lambda _frame: DROP)
    for n in range(0, 640, 32):
        wire.inject(*(plain(n + i) for i in range(32)))
        assert through_netdev(up, netdev) == []
    assert xdp.stats()["xdp_drop"] == 640


def test_a_full_budget_of_dropped_frames_is_work(up: Rig, wire: Wire, netdev: Netdev) -> None:
    """NAPI counts what the ring gave, or the vector would be armed while frames wait."""
    attached(up, lambda _frame: DROP)
    wire.inject(*(plain(n) for n in range(20)))
    up.settle()
    stats = core_ffi.new("struct netdev_stats *")
    assert lib.netdev_rx(up.adapter.rx_rings[0].c, netdev.ours.fileno(), 8, stats) == 8


def test_tx_sends_the_frame_back(up: Rig, wire: Wire, netdev: Netdev) -> None:
    def reflect(frame: XdpFrame) -> Verdict:
        head = bytes(frame.data[:12])
        frame.data[:12] = head[6:] + head[:6]
        return TX

    ring = up.adapter.tx_rings[1]
    xdp = attached(up, reflect, plugged(ring))
    frames = [plain(n, 60 + n) for n in range(20)]
    wire.inject(*frames)
    assert through_netdev(up, netdev) == []
    up.settle()
    assert wire.sent() == [frame[6:12] + frame[:6] + frame[12:] for frame in frames]
    assert xdp.stats()["xdp_tx"] == 20
    assert ring.clean() == 20


def test_tx_into_a_full_ring_is_counted(up: Rig, wire: Wire, netdev: Netdev) -> None:
    ring = up.adapter.tx_rings[1]
    xdp = attached(up, lambda _frame: TX, plugged(ring))
    for _ in range(2):  # nobody cleans the ring of 64
        wire.inject(*(plain(n) for n in range(40)))
        through_netdev(up, netdev)
    assert xdp.stats()["xdp_tx_lost"] > 0
    assert len(wire.sent()) == 80 - xdp.stats()["xdp_tx_lost"]


def test_tx_without_a_ring_is_aborted(up: Rig, wire: Wire, netdev: Netdev) -> None:
    xdp = attached(up, lambda _frame: TX)
    wire.inject(plain(1))
    assert through_netdev(up, netdev) == []
    assert xdp.stats()["xdp_aborted"] == 1


def test_redirect_to_an_interface(up: Rig, wire: Wire, netdev: Netdev) -> None:
    one, two = Netdev(), Netdev()
    xdp = attached(up, lambda frame: frame.redirect(frame.data[17] % 3), targets=[one, two])
    frames = [plain(n) for n in range(9)]
    wire.inject(*frames)
    assert through_netdev(up, netdev) == []
    assert one.got() == frames[0::3]
    assert two.got() == frames[1::3]
    assert (xdp.stats()["xdp_redirect"], xdp.stats()["xdp_aborted"]) == (6, 3)  # there is no third target
    one.close()
    wire.inject(plain(0))
    through_netdev(up, netdev)
    assert xdp.stats()["xdp_redirect_lost"] == 1
    two.close()


def test_redirect_to_another_nic(up: Rig, wire: Wire, netdev: Netdev) -> None:
    far = Wire()
    with rig(far, name="other") as other:
        port = plugged(other.adapter.tx_rings[0])

        class Target:
            def xdp_port(self, _queue: int) -> XdpPort:
                return port

        xdp = attached(up, lambda frame: frame.redirect(), targets=[Target()])
        frames = [plain(n) for n in range(9)]
        wire.inject(*frames)
        assert through_netdev(up, netdev) == []
        other.settle()
        assert far.sent() == frames
        port.plug()  # as the other NIC does before its rings go
        wire.inject(*frames)
        assert through_netdev(up, netdev) == []
        assert (xdp.stats()["xdp_redirect"], xdp.stats()["xdp_redirect_lost"]) == (18, 9)
    far.close()


def test_a_stripped_vlan_tag_goes_with_the_frame(up: Rig, wire: Wire, netdev: Netdev) -> None:
    up.adapter.set_vlan_features(stripping=True)
    port = plugged(up.adapter.tx_rings[1])
    tags: list[int | None] = []

    def program(frame: XdpFrame) -> Verdict:
        tags.append(frame.vlan_tci)
        return TX

    attached(up, program, port, queue=1)
    attached(up, program, port)
    frame = flow(1, udp=True, payload=b"x" * 64, vlan=0x6005)
    wire.inject(frame)
    for queue in (0, 1):
        through_netdev(up, netdev, queue)
    up.settle()
    assert wire.sent() == [frame]
    assert tags == [0x6005]


def test_a_changed_frame_goes_on_as_it_is_now(up: Rig, wire: Wire, netdev: Netdev) -> None:
    def program(frame: XdpFrame) -> Verdict:
        frame.adjust_head(4)
        frame.adjust_tail(-2)
        frame.data[0] = 0xAA
        frame.adjust_tail(1)
        return PASS

    attached(up, program)
    frame = plain(7, 80)
    wire.inject(frame)
    (got,) = through_netdev(up, netdev)
    assert got[:1] == b"\xaa"
    assert got[1:-1] == frame[5:-2]
    assert len(got) == 80 - 4 - 2 + 1


def test_limits_of_adjusting(up: Rig, wire: Wire, netdev: Netdev) -> None:
    said: list[str] = []

    def program(frame: XdpFrame) -> Verdict:
        for adjust, by in ((frame.adjust_head, -1), (frame.adjust_head, 61), (frame.adjust_tail, 2048),
                           (frame.adjust_tail, -61)):  # fmt: skip
            with pytest.raises(ValueError, match="cannot") as caught:
                adjust(by)
            said.append(str(caught.value))
        with pytest.raises(ValueError, match="counted from 0"):
            frame.redirect(-1)
        return PASS

    attached(up, program)
    wire.inject(plain(7))
    assert through_netdev(up, netdev) == [plain(7)]
    assert len(said) == 4
    assert "60 bytes" in said[0]


def test_a_frame_is_gone_when_the_program_has_returned(up: Rig, wire: Wire, netdev: Netdev) -> None:
    kept: list[tuple[XdpFrame, memoryview]] = []

    def program(frame: XdpFrame) -> Verdict:
        kept.append((frame, frame.data))
        return PASS

    attached(up, program)
    wire.inject(plain(7))
    through_netdev(up, netdev)
    frame, view = kept[0]
    with pytest.raises(ValueError, match="went on"):
        len(frame)
    with pytest.raises(ValueError, match="released"):
        bytes(view)


def nonsense(frame: XdpFrame) -> Any:
    """Every other frame is answered with nonsense of another kind."""
    n = frame.data[17]
    if n % 2:
        return PASS
    return [None, "PASS", 5, -1, 2.0, True, object(), (1 << 40)][n // 2 % 8]


def test_a_program_that_returns_nonsense(up: Rig, wire: Wire, netdev: Netdev, caplog: pytest.LogCaptureFixture) -> None:
    xdp = attached(up, nonsense)
    frames = [plain(n) for n in range(32)]
    wire.inject(*frames)
    with caplog.at_level(logging.ERROR):
        assert through_netdev(up, netdev) == frames[1::2]
    assert xdp.stats()["xdp_aborted"] == 16
    (record,) = caplog.records  # said once
    assert "the XDP program returned None, which is no Verdict" in record.getMessage()


def test_a_program_that_raises(up: Rig, wire: Wire, netdev: Netdev, caplog: pytest.LogCaptureFixture) -> None:
    def program(frame: XdpFrame) -> Verdict:
        if frame.data[17] < 16:
            raise RuntimeError("no idea")
        return PASS

    xdp = attached(up, program)
    frames = [plain(n) for n in range(32)]
    wire.inject(*frames)
    with caplog.at_level(logging.ERROR):
        assert through_netdev(up, netdev) == frames[16:]
    assert xdp.stats()["xdp_aborted"] == 16
    (record,) = caplog.records
    assert record.getMessage() == "pair: the XDP program raised; such frames are lost (xdp_aborted)"
    assert "RuntimeError: no idea" in caplog.text


def test_a_c_function(up: Rig, wire: Wire, netdev: Netdev, c_programs: Any) -> None:
    programs, ffi = c_programs
    before = programs.how_many()
    xdp = attached(up, ffi.addressof(programs, "odd_ones"))
    frames = [plain(n, 60 + n % 3) for n in range(40)]
    wire.inject(*frames)
    assert through_netdev(up, netdev) == [frame[:-1] + b"\xee" for frame in frames if not frame[-1] % 2]
    assert programs.how_many() == before + 40
    assert xdp.stats()["xdp_pass"] + xdp.stats()["xdp_drop"] == 40


@pytest.mark.parametrize("name", ["too_long", "too_far", "too_short", "unheard_of"])
def test_a_c_function_that_lies_loses_its_frame(
    up: Rig, wire: Wire, netdev: Netdev, c_programs: Any, name: str
) -> None:
    programs, ffi = c_programs
    xdp = attached(up, ffi.addressof(programs, name))
    wire.inject(plain(1), plain(2))
    assert through_netdev(up, netdev) == []
    assert xdp.stats()["xdp_aborted"] == 2
    xdp.detach()
    wire.inject(plain(3))
    assert through_netdev(up, netdev) == [plain(3)]


@pytest.mark.parametrize("program", [None, 7, "odd_ones"])
def test_what_is_no_program(program: Any) -> None:
    with pytest.raises(DriverError, match="neither a C function nor callable"):
        Xdp(program)


def test_a_null_pointer_is_no_program() -> None:
    with pytest.raises(DriverError, match="no C function"):
        Xdp(FFI().NULL)


def test_our_own_loop_sees_what_passed(up: Rig, wire: Wire) -> None:
    """``RxRing.harvest`` goes on until something passes, and gives the buffers of the rest back."""
    attached(up, lambda frame: PASS if frame.data[17] == 200 else DROP)
    for n in range(0, 250, 50):
        wire.inject(*(plain(n + i) for i in range(50)))
        got = up.take()
        assert got == ([plain(200)] if n == 200 else [])


def test_a_program_in_place_of_another(up: Rig, wire: Wire, netdev: Netdev) -> None:
    old = attached(up, lambda _frame: DROP)
    wire.inject(plain(1))
    assert through_netdev(up, netdev) == []
    new = attached(up, lambda _frame: PASS)
    wire.inject(plain(2))
    assert through_netdev(up, netdev) == [plain(2)]
    assert (old.stats()["xdp_drop"], new.stats()["xdp_pass"]) == (1, 1)
    old.detach()  # of what is not its own any more
    wire.inject(plain(3))
    assert through_netdev(up, netdev) == [plain(3)]
    assert new.stats()["xdp_pass"] == 2


def test_the_same_without_and_after_a_program(up: Rig, wire: Wire, netdev: Netdev) -> None:
    xdp = attached(up, lambda _frame: DROP)
    xdp.detach()
    xdp.detach()
    frames = [plain(n) for n in range(9)]
    wire.inject(*frames)
    assert through_netdev(up, netdev) == frames
    assert xdp.stats()["xdp_drop"] == 0


def test_a_program_cannot_detach_itself(up: Rig, wire: Wire, netdev: Netdev) -> None:
    said: list[str] = []

    def program(_frame: XdpFrame) -> Verdict:
        try:
            xdp.detach()
        except DriverError as exc:
            said.append(str(exc))
        return PASS

    xdp = attached(up, program)
    wire.inject(plain(1))
    assert through_netdev(up, netdev) == [plain(1)]
    assert said == ["an XDP program cannot detach itself: it is running; return a Verdict first"]
    xdp.detach()


def test_detaching_waits_for_a_frame_that_is_inside(
    up: Rig, wire: Wire, netdev: Netdev, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, go = threading.Event(), threading.Event()

    def program(_frame: XdpFrame) -> Verdict:
        inside.set()
        go.wait(10)
        return PASS

    xdp = attached(up, program)
    wire.inject(plain(1))
    up.settle()
    thread = threading.Thread(target=through_netdev, args=(up, netdev))
    thread.start()
    try:
        assert inside.wait(10)
        monkeypatch.setattr(xdp_module, "DETACH_TIMEOUT_NS", 10_000_000)
        with pytest.raises(DriverError, match="does not return from a frame of Rx queue 0"):
            xdp.detach()
        monkeypatch.undo()
        threading.Timer(0.05, go.set).start()
        xdp.detach()
        assert go.is_set()
    finally:
        go.set()
        thread.join(10)
