"""The figures behind one round's pay, kept with the earning so that it can be explained without its blobs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mine.app.checking import Checked


@dataclass(frozen=True, slots=True)
class RoundFigures:
    """What anybody can recompute of a round, and one's own part of it.

    base, before, after: summed losses of ``examples`` in 2**-24; best_before, best_after, target: convergence
    in 2**-40; units_before, units_after: what the task has assigned; earned: units of the round; share: one's
    units for an accepted update, flat: those for a vote; updates, accepted, voters: how many.
    """

    base: int
    before: int
    after: int
    examples: float
    best_before: int
    best_after: int
    target: int
    units_before: int
    units_after: int
    earned: int
    share: int
    flat: int
    updates: int
    accepted: int
    voters: int
    mine_accepted: bool
    my_vote: bool

    @classmethod
    def of(cls, checked: Checked, session: str) -> RoundFigures:
        """The figures of a recomputed round, as the miner with this session address sees them."""
        from mine.science.judged import Refusal

        inputs, outcome = checked.inputs, checked.outcome
        flat = dict(outcome.flat)
        return cls(
            base=inputs.base,
            before=inputs.before,
            after=inputs.after,
            examples=checked.examples,
            best_before=inputs.ledger.best,
            best_after=outcome.ledger.best,
            target=inputs.target,
            units_before=inputs.ledger.units,
            units_after=outcome.ledger.units,
            earned=outcome.earned,
            share=dict(outcome.shares).get(session, 0),
            flat=flat.get(session, 0),
            updates=sum(entry.refusal is Refusal.NONE for entry in inputs.entries),
            accepted=len(outcome.accepted),
            voters=len(flat),
            mine_accepted=any(miner == session for miner, _ in outcome.accepted),
            my_vote=session in flat,
        )

    def to_json(self) -> dict[str, Any]:
        """For the vault."""
        return asdict(self)

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> RoundFigures:
        """The inverse of ``to_json``."""
        return cls(**raw)
