# SPDX-License-Identifier: BSD-3-Clause
"""What a register is: an immutable number with named fields, a place, and rules for who may change what.

A table module declares registers as classes; nothing here knows a particular one.  Mistakes in a table (fields that
overlap, a reset value that does not fit, two registers at one offset) are errors when the module is imported.
"""

import enum
from collections.abc import Iterable, Mapping
from itertools import pairwise
from types import MappingProxyType
from typing import ClassVar, Never, Self, overload

__all__ = [
    "RC", "RCW1C", "RO", "RW", "SC", "STICKS", "W1C", "W1S", "WO", "WRAPS",
    "Access", "Counter", "Field", "Found", "Full", "Monotonic", "ReadOnly", "Register", "Storage", "every", "index",
]


class Access(enum.Enum):
    """What a write or read by the other side of the bus does to a bit."""

    RO = "RO"  # writes are ignored
    RW = "RW"  # a write replaces it
    WO = "WO"  # a write is seen by the device, reads give 0
    RC = "RC"  # a read clears it, writes are ignored
    W1C = "W1C"  # writing 1 clears it
    W1S = "W1S"  # writing 1 sets it
    SC = "SC"  # a command: writing 1 starts it, it clears itself (reads give 0)
    RCW1C = "RCW1C"  # a read clears it, and so does writing 1


RO, RW, WO, RC = Access.RO, Access.RW, Access.WO, Access.RC
W1C, W1S, SC, RCW1C = Access.W1C, Access.W1S, Access.SC, Access.RCW1C


class Full(enum.Enum):
    """What one more event does to a counter that stands at its highest value; a 36-bit pair counts as one counter."""

    STICKS = "sticks"  # nothing: it stays there until a read clears it
    WRAPS = "wraps"  # it goes on from 0


STICKS, WRAPS = Full.STICKS, Full.WRAPS

MAX_WIDTH = 64


class Field:
    """Bits ``msb`` to ``lsb`` of a register: a ``Field`` when asked on the class, an ``int`` on a value.

    Args:
        msb: Highest bit.
        lsb: Lowest bit; the same as ``msb`` if left out.
        reset: Value after reset, right-aligned.
        access: Rule for these bits; the register's default (RW unless it says otherwise) if left out.
        values: Names for the values, right-aligned.
        stored: The feature that these bits ask for and that the device has not: it stores them and does not obey them.
            "" for a field that is obeyed in a register that is not; the register's own if left out.

    Raises:
        ValueError: The bits are not a range, or ``reset`` or a name of ``values`` does not fit in them.
    """

    __slots__ = ("_declared", "_stored", "access", "lsb", "mask", "msb", "name", "reset", "stored", "values", "width")

    def __init__(
        self,
        msb: int,
        lsb: int | None = None,
        *,
        reset: int = 0,
        access: Access | None = None,
        values: type[enum.IntEnum] | type[enum.IntFlag] | None = None,
        stored: str | None = None,
    ) -> None:
        lsb = msb if lsb is None else lsb
        if not 0 <= lsb <= msb < MAX_WIDTH:
            raise ValueError(f"Field({msb}, {lsb}): need 0 <= lsb <= msb < {MAX_WIDTH}")
        self.name = ""
        self.msb = msb
        self.lsb = lsb
        self.width = msb - lsb + 1
        self.mask = ((1 << self.width) - 1) << lsb
        self.reset = reset
        self.values = values
        self.access = access or Access.RW
        self._declared = access
        self.stored = stored or ""
        self._stored = stored
        if not 0 <= reset <= self.max:
            raise ValueError(f"Field({msb}, {lsb}): reset {reset:#x} does not fit in {self.width} bits")
        for item in values or ():
            if not 0 <= item.value <= self.max:
                raise ValueError(f"Field({msb}, {lsb}): {item.name}={item.value:#x} does not fit in {self.width} bits")

    @property
    def max(self) -> int:
        """Largest value that fits."""
        return self.mask >> self.lsb

    @property
    def is_asked_for(self) -> bool:
        """Whether software can ask for something by these bits: it may write them, and not only clear them."""
        return self.access in {Access.RW, Access.WO, Access.W1S, Access.SC}

    def bound(self, name: str, access: Access, stored: str = "") -> "Field":
        """A copy that belongs to one register: its name, and what the register says where the field says nothing."""
        field = Field(
            self.msb, self.lsb, reset=self.reset, access=self._declared, values=self.values, stored=self._stored
        )
        field.name = name
        field.access = self._declared or access
        field.stored = stored if self._stored is None else self._stored
        return field

    @overload
    def __get__(self, value: None, owner: type) -> "Field": ...
    @overload
    def __get__(self, value: "Register", owner: type | None = None) -> int: ...
    def __get__(self, value: "Register | None", owner: type | None = None) -> "Field | int":
        if value is None:
            return self
        return (int(value) & self.mask) >> self.lsb

    def __repr__(self) -> str:
        bits = f"{self.msb}" if self.msb == self.lsb else f"{self.msb}:{self.lsb}"
        return f"<Field {self.name or '?'} [{bits}] {self.access.value}>"


