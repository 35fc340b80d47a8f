# SPDX-License-Identifier: BSD-3-Clause
"""A userspace driver for the 82599 family: `python -m driver`."""
