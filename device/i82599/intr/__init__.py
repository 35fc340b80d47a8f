# SPDX-License-Identifier: BSD-3-Clause
"""Interrupts: causes, masks, moderation."""
