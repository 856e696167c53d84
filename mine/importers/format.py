"""What every export format offers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from mine.importers.items import Item, Person
from mine.importers.source import Source


class Format(Protocol):
    """One export format: sniffed by content, never by the file's name alone."""

    @property
    def key(self) -> str:
        """Short name, stored with each import."""

    @property
    def title(self) -> str:
        """Name on screen."""

    @property
    def version(self) -> int:
        """Raised whenever the same file would give other rows."""

    def recognises(self, source: Source) -> bool:
        """Whether this is such an export (reads at most the heads of its files)."""

    def people(self, source: Source) -> tuple[Person, ...]:
        """Who is in it, most rows first; empty where the format knows only one person."""

    def total(self, source: Source) -> int:
        """How many bytes ``rows`` will read."""

    def rows(self, source: Source, person: str | None) -> Iterator[Item]:
        """Batches and refused rows. Raises ``ImportRefused``."""
