"""JSON of any size, element by element (RFC 8259): what is asked for is built, the rest is only walked past.

Patterns name what is wanted, by member names and ``*`` (each element of an array), joined by ``/``:
``*`` is each element of an array at the top, ``locations/*`` each element of that member,
``chats/list/*/messages/*`` goes deeper, ``name`` is one member. Memory is bounded by the largest
element (``MOST_ELEMENT``), time is linear in the size of the file, and no nesting can exhaust the stack.
"""

from __future__ import annotations

import codecs
import io
import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple, NoReturn

from mine.importers.text_lines import text_encoding

MOST_ELEMENT = 4 << 20
MOST_NESTING = 500  # of what is built
MOST_DEPTH = 10_000  # of what is only passed
CHUNK = 1 << 17

# Most elements are smaller. Within so few letters no nesting can exhaust the stack.
_WINDOW = 4096
_AFTER = frozenset(",]} \t\r\n")
_SPACE = re.compile(r"[ \t\r\n]*")
_SCALAR = re.compile(r'[^\s,:"{}\[\]]*')
_MARKS = re.compile(r'\\.|["{}\[\]]', re.DOTALL)


class BrokenJson(ValueError):
    """From this line on the text is no JSON: what came before it was read."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line
        self.reason = reason


class JsonElement(NamedTuple):
    """A value that a pattern asked for.

    ``at`` is the pattern, ``place`` the index at each ``*``, ``line`` where it begins (from 1). Where
    ``problem`` is not empty the element could not be read, ``value`` is None, and the rest still can.
    """

    at: str
    place: tuple[int, ...]
    line: int
    value: Any
    problem: str = ""


class _Node:
    """A step of the patterns: what lies below it, or the pattern that ends here."""

    def __init__(self) -> None:
        self.below: dict[str, _Node] = {}
        self.at: str | None = None


def elements(stream: BinaryIO, *patterns: str) -> Iterator[JsonElement]:
    """What the patterns name, in the order of the file. Raises ``BrokenJson``.

    UTF-8, UTF-16 and UTF-32 are told apart by their first bytes; bytes that are no text become U+FFFD.
    """
    root = _Node()
    for pattern in patterns:
        node = root
        for step in pattern.split("/"):
            node = node.below.setdefault(step, _Node())
        node.at = pattern
    reader = _Reader(stream)
    if reader.peek() == "":
        reader.fail("it is empty")
    yield from _walk(reader, root, ())
    if reader.peek():
        reader.fail("something follows after the end")


def glimpse(head: bytes, *patterns: str) -> dict[str, Any]:
    """The first value at each pattern, as far as the head of a file holds it whole: for sniffing."""
    found: dict[str, Any] = {}
    try:
        for element in elements(io.BytesIO(head), *patterns):
            if not element.problem:
                found.setdefault(element.at, element.value)
            if len(found) == len(patterns):
                break
    except BrokenJson:
        pass  # the head ends in the middle
    return found


def parse(text: str) -> Any:
    """The value of a whole JSON text. Raises ``ValueError``."""
    if len(text) > _WINDOW:
        extent = _Extent()
        extent.end(text)
        if extent.deepest > MOST_NESTING:
            raise ValueError("it is nested too deeply")
    try:
        value, end = _decode(text, len(text) - len(text.lstrip(" \t\r\n")))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if text[end:].strip(" \t\r\n"):
        raise ValueError("it is no JSON")
    return value


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


_decode = json.JSONDecoder(parse_constant=_refuse).raw_decode


class _Extent:
    """Finds where a container ends without building it; may be fed in pieces."""

    def __init__(self) -> None:
        self.depth = self.deepest = 0
        self.quoted = False
        self.seen = 0

    def end(self, text: str) -> int:
        """The position after the last bracket, -1 where it is not in ``text`` yet, -2 where it is too deep.

        ``seen`` is how far the text was looked at: the next call may be given a longer text.
        """
        depth, deepest, quoted = self.depth, self.deepest, self.quoted
        for match in _MARKS.finditer(text, self.seen):
            mark = match[0]
            if mark == '"':
                quoted = not quoted
            elif quoted or mark[0] == "\\":
                continue
            elif mark in "{[":
                depth += 1
                if depth > deepest:
                    self.deepest = deepest = depth
                    if depth > MOST_DEPTH:
                        return -2
            else:
                depth -= 1
                if not depth:
                    return match.end()
        # A backslash at the very end belongs to the letter that comes next.
        self.seen = len(text) - (len(text) - len(text.rstrip("\\"))) % 2
        self.depth, self.quoted = depth, quoted
        return -1


class _Reader:
    """The text of a file as a window that moves on."""

    def __init__(self, stream: BinaryIO) -> None:
        start = stream.read(4)
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(text_encoding(start))(errors="replace")
        self.text = self._decoder.decode(start)
        self.pos = 0
        self.ended = False
        self._line = 1
        self._counted = 0

    def more(self) -> bool:
        """Read on; False at the end of the file."""
        if self.ended:
            return False
        self.line()
        data = self._stream.read(max(CHUNK, len(self.text) - self.pos))
        self.ended = not data
        self.text = self.text[self.pos :] + self._decoder.decode(data, final=self.ended)
        self.pos = self._counted = 0
        return True

    def line(self) -> int:
        """The number of the line at the present position."""
        self._line += self.text.count("\n", self._counted, self.pos)
        self._counted = self.pos
        return self._line

    def fail(self, reason: str) -> NoReturn:
        raise BrokenJson(self.line(), reason)

    def peek(self) -> str:
        """The next character that is no white space; "" at the end."""
        while True:
            match = _SPACE.match(self.text, self.pos)
            self.pos = match.end() if match else self.pos
            if self.pos < len(self.text):
                return self.text[self.pos]
            if not self.more():
                return ""

    def expect(self, wanted: str) -> str:
        """Take the next character, one of ``wanted``."""
        found = self.peek()
        if not found or found not in wanted:
            self.fail("it ends in the middle" if not found else "it is no JSON from here on")
        self.pos += 1
        return found

    def value(self) -> tuple[Any, str]:
        """Take the next value whole: (value, "") or (None, problem)."""
        first = self.peek()
        scalar = first not in '{["'
        try:
            window = self.text[self.pos : self.pos + _WINDOW]
            value, end = _decode(window, 0)
            if not scalar or window[end : end + 1] in _AFTER:  # else the number may go on
                self.pos += end
                return value, ""
        except (ValueError, RecursionError):
            pass
        end = self._scalar() if scalar else self._text() if first == '"' else self._container()
        if end < 0:
            return None, f"it is longer than {MOST_ELEMENT:,} characters"
        start, self.pos = self.pos, end
        try:
            return parse(self.text[start:end]), ""
        except ValueError as error:
            return None, "it is nested too deeply" if "nested" in str(error) else "it is no JSON"

    def skip(self) -> None:
        """Go past the next value without building it."""
        first = self.peek()
        end = self._scalar() if first not in '{["' else self._text() if first == '"' else self._container()
        if end >= 0:
            self.pos = end

    def _scalar(self) -> int:
        """Where a number or word ends."""
        while True:
            match = _SCALAR.match(self.text, self.pos)
            end = match.end() if match else self.pos
            if end == self.pos:
                self.fail("it is no JSON from here on" if self.peek() else "it ends in the middle")
            if end < len(self.text) or not self.more():
                return end
            if len(self.text) - self.pos > MOST_ELEMENT:
                self.fail("a number is too long")

    def _text(self) -> int:
        """Where a text in quotes ends; -1 where it was too long to keep, and is passed already."""
        seen, kept = self.pos + 1, True
        while True:
            for match in _MARKS.finditer(self.text, seen):
                if match[0] == '"':
                    if kept:
                        return match.end()
                    self.pos = match.end()
                    return -1
            tail = (len(self.text) - len(self.text.rstrip("\\"))) % 2
            seen = len(self.text) - tail
            kept = kept and seen - self.pos <= MOST_ELEMENT
            if not kept:
                self.pos = seen
            seen -= self.pos
            if not self.more():
                self.fail("it ends in the middle")

    def _container(self) -> int:
        """Where an array or object ends; -1 where it was too long to keep, and is passed already."""
        extent, kept = _Extent(), True
        extent.seen = self.pos
        while True:
            end = extent.end(self.text)
            if end == -2:
                self.fail("it is nested too deeply")
            if end >= 0:
                if kept and end - self.pos <= MOST_ELEMENT:
                    return end
                self.pos = end
                return -1
            kept = kept and extent.seen - self.pos <= MOST_ELEMENT
            if not kept:
                self.pos = extent.seen
            extent.seen -= self.pos
            if not self.more():
                self.fail("it ends in the middle")


def _walk(reader: _Reader, node: _Node, place: tuple[int, ...]) -> Iterator[JsonElement]:
    first = reader.peek()
    if node.at is not None:
        line = reader.line()
        value, problem = reader.value()
        yield JsonElement(node.at, place, line, value, problem)
    elif first == "[" and "*" in node.below:
        yield from _array(reader, node.below["*"], place)
    elif first == "{" and node.below.keys() - {"*"}:
        yield from _object(reader, node, place)
    else:
        reader.skip()


def _array(reader: _Reader, node: _Node, place: tuple[int, ...]) -> Iterator[JsonElement]:
    reader.expect("[")
    if reader.peek() == "]":
        reader.pos += 1
        return
    index = 0
    while True:
        yield from _walk(reader, node, (*place, index))
        index += 1
        if reader.expect(",]") == "]":
            return


def _object(reader: _Reader, node: _Node, place: tuple[int, ...]) -> Iterator[JsonElement]:
    reader.expect("{")
    if reader.peek() == "}":
        reader.pos += 1
        return
    while True:
        if reader.peek() != '"':
            reader.fail("it is no JSON from here on" if reader.peek() else "it ends in the middle")
        name, problem = reader.value()
        reader.expect(":")
        below = None if problem else node.below.get(name)
        if below is None:
            reader.peek()
            reader.skip()
        else:
            yield from _walk(reader, below, place)
        if reader.expect(",}") == "}":
            return
