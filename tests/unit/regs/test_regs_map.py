# SPDX-License-Identifier: BSD-3-Clause
"""The 82599's map: what drivers rely on, typed here once more from the fact sheet and not from the tables."""

import re
import subprocess
from pathlib import Path

import pytest

from device.regs import header
from device.regs import i82599 as regs
from device.regs.core import RC, RCW1C, RO, RW, SC, W1C, W1S, WO, WRAPS, Field, Register
from device.regs.i82599 import ALL, desc, lookup, name_of, vf

ROOT = Path(__file__).resolve().parents[3]
BY_NAME = {register.NAME: register for register in ALL}


def test_every_offset_is_a_dword_inside_128_kib_and_belongs_to_one_register() -> None:
    seen: dict[int, str] = {}
    for register in ALL:
        for offset in register.AT + register.ALIAS:
            assert offset % 4 == 0, register
            assert offset < 0x20000, register
            assert seen.setdefault(offset, register.NAME) == register.NAME
    assert len(seen) == sum(len(register.AT) + len(register.ALIAS) for register in ALL)


def test_every_register_says_what_it_is_and_how_we_know() -> None:
    for register in (*ALL, *vf.ALL, *desc.WORDS):
        assert re.search(r"(Ref|Guess|Observed):", register.__doc__ or ""), register.NAME
        assert register.FIELDS, register.NAME


def test_every_class_is_reachable_by_name() -> None:
    for register in ALL:
        assert getattr(regs, register.NAME) is register


# alias base, stride, count, canonical base, stride: fact sheet, end of Appendix A
ALIASES = [
    ("MRQC", 0x05818, 4, 1, 0x0EC80, 4),
    ("RETA", 0x05C00, 4, 32, 0x0EB00, 4),
    ("RSSRK", 0x05C80, 4, 10, 0x0EB80, 4),
    ("PSRTYPE", 0x05480, 4, 16, 0x0EA00, 4),
    ("RAL", 0x05400, 8, 16, 0x0A200, 8),
    ("RAH", 0x05404, 8, 16, 0x0A204, 8),
    ("SRRCTL", 0x02100, 4, 16, 0x01014, 0x40),
    ("DCA_RXCTRL", 0x02200, 4, 16, 0x0100C, 0x40),
    ("IMIRVP", 0x05AC0, 4, 1, 0x0EC60, 4),
    ("QPTC", 0x06030, 0x40, 16, 0x08680, 4),
]


@pytest.mark.parametrize(("name", "alias", "alias_stride", "count", "base", "stride"), ALIASES)
def test_aliases_share_storage(name: str, alias: int, alias_stride: int, count: int, base: int, stride: int) -> None:
    for n in range(count):
        assert lookup(alias + n * alias_stride) == (BY_NAME[name], n, True)
        assert lookup(base + n * stride) == (BY_NAME[name], n, False)
    assert len(BY_NAME[name].ALIAS) == count


def test_no_alias_beyond_those_of_the_fact_sheet() -> None:
    known = {row[0] for row in ALIASES}
    assert {register.NAME for register in ALL if register.ALIAS} - known == {"QBTC_L"}  # a Guess in its docstring


@pytest.mark.parametrize(
    ("name", "n", "offset"),
    [
        ("RDT", 63, 0x01FD8), ("RDT", 64, 0x0D018), ("RXDCTL", 127, 0x0DFE8), ("TDT", 127, 0x07FD8),
        ("EITR", 23, 0x0087C), ("EITR", 24, 0x12300), ("EITR", 128, 0x124A0), ("IVAR", 63, 0x009FC),
        ("VFLRE", 0, 0x00600), ("VFLRE", 1, 0x001C0), ("RAH", 127, 0x0A5FC), ("MPSAR", 255, 0x0A9FC),
        ("PFMBMEM", 1023, 0x13FFC), ("FLEX_MNG", 447, 0x15EFC), ("UTA", 127, 0x0F5FC), ("VLVFB", 127, 0x0F3FC),
        ("L34TIMIR", 127, 0x0E9FC), ("PVFMPRC", 63, 0x0DFDC), ("QPRDC", 15, 0x017F0), ("PVFGOTC_MSB", 63, 0x085FC),
    ],
)  # fmt: skip
def test_ends_of_arrays(name: str, n: int, offset: int) -> None:
    assert BY_NAME[name].offset(n) == offset


