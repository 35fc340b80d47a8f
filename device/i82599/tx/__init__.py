# SPDX-License-Identifier: BSD-3-Clause
"""Transmit: queues, descriptors, frames, segmentation."""
