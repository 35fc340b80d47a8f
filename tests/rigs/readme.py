# SPDX-License-Identifier: BSD-3-Clause
"""The command lines and Python texts of every README, of the documents beside it, and of the examples' own usage."""

import re
from pathlib import Path

FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`]+)`")
PROGRAMS = (
    r"python3?|\.venv/bin/python|ixlab-(?:device|driver)|qemu-system-\w+|pip|apt|apt-get|eval|ip|ping|tcpdump|wireshark"
    r"|ethtool|nsenter|sudo|git|docker|podman|modprobe|ls|cat|grep|diff|make|ctl|export|unshare"
)
COMMAND = re.compile(rf"(?:[A-Z_]+=\S+ )*(?:{PROGRAMS}) .+")
MODULE = re.compile(r"python3? -m \w+(?:\.\w+)*")


def documents(root: Path) -> dict[str, str]:
    """All documents of the checkout, by their names below ``root``; a new one is among them by itself."""
    found = [path for depth in ("*", "*/*", "*/*/*") for path in root.glob(f"{depth}.md")]
    names = sorted(str(path.relative_to(root)) for path in found)
    return {
        name: (root / name).read_text(encoding="utf-8")
        for name in names
        if not re.match(r"[.]|build|dist|CHANGELOG", name)
    }


def plain(line: str) -> str:
    """A line as it is typed: without its prompt, and without the comment behind it."""
    return re.sub(r"\s+# .*", "", line).removeprefix("$ ").strip()


def fenced(text: str) -> list[str]:
    """The command lines of all fenced blocks but Python's and pictures; beside a prompt is what it prints."""
    found = []
    for _, language, block in FENCE.findall(text):
        typed = re.sub(r"\s*\\\n\s*", " ", block).splitlines()
        if any(line.lstrip().startswith("$ ") for line in typed):
            typed = [line for line in typed if line.lstrip().startswith("$ ")]
        if language not in {"python", "mermaid"}:
            found += [plain(line.lstrip()) for line in typed if line.strip()]
    return found


def inline(text: str) -> list[str]:
    """What stands between backquotes in the running text, each on one line."""
    return [" ".join(words.split()) for words in INLINE.findall(FENCE.sub("", text))]


def commands(text: str) -> list[str]:
    """Every command line of a document: all that is fenced, and of what is inline all that begins with a program."""
    found = fenced(text) + [words for words in inline(text) if COMMAND.fullmatch(words) or MODULE.fullmatch(words)]
    return list(dict.fromkeys(found))


def snippets(text: str) -> list[str]:
    """The Python programs of a document."""
    return [block for _, language, block in FENCE.findall(text) if language == "python"]


def usages(root: Path) -> dict[str, str]:
    """What each example says of how it is started, by its file."""
    files = sorted((root / "examples").iterdir())
    found = {path: re.search(r"^usage: (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE) for path in files}
    return {f"examples/{path.name}": said[1] if said else "" for path, said in found.items() if path.suffix != ".pyc"}
