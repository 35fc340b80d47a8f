# SPDX-License-Identifier: BSD-3-Clause
"""What ``ci wheel`` says of a wheel that is not good; building one is a step of its own."""

import tomllib
import zipfile
from pathlib import Path

import pytest

from ci import wheel
from ci.say import ROOT, CiError

GOOD = "ixlab-0.1.0-cp311-abi3-manylinux_2_34_x86_64.whl"
FILES = {
    "ixlab/__init__.py": "",
    "ixlab/device/__init__.py": "",
    "ixlab/device/card.py": "from ixlab.device import x\n",
    "ixlab/driver/__init__.py": "",
    "ixlab-0.1.0.dist-info/licenses/LICENSE": "BSD",
    **dict.fromkeys(wheel.EXTENSIONS, "ELF"),
}


def made(folder: Path, files: dict[str, str], name: str = GOOD) -> Path:
    path = folder / name
    with zipfile.ZipFile(path, "w") as archive:
        for member, text in files.items():
            archive.writestr(member, text)
    return path


def test_a_good_wheel_has_no_faults(tmp_path: Path) -> None:
    assert wheel.faults(made(tmp_path, FILES)) == []


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"device/__init__.py": ""}, "device/__init__.py is outside ixlab/"),
        ({"ixlab/device/csrc/build_core.py": ""}, "no business"),
        ({"ixlab/device/machine/dma.c": ""}, "no business"),
        ({"ixlab/driver/a.py": "import device.regs as r\n"}, "ixlab/driver/a.py, line 1: import device.regs"),
        ({"ixlab/driver/a.py": "from driver import b\n"}, "ixlab/driver/a.py, line 1: from driver"),
        ({"ixlab/driver/a.pyi": "x = 'device.card'\n"}, "line 1: 'device.card'"),
        ({"ixlab/device/pad": "x" * (wheel.MOST_BYTES + 1)}, "bytes, more than"),
    ],
)
def test_what_is_wrong_with_a_wheel_is_named(tmp_path: Path, more: dict[str, str], word: str) -> None:
    found = wheel.faults(made(tmp_path, {**FILES, **more}))
    assert len(found) >= 1
    assert any(word in line for line in found), found


@pytest.mark.parametrize("gone", ["ixlab/device/_vfu.abi3.so", "ixlab-0.1.0.dist-info/licenses/LICENSE"])
def test_what_a_wheel_lacks_is_named(tmp_path: Path, gone: str) -> None:
    files = {name: text for name, text in FILES.items() if name != gone}
    assert len(wheel.faults(made(tmp_path, files))) == 1


@pytest.mark.parametrize(
    "name",
    ["ixlab-0.1.0-cp311-abi3-linux_x86_64.whl", "ixlab-0.1.0-cp311-cp311-manylinux_2_34_x86_64.whl"],
)
def test_a_wheel_for_one_python_or_one_machine_is_refused(tmp_path: Path, name: str) -> None:
    assert wheel.faults(made(tmp_path, FILES, name))


def test_the_lowest_versions_are_those_of_pyproject() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    found = wheel.lowest(project["project"]["dependencies"])
    assert any(line.startswith("cffi==1.") for line in found)
    assert all("==" in line for line in found)
    assert wheel.lowest(["a >= 1.2, <3"]) == ["a==1.2"]
    assert wheel.lowest(["a>=1.2,<3; python_version < '3.12'"]) == ["a==1.2; python_version < '3.12'"]
    for line in ("cffi", "cffi>1", "cffi~=1.0"):
        with pytest.raises(CiError, match="no lowest version"):
            wheel.lowest([line])


def test_the_commands_are_those_of_the_installed_names() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert scripts == {"ixlab-device": "ixlab.device.__main__:main", "ixlab-driver": "ixlab.driver.__main__:main"}
