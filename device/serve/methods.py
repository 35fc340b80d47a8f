# SPDX-License-Identifier: BSD-3-Clause
"""What can be asked of a running device, by name: each method looks at what it was given, then does it."""

import importlib.metadata
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Protocol, cast

from device.errors import ConfigError
from device.i82599.card import Card
from device.i82599.faults import CardTarget
from device.i82599.sfp import kinds as sfp_kinds
from device.machine.faults import table
from device.machine.wire import NullPort, Port
from device.serve.rpc_json import INT_MAX
from device.serve.rpc_method import Action, Before, Method, Param

FAULT_MAX = 256  # characters; a report repeats every active fault
RPC_VERSION, PROTOCOL = "2.0", 1


class Served(Protocol):
    """What the methods reach: ``device.serve.server.Server``."""

    card: Card
    port: Port

    def report(self) -> dict[str, object]:
        """What happened so far."""

    def drop(self) -> None:
        """Send the client away."""

    def stop(self) -> None:
        """End soon."""


def package_version() -> str:
    """The version that is installed, or "checkout"."""
    try:
        return importlib.metadata.version("ixlab")
    except importlib.metadata.PackageNotFoundError:
        return "checkout"


def methods_of(served: Served) -> dict[str, Method]:
    """Everything that ``served`` can be asked for, by name."""
    every = _Methods(served).table()
    return {method.name: method for method in every}


def _at_once(do: Action) -> Callable[[object, Before], Action]:
    return lambda _value, _before: do


class _Methods:
    def __init__(self, served: Served) -> None:
        self._served = served
        self._card = served.card

    def table(self) -> list[Method]:
        """Every method, in the order in which they are listed."""
        served = self._served
        return [
            Method("sfp", "Put this module into the cage, or pull it.", self._sfp, (SFP,)),
            Method(
                *("carrier", "Plug or pull the cable; says what the link does then.", self._carrier),
                (Param("on", "boolean", "true: plugged"),),
                extra=_older_carrier,
            ),
            Method("report", "What the NIC is, and what happened to it so far.", _at_once(served.report)),
            Method(
                *("generate", "Let the null wire bring so many frames.", self._generate),
                (Param("frames", "integer", "how many, 0 to stop"),),
            ),
            Method(
                *("fault", "Break something on purpose, mend it, or list what can break.", self._fault),
                (
                    Param("inject", "string", "NAME or NAME=ARG", needed=False),
                    Param("end", "string", "the same, or all", needed=False),
                ),
                value=_fault_value,
            ),
            Method(
                *("slow", "The fault slow=REGISTER:SECONDS by an older name.", self._slow),
                (Param("register", "string", "its name"), Param("s", "number", "seconds, 0 to end it")),
                value=lambda params: params,
            ),
            Method("drop", "Send the vfio-user client away.", _at_once(served.drop)),
            Method("stop", "End the device.", _at_once(served.stop)),
            Method("version", "Which program and which protocol this is.", _at_once(_version)),
        ]

    def _sfp(self, kind: object, _before: Before) -> Action:
        if not isinstance(kind, str):
            raise TypeError(f"wanted {', '.join(sfp_kinds.KINDS)} or a file's path, not {kind!r}")
        made = sfp_kinds.make(kind)

        def do() -> str:
            if made is None:
                self._card.remove_sfp()
            else:
                self._card.insert_sfp(made)
            return kind

        return do

    def _carrier(self, on: object, _before: Before) -> Action:
        if not isinstance(on, bool):
            raise TypeError(f"wanted true or false, not {on!r}")

        def do() -> dict[str, object]:
            card, port = self._card, self._served.port
            if card.port is not (port if on else None):
                card.set_port(port if on else None)
            port.poll()
            card.link.evaluate()
            why = card.link.why_down(port.why_dark() if on else "")
            return {"on": on, "link": "up" if card.link.up else "down", "why": why}

        return do

    def _fault(self, wanted: object, before: Before) -> Action:
        faults = self._card.faults
        match wanted:
            case None | "list":
                return self._faults
            case str(asked):
                if len(asked) > FAULT_MAX:
                    raise ValueError(f"a fault is written in {FAULT_MAX} characters, not {len(asked)}")
                faults.check(asked, self._after(before))
                return lambda: self._injected(asked)
            case {"end": "all", **more} if not more:
                return lambda: self._active(faults.end())
            case {"end": str(asked), **more} if asked and not more:
                if not faults.meant(asked) and "slow" not in before:
                    raise ValueError(f"{asked!r} is not active; active: {', '.join(faults.active) or 'none'}")
                return lambda: self._active(faults.end(asked))
            case _:
                raise TypeError(f'wanted "NAME=ARG", {{"end": "NAME=ARG"}}, {{"end": "all"}} or "list", not {wanted!r}')

    def _after(self, before: Before) -> CardTarget | None:
        """The card as it will be when the same request has changed the module; None: as it is."""
        if "sfp" not in before:
            return None
        cage = SimpleNamespace(module=sfp_kinds.make(str(before["sfp"])))
        card = self._card
        pretended = SimpleNamespace(
            pf=card.pf,
            regs=card.regs,
            image=card.image,
            nvm=card.nvm,
            core=card.core,
            link=card.link,
            chores=card.chores,
            register_names=card.register_names,
            wire_faults=card.wire_faults,
            sfp=cage,
        )
        return cast("CardTarget", pretended)

    def _faults(self) -> object:
        faults = self._card.faults
        names = ("fault", "door", "does", "reaches")
        kinds = [dict(zip(names, row, strict=True)) for row in table(faults.kinds.values())]
        return {"kinds": kinds, "active": faults.active}

    def _injected(self, asked: str) -> object:
        self._card.faults.inject(asked)
        return {"active": self._card.faults.active}

    def _active(self, _ended: int) -> object:
        return {"active": self._card.faults.active}

    def _slow(self, wanted: object, _before: Before) -> Action:
        """``{"register": NAME, "s": SECONDS}``: the fault ``slow=NAME:SECONDS`` by an older name; 0 s ends it."""
        match wanted:
            case {"register": str(name), "s": int() | float() as delay_s} if not isinstance(delay_s, bool):
                asked = f"slow={name}:{delay_s}"
                if delay_s:
                    self._fault(asked, {})
            case _:
                raise TypeError(f'wanted {{"register": "EERD", "s": 8}}, not {wanted!r}')

        def do() -> object:
            self._card.faults.end(f"slow={name}")
            if delay_s:
                self._card.faults.inject(asked)
            return wanted

        return do

    def _generate(self, frames: object, _before: Before) -> Action:
        if not isinstance(frames, int) or isinstance(frames, bool) or not 0 <= frames <= INT_MAX:
            raise TypeError(f"wanted a number of frames, not {frames!r}")
        port = self._served.port
        if not isinstance(port, NullPort):
            raise ConfigError("only the null port generates frames")

        def do() -> int:
            port.generate(frames)
            return frames

        return do


SFP = Param(
    "kind", "string", "what is plugged, or the path of a file where the NIC runs", sfp_kinds.KINDS, others="FILE"
)


def _fault_value(params: dict[str, object]) -> object:
    match params:
        case {"inject": asked, **more} if not more:
            return asked
        case {} if not params:
            return None
        case _:
            return params


def _older_carrier(result: object) -> dict[str, object]:
    happened = cast("dict[str, Any]", result)
    told = {"carrier": happened["on"]}
    return {**told, "link": happened["link"], "why": happened["why"]} if happened["on"] else told


def _version() -> object:
    return {"program": "ixlab-device", "version": package_version(), "jsonrpc": RPC_VERSION, "protocol": PROTOCOL}
