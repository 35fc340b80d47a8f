# SPDX-License-Identifier: BSD-3-Clause
"""``python3 -m ci``: the steps of this house, each by name (``ci/command_line.py``)."""

import os
import sys

from ci import build, say
from ci.command_line import parse
from ci.say import CiError
from device.regs.terminal import any_locale


def main(arguments: list[str]) -> int:
    """Run one step; returns the exit code (0 fine, 1 our error, 2 usage, 3 something missing on this machine)."""
    any_locale()
    asked = parse(arguments)
    if asked.step == "clean":
        build.clean()
        return 0
    if not build.inside():
        build.setup()
        if asked.step == "setup":
            say.say("ready: python3 -m ci demo")
            return 0
        build.enter(arguments)
    from ci import steps

    return steps.run_step(asked)


if __name__ == "__main__":
    try:
        code = main(sys.argv[1:])
    except CiError as exc:
        print(f"ci: {exc}", file=sys.stderr)
        code = exc.code
    except KeyboardInterrupt:
        code = 130
    sys.stdout.flush()
    os._exit(code) if code == 130 else sys.exit(code)
