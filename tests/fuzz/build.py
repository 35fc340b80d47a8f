# SPDX-License-Identifier: BSD-3-Clause
"""Builds the fuzz targets: C alone, with AddressSanitizer and UBSan, by clang with libFuzzer or by gcc without a
fuzzer.

What belongs to the device's C modules is asked of their own build scripts, so a new file is fuzzed without a change
here.
"""

import os
import runpy
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from device.i82599.card import make_registers
from device.i82599.core import CardCore
from device.machine.core import lib

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TARGETS = ("core", "wire")
SANITIZE = "-fsanitize=address,undefined"
FLAGS = ["-std=gnu11", "-O1", "-g", "-fno-omit-frame-pointer", "-fno-sanitize-recover=undefined"]
PAGE_WORDS = lib.REG_PAGE_WORDS
COMPILE_S = 300


def clang() -> str | None:
    """The newest clang of this machine, or None."""
    names = ["clang", *(f"clang-{n}" for n in range(30, 12, -1))]
    return next((name for name in names if shutil.which(name)), None)


def rules_text() -> str:
    """The register rules that Python makes of its tables, as C: what a card without Python obeys."""
    with CardCore() as core:
        make_registers(core)
        regs = core.pf.c.regs
        pages = [(n, regs.page[n]) for n in range(regs.bytes // (4 * PAGE_WORDS)) if regs.page[n]]
        words = [
            f"{{{(n * PAGE_WORDS + i) * 4}u, {page.canonical[i]}u, {page.rule[i]}u}},"
            for n, page in pages
            for i in range(PAGE_WORDS)
            if page.rule[i]
        ]
        names = ("reset", "rw", "w1c", "w1s", "rc", "wo", "none", "hook", "flags")
        used = 1 + max(page.rule[i] for _, page in pages for i in range(PAGE_WORDS))
        rules = ["{" + ", ".join(f"{getattr(regs.rule[n], name)}u" for name in names) + "}," for n in range(used)]
    return "\n".join(
        [
            "static const struct reg_rule RULES[] = {",
            *rules,
            "};",
            "static const struct reg_place WORDS[] = {",
            *words,
            "};",
            "",
        ]
    )


def module(script: str) -> tuple[str, dict[str, Any]]:
    """What a build script tells cffi: the text in front of its module, and how its C files are compiled."""
    ffi = runpy.run_path(str(ROOT / "device" / "csrc" / script), run_name="fuzz")["ffi"]
    _, text, _, how = ffi._assigned_source
    return text, how


def compiled(compiler: str, folder: Path, sources: list[tuple[Path, list[str]]]) -> list[Path]:
    """Compile each source with its own flags, several at a time; returns the object files.

    Raises:
        RuntimeError: The compiler refused one; the message is the compiler's.
    """

    def one(job: tuple[Path, list[str]]) -> Path:
        source, flags = job
        made = folder / (str(source.relative_to("/")).replace("/", "_") + ".o")
        done = subprocess.run(
            [compiler, *FLAGS, *flags, "-c", str(source), "-o", str(made)],
            cwd=ROOT, capture_output=True, text=True, timeout=COMPILE_S, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise RuntimeError(f"{source} does not compile:\n{done.stderr}")
        return made

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(one, sources))


def build(target: str, folder: Path, *, fuzzer: bool, coverage: bool = False) -> Path:
    """Build one target into ``folder``.

    Args:
        target: One of ``TARGETS``.
        folder: Where everything made goes; it is created.
        fuzzer: With libFuzzer, which needs clang; else a program that replays the files it is given.
        coverage: Count the lines reached, for ``llvm-cov`` (clang, no fuzzer).

    Returns:
        The program.

    Raises:
        RuntimeError: It does not compile.
    """
    folder.mkdir(parents=True, exist_ok=True)
    compiler = clang() if fuzzer or coverage else "gcc"
    assert compiler, "a fuzzer needs clang"
    sanitize = [f"{SANITIZE},fuzzer-no-link" if fuzzer else SANITIZE]
    sanitize += ["-fprofile-instr-generate", "-fcoverage-mapping"] if coverage else []
    text, core = module("build_core.py")
    finder = text[text.index("extern const struct port_ops") :]
    includes = "".join(line + "\n" for line in text.splitlines() if line.startswith("#include"))
    (folder / "core.h").write_text(f'{includes}#include "regs.h"\n{rules_text()}')
    (folder / "kinds.c").write_text(f"{includes}{finder}")
    of_core = [*sanitize, *(f"-I{place}" for place in core["include_dirs"])]
    of_ours = [*of_core, f"-I{folder}", "-Wall", "-Wextra", "-Werror", "-Wno-unused-const-variable"]
    sources = [(ROOT / name, of_core) for name in core["sources"]]
    sources += [(folder / "kinds.c", of_core)]
    sources += [(HERE / f"{name}.c", of_ours) for name in ("victim", target, *(() if fuzzer else ("replay",)))]
    link: list[str] = []
    if target == "wire":
        _, glue = module("build_vfu.py")
        macros = [f"-D{name}" if value is None else f"-D{name}={value}" for name, value in glue["define_macros"]]
        # The library keeps addresses as pointers and adds to those that are 0, which is its authors' business.
        of_glue = [
            *sanitize,
            "-fno-sanitize=pointer-overflow",
            "-w",
            *macros,
            *(f"-I{place}" for place in glue["include_dirs"]),
        ]
        sources = [job if job[0].name != "wire.c" or job[0].parent != HERE else (job[0], [*of_ours, *macros, *of_glue])
                   for job in sources]  # fmt: skip
        sources += [(ROOT / name, of_glue) for name in glue["sources"]]
        link = [*glue.get("extra_objects", []), *(f"-l{name}" for name in glue.get("libraries", []))]
    objects = compiled(compiler, folder, sources)
    program = folder / f"fuzz-{target}"
    subprocess.run(
        [
            compiler,
            *FLAGS,
            f"{SANITIZE},fuzzer" if fuzzer else SANITIZE,
            *(["-fprofile-instr-generate"] if coverage else []),
            *map(str, objects),
            "-o",
            str(program),
            *link,
        ],
        check=True,
        timeout=COMPILE_S,
    )
    return program
