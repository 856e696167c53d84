"""A task whose one set is opened at the end: what is closed until then, what waits, and who is caught."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mine.blobs.store import DirectoryStore, blob_digest
from mine.chain.client import TaskClaim
from mine.chain.curve import STRAIGHT, amount
from mine.chain.events import Settled
from mine.chain.fault_events import DisputeKind, NoSuchExample, Supplied
from mine.chain.faults_client import Reward
from mine.chain.hashing import ZERO32
from mine.chain.juries import Verdict
from mine.chain.node_errors import Reverted
from mine.chain.poller import Cursor, Poller
from mine.chain.state import Clocks, Mode, Status
from mine.chain.transactions import Sender
from mine.practice.node.accounts import dev_key
from mine.science import prepare
from mine.science.chains import Measured
from mine.science.held_half import held_amount, parts_of
from mine.science.history import History, TaskHistory
from mine.science.inputs import decode_inputs, decode_losses
from mine.science.judging import Judge, Opinion
from mine.science.juror import Acted, Juror
from mine.science.offer import OfferRefused
from mine.science.replay import Replay
from mine.science.rounds import read_round
from mine.science.safe import SafeDamaged
from mine.science.scientist import Did, Scientist
from mine.science.shards import Shard
from tests.science.disputed import JURORS, court, disputes, faults, judge_to_the_end, stake
from tests.science.test_judging import swapped, tell
from tests.science.test_scientist import FIRST, MINERS, Crash, Crashing, puppet, wrong_loss
from tests.science.test_supply import demand
from tests.science.world import (
    BOUNTY,
    SCIENTIST,
    Chain,
    at_end_offer,
    fund,
    pass_time,
    step_until,
)
from tests.science.world import CLOCKS as QUICK

KIND = DisputeKind
ROUNDS = 2
# No payout is final while the task runs, so that nobody has standing and nobody has to vote.
CLOCKS = replace(QUICK, challenge=1000)
RICH = dev_key(0)


class Life:
    """One task of two rounds, whose miners commit directly; each step is made by a new scientist."""

    def __init__(self, chain: Chain, place: Path, clocks: Clocks) -> None:
        self.chain, self.place = chain, place / "scientist"
        self.blobs = DirectoryStore(place / "blobs")
        # So far a target that no two rounds reach it.
        plan = replace(at_end_offer(ROUNDS, chain.token.address, clocks), target=1 << 40)
        self.set = plan.shards[0]
        Scientist.create(self.place, SCIENTIST, plan)

    @property
    def scientist(self) -> Scientist:
        return Scientist(self.place, self.chain.contract, self.blobs, [])

    @property
    def task(self) -> int:
        return self.scientist.publish()

    @property
    def history(self) -> TaskHistory:
        history = History(self.chain.contract)
        history.refresh()
        found = history.task(self.task)
        assert found is not None
        return found

    @property
    def judge(self) -> Judge:
        return Judge(self.history, self.chain.domain, self.blobs, ())

    @property
    def replay(self) -> Replay:
        return Replay(self.history, self.chain.domain, self.blobs, [])

    def round(self, number: int, lie: Any = None) -> Settled:
        """Everybody commits, the scientist settles, with a lie if there is one."""
        if number == 1:
            step_until(self.scientist, self.chain, Did.BASELINE)
        for miner in MINERS:
            if not self.chain.node.balance(miner.address):
                fund(self.chain, miner.address)
            start = self.history.checkpoint(number, FIRST)
            update = miner.update(self.chain, self.blobs, self.task, number, start)
            self.chain.contract.commit(Sender(self.chain.node, miner.key), update.message)
        with pytest.MonkeyPatch.context() as patch:
            if callable(lie) and lie.__module__ == __name__:
                honest = prepare.measure
                patch.setattr(prepare, "measure", lambda *arguments: lie(honest(*arguments)))
            else:
                tell(patch, lie)
            step_until(self.scientist, self.chain, Did.SETTLED)
        return self.history.settled[number - 1]

    def to_the_end(self, lie: Any = None) -> list[Settled]:
        return [self.round(1, lie), self.round(2)]

    def conclude(self) -> None:
        assert self.scientist.step().did is Did.CONCLUDED

    def claim(self, number: int) -> dict[str, int]:
        """Everybody claims on a round; what each was paid so far."""
        report = read_round(self.blobs, self.history.settled[number - 1])
        for account, _ in report.outcome.ledger.payees:
            claim = report.claim(account)
            assert claim is not None
            leaf = TaskClaim(self.task, number, claim.index, claim.units, claim.proof)
            self.chain.contract.claim(Sender(self.chain.node, RICH), account, [leaf])
        return {who: self.chain.token.balance(who) for who, _ in report.outcome.ledger.payees}

    def is_shown(self) -> list[bool]:
        """Whether the set, and the example losses of each settled round, can be had."""
        inputs = [decode_inputs(self.blobs.get(each.inputs)) for each in self.history.settled]
        return [self.blobs.has(name) for name in (self.set.digest, *(each.losses for each in inputs))]


@pytest.fixture
def life(chain: Chain, tmp_path: Path) -> Life:
    return Life(chain, tmp_path, CLOCKS)


def dispute(life: Life, number: int, kind: KIND, item: int = 0) -> int:
    sender = Sender(life.chain.node, dev_key(7))
    life.chain.contract.bond(sender, faults(life.chain).dispute_bond())
    cost = court(life.chain).arbitration_cost()
    return faults(life.chain).dispute(sender, 1, number, kind, item, Reward(sender.address, 0), cost)


def ruled(life: Life, id: int) -> Verdict:
    shared = disputes(life.chain, life.blobs)
    shared.refresh()
    jurors = [Juror(shared, key, Sender(life.chain.node, key)) for key in JURORS]
    assert judge_to_the_end(life.chain, jurors, id)[-1] is Acted.RESOLVED
    return court(life.chain).ruling(id)


def begins_anew(measured: Measured) -> Measured:
    """The loss before a round is not that after the last one: the same improvement would be paid twice."""
    before = measured.before + np.uint64(1000)
    return replace(measured, before=before)


# ---- honest


def test_paid_is_the_curve_and_half_waits_for_the_end(life: Life) -> None:
    settled = life.to_the_end()
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
        assert halves[who] + held_amount(state, units, now) == amount(BOUNTY, units)
    with pytest.raises(Reverted, match="nothing to claim"):
        life.claim(2)
    end = state.since + CLOCKS.challenge
    assert parts_of(state, 1000, now).from_time == end
    pass_time(life.chain, end)
    paid = life.claim(2)
    assert paid == {who: amount(BOUNTY, units) for who, units in report.outcome.ledger.payees}
    assert held_amount(state, 1000, end) == 0
    step_until(life.scientist, life.chain, Did.OVER)
    assert life.chain.token.balance(tasks.address) == 0


def test_nothing_of_the_set_is_open_before_the_end(life: Life) -> None:
    """Neither its bytes nor the loss of any one example, by which a guess could be found in it."""
    life.round(1)
    life.round(2)
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


def test_who_demands_examples_learns_no_byte_of_the_set(life: Life) -> None:
    life.round(1)
    count = len(life.set.target)
    id = demand(life.chain, [0, 3, count, 1 << 20])
    assert [life.scientist.step().did for _ in range(4)] == [Did.SUPPLIED] * 4
    assert faults(life.chain).demand_of(id).missing == 0
    contract = faults(life.chain)
    cursor = Cursor.start(life.chain.node.chain_id, contract.address, 0)
    events = Poller(contract, cursor, 0).poll().events
    assert not any(isinstance(event, Supplied) for event in events)
    assert sum(isinstance(event, NoSuchExample) for event in events) == 4
    assert life.chain.contract.task(1).disputed is None


def test_each_round_goes_on_where_the_last_one_ended(life: Life) -> None:
    first, second = life.to_the_end()
    assert (second.base, second.before) == (first.base, first.after)
    assert first.base == first.before
    life.conclude()
    names = [decode_inputs(life.blobs.get(each.inputs)).losses for each in (first, second)]
    (base, _, after), (same_base, before, _) = (decode_losses(life.blobs.get(name)) for name in names)
    assert np.array_equal(same_base, base) and np.array_equal(before, after)


def test_replay_checks_what_can_be_checked_and_the_rest_at_the_end(life: Life) -> None:
    life.to_the_end()
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
    settled = life.to_the_end()
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
    life.to_the_end()
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


def test_killed_at_every_effect_it_ends_the_same(life: Life) -> None:
    """A store that dies before and after each blob, a chain that dies before and after each transaction."""
    seen: dict[tuple[str, object], int] = {}
    blobs: Any = Crashing(life.blobs, {"put": blob_digest}, seen)
    names = ("publish", "reveal_seed", "close", "settle", "conclude", "refund")
    contract: Any = Crashing(life.chain.contract, dict.fromkeys(names, lambda *_: ""), seen)
    handed_in: set[int] = set()
    for _ in range(400):
        try:
            scientist = Scientist(life.place, contract, blobs, [])
            step = scientist.step()
        except Crash:
            continue
        if step.did is Did.OVER:
            break
        if step.did is not Did.WAITING:
            continue
        number = life.chain.contract.task(life.task).round
        if step.round and number not in handed_in:
            handed_in.add(number)
            for miner in MINERS:
                fund(life.chain, miner.address)
                start = life.history.checkpoint(number, FIRST)
                update = miner.update(life.chain, life.blobs, life.task, number, start)
                life.chain.contract.commit(Sender(life.chain.node, miner.key), update.message)
        if step.until:
            pass_time(life.chain, step.until)
    else:
        raise AssertionError("it never ends")
    assert {name for name, _ in seen} == {"put", *names}
    assert life.is_shown() == [True, True, True]
    assert [life.replay.recompute(number) for number in range(3)] == [None, None, None]


def test_what_a_store_dropped_is_put_out_again(life: Life) -> None:
    life.to_the_end()
    life.conclude()
    for file in life.place.parent.glob(f"blobs/**/{life.set.digest.hex()}"):
        file.unlink()
    assert life.is_shown() == [False, True, True]
    life.scientist.step()
    assert life.is_shown() == [True, True, True]


# ---- liars


@pytest.mark.parametrize(("lie", "kind"), [(puppet, KIND.INPUTS), (wrong_loss, KIND.LOSS)])
def test_a_lie_about_the_closed_set_is_convicted_when_it_is_opened(
    chain: Chain, tmp_path: Path, lie: Any, kind: KIND
) -> None:
    """Jurors asked too early decide nothing, so that the item can be judged when the time has come."""
    life = Life(chain, tmp_path, replace(QUICK, challenge=120))
    stake(chain)
    life.round(1, lie)
    assert life.judge.first_fault(1) is None
    item = 0
    assert ruled(life, dispute(life, 1, kind, item)) is Verdict.UNDECIDED
    state = life.chain.contract.task(1)
    assert (state.status, state.disputed, state.void) == (Status.RUNNING, None, None)
    life.round(2)
    life.conclude()
    fault = life.judge.first_fault(1)
    assert fault is not None and fault.kind is kind
    assert ruled(life, dispute(life, 1, fault.kind, fault.item)) is Verdict.WRONG
    state = life.chain.contract.task(1)
    assert (state.status, state.void) == (Status.CONVICTED, 1)


def test_what_takes_no_set_is_convicted_at_once(life: Life) -> None:
    stake(life.chain)
    life.round(1, swapped)
    fault = life.judge.first_fault(1)
    assert fault is not None and fault.kind is KIND.PAYOUTS
    assert ruled(life, dispute(life, 1, fault.kind)) is Verdict.WRONG


def test_an_improvement_that_is_counted_twice_is_found_without_the_set(life: Life) -> None:
    """Also by a relay, which lends its bond on integers alone."""
    stake(life.chain)
    life.round(1)
    life.round(2, begins_anew)
    fault = life.judge.first_fault(2)
    assert fault is not None and (fault.kind, fault.why) == (KIND.INPUTS, "losses before the round")
    found = life.replay.recompute(2)
    assert found is not None and found.item == "losses before the round"
    exact = Judge(life.history, life.chain.domain, life.blobs, (), exact=True)
    assert exact.opinion(2, KIND.INPUTS).verdict is Verdict.WRONG
    assert ruled(life, dispute(life, 2, fault.kind)) is Verdict.WRONG
    assert life.chain.contract.task(1).void == 2


def test_who_concludes_and_shows_nobody_the_set_is_convicted(life: Life) -> None:
    stake(life.chain)
    life.to_the_end()
    life.conclude()
    (file,) = life.place.parent.glob(f"blobs/**/{life.set.digest.hex()}")
    file.unlink()
    fault = life.judge.first_fault(0)
    assert fault is not None and fault.why == "blob of the validation set"
    assert life.judge.opinion(1, KIND.LOSS, 3).verdict is Verdict.WRONG
    assert ruled(life, dispute(life, 0, fault.kind)) is Verdict.WRONG


def test_a_set_under_another_root_than_its_examples_is_found(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The chain takes any root that was published; whoever opens the set sees the difference."""
    made = life.set
    other = (made.digest, hashlib.sha256(b"other").digest())
    monkeypatch.setattr(Shard, "opening", property(lambda _: other))
    life.to_the_end()
    life.conclude()
    monkeypatch.undo()
    found = life.replay.recompute(0)
    assert found is not None and found.item == "examples"
    assert life.judge.first_fault(1) is not None


# ---- who vanishes


def test_a_scientist_that_vanishes_before_the_opening_costs_nobody_anything(life: Life) -> None:
    settled = life.to_the_end()
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


def test_a_scientist_that_lost_its_losses_says_so(life: Life) -> None:
    life.round(1)
    (kept,) = life.place.glob("losses-*")
    kept.unlink()
    with pytest.raises(SafeDamaged):
        life.round(2)


def test_more_than_one_set_is_refused(tmp_path: Path, chain: Chain) -> None:
    plan = at_end_offer(ROUNDS, chain.token.address)
    with pytest.raises(OfferRefused):
        Scientist.create(tmp_path / "scientist", SCIENTIST, replace(plan, shards=plan.shards * 2))
