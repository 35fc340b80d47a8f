# SPDX-License-Identifier: BSD-3-Clause
"""Which frames are for us."""
