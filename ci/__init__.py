# SPDX-License-Identifier: BSD-3-Clause
"""The house's own tool: ``python3 -m ci`` lists its steps.  Stdlib only at import; set-up makes the rest possible."""
