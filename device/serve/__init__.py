# SPDX-License-Identifier: BSD-3-Clause
"""The program: a card on vfio-user sockets, one client after another, with a control socket beside."""
