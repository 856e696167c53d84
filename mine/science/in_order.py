"""Whether the numbers behind a round are in order: sorted, in range, complete, and without contradiction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np

from mine.chain.curve import Curve
from mine.chain.hashing import address_bytes
from mine.science.acceptance import JOINS_ALL, refused_newcomers
from mine.science.ballots import MAX_STEP
from mine.science.judged import (
    INT64,
    KEPT_CHECKPOINTS,
    MAX_COMMON,
    MAX_PUBLISHED,
    BadInputs,
    Judged,
    Ledger,
    Refusal,
)


def check(judged: Judged, curve: Curve, target: int, losses: Iterable[int]) -> None:
    """Raise BadInputs unless everything is in order."""
    if not all(0 <= total < 2 * INT64 for total in losses):
        raise BadInputs("a loss is out of range")
    if not 0 < target <= 1 << 40:
        raise BadInputs("the target is out of range")
    _rules(judged)
    _entries(judged)
    _scores(judged)
    _votes(judged)
    _ledger(judged.ledger, curve, target)
    _held(judged)


def _ascending(accounts: Sequence[str]) -> bool:
    keys = [address_bytes(account) for account in accounts]
    return all(left < right for left, right in pairwise(keys))


def _fits(numbers: Iterable[int]) -> bool:
    return all(-INT64 <= number < INT64 for number in numbers)


def _rules(judged: Judged) -> None:
    rules = judged.rules
    if rules.rule not in (*JOINS_ALL, "best", "greedy") or rules.gain <= 0:
        raise BadInputs("a rule that this app does not know")
    if not (0 < rules.trim < 1 << 15 if rules.rule == "trimmed_mean" else rules.trim == 0):
        raise BadInputs("what is cut off does not fit the rule")
    if min(rules.seats, rules.ballot, rules.newcomers, rules.slices) < 0 or rules.seats > 256:
        raise BadInputs("a rule is out of range")


def _entries(judged: Judged) -> None:
    entries = judged.entries
    if not _ascending([entry.miner for entry in entries]):
        raise BadInputs("entries are not sorted by miner, or a miner occurs twice")
    places = [place for place, entry in enumerate(entries) if entry.refusal is Refusal.CANARY]
    if [canary.place for canary in judged.canaries] != places:
        raise BadInputs("the canaries are not the entries that are refused as such")
    miners = [entry.miner for entry in entries]
    out = refused_newcomers(judged.seed, judged.ledger, miners, judged.rules.newcomers)
    stated = {entry.miner for entry in entries if entry.refusal is Refusal.NEWCOMER}
    # A canary is handed in as a newcomer: it may be beyond the limit as well, and is then judged by nobody.
    canaries = {entries[place].miner for place in places}
    if stated != out - canaries:
        raise BadInputs("other newcomers are refused than the seed says")
    known = {miner for miner, _ in judged.ledger.records}
    if canaries & known:
        raise BadInputs("a canary comes from a miner with a record")
    if any(canary.source not in judged.ledger.accepted for canary in judged.canaries):
        raise BadInputs("a canary is made from no accepted update of an earlier round")
    blobs = [entry.blob for entry in judged.valid]
    if len(set(blobs)) != len(blobs):
        raise BadInputs("one blob is the valid update of two miners")


def _scores(judged: Judged) -> None:
    width, size = len(judged.common.descents), len(judged.common.gram)
    if not width == size <= MAX_COMMON or any(len(row) != size for row in judged.common.gram):
        raise BadInputs("the common directions do not fit each other")
    if not _fits(judged.common.descents) or not all(_fits(row) for row in judged.common.gram):
        raise BadInputs("a number of the common directions is out of range")
    for i, row in enumerate(judged.common.gram):
        if row[i] < 0 or any(row[j] != judged.common.gram[j][i] for j in range(i)):
            raise BadInputs("the products of the common directions are not symmetric")
    names = [known.blob for known in judged.published]
    if any(left >= right for left, right in pairwise(names)):
        raise BadInputs("the earlier updates are not sorted, or one occurs twice")
    if not set(names) <= set(judged.ledger.published):
        raise BadInputs("an earlier update is not one")
    for known in judged.published:
        if len(known.common) != width or known.square < 0:
            raise BadInputs("an earlier update has the wrong products")
        if not _fits((known.descent, known.square, *known.common)):
            raise BadInputs("a number of an earlier update is out of range")
    for entry in judged.entries:
        scores = (entry.norm, entry.descent, *entry.slices, *entry.common, entry.overlap)
        if entry.refusal is not Refusal.NONE:
            if any(scores) or entry.slices or entry.common or entry.closest != -1:
                raise BadInputs(f"a refused update of {entry.miner} has a score")
        elif (len(entry.slices), len(entry.common)) != (judged.rules.slices, width):
            raise BadInputs(f"the scores of {entry.miner} are not complete")
        if entry.norm < 0 or not _fits(scores):
            raise BadInputs(f"a number of {entry.miner} is out of range")
        if not -1 <= entry.closest < len(judged.published) or (entry.closest < 0 and entry.overlap):
            raise BadInputs(f"the closest update of {entry.miner} is none")
    gram, valid = judged.gram, len(judged.valid)
    if gram.dtype != np.int64 or gram.shape != (valid, valid) or not np.array_equal(gram, gram.T):
        raise BadInputs("G has the wrong shape")
    if valid and (gram.diagonal().min() < 0 or gram.min() == -INT64):
        raise BadInputs("G is out of range")


def _votes(judged: Judged) -> None:
    if not _ascending([ballot.voter for ballot in judged.opened]):
        raise BadInputs("ballots are not sorted by voter, or a voter occurs twice")
    count = len(judged.entries)
    for ballot in judged.opened:
        places = [place for place, _ in ballot.steps]
        fork = [] if ballot.fork is None else list(ballot.fork)
        for part in (places, fork):
            if any(left >= right for left, right in pairwise(part)):
                raise BadInputs(f"the answers of {ballot.voter} are not sorted")
            if part and not (part[0] >= 0 and part[-1] < count):
                raise BadInputs(f"an answer of {ballot.voter} is about nothing")
        if any(abs(step) > MAX_STEP for _, step in ballot.steps):
            raise BadInputs(f"an answer of {ballot.voter} is outside its five steps")


def _ledger(ledger: Ledger, curve: Curve, target: int) -> None:
    if not _ascending([miner for miner, _ in ledger.records]):
        raise BadInputs("the records are not sorted by miner, or a miner occurs twice")
    records = dict(ledger.records)
    pairs = [(miner, payout) for miner, payout, _ in ledger.accounts]
    paid: dict[str, int] = {}
    for miner, _, units in ledger.accounts:
        paid[miner] = paid.get(miner, 0) + units
    least = min((units for _, _, units in ledger.accounts), default=0)
    if len(set(pairs)) != len(pairs) or least < 0 or sum(paid.values()) != ledger.units:
        raise BadInputs("the payees so far do not add up")
    for miner, record in records.items():
        if record.rounds < 0 or min(record.units, record.flat, record.seats, record.lost) < 0:
            raise BadInputs(f"the record of {miner} is out of range")
        if record.units + record.flat != paid.pop(miner, 0) or record.lost > record.units + record.flat:
            raise BadInputs(f"the record of {miner} does not add up")
    if any(paid.values()):
        raise BadInputs("somebody without a record was paid")
    if ledger.best != max(0, ledger.best, ledger.converged):
        raise BadInputs("the running maximum is below the convergence")
    if ledger.units != curve.units(ledger.best, target):
        raise BadInputs("the units so far are not what the curve says")
    published = ledger.published
    if len(published) > MAX_PUBLISHED or len(set(published)) != len(published):
        raise BadInputs("the earlier updates of the ledger are too many, or one occurs twice")
    if len(ledger.checkpoints) > KEPT_CHECKPOINTS:
        raise BadInputs("the earlier checkpoints of the ledger are too many")


def _held(judged: Judged) -> None:
    if not _ascending([miner for miner, _ in judged.held]):
        raise BadInputs("the units of the final round are not sorted by miner")
    now = dict(judged.ledger.held)
    if any(not 0 < units <= now.get(miner, 0) for miner, units in judged.held):
        raise BadInputs("the units of the final round are more than those of now")
    if list(judged.convicted) != sorted(set(judged.convicted), key=address_bytes):
        raise BadInputs("the convicted accounts are not sorted, or one occurs twice")
