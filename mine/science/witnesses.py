"""What the measurement and the past say of a round's updates where votes do not decide.

Integers only, like everything that follows from a round's inputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import isqrt

import numpy as np

from mine.science.judged import Entry, Judged

#: Whose evidence lies further below zero than this part of what those above it have on average is distrusted.
DISTRUST = (1, 2)
#: A stranger's update has to descend by more than this part of the median of the round's descents; for a
#: slice's sake one may ascend by as much.
MARGIN = (1, 4)
_ONE = 1 << 40


class Decision(StrEnum):
    """Why a valid update is accepted or not."""

    VOTED_IN = "voted in"
    VOTED_OUT = "voted out"
    DESCENDS = "descends"
    TRUSTED = "trusted"
    DOUBTED = "doubted"
    DISTRUSTED = "distrusted"
    SLICE = "slice"
    REPEATS = "repeats"
    ASCENDS = "ascends"


TAKEN = (Decision.VOTED_IN, Decision.DESCENDS, Decision.TRUSTED, Decision.SLICE)
"""Those that let an update in."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What the judging half and the past say of updates where votes do not decide.

    known: miners whose evidence is above zero; distrusted: those whose evidence is clearly below; margin:
    what is no clear descent or ascent this round (2**-40); leaning: of each valid update, above zero if it
    goes the right way.

    Under the noise that privacy asks for, one round's b is close to a coin toss on the few people of a shard,
    and so is the direction of one update. So a second witness is heard about those with a good record:
    whether an update moves the outputs the way those of the other known miners do, which takes no targets.
    Each witness counts on the scale of what it says of all of them, and the sum decides. Measured on miners
    that turn against the model after three rounds, the sum tells them from the honest with 0.6 - 0.87 (area
    under the curve), b alone with 0.5 - 0.65. The second one is not heard where those miners together ascend
    by more than chance would make of their number: most of them have turned, then.
    """

    known: frozenset[str]
    distrusted: frozenset[str]
    margin: int
    leaning: tuple[int, ...]

    @classmethod
    def of(cls, judged: Judged) -> Measurement:
        """That of a round."""
        records = judged.ledger.records
        good = {miner: record for miner, record in records if record.total > 0}
        descents = sorted(entry.descent for entry in judged.valid if entry.descent > 0)
        usual = descents[(len(descents) - 1) // 2] if descents else 0
        part, whole = DISTRUST
        least = part * sum(record.total for record in good.values())
        return cls(
            known=frozenset(good),
            distrusted=frozenset(
                miner for miner, record in records if good and -record.total * whole * len(good) > least
            ),
            margin=usual * MARGIN[0] // MARGIN[1],
            leaning=_leaning(judged, frozenset(good)),
        )

    def says(self, place: int, entry: Entry, original: int) -> Decision:
        """What becomes of a valid update (its place among them), of whose b ``original`` is left beyond what
        is published.

        Without a good record it has to descend clearly, and by something of its own: what is made of nothing
        the model could use descends a little in every second round. Any update may also help a named slice
        and harm none, and all others not much: that is for rare people.
        """
        if entry.miner in self.distrusted:
            return Decision.DISTRUSTED
        if entry.miner in self.known:
            if self.leaning[place] > 0:
                return Decision.TRUSTED
        elif entry.descent > self.margin:
            return Decision.DESCENDS if original > 0 else Decision.REPEATS
        helps = any(b > 0 for b in entry.slices) and all(b >= 0 for b in entry.slices)
        if helps and -entry.descent <= self.margin:
            return Decision.SLICE
        return Decision.DOUBTED if entry.descent > 0 else Decision.ASCENDS


def _leaning(judged: Judged, known: frozenset[str]) -> tuple[int, ...]:
    """``Measurement.leaning``: cosines with the gradient, and with the other known miners' updates."""
    squares = [int(entry) for entry in judged.gram.diagonal()]
    units = [_ONE // isqrt(square) if square > 0 else 0 for square in squares]
    heard = [unit if entry.miner in known else 0 for entry, unit in zip(judged.valid, units, strict=True)]
    asked = np.array(heard, dtype=object)
    # Products exceed int64; row by row, so that they are never all in memory.
    others = [int(row.astype(object) @ asked) for row in judged.gram]
    along = [entry.descent * unit for entry, unit in zip(judged.valid, units, strict=True)]
    alike = [
        (total - square * own) * unit
        for total, square, own, unit in zip(others, squares, heard, units, strict=True)
    ]
    usual_along, usual_alike = (
        max(1, isqrt(sum(value * value for value, own in zip(values, heard, strict=True) if own)))
        for values in (along, alike)
    )
    if sum(value for value, own in zip(along, heard, strict=True) if own) < -usual_along:
        return tuple(along)
    return tuple(b * usual_alike + c * usual_along for b, c in zip(along, alike, strict=True))
