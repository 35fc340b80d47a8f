# SPDX-License-Identifier: BSD-3-Clause
"""The file behind the NVM: what a guest writes is in it some seconds later, and at the end.

The disk may be slow, so a thread of its own writes a copy; it touches nothing of the card.
"""

import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from device.errors import ConfigError
from device.i82599.nvm.image import Image
from device.machine.files import forget_scratch, replace_whole

log = logging.getLogger(__name__)

SETTLE_S = 2.0  # from a guest's first write to the file's: a whole image comes word by word
RETRY_S = 10.0  # after a failure
END_S = 30.0  # how long the end waits for a disk


class NvmFile:
    """Keeps ``path`` as ``image`` is.  Leaving it saves what is left.

    Args:
        image: What the guest changes.
        path: Its file.
        injected: Whether an injected fault has put something into the image that is not to be kept.
        end_faults: Takes such a thing out again.
    """

    def __init__(
        self, image: Image, path: Path, *, injected: Callable[[], bool], end_faults: Callable[[], object]
    ) -> None:
        self._image = image
        self._path = path
        self._injected = injected
        self._end_faults = end_faults
        self._due_s: float | None = None
        self._thread: threading.Thread | None = None
        self._error = ""
        self._told = False
        forget_scratch(path)

    def check(self) -> None:
        """Say now, and not when it is too late, that the file cannot be written."""
        folder = self._path.resolve().parent
        if not os.access(folder, os.W_OK | os.X_OK, effective_ids=True):
            log.warning(
                "NVM file %s: its folder %s is not writable for this user, and a new file takes the place of the old"
                " one: what drivers write to the EEPROM will be lost",
                *(self._path, folder),
            )

    def poll(self, now_s: float | None = None) -> None:
        """Save what has changed a while ago; never waits."""
        now_s = time.monotonic() if now_s is None else now_s
        if self._thread is not None:
            if self._thread.is_alive():
                return
            self._judge(now_s)
        if not self._image.dirty:
            self._due_s = None
        elif self._due_s is None:
            self._due_s = now_s + SETTLE_S
        elif now_s >= self._due_s and not self._injected():
            self._begin()

    def _begin(self) -> None:
        self._image.dirty = False
        self._error = ""
        self._thread = threading.Thread(target=self._write, args=(bytes(self._image.data),), name="nvm", daemon=True)
        self._thread.start()

    def _write(self, data: bytes) -> None:
        try:
            replace_whole(self._path, data)
        except OSError as exc:
            self._error = exc.strerror or str(exc)

    def _judge(self, now_s: float) -> None:
        self._thread, self._due_s = None, None
        if self._error:
            self._image.dirty = True
            self._due_s = now_s + RETRY_S
            if not self._told:
                log.warning("NVM file %s: %s; what was written to the EEPROM is not in it yet", self._path, self._error)
        elif self._told:
            log.warning("NVM file %s: works again, and has what was written to the EEPROM", self._path)
        else:
            log.info("NVM file %s: has what was written to the EEPROM", self._path)
        self._told = bool(self._error)

    def save(self) -> None:
        """Save what is not in the file yet; waits for the disk.

        Raises:
            ConfigError: It cannot be written.
        """
        if self._thread is not None:
            self._thread.join(END_S)
            if self._thread.is_alive():
                raise ConfigError(f"NVM file {self._path}: what was written to the EEPROM is lost: its disk hangs")
            self._judge(time.monotonic())
        if not self._image.dirty:
            return
        self._end_faults()
        try:
            self._image.save(self._path)
        except OSError as exc:
            lost = f"what was written to the EEPROM is lost: {exc.strerror}"
            raise ConfigError(f"NVM file {self._path}: {lost}") from exc
        log.info("NVM file %s: has what was written to the EEPROM", self._path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.save()
