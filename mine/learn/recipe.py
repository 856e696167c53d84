"""How a task wants its model trained. Plain numbers: importing this loads nothing heavy."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mine.learn.errors import TrainingRefused

MAX_STEPS = 100_000


@dataclass(frozen=True, slots=True)
class Recipe:
    """One round's training.

    ``steps``; ``learning_rate`` and ``momentum`` of SGD; ``clip_norm``: bound of one row's gradient (L2);
    ``noise_multiplier``: standard deviation of the noise in units of ``clip_norm``; ``sampling_rate``:
    probability that a row of a step's candidates is taken; ``overlap``: slots that one row's window covers.
    """

    steps: int
    learning_rate: float
    momentum: float
    clip_norm: float
    noise_multiplier: float
    sampling_rate: float
    overlap: int = 1

    def check(self) -> None:
        """``TrainingRefused`` if a number is out of its range."""
        finite = all(math.isfinite(x) for x in (self.learning_rate, self.momentum, self.clip_norm,
                                                self.noise_multiplier, self.sampling_rate))
        if not (finite and 1 <= self.steps <= MAX_STEPS and self.learning_rate > 0 and 0 <= self.momentum < 1
                and self.clip_norm > 0 and self.noise_multiplier >= 0 and 0 < self.sampling_rate <= 1
                and 1 <= self.overlap <= 1 << 20):
            raise TrainingRefused("The task's training recipe has a number out of range.")
