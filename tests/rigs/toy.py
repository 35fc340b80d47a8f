# SPDX-License-Identifier: BSD-3-Clause
"""A function of no chip at all: what ``device.machine`` is tested with where a chip would only be in the way."""

from typing import Any, Self

from device.machine.core import check, ffi, lib
from device.machine.function import Function


class ToyChip:
    """One function whose registers are storage; its chip only counts what it is asked for.

    Args:
        bar0_bytes: Length of BAR0, a multiple of 4096.

    Attributes:
        steps: Turns it was given.
        resets: Functions that were reset, in order.
    """

    def __init__(self, bar0_bytes: int) -> None:
        self.steps = 0
        self.resets: list[int] = []
        self.ops: Any = ffi.new("struct chip_ops *")
        self._kept = (
            ffi.callback("int(void *)", self._step),
            ffi.callback("uint64_t(void *)", lambda _: 2**64 - 1),
            ffi.callback("struct port *(void *)", lambda _: ffi.NULL),
            ffi.callback("void(void *, uint32_t)", lambda _, index: self.resets.append(index)),
        )
        self.ops.step, self.ops.may_sleep, self.ops.listens, self.ops.reset = self._kept
        self._clock = ffi.new("struct clock *")
        self._struct: Any = ffi.new("struct function *")
        check(lib.function_init(self._struct, 0, bar0_bytes, self._clock, ffi.NULL, self.ops), "function_init")
        self.function = Function(self._struct, self._struct)

    def _step(self, _chip: object) -> int:
        self.steps += 1
        return 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.function.close()
        lib.function_free(self._struct)

    def read(self, offset: int) -> int:
        """One dword, through the door of a driver in the same process."""
        value = ffi.new("uint32_t *")
        check(lib.function_read32(self._struct, offset, value), f"read {offset:#x}")
        return int(value[0])

    def write(self, offset: int, value: int) -> None:
        """One dword, through the same door."""
        check(lib.function_write32(self._struct, offset, value), f"write {offset:#x}")
