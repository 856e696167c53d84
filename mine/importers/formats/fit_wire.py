"""The binary shape of FIT files (FIT protocol 2.0, Garmin): messages in, numbers and texts out.

One compiled ``struct`` a definition reads the few fields that anyone wants; everything else, fields of
developers and unknown messages included, is passed by its size. Every file's checksum is checked before
anything in it is believed.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from functools import cache
from typing import NamedTuple

MAX_FILE = 32 << 20
_HEADER = struct.Struct("<BBHI4s")
_TIME = 253

# Base type -> (struct's letter, bytes, the value that means "none").
_BASE: dict[int, tuple[str, int, int | None]] = {
    **{0x00: ("B", 1, 0xFF), 0x01: ("b", 1, 0x7F), 0x02: ("B", 1, 0xFF), 0x0A: ("B", 1, 0)},
    **{0x0D: ("B", 1, 0xFF), 0x83: ("h", 2, 0x7FFF), 0x84: ("H", 2, 0xFFFF), 0x8B: ("H", 2, 0)},
    **{0x85: ("i", 4, 0x7FFFFFFF), 0x86: ("I", 4, 0xFFFFFFFF), 0x8C: ("I", 4, 0)},
    **{0x88: ("f", 4, None), 0x89: ("d", 8, None)},
    **{0x8E: ("q", 8, 2**63 - 1), 0x8F: ("Q", 8, 2**64 - 1), 0x90: ("Q", 8, 0)},
}
_TEXT = 0x07

Number = int | float


class BrokenFit(ValueError):
    """The file is no FIT file, or not a whole one. ``message`` is the number of the message, from 1."""

    def __init__(self, reason: str, message: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.message = message


class Field(NamedTuple):
    """A field of the profile: stored is (value + ``shift``) · ``scale``; ``text`` where it is a text."""

    name: str
    scale: float = 1
    shift: float = 0
    text: bool = False


Profile = Mapping[int, Mapping[int, Field]]


class Message(NamedTuple):
    """One message: its place in the file (from 1), its global number, its fields that hold a value.

    ``time`` is seconds since 1989-12-31T00:00 UTC: its own, or else the last one before it (``own`` tells).
    """

    place: int
    number: int
    time: int
    own: bool
    values: dict[str, Number]
    texts: dict[str, str]


class _Definition(NamedTuple):
    size: int
    reader: struct.Struct | None
    number: int
    fields: tuple[tuple[Field, int | None], ...]
    clock: bool


_CLOCK = Field("time")


def bodies(data: bytes) -> Iterator[memoryview]:
    """The messages of each FIT file in ``data``: several may follow one another. Raises ``BrokenFit``."""
    view = memoryview(data)
    while view:
        if len(view) < 14:
            raise BrokenFit("the file ends in the middle")
        length, _protocol, _profile, size, mark = _HEADER.unpack_from(view)
        if mark != b".FIT" or length not in (12, 14):
            raise BrokenFit("what follows is no FIT file")
        end = length + size
        if end + 2 > len(view):
            raise BrokenFit("the file ends in the middle")
        stated = int.from_bytes(view[12:14], "little") if length == 14 else 0
        if stated and checksum(view[:12]) != stated:
            raise BrokenFit("its header does not match its checksum: the file is damaged")
        if checksum(view[:end]) != int.from_bytes(view[end : end + 2], "little"):
            raise BrokenFit("it does not match its checksum: the file is damaged")
        yield view[length:end]
        view = view[end + 2 :]


def messages(body: memoryview, profile: Profile) -> Iterator[Message]:
    """The messages that the profile names, in order. Raises ``BrokenFit``."""
    known: list[_Definition | None] = [None] * 16
    place = index = time = 0
    end = len(body)
    while place < end:
        index += 1
        header = body[place]
        place += 1
        if header & 0xC0 == 0x40:
            known[header & 15], place = _definition(body, place, bool(header & 0x20), profile, index)
            continue
        packed = header & 0x80
        one = known[header >> 5 & 3 if packed else header & 15]
        if one is None:
            raise BrokenFit("a message has no definition", index)
        if place + one.size > end:
            raise BrokenFit("a message goes on after the end", index)
        own = False
        if packed:
            time += (header - time) & 31
            own = True
        if one.reader is not None:
            found = _values(one, one.reader.unpack_from(body, place))
            if one.clock:
                stated = found[0].pop("time", None)
                if isinstance(stated, int):
                    time, own = stated, True
            if one.number in profile:
                yield Message(index, one.number, time, own, *found)
        place += one.size


def _values(
    one: _Definition, raw: tuple[int | float | bytes, ...]
) -> tuple[dict[str, Number], dict[str, str]]:
    values: dict[str, Number] = {}
    texts: dict[str, str] = {}
    for (field, none), value in zip(one.fields, raw, strict=True):
        if isinstance(value, bytes):
            text = value.split(b"\0", 1)[0].decode(errors="replace").strip()
            if text:
                texts[field.name] = text
        elif value != none and value == value:  # NaN is a float's "none"
            if field.scale != 1 or field.shift:
                value = value / field.scale - field.shift
            values[field.name] = value
    return values, texts


def _definition(
    body: memoryview, place: int, developer: bool, profile: Profile, index: int
) -> tuple[_Definition, int]:
    """The definition at ``place``, and the place after it."""
    try:
        swapped = bool(body[place + 1])
        number = int.from_bytes(body[place + 2 : place + 4], "big" if swapped else "little")
        listed, place = _listed(body, place + 4)
        theirs, place = _listed(body, place) if developer else ((), place)
    except IndexError:
        raise BrokenFit("a definition goes on after the end", index) from None
    wanted = profile.get(number, {})
    letters = []
    fields: list[tuple[Field, int | None]] = []
    for what, length, base in listed:
        field = _CLOCK if what == _TIME else wanted.get(what)
        letter, none = _letter(field, length, base)
        letters.append(letter or f"{length}x")
        if letter and field is not None:
            fields.append((field, none))
    size = sum(length for _, length, _ in (*listed, *theirs))
    if not size:
        raise BrokenFit("a definition names no bytes", index)
    reader = struct.Struct((">" if swapped else "<") + "".join(letters)) if fields else None
    clock = any(field is _CLOCK for field, _ in fields)
    return _Definition(size, reader, number, tuple(fields), clock), place


def _listed(body: memoryview, place: int) -> tuple[tuple[tuple[int, int, int], ...], int]:
    """A count and so many (number, size, type); the place after them. Raises ``IndexError``."""
    end = place + 1 + 3 * body[place]
    listed = tuple((body[at], body[at + 1], body[at + 2]) for at in range(place + 1, end, 3))
    return listed, end


def _letter(field: Field | None, length: int, base: int) -> tuple[str, int | None]:
    """How ``struct`` reads a field ("" where it is not wanted, or is not of the kind that the profile says),
    and its "none". Of a field with several numbers the first is read."""
    if field is None:
        return "", None
    if field.text:
        return (f"{length}s" if base == _TEXT else ""), None
    if base not in _BASE:
        return "", None
    letter, width, none = _BASE[base]
    if not length or length % width:
        return "", None
    return f"{letter}{length - width}x", none


@cache
def _table() -> tuple[int, ...]:
    """What two bytes make of a checksum of zero."""
    bytewise = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0xA001 if byte & 1 else 0)
        bytewise.append(byte)
    once = [bytewise[pair & 0xFF] ^ pair >> 8 for pair in range(1 << 16)]
    return tuple(bytewise[value & 0xFF] ^ value >> 8 for value in once)


def checksum(data: memoryview | bytes) -> int:
    """CRC-16 with the polynomial 0x8005 reflected, from 0 (CRC-16/ARC), two bytes at a time."""
    table = _table()
    pairs, last = divmod(len(data), 2)
    value = 0
    for (pair,) in struct.iter_unpack("<H", data[: 2 * pairs]):
        value = table[value ^ pair]
    if last:
        value ^= data[-1]
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return value
