# SPDX-License-Identifier: BSD-3-Clause
"""A guest may do anything at all: the device neither crashes, nor spins, nor writes where it may not, nor stays broken.

Random register accesses, ring set-ups, descriptors and frames hit a device; afterwards a PCI reset and the real driver
must find it as good as new.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.i82599.card import Card
from device.i82599.core import BAR0_BYTES
from device.machine.core import ffi
from device.regs import i82599 as regs
from device.regs.i82599 import (
    CTRL,
    CTRL_EXT,
    DMATXCTL,
    EEC,
    EEWR,
    EIMS,
    FCTRL,
    HLREG0,
    IVAR,
    MAXFRS,
    MRQC,
    RDBAH,
    RDBAL,
    RDH,
    RDLEN,
    RDT,
    RTTDCS,
    RXCTRL,
    RXDCTL,
    SECRXCTRL,
    SRRCTL,
    TDBAH,
    TDBAL,
    TDH,
    TDLEN,
    TDT,
    TDWBAH,
    TDWBAL,
    TXDCTL,
    Register,
    name_of,
)
from device.regs.i82599.desc import TXCTX0, TXCTX1, TXD, TXDADV, TxDescType
from driver.doors.config import Config
from driver.ixgbe.probe import ProbeOptions, probe
from tests.rigs.driver_clock import NoWait
from tests.rigs.pair import FRAME_MAX_BYTES, MAC, Rig, Wire, flow, plain
from tests.rigs.pair_door import PairDoor

IOVA = 0x7F_FFFF_0000  # the region crosses a 4 GiB boundary in the middle
MEMORY_BYTES = 0x20000
GUARD_BYTES = 0x10000
GUARD = b"\x5a" * GUARD_BYTES
LOW = 2**32
ALL_ONES = 0xFFFF_FFFF
STEPS_AT_ONCE = 3
# Work that one turn may find, however hard the guest tries: a batch sent, the packet buffer drained, a batch received.
WORK_MAX = 64 + 8192 + 64

WORD = st.integers(0, ALL_ONES)
QUEUE = st.sampled_from([0, 1, 2, 15, 16, 63, 64, 127])
# What a guest writes to the NVM stays written, as on a real card; here each run must end with a good one.
LASTING = {EEWR, EEC}
REGISTERS = [register for register in regs.ALL if register not in LASTING]
GLOBALS: list[type[Register]] = [CTRL_EXT, DMATXCTL, FCTRL, HLREG0, MRQC, RTTDCS, RXCTRL, SECRXCTRL]


class Victim:
    """A device on the test's own memory, with guards on both sides of it."""

    def __init__(self, nic: Card, wire: Wire) -> None:
        self.nic = nic
        self.wire = wire
        self.door = PairDoor(nic)
        self.whole = ffi.new("uint8_t[]", 2 * GUARD_BYTES + MEMORY_BYTES)
        self.memory = ffi.buffer(self.whole + GUARD_BYTES, MEMORY_BYTES)
        config = Config(self.door)
        config.enable_memory()
        config.set_master(on=True)
        nic.link.evaluate()

    def start(self) -> None:
        """Fresh memory, in two regions that touch each other: copies may cross, rings may too."""
        self.nic.pf.dma_del(IOVA, MEMORY_BYTES)
        ffi.buffer(self.whole)[:] = GUARD + bytes(MEMORY_BYTES) + GUARD
        half = MEMORY_BYTES // 2
        for n in range(2):
            self.nic.pf.dma_add(IOVA + n * half, half, self.whole + GUARD_BYTES + n * half)

    def whole_guards(self) -> bool:
        whole = bytes(ffi.buffer(self.whole))
        return whole[:GUARD_BYTES] == GUARD and whole[GUARD_BYTES + MEMORY_BYTES :] == GUARD

    def write(self, register: type[Register], value: int, n: int = 0) -> None:
        self.nic.regs.write(register.offset(n), value % LOW)

    def step(self) -> None:
        for _ in range(STEPS_AT_ONCE):
            assert 0 <= self.nic.step() <= WORK_MAX


@dataclass(frozen=True)
class Action:
    """One thing a guest does, and what to call it when it turns out to be the culprit."""

    what: str
    do: Callable[[Victim], object]

    def __repr__(self) -> str:
        return self.what


# ---- what a guest may do ---------------------------------------------------------------------------------------------


