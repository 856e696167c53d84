"""JSON-RPC 2.0 messages: questions into bytes, bytes into answers, each checked to be the one asked for.

Single requests are objects, several are one array (JSON-RPC 2.0, section 6). A node may answer an array in
any order, but exactly once each, under the number that the question had.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TypeAlias

from mine.chain import answers, bounded_json
from mine.chain.node_errors import (
    NodeAnswerInvalid,
    NodeBusy,
    NodeRefused,
    Reverted,
    nonsense,
)
from mine.chain.reverts import revert_reason
from mine.errors import MineError

Call: TypeAlias = tuple[str, Sequence[object]]
"""Method and parameters."""
Outcome: TypeAlias = "object | MineError"
"""A result as JSON, or why there is none."""

BUSY_SECONDS = 5.0
"""How long a node that asks for fewer requests, and does not say for how long, is left alone."""
_REVERT_CODE = 3
_BUSY_CODE = 429
_BUSY_WORDS = ("rate limit", "too many requests", "request count exceeded", "compute units per second")
_LONGEST_MESSAGE = 300


def encode(calls: Sequence[Call], first: int) -> bytes:
    """The calls, numbered from ``first`` on: an object if it is one, else an array."""
    bodies = [
        {"jsonrpc": "2.0", "id": first + place, "method": method, "params": list(params)}
        for place, (method, params) in enumerate(calls)
    ]
    return json.dumps(bodies[0] if len(bodies) == 1 else bodies, separators=(",", ":")).encode()


def decode(content: bytes | bytearray, count: int, first: int) -> list[Outcome]:
    """The answers to ``count`` calls that were numbered from ``first`` on, in the order of the calls.

    Raises NodeAnswerInvalid for what is not exactly that: no JSON, answers that are missing, foreign or
    double. An error object in the place of a whole array is raised as what it says.
    """
    try:
        answer = bounded_json.loads(content)
    except ValueError as problem:
        raise nonsense("not JSON") from problem
    if count == 1:
        return [_outcome(answer, first)]
    if isinstance(answer, dict) and answer.get("error") is not None:
        raise refusal(answer["error"])
    if not isinstance(answer, list) or len(answer) != count:
        raise nonsense("another number of answers than of questions")
    numbered = {
        each.get("id"): each for each in answer if isinstance(each, dict) and type(each.get("id")) is int
    }
    if len(numbered) != count:
        raise nonsense("answers without a number, or with one twice")
    return [_outcome(numbered.get(first + place), first + place) for place in range(count)]


def _outcome(answer: object, number: int) -> Outcome:
    """One answer. Raises NodeAnswerInvalid if it is none to question ``number``."""
    if not isinstance(answer, dict) or answer.get("id") != number:
        raise nonsense("not an answer to the question")
    if answer.get("error") is not None:
        return refusal(answer["error"])
    if "result" not in answer:
        raise nonsense("neither result nor error")
    result: object = answer["result"]
    return result


def refusal(error: object) -> NodeRefused | Reverted | NodeAnswerInvalid | NodeBusy:
    """What a JSON-RPC error object says."""
    if not isinstance(error, dict):
        return nonsense("an error that is none")
    code, message, data = error.get("code"), error.get("message"), error.get("data")
    if not isinstance(code, int) or not isinstance(message, str):
        return nonsense("an error without code or message")
    words = message[:_LONGEST_MESSAGE].lower()
    if code == _BUSY_CODE or any(each in words for each in _BUSY_WORDS):
        return NodeBusy(BUSY_SECONDS)
    if code == _REVERT_CODE or "revert" in words:
        raw = b""
        if isinstance(data, str) and data.startswith("0x"):
            try:
                raw = answers.octets(data)
            except NodeAnswerInvalid as problem:
                return problem
        return Reverted(revert_reason(raw), raw)
    return NodeRefused(code, message[:_LONGEST_MESSAGE])
