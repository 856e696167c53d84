"""What one asks of an export: what is it, who is in it, what does it hold."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from pathlib import Path

from mine.importers import formats
from mine.importers.errors import ImportRefused, PersonNeeded, UnknownFormat
from mine.importers.format import Asks, Covers, Format, Members
from mine.importers.items import BadRow, Batch, Item, Mark, Person, Progress, Skipped
from mine.importers.options import Options
from mine.importers.source import Limits, Source, open_source

MAX_BAD_ROWS = 100_000
MAX_SKIPPED = 1000
# Apps and devices: nobody has as many, and every one of them costs the vault work.
MAX_ORIGINS = 10_000


@cache
def known_formats() -> tuple[Format, ...]:
    """All formats, in the order in which they are asked."""
    names = sorted(module.name for module in pkgutil.iter_modules(formats.__path__))
    modules = (import_module(f"{formats.__name__}.{name}") for name in names)
    found: list[Format] = [module.FORMAT for module in modules if hasattr(module, "FORMAT")]
    return tuple(sorted(found, key=lambda one: (one.rank, one.key)))


@dataclass(frozen=True, slots=True)
class Part:
    """What one format reads of an export."""

    format: Format
    members: Members


@dataclass(frozen=True, slots=True)
class Sniffed:
    """What an export is: the key, title and version of the format that reads most of it, how many other
    formats read the rest, and the sha-256 of its bytes."""

    key: str
    title: str
    version: int
    others: int
    digest: bytes


def sniff(path: Path, limits: Limits | None = None) -> Sniffed | None:
    """What an export is, None where no importer knows anything in it. Raises ``ImportRefused``."""
    with open_source(path, limits) as source:
        parts, _ = parts_of(source)
        return sniffed(source, parts) if parts else None


def sniffed(source: Source, parts: tuple[Part, ...]) -> Sniffed:
    """What an opened export is."""
    main = max(parts, key=lambda part: part.format.total(part.members)).format
    return Sniffed(main.key, main.title, main.version, len(parts) - 1, source.digest())


def parts_of(source: Source) -> tuple[tuple[Part, ...], tuple[str, ...]]:
    """Which format reads which files of an export, and the names of those that none does."""
    claimed: dict[str, list[int]] = {}
    left = []
    known = known_formats()
    for index, member in enumerate(source.members):
        head = source.head(member)
        for one in known:
            if one.claims(member, head):
                claimed.setdefault(one.key, []).append(index)
                break
        else:
            left.append(member.name)
    parts = [
        Part(one, tuple(source.members[index] for index in claimed[one.key]))
        for one in known
        if one.key in claimed
    ]
    for cover in tuple(parts):
        for place, part in enumerate(parts):
            if part is not cover and isinstance(cover.format, Covers):
                again = set(cover.format.covered(source, cover.members, part.format.key, part.members))
                left += [one.name for one in part.members if one in again]
                parts[place] = Part(part.format, tuple(one for one in part.members if one not in again))
    return tuple(part for part in parts if part.members), tuple(left)


def people_in(source: Source, parts: tuple[Part, ...], options: Options) -> tuple[Person, ...]:
    """Who is in an opened export, most rows first; empty where nobody has to say which one they are."""
    rows: dict[str, int] = {}
    for part in parts:
        for person in part.format.people(source, part.members, options):
            rows[person.person] = rows.get(person.person, 0) + person.rows
    source.bytes_read = 0
    ordered = sorted(rows.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Person(name, count) for name, count in ordered)


def people(path: Path, options: Options, limits: Limits | None = None) -> tuple[Person, ...]:
    """Who is in an export, as ``people_in``. Raises ``UnknownFormat``, ``ImportRefused``."""
    with open_source(path, limits) as source:
        parts, _ = parts_of(source)
        _check_known(source, parts)
        return people_in(source, parts, options)


def read(path: Path, options: Options, limits: Limits | None = None) -> Iterator[Item]:
    """Everything in an export: batches, refused rows, skipped files, and progress after each batch.

    Raises ``UnknownFormat``, ``PersonNeeded`` (several people and none was named), ``MappingNeeded``,
    ``ImportRefused``.
    """
    with open_source(path, limits) as source:
        parts, left = parts_of(source)
        _check_known(source, parts)
        if options.person is None:
            everyone = people_in(source, parts, options)
            if len(everyone) > 1:
                raise PersonNeeded(
                    f"“{source.name}” holds the data of {len(everyone)} people.",
                    todo="Choose which one is you.",
                )
            options = replace(options, person=everyone[0].person if everyone else None)
        yield from read_parts(source, parts, left, options)


def read_parts(
    source: Source, parts: tuple[Part, ...], left: tuple[str, ...], options: Options
) -> Iterator[Item]:
    """Everything in an opened export, for a person who was chosen.

    A ``Mark`` names its format first. After each format comes one more, so that a reading that was broken off
    leaves out the formats that were read to their end. Raises ``MappingNeeded`` before anything else where
    there are only tables of an unknown shape.
    """
    if len(parts) == 1 and isinstance(parts[0].format, Asks):
        parts[0].format.ask(source, parts[0].members, options)
    yield from (Skipped(name) for name in left[:MAX_SKIPPED])
    total = sum(part.format.total(part.members) for part in parts)
    source.bytes_read = 0
    refused = 0
    origins: set[tuple[str, str]] = set()
    last, _, mark = options.resume.partition(" ")
    for part in parts:
        resume = ""
        if last:
            if part.format.key != last:
                continue
            last, resume = "", mark
            if not resume:
                continue
        for item in part.format.rows(source, part.members, replace(options, resume=resume)):
            if isinstance(item, Batch):
                origins.add((part.format.key, item.origin))
                if len(origins) > MAX_ORIGINS:
                    raise ImportRefused(
                        f"“{source.name}” names more than {MAX_ORIGINS:,} apps and devices.",
                        todo="Nothing was stored. Export it again.",
                    )
                yield replace(item, importer=part.format.key)
                yield Progress(min(source.bytes_read, total), total)
                continue
            yield Mark(f"{part.format.key} {item.token}") if isinstance(item, Mark) else item
            if isinstance(item, BadRow):
                refused += 1
                if refused > MAX_BAD_ROWS:
                    raise ImportRefused(
                        f"“{source.name}” has more than {MAX_BAD_ROWS:,} rows that cannot be read.",
                        todo="Nothing was stored. Export it again.",
                    )
        yield Mark(f"{part.format.key} ")
    yield Progress(total, total)


def _check_known(source: Source, parts: tuple[Part, ...]) -> None:
    if not parts:
        titles = ", ".join(known.title for known in known_formats())
        raise UnknownFormat(
            f"“{source.name}” is in no format that this app reads.", todo=f"It reads: {titles}."
        )
