# SPDX-License-Identifier: BSD-3-Clause
"""A program that sees each frame of a queue before the netdev does, as in Linux (loop: driver/core/csrc/xdp.c).

A program is a C function or a Python callable.  C costs some nanoseconds a frame; Python some microseconds, for the
polling thread has to take the interpreter's lock for each frame.

Ref: Linux Documentation/bpf (what the verdicts mean).
"""

import enum
import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from driver.compiled import ffi, lib
from driver.core.rings import RxRing, TxRing
from driver.errors import DriverError

log = logging.getLogger(__name__)

DETACH_TIMEOUT_NS = 5_000_000_000
SIGNATURE = "uint32_t (struct xdp_frame *, void *)"


class Verdict(enum.IntEnum):
    """What becomes of a frame; Linux's numbers.

    ``ABORTED`` drops it like ``DROP`` and counts it as the program's mistake.
    """

    ABORTED = 0
    DROP = 1
    PASS = 2
    TX = 3
    REDIRECT = 4


VERDICTS = frozenset(int(verdict) for verdict in Verdict)
LOST = "such frames are lost (xdp_aborted)"


class XdpFrame:
    """A frame in the NIC's buffer, as a Python program sees it; of use only until the program returns.

    Attributes:
        queue: The Rx queue that it came through.
        rss_hash: The hash that the NIC computed, or 0.
        vlan_tci: The VLAN tag that the NIC took out, or None.
    """

    def __init__(self, c: Any, view: memoryview, base: int) -> None:
        self._c: Any = c
        self._view = view
        self._base = base
        self._given: list[memoryview] = []
        self.queue = int(c.queue)
        self.rss_hash = int(c.rss_hash)
        self.vlan_tci = int(c.vlan_tci) if c.flags & lib.RX_VLAN else None

    def _live(self) -> Any:
        if self._c is None:
            raise ValueError("this frame went on when the program returned; copy what is to be kept: bytes(frame.data)")
        return self._c

    def __len__(self) -> int:
        return int(self._live().len_bytes)

    @property
    def data(self) -> memoryview:
        """Its bytes, which may be changed in place."""
        c = self._live()
        start = int(ffi.cast("uintptr_t", c.data)) - self._base
        self._given.append(self._view[start : start + c.len_bytes])
        return self._given[-1]

    def adjust_head(self, delta_bytes: int) -> None:
        """Move the frame's first byte: forward takes bytes off, back gives room as far as the buffer has it.

        Raises:
            ValueError: That is outside of the buffer, or behind the frame's end.
        """
        c = self._live()
        at = int(c.data - c.buf) + delta_bytes
        if not 0 <= at <= int(c.data - c.buf) + c.len_bytes:
            raise ValueError(f"the head of a frame of {c.len_bytes} bytes cannot move by {delta_bytes}")
        c.data, c.len_bytes = c.buf + at, c.len_bytes - delta_bytes

    def adjust_tail(self, delta_bytes: int) -> None:
        """Make the frame longer or shorter at its end; what is won holds old bytes.

        Raises:
            ValueError: That is outside of the buffer, or before the frame's begin.
        """
        c = self._live()
        room = int(c.buf_bytes) - int(c.data - c.buf)
        if not 0 <= c.len_bytes + delta_bytes <= room:
            raise ValueError(f"a frame of {c.len_bytes} bytes with room for {room} cannot change by {delta_bytes}")
        c.len_bytes += delta_bytes

    def redirect(self, target: int = 0) -> Verdict:
        """Choose one of the targets that the program was attached with, by its place; returns ``Verdict.REDIRECT``."""
        if target < 0:
            raise ValueError(f"target {target}: targets are counted from 0")
        self._live().target = target
        return Verdict.REDIRECT

    def _end(self) -> None:
        self._c = None
        for view in self._given:
            view.release()


Program = Callable[[XdpFrame], int]


class XdpPort:
    """A place where programs can send frames; what is behind it may go and come again.

    Raises:
        MemoryError: There is no memory for its lock.
    """

    def __init__(self) -> None:
        self._lock = ffi.gc(lib.ring_lock_new(), lib.ring_lock_free)
        if not self._lock:
            raise MemoryError("no memory for the lock of an XDP port")
        self._ring: TxRing | None = None
        self.c: Any = ffi.new("struct xdp_port *")
        self.c.lock, self.c.tap_fd = self._lock, -1

    def plug(self, ring: TxRing | None = None, *, tap_fd: int = -1) -> None:
        """Let frames go to an XDP Tx ring, or to a tap's queue, or (neither given) nowhere.

        When this returns nobody uses what was there before.
        """
        if ring is not None:
            ring.c.lock = self._lock
        lib.xdp_plug(self.c, ring.c if ring is not None else ffi.NULL, tap_fd)
        self._ring = ring  # only now may the ring before it go


class XdpTarget(Protocol):
    """Where ``REDIRECT`` may send frames: another NIC, or an interface."""

    def xdp_port(self, queue: int) -> XdpPort:
        """Return the port for what Rx queue ``queue`` of a NIC sends here."""


