# SPDX-License-Identifier: BSD-3-Clause
"""Where the device's words go: stderr, and a log file that may be rotated or fill up; never so many that they harm."""

import logging
import sys
from pathlib import Path
from types import TracebackType

from device.errors import ConfigError
from device.machine.files import LineFile, Losses, OwnFile
from device.machine.limit import Gate
from device.outlet import Outlet, Patient, text, to_file

FORMAT = "%(asctime)s %(levelname).1s %(name)s: %(message)s"
EVERYTHING = 2  # -vv: no line of any kind is left out

log = logging.getLogger("device")


def _unraisable(what: "sys.UnraisableHookArgs") -> None:
    # An exception that nobody can catch, such as in a callback from C: limited like all else.
    error = what.exc_value
    log.error("%s", what.err_msg or "an exception that nobody caught", exc_info=error)


class Logs:
    """The log while the device runs; leave it last.  ``poll`` now and then says what the disk or a reader did not take.

    Args:
        verbose: How often ``-v`` was given.
        quiet: Whether ``-q`` was.
        file: Where all goes then; warnings still go to stderr, too.
        patient: The streams, if they are ours.

    Raises:
        ConfigError: The file cannot be written.
    """

    def __init__(self, verbose: int, *, quiet: bool, file: Path | None, patient: Patient | None = None) -> None:
        level = logging.WARNING if quiet else logging.DEBUG if verbose else logging.INFO
        self._patient = patient
        self._file: LineFile | None = None
        self._outlet: Outlet | None = None
        terminal = logging.StreamHandler(sys.stderr)
        terminal.setLevel(logging.WARNING if file else level)
        handlers: list[logging.Handler] = [terminal]
        if file is not None:
            losses = Losses(f"log file {file}", "lines", log)
            try:
                self._file = LineFile(OwnFile(file), losses)
            except OSError as exc:
                raise ConfigError(f"--log-file {file}: {exc.strerror}") from exc
            self._outlet = Outlet(to_file(self._file), losses)
            handlers.append(logging.StreamHandler(text(self._outlet)))
        for handler in handlers:
            handler.setFormatter(logging.Formatter(FORMAT))
        self._gate = Gate(handlers, every=verbose >= EVERYTHING)
        logging.basicConfig(level=level, handlers=[self._gate])
        # At its debug level the library writes a line for every access.
        if verbose == 1:
            logging.getLogger("device.serve.vfu").setLevel(logging.INFO)
        self._hook = sys.unraisablehook
        sys.unraisablehook = _unraisable

    def poll(self) -> None:
        """Say what has been lost since the last call, and what works again."""
        if self._patient is not None:
            self._patient.tell()
        if self._outlet is not None:
            self._outlet.losses.tell()

    def __enter__(self) -> "Logs":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._gate.tell_all()
        self.poll()
        if self._outlet is not None and self._file is not None:
            self._outlet.end()
            self._file.close()
        if self._patient is not None:
            self._patient.tell()
        sys.unraisablehook = self._hook
