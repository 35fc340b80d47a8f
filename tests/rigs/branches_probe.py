# SPDX-License-Identifier: BSD-3-Clause
"""The branches of ``ixgbe_probe`` as the note prints it, in its order, each with what reaches it.

What stock ixgbe logs is the text of Linux 6.12; ``ran`` says where it was seen.
"""

import errno
import os
from collections.abc import Callable

from device.i82599.nvm.image import EMPTY, Word
from driver.claim import Claim
from driver.errors import DriverError
from driver.ixgbe.adapter import Adapter
from tests.rigs.branches import Scenario
from tests.rigs.pair_door import PairDoor

ERR_SW_INIT = "err_sw_init: disable SR-IOV, kfree(mac_table), iounmap … -> "
FAILED = "probe with driver ixgbe failed with error "
SEEN = "6.12"
UNSUPPORTED = (
    "failed to load because an unsupported SFP+ or QSFP module type was detected. / "
    f"Reload the driver after installing a supported module. / {FAILED}-95"
)
PRE_PRODUCTION = "This device is a pre-production adapter/LOM. …"
REMOVED = "Adapter removed"
NO_MSIX = "Failed to allocate MSI-X interrupts. Err: -34"
NO_MSI = "Failed to allocate MSI interrupt, falling back to legacy. Error: -22"
INIT_FAILED = f"HW Init failed: -5 / {FAILED}-5"
BAD_SUM = f"The EEPROM Checksum Is Not Valid / {FAILED}-5"
BAD_MAC = f"invalid MAC address / {FAILED}-5"
NO_WORDS = f"eeprom read at 43 failed / {INIT_FAILED}"


def _taken(door: PairDoor) -> Callable[[], object]:
    """Another driver has the function."""
    return Claim(door.name).release


def _no_bar(door: PairDoor) -> Callable[[], object]:
    """BAR 0 cannot be mapped."""

    class NoBar(PairDoor):
        def bar_mmio(self, index: int) -> object:
            raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

    door.__class__ = NoBar
    return lambda: None


def _no_pba(door: PairDoor) -> Callable[[], object]:
    """The part number's string is nowhere; the checksum is right."""
    image = door.nic.image

    def point(at: int) -> None:
        image.write(Word.PBA_POINTER, at)
        image.seal()

    was = image.read(Word.PBA_POINTER)
    point(EMPTY)
    return lambda: point(was)


def _no_netdev(_adapter: Adapter) -> Callable[[], object]:
    raise DriverError("an interface with this name is there already").with_errno(errno.EEXIST)