@pytest.mark.parametrize(
    ("name", "reset"),
    [
        ("STATUS", 0x00080000), ("ESDP", 0x00000804), ("I2CCTL", 0xF), ("TCPTIMER", 0x100), ("FWSM", 0x8000),
        ("EEC", 0x3F10), ("EERD", 2), ("EEWR", 2), ("EEMNGCTL", 0xC0000), ("RXPBSIZE", 0x80000),
        ("TXPBSIZE", 0x28000), ("TXPBTHRESH", 0x96), ("SECTXSTAT", 3), ("SECRXSTAT", 3), ("SECTXBUFFAF", 0x250),
        ("SECTXMINIFG", 1), ("AUTOC", 0x6000), ("AUTOC2", 0x20000), ("ANLP1", 0x10000), ("HLREG0", 0x08012C0B),
        ("MAXFRS", 0x05EE0000), ("VLNCTRL", 0x8100), ("DMATXCTL", 0x81000000), ("LEDCTL", 0x40000),
        ("PFMBIMR", 0xFFFFFFFF), ("RDRXCTL", 0x00100008), ("CTRL", 0), ("CTRL_EXT", 0), ("HICR", 0), ("MMNGC", 0),
        ("DCA_RXCTRL", 0xB200), ("DCA_TXCTRL", 0x2A00), ("SRRCTL", 0x402), ("TFCS", 0xFF), ("LINKS", 0),
        ("FDIRCTRL", 0),
    ],
)  # fmt: skip
def test_reset_values(name: str, reset: int) -> None:
    assert BY_NAME[name].reset() == reset


def test_only_the_first_tx_buffer_has_memory_after_reset() -> None:
    assert [int(BY_NAME["TXPBSIZE"].reset(n)) for n in range(8)] == [0x28000] + [0] * 7
    assert [int(BY_NAME["TXPBTHRESH"].reset(n)) for n in range(8)] == [0x96] + [0] * 7


def test_no_register_resets_to_all_ones_where_a_driver_would_take_it_for_a_dead_card() -> None:
    assert [register.NAME for register in ALL if register.reset() == 0xFFFFFFFF] == ["PFMBIMR"]


@pytest.mark.parametrize(
    ("name", "mask"),
    [
        ("FCRTL", 0x8007FFF0), ("FCRTH", 0x8007FFF0), ("PFCTOP", 0xFFFFFFFF), ("FCTTV", 0xFFFFFFFF),
        ("RDBAH", 0xFFFFFFFF), ("TDBAH", 0xFFFFFFFF), ("RAL", 0xFFFFFFFF), ("MTA", 0xFFFFFFFF), ("RAH", 0x8000FFFF),
        ("RDBAL", 0xFFFFFF80), ("TDBAL", 0xFFFFFF80), ("RDLEN", 0x000FFF80), ("TDLEN", 0x000FFF80),
        ("RDT", 0xFFFF), ("TDT", 0xFFFF), ("STATUS", 0),
    ],
)  # fmt: skip
def test_ethtool_self_test_finds_exactly_these_bits_writable(name: str, mask: int) -> None:
    assert BY_NAME[name].bits(RW) == mask
    assert BY_NAME[name].bits(WO, W1C, W1S, SC, RC, RCW1C) == 0


