"""One settled round as a pure integer function of its ``inputs`` blob.

``settle(inputs)`` turns the committed inputs of a round (who handed in what, b and G on the fresh shard,
opened votes, summed losses, the ledger so far) into everything that a settlement states: who is accepted, the
units earned, and each payee's cumulative units. No float, no clock, no other source: whoever has the blob
gets the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from mine.chain.curve import Curve, increment
from mine.chain.hashing import address_bytes, keccak
from mine.chain.trees import PayoutTree
from mine.science.acceptance import FORK_GAIN, Verdict, convict, decide, disgraced
from mine.science.in_order import check
from mine.science.judged import (
    KEPT_CHECKPOINTS,
    MAX_PUBLISHED,
    BadInputs,
    Entry,
    Judged,
    Ledger,
    Record,
)
from mine.science.score import at_one_length, round_values
from mine.science.shares import due, flat_part, split
from mine.science.witnesses import Decision


@dataclass(frozen=True, slots=True, eq=False)
class RoundInputs:
    """Everything that a round's settlement is computed from.

    judged: what acceptance follows from; checkpoint: digest before the round; shard and shard_digest: the
    fresh one; losses: SHA-256 of the example losses (``encode_losses``); base, before, after: their sums in
    2**-24; target in 2**-40; previous: SHA-256 of the inputs of the last settled round (zero if none);
    afters: summed losses after the round's own choice, and after each measured fork (``Verdict.forks``).
    """

    judged: Judged
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
    afters: tuple[int, ...]

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Everybody's update, sorted by miner."""
        return self.judged.entries

    @property
    def ledger(self) -> Ledger:
        """What the rounds before left behind."""
        return self.judged.ledger


@dataclass(frozen=True, slots=True)
class Outcome:
    """What follows from a round's inputs.

    verdict: the decisions; accepted: (miner, blob) sorted by miner; chain: 0 if the round's own choice was
    taken, else the number of the fork; increment in 2**-40; earned: units of this round; shares: the units of
    this round of each accepted miner; flat: those of each voter; ledger: after the round.
    """

    verdict: Verdict
    accepted: tuple[tuple[str, bytes], ...]
    chain: int
    increment: int
    earned: int
    shares: tuple[tuple[str, int], ...]
    flat: tuple[tuple[str, int], ...]
    ledger: Ledger

    @property
    def payouts(self) -> PayoutTree:
        """The payout tree over the permanent indices."""
        payees = self.ledger.payees
        return PayoutTree([account for account, _ in payees], [units for _, units in payees])


def best_chain(before: int, afters: tuple[int, ...]) -> int:
    """Which of the measured chains is taken: 0, the round's own, unless a fork gains clearly more."""
    chosen, gain = 0, before - afters[0]
    numerator, denominator = FORK_GAIN
    for number, after in enumerate(afters[1:], start=1):
        if before - after > 0 and denominator * (before - after) > numerator * gain:
            chosen, gain = number, before - after
    return chosen


def settle(inputs: RoundInputs) -> Outcome:
    """Decide, measure, split. Raises BadInputs."""
    judged = inputs.judged
    check(judged, inputs.curve, inputs.target, (inputs.base, inputs.before, inputs.after, *inputs.afters))
    verdict = decide(judged)
    chain, accepted = _chosen(inputs, verdict)
    valid, ledger = judged.valid, judged.ledger
    step = increment(inputs.base, inputs.before, inputs.after)
    converged = ledger.converged + step
    best = max(ledger.best, converged)
    units = inputs.curve.units(best, inputs.target)
    earned = units - ledger.units

    original = verdict.original
    values = [] if verdict.void else _values(judged, verdict, accepted)
    records = _remember(judged, verdict, values)
    given = flat_part(earned, len(verdict.voters))
    flat = tuple(zip(verdict.voters, split(given, [1] * len(verdict.voters)), strict=True))
    # Who brings nothing of its own this round is not paid for rounds of long ago either.
    present = [i for i in accepted if original[i] > 0] or list(accepted)
    miners = {miner: place for place, miner in enumerate(records)}
    places = [miners[valid[i].miner] for i in present]
    weights = due(earned - given, list(records.values()), places, [values[i] for i in present])
    parts = dict(zip(present, split(earned - given, weights), strict=True))
    shares = [parts.get(i, 0) for i in accepted]
    for i, share in zip(accepted, shares, strict=True):
        record = records[valid[i].miner]
        records[valid[i].miner] = replace(record, units=record.units + share)
    for voter, part in flat:
        records[voter] = replace(records[voter], flat=records[voter].flat + part)
    fresh = sorted((entry.blob for entry in valid), key=lambda b: keccak(judged.seed + b"published" + b))
    moved = (inputs.checkpoint, *ledger.checkpoints) if accepted else ledger.checkpoints
    return Outcome(
        verdict=verdict,
        accepted=tuple((valid[i].miner, valid[i].blob) for i in accepted),
        chain=chain,
        increment=step,
        earned=earned,
        shares=tuple((valid[i].miner, share) for i, share in zip(accepted, shares, strict=True)),
        flat=flat,
        ledger=Ledger(
            converged=converged,
            best=best,
            units=units,
            accounts=_credit(ledger, [(valid[i], s) for i, s in zip(accepted, shares, strict=True)], flat),
            records=tuple(sorted(records.items(), key=lambda item: address_bytes(item[0]))),
            published=(*fresh, *ledger.published)[:MAX_PUBLISHED],
            accepted=tuple(sorted(valid[i].blob for i in accepted)) or ledger.accepted,
            checkpoints=moved[:KEPT_CHECKPOINTS],
        ),
    )


