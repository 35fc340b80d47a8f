# SPDX-License-Identifier: BSD-3-Clause
"""Completion by a real bash, asked as it asks itself: the line, cut at its own borders; and the manual pages."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

from ci import man

# Cuts the line as readline does: at spaces, and at : and =, which are words of their own.
ASK = r"""
eval "$SCRIPT"
COMP_LINE=$1 COMP_POINT=${#1}
IFS=$'\n' read -r -d '' -a COMP_WORDS < <(python3 -c '
import re, sys
line = sys.argv[1]
print("\n".join([*re.findall(r"[:=]+|[^\s:=]+", line), *([""] if line[-1:].isspace() else [])]))' "$1"; printf '\0')
[[ $1 == *" " ]] && COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
compopt() { :; }
function=$(complete -p "${COMP_WORDS[0]##*/}" | sed 's/.*-F \([^ ]*\).*/\1/')
$function "${COMP_WORDS[0]}" "${COMP_WORDS[COMP_CWORD]}"
printf '%s\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def script(root: Path) -> str:
    code = "from ci.completion import show; show('bash')"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, text=True, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    """The two programs as pip installs them."""
    folder = tmp_path_factory.mktemp("bin")
    for name in ("device", "driver"):
        path = folder / f"ixlab-{name}"
        path.write_text(
            f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(root)!r})\n"
            f"from {name}.__main__ import main\nsys.exit(main())\n"
        )
        path.chmod(0o755)
    return folder


def proposed(script: str, folder: Path, line: str) -> list[str]:
    path = f"{folder}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "--norc", "-c", ASK, "bash", line], env=os.environ | {"PATH": path, "SCRIPT": script},
        text=True, capture_output=True, timeout=60, check=False, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("ixlab-device --wire p", ["pcap:", "peer:"]),
        ("ixlab-device --trace STATUS,LINK", ["STATUS,LINKS", "STATUS,LINKS2"]),
        ("ixlab-device --fault slow=EER", ["EERD"]),
        ("ixlab-driver regs vfio-user:/x STATUS RDT", ["RDT"]),
        ("python3 -m d", ["device", "driver"]),
        ("python3 -m driver regs vfio-user:/x STATUS RDT", ["RDT"]),
        ("python3 -m device --fault slow=EER", ["EERD"]),
        ("python3 -m ci test so", ["soak"]),
        ("python3 -m ci vm --door", ["--doorbells"]),
    ],
)
def test_what_is_proposed(script: str, folder: Path, line: str, wanted: list[str]) -> None:
    assert proposed(script, folder, line)[: len(wanted)] == wanted


def test_sockets_are_proposed(script: str, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "notes").touch()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "nic.sock"))
        line = f"ixlab-driver stats vfio-user:{tmp_path}/"
        assert proposed(script, folder, line) == [f"{tmp_path}/nic.sock", f"{tmp_path}/sub/"]


def test_as_the_programs_say_it_themselves(folder: Path) -> None:
    """Without the checkout: what README tells those who installed the wheel."""
    path = f"{folder}:{os.environ['PATH']}"
    shell = pexpect.spawn(
        "bash", ["--norc", "--noprofile", "-i"], encoding="utf-8", timeout=30,
        env=os.environ | {"PATH": path, "PS1": "$ ", "TERM": "dumb"},
    )  # fmt: skip
    with shell:
        shell.sendline('eval "$(_IXLAB_DRIVER_COMPLETE=bash_source ixlab-driver)"; echo do"ne"')
        shell.expect("done\r\n")
        shell.send("ixlab-driver regs vfio-user:/tmp/nic.sock RXDC\t")
        shell.expect_exact("vfio-user:/tmp/nic.sock RXDCTL")
        shell.send("\x15exit\n")
        shell.expect(pexpect.EOF)


@pytest.mark.filterwarnings("ignore:.*make_default_short_help:DeprecationWarning")  # click-man's own call
def test_manual_pages(tmp_path: Path) -> None:
    out = tmp_path / "new" / "man1"
    man.write(out)
    names = {path.name for path in out.iterdir()}
    assert {"ixlab-device.1", "ixlab-driver.1", "ixlab-driver-up.1", "ixlab-driver-regs.1"} <= names
    device = (out / "ixlab-device.1").read_text(encoding="utf-8")
    assert device.startswith('.TH "IXLAB-DEVICE" "1"')
    assert "\\-\\-doorbells" in device
    assert "NIC's registers" in (out / "ixlab-driver-regs.1").read_text(encoding="utf-8")
