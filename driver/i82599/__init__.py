# SPDX-License-Identifier: BSD-3-Clause
"""What drivers of the 82599 share, whichever of its functions they drive: descriptors and ring limits."""
