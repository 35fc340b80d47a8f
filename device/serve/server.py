# SPDX-License-Identifier: BSD-3-Clause
"""One device in one process: a card whose functions sit on vfio-user sockets, run by one thread."""

import contextlib
import dataclasses
import errno
import logging
import resource
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from device.i82599.card import Card
from device.i82599.core import TAIL_PAGES
from device.i82599.vf.function import VECTORS as VF_VECTORS
from device.machine.irq import IrqKind
from device.machine.loop import Loop
from device.machine.socket_file import OWN, SocketRule, check_path
from device.machine.wire import Port
from device.serve.control import Control
from device.serve.endpoint import VIRTUAL, Endpoint, Offer
from device.serve.events import Watcher
from device.serve.methods import methods_of
from device.trace import TraceFile

log = logging.getLogger(__name__)

SLICE_S = 0.1  # how long C runs before Python looks at signals, carrier and control
IDLE_SLICE_S = 0.5  # the same, while nothing happens: a look costs more than all else then
CONTROL_SLICE_S = 0.01  # the same, while commands wait
SPIN_US = 50
POLL_TAILS_US = 50
PAGE_BYTES = 4096


def path_of_vf(path: Path, n: int) -> Path:
    """Where virtual function ``n`` of the card at ``path`` is served."""
    return path.with_name(f"{path.name}.vf{n}")


def attached_to(endpoint: Endpoint) -> Callable[[], bool]:
    """Whether somebody is connected to ``endpoint`` now, as a question that can be asked later."""
    return lambda: endpoint.context.attached


