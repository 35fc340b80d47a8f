# SPDX-License-Identifier: BSD-3-Clause
"""What the kernel says of a process."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ci import processes


def test_a_name_may_hold_brackets_and_blanks(tmp_path: Path) -> None:
    program = tmp_path / ") S (1"
    shutil.copy("/bin/sleep", program)
    with subprocess.Popen([program, "60"]) as process:
        try:
            found = processes.stat(process.pid)
            assert found.parent == os.getpid()
            assert found.state in "RSD"
            assert int(found.start) >= int(processes.stat("self").start)
            assert found.cpu_s < 1
        finally:
            process.kill()
    with pytest.raises(FileNotFoundError):
        processes.stat(process.pid)