@pytest.mark.parametrize(
    ("name", "kind", "mask"),
    [
        ("CTRL", SC, 0x04000008), ("CTRL", RW, 0x4), ("EICR", RCW1C, 0xFFFFFFFF), ("EICS", W1S, 0xFFFFFFFF),
        ("EIMS", W1S, 0xFFFFFFFF), ("EIMC", W1C, 0xFFFFFFFF), ("I2CCTL", RO, 0x5), ("I2CCTL", RW, 0xA),
        ("EEC", RO, 0x7F88), ("EEC", RW, 0x77), ("EERD", RO, 0xFFFF0002), ("MSCA", SC, 1 << 30),
        ("FDIRCMD", SC, 3), ("FDIRCTRL", RO, 1 << 3), ("AUTOC", SC, 1 << 12), ("WUS", W1C, 0xFFFFFFFF),
        ("MBVFICR", W1C, 0xFFFFFFFF), ("VFLRE", RO, 0xFFFFFFFF), ("VFLREC", W1C, 0xFFFFFFFF),
        ("PFMAILBOX", WO, 0x13), ("PFMAILBOX", RO, 0x4), ("PFMAILBOX", RW, 0x8), ("EITR", WO, 1 << 31),
        ("RDRXCTL", RO, 1 << 3), ("PFQDE", WO, 3 << 16), ("LINKS", RO, 0xFFFFFFFF),
    ],
)  # fmt: skip
def test_access_rules(name: str, kind: object, mask: int) -> None:
    assert sum(f.mask for f in BY_NAME[name].FIELDS.values() if f.access is kind) == mask


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("RXDCTL", 0x02000000, {"ENABLE": 1}),
        ("SRRCTL", 0x12000402, {"BSIZEPACKET": 2, "BSIZEHEADER": 4, "DESCTYPE": 1, "DROP_EN": 1}),
        ("GPIE", 0xC0000036, {
            "SDP1_GPIEN": 1, "SDP2_GPIEN": 1, "MSIX_MODE": 1, "OCD": 1, "EIAME": 1, "PBA_SUPPORT": 1,
        }),
        ("MRQC", 0x00330001, {
            "MRQE": 1, "RSS_FIELD_IPV4_TCP": 1, "RSS_FIELD_IPV4": 1, "RSS_FIELD_IPV6": 1, "RSS_FIELD_IPV6_TCP": 1,
        }),
        ("TXDCTL", 0x02080120, {"PTHRESH": 32, "HTHRESH": 1, "WTHRESH": 8, "ENABLE": 1}),
        ("FDIRCTRL", 0x4A067F31, {
            "PBALLOC": 1, "PERFECT_MATCH": 1, "REPORT_STATUS": 1, "DROP_Q": 127, "FLEX": 6, "MAX_LENGTH": 10,
            "FULL_THRESH": 4,
        }),
        ("LINKS", 0x70000000, {"SPEED": 3, "UP": 1}),
        ("IVAR", 0x81818080, {
            "RX0_VALID": 1, "TX0_VALID": 1, "RX1": 1, "RX1_VALID": 1, "TX1": 1, "TX1_VALID": 1,
        }),
        ("TIMINCA", 0x01CCCCCC, {"INCPERIOD": 1, "INCVALUE": 0xCCCCCC}),
        ("PSRTYPE", 0x40001330, {
            "TCPHDR": 1, "UDPHDR": 1, "IPV4HDR": 1, "IPV6HDR": 1, "L2HDR": 1, "RQPL": 2,
        }),
        ("EITR", 200 | 1 << 31, {"ITR_INTERVAL": 25, "CNT_WDIS": 1}),
        ("AUTOC", 0xC09C6004, {
            "ANSF": 1, "LMS": 3, "FECA": 1, "AN_RX_ALIGN": 3, "AN_RX_DRIFT": 1, "KX_SUPP": 1, "KX4_SUPP": 1,
        }),
    ],
)  # fmt: skip
def test_values_linux_writes_fall_into_the_right_fields(name: str, value: int, wanted: dict[str, int]) -> None:
    register = BY_NAME[name](value)
    found = {field: getattr(register, field) for field in register.FIELDS if getattr(register, field)}
    assert found == wanted
    assert register.undeclared == 0


def test_pairs_point_at_each_other() -> None:
    paired = [register for register in ALL if register.PAIR]
    assert {"GORCL", "GORCH", "GOTCL", "TORL", "QBRC_L", "QBTC_L", "PVFGORC_LSB", "PVFGOTC_LSB"} <= {
        register.NAME for register in paired
    }
    for register in paired:
        other = BY_NAME[register.PAIR]
        assert other.PAIR == register.NAME
        assert other.count == register.count
        assert (other.COUNTER, other.FULL) == (register.COUNTER, register.FULL)


