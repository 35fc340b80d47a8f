# SPDX-License-Identifier: BSD-3-Clause
"""Receive: queues, rings, packet buffer, checksums."""
