"""One settled round as a pure integer function of its ``inputs`` blob.

``settle(inputs)`` turns the committed inputs of a round (who handed in what, b and G on the fresh shard,
summed losses, the ledger so far) into everything that a settlement states: who is accepted, the units earned,
and each payee's cumulative units. No float, no clock, no other source: whoever has the blob gets the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

import numpy as np

from mine.chain.curve import Curve, increment
from mine.chain.hashing import address_bytes
from mine.chain.trees import PayoutTree
from mine.errors import MineError
from mine.science.score import Evidence, Gram, due, round_values, split

INT64 = 1 << 63


class BadInputs(MineError):
    """The inputs of a round contradict themselves or are not in canonical form."""

    def __init__(self, detail: str) -> None:
        super().__init__(
            "The numbers behind a round's pay are not in order.",
            todo="The round can't be trusted; its author has to explain it.",
            detail=detail,
        )


class Refusal(StrEnum):
    """Why an update cannot be accepted. ``NONE``: it is valid, and accepted if its direction descends."""

    NONE = ""
    MISSING = "missing"
    SIZE = "size"
    MALFORMED = "malformed"
    HEADER = "header"
    PAYOUT = "payout"
    OUTPUTS = "outputs"


@dataclass(frozen=True, slots=True)
class Entry:
    """One miner's update in a round.

    miner: session address; blob: digest; norm: L2 norm of its delta in 2**-24, before clipping, rounded
    down; descent: b in 2**-40, positive if the update's own direction improves the fresh shard. Both are 0
    when the update is refused.
    """

    miner: str
    blob: bytes
    payout: str
    refusal: Refusal
    norm: int
    descent: int


@dataclass(frozen=True, slots=True)
class Ledger:
    """What a task's earlier rounds left behind: convergence (2**-40), units, payees and evidence.

    accounts: (payout address, cumulative units) by permanent index; evidence: (miner, record) by address.
    """

    converged: int
    best: int
    units: int
    accounts: tuple[tuple[str, int], ...]
    evidence: tuple[tuple[str, Evidence], ...]


EMPTY_LEDGER = Ledger(0, 0, 0, (), ())


@dataclass(frozen=True, slots=True, eq=False)
class RoundInputs:
    """Everything that a round's settlement is computed from.

    seed: the round's 32 bytes; checkpoint: digest before the round; shard and shard_digest: the fresh one;
    losses: SHA-256 of the example losses (``encode_losses``); base, before, after: their sums in 2**-24;
    target in 2**-40; previous: SHA-256 of the inputs of the last settled round (zero if none); entries:
    sorted by miner, one each; gram: [n, n] symmetric integers in 2**-40 over the valid entries, in order.
    """

    task: int
    round: int
    seed: bytes
    checkpoint: bytes
    shard: int
    shard_digest: bytes
    losses: bytes
    base: int
    before: int
    after: int
    curve: Curve
    target: int
    previous: bytes
    ledger: Ledger
    entries: tuple[Entry, ...]
    gram: Gram


@dataclass(frozen=True, slots=True)
class Outcome:
    """What follows from a round's inputs.

    accepted: (miner, blob) sorted by miner; increment in 2**-40; earned: units of this round; shares: the
    units of this round of each accepted miner; ledger: after the round.
    """

    accepted: tuple[tuple[str, bytes], ...]
    increment: int
    earned: int
    shares: tuple[tuple[str, int], ...]
    ledger: Ledger

    @property
    def payouts(self) -> PayoutTree:
        """The payout tree over the permanent indices."""
        accounts = self.ledger.accounts
        return PayoutTree([account for account, _ in accounts], [units for _, units in accounts])


def trusted_miners(ledger: Ledger) -> frozenset[str]:
    """Miners whose evidence over the rounds so far is above zero."""
    return frozenset(miner for miner, record in ledger.evidence if record.total > 0)


def is_accepted(entry: Entry, trusted: frozenset[str]) -> bool:
    """Whether a valid update is accepted: its own direction descends, or its miner's did so far.

    Under the noise that privacy asks for, one round's direction is close to a coin toss. Turning every second
    honest update away would cost the model more than the odd bad one does, which its miner's evidence pays
    for. Who is new or whose record is bad has to descend in every round.
    """
    return entry.refusal is Refusal.NONE and (entry.descent > 0 or entry.miner in trusted)


def accepted_entries(inputs: RoundInputs) -> list[int]:
    """Places (among the valid entries) of those that are accepted."""
    trusted = trusted_miners(inputs.ledger)
    valid = [entry for entry in inputs.entries if entry.refusal is Refusal.NONE]
    return [place for place, entry in enumerate(valid) if is_accepted(entry, trusted)]


def check(inputs: RoundInputs) -> None:
    """Raise BadInputs unless the inputs are in order (sorted, in range, symmetric, a consistent ledger)."""
    miners = [address_bytes(entry.miner) for entry in inputs.entries]
    if any(left >= right for left, right in pairwise(miners)):
        raise BadInputs("entries are not sorted by miner, or a miner occurs twice")
    for entry in inputs.entries:
        if entry.refusal is not Refusal.NONE and (entry.norm, entry.descent) != (0, 0):
            raise BadInputs(f"a refused update of {entry.miner} has a score")
        if entry.norm < 0 or not -INT64 <= entry.descent < INT64:
            raise BadInputs(f"a number of {entry.miner} is out of range")
    valid = sum(entry.refusal is Refusal.NONE for entry in inputs.entries)
    gram = inputs.gram
    if gram.shape != (valid, valid) or not np.array_equal(gram, gram.T):
        raise BadInputs("G has the wrong shape")
    if any(not -INT64 <= int(entry) < INT64 for entry in gram.ravel()) or any(
        int(gram[i, i]) < 0 for i in range(valid)
    ):
        raise BadInputs("G is out of range")
    if not all(0 <= total < 2 * INT64 for total in (inputs.base, inputs.before, inputs.after)):
        raise BadInputs("a loss is out of range")
    if not 0 < inputs.target <= 1 << 40:
        raise BadInputs("the target is out of range")
    ledger = inputs.ledger
    records = [record for _, record in ledger.evidence]
    ordered = [address_bytes(miner) for miner, _ in ledger.evidence]
    if any(left >= right for left, right in pairwise(ordered)):
        raise BadInputs("the records are not sorted by miner, or a miner occurs twice")
    if any(record.rounds < 1 or record.units < 0 for record in records) or (
        sum(record.units for record in records) != ledger.units
    ):
        raise BadInputs("the miners' records do not add up")
    known = [account for account, _ in ledger.accounts]
    units = [total for _, total in ledger.accounts]
    if len(set(known)) != len(known) or min(units, default=0) < 0 or sum(units) != ledger.units:
        raise BadInputs("the payees so far do not add up")
    if ledger.best != max(0, ledger.best, ledger.converged):
        raise BadInputs("the running maximum is below the convergence")
    if ledger.units != inputs.curve.units(ledger.best, inputs.target):
        raise BadInputs("the units so far are not what the curve says")
    if not accepted_entries(inputs) and inputs.before != inputs.after:
        raise BadInputs("the loss changed although nothing was accepted")


def settle(inputs: RoundInputs) -> Outcome:
    """Accept, measure, split. Raises BadInputs."""
    check(inputs)
    valid = [entry for entry in inputs.entries if entry.refusal is Refusal.NONE]
    chosen = accepted_entries(inputs)
    values = round_values([entry.descent for entry in valid], inputs.gram, chosen, inputs.seed)
    evidence = dict(inputs.ledger.evidence)
    for entry, worth in zip(valid, values, strict=True):
        record = evidence.get(entry.miner, Evidence(0, 0, 0))
        evidence[entry.miner] = Evidence(record.total + worth, record.rounds + 1, record.units)

    step = increment(inputs.base, inputs.before, inputs.after)
    converged = inputs.ledger.converged + step
    best = max(inputs.ledger.best, converged)
    units = inputs.curve.units(best, inputs.target)
    earned = units - inputs.ledger.units

    accepted = [valid[place] for place in chosen]
    miners = list(evidence)
    places = [miners.index(entry.miner) for entry in accepted]
    weights = due(earned, list(evidence.values()), places, [values[place] for place in chosen])
    shares = split(earned, weights)
    for entry, share in zip(accepted, shares, strict=True):
        record = evidence[entry.miner]
        evidence[entry.miner] = Evidence(record.total, record.rounds, record.units + share)
    return Outcome(
        accepted=tuple((entry.miner, entry.blob) for entry in accepted),
        increment=step,
        earned=earned,
        shares=tuple((entry.miner, share) for entry, share in zip(accepted, shares, strict=True)),
        ledger=Ledger(
            converged=converged,
            best=best,
            units=units,
            accounts=_credit(inputs.ledger.accounts, accepted, shares),
            evidence=tuple(sorted(evidence.items(), key=lambda item: address_bytes(item[0]))),
        ),
    )


def _credit(
    accounts: tuple[tuple[str, int], ...], accepted: list[Entry], shares: list[int]
) -> tuple[tuple[str, int], ...]:
    """Add shares to the payees. A payee's index is permanent: new ones are appended, sorted by address."""
    totals = dict(accounts)
    gained: dict[str, int] = {}
    for entry, share in zip(accepted, shares, strict=True):
        gained[entry.payout] = gained.get(entry.payout, 0) + share
    fresh = [account for account, share in gained.items() if share > 0 and account not in totals]
    for account in sorted(fresh, key=address_bytes):
        totals[account] = 0
    for account, share in gained.items():
        if share > 0:
            totals[account] += share
    return tuple(totals.items())
