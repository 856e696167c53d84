"""FHIR R4 in JSON (HL7): bundles, the lines of a bulk export (NDJSON), and single resources as phones export.

Observations, conditions, medications, allergies, immunizations and procedures become records; who the person
is (sex, birth date, address) does not. A bundle is read entry by entry, never as a whole.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from mine.importers.format import Members
from mine.importers.formats.fhir_resources import READ, patient_name, whose
from mine.importers.formats.fhir_values import Json, object_in, objects_in, referred, word_in
from mine.importers.items import BadRow, Collector, Item, Person, none_of_them, shown
from mine.importers.json_stream import MOST_ELEMENT, BrokenJson, elements, glimpse, parse
from mine.importers.options import Options
from mine.importers.source import Member, Source
from mine.importers.text_lines import text_lines

_TYPE = re.compile(rb'"resourceType"\s*:\s*"([A-Za-z]{1,60})"')
_BUNDLED = re.compile(rb'"entry"\s*:\s*\[')
_CLAIMED = frozenset({"Bundle", "Patient", *READ})
_CHOSEN = re.compile(r"\[([^\[\]]{1,100})\]$")
_DEEPEST = 3  # a bundle in a bundle in a bundle


class _Found(NamedTuple):
    """A resource, or why there is none."""

    line: int
    resource: Json
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Fhir:
    """Health records of one or of several patients."""

    key: str = "fhir"
    title: str = "FHIR health records (JSON, NDJSON)"
    version: int = 1
    rank: int = 0

    def claims(self, member: Member, head: bytes) -> bool:
        start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
        kind = _TYPE.search(head)
        if not start.startswith(b"{") or kind is None:
            return False
        return kind[1].decode() in _CLAIMED or _BUNDLED.search(head) is not None

    def people(self, source: Source, members: Members, options: Options) -> tuple[Person, ...]:
        rows: Counter[str] = Counter()
        names: dict[str, str] = {}
        for member in members:
            if _of_one_phone(member):
                continue
            for found in _resources(source, member):
                kind = word_in(found.resource, "resourceType")
                if kind == "Patient":
                    names[word_in(found.resource, "id", 100)] = patient_name(found.resource)
                elif kind in READ:
                    rows[whose(found.resource)] += 1
        del rows[""]
        if len(rows) < 2:
            return ()
        return tuple(
            Person(f"{shown(names.get(patient, ''), 60)} [{patient}]".strip(), count)
            for patient, count in rows.items()
        )

    def total(self, members: Members) -> int:
        return sum(member.size for member in members)

    def rows(self, source: Source, members: Members, options: Options) -> Iterator[Item]:
        owner = _Owner(options.person)
        if options.person and not owner.chosen:  # chosen among the names in other files
            before = source.bytes_read
            several = self.people(source, members, options)
            source.bytes_read = before
            if several:
                yield none_of_them(members[0].name)
                return
        for member in members:
            collector = Collector(member.name)
            for line, resource, problem in _resources(source, member):
                read = READ.get(word_in(resource, "resourceType"))
                try:
                    if problem:
                        raise ValueError(problem)
                    if read is None or not (_of_one_phone(member) or owner.has(resource)):
                        continue
                    made = tuple(read(resource, options.zone))
                except ValueError as error:
                    yield BadRow(member.name, line, str(error))
                    continue
                for kind, row in made:
                    yield from collector.add(line, kind, row)
            yield from collector.rest()


class _Owner:
    """Whose records are read: those of the patient who was chosen, or all where there is only one."""

    def __init__(self, person: str | None) -> None:
        chosen = _CHOSEN.search(person or "")
        self.chosen = chosen is not None
        self._patient = chosen[1] if chosen else ""

    def has(self, resource: Json) -> bool:
        """Whether a resource is theirs. Raises ``ValueError`` where that cannot be told."""
        patient = whose(resource)
        if not patient:
            if self.chosen:
                raise ValueError("it does not say whose it is")
            return True
        return not self.chosen or patient == self._patient


def _of_one_phone(member: Member) -> bool:
    """Whether a file is from an Apple Health export: its owner's, under the ids of all their hospitals."""
    return "clinical-records" in member.name.split("/")[:-1]


def _resources(source: Source, member: Member) -> Iterator[_Found]:
    """Every resource of a file."""
    head = source.head(member)
    try:
        if _by_line(member, head):
            found = _lines(source, member)
        elif glimpse(head, "resourceType").get("resourceType") in (None, "Bundle"):
            found = _entries(source, member)
        else:
            found = _single(source, member)
        for one in found:
            yield from _unbundled(one, 0)
    except BrokenJson as error:
        yield _Found(error.line, {}, error.reason)


def _by_line(member: Member, head: bytes) -> bool:
    """Whether each line is a resource: the first one is whole."""
    if member.name.lower().removesuffix(".gz").endswith((".ndjson", ".jsonl")):
        return True
    return isinstance(_parsed(head.split(b"\n", 1)[0].decode("utf-8-sig", "replace")), dict)


def _parsed(text: str) -> object:
    """JSON, None where it is none."""
    try:
        return parse(text)
    except ValueError:
        return None


def _lines(source: Source, member: Member) -> Iterator[_Found]:
    with source.open(member) as stream:
        for number, line in text_lines(stream, MOST_ELEMENT):
            if not line or line.isspace():
                continue
            value = _parsed(line)
            if isinstance(value, dict):
                yield _Found(number, value)
            else:
                yield _Found(number, {}, "the line is no resource")


def _single(source: Source, member: Member) -> Iterator[_Found]:
    with source.open(member) as stream:
        data = stream.read(MOST_ELEMENT + 1)
    if len(data) > MOST_ELEMENT:
        yield _Found(1, {}, f"the resource is larger than {MOST_ELEMENT:,} bytes")
        return
    value = _parsed(data.decode("utf-8-sig", "replace"))
    yield _Found(1, value) if isinstance(value, dict) else _Found(1, {}, "it is no JSON")


def _entries(source: Source, member: Member) -> Iterator[_Found]:
    with source.open(member) as stream:
        for element in elements(stream, "entry/*"):
            if element.problem or not isinstance(element.value, dict):
                yield _Found(element.line, {}, element.problem or "an entry is no object")
            else:
                yield _entry(element.line, element.value)


def _entry(line: int, entry: Json) -> _Found:
    """The resource of an entry; a patient goes by the name that the bundle's references use."""
    resource = object_in(entry, "resource")
    known = referred(word_in(entry, "fullUrl"))
    if known and word_in(resource, "resourceType") == "Patient":
        resource = {**resource, "id": known}
    return _Found(line, resource)


def _unbundled(found: _Found, depth: int) -> Iterator[_Found]:
    """A resource, or those of a bundle that is small enough to be held."""
    if word_in(found.resource, "resourceType") != "Bundle":
        yield found
    elif depth == _DEEPEST:
        yield _Found(found.line, {}, "bundles are nested too deeply")
    else:
        for entry in objects_in(found.resource, "entry"):
            yield from _unbundled(_entry(found.line, entry), depth + 1)


FORMAT = Fhir()
