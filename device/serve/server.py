# SPDX-License-Identifier: BSD-3-Clause
"""One device in one process: a ``Nic`` with its configuration space on a vfio-user socket, run by one thread.

The server outlives its clients; whatever a client leaves behind (memory, eventfds, registers) goes with it.
"""

import contextlib
import dataclasses
import logging
import resource
import time
from collections.abc import Callable
from pathlib import Path

from device.i82599.card import Nic
from device.machine import core as fast
from device.machine.config import BARS, ConfigSpace, IrqMode
from device.machine.wire import NullPort, Port
from device.regs.i82599 import ALL
from device.serve import vfu
from device.serve.control import Control
from device.trace import TraceFile

log = logging.getLogger(__name__)

SLICE_S = 0.1  # how long C runs before Python looks at signals, carrier and control
SPIN_US = 50
POLL_TAILS_US = 50
PAGE_BYTES = 4096
# The pages of BAR0 that hold queue tails.  Ref: 82599 datasheet, RDT and TDT.
TAIL_PAGES = (0x1000, 0x6000, 0x7000, 0xD000)
MSI_VECTORS = 1

_MODES = {
    vfu.Armed.NONE: IrqMode.NONE,
    vfu.Armed.INTX: IrqMode.INTX,
    vfu.Armed.MSI: IrqMode.MSI,
    vfu.Armed.MSIX: IrqMode.MSIX,
}


