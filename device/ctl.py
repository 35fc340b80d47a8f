# SPDX-License-Identifier: BSD-3-Clause
"""``python -m device ctl``: asks a running device by its control socket, or watches what happens to it."""

import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from device.errors import DeviceError, MissingError

TIMEOUT_S = 5.0
COMPLETION_TIMEOUT_S = 0.3
CHUNK_BYTES = 65536
USAGE_CODES = {-32601, -32602}  # no such method, wrong parameters
FIELD_BYTES = 8


class Connection:
    """A connection to a device's control socket.

    Args:
        path: The socket.
        timeout_s: How long one answer may take.

    Raises:
        MissingError: We have no right to connect.
        DeviceError: There is no such socket, or nobody answers there.
    """

    def __init__(self, path: Path, timeout_s: float = TIMEOUT_S) -> None:
        self.path = path
        self._timeout_s = timeout_s
        self._rest = b""
        self._number = 0
        self._events: list[dict[str, Any]] = []
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            self._sock.settimeout(timeout_s)
            self._sock.connect(os.fspath(path))
        except OSError as exc:
            self._sock.close()
            kind = MissingError if isinstance(exc, PermissionError) else DeviceError
            raise kind(_why(path, exc)) from exc

    def close(self) -> None:
        """Hang up."""
        self._sock.close()

    def call(self, method: str, params: object) -> Any:
        """Ask for ``method``; returns its result.

        Raises:
            DeviceError: There was no answer in time, or the device refused.
            click.UsageError: There is no such method, or its parameters are wrong.
        """
        self._number += 1
        request = {"jsonrpc": "2.0", "id": self._number, "method": method, "params": params}
        try:
            self._sock.sendall(json.dumps(request).encode() + b"\n")
        except OSError as exc:
            raise DeviceError(f"{self.path}: the device takes no request ({exc.strerror or exc})") from exc
        deadline = time.monotonic() + self._timeout_s
        while True:
            message = self._message(deadline)
            if message.get("method") == "event":
                self._events.append(message["params"])
            elif "jsonrpc" not in message:
                raise DeviceError(f"{self.path}: {message.get('error', message)}")
            elif message.get("id") in {self._number, None}:
                break
        if "error" not in message:
            return message["result"]
        error = message["error"]
        text = f"{method}: {error['message']}"
        raise click.UsageError(text) if error["code"] in USAGE_CODES else DeviceError(text)

    def events(self) -> Iterator[dict[str, Any]]:
        """What happens from now on, until the device ends."""
        while True:
            while self._events:
                yield self._events.pop(0)
            message = self._message(None)
            if message.get("method") == "event":
                yield message["params"]

    def _message(self, deadline: float | None) -> dict[str, Any]:
        while b"\n" not in self._rest:
            try:
                self._sock.settimeout(None if deadline is None else max(0.001, deadline - time.monotonic()))
                more = self._sock.recv(CHUNK_BYTES)
            except TimeoutError:
                what = f"{self.path}: no answer within {self._timeout_s:g} s; is it a device's control socket"
                raise DeviceError(f"{what} (--control), and is the device running?") from None
            except OSError as exc:
                raise DeviceError(f"{self.path}: {exc.strerror}") from exc
            if not more:
                raise DeviceError(f"{self.path}: the device has ended, or hung up")
            self._rest += more
        line, _, self._rest = self._rest.partition(b"\n")
        try:
            message = json.loads(line)
        except ValueError:
            message = None
        if not isinstance(message, dict):
            raise DeviceError(f"{self.path}: that is no answer of a device: {line[:80]!r}")
        return message


