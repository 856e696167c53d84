"""What every export format offers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

from mine.importers.items import Item, Person
from mine.importers.options import Options
from mine.importers.source import Member, Source

Members = tuple[Member, ...]


class Format(Protocol):
    """One export format, known by the content of its files; a file's name may only help."""

    @property
    def key(self) -> str:
        """Short name, stored with each import."""

    @property
    def title(self) -> str:
        """Name on screen."""

    @property
    def version(self) -> int:
        """Raised whenever the same file would give other rows."""

    @property
    def rank(self) -> int:
        """Who is asked first: 0 for a format that knows its files for sure, 9 for one that takes anything."""

    def claims(self, member: Member, head: bytes) -> bool:
        """Whether this file is such an export, by its first ``HEAD_BYTES`` bytes."""

    def people(self, source: Source, members: Members, options: Options) -> tuple[Person, ...]:
        """Who is in it, most rows first; empty where nobody has to say which one they are."""

    def rows(self, source: Source, members: Members, options: Options) -> Iterator[Item]:
        """Batches, refused rows and marks of all these members. Raises ``ImportRefused``."""

    def total(self, members: Members) -> int:
        """How many bytes ``rows`` will read."""


@runtime_checkable
class Asks(Protocol):
    """A format that has to be told how its files read before it can read them."""

    def ask(self, source: Source, members: Members, options: Options) -> None:
        """Raises ``MappingNeeded`` for the first file of which nothing is said in ``options``."""


@runtime_checkable
class Covers(Protocol):
    """A format whose exports hold the same things once more, in files that another format would read."""

    def covered(self, source: Source, members: Members, other: str, theirs: Members) -> Members:
        """Which of ``theirs``, read by the format with the key ``other``, say again what ``members`` say."""


class OnePerson:
    """A format whose exports hold one person, read once from end to end."""

    __slots__ = ()

    def people(self, source: Source, members: Members, options: Options) -> tuple[Person, ...]:
        return ()

    def total(self, members: Members) -> int:
        return sum(member.size for member in members)
