# SPDX-License-Identifier: BSD-3-Clause
"""What a line on the control socket means, without a socket."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.errors import ConfigError
from device.serve import rpc_method as rpc
from device.serve.rpc import obey_line, obey_rpc
from device.serve.rpc_json import decode
from device.serve.rpc_method import Action, Before, Method, Param


class Toy:
    """Methods that keep what was asked of them."""

    def __init__(self) -> None:
        self.done: list[object] = []
        self.noted: list[tuple[str, object]] = []
        self.methods = {
            "set": Method("set", "Keep it.", self._set, (Param("to", "integer", "what"),)),
            "pick": Method("pick", "Keep one of two.", self._keep, (Param("one", "string", "which", ("a", "b")),)),
            "cold": Method("cold", "Cannot be.", self._cold),
            "full": Method("full", "The system says no.", lambda *_: self._full),
            "bug": Method("bug", "Ours.", lambda *_: self._bug),
        }

    def _keep(self, value: object, _before: Before) -> Action:
        return lambda: self._did(value, None)

    def _did(self, value: object, result: object) -> object:
        self.done.append(value)
        return result

    def _set(self, value: object, before: Before) -> Action:
        if not isinstance(value, int):
            raise TypeError(f"wanted a number, not {value!r}")
        return lambda: self._did(value, value)

    def _cold(self, _value: object, _before: Before) -> Action:
        raise ConfigError("it is cold")

    def _full(self) -> object:
        raise OSError(28, "no room")

    def _bug(self) -> object:
        return self.methods["nothing"]

    def note(self, name: str, value: object) -> None:
        self.noted.append((name, value))

    def line(self, line: bytes) -> dict[str, Any]:
        return obey_line(self.methods, line, self.note)

    def rpc(self, message: object) -> Any:
        line = message if isinstance(message, bytes) else json.dumps(message).encode()
        answers = [answer for answer in obey_rpc(self.methods, line, self.note) if answer is not None]
        assert len(answers) <= 1
        return answers[0] if answers else None


@pytest.fixture
def toy() -> Toy:
    return Toy()


def call(method: str, params: object = None, number: object = 1) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": number, "method": method, **({} if params is None else {"params": params})}


# -- JSON ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"[" * 60000, "nested deeper than 16"),
        (b'{"a":' * 17 + b"1" + b"}" * 17, "nested deeper than 16"),
        (b'{"set": ' + b"9" * 4000 + b"}", "a number is beyond"),
        (b'{"set": ' + b"9" * 5000 + b"}", "4300"),
        (b'{"set": 1e999}', "a number is beyond"),
        (b'{"set": NaN}', "NaN"),
        (b'{"set": -Infinity}', "Infinity"),
        (rb'{"set": "\ud800"}', r"\ud800"),
        (rb'{"\udfff": 1}', r"\udfff"),
        (b"[" + b"0," * 5000 + b"0]", "more than 4096 values"),
        (b"\xff", "utf-8"),
        (b"", "Expecting value"),
        (b'{"set": 1} more', "Extra data"),
    ],
)
def test_json_that_no_request_needs_is_refused(toy: Toy, line: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=rf".*{words}".replace("\\", "\\\\")):
        decode(line)
    answer = toy.line(line)
    assert answer["ok"] is False
    assert answer["error"].startswith("not JSON: ")
    assert toy.rpc(line)["error"]["code"] == rpc.PARSE
    assert toy.done == []


def test_json_at_the_bounds_is_understood() -> None:
    assert decode(b"[" * 16 + b"1" + b"]" * 16)
    assert decode(str(2**64 - 1).encode()) == 2**64 - 1
    assert decode(rb'"\ud83d\ude00"') == "\U0001f600"
    assert decode(b"\xef\xbb\xbf1") == 1


# -- the older form ------------------------------------------------------------------------------------------------


def test_members_are_done_in_order(toy: Toy) -> None:
    assert toy.line(b'{"set": 1, "pick": "a"}') == {"ok": True, "set": 1, "pick": None}
    assert toy.done == [1, "a"]
    assert toy.noted == [("set", 1), ("pick", "a")]


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b'{"set": 1, "set2": 2}', "no such command: set2; there are set, pick, cold, full, bug"),
        (b'{"set": 1, "cold": 1}', "cold: it is cold"),
        (b'{"pick": "a", "set": "x"}', "set: wanted a number, not 'x'"),
        (b"{}", 'wanted an object such as {"report": true}'),
        (b"[1]", 'wanted an object such as {"report": true}'),
    ],
)
def test_a_request_with_one_mistake_changes_nothing(toy: Toy, line: bytes, error: str) -> None:
    assert toy.line(line) == {"ok": False, "error": error}
    assert toy.done == []


def test_an_action_knows_what_is_done_before_it(toy: Toy) -> None:
    seen = []

    def prepare(_value: object, before: Before) -> Action:
        seen.append(dict(before))
        return lambda: None

    methods = {**toy.methods, "after": Method("after", "", prepare)}
    obey_line(methods, b'{"set": 3, "after": 1, "pick": "a"}', toy.note)
    assert seen == [{"set": 3}]


@pytest.mark.parametrize("name", ["full", "bug"])
def test_what_goes_wrong_while_it_is_done_is_an_answer(toy: Toy, name: str) -> None:
    answer = toy.line(json.dumps({name: True}).encode())
    assert answer["ok"] is False
    assert answer["error"].startswith(f"{name}: ")


# -- JSON-RPC ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [1, "one", None, 2.5])
@pytest.mark.parametrize("params", [[5], {"to": 5}])
def test_a_request_is_answered_with_its_number(toy: Toy, number: object, params: object) -> None:
    assert toy.rpc(call("set", params, number)) == {"jsonrpc": "2.0", "id": number, "result": 5}
    assert toy.done == [5]


def test_a_notification_is_done_and_not_answered(toy: Toy) -> None:
    assert toy.rpc({"jsonrpc": "2.0", "method": "set", "params": [5]}) is None
    assert toy.rpc({"jsonrpc": "2.0", "method": "set", "params": ["no"]}) is None
    assert toy.done == [5]


@pytest.mark.parametrize(
    ("message", "code", "number", "value"),
    [
        ({"jsonrpc": "2.0", "id": 7}, rpc.INVALID, 7, None),
        ({"jsonrpc": "1.0", "id": 7, "method": "set"}, rpc.INVALID, 7, None),
        ({"jsonrpc": "2.0", "id": [1], "method": "set"}, rpc.INVALID, None, [1]),
        ({"jsonrpc": "2.0", "id": True, "method": "set"}, rpc.INVALID, None, True),
        ({"jsonrpc": "2.0", "id": 7, "method": "set", "set": 1}, rpc.INVALID, 7, "set"),
        ({"jsonrpc": "2.0", "id": 7, "method": 3}, rpc.INVALID, 7, None),
        (3, rpc.INVALID, None, "3"),
        ([], rpc.INVALID, None, 0),
        ([call("set", [1])] * 65, rpc.INVALID, None, 65),
        (call("sett"), rpc.NO_METHOD, 1, "sett"),
        (call("set"), rpc.BAD_PARAMS, 1, {}),
        (call("set", [1, 2]), rpc.BAD_PARAMS, 1, [1, 2]),
        (call("set", {"two": 1}), rpc.BAD_PARAMS, 1, "two"),
        (call("set", 3), rpc.BAD_PARAMS, 1, 3),
        (call("set", ["x"]), rpc.BAD_PARAMS, 1, ["x"]),
        (call("pick", ["c"]), rpc.BAD_PARAMS, 1, "c"),
        (call("cold"), rpc.REFUSED, 1, {}),
        (call("full"), rpc.SYSTEM, 1, {}),
        (call("bug"), rpc.INTERNAL, 1, {}),
    ],
)
def test_an_error_has_code_value_and_what_to_do(
    toy: Toy, message: object, code: int, number: object, value: object
) -> None:
    answer = toy.rpc(message)
    error = answer["error"]
    assert (answer["jsonrpc"], answer["id"], error["code"]) == ("2.0", number, code)
    assert error["message"]
    assert error["data"]["do"]
    if value is not None:
        assert error["data"]["value"] == value
    assert toy.done == []


def test_a_batch_is_answered_request_by_request_in_as_many_steps(toy: Toy) -> None:
    batch = [call("set", [1]), {"jsonrpc": "2.0", "method": "set", "params": [2]}, 4, call("set", ["x"], "last")]
    steps = obey_rpc(toy.methods, json.dumps(batch).encode(), toy.note)
    assert next(steps) is None
    assert toy.done == [1], "the others wait for their turn"
    *_, answers = steps
    assert isinstance(answers, list)
    assert [answer["id"] for answer in answers] == [1, None, "last"]
    assert toy.done == [1, 2]


def test_a_batch_of_notifications_is_not_answered(toy: Toy) -> None:
    assert toy.rpc([{"jsonrpc": "2.0", "method": "set", "params": [2]}] * 2) is None
    assert toy.done == [2, 2]


def test_a_method_describes_itself(toy: Toy) -> None:
    assert toy.methods["pick"].describe() == {
        "name": "pick",
        "doc": "Keep one of two.",
        "usage": "pick one=a|b",
        "params": [{"name": "one", "type": "string", "doc": "which", "needed": True, "choices": ["a", "b"]}],
    }


# -- anything ------------------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["2.0", "set", "bug"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["jsonrpc", "id", "set"]), inner),
)
REQUEST = st.fixed_dictionaries({}, optional={"jsonrpc": JSON, "id": JSON, "method": JSON, "params": JSON, "set": JSON})
LINE = st.binary() | (JSON | REQUEST | st.lists(REQUEST)).map(lambda value: json.dumps(value).encode())


@given(LINE)
def test_any_line_is_answered_or_needs_no_answer(line: bytes) -> None:
    toy = Toy()
    answer = toy.line(line)
    assert isinstance(answer["ok"], bool)
    assert answer["ok"] or isinstance(answer["error"], str)
    assert toy.done == [] or answer["ok"]
    json.dumps([answer, toy.rpc(line)], allow_nan=False).encode()
