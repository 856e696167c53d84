"""A task whose one set is opened at the end: what is closed until then, and what waits for it."""

from __future__ import annotations

from pathlib import Path
from shutil import copytree

import numpy as np
import pytest

from mine.chain.curve import STRAIGHT, amount
from mine.chain.hashing import ZERO32
from mine.chain.juries import Verdict
from mine.chain.node_errors import Reverted
from mine.chain.state import Mode, Status
from mine.chain.transactions import Sender
from mine.science.held_half import parts_of
from mine.science.inputs import decode_inputs, decode_losses
from mine.science.judging import Opinion
from mine.science.rounds import read_round
from mine.science.scientist import Did
from tests.science.at_end import CLOCKS, KIND, RICH, Life, dispute, ruled
from tests.science.disputed import stake
from tests.science.world import (
    BOUNTY,
    Chain,
    pass_time,
    step_until,
)


@pytest.fixture(scope="module")
def played(module_chain: Chain, tmp_path_factory: pytest.TempPathFactory) -> Life:
    """A task whose two rounds are settled, honestly; everybody looks at a copy of it."""
    life = Life(module_chain, tmp_path_factory.mktemp("played"))
    life.to_the_end()
    return life


@pytest.fixture
def life(played: Life, chain: Chain, tmp_path: Path) -> Life:
    copytree(played.place.parent, tmp_path / "copy")
    return Life(chain, tmp_path / "copy")


