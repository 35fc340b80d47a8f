# SPDX-License-Identifier: BSD-3-Clause
"""Memory that goes away: an access to guarded memory goes on and is a DMA error; any other SIGBUS ends the process."""

import contextlib
import mmap
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from cffi import FFI

from device.i82599.core import CardCore
from device.machine.core import ffi, lib
from device.machine.function import LostMemory

PAGE = mmap.PAGESIZE
IOVA, OTHER, FILE = 0x10_0000, 0x20_0000, 5
# A process of its own, which maps a file, cuts it short and touches it.
CHILD = """
import faulthandler, mmap, os, sys
from device.i82599.core import CardCore
from tests.unit.machine.test_guard import guarded
fd = os.memfd_create("other")
os.ftruncate(fd, 4096)
other = mmap.mmap(fd, 4096)
os.ftruncate(fd, 0)
{before}
with CardCore() as card, guarded(card, 4096):
    {after}
    print("armed", flush=True)
    {act}
    print("alive", flush=True)
"""

# ASan was there first, and is to have what is not ours: it ends the process with the code that `ci sanitize` gave it.
DIED = 99 if "IXLAB_SANITIZED" in os.environ else -signal.SIGBUS


@contextlib.contextmanager
def guarded(card: CardCore, len_bytes: int, iova: int = IOVA) -> Iterator[int]:
    """A file mapped into the card's DMA memory as its client's would be; its descriptor."""
    fd = os.memfd_create("guest")
    os.ftruncate(fd, len_bytes)
    with mmap.mmap(fd, len_bytes) as memory:
        where = ffi.from_buffer(memory)
        card.pf.bus_master = True
        card.pf.dma_add(iova, len_bytes, ffi.cast("void *", where))
        assert lib.dma_guard(ffi.addressof(card.c, "pf", "dma"), iova, where, len_bytes, FILE) == 0
        yield fd
        card.pf.dma_del(iova, len_bytes)
        ffi.release(where)
    os.close(fd)


@pytest.fixture
def nic() -> Iterator[CardCore]:
    with CardCore() as card:
        yield card


@pytest.mark.parametrize("is_write", [False, True])
def test_an_access_to_what_is_gone_is_an_error_and_told_once(nic: CardCore, is_write: bool) -> None:
    def access(at: int) -> None:
        if is_write:
            nic.pf.dma_write(at, bytes(8))
        else:
            nic.pf.dma_read(at, 8)

    with guarded(nic, 4 * PAGE) as fd, guarded(nic, PAGE, OTHER):
        access(IOVA + 2 * PAGE)
        assert nic.pf.take_lost() is None
        os.ftruncate(fd, PAGE)
        for turn in range(1, 4):
            with pytest.raises(OSError, match="Bad address"):
                access(IOVA + 2 * PAGE + 16)
            assert nic.counters()["dma_errors"] == turn
        lost = nic.pf.take_lost()
        assert lost is not None
        assert lost == LostMemory(IOVA, 4 * PAGE, lost.at, FILE, regions=1)
        assert 16 <= lost.at - (IOVA + 2 * PAGE) < 16 + 8, "which of the bytes is touched first is memcpy's choice"
        assert nic.pf.take_lost() is None
        nic.step()
        access(OTHER)
        with pytest.raises(OSError, match="Bad address"):
            access(IOVA)  # this page is still there, but the region is not what its owner thinks


def test_what_is_mapped_again_may_be_reached_again(nic: CardCore) -> None:
    for _ in range(3):
        with guarded(nic, PAGE) as fd:
            nic.pf.dma_write(IOVA, b"hello")
            os.ftruncate(fd, 0)
            with pytest.raises(OSError, match="Bad address"):
                nic.pf.dma_read(IOVA, 5)
        nic.step()


