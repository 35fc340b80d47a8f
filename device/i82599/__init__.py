# SPDX-License-Identifier: BSD-3-Clause
"""The Intel 82599ES: the card and its blocks, one folder or file each, Python and C of a block together."""
