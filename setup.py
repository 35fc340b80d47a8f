# SPDX-License-Identifier: BSD-3-Clause
"""What pyproject.toml cannot say: the C modules, what an installed copy is called, and what an sdist brings along.

``build_ext --inplace`` makes the checkout's ``device._core``, ``device._vfu`` and ``driver._core``.  Everything else
builds the copy that people install: ``ixlab.device`` and ``ixlab.driver`` (ci/rename.py says how), whose one ``.so``
a module serves every CPython from 3.11 on.

``device._vfu`` wants libvfio-user's sources and json-c.  The sources are those in ``$IXLAB_VFU`` (empty: leave the
module out), else in ``libvfio-user/`` beside this file, where an sdist has them, else in the cache.  Without them the
driver and the device core are built, and `ixlab-device` says what is missing.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py
from setuptools.command.editable_wheel import editable_wheel
from setuptools.command.sdist import sdist

sys.path.insert(0, str(Path(__file__).resolve().parent))  # whoever builds, and from wherever

from ci import rename

ROOT = Path(__file__).resolve().parent
IN_PLACE = "build_ext" in sys.argv and not {"-i", "--inplace"}.isdisjoint(sys.argv)
BUNDLED = "libvfio-user"
INIT = '''\
# SPDX-License-Identifier: BSD-3-Clause
"""An Intel 82599ES you can boot, break and read: ``ixlab.device``, and its userspace driver: ``ixlab.driver``."""

__version__ = "{version}"
'''


def sources() -> Path | None:
    """Return the folder of libvfio-user's sources, if there is one."""
    named = os.environ.get("IXLAB_VFU")
    if named is not None:
        return Path(named) if named else None
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ixlab"
    in_cache = sorted(cache.glob("libvfio-user-*/"), key=lambda path: path.stat().st_mtime, reverse=True)
    return next((path for path in (ROOT / BUNDLED, *in_cache) if (path / "lib" / "dma.c").exists()), None)


def have_json_c() -> bool:
    """Whether the compiler finds json-c's headers."""
    text = "#include <json-c/json.h>\n"
    command = [shutil.which("gcc") or "cc", "-E", "-x", "c", "-"]
    try:
        return subprocess.run(command, input=text, text=True, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def modules() -> list[str]:
    """Return the build scripts of the C modules that can be built here."""
    found = ["driver/csrc/build_core.py:ffi", "device/csrc/build_core.py:ffi"]
    folder = sources()
    lacking = "libvfio-user's sources (IXLAB_VFU)" if folder is None else "" if have_json_c() else "json-c's headers"
    if lacking:
        if os.environ.get("IXLAB_VFU") != "":
            sys.stderr.write(f"ixlab: no {lacking} here: leaving device._vfu out, the device will have no socket\n")
    elif "sdist" not in sys.argv:  # its sources have absolute names, which a list of files to pack refuses
        os.environ["IXLAB_VFU"] = str(folder)
        found.append("device/csrc/build_vfu.py:ffi")
    return found


class BuildPy(build_py):
    """Copies the packages, and gives the copy its own names."""

    def run(self) -> None:
        """Copy, then rename."""
        super().run()
        base = Path(self.build_lib)
        files = sorted(path for name in rename.PACKAGES for path in (base / rename.OWNER / name).rglob("*.py*"))
        files = [path for path in files if path.suffix in {".py", ".pyi"}]
        names = {".".join(path.relative_to(base / rename.OWNER).with_suffix("").parts) for path in files}
        known = {name.removesuffix(".__init__") for name in names}
        for path in files:
            source = path.read_text(encoding="utf-8")
            path.write_text(rename.renamed(source, known, str(path)), encoding="utf-8")
        (base / rename.OWNER / "__init__.py").write_text(INIT.format(version=self.distribution.get_version()))
        (base / rename.OWNER / "py.typed").write_text("")


class Sdist(sdist):
    """Brings libvfio-user's sources along, if they are at hand: then whoever has gcc and json-c builds all of it."""

    def make_release_tree(self, base_dir: str, files: list[str]) -> None:
        """Lay out what is packed."""
        super().make_release_tree(base_dir, files)
        folder = sources()
        if folder is not None:
            shutil.copytree(folder, Path(base_dir) / BUNDLED, dirs_exist_ok=True)


class NoEditable(editable_wheel):
    """Says what to do instead: an installed copy has other names than the checkout, so it cannot be the checkout."""

    def run(self) -> None:
        """Refuse."""
        raise SystemExit(
            "ixlab: there is no editable install: work in the checkout after `python3 -m ci setup`, or install a copy "
            "with `pip install .`"
        )


if not IN_PLACE:
    os.environ["IXLAB_PREFIX"] = f"{rename.OWNER}."
found = find_packages(include=[f"{name}*" for name in rename.PACKAGES])
setup(
    packages=[f"{rename.OWNER}.{name}" for name in found],
    package_dir={f"{rename.OWNER}.{name}": name for name in rename.PACKAGES},
    package_data={f"{rename.OWNER}.{name}": ["*.pyi"] for name in rename.PACKAGES},
    cffi_modules=modules(),
    cmdclass={"build_py": BuildPy, "sdist": Sdist, "editable_wheel": NoEditable},
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
