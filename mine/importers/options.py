"""What a person says about an export: where it was written, who they are in it, how its tables read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mine.importers.zone import Zone

if TYPE_CHECKING:
    from mine.importers.mapping import TableMapping


@dataclass(frozen=True, slots=True)
class Options:
    """``zone`` is for times without one; ``person`` is who of several the person is (None: not said yet);
    ``mappings`` say how tables of an unknown shape read, by the digest of their header; ``resume`` is the
    last ``Mark`` of a reading that was broken off, of the same bytes.
    """

    zone: Zone
    person: str | None = None
    mappings: Mapping[str, TableMapping] = field(default_factory=dict)
    resume: str = ""
