# SPDX-License-Identifier: BSD-3-Clause
"""``python3 -m ci completion SHELL``: the programs' own completion, and in bash ``python3 -m …`` besides."""

import os
import re
import subprocess
import sys

from ci.command_line import ALONE, BENCHES, SHELLS, STEPS, TIERS, parser
from ci.say import ROOT, CiError

PROGRAMS = ("device", "driver")
WORDS = {"test": (*TIERS, *ALONE), "completion": SHELLS, "bench": tuple(BENCHES)}

# Bash asks by a command's last name, so `.venv/bin/python` is `python` here.
PYTHON = """\
_ixlab_python() {
    local cur=${COMP_WORDS[COMP_CWORD]} module=${COMP_WORDS[2]} rest=${COMP_LINE:0:COMP_POINT}
    COMPREPLY=()
    [[ ${COMP_WORDS[1]} == -m ]] || { compopt -o default; return; }
    if [[ $COMP_CWORD == 2 ]]; then
        COMPREPLY=($(compgen -W "ci device driver" -- "$cur"))
        return
    fi
    rest=${rest#*-m*$module}
    case $module in
        device|driver)
            local ixlab_program=("$1" -m "$module") ixlab_line="ixlab-$module$rest"
            _ixlab_${module}_completion "$1" ;;
        ci) COMPREPLY=($(compgen -W "$(_ixlab_steps)" -- "$cur")) ;;
        *) compopt -o default ;;
    esac
}
complete -o nosort -F _ixlab_python python python3
"""


def _steps() -> str:
    """Return a bash function that prints what may follow ``python3 -m ci``."""
    lines = ["_ixlab_steps() {", '    [[ $COMP_CWORD == 3 ]] && { echo "' + " ".join(STEPS) + '"; return; }']
    lines.append("    case ${COMP_WORDS[3]} in")
    for name, step in parser()[1].items():
        options = dict.fromkeys(re.findall(r"(?<![\w`])--[a-z][\w-]*", step.format_help()))
        lines.append(f'        {name}) echo "{" ".join((*WORDS.get(name, ()), *options))}" ;;')
    return "\n".join([*lines, "    esac", "}", ""])


def show(shell: str) -> None:
    """Print the script of a shell.

    Raises:
        CiError: A program cannot say; the message holds its words.
    """
    for name in PROGRAMS:
        env = os.environ | {f"_IXLAB_{name.upper()}_COMPLETE": f"{shell}_source"}
        done = subprocess.run(
            [sys.executable, "-m", name], cwd=ROOT, env=env, text=True, capture_output=True, timeout=60, check=False
        )
        if done.returncode != 0 or "ixlab" not in done.stdout:
            raise CiError(f"`python -m {name}` has no completion for {shell}: {done.stderr[-500:]}")
        print(done.stdout)
    if shell == "bash":
        print(_steps())
        print(PYTHON)
