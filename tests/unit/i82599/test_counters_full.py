# SPDX-License-Identifier: BSD-3-Clause
"""Every counter at its highest value does what its declaration says: it sticks, or it wraps.

A counter starts there, or so near that the frames of one batch pass the end, and one thing happens that it counts.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from device.machine.core import lib
from device.machine.regfile import RegFile
from device.machine.wire import NullPort
from device.regs import i82599 as regs
from device.regs.core import Full, Register
from device.regs.i82599 import ALL, FCTRL, FDIRCMD, FDIRCTRL, FDIRHASH, MFLCN, RXCTRL, RXPBSIZE
from device.regs.i82599.fdir import FdirCmd
from device.regs.tree import Tree
from tests.rigs.rx import Rig
from tests.rigs.tx import TxRig, rig

BATCH = 3
PERFECT = FDIRCTRL.of(PBALLOC=1, PERFECT_MATCH=1)
TO_US, TO_MANY, TO_ALL = (bytes.fromhex(address) for address in ("020000000001", "01005e000001", "ffffffffffff"))
FROM = bytes.fromhex("020000000002")
BY_NAME = {register.NAME: register for register in ALL}

Event = Callable[[], None]


class Stage:
    """A receiver and a transmitter, each a function of its own; events happen to one of them."""

    def __init__(self, rx: Rig, tx: TxRig) -> None:
        self.rx = rx
        self.tx = tx
        self.names = iter(range(1, 1000))

    def frames(self, len_bytes: int = 60, to: bytes = TO_US, kind: str = "88b5") -> list[bytes]:
        return [(to + FROM + bytes.fromhex(kind)).ljust(len_bytes, b"\0")] * BATCH

    # Each prepares the stage and returns what makes the event happen.

    def receive(self, len_bytes: int = 60, to: bytes = TO_US, *, flags: int = 0) -> Event:
        self.rx.ring(count=32).post(31)
        frames = self.frames(len_bytes, to)
        return lambda: self.rx.receive(*frames, flags=flags)

    def bring(self, kind: str) -> Event:
        self.rx.ring(count=32).post(31)
        frames = self.frames(60, TO_US, kind)
        return lambda: self.rx.receive(*frames)

    def pause(self, quanta: str) -> Event:
        self.rx.write(MFLCN, MFLCN.of(RFCE=1))
        frames = self.frames(60, bytes.fromhex("0180c2000001"), f"88080001{quanta}")
        return lambda: self.rx.receive(*frames)

    def priority_pause(self, quanta: str) -> Event:
        self.rx.write(MFLCN, MFLCN.of(RPFCE=1))
        frames = self.frames(60, bytes.fromhex("0180c2000001"), f"880801010001{quanta}")
        return lambda: self.rx.receive(*frames)

    def say(self, *, priority: bool) -> Event:
        """The packet buffer passes its high mark and is emptied, again and again."""
        self.rx.ring()
        self.rx.write(regs.FCCFG, regs.FCCFG.of(TFCE_PRIORITY=1) if priority else regs.FCCFG.of(TFCE_802_3X=1))
        self.rx.write(regs.FCRTH, regs.FCRTH.of(FCEN=1) | 0x100)
        self.rx.write(regs.FCRTL, regs.FCRTL.of(XONE=1))

        def happen() -> None:
            with NullPort() as port:
                self.rx.nic.set_port(port.c)
                for _ in range(BATCH):
                    self.rx.receive(*self.frames(400))
                    self.rx.nic.step()
                    self.rx.write(RXCTRL, 0)
                    self.rx.nic.step()
                    self.rx.write(RXCTRL, RXCTRL.of(RXEN=1))
                self.rx.nic.set_port(None)

        return happen

    def no_room(self) -> Event:
        self.rx.ring()
        self.rx.write(RXPBSIZE, RXPBSIZE.of(SIZE=1))
        return lambda: self.rx.receive(*self.frames(1500))

    def no_descriptor(self) -> Event:
        self.rx.ring(DROP_EN=1)
        return lambda: self.rx.receive(*self.frames())

    def steer(self, *, match: bool) -> Event:
        """IP frames meet a filter that ignores every field, or a table of none."""
        self.rx.ring(count=32).post(31)
        self.rx.write(FDIRCTRL, PERFECT)
        if match:
            for register in (regs.FDIRTCPM, regs.FDIRUDPM, regs.FDIRSIP4M, regs.FDIRDIP4M):
                self.rx.write(register, 0xFFFF_FFFF)
            self.rx.write(regs.FDIRM, sum(field.mask for field in regs.FDIRM.FIELDS.values()))
            self.rx.write(FDIRCMD, FDIRCMD.of(CMD=FdirCmd.ADD_FLOW))
        ip = "0800" + "4500002e0000000040fd0000" + "c0000201" + "c0000202"
        return lambda: self.rx.receive(*self.frames(60, TO_US, ip))

    def filters(self, command: FdirCmd, *, work: bool) -> Event:
        """Add or remove filters, with or without success."""
        room = work or command is FdirCmd.REMOVE_FLOW
        self.rx.write(FDIRCTRL, PERFECT if room else PERFECT.replace(PBALLOC=0))

        def happen() -> None:
            for name in [next(self.names) for _ in range(BATCH)]:
                self.rx.write(FDIRHASH, FDIRHASH.of(SIG_SW_INDEX=name))
                if command is FdirCmd.REMOVE_FLOW and work:
                    self.rx.write(FDIRCMD, FDIRCMD.of(CMD=FdirCmd.ADD_FLOW))
                self.rx.write(FDIRCMD, FDIRCMD.of(CMD=command))

        return happen

    def send(self, len_bytes: int, to: bytes) -> Event:
        def happen() -> None:
            for frame in self.frames(len_bytes, to):
                self.tx.send(frame)
            assert self.tx.run() == BATCH
            self.tx.wire()

        return happen

    def off_the_wire(self) -> Event:
        """Frames that our own loopback wire brings."""
        self.tx.write(RXCTRL, RXCTRL.of(RXEN=1))

        def happen() -> None:
            for frame in self.frames():
                self.tx.send(frame)
            assert self.tx.run() == BATCH
            assert self.tx.nic.step() == BATCH

        return happen

    def of_pool(self, to: bytes = TO_US, *, pools: int = 1) -> Event:
        """Frames of the wire for one pool or for several."""
        self.rx.ring(count=32).post(31)
        pooled(self.rx, pools)
        frames = self.frames(60, to)
        return lambda: self.rx.receive(*frames)

    def pool_sends(self, to: bytes = TO_US, *, forged: bool = False) -> Event:
        """Pool 0 sends to the wire, to other pools, or what it may not."""

        def happen() -> None:
            self.tx.write(RXCTRL, RXCTRL.of(RXEN=1))
            pooled(self.tx, 3)
            self.tx.write(regs.MTQC, 0x6)
            self.tx.write(regs.PFDTXGSWC, 1)
            self.tx.write(regs.PFVFSPOOF, regs.PFVFSPOOF.of(MACAS=int(forged)))
            self.tx.write(regs.VMECM, 1)
            for frame in self.frames(60, to):
                self.tx.send(frame)
            assert self.tx.run() == BATCH
            self.tx.wire()
            for register in (regs.MTQC, regs.VT_CTL, regs.MRQC):
                self.tx.write(register, 0)

        return happen


def pooled(nic: Rig | TxRig, pools: int) -> None:
    """So many pools of two queues that all want everything; strangers are pool 0's."""
    nic.write(regs.VT_CTL, regs.VT_CTL.of(VT_ENABLE=1, REPLEN=1))
    nic.write(regs.MRQC, regs.MRQC.of(MRQE=0xB))
    nic.write(regs.VFRE, (1 << pools) - 1)
    for pool in range(pools):
        nic.write(regs.VMOLR, regs.VMOLR.of(MPE=1, BAM=1), pool)


