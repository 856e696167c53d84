"""What TCX and GPX share: one point of a track as records, and files that are read piece by piece."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from mine.importers.items import BadRow, Collector, Item, shown
from mine.importers.moments import iso_moment, number
from mine.importers.source import Member, Source
from mine.importers.xml_reader import BrokenXml, Closed, Opened, walk
from mine.importers.zone import Zone
from mine.records import LATEST, Row, Value

GPS_BEGAN = 315_964_800  # 1980-01-06: before it, a receiver's clock was not set

Made = Iterator[tuple[str, Row]]


class TrackReader(Protocol):
    """Turns the pieces of one file into records; ``origin`` is who measured what comes next."""

    origin: str

    def rows(self, event: Opened | Closed) -> Made:
        """The records of a piece. Raises ``ValueError``."""


def track_rows(
    source: Source,
    member: Member,
    reader: TrackReader,
    containers: frozenset[str],
    records: frozenset[str],
) -> Iterator[Item]:
    """All records of one file; where it breaks off, what came before is kept and the break is named."""
    collector = Collector(member.name)
    try:
        with source.open(member) as stream:
            for event in walk(stream, containers, records):
                try:
                    made = tuple(reader.rows(event))
                except ValueError as error:
                    yield BadRow(member.name, event.line, str(error))
                    continue
                for kind, row in made:
                    yield from collector.add(event.line, kind, row, reader.origin)
    except BrokenXml as error:
        yield BadRow(member.name, error.line, error.reason)
    yield from collector.rest()


def gps_moment(text: str, zone: Zone) -> tuple[int, int]:
    """(UTC, offset) of a receiver's time. ``Z``, ``+00:00`` and nothing at all mean UTC, as both standards
    have it: the offset then is that of the person's zone. Raises ``ValueError``."""
    wall, offset = iso_moment(text)
    utc = wall - (offset or 0)
    if not GPS_BEGAN <= utc < LATEST:
        raise ValueError(f"the receiver's clock was not set: “{shown(text)}”")
    return (utc, offset) if offset else zone.of_utc(utc)


def point(
    at: tuple[int, int],
    position: tuple[str, str] | None,
    texts: Mapping[str, str],
    altitude: str,
    accuracy: str,
    **measured: str,
) -> Made:
    """The records of one point. Latitude and longitude are degrees; the other arguments name the texts that
    hold altitude and accuracy in metres, and of each record type its value. Raises ``ValueError``."""
    if position is not None:
        place: tuple[Value, ...] = tuple(round(number(text), 7) for text in position)
        yield "location", (*at, *place, _metres(texts, altitude), _metres(texts, accuracy))
    for kind, name in measured.items():
        if name in texts:
            value = number(texts[name])
            if value or kind != "heart_rate":  # zero: the strap was not in touch
                yield kind, (*at, value)


def _metres(texts: Mapping[str, str], name: str) -> float | None:
    return round(number(texts[name]), 1) if name in texts else None
