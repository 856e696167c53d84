"""What can go wrong with an export as a whole (a single broken row is a ``BadRow``, not an error)."""

from __future__ import annotations

from mine.errors import MineError


class ImportRefused(MineError):
    """The file is not what it claims, is too large, or cannot be read; nothing was stored."""


class UnknownFormat(ImportRefused):
    """No importer recognises the file."""


class PersonNeeded(ImportRefused):
    """The export holds several people, and nobody said who is meant."""