@dataclass(frozen=True)
class Case:
    """One counter, ``REGISTER`` or ``REGISTER.FIELD``, and how to make something happen that it counts."""

    name: str
    prepare: Callable[[Stage], Event]
    side: str = "rx"

    @property
    def register(self) -> type[Register]:
        return BY_NAME[self.name.partition(".")[0]]

    @property
    def highest(self) -> int:
        register, field = self.register, self.name.partition(".")[2]
        if field:
            return register.FIELDS[field].max
        return (self._mask(BY_NAME[register.PAIR]) << 32 if register.PAIR else 0) | self._mask(register)

    @staticmethod
    def _mask(register: type[Register]) -> int:
        return sum(field.mask for field in register.FIELDS.values())

    def set(self, rf: RegFile, value: int) -> None:
        register, field = self.register, self.name.partition(".")[2]
        if field:
            rf.put(register, 0, register.of(**{field: value}))
        else:
            rf.put(register, 0, value & 0xFFFF_FFFF)
            if register.PAIR:
                rf.put(BY_NAME[register.PAIR], 0, value >> 32)

    def get(self, rf: RegFile) -> int:
        register, field = self.register, self.name.partition(".")[2]
        if field:
            return int(getattr(rf.get(register), field))
        high = int(rf.get(BY_NAME[register.PAIR])) << 32 if register.PAIR else 0
        return high | int(rf.get(register))


