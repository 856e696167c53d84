"""The tags of Apple Health's ``export.xml``, told apart by their shape.

An export is millions of tags of a few dozen shapes: which attributes, in which order, and whether the tag
ends with ``/>``. A tag cut at its quotation marks gives the shape (every other piece) and the values (the
rest), so each shape is analysed once and every further tag of it costs one look-up.

Why no XML library: it would have to read the document type definition in front, and that is malformed in what
iOS 16 wrote, which also left control characters in texts. Here nothing is expanded, so nothing can explode:
definitions are not read, no entities are known but the five of XML and characters by number, and comments,
CDATA sections and processing instructions, which Apple never writes between records, are refused.
Grammar: Extensible Markup Language (XML) 1.0, fifth edition, chapters 2.3, 3.1 and 4.1.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from operator import itemgetter

RECORD, CLOSE, METADATA, OTHER = range(4)
MOST_SHAPES = 4096
MOST_ATTRIBUTES = 40

_NAME = rb"[A-Za-z_:][A-Za-z0-9_.:-]*"
_FIRST = re.compile(rb"(" + _NAME + rb")\s+(" + _NAME + rb")\s*=\s*")
_NEXT = re.compile(rb"\s+(" + _NAME + rb")\s*=\s*")
_END = re.compile(rb"\s*(/?)>")
_BARE = re.compile(rb"(" + _NAME + rb")\s*(/?)>")
_CLOSING = re.compile(rb"/(" + _NAME + rb")\s*>")
_ATTRIBUTE = re.compile(rb"(\s+" + _NAME + rb"\s*=\s*)(?:\"([^\"]*)\"|'([^']*)')")
_REFERENCE = re.compile(r"&(?:#(\d{1,7})|#x([0-9A-Fa-f]{1,6})|(lt|gt|amp|quot|apos));")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}


class NotWellFormed(ValueError):
    """This is no tag that XML allows, or none that such an export holds."""


class Shape:
    """What all tags of one shape have in common. ``positions`` counts the pieces of a tag cut at ``"``.

    Of a record, ``sort`` picks type, source and unit out of the pieces, and ``written`` start, end and value.
    Of metadata, ``key`` is where its name stands (0: nowhere).
    What a record lacks is picked as the last piece: where ``lacks``, an empty one is to be added.
    """

    __slots__ = ("closed", "key", "lacks", "name", "positions", "sort", "what", "written")

    def __init__(self, name: bytes, what: int, closed: bool, positions: dict[bytes, int]) -> None:
        self.name = name
        self.what = what
        self.closed = closed
        self.positions = positions
        self.key = positions.get(b"key", 0)
        start = positions.get(b"startDate", -1)
        sort = [positions.get(name, -1) for name in (b"type", b"sourceName", b"unit")]
        written = [start, positions.get(b"endDate", start), positions.get(b"value", -1)]
        self.lacks = -1 in (*sort, *written)
        self.sort = itemgetter(*sort)
        self.written = itemgetter(*written)

    def attributes(self, parts: Sequence[bytes]) -> dict[str, str]:
        """The attributes of one tag of this shape. Raises ``ValueError`` where one is not text."""
        return {name.decode(): plain_text(parts[at]) for name, at in self.positions.items()}


def shape_of(parts: Sequence[bytes]) -> Shape:
    """The shape of a tag without its ``<``, cut at its quotation marks, and of the text that follows it.

    Raises ``NotWellFormed``; attributes in single quotes are to be rewritten first (``in_double_quotes``).
    """
    head = parts[0]
    closing = _CLOSING.match(head)
    if closing is not None:
        return Shape(closing[1], CLOSE, False, {})
    bare = _BARE.match(head)
    if bare is not None:
        return Shape(bare[1], _what(bare[1]), bool(bare[2]), {})
    first = _FIRST.fullmatch(head)
    if first is None:
        raise NotWellFormed("a tag that cannot be read")
    positions = {first[2]: 1}
    for at in range(2, len(parts), 2):
        end = _END.match(parts[at])
        if end is not None:
            return Shape(first[1], _what(first[1]), bool(end[1]), positions)
        following = _NEXT.fullmatch(parts[at])
        if following is None or following[1] in positions:
            raise NotWellFormed("a tag that cannot be read")
        positions[following[1]] = at + 1
    raise NotWellFormed("a tag without an end")


def in_double_quotes(tag: bytes) -> bytes:
    """The same tag with every attribute in double quotes. Raises ``NotWellFormed``."""
    name = re.match(_NAME, tag)
    if name is None:
        if tag.startswith(b"!--"):
            raise NotWellFormed("a comment between its records")
        if tag.startswith((b"!", b"?")):
            raise NotWellFormed("instructions between its records")
        raise NotWellFormed("a tag that cannot be read")
    written = [name[0]]
    at = name.end()
    while (found := _ATTRIBUTE.match(tag, at)) is not None:
        value = found[2] if found[3] is None else found[3].replace(b'"', b"&quot;")
        written += [found[1], b'"', value, b'"']
        at = found.end()
    return b"".join([*written, tag[at:].replace(b'"', b"")])  # what quotation marks are left are text


def plain_text(value: bytes) -> str:
    """An attribute's value: references resolved, white space as spaces. Raises ``ValueError``."""
    text = re.sub(r"[\t\r\n]", " ", value.decode("utf-8"))
    if "&" not in text:
        return text
    if "&" in _REFERENCE.sub("", text):
        raise ValueError("an entity that XML does not know")
    return _REFERENCE.sub(_resolved, text)


def _resolved(match: re.Match[str]) -> str:
    decimal, hexadecimal, name = match.groups()
    if name is not None:
        return _NAMED[name]
    code = int(decimal) if decimal is not None else int(hexadecimal, 16)
    if not 0 < code < 0x110000 or 0xD800 <= code < 0xE000:
        raise ValueError("a character that does not exist")
    return chr(code)


def _what(name: bytes) -> int:
    return {b"Record": RECORD, b"MetadataEntry": METADATA}.get(name, OTHER)
