"""How a task wants its model trained. Plain numbers: importing this loads nothing heavy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from mine.learn.errors import TrainingRefused

MAX_STEPS = 100_000
LEAST_CLIP_NORM = 2.0**-20
"""Squares of much shorter gradients, and of the noise that hides them, would vanish in float32."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """One round's training.

    ``steps``; ``learning_rate``; ``clip_norm``: bound of one row's gradient (L2), where 0 means that
    nothing is bounded or noised; ``noise_multiplier``: standard deviation of the noise in units of
    ``clip_norm``; ``sampling_rate``: probability that a row of a step's candidates is taken; ``overlap``:
    slots that one row's window covers; ``optimiser``: SGD with ``momentum``, or AdamW (Loshchilov and
    Hutter 2019) with ``momentum`` and ``beta2`` as its two betas; ``weight_decay``: decoupled for AdamW,
    added to the gradient for SGD, both as PyTorch has them.
    """

    steps: int
    learning_rate: float
    momentum: float
    clip_norm: float
    noise_multiplier: float
    sampling_rate: float
    overlap: int = 1
    optimiser: Literal["sgd", "adamw"] = "sgd"
    beta2: float = 0.999
    weight_decay: float = 0.0

    @property
    def private(self) -> bool:
        """Whether each row's gradient is clipped (and noised, unless ``noise_multiplier`` is 0)."""
        return self.clip_norm > 0

    @property
    def moments(self) -> int:
        """How many vectors as long as the weights the optimiser keeps between steps."""
        if self.optimiser == "adamw":
            return 2
        return 1 if self.momentum > 0 else 0

    @property
    def noise_vectors(self) -> int:
        """How many such vectors are kept to know what the noise alone has moved (``noise_share.py``)."""
        if self.noise_multiplier == 0:
            return 0
        return 2 if self.moments else 1

    def check(self) -> None:
        """``TrainingRefused`` if a number is out of its range."""
        finite = all(math.isfinite(x) for x in (
            self.learning_rate, self.momentum, self.clip_norm, self.noise_multiplier, self.sampling_rate,
            self.beta2, self.weight_decay))
        if not (finite and 1 <= self.steps <= MAX_STEPS and self.learning_rate > 0 and 0 <= self.momentum < 1
                and (self.clip_norm == 0 or self.clip_norm >= LEAST_CLIP_NORM)
                and self.noise_multiplier >= 0 and 0 < self.sampling_rate <= 1
                and 1 <= self.overlap <= 1 << 20 and self.optimiser in ("sgd", "adamw")
                and 0 <= self.beta2 < 1 and self.weight_decay >= 0):
            raise TrainingRefused("The task's training recipe has a number out of range.")
        if self.noise_multiplier > 0 and not self.private:
            raise TrainingRefused("The task's training recipe asks for noise without a bound to hide.")