def of(size: int, to: bytes = TO_US) -> Callable[[Stage], Event]:
    return lambda stage: stage.receive(size, to)


def out(size: int = 60, to: bytes = TO_US) -> Callable[[Stage], Event]:
    return lambda stage: stage.send(size, to)


SIZES = {"64": 60, "127": 100, "255": 200, "511": 400, "1023": 800, "1522": 1500}
CASES = [
    *(Case(f"PRC{name}", of(size)) for name, size in SIZES.items()),
    *(Case(name, of(60)) for name in ("GPRC", "GORCL", "QPRC", "QBRC_L")),
    Case("MPRC", of(60, TO_MANY)),
    Case("BPRC", of(60, TO_ALL)),
    Case("CRCERRS", lambda stage: stage.receive(flags=lib.FRAME_BAD_CRC)),
    Case("RJC", lambda stage: stage.receive(2000, flags=lib.FRAME_BAD_CRC)),
    Case("RJC", lambda stage: stage.receive(lib.FRAME_MAX_BYTES + 1, flags=lib.FRAME_BAD_CRC)),
    Case("RFC", lambda stage: stage.receive(40, flags=lib.FRAME_BAD_CRC | lib.FRAME_EXACT)),
    Case("RLEC", lambda stage: stage.bring("0100")),
    *(Case(name, Stage.of_pool) for name in ("PVFGPRC", "PVFGORC_LSB")),
    Case("PVFMPRC", lambda stage: stage.of_pool(TO_MANY)),
    *(Case(name, lambda stage: stage.of_pool(TO_ALL, pools=2)) for name in ("RXDDGPC", "RXDDGBCL")),
    *(Case(name, Stage.pool_sends, "tx") for name in ("PVFGPTC", "PVFGOTC_LSB")),
    *(Case(name, lambda stage: stage.pool_sends(TO_ALL), "tx") for name in ("RXLPBKGPC", "RXLPBKGBCL")),
    *(Case(name, lambda stage: stage.pool_sends(TO_ALL), "tx") for name in ("RXDLPBKGPC", "RXDLPBKGBCL")),
    Case("SSVPC", lambda stage: stage.pool_sends(forged=True), "tx"),
    Case("XEC", lambda stage: stage.bring("0800" + "4500002e0000000040fd" + "0000" + "c0000201" + "c0000202")),
    *(Case(name, of(60)) for name in ("RXDGPC", "RXDGBCL")),
    Case("ROC", of(2000)),
    Case("ROC", of(lib.FRAME_MAX_BYTES + 1)),
    Case("RUC", lambda stage: lambda: stage.rx.receive(*[b"short"] * BATCH)),
    Case("LXONRXCNT", lambda stage: stage.pause("0000")),
    Case("LXOFFRXCNT", lambda stage: stage.pause("ffff")),
    *(Case(name, lambda stage: stage.priority_pause("0000")) for name in ("PXONRXCNT", "LXONRXCNT")),
    *(Case(name, lambda stage: stage.priority_pause("ffff")) for name in ("PXOFFRXCNT", "LXOFFRXCNT")),
    *(Case(name, lambda stage: stage.say(priority=False)) for name in ("LXONTXC", "LXOFFTXC")),
    *(Case(name, lambda stage: stage.say(priority=True)) for name in ("PXONTXC", "PXOFFTXC", "PXON2OFFCNT")),
    Case("MPC", Stage.no_room),
    Case("QPRDC", Stage.no_descriptor),
    Case("FDIRMATCH", lambda stage: stage.steer(match=True)),
    Case("FDIRMISS", lambda stage: stage.steer(match=False)),
    Case("FDIRUSTAT.ADD", lambda stage: stage.filters(FdirCmd.ADD_FLOW, work=True)),
    Case("FDIRUSTAT.REMOVE", lambda stage: stage.filters(FdirCmd.REMOVE_FLOW, work=True)),
    Case("FDIRFSTAT.FADD", lambda stage: stage.filters(FdirCmd.ADD_FLOW, work=False)),
    Case("FDIRFSTAT.FREMOVE", lambda stage: stage.filters(FdirCmd.REMOVE_FLOW, work=False)),
    *(Case(f"PTC{name}", out(size), "tx") for name, size in SIZES.items()),
    *(Case(name, out(), "tx") for name in ("GPTC", "TPT", "GOTCL", "TXDGPC", "TXDGBCL", "QPTC", "QBTC_L")),
    Case("MPTC", out(60, TO_MANY), "tx"),
    Case("BPTC", out(60, TO_ALL), "tx"),
    *(Case(name, Stage.off_the_wire, "tx") for name in ("TPR", "TORL", "RXNFGPC", "RXNFGBCL")),
]


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[Rig, TxRig]]:
    with Rig() as rx, rig(count=32) as tx:
        yield rx, tx


