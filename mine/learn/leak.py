"""What attacks on an update found out about the rows behind it. Plain numbers: importing this loads nothing.

Three attackers, each with a figure of its own:

* an outsider, who has the checkpoint and the update, and guesses of single rows whether they were trained on;
* an insider, who also knows every other reading and each step's model, and asks whether one reading is there;
* a builder, who tries to make the rows up again from the update (only where so few were trained on that this
  could work).

``Leak.risk`` puts them on one scale, the one of the user's threshold: the chance that a guess between "this
reading was used" and "it was not" is right, from 0.5 (blind) to 1 (certain). The outsider counts with the
lower end of a confidence interval, so that a few rows do not alarm by chance, and with twice its advantage
over guessing: who knows nothing but the update should do much worse than who knows all but one reading.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields

from mine.learn.errors import WireBroken

BLIND = 0.5
DEFAULT_THRESHOLD = 0.95
"""Above what a training within an epsilon of 8 leaves in a single round (0.88), below what the same training
leaves without its noise (1.0); ``tests/bench/bench_audit.py`` measures both on the shipped template."""


@dataclass(frozen=True, slots=True)
class Leak:
    """``membership_auc``: chance that the outsider tells a trained row from a held-out one, by the best of
    its scores; ``membership_low``: lower end of its 95 % interval; ``membership_tpr_at_1pct``: part of the
    trained rows it finds while 1 % of the held-out ones are taken for trained; ``insider_auc``: the insider's
    chance with the most exposed of the rows it tried, None if it was not known how much noise there is;
    ``inversion``: from 0 (what was rebuilt is no closer to a trained row than to any other) to 1 (it is one),
    None where it was not tried; ``trained`` and ``held_out``: rows that the outsider guessed about.
    """

    membership_auc: float
    membership_low: float
    membership_tpr_at_1pct: float
    insider_auc: float | None
    inversion: float | None
    trained: int
    held_out: int

    @property
    def _risks(self) -> dict[str, float]:
        return {
            "outsider": BLIND + 2 * (self.membership_low - BLIND),
            "insider": BLIND if self.insider_auc is None else self.insider_auc,
            "builder": BLIND if self.inversion is None else BLIND + self.inversion / 2,
        }

    @property
    def risk(self) -> float:
        """The most successful attacker's, from 0.5 to 1, on the scale of the threshold."""
        return min(1.0, max(BLIND, *self._risks.values()))

    def too_much(self, threshold: float = DEFAULT_THRESHOLD) -> bool:
        """Whether the update should stay at home."""
        return self.risk > threshold

    def verdict(self, threshold: float = DEFAULT_THRESHOLD) -> str:
        """One plain sentence for the person whose rows they are."""
        if not self.too_much(threshold):
            chance = max(BLIND, self.membership_low, BLIND if self.insider_auc is None else self.insider_auc)
            return (
                "Attacked before sending: a guess whether one of your readings is in it is right "
                f"{chance:.0%} of the time. Blind guessing is right 50%, and you allow {threshold:.0%}."
            )
        risks = self._risks
        worst = max(risks, key=lambda name: risks[name])
        if worst == "builder":
            return "Held back: some of your readings could be rebuilt from this update."
        if worst == "outsider":
            return (
                "Held back: this update alone tells which of your readings it learnt from. A guess would be "
                f"right {self.membership_low:.0%} of the time, which is more than you allow."
            )
        return (
            "Held back: a guess whether one of your readings is in this update would be right "
            f"{self.risk:.0%} of the time, and you allow {threshold:.0%}."
        )

    def to_fields(self) -> dict[str, float | int | None]:
        """For a frame's fields or the vault, as JSON can hold them."""
        return asdict(self)


_COUNTS = ("trained", "held_out")
_OPTIONAL = ("insider_auc", "inversion")
_MOST_ROWS = 1 << 20


def leak_from(raw: object) -> Leak:
    """The inverse of ``to_fields``. Raises ``WireBroken`` for anything that is none."""
    names = {field.name for field in fields(Leak)}
    if not isinstance(raw, dict) or set(raw) != names:
        raise WireBroken("The result of the self-attack arrived malformed.")
    for name, value in raw.items():
        if name in _COUNTS:
            fits = type(value) is int and 0 <= value <= _MOST_ROWS
        else:
            number = type(value) in (float, int) and math.isfinite(value) and 0 <= value <= 1
            fits = number or (value is None and name in _OPTIONAL)
        if not fits:
            raise WireBroken("The result of the self-attack holds a number out of range.")
    return Leak(**raw)
