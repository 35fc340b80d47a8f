# SPDX-License-Identifier: BSD-3-Clause
"""Super-frames cut before a NIC sees them, against the twin; and missing checksums."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.machine.core import ffi, lib
from tests.twins import tso as twin
from tests.twins.gso import Super
from tests.unit.i82599.test_tso import offload, packet, rebuilt, seed

KINDS = {(twin.TCP, True): lib.FRAME_TCP4, (twin.TCP, False): lib.FRAME_TCP6}


def whole(frames: list[Super], most: int = 64) -> list[tuple[bytes, bool]]:
    """Every frame that the cutter gives, and whether it says that its sum was made."""
    kept = [ffi.new("uint8_t[]", frame.data) for frame in frames]
    cutter = ffi.new("struct super_cutter *", {"n": len(frames)})
    batch = cutter.received
    for n, frame in enumerate(frames):
        batch[n].data, batch[n].len_bytes = kept[n], len(frame.data)
        batch[n].kind, batch[n].segment_bytes = frame.kind, frame.segment_bytes
        batch[n].csum_start, batch[n].csum_offset = frame.csum_start, frame.csum_offset
    some: Any = ffi.new("struct frame **")
    came = []
    while n := lib.super_next(cutter, most, some):
        assert n <= min(most, lib.FRAME_BATCH)
        for i in range(n):
            frame = some[0][i]
            assert (frame.kind, frame.csum_start) == (0, 0)
            came.append((bytes(ffi.buffer(frame.data, frame.len_bytes)), bool(frame.flags & lib.FRAME_SUMMED)))
    return came


def made(size: int, mss: int, *, ipv4: bool = True, flags: str = "PA", vlan: int | None = None) -> Super:
    how = offload(twin.TCP, ipv4=ipv4)
    data = seed(packet(how, (bytes(range(251)) * 270)[:size], flags=flags), how, length=True)
    if vlan is not None:
        data = data[:12] + b"\x81\0" + vlan.to_bytes(2, "big") + data[12:]
    return Super(data, KINDS[twin.TCP, ipv4], mss, how.l4 + (4 if vlan is not None else 0), 16)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(1, 65000),
            st.integers(300, 9000),
            st.booleans(),
            st.sampled_from(["A", "PA", "FPA", "CPA"]),
            st.sampled_from([None, 7]),
            st.booleans(),
        ),
        max_size=5,
    ),
    st.sampled_from([1, 7, 64]),
)
def test_pieces_are_those_of_the_kernel(asked: list[tuple[int, int, bool, str, int | None, bool]], most: int) -> None:
    frames, wanted = [], []
    for size, mss, ipv4, flags, vlan, plain in asked:
        if plain:
            frames.append(Super(b"plain" * 20, 0, 0, 0, 0))
            wanted.append((b"plain" * 20, False))
        one = made(size, mss, ipv4=ipv4, flags=flags, vlan=vlan)
        frames.append(one)
        wanted += [(piece, True) for piece in one.pieces()]
    assert whole(frames, most) == wanted


@pytest.mark.parametrize("l4t", [twin.TCP, twin.UDP])
@pytest.mark.parametrize("ipv4", [True, False])
def test_a_missing_checksum_is_made(l4t: int, ipv4: bool) -> None:
    how = offload(l4t, ipv4=ipv4)
    right = rebuilt(packet(how, bytes(range(99))))
    lacking = bytearray(seed(right, how, length=True))
    lacking[how.mac_len + 10 : how.mac_len + 12] = right[how.mac_len + 10 : how.mac_len + 12]
    assert whole([Super(bytes(lacking), 0, 0, how.l4, twin.CHECK_AT[l4t])]) == [(right, False)]


def test_what_no_port_may_bring_costs_itself_only() -> None:
    good = made(100, 60)
    bad = [
        Super(good.data, 1, 0, 34, 16),
        Super(good.data, 1, 60, 0, 0),
        Super(good.data, 1, 60, 140, 16),
        Super(good.data[:30], 1, 60, 34, 16),
        Super(good.data, 1, 16384, 34, 16),
        Super(good.data[:12] + b"\x88\xb5" + good.data[14:], 1, 60, 34, 16),
    ]
    assert whole([*bad, good, bad[0]]) == [(piece, True) for piece in good.pieces()]


@given(
    st.binary(min_size=14, max_size=200),
    st.integers(0, 3),
    st.integers(0, 300),
    st.integers(0, 300),
    st.integers(0, 65535),
)
def test_anything_at_all(data: bytes, kind: int, mss: int, start: int, offset: int) -> None:
    """Nothing outside of the frame is read or written; the sanitizers judge that."""
    kept = ffi.new("uint8_t[]", data)
    fields = {"data": kept, "len_bytes": len(data), "kind": kind, "segment_bytes": mss}
    frame = fields | {"csum_start": start, "csum_offset": offset}
    cutter = ffi.new("struct super_cutter *", {"received": [frame], "n": 1})
    some: Any = ffi.new("struct frame **")
    turns = 0
    while lib.super_next(cutter, 64, some):
        turns += 1
        assert turns < 10
