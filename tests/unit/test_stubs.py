# SPDX-License-Identifier: BSD-3-Clause
"""The type stubs of the device's two C modules name what their headers declare: no more, no less."""

import re
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("header", "stub", "known"),
    [
        ("device/machine/core.h", "device/_core.pyi", {"nic_bar0", "rx_frames", "tx_run", "nic_loop"}),
        ("device/serve/csrc/glue.h", "device/_vfu.pyi", {"vdev_open", "vdev_run"}),
    ],
)
def test_the_type_stub_names_every_function_and_number(root: Path, header: str, stub: str, known: set[str]) -> None:
    text = re.sub(r"/\*.*?\*/", "", (root / header).read_text(), flags=re.DOTALL)
    functions = set(re.findall(r"^(?!struct \w+ \{)[a-z][^{}();]*?\b(\w+)\([^;{]*\);", text, flags=re.MULTILINE))
    said = (root / stub).read_text()
    assert known < functions
    callables = set(re.findall(r"def (\w+)\(", said)) | set(re.findall(r"^    (\w+): Any", said, flags=re.MULTILINE))
    assert {name for name in callables if not name.startswith("py_")} == functions
    numbers = set(re.findall(r"#define (\w+) ", text))
    assert numbers == set(re.findall(r"^    (\w+): int", said, flags=re.MULTILINE))