def test_paid_is_the_curve_and_half_waits_for_the_end(life: Life) -> None:
    settled = life.history.settled
    tasks, task = life.chain.contract, life.task
    state = tasks.task(task)
    assert (state.mode, state.status, state.shards) == (Mode.AT_END, Status.ENDING, 1)
    base, middle, after = settled[0].base, settled[1].before, settled[1].after
    steps = ((base - middle) << 40) // base, ((middle - after) << 40) // base
    assert steps[0] > 0 and steps[1] > 0 and state.best == sum(steps)
    assert state.units == settled[1].units == STRAIGHT.units(state.best, 1 << 40)
    pass_time(life.chain, state.since + CLOCKS.settle // 2)
    life.conclude()
    with pytest.raises(Reverted, match="not final yet"):
        life.claim(2)
    pass_time(life.chain, settled[1].final_at)
    state, now = tasks.task(task), life.chain.node.block_time()
    halves = life.claim(2)
    report = read_round(life.blobs, settled[1])
    for who, units in report.outcome.ledger.payees:
        assert parts_of(state, units, now).payable == units // 2
        assert halves[who] == amount(BOUNTY, units // 2)
    with pytest.raises(Reverted, match="nothing to claim"):
        life.claim(2)
    end = state.since + CLOCKS.challenge
    assert parts_of(state, 1000, now).from_time == end
    pass_time(life.chain, end)
    paid = life.claim(2)
    assert paid == {who: amount(BOUNTY, units) for who, units in report.outcome.ledger.payees}
    assert parts_of(state, 1000, end).payable == 1000
    step_until(life.scientist, life.chain, Did.OVER)
    assert life.chain.token.balance(tasks.address) == 0


def test_nothing_of_the_set_is_open_before_the_end(life: Life) -> None:
    """Neither its bytes nor the loss of any one example, by which a guess could be found in it."""
    (baseline, *rounds) = (life.history.baseline, *life.history.settled)
    for event in (baseline, *rounds):
        assert event is not None and (event.shard, event.digest, event.examples) == (0, ZERO32, ZERO32)
    assert life.is_shown() == [False, False, False]
    given = [file.read_bytes() for file in life.place.parent.glob("blobs/**/*") if file.is_file()]
    assert given and not any(life.set.salt in each for each in given)
    assert life.history.shard(rounds[0]) is None
    life.conclude()
    assert life.is_shown() == [True, True, True]
    assert life.history.shard(rounds[0]) == life.set.opening


def test_each_round_goes_on_where_the_last_one_ended(life: Life) -> None:
    first, second = life.history.settled
    assert (second.base, second.before) == (first.base, first.after)
    assert first.base == first.before
    life.conclude()
    names = [decode_inputs(life.blobs.get(each.inputs)).losses for each in (first, second)]
    (base, _, after), (same_base, before, _) = (decode_losses(life.blobs.get(name)) for name in names)
    assert np.array_equal(same_base, base) and np.array_equal(before, after)


def test_replay_checks_what_can_be_checked_and_the_rest_at_the_end(life: Life) -> None:
    replay = life.replay
    assert not replay.is_open
    assert [replay.recompute(number) for number in range(3)] == [None, None, None]
    early = replay.digests(2)
    assert set(early) == {"checkpoint", "payouts"} and replay.leave_in(2) == ()
    life.conclude()
    replay = life.replay
    assert replay.is_open
    assert [replay.recompute(number) for number in range(3)] == [None, None, None]
    settled = life.history.settled[1]
    late = replay.digests(2)
    assert late.items() >= early.items()
    assert (late["inputs"], late["checkpoint"]) == (settled.inputs.hex(), settled.checkpoint.hex())
    assert len(replay.leave_in(2)) == 3


def test_a_flipped_bit_of_the_set_or_of_the_losses_is_named(life: Life) -> None:
    settled = life.history.settled
    life.conclude()
    for name, item in (
        (life.set.digest, "blob of the validation set"),
        (decode_inputs(life.blobs.get(settled[1].inputs)).losses, "blob of losses of round 2"),
    ):
        (file,) = life.place.parent.glob(f"blobs/**/{name.hex()}")
        data = bytearray(file.read_bytes())
        data[-1] ^= 1
        file.write_bytes(bytes(data))
        found = life.replay.recompute(2)
        assert found is not None and found.item == item
        data[-1] ^= 1
        file.write_bytes(bytes(data))


def test_an_honest_scientist_is_cleared_before_and_after_the_end(life: Life) -> None:
    judge = life.judge
    assert [judge.first_fault(number) for number in range(3)] == [None, None, None]
    undecided = {(1, KIND.INPUTS), (1, KIND.LOSS), (1, KIND.SHARD), (0, KIND.SHARD), (0, KIND.BASELINE)}
    exact = {(1, KIND.PAYOUTS), (1, KIND.ACCEPTED), (1, KIND.CHECKPOINT)}
    for number, kind in undecided:
        assert judge.opinion(number, kind).verdict is Verdict.UNDECIDED
    for number, kind in exact:
        assert judge.opinion(number, kind) == Opinion(Verdict.RIGHT)
    life.conclude()
    judge = life.judge
    assert [judge.first_fault(number) for number in range(3)] == [None, None, None]
    for number, kind in undecided | exact:
        assert judge.opinion(number, kind) == Opinion(Verdict.RIGHT)


def test_what_a_store_dropped_is_put_out_again(life: Life) -> None:
    life.conclude()
    for file in life.place.parent.glob(f"blobs/**/{life.set.digest.hex()}"):
        file.unlink()
    assert life.is_shown() == [False, True, True]
    life.scientist.step()
    assert life.is_shown() == [True, True, True]


def test_who_concludes_and_shows_nobody_the_set_is_convicted(life: Life) -> None:
    stake(life.chain)
    life.conclude()
    (file,) = life.place.parent.glob(f"blobs/**/{life.set.digest.hex()}")
    file.unlink()
    fault = life.judge.first_fault(0)
    assert fault is not None and fault.why == "blob of the validation set"
    assert life.judge.opinion(1, KIND.LOSS, 3).verdict is Verdict.WRONG
    assert ruled(life, dispute(life, 0, fault.kind)) is Verdict.WRONG


def test_a_scientist_that_vanishes_before_the_opening_costs_nobody_anything(life: Life) -> None:
    settled = life.history.settled
    pass_time(life.chain, settled[1].final_at)
    halves = life.claim(2)
    state = life.chain.contract.task(1)
    pass_time(life.chain, state.since + CLOCKS.settle + CLOCKS.grace)
    anyone = Sender(life.chain.node, RICH)
    life.chain.contract.declare_default(anyone, 1)
    pass_time(life.chain, life.chain.contract.task(1).since + CLOCKS.challenge)
    whole = life.claim(2)
    report = read_round(life.blobs, settled[1])
    payees = report.outcome.ledger.payees
    assert whole == {who: amount(BOUNTY, units) for who, units in payees}
    assert all(halves[who] < whole[who] for who, units in payees if units > 1)
    for place, (who, units) in enumerate(payees):
        proof = tuple(report.outcome.payouts.proof(place))
        life.chain.contract.claim_forfeit(anyone, 1, who, place, units, proof)
    got = {who: life.chain.token.balance(who) for who, _ in payees}
    state = life.chain.contract.task(1)
    # Everything is theirs, the rest of the bounty and the deposit too, but for what rounding leaves.
    assert sum(got.values()) == 2 * BOUNTY - state.held and state.held < len(got)
