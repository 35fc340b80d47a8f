# SPDX-License-Identifier: BSD-3-Clause
"""The SFP+ cage, its two wires, and the modules."""
