# SPDX-License-Identifier: BSD-3-Clause
"""README's "By hand", as it is written, on to its ping; and each `python3 -m ci` line of a README is understood."""

import contextlib
import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from ci.command_line import parse

READMES = ("README.md", "device/README.md", "driver/README.md", "tests/README.md", "qemu/README.md", "ci/README.md")


def fenced(text: str) -> list[str]:
    """The command lines of all fenced blocks, without comments and prompts."""
    blocks = "\n".join(re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    return [re.sub(r"\s+# .*", "", line).removeprefix("$ ") for line in blocks.splitlines() if line]


@pytest.mark.parametrize("name", READMES)
def test_every_step_in_a_readme_is_understood(root: Path, name: str) -> None:
    text = (root / name).read_text(encoding="utf-8")
    lines = fenced(text) + re.findall(r"`(python3 -m ci [^`\n]*)`", text)
    for line in lines:
        if line.startswith("python3 -m ci ") and not re.search(r"STEP|…|completion bash\)", line):
            words = shlex.split(line)[3:]
            with pytest.raises(SystemExit, match=r"^0$") if "--help" in words else contextlib.nullcontext():
                parse(words)


@pytest.mark.root
@pytest.mark.timeout(120)
def test_by_hand_on_to_a_ping(root: Path, tmp_path: Path) -> None:
    lines = fenced((root / "README.md").read_text(encoding="utf-8"))
    device = next(line for line in lines if "-m device --socket" in line)
    probe, up = (next(line for line in lines if f"-m driver {word}" in line) for word in ("probe", "up"))
    first = lines.index("ip netns add wire && ip netns add host")
    make, *ping = lines[first : first + 6]
    ready = "for i in $(seq 200); do grep -q ready {} && break; sleep 0.1; done"
    script = "\n".join([
        "set -e; mkdir -p /run/netns; mount -t tmpfs own /run/netns", make,
        f"ip netns exec wire {device} >device.out & D=$!", ready.format("device.out"), probe,
        f"ip netns exec host {up} >up.out & U=$!", ready.format("up.out"), *ping[:4],
        "for i in $(seq 100); do ip -n host link show nic0 | grep -q LOWER_UP && break; sleep 0.1; done", ping[4],
        "kill $U; wait $U; kill $D; wait $D; ip netns delete wire; ip netns delete host; umount /run/netns",
    ])  # fmt: skip
    script = script.replace("/tmp/nic.sock", str(tmp_path / "n")).replace(".venv/bin", str(root / ".venv/bin"))
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script], cwd=tmp_path, text=True, capture_output=True, timeout=100,
        env=os.environ | {"PYTHONPATH": str(root), "IXLAB_RUN_DIR": str(tmp_path / "r")}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 packets transmitted, 3 received" in done.stdout