@pytest.fixture
def stage(both: tuple[Rig, TxRig]) -> Stage:
    rx, _ = both
    rx.renew()
    rx.write(FCTRL, FCTRL.of(UPE=1, MPE=1, BAM=1, DPF=1))
    return Stage(*both)


@pytest.mark.parametrize("short_by", [0, 1], ids=["full", "nearly full"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_full_counter(stage: Stage, case: Case, short_by: int) -> None:
    rf = stage.rx.rf if case.side == "rx" else stage.tx.regs
    happen = case.prepare(stage)
    case.set(rf, 0)
    happen()
    step = case.get(rf)
    assert step >= BATCH, "the event is one that it counts"
    case.set(rf, case.highest - short_by)
    happen()
    wrapped = case.highest - short_by + step - (case.highest + 1)
    assert case.get(rf) == (case.highest if case.register.FULL is Full.STICKS else wrapped)


@pytest.mark.parametrize("name", ["FDIRUSTAT.REMOVE", "FDIRUSTAT.ADD", "FDIRFSTAT.FADD", "FDIRFSTAT.FREMOVE"])
def test_a_full_field_leaves_its_neighbour_alone(stage: Stage, name: str) -> None:
    case = next(case for case in CASES if case.name == name)
    happen = case.prepare(stage)
    happen()
    register = case.register
    before = int(stage.rx.rf.get(register)) & ~register.FIELDS[name.partition(".")[2]].mask
    case.set(stage.rx.rf, case.highest)
    happen()
    assert int(stage.rx.rf.get(register)) & ~register.FIELDS[name.partition(".")[2]].mask == before


def test_a_counter_that_sticks_counts_again_after_it_was_read(stage: Stage) -> None:
    happen = stage.receive()
    for register in (regs.GPRC, regs.GORCL, regs.GORCH):
        stage.rx.rf.put(register, 0, sum(field.mask for field in register.FIELDS.values()))
    happen()
    assert [stage.rx.read(register) for register in (regs.GPRC, regs.GORCL, regs.GORCH)] == [2**32 - 1, 2**32 - 1, 0xF]
    happen()
    assert [stage.rx.read(register) for register in (regs.GPRC, regs.GORCL, regs.GORCH)] == [BATCH, 64 * BATCH, 0]


def test_no_counter_is_forgotten_here() -> None:
    counted = {name for name, uses in Tree(ALL).c("device").items() if any(use.acts for use in uses)}
    here = {case.register.NAME for case in CASES}
    here |= {BY_NAME[name].PAIR for name in here}
    assert {name for name in counted if BY_NAME[name].FULL} - here == set()
