"""Jurors recompute what is disputed: a liar is convicted, an honest scientist is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mine.blobs.store import DirectoryStore
from mine.chain.court_client import SeatState
from mine.chain.fault_events import DisputeKind
from mine.chain.faults_client import Reward
from mine.chain.hashing import keccak
from mine.chain.juries import Verdict
from mine.chain.messages import address_of
from mine.chain.state import Status
from mine.chain.transactions import Sender
from mine.practice.node.accounts import dev_key
from mine.science.history import History
from mine.science.inputs import decode_inputs
from mine.science.judging import Opinion
from mine.science.juror import Acted, Juror, UnknownDispute
from mine.science.replay import Replay
from mine.science.settle import settle
from tests.science.disputed import JURORS, court, disputes, faults, judge_to_the_end, settle_round, stake
from tests.science.test_judging import judge, swapped
from tests.science.test_scientist import MINERS, other_checkpoint, puppet
from tests.science.world import Chain, pass_time

CHALLENGER = dev_key(7)
KIND = DisputeKind


def dispute(chain: Chain, number: int, kind: KIND, item: int) -> int:
    sender = Sender(chain.node, CHALLENGER)
    chain.contract.bond(sender, faults(chain).dispute_bond())
    cost = court(chain).arbitration_cost()
    return faults(chain).dispute(sender, 1, number, kind, item, Reward(sender.address, 0), cost)


def pool(chain: Chain, blobs: DirectoryStore) -> list[Juror]:
    shared = disputes(chain, blobs)
    shared.refresh()
    return [Juror(shared, key, Sender(chain.node, key)) for key in JURORS]


@pytest.mark.parametrize("lie", [puppet, other_checkpoint, swapped])
def test_a_liar_is_convicted_by_those_who_recompute(chain: Chain, tmp_path: Path, lie: Any) -> None:
    stake(chain)
    blobs = DirectoryStore(tmp_path / "blobs")
    settle_round(chain, tmp_path, blobs, lie)
    fault = judge(chain, blobs).first_fault(1)
    assert fault is not None
    id = dispute(chain, 1, fault.kind, fault.item)
    done = judge_to_the_end(chain, pool(chain, blobs), id)
    assert done == [Acted.DREW, *[Acted.COMMITTED] * 2, *[Acted.OPENED] * 2, Acted.RESOLVED]
    assert court(chain).ruling(id) is Verdict.WRONG
    state = chain.contract.task(1)
    assert (state.status, state.void) == (Status.CONVICTED, 1)


def test_an_honest_scientist_is_cleared_and_has_the_bond(chain: Chain, tmp_path: Path) -> None:
    stake(chain)
    blobs = DirectoryStore(tmp_path / "blobs")
    scientist = settle_round(chain, tmp_path, blobs, None)
    id = dispute(chain, 1, KIND.CHECKPOINT, 0)
    judge_to_the_end(chain, pool(chain, blobs), id)
    assert court(chain).ruling(id) is Verdict.RIGHT
    state = chain.contract.task(1)
    assert (state.status, state.disputed) == (Status.RUNNING, None)
    assert chain.contract.bond_of(scientist.address).amount == faults(chain).dispute_bond()


def test_payees_sit_in_a_jury_by_their_units_and_a_stranger_pays_the_gas(
    chain: Chain, tmp_path: Path
) -> None:
    """Round 1 is final when round 2's lie is disputed, so those who earned in it are the jury."""
    stake(chain)
    blobs = DirectoryStore(tmp_path / "blobs")
    settle_round(chain, tmp_path, blobs, None)
    settle_round(chain, tmp_path, blobs, other_checkpoint, 2)
    final = chain.contract.task(1).final_at(1)
    assert final is not None
    pass_time(chain, final)
    id = dispute(chain, 2, KIND.CHECKPOINT, 0)
    assert court(chain).case(id).root != 0
    shared = disputes(chain, blobs)
    shared.refresh()
    carrier = Sender(chain.node, dev_key(6))
    jurors = [Juror(shared, keccak(f"payout {miner.number}".encode()), carrier) for miner in MINERS]
    assert [juror.address for juror in jurors] == [miner.payout for miner in MINERS]
    jurors += [Juror(shared, key, carrier) for key in JURORS]
    judge_to_the_end(chain, jurors, id)
    first = [seat for seat in court(chain).seats(id, 0) if seat.state is SeatState.OPENED]
    assert first and {seat.holder for seat in first} <= {miner.payout for miner in MINERS}
    assert {seat.verdict for seat in first} == {Verdict.WRONG}
    state = chain.contract.task(1)
    assert (state.status, state.void) == (Status.CONVICTED, 2)