def every(base: int, stride: int, count: int) -> tuple[int, ...]:
    """Offsets of an array of registers: ``count`` of them, ``stride`` bytes apart, from ``base`` up."""
    if base < 0 or stride <= 0 or count <= 0:
        raise ValueError(f"every({base:#x}, {stride:#x}, {count}): base >= 0, stride > 0 and count > 0 wanted")
    return tuple(range(base, base + stride * count, stride))


def _offsets(at: int | tuple[int, ...]) -> tuple[int, ...]:
    return (at,) if isinstance(at, int) else tuple(at)


class Register(int):
    """A register's value; subclasses declare registers.  A value is an immutable int whose fields have names.

    Keywords of a subclass:
        at: Offset in bytes, or a tuple of them (``every``) for an array.  Without it the class is a layout only
            (a descriptor word, or a base to inherit fields from).
        alias: Second addresses; ``alias[n]`` answers for ``at[n]``.
        reset: Value after reset, of the whole register or a tuple with one per instance.  Without it the
            fields' own reset values count.
        keep: A software reset (CTRL.RST, CTRL.LRST) leaves it as it is.
        access: Rule of fields that name none.
        counter: A statistics counter that reads clear: its fields are RC unless they say otherwise.
        full: What a counter does at its highest value; every one must say, or inherit it.
        pair: Name of the register that holds the other half of a 64-bit number.
        stored: The feature its bits belong to and that the device has not; ``Field`` says more.
        asks: False for what means nothing until another register switches that feature on: nobody is told of writes.
        width: Bits: 8, 16, 32 (default) or 64.

    Raises:
        ValueError: At declaration, if something overlaps or does not fit, or a counter does not say what it does when
            full; at ``Register(value)`` if the value is negative or too wide.
    """

    __slots__ = ()

    NAME: ClassVar[str] = "Register"
    AT: ClassVar[tuple[int, ...]] = ()
    ALIAS: ClassVar[tuple[int, ...]] = ()
    RESET: ClassVar[int | tuple[int, ...]] = 0
    FIELDS: ClassVar[Mapping[str, Field]] = MappingProxyType({})
    ACCESS: ClassVar[Access] = Access.RW
    KEEP: ClassVar[bool] = False
    COUNTER: ClassVar[bool] = False
    FULL: ClassVar[Full | None] = None
    PAIR: ClassVar[str] = ""
    STORED: ClassVar[str] = ""
    ASKS: ClassVar[bool] = True
    WIDTH: ClassVar[int] = 32
    count: ClassVar[int] = 0

    def __init_subclass__(
        cls,
        *,
        at: int | tuple[int, ...] = (),
        alias: int | tuple[int, ...] = (),
        reset: int | tuple[int, ...] | None = None,
        keep: bool | None = None,
        access: Access | None = None,
        counter: bool | None = None,
        full: Full | None = None,
        pair: str = "",
        stored: str | None = None,
        asks: bool | None = None,
        width: int | None = None,
    ) -> None:
        super().__init_subclass__()
        for name in vars(cls):
            if name in Register.__dict__ and isinstance(vars(cls)[name], Field):
                raise ValueError(f"{cls.__name__}: a field cannot be called {name}")
        cls.NAME = cls.__name__
        cls.AT = _offsets(at)
        cls.ALIAS = _offsets(alias)
        cls.count = len(cls.AT)
        cls.PAIR = pair
        if keep is not None:
            cls.KEEP = keep
        if stored is not None:
            cls.STORED = stored
        if asks is not None:
            cls.ASKS = asks
        if width is not None:
            cls.WIDTH = width
        if counter is not None:
            cls.COUNTER = counter
        if full is not None:
            cls.FULL = full
        if cls.COUNTER and cls.FULL is None:
            raise ValueError(f"{cls.NAME}: a counter says what it does when it is full: full=STICKS or full=WRAPS")
        if access is not None:
            cls.ACCESS = access
        elif counter:
            cls.ACCESS = Access.RC
        cls._place()
        cls._collect()
        cls._resets(reset)

    @classmethod
    def _place(cls) -> None:
        """Check offsets of this one register."""
        if cls.WIDTH not in {8, 16, 32, 64}:
            raise ValueError(f"{cls.NAME}: width {cls.WIDTH} is not 8, 16, 32 or 64")
        if len(cls.ALIAS) > len(cls.AT):
            raise ValueError(f"{cls.NAME}: {len(cls.ALIAS)} aliases for {len(cls.AT)} registers")
        places = cls.AT + cls.ALIAS
        if len(set(places)) != len(places):
            raise ValueError(f"{cls.NAME}: the same offset twice")
        for offset in places:
            if offset < 0 or offset % (cls.WIDTH // 8):
                raise ValueError(f"{cls.NAME}: offset {offset:#x} is not aligned to {cls.WIDTH} bits")

    @classmethod
    def _collect(cls) -> None:
        """Give every field its name and its final access; refuse overlaps."""
        declared = dict(cls.FIELDS)  # those of the base class
        declared.update((name, item) for name, item in vars(cls).items() if isinstance(item, Field))
        fields: dict[str, Field] = {}
        used = 0
        for name, item in declared.items():
            if item.msb >= cls.WIDTH:
                raise ValueError(f"{cls.NAME}.{name}: bit {item.msb} is outside a {cls.WIDTH}-bit register")
            if used & item.mask:
                other = next(f.name for f in fields.values() if f.mask & item.mask)
                raise ValueError(f"{cls.NAME}.{name} [{item.msb}:{item.lsb}] overlaps {other}")
            used |= item.mask
            fields[name] = item.bound(name, cls.ACCESS, cls.STORED)
            setattr(cls, name, fields[name])
        cls.FIELDS = MappingProxyType(dict(sorted(fields.items(), key=lambda pair: pair[1].lsb)))

    @classmethod
    def _resets(cls, reset: int | tuple[int, ...] | None) -> None:
        """Settle the value after reset from the register's and the fields' declarations."""
        of_fields = sum(field.reset << field.lsb for field in cls.FIELDS.values())
        if reset is None:
            cls.RESET = of_fields
            return
        if isinstance(reset, tuple) and len(reset) != len(cls.AT):
            raise ValueError(f"{cls.NAME}: {len(reset)} reset values for {len(cls.AT)} registers")
        for value in reset if isinstance(reset, tuple) else (reset,):
            if not 0 <= value < 1 << cls.WIDTH:
                raise ValueError(f"{cls.NAME}: reset {value:#x} does not fit in {cls.WIDTH} bits")
            for field in cls.FIELDS.values():
                if field.reset and (value & field.mask) >> field.lsb != field.reset:
                    said = f"{cls.NAME}.{field.name}: reset {field.reset:#x}"
                    raise ValueError(f"{said}, but the register's reset is {value:#x}")
        cls.RESET = reset

    def __new__(cls, value: int = 0) -> Self:
        """A value of this register, checked to fit."""
        if not 0 <= value < 1 << cls.WIDTH:
            raise ValueError(f"{cls.NAME}: {value:#x} does not fit in {cls.WIDTH} bits")
        return super().__new__(cls, value)

    def __setattr__(self, name: str, value: Never) -> None:
        """Refuse: a value never changes; ``replace`` makes another."""
        raise AttributeError(f"{self.NAME} is immutable: use replace({name}=...)")

    @classmethod
    def reset(cls, n: int = 0) -> Self:
        """The value of instance ``n`` after reset."""
        return cls(cls.RESET[n] if isinstance(cls.RESET, tuple) else cls.RESET)

    @classmethod
    def offset(cls, n: int = 0) -> int:
        """Canonical offset of instance ``n`` in bytes.

        Raises:
            IndexError: There is no such instance.
        """
        if not 0 <= n < len(cls.AT):
            raise IndexError(f"{cls.NAME}[{n}]: there are {len(cls.AT)}")
        return cls.AT[n]

    @classmethod
    def of(cls, **fields: int) -> Self:
        """A value with these fields set and every other bit 0.

        Raises:
            ValueError: No such field, or a value does not fit.
        """
        return cls(cls._merged(0, fields))

    def replace(self, **fields: int) -> Self:
        """The same value with these fields changed.

        Raises:
            ValueError: No such field, or a value does not fit.
        """
        return type(self)(self._merged(int(self), fields))

    @classmethod
    def _merged(cls, value: int, fields: Mapping[str, int]) -> int:
        for name, number in fields.items():
            field = cls.FIELDS.get(name)
            if field is None:
                raise ValueError(f"{cls.NAME} has no field {name}; it has {', '.join(cls.FIELDS) or 'none'}")
            if not 0 <= number <= field.max:
                raise ValueError(f"{cls.NAME}.{name}: {int(number)} is not in 0..{field.max}")
            value = (value & ~field.mask) | (int(number) << field.lsb)
        return value

    @classmethod
    def bits(cls, *kinds: Access) -> int:
        """Mask of the bits whose rule is one of ``kinds``."""
        return sum(field.mask for field in cls.FIELDS.values() if field.access in kinds)

    @classmethod
    def stored_features(cls) -> tuple[str, ...]:
        """The features that its bits belong to and that the device has not."""
        return tuple(dict.fromkeys(field.stored for field in cls.FIELDS.values() if field.stored))

    def asked_for(self, n: int = 0) -> tuple[Field, ...]:
        """Fields that, written so to instance ``n``, ask for something that the device stores and does not obey."""
        usual = int(self) ^ int(self.reset(n))
        fields = self.FIELDS.values() if self.ASKS else ()
        return tuple(field for field in fields if field.stored and field.is_asked_for and usual & field.mask)

    @property
    def undeclared(self) -> int:
        """The bits of this value that no field names."""
        return int(self) & ~sum(field.mask for field in self.FIELDS.values())

    def describe(self) -> str:
        """Fields that are not 0, lowest first: ``ENABLE=1 VME=1``."""
        parts = []
        for name, field in self.FIELDS.items():
            number = (int(self) & field.mask) >> field.lsb
            if number:
                parts.append(f"{name}={_named(field, number)}")
        if self.undeclared:
            parts.append(f"undeclared={self.undeclared:#x}")
        return " ".join(parts)

    def __repr__(self) -> str:
        text = self.describe()
        return f"{self.NAME}({int(self):#0{self.WIDTH // 4 + 2}x}{': ' if text else ''}{text})"

    __str__ = __repr__


def _named(field: Field, number: int) -> str:
    """A field's value with its name if it has one."""
    plain = f"{number:#x}" if number > 9 else f"{number}"
    if field.values is None:
        return plain
    try:
        name = field.values(number).name
    except ValueError:
        return plain
    return f"{plain}({name})" if name else plain


class Storage(Register):
    """Base of registers that hold 32 bits and mean nothing to us."""

    VALUE = Field(31, 0)


class ReadOnly(Register, access=Access.RO):
    """Base of registers that give 32 bits and take none."""

    VALUE = Field(31, 0)


class Counter(Register, counter=True, full=STICKS):
    """Base of statistics: 32 bits, cleared when read, never past 0xFFFFFFFF.

    Ref: 82598 datasheet, 4.4.3.9, and 8254x manual, 13.7: all statistics registers stick at 0xFFFFFFFF.
    """

    VALUE = Field(31, 0)


class Monotonic(Register, access=Access.RO, full=WRAPS):
    """Base of statistics that a read leaves alone: 32 bits, after 0xFFFFFFFF comes 0.

    Ref: ixgbevf, which adds 2**32 to its total when one reads less than before.
    """

    VALUE = Field(31, 0)


Found = tuple[type[Register], int, bool]


def index(registers: Iterable[type[Register]], limit: int) -> dict[int, Found]:
    """Map each offset, aliases too, to (register, instance, is it an alias).

    Args:
        registers: The classes of one address space.
        limit: Size of that space in bytes.

    Raises:
        ValueError: Two registers share an offset or a name, or one is outside the space.
    """
    found: dict[int, Found] = {}
    spans: list[tuple[int, int, type[Register], int]] = []
    names: set[str] = set()
    for register in registers:
        if register.NAME in names:
            raise ValueError(f"two registers are called {register.NAME}")
        names.add(register.NAME)
        size = register.WIDTH // 8
        for places, is_alias in ((register.AT, False), (register.ALIAS, True)):
            for n, offset in enumerate(places):
                spans.append((offset, offset + size, register, n))
                found[offset] = (register, n, is_alias)
    spans.sort(key=lambda span: span[0])
    for one, other in pairwise(spans):
        if other[0] < one[1]:
            said = f"{other[2].NAME}[{other[3]}] at {other[0]:#x}"
            raise ValueError(f"{said} collides with {one[2].NAME}[{one[3]}] at {one[0]:#x}")
    for offset, end, register, n in spans:
        if end > limit:
            raise ValueError(f"{register.NAME}[{n}] at {offset:#x} is outside the {limit:#x} bytes")
    return found
