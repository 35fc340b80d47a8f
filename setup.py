# SPDX-License-Identifier: BSD-3-Clause
"""What pyproject.toml cannot say: the cffi modules, and that one ``.so`` serves every CPython from 3.11 on."""

import os

from setuptools import setup

modules = ["driver/csrc/build_core.py:ffi", "device/csrc/build_core.py:ffi"]
if os.environ.get("IXLAB_VFU"):  # libvfio-user's sources, found by `python3 -m ci setup`; a guest never needs them
    modules.append("device/csrc/build_vfu.py:ffi")

setup(cffi_modules=modules, options={"bdist_wheel": {"py_limited_api": "cp311"}})
