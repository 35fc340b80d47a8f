# SPDX-License-Identifier: BSD-3-Clause
"""The shelf of data sheets: what chips and PCI are made of, as facts.  No behaviour, standard library only."""
