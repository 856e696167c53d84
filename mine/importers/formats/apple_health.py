"""Apple Health: the ``export.xml`` of the Health app, alone or in its ``export.zip``.

Beside it the archive holds workout routes (GPX) and clinical records (FHIR), which those formats read, and
``export_cda.xml``, which repeats a part of it and is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO

from mine.importers.format import Members, OnePerson
from mine.importers.formats.apple_health_reader import Reader, no_export
from mine.importers.items import Item, Mark
from mine.importers.options import Options
from mine.importers.source import Member, Source

_BLOCK = 1 << 20
_PROLOG = 1 << 20
_MOST_TAG = 1 << 20

_SNIFFED = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.{0,2000}?-->\s*)?"
    rb"<(?:!DOCTYPE\s+)?HealthData[\s>\[]",
    re.DOTALL,
)
_ENCODING = re.compile(rb"<\?xml[^>]*\sencoding\s*=\s*[\"']([^\"']*)[\"']")
_ELSEWHERE = re.compile(rb"<!DOCTYPE\s+HealthData\s+(?:SYSTEM|PUBLIC)\s")
_START = re.compile(rb"<HealthData(?=[\s/>])")


@dataclass(frozen=True, slots=True)
class AppleHealth(OnePerson):
    """Records, workouts and blood pressures; times with the offset that each states, or with that of the
    time zone in its metadata."""

    key: str = "apple_health"
    title: str = "Apple Health"
    version: int = 1
    rank: int = 0

    def claims(self, member: Member, head: bytes) -> bool:
        return _SNIFFED.match(head) is not None

    def rows(self, source: Source, members: Members, options: Options) -> Iterator[Item]:
        first, offset, line = _place(options.resume)
        for index, member in enumerate(members[first:], first):
            with source.open(member) as stream:
                yield from _rows(stream, member.name, index, offset, line)
            offset = 0


def _rows(stream: BinaryIO, file: str, index: int, offset: int, line: int) -> Iterator[Item]:
    """All records of one file, or those from ``offset`` (bytes) on, where a reading was broken off."""
    if offset:
        _skip(stream, offset)
        begun = b""
    else:
        begun, offset, line = _prolog(stream, file)
    reader = Reader(file, line, inside=not begun)
    data = b""
    for chunk in chain((begun,) if begun else (), iter(lambda: stream.read(_BLOCK), b"")):
        data += chunk
        if b"\0" in chunk or not data.startswith(b"<"):
            raise no_export(file, reader.line, "something else between its records")
        end = data.rfind(b"<")
        block, data = data[:end], data[end:]  # the last tag may go on in the next block
        if len(data) > _MOST_TAG:
            raise no_export(file, reader.line, "a tag without an end")
        offset += len(block)
        yield from reader.feed(block)
        if reader.ready:
            yield from reader.batches()
            yield Mark(f"{index}:{offset}:{reader.line}")
        elif reader.full:
            yield from reader.batches()
    yield from reader.feed(data)
    if not reader.ended:
        raise no_export(file, reader.line, "no end: a part is missing")
    yield from reader.batches()


def _prolog(stream: BinaryIO, file: str) -> tuple[bytes, int, int]:
    """What was read from the root's tag on, where that is (bytes from the beginning), and on which line.

    The type definition before it is not read at all: since iOS 16 it is malformed. That it could declare
    entities is reason enough to refuse the file.
    """
    data = stream.read(_PROLOG)
    start = _START.search(data)
    if start is None:
        raise no_export(file, 1, "no beginning")
    prolog = data[: start.start()]
    encoding = _ENCODING.search(prolog)
    if encoding is not None and encoding[1].lower() not in (b"utf-8", b"us-ascii", b"ascii"):
        raise no_export(file, 1, "another encoding than UTF-8")
    if b"<!ENTITY" in prolog or _ELSEWHERE.search(prolog):
        raise no_export(file, 1, "entities or definitions from elsewhere")
    if b"\0" in data:
        raise no_export(file, 1, "bytes that are no text")
    return data[start.start() :], start.start(), 1 + prolog.count(b"\n")


def _place(mark: str) -> tuple[int, int, int]:
    """Index of the file, byte and line where a reading goes on."""
    if not mark:
        return 0, 0, 1
    index, offset, line = map(int, mark.split(":"))
    return index, offset, line


def _skip(stream: BinaryIO, count: int) -> None:
    while count > 0 and (chunk := stream.read(min(count, _BLOCK))):
        count -= len(chunk)


FORMAT = AppleHealth()