def raise_file_limit() -> None:
    """Allow as many open files as the hard limit has: a message may bring many descriptors at once."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # A container may forbid it; then the soft limit stays.
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class Server:
    """Serves ``nic`` at ``path`` until ``stop``.

    Args:
        nic: The function; closed by whoever made it.
        path: Where clients connect; a stale socket is replaced.
        port: The wire that ``nic`` was given.
        shared_doorbells: Let clients map the pages with the queue tails.
        control: Where the control socket appears, if at all.
        interrupts: The best kind that is offered.
        trace: Where accesses are written, if anywhere; closed by whoever made it.

    Raises:
        OSError: A path is too long or in use.
    """

    def __init__(
        self,
        nic: Nic,
        path: Path,
        *,
        port: Port,
        shared_doorbells: bool = False,
        control: Path | None = None,
        interrupts: IrqMode = IrqMode.MSIX,
        trace: TraceFile | None = None,
    ) -> None:
        self.nic = nic
        self.port = port
        self.trace = trace
        self.sessions = 0
        self.started = time.monotonic()
        self._stopping = False
        self._closed = False
        self._loop: fast.Loop | None = None
        self._control: Control | None = None
        self.config = ConfigSpace.of(nic, best=interrupts)
        self.context = vfu.VfuContext(path, self, logging.getLogger("device.serve.vfu"))
        self.config.on_flr = self.context.reset_state
        try:
            self._offer(shared_doorbells=shared_doorbells)
            self._loop = fast.Loop(
                [nic.fast], sources=1, spin_us=SPIN_US, poll_tails_us=POLL_TAILS_US if shared_doorbells else 0
            )
            self._loop.set_source(0, fd=-1, run=self.context.run_function, arg=self.context.handle)
            self.context.watch(self._loop.source_fd(0))
            if control is not None:
                self._control = Control(control, self.handlers())
                self._loop.wake_on(self._control.fileno())
        except BaseException:
            self.close()
            raise

    def _offer(self, *, shared_doorbells: bool) -> None:
        core = self.nic.fast
        areas = [(page, PAGE_BYTES) for page in TAIL_PAGES] if shared_doorbells else []
        core.c.shared_doorbells = int(shared_doorbells)
        self.context.add_region(
            0, BARS[0], fast.c_function("nic_bar0"), core.handle, areas=areas, fd=core.c.word_fd if areas else -1
        )
        self.context.add_io_bar(2)
        self.context.add_msix_bar(4)
        self.context.add_config(self.config)
        self.context.set_dma(fast.c_function("dma_add"), fast.c_function("dma_del"), core.handle)
        core.set_irq_sink(self.context.irq_function, self.context.intx_function, self.context.handle)
        best = self.config.best
        self.context.realize(
            msi=MSI_VECTORS if best >= IrqMode.MSI else 0, msix=fast.VECTORS if best >= IrqMode.MSIX else 0
        )

    # -- what the client does (vfu.Hooks) -----------------------------------------------------------------------------

    def on_reset(self, kind: vfu.ResetKind) -> None:
        """Reset configuration space and function: asked for, or because the client is gone."""
        log.debug("reset: %s", "by the client" if kind is vfu.ResetKind.DEVICE else "the client is gone")
        if kind is vfu.ResetKind.LOST:
            self.config.armed = IrqMode.NONE
        self.config.reset()

    def on_client(self, *, attached: bool) -> None:
        """Note that a client came or went."""
        self.sessions += attached
        log.info("client %d %s", self.sessions, "attached" if attached else "left")

    def on_irqs(self, armed: vfu.Armed) -> None:
        """Note which kind of interrupt has eventfds."""
        self.config.set_armed(_MODES[armed])

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
            self._loop.run(SLICE_S)
            self.nic.poll()
            self.port.poll()
            if self.trace is not None:
                self.trace.poll()
            self.context.turn_away()
            if self._control is not None:
                self._control.poll()

    def stop(self) -> None:
        """End ``run`` soon; may be called by a signal handler."""
        self._stopping = True
        if self._loop is not None:
            self._loop.stop()

    def close(self) -> None:
        """Send the client away and remove the sockets.  May be called twice."""
        if self._closed:
            return
        self._closed = True
        if self._control is not None:
            self._control.close()
        self.context.close()
        if not self.nic.closed:
            self.nic.fast.set_irq_sink(0, 0, 0)
        if self._loop is not None:
            self._loop.close()

    # -- control and report -------------------------------------------------------------------------------------------

    def handlers(self) -> dict[str, Callable[[object], object]]:
        """Commands of the control socket, by name."""
        return {
            "sfp": self._set_sfp,
            "carrier": self._set_carrier,
            "report": lambda _: self.report(),
            "generate": self._generate,
            "slow": self._set_slow,
            "drop": lambda _: self.context.drop(),
            "stop": lambda _: self.stop(),
        }

    def _set_sfp(self, kind: object) -> str:
        if not isinstance(kind, str):
            raise TypeError(f"wanted sr, lr, da or none, not {kind!r}")
        if kind == "none":
            self.nic.remove_sfp()
        else:
            self.nic.insert_sfp(kind)
        return kind

    def _set_carrier(self, on: object) -> bool:
        if not isinstance(on, bool):
            raise TypeError(f"wanted true or false, not {on!r}")
        self.nic.set_port(self.port if on else None)
        self.nic.link.evaluate()
        return on

    def _set_slow(self, wanted: object) -> object:
        """``{"register": NAME, "s": SECONDS}``: a card that is slow to answer reads; 0 seconds ends it."""
        match wanted:
            case {"register": str(name), "s": int() | float() as delay_s}:
                register = next((known for known in ALL if name == known.NAME), None)
                if register is None:
                    raise ValueError(f"no register is called {name}; `python -m device.regs list` lists them")
                self.nic.regs.delay(register, delay_s)
            case _:
                raise TypeError(f'wanted {{"register": "EERD", "s": 8}}, not {wanted!r}')
        return wanted

    def _generate(self, frames: object) -> int:
        if not isinstance(frames, int) or isinstance(frames, bool) or frames < 0:
            raise TypeError(f"wanted a number of frames, not {frames!r}")
        if not isinstance(self.port, NullPort):
            raise TypeError("only the null port generates frames")
        self.port.generate(frames)
        return frames

    def report(self) -> dict[str, object]:
        """What happened so far: the function's report, and the figures of port and socket."""
        return {
            **dataclasses.asdict(self.nic.report()),
            "port": {"name": self.port.name, **self.port.counters()},
            "socket": {**self.context.counters(), "flrs": self.config.flrs, "dma_regions": self.context.dma_regions},
            "client": self.context.attached,
            "irq_mode": self.config.irq_mode.name.lower(),
            "uptime_s": round(time.monotonic() - self.started, 3),
        }