def raise_file_limit() -> None:
    """Allow as many open files as the hard limit has: a message may bring many descriptors at once."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # A container may forbid it; then the soft limit stays.
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class Server:
    """Serves ``card`` until ``stop``: its physical function at ``path``.

    Args:
        card: What is served; closed by whoever made it.
        path: Where clients connect; a stale socket is replaced.
        port: The wire that ``card`` was given.
        shared_doorbells: Let clients map the pages with the queue tails.
        control: Where the control socket appears, if at all.
        interrupts: The best kind that is offered.
        trace: Where accesses are written, if anywhere; closed by whoever made it.
        chores: Called ten times a second, twice while nothing happens, each without waiting.
        rule: Who may connect to the sockets.
        rom: The expansion ROM, a power of two of bytes; b"" without one.

    Attributes:
        endpoints: One a function; the physical function's is the first, then the virtual ones, at ``PATH.vf0`` ….

    Raises:
        OSError: A path is too long or in use.
    """

    def __init__(
        self,
        card: Card,
        path: Path,
        *,
        port: Port,
        shared_doorbells: bool = False,
        control: Path | None = None,
        interrupts: IrqKind = IrqKind.MSIX,
        trace: TraceFile | None = None,
        chores: Sequence[Callable[[], None]] = (),
        rule: SocketRule = OWN,
        rom: bytes = b"",
    ) -> None:
        self.card = card
        self.port = port
        self.trace = trace
        self.chores = chores
        self.started = time.monotonic()
        self._stopping = False
        self._closed = False
        self._loop: Loop | None = None
        self._control: Control | None = None
        if shared_doorbells:
            card.core.share_doorbells(POLL_TAILS_US)
        areas = [(page, PAGE_BYTES) for page in TAIL_PAGES] if shared_doorbells else []
        offer = Offer(card.identity, card.msix_vectors, interrupts, areas, card.vpd, rom)
        self.endpoints: list[Endpoint] = []
        try:
            self._listen(path, offer, rule)
            self._loop = Loop([card.core], sources=len(self.endpoints), spin_us=SPIN_US)
            for n, endpoint in enumerate(self.endpoints):
                endpoint.join(self._loop, n)
            if control is not None:
                self._control = Control(control, methods_of(self), Watcher(self), rule)
                self._loop.wake_on(self._control.fileno())
        except BaseException:
            self.close()
            raise

    def _listen(self, path: Path, offer: Offer, rule: SocketRule) -> None:
        for vf in self.card.vfs:
            check_path(path_of_vf(path, vf.n))  # before anything of ours is there
        self.endpoints.append(Endpoint(self.card.pf, path, offer, rule))
        try:
            self._listen_for_vfs(path, rule)
        except OSError as exc:
            if exc.errno != errno.EMFILE:
                raise
            count = len(self.card.vfs)
            what = f"{count} virtual functions are {2 * count} open files, and this process may have fewer"
            raise OSError(errno.EMFILE, f"{what}: raise the limit (ulimit -n), or take fewer (--vfs)") from exc

    def _listen_for_vfs(self, path: Path, rule: SocketRule) -> None:
        for vf in self.card.vfs:
            of_vf = Offer(vf.identity, VF_VECTORS, layout=VIRTUAL)
            made = Endpoint(
                vf.function, path_of_vf(path, vf.n), of_vf, rule, name=f"virtual function {vf.n}", on_left=vf.leave
            )
            vf.is_held = attached_to(made)
            self.endpoints.append(made)

    # -- running ------------------------------------------------------------------------------------------------------

    def run(self, ready: Callable[[], None] | None = None) -> None:
        """Serve clients until ``stop``.

        Args:
            ready: Called once a client may connect.

        Raises:
            OSError: The loop failed.
        """
        assert self._loop is not None
        if ready is not None:
            ready()
        while not self._stopping:
            self._loop.run(*self._slice_s())
            self.card.poll()
            self.port.poll()
            if self.trace is not None:
                self.trace.poll()
            for chore in self.chores:
                chore()
            for endpoint in self.endpoints:
                endpoint.poll()
                endpoint.context.turn_away()
            if self._control is not None:
                self._control.poll()

    def _slice_s(self) -> tuple[float, float]:
        """How long C may run from now on, and how long if nothing happens."""
        if self._control is not None and self._control.waiting:
            return CONTROL_SLICE_S, 0.0
        watched = self._control is not None and self._control.attended
        return SLICE_S, 0.0 if watched or self.card.chores else IDLE_SLICE_S

    def stop(self) -> None:
        """End ``run`` soon; may be called by a signal handler."""
        self._stopping = True
        if self._loop is not None:
            self._loop.stop()

    def close(self) -> None:
        """Send clients away and remove the sockets.  May be called twice."""
        if self._closed:
            return
        self._closed = True
        if self._control is not None:
            with contextlib.suppress(PermissionError):  # after --user its file may have to stay
                self._control.close()
        for endpoint in self.endpoints:
            endpoint.close()
        if self._loop is not None:
            self._loop.close()

    def _vf_row(self, n: int) -> dict[str, object]:
        vf, endpoint = self.card.vfs[n], self.endpoints[1 + n]
        return {
            "vf": n,
            "enabled": n < self.card.sriov.enabled,
            **endpoint.report(),
            "traffic": vf.traffic(),
            "counters": vf.counters(),
        }

    # -- control and report -------------------------------------------------------------------------------------------

    @property
    def clients(self) -> Endpoint:
        """Who comes and goes at the physical function."""
        return self.endpoints[0]

    @property
    def vf_clients(self) -> list[Endpoint]:
        """Who comes and goes at each virtual function."""
        return self.endpoints[1:]

    def drop(self) -> None:
        """Send the physical function's client away."""
        self.endpoints[0].context.drop()

    def report(self) -> dict[str, object]:
        """What happened so far: the card's report, and the figures of port and socket."""
        report = dataclasses.asdict(self.card.report())
        report["counters"]["loop_sleeps"] = self._loop.sleeps if self._loop is not None else 0
        return {
            **report,
            "port": {"name": self.port.name, **self.port.counters()},
            **self.endpoints[0].report(),
            **({"vfs": [self._vf_row(n) for n in range(len(self.card.vfs))]} if self.card.vfs else {}),
            "uptime_s": round(time.monotonic() - self.started, 3),
        }
