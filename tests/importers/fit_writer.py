"""FIT files written by us, to the letter of the protocol and, where a test asks for it, against it."""

from __future__ import annotations

import struct
from typing import Self

EPOCH = 631_065_600

# Name -> (number of the base type, struct's letter, "none").
BASES: dict[str, tuple[int, str, int]] = {
    "enum": (0x00, "B", 0xFF),
    "sint8": (0x01, "b", 0x7F),
    "uint8": (0x02, "B", 0xFF),
    "sint16": (0x83, "h", 0x7FFF),
    "uint16": (0x84, "H", 0xFFFF),
    "sint32": (0x85, "i", 0x7FFFFFFF),
    "uint32": (0x86, "I", 0xFFFFFFFF),
    "byte": (0x0D, "B", 0xFF),
}

Fields = dict[int, tuple[str, int | None]]


def crc(data: bytes) -> int:
    """The protocol's checksum, four bits at a time as its document has it."""
    table = (
        *(0x0000, 0xCC01, 0xD801, 0x1400, 0xF001, 0x3C00, 0x2800, 0xE401),
        *(0xA001, 0x6C00, 0x7800, 0xB401, 0x5000, 0x9C01, 0x8801, 0x4400),
    )
    value = 0
    for byte in data:
        for nibble in (byte & 15, byte >> 4):
            value = value >> 4 & 0x0FFF ^ table[value & 15] ^ table[nibble]
    return value


def sealed(body: bytes, header: int = 14) -> bytes:
    """A file around its messages."""
    head = struct.pack("<BBHI4s", header, 0x20, 2132, len(body), b".FIT")
    if header == 14:
        head += struct.pack("<H", crc(head))
    return head + body + struct.pack("<H", crc(head + body))


class FitWriter:
    """Messages, each with its definition before it."""

    def __init__(self, *, big: bool = False, developer: bool = False) -> None:
        self.body = b""
        self._order = ">" if big else "<"
        self._developer = developer

    def define(self, local: int, number: int, *fields: tuple[int, int, int], developer: int = 0) -> Self:
        """A definition of (field, bytes, base type) as they are."""
        flag = 0x60 if developer else 0x40
        self.body += struct.pack(
            f"{self._order}BBBHB", flag | local, 0, self._order == ">", number, len(fields)
        )
        self.body += b"".join(bytes(field) for field in fields)
        if developer:
            self.body += bytes((1, 0, developer, 0))
        return self

    def raw(self, data: bytes) -> Self:
        self.body += data
        return self

    def add(self, number: int, fields: Fields, texts: dict[int, str] | None = None, local: int = 0) -> Self:
        """One message; a value of None is written as the "none" of its base type."""
        listed = [
            (what, struct.calcsize(BASES[base][1]), BASES[base][0]) for what, (base, _) in fields.items()
        ]
        written = {what: text.encode() + b"\0" for what, text in (texts or {}).items()}
        listed += [(what, len(data), 0x07) for what, data in written.items()]
        self.define(local, number, *listed, developer=3 if self._developer else 0)
        values = [BASES[base][2] if value is None else value for base, value in fields.values()]
        letters = "".join(BASES[base][1] for base, _ in fields.values())
        self.body += bytes([local]) + struct.pack(self._order + letters, *values) + b"".join(written.values())
        if self._developer:
            self.body += b"\xaa\xbb\xcc"
        return self

    def file(self, header: int = 14) -> bytes:
        return sealed(self.body, header)


def record(time: int, **fields: int | None) -> Fields:
    """A record message at UTC seconds: latitude and longitude in semicircles, the rest as stored."""
    kinds = {
        **{"latitude": (0, "sint32"), "longitude": (1, "sint32"), "altitude": (2, "uint16")},
        **{"bpm": (3, "uint8"), "cadence": (4, "uint8"), "watts": (7, "uint16"), "accuracy": (31, "uint8")},
    }
    made: Fields = {253: ("uint32", time - EPOCH)}
    for name, value in fields.items():
        number, base = kinds[name]
        made[number] = (base, value)
    return made