class _Python:
    """Stands behind ``void *context`` of a Python program."""

    def __init__(self, program: Program, ring: RxRing, owner: "Xdp") -> None:
        self.program = program
        self.view, self.base = ring.memory()
        self.owner = owner

    def __call__(self, c: Any) -> int:
        self.owner.inside.add(threading.get_ident())
        frame = XdpFrame(c, self.view, self.base)
        try:
            said: object = self.program(frame)
            if isinstance(said, int) and not isinstance(said, bool) and said in VERDICTS:
                return int(said)
            if self.owner.first_mistake():
                log.error("%s returned %r, which is no Verdict; %s", self.owner.what, said, LOST)
        except Exception:
            if self.owner.first_mistake():
                log.exception("%s raised; %s", self.owner.what, LOST)
        finally:
            frame._end()
            self.owner.inside.discard(threading.get_ident())
        return Verdict.ABORTED


def _xdp_python(c: Any, context: Any) -> int:
    python: _Python = ffi.from_handle(context)
    return python(c)


ffi.def_extern(name="xdp_python", error=int(Verdict.ABORTED))(_xdp_python)


def c_function(program: Any) -> Any:
    """Return the C function that ``program`` is, or None if it is a Python callable.

    Args:
        program: A cffi function pointer (of any ``FFI``), or a callable.

    Raises:
        DriverError: It is neither, or a pointer to something that is no function, or NULL.
    """
    if isinstance(program, ffi.CData):
        kind = ffi.typeof(program).kind
        if kind not in {"function", "pointer"} or not int(ffi.cast("uintptr_t", program)):
            raise DriverError(f"XDP program {program!r} is no C function; wanted {SIGNATURE}")
        return ffi.cast("xdp_program *", ffi.cast("uintptr_t", program))
    if not callable(program):
        raise DriverError(f"XDP program {program!r} is neither a C function nor callable")
    return None


class Xdp:
    """One program on the Rx rings of a NIC.

    Args:
        program: A cffi pointer to a C function of ``SIGNATURE``, or a callable that takes an ``XdpFrame`` and returns
            a ``Verdict``.  It runs on the thread that polls the ring.  One that raises, or returns something else,
            loses that frame (``ABORTED``); the first time is logged.
        targets: What ``REDIRECT`` may choose from.
        name: Whose program, for the log.

    Attributes:
        inside: The threads that are in a Python program now.
        what: How the log calls the program.
    """

    def __init__(self, program: Any, targets: Sequence[XdpTarget] = (), *, name: str = "") -> None:
        self._c_program = c_function(program)
        self._program = program
        self._targets = list(targets)
        self.what = f"{name}: the XDP program" if name else "the XDP program"
        self._told = False
        self._rings: dict[int, tuple[RxRing, Any, list[Any]]] = {}  # by Rx queue: C struct, and what it points to
        self._past: Counter[str] = Counter()
        self.inside: set[int] = set()

    def first_mistake(self) -> bool:
        """Whether nothing was said of this program yet; from now on something was."""
        told, self._told = self._told, True
        return not told

    def attach(self, rx: RxRing, tx: XdpPort | None) -> None:
        """Let the program see the frames of ``rx``, in place of one that does; also while they come.

        Args:
            rx: The ring.
            tx: Where ``Verdict.TX`` sends; None: nowhere, such frames are aborted.

        Raises:
            DriverError: The program before does not return from a frame; this one is attached all the same.
        """
        c = ffi.new("struct xdp *")
        keep: list[Any] = []
        if self._c_program is not None:
            c.program, c.context = self._c_program, ffi.NULL
        else:
            handle = ffi.new_handle(_Python(self._program, rx, self))
            keep.append(handle)
            c.program, c.context = lib.xdp_python, handle
        if tx is not None:
            keep.append(_out(tx, keep))
            c.tx = keep[-1]
        if self._targets:
            outs = [_out(target.xdp_port(rx.queue), keep) for target in self._targets]
            table = ffi.new("struct xdp_out *[]", outs)
            keep += [*outs, table]
            c.targets, c.target_count = table, len(outs)
        before, rx.program = rx.program, self
        self._rings[rx.queue] = (rx, c, keep)
        self._put(rx, c)
        if isinstance(before, Xdp):
            before._gone(rx.queue)

    def detach(self) -> None:
        """Take the program away; when this returns it is not running and will not run.  Safe to call twice.

        Raises:
            DriverError: It does not return from a frame; or it was about to detach itself.
        """
        if threading.get_ident() in self.inside:
            raise DriverError("an XDP program cannot detach itself: it is running; return a Verdict first")
        for queue, (rx, _, _) in list(self._rings.items()):
            self._put(rx, ffi.NULL)
            self._gone(queue)
            rx.program = None

    def _put(self, rx: RxRing, c: Any) -> None:
        if lib.xdp_set(rx.c, c, DETACH_TIMEOUT_NS) < 0:
            raise DriverError(f"{self.what} does not return from a frame of Rx queue {rx.queue}")

    def _gone(self, queue: int) -> None:
        _, c, _ = self._rings.pop(queue)
        self._past.update(_counts(c))

    def stats(self) -> dict[str, int]:
        """Return frames by verdict, and what became of those sent."""
        found = Counter(self._past)
        for _, c, _ in self._rings.values():
            found.update(_counts(c))
        return dict(found)


def _out(port: XdpPort, keep: list[Any]) -> Any:
    keep.append(port)
    out = ffi.new("struct xdp_out *")
    out.port = port.c
    return out


def _counts(c: Any) -> dict[str, int]:
    found = {f"xdp_{verdict.name.lower()}": int(c.seen[verdict]) for verdict in Verdict}
    outs: Iterable[Any] = [c.targets[i] for i in range(c.target_count)]
    found["xdp_tx_lost"] = int(c.tx.lost) if c.tx else 0
    found["xdp_redirect_lost"] = sum(int(out.lost) for out in outs)
    return found
