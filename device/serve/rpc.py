# SPDX-License-Identifier: BSD-3-Clause
"""What a line on the control socket means: JSON-RPC 2.0, or the older form, an object with a member for each command.

Nothing here knows sockets or NICs.  A request is looked at as a whole before any of it is done, so one with a mistake
changes nothing.  Work comes in steps, so that whoever serves several clients can stop between two of them.

A line is JSON-RPC if it has ``"jsonrpc"`` in it, or if its connection has spoken so before.
Ref: JSON-RPC 2.0 Specification; each line is one message.
"""

import logging
from collections.abc import Iterator, Mapping

from device.errors import DeviceError
from device.machine.limit import LimitedLog
from device.serve.rpc_json import decode, shown
from device.serve.rpc_method import (
    BAD_PARAMS,
    INTERNAL,
    INVALID,
    NO_METHOD,
    PARSE,
    REFUSED,
    SYSTEM,
    Action,
    Method,
    Note,
    RpcError,
)

log_bugs = LimitedLog(logging.getLogger(__name__), 1)  # mistakes of ours, which a client can repeat as it likes

BATCH_MAX = 64


# -- the older form --------------------------------------------------------------------------------------------------


def obey_line(methods: Mapping[str, Method], line: bytes, note: Note) -> dict[str, object]:
    """Obey ``{"NAME": VALUE, …}``, all of it or nothing.  The answer has ``ok``, and ``error`` if it is false."""
    try:
        command = decode(line)
    except ValueError as exc:
        return {"ok": False, "error": f"not JSON: {exc}"}
    if not isinstance(command, dict) or not command:
        return {"ok": False, "error": 'wanted an object such as {"report": true}'}
    unknown = [name for name in command if name not in methods]
    if unknown:
        return {"ok": False, "error": f"no such command: {', '.join(unknown)}; there are {', '.join(methods)}"}
    answer: dict[str, object] = {"ok": True}
    name = next(iter(command))
    try:
        actions: dict[str, Action] = {}
        for name, value in command.items():
            actions[name] = methods[name].prepare(value, {one: command[one] for one in actions})
        for name, action in actions.items():
            result = action()
            extra = methods[name].extra
            answer.update({name: result} if extra is None else extra(result))
            note(name, command[name])
    except (DeviceError, OSError, ValueError, TypeError) as exc:
        return {"ok": False, "error": f"{name}: {exc}"}
    except Exception as exc:
        log_bugs.exception("a command of the control socket failed")
        return {"ok": False, "error": f"{name}: internal error, see the device's log: {exc!r}"}
    return answer


# -- JSON-RPC --------------------------------------------------------------------------------------------------------


def is_rpc(line: bytes) -> bool:
    """Whether a line says that it is JSON-RPC."""
    return b'"jsonrpc"' in line


def obey_rpc(methods: Mapping[str, Method], line: bytes, note: Note) -> Iterator[object]:
    """Obey a request, a notification or a batch; each turn of the iterator is one request.

    Yields:
        None, and at last the response, unless nobody wants one.
    """
    try:
        message = decode(line)
    except ValueError as exc:
        yield RpcError(PARSE, str(exc), do="send one JSON text a line, in UTF-8").answer(None)
        return
    if not isinstance(message, list):
        yield _respond(methods, message, note)
        return
    if not 1 <= len(message) <= BATCH_MAX:
        error = RpcError(
            INVALID, f"a batch has 1 to {BATCH_MAX} requests, not {len(message)}", value=len(message), do="send several"
        )
        yield error.answer(None)
        return
    answers = []
    for request in message:
        answer = _respond(methods, request, note)
        if answer is not None:
            answers.append(answer)
        yield None
    yield answers or None


def _respond(methods: Mapping[str, Method], request: object, note: Note) -> dict[str, object] | None:
    number = request.get("id") if isinstance(request, dict) else None
    try:
        name, params, silent = _request(request)
    except RpcError as exc:
        return exc.answer(number if _is_number(number) else None)
    try:
        result = _call(methods, name, params)
    except RpcError as exc:
        return None if silent else exc.answer(number)
    note(name, params)
    return None if silent else {"jsonrpc": "2.0", "id": number, "result": result}


def _request(request: object) -> tuple[str, object, bool]:
    """Method, parameters, and whether nobody wants an answer."""
    if not isinstance(request, dict) or request.get("jsonrpc") != "2.0" or not isinstance(request.get("method"), str):
        do = 'send {"jsonrpc": "2.0", "id": 1, "method": "report"}'
        raise RpcError(INVALID, f"no request: {shown(request)}", value=shown(request), do=do)
    more = [member for member in request if member not in {"jsonrpc", "method", "params", "id"}]
    if more:
        what = f"no request has a member {shown(more[0])}"
        raise RpcError(INVALID, what, value=more[0], do="put it into params")
    if not _is_number(request.get("id")):
        what = f"an id is a string, a number or null, not {shown(request['id'])}"
        raise RpcError(INVALID, what, value=request["id"], do="number your requests")
    return request["method"], request.get("params", {}), "id" not in request


def _is_number(number: object) -> bool:
    return number is None or (isinstance(number, str | int | float) and not isinstance(number, bool))


def _call(methods: Mapping[str, Method], name: str, params: object) -> object:
    method = methods.get(name)
    if method is None:
        there = ", ".join(methods)
        raise RpcError(
            NO_METHOD, f"{shown(name)}; there are {there}", value=name, methods=list(methods), do="ask `methods`"
        )
    value = method.value(_by_name(method, params))
    try:
        return method.prepare(value, {})()
    except TypeError as exc:
        raise RpcError(BAD_PARAMS, str(exc), value=params, do=f"give {method.usage}") from None
    except OSError as exc:
        raise RpcError(SYSTEM, str(exc), value=params, errno=exc.errno, do="mend that, and ask again") from None
    except (DeviceError, ValueError) as exc:
        raise RpcError(REFUSED, str(exc), value=params, do=f"give another value: {method.usage}") from None
    except Exception as exc:
        log_bugs.exception("a command of the control socket failed")
        raise RpcError(INTERNAL, repr(exc), value=params, do="see the device's log, and tell us") from None


def _by_name(method: Method, params: object) -> dict[str, object]:
    names = [param.name for param in method.params]
    do = f"give {method.usage}"
    if isinstance(params, list):
        if len(params) > len(names):
            raise RpcError(
                BAD_PARAMS, f"{method.name} takes {len(names)} parameters, not {len(params)}", value=params, do=do
            )
        params = dict(zip(names, params, strict=False))
    if not isinstance(params, dict):
        raise RpcError(BAD_PARAMS, f"params is an object or an array, not {shown(params)}", value=params, do=do)
    for name in params:
        if name not in names:
            there = f"it has {', '.join(names)}" if names else "it takes none"
            raise RpcError(BAD_PARAMS, f"{method.name} has no parameter {shown(name)}; {there}", value=name, do=do)
    for param in method.params:
        if param.name not in params:
            if param.needed:
                raise RpcError(BAD_PARAMS, f"{method.name} lacks {param.name}: {param.doc}", value=params, do=do)
            continue
        value = params[param.name]
        if not param.takes(value):
            wanted = f"{param.name} is one of {', '.join(param.values)}, not {shown(value)}"
            raise RpcError(BAD_PARAMS, wanted, value=value, do=do)
    return params
