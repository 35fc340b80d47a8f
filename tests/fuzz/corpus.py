# SPDX-License-Identifier: BSD-3-Clause
"""The inputs that are kept: one archive a target, in tests/data/fuzz."""

import io
import tarfile
from collections.abc import Iterable
from pathlib import Path

DATA = Path(__file__).resolve().parent.parent / "data" / "fuzz"
NAME_CHARS = 16  # of the hash that libFuzzer calls an input by


def archive_of(target: str) -> Path:
    """Where a target's inputs are kept."""
    return DATA / f"{target}.tar.xz"


def unpack(target: str, folder: Path) -> list[Path]:
    """Write the kept inputs of a target into ``folder``; returns them."""
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive_of(target)) as archive:
        archive.extractall(folder, filter="data")
        return [folder / name for name in sorted(archive.getnames())]


def pack(target: str, inputs: Iterable[Path]) -> Path:
    """Keep these inputs instead; the same ones make the same archive, which is returned."""
    DATA.mkdir(exist_ok=True)
    with tarfile.open(archive_of(target), "w:xz", preset=9) as archive:
        for path in sorted(inputs):
            member = tarfile.TarInfo(path.name[:NAME_CHARS])
            member.size = path.stat().st_size
            archive.addfile(member, io.BytesIO(path.read_bytes()))
    return archive_of(target)
