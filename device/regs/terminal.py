# SPDX-License-Identifier: BSD-3-Clause
"""What every command line here does to its terminal first."""

import io
import sys


def any_locale() -> None:
    """See to it that a terminal, pipe or locale that lacks a character of ours gets a `?`, not our end."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
