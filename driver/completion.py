# SPDX-License-Identifier: BSD-3-Clause
"""What a shell proposes for ``ixlab-driver``: NICs and registers.  ``_IXLAB_DRIVER_COMPLETE=bash_source``."""

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from click import Context, Parameter
from click.shell_completion import BashComplete, CompletionItem, add_completion_class, split_arg_string

from driver import families
from driver.doors import kernel

VARIABLE = "_IXLAB_DRIVER_COMPLETE"
PROGRAM = "ixlab-driver"
FUNCTIONS = Path("/sys/bus/pci/devices")
SOCKET = "vfio-user:"


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


def _starting(incomplete: str, values: Sequence[str]) -> list[str]:
    return [value for value in values if value.upper().startswith(incomplete.upper())]


def nics(_context: Context, _parameter: Parameter, incomplete: str) -> list[str]:
    """Propose sockets and folders behind ``vfio-user:``, and PCI functions that this driver could drive."""
    if incomplete.startswith(SOCKET):
        return [SOCKET + path for path in _sockets(incomplete.removeprefix(SOCKET))]
    found = [path.name for path in sorted(FUNCTIONS.glob("*")) if _driven(path.name)]
    return _starting(incomplete, [SOCKET, *found])


def _driven(address: str) -> bool:
    ids = kernel.ids(address)
    return ids is not None and families.family_of(*ids) is not None


def _sockets(start: str) -> list[str]:
    folder, slash, name = start.rpartition("/")
    found = []
    for path in sorted(Path(folder + slash).iterdir()) if Path(folder + slash).is_dir() else ():
        if not path.name.startswith(name) or (path.name.startswith(".") and not name):
            continue
        mode = path.stat().st_mode if path.exists() else 0
        if stat.S_ISDIR(mode) or stat.S_ISSOCK(mode):
            found.append(folder + slash + path.name + ("/" if stat.S_ISDIR(mode) else ""))
    return found


def registers(_context: Context, _parameter: Parameter, incomplete: str) -> list[str]:
    """Propose the registers a dump may show."""
    return _starting(incomplete, [register.NAME for family in families.FAMILIES for register in family.dumped])
