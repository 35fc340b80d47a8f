# SPDX-License-Identifier: BSD-3-Clause
"""Pools, and the switch between them."""