def test_pool_counters_are_not_cleared_by_a_read() -> None:
    for register in ALL:
        if register.NAME.startswith("PVF"):
            assert (register.COUNTER, register.bits(RC)) == (False, 0)
    assert all(
        register.bits(RC) == sum(f.mask for f in register.FIELDS.values()) for register in ALL if register.COUNTER
    )


def test_counters_that_reads_clear_stick_and_the_others_wrap() -> None:
    counters = {register.NAME: register.FULL for register in (*ALL, *vf.ALL) if register.FULL}
    wrap = {name for name, full in counters.items() if full is WRAPS}
    pools = {"GPRC", "GORC_LSB", "GORC_MSB", "MPRC", "GPTC", "GOTC_LSB", "GOTC_MSB"}
    assert wrap == {f"PVF{name}" for name in pools} | {f"VF{name}" for name in pools}
    assert {register.NAME for register in ALL if register.COUNTER} == set(counters) - wrap
    assert {"GPRC", "GORCL", "GORCH", "QPRC", "QBRC_H", "TXDGBCL", "FDIRMATCH", "FDIRFSTAT"} <= set(counters) - wrap
    assert "FDIRLEN" not in counters  # a longest length, no count


def test_fields_of_flow_director_statistics() -> None:
    found = {name: {f.name: f.mask for f in BY_NAME[name].FIELDS.values()} for name in ("FDIRFSTAT", "FDIRLEN")}
    assert found == {
        "FDIRFSTAT": {"FADD": 0xFF, "FREMOVE": 0xFF00},
        "FDIRLEN": {"MAXLEN": 0x3F, "BUCKET_LEN": 0x3F00, "MAXHASH": 0x7FFF0000},
    }


def test_what_a_software_reset_keeps() -> None:
    for name in ("EEC", "EERD", "SWSM", "GSSR", "FWSM", "FACTPS", "ESDP", "WUS", "HICR", "GCR"):
        assert BY_NAME[name].KEEP, name
    for name in ("CTRL", "RXDCTL", "TDT", "EIMS", "EITR", "IVAR", "RAL", "MRQC", "FDIRCTRL", "GPRC", "CTRL_EXT"):
        assert not BY_NAME[name].KEEP, name


def test_lookup_and_names() -> None:
    assert lookup(0x1028 + 0x40 * 3) == (BY_NAME["RXDCTL"], 3, False)
    assert lookup(0x1029) is None
    assert lookup(0x1FFFC) is None
    assert (name_of(0), name_of(0x10E8), name_of(0x2104), name_of(0x12345)) == (
        "CTRL", "RXDCTL[3]", "SRRCTL[1]", "0x12345",
    )  # fmt: skip


def test_descriptor_bits() -> None:
    assert desc.RXD.of(STAT_DD=1, STAT_EOP=1, LENGTH=60, VLAN=5) == 3 | 60 << 32 | 5 << 48
    assert desc.RXD.of(STAT_L4CS=1, ERR_TCPE=1) == 1 << 5 | 1 << 30
    assert desc.RXDADV.of(RSSTYPE=1, PKTTYPE=0x11, RSS_HASH=0x51CCC178) == 0x1 | 0x10 | 0x100 | 0x51CCC178 << 32
    assert desc.RXDLEG.of(STAT_DD=1, STAT_EOP=1, ERR_IPE=1, LENGTH=64) == 64 | 3 << 32 | 1 << 47
    assert desc.TXD.of(LENGTH=60, CMD_EOP=1, CMD_IFCS=1, CMD_RS=1, STAT_DD=1) == 60 | 0x0B << 24 | 1 << 32
    data = desc.TXDADV.of(
        DTALEN=1500, DTYP=desc.TxDescType.DATA, DCMD_DEXT=1, DCMD_EOP=1, DCMD_RS=1, POPTS_TXSM=1, PAYLEN=1500
    )
    assert data == 1500 | 3 << 20 | 0x29 << 24 | (1 << 9 | 1500 << 14) << 32
    assert desc.TXCTX0.of(IPLEN=20, MACLEN=14, VLAN=7) == 20 | 14 << 9 | 7 << 16
    context = desc.TXCTX1.of(DTYP=desc.TxDescType.CTXT, DCMD_DEXT=1, IPV4=1, L4T=desc.L4Type.TCP, L4LEN=20, MSS=1460)
    assert context == 2 << 20 | 1 << 29 | 1 << 10 | 1 << 11 | (20 << 8 | 1460 << 16) << 32


