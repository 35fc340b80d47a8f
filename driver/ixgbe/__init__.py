# SPDX-License-Identifier: BSD-3-Clause
"""The 82599 family: what is particular to it.  Neutral parts are one folder up and know nothing of this one."""
