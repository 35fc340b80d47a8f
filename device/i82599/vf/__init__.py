# SPDX-License-Identifier: BSD-3-Clause
"""Virtual functions: what each has for itself, and its windows onto the card."""
