# SPDX-License-Identifier: BSD-3-Clause
"""What the device program may fail with; a guest never causes one of these."""


class DeviceError(Exception):
    """The device cannot go on; the message says what was wanted, what was seen and what to do."""


class ConfigError(DeviceError):
    """An option or a file given by the user is wrong (exit code 1)."""


class MissingError(DeviceError):
    """Something this machine lacks, such as a kernel module or a right (exit code 3)."""
