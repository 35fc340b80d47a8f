# SPDX-License-Identifier: BSD-3-Clause
"""Vital product data in the NVM: word 0x2F points to it, and PCI's capability shows it.

Ref: 82599 datasheet, VPD module pointer (word 0x2F).  Guess: the part has the capability only where that word points
somewhere, and what lies behind its 256 bytes reads as erased.
"""

from device.i82599.nvm.image import EMPTY, Image, Word
from device.machine.vpd import DWORD_BYTES, writable

AREA_BYTES = 256


class NvmVpd:
    """The area as it is now; a guest may change the words by other ways.

    Args:
        image: The NVM.
    """

    def __init__(self, image: Image) -> None:
        self.image = image

    @property
    def present(self) -> bool:
        """Whether the NVM has such an area."""
        return 0 < self.image.read(Word.VPD) < min(EMPTY, self.image.words)

    def _area(self) -> bytes:
        start = 2 * self.image.read(Word.VPD)
        return bytes(self.image.data[start : start + AREA_BYTES])

    def read(self, at: int) -> bytes:
        """Four bytes from byte address ``at`` on."""
        return self._area()[at : at + DWORD_BYTES].ljust(DWORD_BYTES, b"\xff")

    def write(self, at: int, data: bytes) -> None:
        """Change what the layout lets software change; the rest stays."""
        may, start = writable(self._area()), 2 * self.image.read(Word.VPD)
        for offset, byte in enumerate(data, at):
            if offset in may:
                self.image.write_byte(start + offset, byte)