def _why(path: Path, exc: OSError) -> str:
    start = "start the device with --control PATH"
    match exc:
        case FileNotFoundError():
            return f"{path}: no such socket; {start}"
        case ConnectionRefusedError():
            return f"{path}: nobody listens on this socket; its device has ended, start it again"
        case PermissionError():
            return (
                f"{path}: no right to connect; run as the user who started the device, or start it with --socket-mode"
            )
        case TimeoutError():
            return f"{path}: nobody takes the connection; is the device stopped?"
        case _:
            return f"{path}: cannot connect ({exc.strerror or exc}); {start}"


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def parameters(words: tuple[str, ...]) -> object:
    """``k=v …`` as an object, or plain words as an array; a value is JSON, or else text.

    Raises:
        click.UsageError: They are mixed.
    """
    named = [word.partition("=") for word in words]
    if all(equals and key.isidentifier() for key, equals, _ in named):
        return {key: _value(value) for key, _, value in named}
    if any(equals and key.isidentifier() for key, equals, _ in named) and len(words) > 1:
        raise click.UsageError(f"wanted k=v … or values alone, not both: {' '.join(words)}")
    return [_value(word) for word in words]


# -- what people see -------------------------------------------------------------------------------------------------


def _show(result: object, *, as_json: bool) -> str:
    if as_json:
        return json.dumps(result)
    return result if isinstance(result, str) else json.dumps(result, indent=2)


def _show_methods(methods: list[dict[str, Any]]) -> str:
    wide = max(len(method["usage"]) for method in methods)
    return "\n".join(f"{method['usage']:{wide}}  {method['doc']}" for method in methods)


def _show_event(event: dict[str, Any], *, as_json: bool) -> str:
    if as_json:
        return json.dumps(event)
    rest = [f"{key}={_show(value, as_json=True)}" for key, value in event.items() if key not in {"event", "uptime_s"}]
    return " ".join((f"{event.get('uptime_s', ''):>10}", f"{event['event']:{FIELD_BYTES}}", *rest))


# -- completion ------------------------------------------------------------------------------------------------------


def _known(context: click.Context) -> list[dict[str, Any]]:
    path = context.params.get("path")
    if path is None:
        return []
    try:
        connection = Connection(path, COMPLETION_TIMEOUT_S)
        try:
            found: list[dict[str, Any]] = connection.call("methods", {})
        finally:
            connection.close()
    except (DeviceError, click.ClickException):
        return []
    return found


def _complete_method(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    found = [(str(method["name"]), str(method["doc"])) for method in _known(context)]
    return [CompletionItem(name, help=doc) for name, doc in found if name.startswith(incomplete)]


def _complete_word(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    wanted = context.params.get("method")
    params: list[dict[str, Any]] = next(
        (method["params"] for method in _known(context) if method["name"] == wanted), []
    )
    choices = {"boolean": ["true", "false"]}
    words = [
        CompletionItem(f"{param['name']}={choice}", help=param["doc"])
        for param in params
        for choice in param["choices"] or choices.get(param["type"], [""])
    ]
    return [word for word in words if word.value.startswith(incomplete)]


# -- the command -----------------------------------------------------------------------------------------------------


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("path", metavar="SOCKET", type=click.Path(path_type=Path))
@click.argument("method", metavar="[METHOD]", required=False, shell_complete=_complete_method)
@click.argument("words", metavar="[K=V …]", nargs=-1, shell_complete=_complete_word)
@click.option("--watch", is_flag=True, help="Then print events, one a line, until the device ends.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one value a line.")
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(0, 3600, min_open=True),
    default=TIMEOUT_S,
    show_default=True,
    help="Seconds that an answer may take.",
)
def ctl(
    *, path: Path, method: str | None, words: tuple[str, ...], watch: bool, as_json: bool, timeout_s: float
) -> None:
    """Ask a running device, by the socket it was given with --control.

    Without METHOD it lists the methods and their parameters.  Examples: `ctl nic.control sfp kind=lr`,
    `ctl nic.control carrier on=false`, `ctl nic.control fault inject=slow=EERD:8`, `ctl nic.control --watch`.
    """
    connection = Connection(path, timeout_s)
    try:
        if watch:
            connection.call("subscribe", {})
        if method is not None:
            click.echo(_show(connection.call(method, parameters(words)), as_json=as_json))
        elif not watch:
            methods = connection.call("methods", {})
            click.echo(_show(methods, as_json=True) if as_json else _show_methods(methods))
        if watch:
            for event in connection.events():
                click.echo(_show_event(event, as_json=as_json))
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    finally:
        connection.close()
