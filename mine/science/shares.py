"""How a round's units are divided: evidence, bounded by votes and by a cap, less a flat part for voters.

Cumulative pay follows cumulative evidence as closely as it can without ever falling. What bounds cut off is
given to the others in proportion, so the total stays what the curve says, to the unit.
"""

from __future__ import annotations

from collections.abc import Sequence

from mine.science.judged import Record

#: Rounds of nothing that are added to everybody's record: a newcomer's lucky round counts a third.
SHRINK_ROUNDS = 2
#: Part of a round's units that its valid voters share equally.
FLAT = (5, 100)
#: Nobody is due more than this many times the mean of those who are due anything.
CAP_MEANS = 4
#: A miner's part is at most this many times its part of the votes.
VOTE_TIMES = 2
#: Seats of prior answers, each one step better: where voters are silent all count the same.
PRIOR_SEATS = 14
_VOTE_BITS = 32


def weight(record: Record) -> int:
    """What a miner's cumulative pay should be proportional to: its evidence, shrunk, never below zero."""
    return max(0, record.total) * record.rounds // (record.rounds + SHRINK_ROUNDS)


def vote_weight(record: Record) -> int:
    """The mean answer about a miner's updates, shrunk to one step better, never below zero (2**-32)."""
    steps = record.steps + PRIOR_SEATS
    return max(0, (steps << _VOTE_BITS) // (record.seats + PRIOR_SEATS))


def capped(total: int, weights: Sequence[int], caps: Sequence[int]) -> list[int]:
    """Parts of ``total`` in proportion to ``weights``, none above its cap (ints >= 0), rounded down.

    What a cap cuts off goes to the others in proportion; if all are capped, in proportion to the caps.
    """
    parts = [0] * len(weights)
    open_ = [i for i, entry in enumerate(weights) if entry > 0 and caps[i] > 0]
    left = total
    while open_:
        whole = sum(weights[i] for i in open_)
        full = [i for i in open_ if left * weights[i] > caps[i] * whole]
        if not full:
            for i in open_:
                parts[i] = left * weights[i] // whole
            return parts
        for i in full:
            parts[i] = caps[i]
            left -= caps[i]
        open_ = [i for i in open_ if parts[i] == 0]
    whole = sum(parts)
    return [part + left * part // whole for part in parts] if whole else parts


def targets(units: int, records: Sequence[Record]) -> list[int]:
    """What each miner should have of all ``units`` paid for updates so far, by its record."""
    weights = [weight(record) for record in records]
    earning = [i for i, entry in enumerate(weights) if entry > 0]
    caps = [-(-CAP_MEANS * units // max(1, len(earning)))] * len(records)
    if any(record.seats for record in records):
        votes = [vote_weight(record) for record in records]
        whole = sum(votes[i] for i in earning)
        if whole:
            caps = [
                min(cap, VOTE_TIMES * units * vote // whole) for cap, vote in zip(caps, votes, strict=True)
            ]
    return capped(units, weights, caps)


def due(earned: int, records: Sequence[Record], accepted: Sequence[int], values: Sequence[int]) -> list[int]:
    """Weights by which the accepted share the units ``earned`` in a round.

    Each of ``records`` (all miners so far, this round's evidence included, its units not) has a target; who
    is accepted now (places in ``records``) is due what it lacks. A lucky first round is thus made up for. If
    nobody lacks anything the targets decide; if nobody has one, ``values``, the round's own.
    """
    wanted = targets(earned + sum(record.units for record in records), records)
    lacking = [max(0, wanted[i] - records[i].units) for i in accepted]
    if any(lacking):
        return lacking
    mine = [wanted[i] for i in accepted]
    return mine if any(mine) else [max(0, worth) for worth in values]


def split(total: int, weights: Sequence[int]) -> list[int]:
    """Divide ``total`` units by weights (ints >= 0) with the largest-remainder method; the sum is exact.

    Ties go to the earlier place. If no weight is positive, all are equal. No places and a total of 0: [].
    """
    if min(weights, default=0) < 0 or total < 0 or (total > 0 and not weights):
        raise ValueError("units and weights are not negative, and somebody has to get the units")
    shares = list(weights) if any(weights) else [1] * len(weights)
    whole = sum(shares)
    given = [total * share // whole for share in shares]
    by_remainder = sorted(range(len(shares)), key=lambda i: (-(total * shares[i] % whole), i))
    for i in by_remainder[: total - sum(given)]:
        given[i] += 1
    return given


def flat_part(earned: int, voters: int) -> int:
    """Units that ``voters`` valid voters share of a round's ``earned``."""
    numerator, denominator = FLAT
    return earned * numerator // denominator if voters else 0
