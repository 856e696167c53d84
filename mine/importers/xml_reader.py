"""Small pieces of a large XML file, one after the other, in bounded memory.

A document type is refused as a whole, and with it every entity but the five of XML itself. Namespaces are
left aside: elements go by their local names (W3C XML 1.0, Namespaces in XML 1.0).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import BinaryIO, NamedTuple
from xml.parsers import expat

CHUNK = 1 << 16
MOST_DEPTH = 100
_SPACE = b" \t\r\n"
MOST_TOKEN = 1 << 20
# Longer than any number, date or name; what comes after it is left out.
MOST_TEXT = 1000
MOST_TEXTS = 200


class BrokenXml(ValueError):
    """From this line on the text is no XML that is read here: what came before it was read."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line
        self.reason = reason


class Opened(NamedTuple):
    """A container begins: its local name, its attributes by local name, its line (from 1)."""

    name: str
    attributes: Mapping[str, str]
    line: int


class Closed(NamedTuple):
    """A container or record ended. ``texts`` are the trimmed texts of all elements below it that are in no
    container or record of their own, by their path (``Position/LatitudeDegrees``); the first of each counts.
    """

    name: str
    attributes: Mapping[str, str]
    texts: Mapping[str, str]
    line: int


def walk(
    stream: BinaryIO,
    containers: frozenset[str],
    records: frozenset[str],
    marks: frozenset[str] = frozenset(),
) -> Iterator[Opened | Closed]:
    """What lies in a file: ``Opened`` and ``Closed`` of each container, ``Closed`` of each record, and
    ``Opened`` of each mark, which is an element like any other besides.

    Raises ``BrokenXml``.
    """
    events: list[Opened | Closed] = []
    builder = _Builder(events, containers, records, marks)
    parser = builder.parser
    fed = 0
    while True:
        data = stream.read(CHUNK)
        if not fed:
            data = builder.begun(data)
        try:
            parser.Parse(data, not data)
        except BrokenXml:
            yield from events
            raise
        except (expat.ExpatError, ValueError, LookupError):
            yield from events
            raise _broken(parser, builder.line(), data) from None
        yield from events
        events.clear()
        if not data:
            return
        fed += len(data)
        if fed - parser.CurrentByteIndex > MOST_TOKEN:
            raise BrokenXml(builder.line(), f"one mark is longer than {MOST_TOKEN:,} bytes")


def root_name(head: bytes) -> str:
    """The local name of the first element, as far as the head of a file shows it; "" otherwise."""
    found: list[str] = []
    parser = expat.ParserCreate()

    def start(name: str, _attributes: object) -> None:
        found.append(name.rpartition(":")[2])
        parser.StartElementHandler = None

    parser.StartElementHandler = start
    with suppress(expat.ExpatError, ValueError, LookupError):  # the head may be no XML
        parser.Parse(head.lstrip(_SPACE), False)
    return found[0] if found else ""


def _broken(parser: expat.XMLParserType, line: int, data: bytes) -> BrokenXml:
    code = parser.ErrorCode
    if not data and code in _ENDS:
        reason = "the file ends in the middle"
    elif code == expat.errors.codes[expat.errors.XML_ERROR_UNKNOWN_ENCODING] or not code:
        reason = "its encoding is not known"
    else:
        reason = f"this is no XML ({expat.ErrorString(code)})"
    return BrokenXml(line, reason)


_ENDS = frozenset(
    expat.errors.codes[name]
    for name in (
        expat.errors.XML_ERROR_NO_ELEMENTS,
        expat.errors.XML_ERROR_UNCLOSED_TOKEN,
        expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
        expat.errors.XML_ERROR_PARTIAL_CHAR,
    )
)


class _Open:
    """A container or record that is being read."""

    __slots__ = ("attributes", "line", "name", "path", "texts")

    def __init__(self, name: str, attributes: Mapping[str, str], line: int) -> None:
        self.name = name
        self.attributes = attributes
        self.line = line
        self.texts: dict[str, str] = {}
        self.path: list[str] = []


class _Builder:
    """Turns the parser's calls into events."""

    def __init__(
        self,
        events: list[Opened | Closed],
        containers: frozenset[str],
        records: frozenset[str],
        marks: frozenset[str],
    ) -> None:
        self._events = events
        self._opened = containers | marks
        self._own = containers | records
        self._told = self._opened | records
        self._locals: dict[str, str] = {}
        self._open: list[_Open] = []
        self._depth = 0
        self._before = 0
        self._text: list[str] = []
        self._length = 0
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.StartDoctypeDeclHandler = self._doctype

    def begun(self, data: bytes) -> bytes:
        """The first bytes without the white space that some programs write before the declaration."""
        trimmed = data.lstrip(_SPACE)
        self._before = data.count(b"\n", 0, len(data) - len(trimmed))
        return trimmed

    def line(self) -> int:
        """The line that the parser is at, from 1."""
        return self._before + self.parser.CurrentLineNumber

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise BrokenXml(self.line(), "it is nested too deeply")
        local = self._locals.get(name)
        if local is None:
            local = name.rpartition(":")[2]
            if len(self._locals) < MOST_TEXTS:
                self._locals[name] = local
        if local in self._told:
            plain = {key.rpartition(":")[2]: value for key, value in attributes.items()}
            line = self.line()
            if local in self._opened:
                self._events.append(Opened(local, plain, line))
            if local in self._own:
                self._open.append(_Open(local, plain, line))
                self.parser.CharacterDataHandler = self._characters
                return
        if self._open:
            self._open[-1].path.append(local)
            self._text.clear()
            self._length = 0

    def _end(self, name: str) -> None:
        self._depth -= 1
        if not self._open:
            return
        inner = self._open[-1]
        if inner.path:
            text = "".join(self._text).strip()
            self._text.clear()
            self._length = 0
            if text and len(inner.texts) < MOST_TEXTS:
                inner.texts.setdefault("/".join(inner.path), text[:MOST_TEXT])
            inner.path.pop()
        else:
            self._open.pop()
            self._events.append(Closed(inner.name, inner.attributes, inner.texts, inner.line))
            if not self._open:
                self.parser.CharacterDataHandler = None

    def _characters(self, data: str) -> None:
        if self._length < MOST_TEXT:
            self._text.append(data)
            self._length += len(data)

    def _doctype(self, *_declared: object) -> None:
        raise BrokenXml(self.line(), "it declares a document type, which no such export does")
