# SPDX-License-Identifier: BSD-3-Clause
"""Virtual functions, as the driver of the physical function serves them: pools, mailboxes, and what each may do."""
