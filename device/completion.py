# SPDX-License-Identifier: BSD-3-Clause
"""What a shell proposes for ``ixlab-device``: registers, wires, faults.  ``_IXLAB_DEVICE_COMPLETE=bash_source``."""

import os
from collections.abc import Sequence
from pathlib import Path

from click import Context, Parameter
from click.shell_completion import BashComplete, CompletionItem, add_completion_class, split_arg_string

from device.i82599.faults import FAULTS
from device.i82599.sfp.kinds import KINDS
from device.machine.wire.kinds import kinds
from device.regs.i82599 import ALL

VARIABLE = "_IXLAB_DEVICE_COMPLETE"
PROGRAM = "ixlab-device"
INTERFACES = Path("/sys/class/net")


class Bash(BashComplete):
    """Bash cuts words at ``:`` and ``=``, which are inside ours: it gets only what is behind the last of them."""

    source_template = """\
%(complete_func)s() {
    local IFS=$'\\n' line
    COMPREPLY=()
    for line in $(env COMP_LINE="${ixlab_line-${COMP_LINE:0:COMP_POINT}}" COMP_CUR="${COMP_WORDS[COMP_CWORD]}" \\
            %(complete_var)s=bash_complete "${ixlab_program[@]-$1}"); do
        case $line in
            dir,*) compopt -o dirnames ;;
            file,*) compopt -o default ;;
            *[:=/,]) COMPREPLY+=("${line#*,}"); compopt -o nospace ;;
            *) COMPREPLY+=("${line#*,}") ;;
        esac
    done
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""
    cut = 0

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the whole words before the cursor, and the one it is in."""
        line, cur = os.environ["COMP_LINE"], os.environ["COMP_CUR"]
        words = split_arg_string(line)
        incomplete = "" if line[-1:].isspace() else words.pop()
        self.cut = len(incomplete) - (0 if cur in {":", "="} else len(cur))
        return words[1:], incomplete

    def format_completion(self, item: CompletionItem) -> str:
        """Return a proposal as the function above reads it."""
        return f"{item.type},{item.value[max(0, self.cut) :]}"


add_completion_class(Bash, "bash")


def _starting(incomplete: str, values: Sequence[str], before: str = "") -> list[str]:
    return [before + value for value in values if value.upper().startswith(incomplete.upper())]


def registers(_context: Context, _parameter: Parameter, incomplete: str) -> list[str]:
    """Propose registers, after commas, too; and ``all``."""
    before, comma, last = incomplete.rpartition(",")
    names = [register.NAME for register in ALL] + ([] if comma else ["all"])
    return _starting(last, names, before + comma)


def wires(_context: Context, _parameter: Parameter, incomplete: str) -> list[str]:
    """Propose kinds of wires, and interfaces for a tap."""
    if incomplete.startswith("tap:"):
        return taps(_context, _parameter, incomplete.removeprefix("tap:"), "tap:")
    names = [name + kind.ARG[:1].strip("[") for name, kind in kinds().items()]
    return _starting(incomplete, [*names, "list"])


def taps(_context: Context, _parameter: Parameter, incomplete: str, before: str = "") -> list[str]:
    """Propose the taps there are."""
    return _starting(incomplete, sorted(path.parent.name for path in INTERFACES.glob("*/tun_flags")), before)


def modules(_context: Context, _parameter: Parameter, incomplete: str) -> list[CompletionItem]:
    """Propose kinds of modules, and files."""
    kinds_there = [CompletionItem(kind) for kind in KINDS if kind.startswith(incomplete)]
    return [*kinds_there, CompletionItem(incomplete, type="file")]


def faults(_context: Context, _parameter: Parameter, incomplete: str) -> list[str]:
    """Propose faults, and the registers of those that want one."""
    name, equals, arg = incomplete.partition("=")
    by_name = {fault.name: fault for fault in FAULTS}
    if not equals:
        with_arg = [each.name + "=" for each in by_name.values() if each.arg]
        return _starting(name, [each.name for each in by_name.values() if each.takes(arg=False)] + with_arg + ["list"])
    wants_register = name in by_name and by_name[name].arg.startswith("REG")
    return _starting(arg, [register.NAME for register in ALL], f"{name}=") if wants_register else []
