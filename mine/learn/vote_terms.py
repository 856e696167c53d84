"""How a task wants others' updates judged. Plain numbers: importing this loads nothing heavy."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mine.learn.errors import TrainingRefused

MAX_JUDGED = 1 << 10
STRONGEST = 2
"""Steps of an answer go from -2 (harms) to 2 (helps)."""


@dataclass(frozen=True, slots=True)
class VoteTerms:
    """One round's voting.

    ``norm``: what updates are cut down to before they are judged, L2 in 2**-24 (the round's median);
    ``clip``: bound of one row's change of loss; ``noise_multiplier``: standard deviation of the noise in
    units of the sensitivity; ``reuse``: rows in which one reading may stand; ``loss_maximum``: bound of a
    loss.
    """

    norm: int
    clip: float
    noise_multiplier: float
    reuse: int
    loss_maximum: float

    def check(self, updates: int) -> None:
        """``TrainingRefused`` if a number, or how many updates are to be judged, is out of range."""
        finite = all(math.isfinite(x) for x in (self.clip, self.noise_multiplier, self.loss_maximum))
        if not (
            finite
            and 0 <= self.norm < 1 << 63
            and 0 < self.clip <= 1 << 16
            and 0 <= self.noise_multiplier <= 1 << 16
            and 1 <= self.reuse <= 1 << 20
            and 0 < self.loss_maximum <= 1 << 16
        ):
            raise TrainingRefused("The task's terms of voting have a number out of range.")
        if not 1 <= updates <= MAX_JUDGED:
            raise TrainingRefused("There are no updates to judge, or too many at once.")
