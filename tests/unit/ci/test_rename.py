# SPDX-License-Identifier: BSD-3-Clause
"""What the build makes of the checkout's names, and that it can be done to every source there is."""

from pathlib import Path

import pytest

from ci import rename
from tests.rigs.tree import ROOT, python_files

MODULES = {"device", "device.serve", "device.serve.vfu", "driver", "driver.core"}


@pytest.mark.parametrize(
    ("source", "want"),
    [
        ("from device.regs import X\n", "from ixlab.device.regs import X\n"),
        ("from device import regs\n", "from ixlab.device import regs\n"),
        ("from  driver._core import (\n    ffi,\n)\n", "from  ixlab.driver._core import (\n    ffi,\n)\n"),
        ("import device.regs as r, os\n", "import ixlab.device.regs as r, os\n"),
        ("def f():\n    'é'; from device import x\n", "def f():\n    'é'; from ixlab.device import x\n"),
        ("from devices import x\n", "from devices import x\n"),
        ("from .device import x\n", "from .device import x\n"),
        ("from x.device import y\n", "from x.device import y\n"),
        ("log = logging.getLogger('device')\n", "log = logging.getLogger('ixlab.device')\n"),
        ("log = logging.getLogger('device.wire')\n", "log = logging.getLogger('ixlab.device.wire')\n"),
        ("name = 'device.serve.vfu'\n", "name = 'ixlab.device.serve.vfu'\n"),
        ("name = 'device'; path = 'device/x'\n", "name = 'device'; path = 'device/x'\n"),
        ("device = driver = 1\nprint(device, driver.core)\n", "device = driver = 1\nprint(device, driver.core)\n"),
        ("raise E('run `python -m device --help`')\n", "raise E('run `python -m ixlab.device --help`')\n"),
        ("# python3 -m driver, python -m devices\n", "# python3 -m ixlab.driver, python -m devices\n"),
    ],
)
def test_only_names_of_our_packages_change(source: str, want: str) -> None:
    assert rename.renamed(source, MODULES) == want
    assert rename.renamed(want, MODULES) == want, "a second time changes nothing"
    assert rename.left(want, MODULES) == []
    if want != source and "import" in source:
        assert rename.left(source, MODULES)


def test_an_import_that_binds_the_old_name_is_refused_with_its_place() -> None:
    with pytest.raises(rename.RenameError, match=r"a\.py:2: `import device\.regs` binds device"):
        rename.renamed("x = 1\nimport device.regs\n", MODULES, "a.py")


def test_a_name_on_a_line_of_its_own_is_refused() -> None:
    with pytest.raises(rename.RenameError, match="different lines"):
        rename.renamed("from \\\n  device import x\n", MODULES)


@pytest.mark.parametrize("package", rename.PACKAGES)
def test_every_source_can_be_renamed(package: str) -> None:
    files = [path for path in python_files(package) if "csrc" not in path.parts]
    files += sorted((ROOT / package).rglob("*.pyi"))
    assert len(files) > 10
    known = {_module(path) for name in rename.PACKAGES for path in python_files(name)}
    assert "device.serve.vfu" in known
    for path in files:
        text = rename.renamed(path.read_text(), known, str(path))
        compile(text, str(path), "exec")
        assert rename.left(text, known) == [], path


def _module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