def test_in_the_turn_of_the_loss_nothing_is_reached(nic: CardCore) -> None:
    """What a ring gave after its loss is no address: zeros must not become DMA to iova 0."""
    with guarded(nic, PAGE) as fd, guarded(nic, PAGE, 0):
        os.ftruncate(fd, 0)
        with pytest.raises(OSError, match="Bad address"):
            nic.pf.dma_read(IOVA, 8)
        with pytest.raises(OSError, match="Bad address"):
            nic.pf.dma_write(0, b"x")
        nic.step()
        nic.pf.dma_write(0, b"x")


def test_guard_wants_a_region(nic: CardCore) -> None:
    assert lib.dma_guard(ffi.addressof(nic.c, "pf", "dma"), IOVA, ffi.NULL, PAGE, 0) < 0


def child(*, before: str = "", after: str = "", act: str) -> tuple[int, str, str]:
    program = CHILD.format(before=before, after=after, act=act)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.startswith("armed\n"), done.stderr
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("act", ["other[0]", "os.kill(os.getpid(), 7)"])
def test_any_other_bus_error_ends_the_process_as_ever(act: str) -> None:
    code, out, _ = child(act=act)
    assert (code, "alive" in out) == (DIED, False)


@pytest.mark.parametrize("where", ["before", "after"])
def test_pythons_fault_handler_still_says_where(where: str) -> None:
    code, _, err = child(**{where: "faulthandler.enable()"}, act="other[0]")
    assert code == DIED
    assert "Fatal Python error: Bus error" in err


def test_a_handler_that_came_later_is_kept_and_ours_is_put_back() -> None:
    act = "import signal; signal.signal(signal.SIGBUS, signal.SIG_DFL)\n"
    act += "    with guarded(card, 4096, 0x30_0000) as gone:\n"
    act += "        os.ftruncate(gone, 0)\n"
    act += "        try: card.pf.dma_read(0x30_0000, 8)\n"
    act += "        except OSError: print('an error', flush=True)"
    code, out, err = child(act=act)
    assert (code, out) == (0, "armed\nan error\nalive\n"), err


@pytest.mark.skipif(
    "IXLAB_SANITIZED" in os.environ, reason="sanitized build: ASan's own memory needs mappings, and here are none left"
)
def test_a_process_with_as_many_mappings_as_it_may_have() -> None:
    """A region in the middle of a mapping takes two more; they are kept in hand."""
    act = "from tests.unit.machine.test_guard import use_up_mappings\n"
    act += "    use_up_mappings(card)"
    code, out, err = child(act=act)
    assert (code, out) == (0, "armed\nan error\nalive\n"), err


def use_up_mappings(card: CardCore) -> None:
    """In the child: three regions in one mapping, every mapping taken, and the middle one goes away."""
    fd = os.memfd_create("guest")
    os.ftruncate(fd, 3 * PAGE)
    memory = mmap.mmap(fd, 3 * PAGE)
    first = int(ffi.cast("uintptr_t", ffi.from_buffer(memory)))
    card.pf.bus_master = True
    for n in range(3):
        card.pf.dma_add(OTHER + n * PAGE, PAGE, first + n * PAGE)
        where = ffi.cast("void *", first + n * PAGE)
        assert lib.dma_guard(ffi.addressof(card.c, "pf", "dma"), OTHER + n * PAGE, where, PAGE, 0) == 0
    file = os.memfd_create("many")
    os.ftruncate(file, PAGE)
    libc_ffi = FFI()
    libc_ffi.cdef(
        "void *mmap(void *at, size_t len, int prot, int flags, int fd, long offset); int munmap(void *, size_t);"
    )
    libc: Any = libc_ffi.dlopen(None)
    taken, failed = [], libc_ffi.cast("void *", -1)
    while (page := libc.mmap(libc_ffi.NULL, PAGE, mmap.PROT_READ, mmap.MAP_SHARED, file, 0)) != failed:
        taken.append(page)
    assert len(taken) > 10_000, "this machine allows a process fewer mappings than the test thinks"
    os.ftruncate(fd, PAGE)
    try:
        card.pf.dma_read(OTHER + PAGE, 8)
    except OSError:
        for page in taken:
            libc.munmap(page, PAGE)
        print("an error", flush=True)
