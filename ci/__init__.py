# SPDX-License-Identifier: BSD-3-Clause
"""The house's own tool: ``python3 -m ci`` lists its steps.  Stdlib only at import; set-up makes the rest possible."""

import sys

# Before anything that an older Python could not even read.
if sys.version_info < (3, 11):
    sys.stderr.write(f"ci: ixlab needs CPython 3.11 or newer; {sys.executable} is {sys.version.split()[0]}\n")
    raise SystemExit(3)