PROBE: tuple[Scenario, ...] = (
    Scenario(
        "before: nobody answers in configuration space",
        "not called",
        ("bus-all-ones",),
        stock="nothing: the kernel finds no function",
    ),
    Scenario("pdev->is_virtfn", "return -EINVAL", ("vf-id",), stock="WARN: … (8086:10ed) should not be a VF!"),
    Scenario(
        "pci_enable_device_mem(pdev) fails",
        "return err",
        ("mem-decode-refused",),
        stock=f"Warning firmware error detected FWSM: 0x00000000 / {BAD_SUM}",
        ran=SEEN,
    ),
    Scenario(
        "dma_set_mask_and_coherent(64 bit) fails, 32 bit is taken",
        "pci_using_dac = 0, goes on",
        ("dma-32bit",),
        look="set_dma_mask",
        stock="nothing",
    ),
    Scenario(
        "dma_set_mask_and_coherent(32 bit) fails",
        "err_dma: pci_disable_device -> err",
        ("dma-refused",),
        stock="No usable DMA configuration, aborting",
    ),
    Scenario(
        "pci_request_mem_regions fails",
        "err_pci_reg: pci_disable_device -> err",
        cause="another driver has the function",
        prepare=_taken,
        stock="pci_request_selected_regions failed 0x…",
    ),
    Scenario(
        "ioremap fails",
        "err_ioremap: free_netdev, pci_release_mem_regions -> -EIO",
        cause="BAR 0 cannot be mapped",
        prepare=_no_bar,
        stock="nothing",
    ),
    Scenario(
        "ixgbe_removed(hw->hw_addr), EEC was read",
        "err_ioremap -> -EIO",
        ("bus-all-ones=EEC",),
        stock=f"{REMOVED} / {FAILED}-5",
        ran=SEEN,
    ),
    Scenario(
        "!(eec & BIT(8))",
        "ops.read = ixgbe_read_eeprom_bit_bang_generic, goes on; in 6.12 without a word, as only PRES gives it a size",
        ("eec-no-pres",),
        look="select_eeprom",
        stock=NO_WORDS,
        ran=SEEN,
    ),
    Scenario(
        "reset_hw: the module does not answer",
        "IXGBE_ERR_SFP_NOT_PRESENT: err = 0, goes on",
        ("i2c-nak",),
        look="reset_hw",
        stock="MAC: 2, PHY: 1, PBA No: IXLAB0-001",
        ran=SEEN,
    ),
    Scenario(
        "reset_hw: the cage is empty",
        "IXGBE_ERR_SFP_NOT_PRESENT: err = 0, goes on",
        cause="no module in the cage",
        sfp="none",
        look="reset_hw",
        stock="nothing; no SFP+ in the line with PHY and PBA",
    ),
    Scenario(
        "reset_hw: the module is another vendor's",
        ERR_SW_INIT + "-EOPNOTSUPP",
        ("sfp-foreign",),
        stock=UNSUPPORTED,
        ran=SEEN,
    ),
    Scenario(
        "the same, and allow_unsupported_sfp",
        "goes on",
        ("sfp-foreign",),
        options={"allow_unsupported_sfp": True},
        look="reset_hw",
        stock="WARNING: Intel (R) Network Connections are quality tested using Intel (R) Ethernet Optics. …",
    ),
    Scenario(
        "reset_hw: the module is of no kind that is known",
        ERR_SW_INIT + "-EOPNOTSUPP",
        ("sfp-unknown",),
        stock=UNSUPPORTED,
        ran=SEEN,
    ),
    Scenario(
        "reset_hw: the module answers now and then",
        "goes on: each byte is tried again",
        ("i2c-flaky",),
        look="reset_hw",
        stock="MAC: 2, PHY: 20, SFP+: 5, PBA No: IXLAB0-001",
        ran=SEEN,
    ),
    Scenario(
        "reset_hw: no list of modules in the EEPROM",
        ERR_SW_INIT + "-EIO",
        ("nvm-pointer",),
        stock=INIT_FAILED,
        ran=SEEN,
    ),
    Scenario(
        "reset_hw: CTRL.RST stays",
        ERR_SW_INIT + "-EIO",
        ("reset-stuck",),
        stock=INIT_FAILED,
        ran=SEEN,
    ),
    Scenario(
        "reset_hw: DMA does not end",
        ERR_SW_INIT + "-EALREADY",
        ("master-disable-stuck",),
        stock=f"HW Init failed: -114 / {FAILED}-114",
        ran=SEEN,
    ),
    Scenario(
        "reset_hw: SWSM.SMBI is never given back",
        "the module is not read: goes on without, or " + ERR_SW_INIT + "-EIO",
        ("swsm-stuck",),
        stock="nothing at this level",
    ),
    Scenario(
        "reset_hw: GSSR is held by firmware",
        "goes on: it is overruled after 1 s each",
        ("gssr-held",),
        look="reset_hw",
        stock="nothing at this level",
    ),
    Scenario(
        "reset_hw: the card leaves the bus",
        ERR_SW_INIT + "-EIO",
        ("bus-all-ones=CTRL",),
        stock=f"{REMOVED} / {INIT_FAILED}",
        ran=SEEN,
    ),
    Scenario(
        "ixgbe_check_fw_error (newer kernels)",
        "goes on",
        ("fw-error",),
        look="check_fw_error",
        stock="Warning firmware error detected FWSM: 0x00088000",
        ran=SEEN,
    ),
    Scenario(
        "the same, in recovery mode",
        "goes on: only the X550 has fw_recovery_mode",
        ("fw-recovery",),
        look="check_fw_error",
        stock="MAC: 2, PHY: 20, SFP+: 5, PBA No: IXLAB0-001",
        ran=SEEN,
    ),
    Scenario(
        "validate_checksum < 0: the sum is wrong",
        ERR_SW_INIT + "-EIO",
        ("nvm-checksum",),
        stock=BAD_SUM,
        ran=SEEN,
    ),
    Scenario(
        "reset_hw: the list of modules cannot be read, EERD never ends",
        ERR_SW_INIT + "-EIO",
        ("nvm-stuck",),
        stock=NO_WORDS,
        ran=SEEN,
    ),
    Scenario(
        "reset_hw: the list of modules cannot be read, there is no EEPROM",
        ERR_SW_INIT + "-EIO",
        ("nvm-absent",),
        stock=NO_WORDS,
        ran=SEEN,
    ),
    Scenario("!is_valid_ether_addr: zero", ERR_SW_INIT + "-EIO", ("mac-invalid",), stock=BAD_MAC, ran=SEEN),
    Scenario("!is_valid_ether_addr: multicast", ERR_SW_INIT + "-EIO", ("mac-multicast",), stock=BAD_MAC, ran=SEEN),
    Scenario(
        "ixgbe_removed(hw->hw_addr), after the filter was written",
        ERR_SW_INIT + "-EIO",
        ("bus-all-ones=MPSAR[0]:3",),
        stock=REMOVED,
    ),
    Scenario(
        "ixgbe_init_interrupt_scheme: no MSI-X",
        "goes on with MSI",
        ("no-msix",),
        look="init_interrupt_scheme",
        stock=f"{NO_MSIX} / Disabling RSS support / Multiqueue Disabled: Rx Queue count = 1, …",
        ran=SEEN,
    ),
    Scenario(
        "the same, and no MSI",
        "goes on with INTx",
        ("no-msix", "no-msi"),
        look="init_interrupt_scheme",
        stock=f"{NO_MSIX} / {NO_MSI}",
        ran=SEEN,
    ),
    Scenario(
        "ixgbe_init_interrupt_scheme: two vectors for two rings",
        "goes on: rings share",
        ("few-msix=2",),
        look="init_interrupt_scheme",
        stock="Multiqueue Enabled: Rx Queue count = 2, …",
        ran=SEEN,
    ),
    Scenario(
        "ixgbe_init_interrupt_scheme: the first kind is refused",
        "goes on with MSI",
        ("set-irqs-refused=1",),
        look="init_interrupt_scheme",
        stock="Failed to allocate MSI-X interrupts. Falling back to MSI interrupts. …",
    ),
    Scenario(
        "ixgbe_init_interrupt_scheme fails",
        ERR_SW_INIT + "err",
        ("no-irq",),
        stock=f"{NO_MSIX} / {NO_MSI} / request_irq failed, Error -16 (at open)",
        ran=SEEN,
    ),
    Scenario(
        "ixgbe_wol_supported",
        "adapter->wol = IXGBE_WUFC_MAG, goes on",
        ("subsystem=0x0470",),
        look="check_wol",
        stock="Wake-on: g (ethtool)",
        ran=SEEN,
    ),
    Scenario(
        "get_bus_info: the second port",
        "goes on: bus.func = 1",
        ("port=1",),
        look="reset_hw",
        stock="MAC: 2, PHY: 20, SFP+: 6, PBA No: IXLAB0-001",
        ran=SEEN,
    ),
    Scenario(
        "ixgbe_check_minimum_link: one lane",
        "goes on",
        ("link-width=1",),
        look="check_minimum_link",
        stock="4.000 Gb/s available PCIe bandwidth, limited by 5.0 GT/s PCIe x1 link at …",
        ran=SEEN,
    ),
    Scenario(
        "ixgbe_check_minimum_link: generation 1, one lane",
        "goes on",
        ("link-width=1", "link-speed=1"),
        look="check_minimum_link",
        stock="2.000 Gb/s available PCIe bandwidth, limited by 2.5 GT/s PCIe x1 link at …",
        ran=SEEN,
    ),
    Scenario(
        "ixgbe_read_pba_string_generic: no string",
        "goes on",
        ("pba-legacy",),
        look="read_pba",
        stock="MAC: 2, PHY: 20, SFP+: 5, PBA No: E66560-001",
        ran=SEEN,
    ),
    Scenario(
        "ixgbe_read_pba_string_generic fails",
        'strlcpy(part_str, "Unknown"), goes on',
        cause="word 0x16 of the EEPROM points nowhere",
        prepare=_no_pba,
        look="read_pba",
        stock="MAC: 2, PHY: …, SFP+: 5, PBA No: Unknown",
    ),
    Scenario(
        "start_hw: IXGBE_ERR_EEPROM_VERSION, an old version",
        "goes on",
        ("pre-production",),
        look="start_hw",
        stock=PRE_PRODUCTION,
        ran=SEEN,
    ),
    Scenario(
        "start_hw: IXGBE_ERR_EEPROM_VERSION, none",
        "goes on",
        ("fw-version-error",),
        look="start_hw",
        stock=PRE_PRODUCTION,
        ran=SEEN,
    ),
    Scenario(
        "register_netdev fails",
        "err_register: release_hw_control, ixgbe_clear_interrupt_scheme, err_sw_init -> err",
        cause="there is such an interface already",
        options={"register": _no_netdev},
        stock="nothing",
    ),
    Scenario(
        "everything is as it should be",
        "return 0",
        cause="a good card",
        look="read_pba",
        stock="MAC: 2, PHY: 20, SFP+: 5, PBA No: IXLAB0-001",
        ran=SEEN,
    ),
)