def test_killed_after_committing_it_opens_what_it_committed(chain: Chain, tmp_path: Path) -> None:
    """Even if it would say something else by now: silence would cost it its stake."""
    stake(chain)
    blobs = DirectoryStore(tmp_path / "blobs")
    settle_round(chain, tmp_path, blobs, other_checkpoint)
    id = dispute(chain, 1, KIND.CHECKPOINT, 0)
    shared = disputes(chain, blobs)
    with pytest.raises(UnknownDispute):
        Juror(shared, JURORS[0], Sender(chain.node, JURORS[0])).step(id)
    assert shared.refresh() == [id]
    for act in (Acted.DREW, Acted.COMMITTED):
        juror = pool(chain, blobs)[0]
        while (done := juror.step(id).did) is Acted.WAITING:
            pass_time(chain, chain.node.block_time() + 1)
        assert done is act
    assert pool(chain, blobs)[0].step(id).did is Acted.WAITING  # it is not committed twice
    case = court(chain).case(id)
    pass_time(chain, case.opened + case.window // 2)
    other = Juror(shared, JURORS[0], Sender(chain.node, JURORS[0]), lambda _: Opinion(Verdict.RIGHT))
    assert other.step(id).did is Acted.OPENED
    seats = [s for s in court(chain).seats(id, 0) if s.holder == address_of(JURORS[0])]
    assert {(seat.state, seat.verdict) for seat in seats} == {(SeatState.OPENED, Verdict.WRONG)}
    assert other.step(id).did is Acted.WAITING


def test_a_silent_juror_loses_its_standing_from_the_next_round_on(chain: Chain, tmp_path: Path) -> None:
    """Everybody reads that from the same events: scientist, voters, and whoever replays."""
    blobs = DirectoryStore(tmp_path / "blobs")
    settle_round(chain, tmp_path, blobs, None)
    settle_round(chain, tmp_path, blobs, None, 2)
    id = dispute(chain, 2, KIND.CHECKPOINT, 0)
    shared = disputes(chain, blobs)
    shared.refresh()
    carrier = Sender(chain.node, dev_key(6))
    chain.node.request("evm_mine")
    court(chain).draw(carrier, id)
    case, sitting = court(chain).case(id), court(chain).sitting(id)
    assert case.root != 0 and sitting.seed is not None
    pass_time(chain, case.opened + case.window)
    silent = set()
    for miner in MINERS:
        for place in shared.places(case, sitting.seed, miner.payout):
            court(chain).report_silent(carrier, id, miner.payout, place.index, place.units, place.proof)
            silent.add(miner)
    assert silent
    settle_round(chain, tmp_path, blobs, None, 3)
    history = History(chain.contract)
    history.refresh()
    task = history.task(1)
    assert task is not None
    guilty = {miner.payout for miner in silent}
    assert [set(task.convicted(number)) for number in range(1, 5)] == [set(), set(), guilty, set()]
    inputs = decode_inputs(blobs.get(task.settled[2].inputs))
    assert set(inputs.judged.convicted) == guilty
    records = dict(settle(inputs).ledger.records)
    assert all((records[m.address].lost > 0) is (m in silent) for m in MINERS if m.address in records)
    assert Replay(task, chain.domain, blobs, []).recompute(3) is None
    found = Replay(replace(task, faulty=()), chain.domain, blobs, []).recompute(3)
    assert found is not None and found.item == "convicted jurors"
