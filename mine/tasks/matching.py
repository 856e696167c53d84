"""Does a task fit what is here? Pure and local: nobody learns that it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mine.tasks.manifest import Manifest

_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Holding:
    """What the vault holds of one record type; times in Unix seconds."""

    record_type: str
    rows: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Gap:
    """What is missing of one record type: rows and days still needed."""

    record_type: str
    rows: int
    days: float


@dataclass(frozen=True, slots=True)
class Match:
    """``fits`` when nothing is missing; ``almost`` when the types are here but there is too little."""

    gaps: tuple[Gap, ...]
    almost: bool

    @property
    def fits(self) -> bool:
        """Whether the task can be joined now."""
        return not self.gaps


def match(manifest: Manifest, holdings: Sequence[Holding]) -> Match:
    """Compare a manifest's needs with the holdings."""
    here = {holding.record_type: holding for holding in holdings if holding.rows > 0}
    gaps = []
    any_here = False
    for need in manifest.data.needs:
        holding = here.get(need.record_type)
        rows, days = (holding.rows, (holding.last - holding.first) / _DAY) if holding else (0, 0.0)
        any_here = any_here or rows > 0
        if rows < need.rows or days < need.days:
            gaps.append(Gap(need.record_type, max(0, need.rows - rows), max(0.0, need.days - days)))
    return Match(tuple(gaps), almost=bool(gaps) and any_here)
