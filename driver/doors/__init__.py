# SPDX-License-Identifier: BSD-3-Clause
"""The ways to a PCI function: a vfio-user socket, or the kernel's vfio-pci."""
