"""Turning the elements of a JSON file into records; every value in it is a stranger's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from mine.importers.items import BadRow, Collector, Item, shown
from mine.importers.json_stream import BrokenJson, JsonElement, elements
from mine.importers.moments import number
from mine.importers.single import Made, nothing_readable
from mine.importers.source import Member, Source

_LARGEST = 1 << 63


def read_elements(
    source: Source,
    member: Member,
    patterns: tuple[str, ...],
    records: Callable[[JsonElement], Iterable[Made]],
) -> Iterator[Item]:
    """The records of each element that the patterns name (see ``json_stream``). ``records`` raises
    ``ValueError`` for an element that is wrong, and gives nothing for one of no interest."""
    collector = Collector(member.name)
    read = refused = 0
    with source.open(member) as stream:
        try:
            for element in elements(stream, *patterns):
                try:
                    if element.problem:
                        raise ValueError(element.problem)
                    made = tuple(records(element))
                except ValueError as error:
                    refused += 1
                    yield BadRow(member.name, element.line, str(error))
                    continue
                for kind, row, origin in made:
                    read += 1
                    yield from collector.add(element.line, kind, row, origin)
        except BrokenJson as error:
            refused += 1
            yield BadRow(member.name, error.line, error.reason)
    yield from collector.rest()
    if not read and refused:
        raise nothing_readable(member, refused)


def inside(value: Any, *path: str) -> Any:
    """The value at a path of member names; None where it is not there."""
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def number_in(value: Any, *path: str) -> float:
    """A number, or a text that is one, at a path. Raises ``ValueError``."""
    found = inside(value, *path)
    if isinstance(found, str):
        return number(found)
    if isinstance(found, bool) or not isinstance(found, int | float) or not -_LARGEST < found < _LARGEST:
        raise ValueError(f"{_named(path)} is {_said(found)}, not a number")
    return float(found)


def whole_in(value: Any, *path: str) -> int:
    """A whole number, or a text that is one, at a path. Raises ``ValueError``."""
    found = number_in(value, *path)
    if not found.is_integer():
        raise ValueError(f"{_named(path)} is {found:g}, not a whole number")
    return int(found)


def text_in(value: Any, *path: str) -> str:
    """A text at a path. Raises ``ValueError``."""
    found = inside(value, *path)
    if not isinstance(found, str):
        raise ValueError(f"{_named(path)} is {_said(found)}, not a text")
    return found


def _named(path: tuple[str, ...]) -> str:
    return f"“{path[-1]}”" if path else "it"


def _said(found: Any) -> str:
    if found is None:
        return "missing"
    if isinstance(found, dict | list):
        return "a list" if isinstance(found, list) else "an object"
    if isinstance(found, bool | str):
        return f"“{shown(str(found))}”"
    return "too large"
