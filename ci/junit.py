# SPDX-License-Identifier: BSD-3-Clause
"""What came of one command, as the JUnit XML that other houses' CI shows."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

OUTPUT_MOST_CHARS = 1 << 20
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(path: Path, command: str, code: int, seconds: float, output: str, kernel: Sequence[str]) -> None:
    """Write a report of two cases: the command, and whether the guest's kernel was content.

    Args:
        path: The file.
        command: What was run.
        code: Its exit code.
        seconds: How long all of it took.
        output: What it printed; of a long one the end is kept.
        kernel: Bugs that the guest's kernel reported.
    """
    failures = int(code != 0) + int(bool(kernel))
    suite = ET.Element(
        "testsuite", name="ixlab vm", tests="2", failures=str(failures), errors="0", time=f"{seconds:.3f}"
    )
    ran = ET.SubElement(suite, "testcase", classname="ixlab.vm", name=_clean(command), time=f"{seconds:.3f}")
    if code:
        ET.SubElement(ran, "failure", message=f"exit code {code}")
    ET.SubElement(ran, "system-out").text = _clean(output[-OUTPUT_MOST_CHARS:])
    content = ET.SubElement(suite, "testcase", classname="ixlab.vm", name="the guest's kernel", time="0")
    if kernel:
        ET.SubElement(content, "failure", message=_clean(kernel[0])).text = _clean("\n".join(kernel))
    ET.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)


def _clean(text: str) -> str:
    """Return a text without the characters that XML cannot hold."""
    return _NOT_XML.sub("\ufffd", text)
