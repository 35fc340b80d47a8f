# SPDX-License-Identifier: BSD-3-Clause
"""A PCI Express NIC of no make: configuration space, registers, DMA, interrupts, loop, wire.  It knows no chip."""