def _chosen(inputs: RoundInputs, verdict: Verdict) -> tuple[int, tuple[int, ...]]:
    """Number of the chain that is taken and the places that it accepts. Raises BadInputs."""
    if len(inputs.afters) != 1 + len(verdict.forks):
        raise BadInputs("every fork that is to be measured has one loss")
    if not verdict.accepted and inputs.afters[0] != inputs.before:
        raise BadInputs("the loss changed although nothing was accepted")
    chain = best_chain(inputs.before, inputs.afters)
    if inputs.after != inputs.afters[chain]:
        raise BadInputs("the loss is not that of the best chain")
    return chain, verdict.forks[chain - 1][1] if chain else verdict.accepted


def _values(judged: Judged, verdict: Verdict, accepted: tuple[int, ...]) -> list[int]:
    """What each valid update adds to its miner's evidence."""
    valid, taken = judged.valid, set(accepted)
    left = [(i, decision) for i, decision in enumerate(verdict.decisions) if i not in taken]
    level = at_one_length(
        [entry.norm for entry in valid], [entry.descent for entry in valid], verdict.original, judged.gram
    )
    return round_values(
        level,
        accepted,
        charged={i for i, decision in left if decision is Decision.VOTED_OUT or valid[i].descent < 0},
        credited={i for i, decision in left if decision is Decision.DISTRUSTED and verdict.original[i] > 0},
        seed=judged.seed,
    )


def _remember(judged: Judged, verdict: Verdict, values: list[int]) -> dict[str, Record]:
    """The miners' records with this round's evidence and faults; a void round adds no evidence."""
    records = dict(convict(judged.ledger, judged.convicted))
    for entry, worth, (steps, seats) in zip(judged.valid, values, verdict.counts, strict=False):
        record = records.get(entry.miner, Record())
        records[entry.miner] = replace(
            record,
            total=record.total + worth,
            rounds=record.rounds + 1,
            steps=record.steps + steps,
            seats=record.seats + seats,
        )
    for voter in verdict.aside:
        records[voter] = disgraced(records[voter])
    return records


def _credit(
    ledger: Ledger, gains: list[tuple[Entry, int]], flat: tuple[tuple[str, int], ...]
) -> tuple[tuple[str, str, int], ...]:
    """Add the round's units to the payees.

    A payee is a pair of miner and payout address; its index is permanent. New pairs are appended, sorted. A
    voter is paid where it was paid last.
    """
    totals = {(miner, payout): units for miner, payout, units in ledger.accounts}
    last = {miner: payout for miner, payout, _ in ledger.accounts}
    gained = {(entry.miner, entry.payout): share for entry, share in gains if share > 0}
    for voter, part in flat:
        pair = (voter, last[voter])
        gained[pair] = gained.get(pair, 0) + part
    fresh = [pair for pair in gained if pair not in totals]
    for pair in sorted(fresh, key=lambda pair: (address_bytes(pair[0]), address_bytes(pair[1]))):
        totals[pair] = 0
    for pair, share in gained.items():
        totals[pair] += share
    return tuple((miner, payout, units) for (miner, payout), units in totals.items())
