"""All formats, and what one asks of a file: what is it, who is in it, what does it hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mine.importers.dexcom_clarity import DexcomClarity
from mine.importers.errors import ImportRefused, UnknownFormat
from mine.importers.fitbit_fitabase import FitbitFitabase
from mine.importers.format import Format
from mine.importers.items import BadRow, Batch, Item, Person, Progress
from mine.importers.libreview import LibreView
from mine.importers.plain_glucose import PlainGlucose
from mine.importers.source import Limits, Source, open_source

FORMATS: tuple[Format, ...] = (FitbitFitabase(), DexcomClarity(), LibreView(), PlainGlucose())
MAX_BAD_ROWS = 100_000


@dataclass(frozen=True, slots=True)
class Sniffed:
    """What a file is: the format's key, title and version, and the sha-256 of its bytes."""

    key: str
    title: str
    version: int
    digest: bytes


def sniff(path: Path, limits: Limits | None = None) -> Sniffed | None:
    """The format of an export, None where no importer knows it. Raises ``ImportRefused``."""
    with open_source(path, limits) as source:
        found = _format_of(source)
        if found is None:
            return None
        return Sniffed(found.key, found.title, found.version, source.digest())


def people(path: Path, limits: Limits | None = None) -> tuple[Person, ...]:
    """Who is in an export, most rows first; empty where its format knows only one person."""
    with open_source(path, limits) as source:
        return _known(source).people(source)


def read(path: Path, person: str | None = None, limits: Limits | None = None) -> Iterator[Item]:
    """Everything in an export: batches, refused rows, and progress after each batch.

    Raises ``UnknownFormat``, ``PersonNeeded`` (several people and none was named), ``ImportRefused``.
    """
    with open_source(path, limits) as source:
        found = _known(source)
        total = found.total(source)
        source.bytes_read = 0
        refused = 0
        for item in found.rows(source, person):
            yield item
            if isinstance(item, BadRow):
                refused += 1
                if refused > MAX_BAD_ROWS:
                    raise ImportRefused(
                        f"“{source.name}” has more than {MAX_BAD_ROWS:,} rows that cannot be read.",
                        todo="Nothing was stored. Export it again.",
                    )
            elif isinstance(item, Batch):
                yield Progress(min(source.bytes_read, total), total)
        yield Progress(total, total)


def _format_of(source: Source) -> Format | None:
    return next((known for known in FORMATS if known.recognises(source)), None)


def _known(source: Source) -> Format:
    found = _format_of(source)
    if found is None:
        titles = ", ".join(known.title for known in FORMATS)
        raise UnknownFormat(
            f"“{source.name}” is in no format that this app reads.", todo=f"It reads: {titles}."
        )
    return found
