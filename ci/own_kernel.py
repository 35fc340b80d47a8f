# SPDX-License-Identifier: BSD-3-Clause
"""A kernel of one's own, laid out as a package would have it: ``boot/vmlinuz-RELEASE`` and ``lib/modules/RELEASE``."""

import struct
from collections.abc import Sequence
from pathlib import Path

from ci.say import CiError

IMAGE = Path("arch/x86/boot/bzImage")
MAGIC_OFFSET, MAGIC = 0x202, b"HdrS"
VERSION_OFFSET, VERSION_BASE = 0x20E, 0x200  # a pointer, from the base, to a string


def is_image(path: Path) -> bool:
    """Whether a file is a bzImage.

    Ref: Linux Documentation, the x86 boot protocol.
    """
    with path.open("rb") as stream:
        stream.seek(MAGIC_OFFSET)
        return stream.read(len(MAGIC)) == MAGIC


def is_build_tree(path: Path) -> bool:
    """Whether a folder is a kernel's build tree that has been built."""
    return (path / IMAGE).is_file()


def release_of(image: Path) -> str:
    """Return the release that a bzImage says it is.

    Raises:
        CiError: It does not.
    """
    with image.open("rb") as stream:
        stream.seek(VERSION_OFFSET)
        (place,) = struct.unpack("<H", stream.read(2))
        stream.seek(place + VERSION_BASE)
        words = stream.read(256).split(b"\0")[0].decode(errors="replace").split()
    if not place or not words or "/" in words[0]:
        raise CiError(f"{image} does not say its release")
    return words[0]


def stage_image(path: Path, tree: Path, wanted: Sequence[str]) -> None:
    """Lay out a bzImage that brings no modules: what is wanted is taken to be built in."""
    release = release_of(path)
    modules = _lay(path, release, tree)
    names = [name.removesuffix("?").strip() for name in wanted]
    (modules / "modules.builtin").write_text("".join(f"kernel/{name}.ko\n" for name in names))
    (modules / "modules.order").write_text("")


def stage_build(path: Path, tree: Path) -> None:
    """Lay out a build tree's kernel and modules, as links into it.

    Raises:
        CiError: It is not built to the end.
    """
    told = path / "include/config/kernel.release"
    release = told.read_text().strip() if told.is_file() else release_of(path / IMAGE)
    modules = _lay(path / IMAGE, release, tree)
    for module in path.rglob("*.ko"):
        link = modules / "kernel" / module.relative_to(path)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(module.resolve())
    for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
        if (path / name).is_file():
            (modules / name).write_bytes((path / name).read_bytes())
        elif name == "modules.builtin":
            raise CiError(f"{path} has no modules.builtin: build it to the end (make, make modules)")


def _lay(image: Path, release: str, tree: Path) -> Path:
    (tree / "boot").mkdir(parents=True)
    (tree / "boot" / f"vmlinuz-{release}").symlink_to(image.resolve())
    modules = tree / "lib/modules" / release
    (modules / "kernel").mkdir(parents=True)
    return modules
