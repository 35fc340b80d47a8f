# SPDX-License-Identifier: BSD-3-Clause
"""All that a probe does to its function, step by step: a door and a BAR that write down what goes through them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from device.regs import pci
from device.regs.core import Register
from device.regs.fold import READ, Kind, Touch
from device.regs.i82599 import lookup
from driver.core.bar import Bar
from driver.doors.door import Door, IrqKind
from driver.ixgbe.probing import Probing

Step = Callable[[Probing], str]
CONFIG_TEXT = "config"  # begins the name of what configuration space has without a declaration
CAPABILITIES = "config capabilities"  # the ids that somebody reads who looks for a capability
CAPABILITIES_START = 0x40


@dataclass
class Section:
    """One step, or one thing that is undone.

    Attributes:
        name: Which.
        detail: What the step said when it was done.
        does: Register accesses, and in between what was asked of the door, in words.
        undo: What is to be undone from now on, in the order in which it was taken.
        failure: Why it failed.
    """

    name: str
    detail: str = ""
    does: list[Touch | str] = field(default_factory=list)
    undo: list[str] = field(default_factory=list)
    failure: BaseException | None = None

    @property
    def touches(self) -> list[Touch]:
        """The register accesses alone."""
        return [what for what in self.does if isinstance(what, Touch)]


class Recorder:
    """Listens to one probe.

    Attributes:
        steps: What was done, in order.
        undone: What was undone after a failure, in order.
    """

    def __init__(self) -> None:
        """Nothing has happened yet."""
        self.steps: list[Section] = []
        self.undone: list[Section] = []
        self.probing: Probing | None = None
        self._now: Section | None = None
        self._failed = False

    def listen(self, steps: Sequence[tuple[str, Step]]) -> list[tuple[str, Step]]:
        """The same steps, each written down as it runs."""
        return [(name, self._listen(name, step)) for name, step in steps]

    def _listen(self, name: str, step: Step) -> Step:
        def run(p: Probing) -> str:
            self.probing = p
            self._now = section = Section(name)
            self.steps.append(section)
            before = len(p.planned)
            try:
                section.detail = step(p)
            except BaseException as exc:
                section.failure = exc
                self._failed = True
                raise
            finally:
                section.undo = p.planned[before:]
                self._now = None
            return section.detail

        return run

    def heard(self, what: Touch | str) -> None:
        """Something was done to the function."""
        if self._now is not None:
            self._now.does.append(what)
        elif self._failed and self.probing is not None:
            while len(self.undone) <= len(self.probing.undone):
                self.undone.append(Section(""))
            self.undone[len(self.probing.undone)].does.append(what)

    def finish(self) -> None:
        """The probe has ended: what was undone has its names, and what failed while undoing says so."""
        names = self.probing.undone if self.probing is not None and self._failed else []
        self.undone += [Section("") for _ in range(len(names) - len(self.undone))]
        for section, name in zip(self.undone, names, strict=False):
            section.name, _, section.detail = name.partition(": ")
        self.undone = [section for section in self.undone if section.name]
        self.probing, self._failed = None, False

    # ---- what a probe is given -----------------------------------------------------------------------------------

    def bar(self, door: Door, index: int, alive: type[Register] | None, **clocks: Any) -> Bar:
        """A ``Bar`` whose accesses are heard."""
        return _Bar(self.heard, door, index, alive, **clocks)

    def door(self, door: Door) -> Door:
        """The same door; what is asked of it is heard."""
        return cast(Door, _Door(self.heard, door))


def _touch(kind: Kind, offset: int, value: int) -> Touch:
    found = lookup(offset)
    if found is None:
        return Touch(kind, f"{offset:#07x}", None, 0, value)
    return Touch(kind, found[0].NAME, found[0], found[1], value)


class _Bar(Bar):
    def __init__(
        self, heard: Callable[[Touch | str], None], door: Door, index: int, alive: type[Register] | None, **clocks: Any
    ) -> None:
        super().__init__(door, index, alive, **clocks)
        self._heard = heard

    def _read(self, offset: int, what: Callable[[], str]) -> int:
        value = super()._read(offset, what)
        self._heard(_touch("R", offset, value))
        return value

    def read_reads(self, reads: Any) -> list[tuple[int, int]]:
        found = super().read_reads(reads)
        for read, (value, _) in zip(reads, found, strict=True):
            self._heard(_touch("R", int(read.offset), value))
        return found

    def _write(self, offset: int, value: int, what: Callable[[], str]) -> None:
        self._heard(_touch("W", offset, value))  # before: what is refused was tried
        super()._write(offset, value, what)


class _Door:
    """A door with a listener; whatever it does not listen to goes straight to the door."""

    def __init__(self, heard: Callable[[Touch | str], None], door: Door) -> None:
        self._heard = heard
        self._door = door

    def __getattr__(self, name: str) -> Any:
        return getattr(self._door, name)

    def _config(self, kind: Kind, offset: int, data: bytes) -> None:
        found, value = pci.lookup(offset), int.from_bytes(data, "little")
        if found is not None and 8 * len(data) == found[0].WIDTH:
            self._heard(Touch(kind, found[0].NAME, found[0], found[1], value))
        elif kind == READ and len(data) == 2 and offset >= CAPABILITIES_START:
            self._heard(Touch(kind, CAPABILITIES, None, offset, value))
        else:
            self._heard(Touch(kind, f"{CONFIG_TEXT} {offset:#05x}", None, 0, value))

    def config_read(self, offset: int, len_bytes: int) -> bytes:
        data = self._door.config_read(offset, len_bytes)
        self._config("R", offset, data)
        return data

    def config_write(self, offset: int, data: bytes) -> None:
        self._config("W", offset, data)
        self._door.config_write(offset, data)

    def dma_map(self, fd: int, fd_offset: int, ptr: int, iova: int, len_bytes: int) -> None:
        self._heard(f"dma_map(iova={iova:#x}, {len_bytes} bytes)")
        self._door.dma_map(fd, fd_offset, ptr, iova, len_bytes)

    def dma_unmap(self, iova: int, len_bytes: int) -> None:
        self._heard(f"dma_unmap(iova={iova:#x}, {len_bytes} bytes)")
        self._door.dma_unmap(iova, len_bytes)

    def irq_enable(self, kind: IrqKind, eventfds: Sequence[int]) -> None:
        self._heard(f"irq_enable({kind.name}, {len(eventfds)} eventfds)")
        self._door.irq_enable(kind, eventfds)

    def irq_disable(self, kind: IrqKind) -> None:
        self._heard(f"irq_disable({kind.name})")
        self._door.irq_disable(kind)

    def irq_arm(self, kind: IrqKind, index: int, eventfd: int) -> None:
        self._heard(f"irq_arm({kind.name} {index})")
        self._door.irq_arm(kind, index, eventfd)

    def irq_disarm(self, kind: IrqKind, index: int) -> None:
        self._heard(f"irq_disarm({kind.name} {index})")
        self._door.irq_disarm(kind, index)

    def reset(self) -> None:
        self._heard("reset()")
        self._door.reset()

    def close(self) -> None:
        self._heard("close()")
        self._door.close()
