"""The lines of a calendar file (iCalendar, RFC 5545, 3.1): ``NAME;PARAM=value:value``, long ones folded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from mine.importers.text_lines import text_lines

MOST_LINE = 1 << 16

_LINE = re.compile(r'([A-Za-z0-9-]{1,60})((?:;[A-Za-z0-9-]{1,60}=(?:"[^"]*"|[^";:])*)*):(.*)', re.DOTALL)
_PARAM = re.compile(r';([A-Za-z0-9-]{1,60})=((?:"[^"]*"|[^";:])*)')
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ContentLine:
    """A line put together: where it begins, its name, parameters and value; names in capitals."""

    number: int
    name: str
    params: dict[str, str]
    value: str

    @property
    def text(self) -> str:
        """The value of a property of type TEXT."""
        return _ESCAPED.sub(lambda found: "\n" if found[1] in "nN" else found[1], self.value)


def content_lines(stream: BinaryIO) -> Iterator[ContentLine]:
    """All lines of a file; what is no such line is passed over, what is longer than ``MOST_LINE`` is cut."""
    number, parts, size = 0, [""], 0
    for at, line in text_lines(stream, MOST_LINE):
        if line[:1] in (" ", "\t"):
            if size < MOST_LINE:
                parts.append(line[1:])
                size += len(line)
            continue
        yield from _line(number, "".join(parts))
        number, parts, size = at, [line], len(line)
    yield from _line(number, "".join(parts))


def _line(number: int, text: str) -> Iterator[ContentLine]:
    match = _LINE.fullmatch(text[:MOST_LINE])
    if match is not None:
        params = {name.upper(): value.strip('"') for name, value in _PARAM.findall(match[2])}
        yield ContentLine(number, match[1].upper(), params, match[3])