def test_context_dwords_are_the_quadwords_cut_in_two() -> None:
    for quad, low, high in ((desc.TXCTX0, desc.TXCTX_D0, desc.TXCTX_D1), (desc.TXCTX1, desc.TXCTX_D2, desc.TXCTX_D3)):
        cut: dict[str, tuple[int, int]] = {name: (f.lsb, f.msb) for name, f in low.FIELDS.items()}
        cut |= {name: (f.lsb + 32, f.msb + 32) for name, f in high.FIELDS.items()}
        assert cut == {name: (f.lsb, f.msb) for name, f in quad.FIELDS.items()}


def test_virtual_function_windows_have_the_layout_of_the_pf_blocks() -> None:
    names = {register.NAME: register for register in vf.ALL}
    for name in ("RDBAL", "RDBAH", "RDLEN", "RDH", "SRRCTL", "RDT", "RXDCTL", "RSCCTL"):
        assert BY_NAME[name].AT[:8] == names[f"VF{name}"].AT
    for name in ("TDBAL", "TDBAH", "TDLEN", "TDH", "TDT", "TXDCTL", "TDWBAL", "TDWBAH"):
        assert names[f"VF{name}"].offset(0) - 0x2000 == BY_NAME[name].offset(0) - 0x6000
    assert vf.lookup(0x2FC) == (names["VFMAILBOX"], 0, False)
    assert vf.lookup(4) is None


def test_regs_h_is_what_the_tables_say() -> None:
    wanted = "\n".join(header.lines((ALL, vf.ALL), desc.WORDS))
    assert header.path("i82599").read_text() == wanted, "run python -m device.regs header"


def test_header_refuses_one_macro_with_two_meanings() -> None:
    class LONG(Register, at=0):
        A_SHIFT = Field(1)
        A = Field(0)

    with pytest.raises(ValueError, match="macro LONG_A_SHIFT would be defined twice"):
        list(header.lines([[LONG]], []))


def test_runs_of_offsets() -> None:
    assert header.runs((0x600, 0x1C0)) == [(0, 0x600, 0, 1), (1, 0x1C0, 0, 1)]
    assert header.runs((0, 4, 8, 0x100, 0x140)) == [(0, 0, 4, 3), (3, 0x100, 0x40, 2)]


def test_c_sees_the_same_offsets_and_back(tmp_path: Path) -> None:
    """One C program prints what the macros give for every instance of every array, signed and unsigned argument."""
    arrays = [register for register in ALL if register.count > 1]
    body = "\n".join(
        f'for (int n = 0; n < {r.NAME}_COUNT; n++) printf("{r.NAME} %d %u %u %d %d\\n", n, R_{r.NAME}(n), '
        f"N_{r.NAME}(R_{r.NAME}((uint32_t)n)), IS_{r.NAME}(R_{r.NAME}(n)), IS_{r.NAME}(R_{r.NAME}(n) + 1));"
        for r in arrays
    )
    source = tmp_path / "probe.c"
    source.write_text(
        f'#include <stdint.h>\n#include <stdio.h>\n#include "regs.h"\nint main(void) {{\n{body}\nreturn 0; }}'
    )
    program = tmp_path / "probe"
    flags = ["-std=gnu11", "-O0", "-Wall", "-Wextra", "-Werror", f"-I{ROOT / 'device/regs/i82599'}"]
    subprocess.run(["gcc", *flags, str(source), "-o", str(program)], check=True)
    said = subprocess.run([str(program)], check=True, capture_output=True, text=True).stdout.splitlines()
    wanted = [f"{r.NAME} {n} {offset} {n} 1 0" for r in arrays for n, offset in enumerate(r.AT)]
    assert said == wanted
