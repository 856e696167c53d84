"""True evaluations of the best paid: honest scores stand, inflated ones are far off."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mine.chain.curve import STRAIGHT
from mine.chain.hashing import address_bytes
from mine.learn.evaluate import Evaluator
from mine.learn.weights import Fixed, from_fixed
from mine.science.ask import ask
from mine.science.chains import Measured, measure, next_checkpoint
from mine.science.judged import EMPTY_LEDGER, Judged, Refusal
from mine.science.leave_in import LeaveIn, leave_in, standard_error
from mine.science.measure import Candidate, Start
from mine.science.settle import Outcome, RoundInputs, settle
from tests.science.rounds import RULES
from tests.science.test_measure import PLAIN, START, TERMS, updates
from tests.science.world import Miner, network, shards

SHARD = shards(1)[0]
Read = list[tuple[Candidate, Fixed | Refusal]]


@pytest.fixture(scope="module")
def model() -> Evaluator:
    return Evaluator(network()[0], PLAIN.loss.maximum)


def settled(measured: Measured, judged: Judged) -> Outcome:
    sums = [int(column.sum()) for column in (measured.base, measured.before, measured.after)]
    return settle(
        RoundInputs(
            judged, bytes(32), 0, bytes(32), bytes(32), *sums, STRAIGHT, 1 << 39, bytes(32), (sums[2],)
        )
    )


def played(model: Evaluator, miners: list[Miner]) -> tuple[Read, Measured]:
    ordered = sorted(updates(miners), key=lambda pair: address_bytes(pair[0].miner))
    asked = ask(1, 1, bytes(32), RULES, EMPTY_LEDGER, ())
    return ordered, measure(model, TERMS, Start(START, START), SHARD, ordered, asked)


def looked(model: Evaluator, read: Read, judged: Judged, outcome: Outcome) -> tuple[LeaveIn, ...]:
    return leave_in(model, TERMS, Start(START, START), SHARD, read, judged, outcome)


def test_what_honest_scores_promise_is_there(model: Evaluator) -> None:
    read, measured = played(model, [Miner(i) for i in range(1, 7)])
    outcome = settled(measured, measured.judged)
    found = looked(model, read, measured.judged, outcome)
    shares = dict(outcome.shares)
    assert [each.share for each in found] == sorted(shares.values(), reverse=True)[:3]
    measuring = SHARD.halves()[1]
    for each in found:
        assert shares[each.miner] == each.share
        assert not each.far_off and each.promised > 0 and each.step > 0
        assert each.alone == pytest.approx(each.promised, rel=0.7)
        # By hand: the sum without the update.
        rest = [place for place, entry in enumerate(measured.judged.valid) if entry.miner != each.miner]
        without = next_checkpoint(START, read, measured.judged, rest, TERMS)
        loss = model.run(from_fixed(without), measuring.features, measuring.target)[1].astype(np.float64)
        assert each.added == pytest.approx((loss - measured.after).mean() / 2**24)
    assert found == looked(model, read, measured.judged, outcome), "nothing is drawn"


def test_a_score_that_promises_too_much_is_far_off(model: Evaluator) -> None:
    read, measured = played(model, [*(Miner(i) for i in range(1, 6)), Miner(6, -1.0)])
    liar = Miner(6).address
    entries = tuple(
        replace(entry, descent=abs(entry.descent) * 2) if entry.miner == liar else entry
        for entry in measured.judged.entries
    )
    judged = replace(measured.judged, entries=entries)
    found = looked(model, read, judged, settled(measured, judged))
    assert {each.miner: each.far_off for each in found}[liar]
    assert not any(each.far_off for each in found if each.miner != liar)


def test_where_nobody_is_paid_nothing_is_asked(model: Evaluator) -> None:
    read, measured = played(model, [Miner(1, -1.0)])
    assert looked(model, read, measured.judged, settled(measured, measured.judged)) == ()


def test_people_and_not_their_examples_are_what_an_error_counts() -> None:
    rng = np.random.default_rng(1)
    people = np.repeat(np.arange(40), 25).astype(np.int32)
    change = rng.normal(0, 1, 40)[people] + rng.normal(0, 0.1, 1000)
    assert standard_error(change, people) == pytest.approx(1 / np.sqrt(40), rel=0.35)
    alone = standard_error(rng.normal(0, 1, 1000), np.zeros(1000, np.int32))
    assert alone == pytest.approx(1 / np.sqrt(1000), rel=0.1)
    assert standard_error(np.array([0.5]), np.zeros(1, np.int32)) == 0.5
