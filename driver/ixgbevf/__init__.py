# SPDX-License-Identifier: BSD-3-Clause
"""Virtual functions of the 82599: what Linux's ixgbevf does."""
