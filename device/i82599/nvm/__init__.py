# SPDX-License-Identifier: BSD-3-Clause
"""The EEPROM: its registers, its contents, its SPI part."""
