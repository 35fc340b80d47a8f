# SPDX-License-Identifier: BSD-3-Clause
"""What any family shares: registers through a BAR, DMA memory, vectors, rings, NAPI, the interface."""