@st.composite
def any_write(draw: st.DrawFn) -> Action:
    """Any bytes at any offset."""
    offset, data = draw(st.integers(0, 0x1_FFFF)), draw(st.binary(min_size=1, max_size=16))
    touched = {found[0] for at in range(offset - 3, offset + 16) if (found := regs.lookup(at // 4 * 4))}
    if touched & LASTING:
        offset = 0
    return Action(f"write {data.hex()} at {offset:#x}", lambda victim: victim.nic.pf.bar0_write(offset, data))


@st.composite
def any_read(draw: st.DrawFn) -> Action:
    offset, size = draw(st.integers(0, 0x8_0000)), draw(st.integers(1, 16))
    return Action(f"read {size} bytes at {offset:#x}", lambda victim: victim.nic.pf.bar0_read(offset, size))


@st.composite
def known_write(draw: st.DrawFn) -> Action:
    """A register that there is, with any value or an extreme one."""
    register = draw(st.sampled_from(REGISTERS))
    n = draw(st.integers(0, register.count - 1))
    value = draw(st.one_of(WORD, st.sampled_from([0, ALL_ONES])))
    return Action(f"{register.NAME}[{n}] = {value:#x}", lambda victim: victim.write(register, value, n))


@st.composite
def switch(draw: st.DrawFn) -> Action:
    """The registers that open and close the data path, one field at a time."""
    register = draw(st.sampled_from(GLOBALS))
    name = draw(st.sampled_from(sorted(register.FIELDS)))
    value = draw(st.integers(0, register.FIELDS[name].max))

    def act(victim: Victim) -> None:
        victim.write(register, int(victim.nic.regs.get(register).replace(**{name: value})))

    return Action(f"{register.NAME}.{name} = {value}", act)


INSIDE = st.builds(
    lambda place, shift: IOVA + 512 * place + shift,
    st.integers(0, MEMORY_BYTES // 512 - 33),
    st.sampled_from([0, 0, 1, 2, 511]),
)
IOVAS = st.one_of(
    *[INSIDE] * 9,
    st.integers(IOVA, IOVA + MEMORY_BYTES - 1),
    st.integers(IOVA - 256, IOVA + 256),
    st.integers(IOVA + MEMORY_BYTES - 256, IOVA + MEMORY_BYTES + 256),
    st.sampled_from([0, IOVA, IOVA + MEMORY_BYTES // 2 - 128, 2**64 - 128, 2**64 - 1]),
)
MOSTLY, RARELY = st.sampled_from([1, 1, 1, 0]), st.sampled_from([0, 0, 0, 1])
LENGTHS = st.sampled_from([0, 1, 127, 128, 144, 256, 1024, 4096, 0x1_0000, 0xF_FFFF])
PLACES = st.one_of(st.integers(0, 70), st.sampled_from([0xFFFF, 0x1000, 255]))


@st.composite
def ring_setup(draw: st.DrawFn) -> Action:
    """A ring as a driver sets it up, right, wrong, or in the wrong place."""
    rx, queue, iova, len_bytes = draw(st.booleans()), draw(QUEUE), draw(IOVAS), draw(LENGTHS)
    if draw(st.booleans()):
        iova, len_bytes = IOVA + draw(st.sampled_from([0, 0x1000, 0x8000, 0xFF80])), 1024
    head, tail, off = draw(st.sampled_from([0, 0, 0, 1, 63, 64, 0xFFFF])), draw(PLACES), draw(st.booleans())
    srrctl = int(
        SRRCTL.of(
            BSIZEPACKET=draw(st.sampled_from([0, 1, 2, 2, 2, 16, 31])),
            DESCTYPE=draw(st.sampled_from([0, 1, 1, 1, 2, 5, 7])),
            DROP_EN=draw(st.integers(0, 1)),
        )
    )
    write_back = draw(st.one_of(st.just(0), IOVAS))

    def act(victim: Victim) -> None:
        low, high, length, heads, tails, control = (
            (RDBAL, RDBAH, RDLEN, RDH, RDT, RXDCTL) if rx else (TDBAL, TDBAH, TDLEN, TDH, TDT, TXDCTL)
        )
        if off:
            victim.write(control, 0, queue)
        victim.write(low, iova, queue)
        victim.write(high, iova // LOW, queue)
        victim.write(length, len_bytes, queue)
        victim.write(heads, head, queue)
        victim.write(tails, head, queue)
        if rx:
            victim.write(SRRCTL, srrctl, queue)
        else:
            victim.write(TDWBAL, write_back % LOW // 4 * 4 + int(write_back > 0), queue)
            victim.write(TDWBAH, write_back // LOW, queue)
        victim.write(control, int(control.of(ENABLE=1)), queue)
        victim.write(tails, tail, queue)

    way = "Rx" if rx else "Tx"
    return Action(
        f"{way} ring {queue}: {len_bytes:#x} bytes at {iova:#x}, head {head}, tail {tail}, SRRCTL {srrctl:#x}, "
        f"write-back {write_back:#x}{', off first' if off else ''}",
        act,
    )


@st.composite
def doorbell(draw: st.DrawFn) -> Action:
    register, queue, place = draw(st.sampled_from([RDT, TDT])), draw(QUEUE), draw(PLACES)
    return Action(f"{register.NAME}[{queue}] = {place}", lambda victim: victim.write(register, place, queue))


@st.composite
def descriptor(draw: st.DrawFn) -> tuple[int, int]:
    """A transmit descriptor that is nearly right; its first half doubles as a receive buffer's address."""
    kind = draw(st.integers(0, 11))
    if kind == 11:
        return draw(st.integers(0, 2**64 - 1)), draw(st.integers(0, 2**64 - 1))
    if kind == 1:
        head = TXCTX0.of(
            MACLEN=draw(st.sampled_from([0, 14, 18, 127])), IPLEN=draw(st.sampled_from([0, 20, 40, 511])), VLAN=7
        )
        tail = TXCTX1.of(
            DTYP=TxDescType.CTXT,
            DCMD_DEXT=1,
            IPV4=draw(st.integers(0, 1)),
            L4T=draw(st.integers(0, 3)),
            IDX=draw(st.sampled_from([0, 0, 1, 7])),
            L4LEN=draw(st.sampled_from([0, 8, 20, 255])),
            MSS=draw(st.sampled_from([0, 1, 100, 1460, 0xFFFF])),
        )
        return int(head), int(tail)
    length = draw(st.sampled_from([54, 60, 61, 200, 200, 1514, 1514, 4000, 14, 16384, 0, 1, 0xFFFF]))
    flags = {"EOP": draw(MOSTLY), "IFCS": draw(MOSTLY), "RS": draw(MOSTLY), "VLE": draw(RARELY)}
    if kind == 2:
        legacy = TXD.of(
            LENGTH=length,
            CMD_IC=draw(RARELY),
            CSO=draw(st.integers(0, 255)),
            CSS=draw(st.integers(0, 255)),
            **{f"CMD_{name}": value for name, value in flags.items()},
        )
        return draw(IOVAS), int(legacy)
    data = TXDADV.of(
        DTALEN=length,
        DTYP=TxDescType.DATA,
        DCMD_DEXT=1,
        DCMD_TSE=draw(RARELY),
        IDX=draw(st.sampled_from([0, 0, 0, 1, 2])),
        POPTS_IXSM=draw(RARELY),
        POPTS_TXSM=draw(RARELY),
        PAYLEN=max(0, length + draw(st.sampled_from([0, -54, -34, 1000]))),
        **{f"DCMD_{name}": value for name, value in flags.items()},
    )
    return draw(IOVAS), int(data)


Pairs = list[tuple[int, int]]


@st.composite
def segmentation(draw: st.DrawFn) -> Pairs:
    """A context and a packet that agree, or nearly: one to four pieces, many segments."""
    v4, l4t = draw(st.integers(0, 1)), draw(st.sampled_from([0, 1, 1, 1]))
    mac, ip, l4 = draw(st.sampled_from([14, 18])), draw(st.sampled_from([20, 60] if v4 else [40, 80])), 20 if l4t else 8
    mss = draw(st.sampled_from([7, 100, 1460, 9000]))
    if draw(st.integers(0, 4)) == 4:  # and now something less likely
        mac, ip, l4 = draw(st.integers(0, 127)), draw(st.integers(0, 511)), draw(st.integers(0, 255))
        l4t, mss = draw(st.integers(0, 3)), draw(st.sampled_from([0, 1, 16000, 0xFFFF]))
    pieces = draw(st.lists(st.sampled_from([1, 60, 200, 1500, 9000, 16000]), max_size=3))
    pieces.insert(0, draw(st.sampled_from([200, 200, 1500, 16000, 1])))
    q0 = TXCTX0.of(MACLEN=mac, IPLEN=ip, VLAN=draw(st.integers(0, 0xFFFF)))
    q1 = TXCTX1.of(DTYP=TxDescType.CTXT, DCMD_DEXT=1, IPV4=v4, L4T=l4t, L4LEN=l4, MSS=mss)
    pairs = [(int(q0), int(q1))]
    payload = sum(pieces) - mac - ip - l4 + draw(st.sampled_from([0, 0, 0, 0, 1]))
    for n, piece in enumerate(pieces):
        last = int(n == len(pieces) - 1)
        data = TXDADV.of(
            DTALEN=piece,
            DTYP=TxDescType.DATA,
            DCMD_DEXT=1,
            DCMD_TSE=1,
            DCMD_EOP=last,
            DCMD_RS=last,
            DCMD_VLE=draw(st.integers(0, 1)),
            POPTS_TXSM=1,
            POPTS_IXSM=v4,
            PAYLEN=max(payload, 0),
        )
        pairs.append((draw(IOVAS), int(data)))
    return pairs


RING = st.sampled_from([(0, 1024), (0x1000, 256), (0xFF80, 256), (0x8000, 0x1_0000)])


def show(pairs: Pairs) -> str:
    return " ".join(f"{q0:#x}:{q1:#x}" for q0, q1 in pairs)


def poke(victim: Victim, at: int, pairs: Pairs) -> None:
    made = b"".join(q0.to_bytes(8, "little") + q1.to_bytes(8, "little") for q0, q1 in pairs)
    victim.memory[at : at + len(made)] = made


@st.composite
def send(draw: st.DrawFn) -> Action:
    """A good transmit ring with descriptors of every sort in it, and its doorbell."""
    queue, (at, len_bytes) = draw(QUEUE), draw(RING)
    pairs: Pairs = []
    for some in draw(st.lists(st.one_of(segmentation(), st.lists(descriptor(), max_size=3)), min_size=1, max_size=4)):
        pairs += some
    pairs = pairs[: len_bytes // 16 - 1]

    def act(victim: Victim) -> None:
        poke(victim, at, pairs)
        base = IOVA + at
        for register, value in (
            (TXDCTL, 0),
            (TDBAL, base),
            (TDBAH, base // LOW),
            (TDLEN, len_bytes),
            (TDH, 0),
            (TDT, 0),
            (TXDCTL, int(TXDCTL.of(ENABLE=1))),
            (TDT, len(pairs)),
        ):
            victim.write(register, value, queue)
        victim.step()

    return Action(f"send on {queue}, ring {len_bytes:#x} bytes at +{at:#x}: {show(pairs)}", act)


@st.composite
def receive(draw: st.DrawFn) -> Action:
    """A good receive ring whose buffers lie anywhere, and frames for it."""
    at, len_bytes = draw(RING)
    buffers = draw(st.lists(IOVAS, min_size=1, max_size=15))
    srrctl = SRRCTL.of(BSIZEPACKET=draw(st.sampled_from([1, 2, 16])), DESCTYPE=draw(st.sampled_from([0, 1, 1])))
    sizes = draw(st.lists(st.sampled_from([60, 100, 1514, 9014]), min_size=1, max_size=8))

    def act(victim: Victim) -> None:
        poke(victim, at, [(buffer, 0) for buffer in buffers])
        base = IOVA + at
        for register, value in (
            (RXDCTL, 0),
            (RDBAL, base),
            (RDBAH, base // LOW),
            (RDLEN, len_bytes),
            (RDH, 0),
            (RDT, 0),
            (SRRCTL, int(srrctl)),
            (RXDCTL, int(RXDCTL.of(ENABLE=1))),
            (RDT, len(buffers)),
        ):
            victim.write(register, value)
        victim.wire.inject(*[plain(n, size) for n, size in enumerate(sizes)])
        victim.step()

    where = [f"{buffer:#x}" for buffer in buffers]
    return Action(f"receive {sizes}, ring {len_bytes:#x} bytes at +{at:#x}, {srrctl}, buffers {where}", act)


@st.composite
def descriptors(draw: st.DrawFn) -> Action:
    """Some descriptors in a row, somewhere in memory, under rings that may be running."""
    at = draw(st.sampled_from([0, 0x10, 0x1000, 0x8000, 0xFF80, 0x1FF00]))
    pairs = draw(st.lists(descriptor(), max_size=8))
    return Action(f"descriptors at +{at:#x}: {show(pairs)}", lambda victim: poke(victim, at, pairs))


@st.composite
def noise(draw: st.DrawFn) -> Action:
    """A page of memory that makes no sense."""
    seed, at = draw(st.integers(0, 9)), draw(st.integers(0, 31)) * 0x1000

    def act(victim: Victim) -> None:
        victim.memory[at : at + 0x1000] = random.Random(seed).randbytes(0x1000)

    return Action(f"noise {seed} at +{at:#x}", act)


@st.composite
def frames(draw: st.DrawFn) -> Action:
    """Frames from the wire: good ones, and bytes."""
    made = [flow(n, v6=bool(n % 2), payload=bytes(n)) for n in draw(st.lists(st.integers(0, 40), max_size=4))]
    made += draw(st.lists(st.binary(min_size=14, max_size=200), max_size=3))
    made += [plain(1, size) for size in draw(st.lists(st.sampled_from([1514, 9014, FRAME_MAX_BYTES]), max_size=2))]

    def act(victim: Victim) -> None:
        victim.wire.inject(*made)
        victim.step()

    return Action(f"frames {[frame[:80].hex() for frame in made]} of {[len(frame) for frame in made]} bytes", act)


@st.composite
def world(draw: st.DrawFn) -> Action:
    """What happens around the function: mappings, bus master, module, cable."""
    what = draw(
        st.sampled_from(["unmap", "map", "master off", "master on", "module", "dark", "lit", "software", "pci"])
    )

    def act(victim: Victim) -> None:
        nic, half = victim.nic, MEMORY_BYTES // 2
        match what:
            case "unmap":
                nic.pf.dma_del(IOVA + half, half)
            case "map":
                nic.pf.dma_del(IOVA + half, half)
                nic.pf.dma_add(IOVA + half, half, victim.whole + GUARD_BYTES + half)
            case "master off" | "master on":
                Config(victim.door).set_master(on=what == "master on")
            case "module":
                nic.insert_sfp("lr")
            case "dark" | "lit":
                victim.wire.light(on=what == "lit")
                victim.step()
                nic.link.evaluate()
            case _:
                nic.reset(software=what == "software")

    return Action(what, act)


ACTIONS = st.lists(
    st.one_of(
        any_write(),
        any_read(),
        known_write(),
        switch(),
        ring_setup(),
        doorbell(),
        descriptors(),
        send(),
        send(),
        receive(),
        receive(),
        noise(),
        frames(),
        world(),
        st.just(Action("step", Victim.step)),
    ),
    min_size=10,
    max_size=60,
)


# ---- and what must hold ----------------------------------------------------------------------------------------------


@contextmanager
def victim() -> Iterator[Victim]:
    with Wire() as wire, Card(mac=MAC, sfp="sr", port=wire) as nic:
        made = Victim(nic, wire)
        yield made
        made.door.close()


def open_path(victim: Victim, *, loop: bool = False) -> None:
    """The data path as a driver opens it, so that most of what follows gets somewhere; ``loop``: back in the MAC."""
    victim.write(DMATXCTL, int(DMATXCTL.of(TE=1)))
    victim.write(HLREG0, int(HLREG0.of(JUMBOEN=1, TXCRCEN=1, TXPADEN=1, RXCRCSTRP=1, LPBK=int(loop))))
    victim.write(MAXFRS, int(MAXFRS.of(MFS=16000)))
    for n in range(IVAR.count):
        entry = IVAR.of(RX0=n, RX0_VALID=1, TX0=n, TX0_VALID=1, RX1=n, RX1_VALID=1, TX1=n, TX1_VALID=1)
        victim.write(IVAR, int(entry), n)
    victim.write(EIMS, ALL_ONES)
    victim.write(FCTRL, int(FCTRL.of(UPE=1, MPE=1, BAM=1)))
    victim.write(RXCTRL, int(RXCTRL.of(RXEN=1)))


def recover(victim: Victim) -> None:
    """Whatever happened: after a PCI reset the real driver probes the device and data passes both ways."""
    nic, wire = victim.nic, victim.wire
    nic.insert_sfp("sr")
    nic.pf.dma_del(IOVA, MEMORY_BYTES)
    victim.door.reset()
    wire.light(on=True)
    nic.core.settle(1000)
    wire.sent()
    time = NoWait()
    with probe(PairDoor(nic), ProbeOptions(clock=time, cpus=2, queues=2, itr_us=0)) as adapter:
        adapter.up(queues=2, ring_count=64)
        up = Rig(nic, victim.door, adapter, time)
        up.settle()
        nic.link.evaluate()
        adapter.service()
        assert adapter.link.up
        up.take_all()
        wire.sent()
        there = [flow(n, payload=bytes([n]) * 30) for n in range(40)]
        wire.inject(*there)
        assert sorted(frame for part in up.take_all().values() for frame in part) == sorted(there)
        for queue in range(2):
            up.send(there, queue)
            assert wire.sent() == there
    assert nic.regs.handler_errors == 0


def registers(nic: Card) -> bytes:
    """Every register word, except those that show the link and the cage, which live on."""
    words = bytearray(ffi.buffer(nic.pf.c.regs.word, BAR0_BYTES))
    for offset in (*regs.LINKS.AT, *regs.ESDP.AT):
        words[offset : offset + 4] = bytes(4)
    words[regs.STATUS.offset()] &= ~regs.STATUS.of(LINK_UP=1) & 0xFF
    return bytes(words)


def changed(before: bytes, after: bytes) -> list[str]:
    """Names of the registers that differ."""
    return [name_of(at) for at in range(0, BAR0_BYTES, 4) if before[at : at + 4] != after[at : at + 4]]


def test_nothing_a_guest_does_breaks_the_device() -> None:
    with victim() as made:
        config = Config(made.door)
        made.door.reset()
        fresh = registers(made.nic)

        @settings(derandomize=True, max_examples=150, deadline=None)
        @given(actions=ACTIONS, loop=st.booleans())
        def check(actions: list[Action], *, loop: bool) -> None:
            made.door.reset()
            now = registers(made.nic)
            assert now == fresh or changed(fresh, now) == []
            config.enable_memory()
            config.set_master(on=True)
            made.start()
            open_path(made, loop=loop)
            for act in actions:
                act.do(made)
            made.step()
            assert made.whole_guards()
            assert made.nic.regs.handler_errors == 0

        check()
        recover(made)
        made.door = PairDoor(made.nic)


@pytest.mark.parametrize("seed", range(3))
def test_long_random_runs(seed: int) -> None:
    """Many more accesses than an example has, without shrinking: every register of the map, over and over."""
    dice = random.Random(seed)
    with victim() as made:
        made.start()
        for turn in range(4000):
            register = dice.choice(REGISTERS)
            if register is CTRL and dice.random() < 0.9:
                continue
            made.write(register, dice.getrandbits(32), dice.randrange(register.count))
            if turn % 7 == 0:
                at = dice.randrange(MEMORY_BYTES // 0x1000) * 0x1000
                made.memory[at : at + 0x1000] = dice.randbytes(0x1000)
                open_path(made)
            if turn % 5 == 0:
                made.wire.inject(flow(turn % 50, payload=bytes(40)))
            made.step()
        assert made.whole_guards()
        recover(made)
        made.door = PairDoor(made.nic)


def test_a_frame_looped_back_onto_itself_is_only_the_guests_problem() -> None:
    """Send and receive buffer overlap, and the latter crosses from one mapped region into the next."""
    with victim() as made:
        made.start()
        open_path(made, loop=True)
        half, size, inside = MEMORY_BYTES // 2, 2000, 1500
        frame = plain(1, size)
        made.memory[half - size : half] = frame
        poke(made, 0, [(IOVA + half - inside, 0)])
        poke(made, 0x1000, [(IOVA + half - size, int(whole_packet(size)))])
        for base, low, high, length in ((0, RDBAL, RDBAH, RDLEN), (0x1000, TDBAL, TDBAH, TDLEN)):
            made.write(low, IOVA + base)
            made.write(high, (IOVA + base) // LOW)
            made.write(length, 256)
        made.write(SRRCTL, int(SRRCTL.of(BSIZEPACKET=2, DESCTYPE=1)))
        for control, tail in ((RXDCTL, RDT), (TXDCTL, TDT)):
            made.write(control, int(control.of(ENABLE=1)))
            made.write(tail, 1)
        made.step()
        # What lies in the second region was read after the first part had overwritten it.
        assert made.memory[half - inside : half] == frame[:inside]
        assert made.nic.core.stalls.seen == {}


def whole_packet(len_bytes: int) -> TXDADV:
    return TXDADV.of(DTALEN=len_bytes, DTYP=TxDescType.DATA, DCMD_DEXT=1, DCMD_EOP=1, DCMD_IFCS=1, PAYLEN=len_bytes)
