# SPDX-License-Identifier: BSD-3-Clause
"""Says when a driver asks for a feature that the device only stores (``stored`` in ``device.regs``)."""

import logging

from device.regs.core import Register

log = logging.getLogger(__name__)


class Stored:
    """One log line a register and life of a driver: what it wrote, and that nothing comes of it.

    A driver's life ends when the function is reset by PCI, or when ``driver_gone`` is told.
    """

    def __init__(self) -> None:
        self._said: set[type[Register]] = set()

    @staticmethod
    def hears(register: type[Register]) -> bool:
        """Whether a write to this register may ask for something that is only stored."""
        return register.ASKS and any(field.stored and field.is_asked_for for field in register.FIELDS.values())

    def written(self, n: int, _old: Register, _new: Register, written: Register) -> None:
        """A client wrote to register ``n`` of its kind."""
        register = type(written)
        asked = written.asked_for(n)
        if not asked or register in self._said:
            return
        self._said.add(register)
        name = f"{register.NAME}[{n}]" if register.count > 1 else register.NAME
        features = " or ".join(dict.fromkeys(field.stored for field in asked))
        fields = " ".join(f"{field.name}={field.__get__(written):#x}" for field in asked)
        log.warning(
            "%s <- %s asks for %s, which the device has not: %s is stored and not obeyed",
            *(name, f"{int(written):#0{register.WIDTH // 4 + 2}x}", features, fields),
        )

    def driver_gone(self) -> None:
        """The next driver is told anew."""
        self._said.clear()
