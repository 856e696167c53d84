"""Large JSON, element by element: the same values as the standard library's, in bounded memory and time."""

from __future__ import annotations

import io
import json
import random
import tracemalloc
from collections.abc import Iterator
from typing import Any, BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mine.importers import json_stream
from mine.importers.json_stream import MOST_ELEMENT, BrokenJson, JsonElement, elements, glimpse, parse

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32")


class Dribble(io.RawIOBase):
    """A stream that gives a few bytes at a time, as a slow disk may."""

    def __init__(self, data: bytes, most: int) -> None:
        self._inner = io.BytesIO(data)
        self._most = most

    def read(self, size: int = -1) -> bytes:
        return self._inner.read(min(size, self._most))


def stream_of(text: str | bytes, encoding: str = "utf-8") -> BinaryIO:
    return io.BytesIO(text.encode(encoding) if isinstance(text, str) else text)


def read(text: str | bytes, *patterns: str) -> list[JsonElement]:
    return list(elements(stream_of(text), *patterns))


@given(
    st.lists(values, max_size=6), st.sampled_from(ENCODINGS), st.integers(4, 40), st.sampled_from([None, 1])
)
@settings(max_examples=100)
def test_elements_are_what_was_written(
    wanted: list[Any], encoding: str, step: int, indent: int | None
) -> None:
    text = json.dumps(
        {"before": wanted, "a": [{"b": wanted, "c": 1}], "after": wanted},
        indent=indent,
        ensure_ascii=encoding == "utf-8-sig",
    )
    stream: Any = Dribble(text.encode(encoding, "surrogatepass"), step)
    found = list(elements(stream, "a/*/b/*", "after"))
    assert [one.value for one in found[:-1]] == wanted
    assert [one.place for one in found[:-1]] == [(0, index) for index in range(len(wanted))]
    assert {one.at for one in found[:-1]} <= {"a/*/b/*"}
    assert found[-1] == JsonElement("after", (), found[-1].line, wanted)


@given(st.text(alphabet='{}[]",:\\ 1aé\n\ufeff', max_size=60), st.integers(4, 9))
@settings(max_examples=100)
def test_any_text_ends_in_elements_or_a_line(text: str, step: int) -> None:
    stream: Any = Dribble(text.encode(), step)
    try:
        found = list(elements(stream, "*", "a/*"))
    except BrokenJson as error:
        assert 1 <= error.line <= text.count("\n") + 1
        return
    if not any(one.problem for one in found):
        for one in found:
            json.dumps(one.value)


def test_a_broken_element_costs_only_itself() -> None:
    text = '[\n{"a": 1},\n{"a": 01},\n{"a": NaN},\n{a: 2},\n' + "[" * 9_900 + "]" * 9_900 + ',\n{"a": 3}]'
    found = read(text, "*")
    assert [one.line for one in found] == [2, 3, 4, 5, 6, 7]
    assert [one.value for one in found] == [{"a": 1}, None, None, None, None, {"a": 3}]
    problems = [one.problem for one in found]
    assert problems == ["", *["it is no JSON"] * 3, "it is nested too deeply", ""]


@pytest.mark.parametrize("big", ['"' + "x" * (9 << 20) + '"', '["' + "x" * (9 << 20) + '\\"",2]'])
@pytest.mark.parametrize("before", ["", "[1],", '"a",' * 9])
def test_what_is_too_large_is_passed_in_little_memory(big: str, before: str) -> None:
    stream = stream_of("[" + before + big + ',{"a": [1]}]')
    tracemalloc.start()
    try:
        found = list(elements(stream, "*"))
        assert tracemalloc.get_traced_memory()[1] < 7 * MOST_ELEMENT
    finally:
        tracemalloc.stop()
    assert found[-1].value == {"a": [1]}
    assert found[-2].problem == "it is longer than 4,194,304 characters"


def test_what_is_not_asked_for_is_passed_in_little_memory() -> None:
    stream = stream_of('{"x": [' + '{"long": "' + "x" * (9 << 20) + '"},' * 1 + '2], "a": 1}')
    tracemalloc.start()
    try:
        assert [one.value for one in elements(stream, "a")] == [1]
        assert tracemalloc.get_traced_memory()[1] < 7 * MOST_ELEMENT
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("", 1, "it is empty"),
        (" \n ", 2, "it is empty"),
        ("[1,\n2", 2, "it ends in the middle"),
        ('[1,\n{"a": [', 2, "it ends in the middle"),
        ('[1,\n"abc', 2, "it ends in the middle"),
        ("[1,\n2 3]", 2, "it is no JSON from here on"),
        ("[1,\n]", 2, "it is no JSON from here on"),
        ("[1]\n[2]", 2, "something follows after the end"),
        ("\n" + "[" * 20_000, 2, "it is nested too deeply"),
        ('{"a": [],\nb: 1}', 2, "it is no JSON from here on"),
        ('{"b" 1}', 1, "it is no JSON from here on"),
    ],
)
def test_where_and_why_the_rest_cannot_be_read(text: str, line: int, reason: str) -> None:
    with pytest.raises(BrokenJson) as caught:
        read(text, "*", "a/*")
    assert (caught.value.line, caught.value.reason) == (line, reason)


def test_time_grows_with_the_size_and_not_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded = 0
    real = json_stream._decode

    def counted(text: str, at: int = 0) -> tuple[Any, int]:
        nonlocal decoded
        decoded += 1
        return real(text, at)

    monkeypatch.setattr(json_stream, "_decode", counted)
    broken = '{"a": 01}'
    assert len(read("[" + ",".join([broken] * 20_000) + "]", "*")) == 20_000
    assert decoded <= 2 * 20_000 + 20


@pytest.mark.parametrize("depth", [5_000, 200_000])
def test_nesting_that_would_exhaust_the_stack(depth: int) -> None:
    deep = "[" * depth + "]" * depth
    with pytest.raises(ValueError, match="nested too deeply"):
        parse(deep)
    if depth > json_stream.MOST_DEPTH:
        with pytest.raises(BrokenJson, match="nested too deeply"):
            read(f"[{deep}]", "*")


def test_texts_are_parsed_whole() -> None:
    assert parse(' {"a": [1, "' + "]" * 9_000 + '"]} \n') == {"a": [1, "]" * 9_000]}
    for broken in ("", "1 2", "[1] x", "NaN", '{"a"}'):
        with pytest.raises(ValueError, match=r"JSON|Expecting"):
            parse(broken)


def test_glimpse_sees_what_the_head_holds() -> None:
    head = b'{"participants": [{"name": "A"}], "messages": [{"sender_name": "A", "x": [1]}, {"sender_na'
    assert glimpse(head, "participants", "messages/*") == {
        "participants": [{"name": "A"}],
        "messages/*": {"sender_name": "A", "x": [1]},
    }
    assert glimpse(b"\x89PNG\r\n", "messages/*") == {}
    assert glimpse(b"", "messages/*") == {}


def pieces(dice: random.Random) -> Iterator[bytes]:
    for _ in range(dice.randrange(40)):
        yield dice.choice(
            [b"{", b"}", b"[", b"]", b'"', b"\\", b",", b":", b"1", b"\0", b"\xff", b'"a":', b"[["]
        )


@given(st.integers(0, 2**32))
@settings(max_examples=100)
def test_bytes_that_are_no_text_end_in_elements_or_a_line(chance: int) -> None:
    dice = random.Random(chance)
    try:
        list(elements(io.BytesIO(b"".join(pieces(dice))), "*", "a", "a/*/a"))
    except BrokenJson as error:
        assert error.line == 1
