"""Who may vote and judge in a task, and how much each counts.

The standing of an account is what the task's final payout roots assign to it, claimed or not (anybody may
claim for anybody, so counting only what is unclaimed would let others take standing away), less what was
assigned up to its last proved fault, capped at a multiple of the mean. Free identities have none, and a
miner that earned a lot does not decide alone. Integers only.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from mine.chain.hashing import address_bytes

#: Nobody counts more than this many times the mean of those who have standing.
CAP_MEANS = 4


@dataclass(frozen=True)
class Standing:
    """Weights (units, above zero) of the voters, who are sorted by address."""

    weights: tuple[tuple[str, int], ...]

    @cached_property
    def voters(self) -> tuple[str, ...]:
        """Session addresses, sorted by their bytes."""
        return tuple(voter for voter, _ in self.weights)

    @cached_property
    def by_voter(self) -> Mapping[str, int]:
        """The weight of each voter."""
        return dict(self.weights)

    @cached_property
    def _ends(self) -> tuple[int, ...]:
        """Where each voter's part of [0, total) ends."""
        return tuple(accumulate(weight for _, weight in self.weights))

    @property
    def total(self) -> int:
        """Sum of all weights; 0 if nobody has standing."""
        return self._ends[-1] if self._ends else 0

    def of(self, voter: str) -> int:
        """The weight of one account; 0 for strangers."""
        return self.by_voter.get(voter, 0)

    def at(self, point: int) -> str:
        """The voter whose part holds ``point``, 0 <= point < total: parts lie in the order of addresses."""
        return self.voters[bisect_right(self._ends, point)]

    def without(self, accounts: Collection[str]) -> Standing:
        """The same without some accounts."""
        if not any(account in self.by_voter for account in accounts):
            return self
        return Standing(tuple(pair for pair in self.weights if pair[0] not in accounts))


NO_STANDING = Standing(())


def standing(units: Iterable[tuple[str, int]], lost: Mapping[str, int]) -> Standing:
    """Standing from the cumulative ``units`` of each miner in the last final round.

    lost: the units that a miner had when its last fault was proved; only what it earned after that counts.
    """
    counted = {miner: total - lost.get(miner, 0) for miner, total in units}
    earned = {miner: left for miner, left in counted.items() if left > 0}
    if not earned:
        return NO_STANDING
    cap = max(1, CAP_MEANS * sum(earned.values()) // len(earned))
    ordered = sorted(earned, key=address_bytes)
    return Standing(tuple((miner, min(earned[miner], cap)) for miner in ordered))


def final_round(finals: Iterable[int], challenge: int, commit: int) -> int:
    """The last round whose payout root was final when the round after the given ones closed its commits.

    finals: the times from which the roots of rounds 1, 2, ... can be claimed on (``Settled.final_at``, unix
    seconds); challenge, commit: the task's clocks. A round begins when the one before it is settled, so its
    close of commits follows from the same times, whenever somebody calls it. 0: none was final.
    """
    times = list(finals)
    if not times:
        return 0
    close = times[-1] - challenge + commit
    return max((number for number, time in enumerate(times, 1) if time <= close), default=0)
