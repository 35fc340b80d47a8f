# SPDX-License-Identifier: BSD-3-Clause
"""The hardware operations of a port: each file one subject, each told which others it needs."""
