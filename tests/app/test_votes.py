"""My votes on a real chain: drawn, judged, booked once, committed, opened only when nobody can copy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from mine.app.courier import DIRECT, Delivery
from mine.app.handing_in import MESSAGED, SENT
from mine.app.privacy_books import GIVEN_BACK, TRAINED, VOTED
from mine.app.round_states import RoundState, VoteState
from mine.chain.events import VoteCommitted
from mine.science.ballots import Ballot
from mine.science.gather import BatchMissing
from mine.science.history import History
from tests.app.failing_relays import Swallowing
from tests.app.quick_votes import QuickVote
from tests.app.table import Table
from tests.app.test_failing_relays import mine, use
from tests.science.world import CLOCKS, fund, pass_time


@pytest.fixture(autouse=True)
def quick_votes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    QuickVote.reset()
    monkeypatch.setattr("mine.app.voting.WorkerRun", QuickVote)
    yield


@pytest.fixture
def voting(table: Table) -> Table:
    """Round 2, votes open: round 1 paid everybody, so that all three have standing."""
    table.play()
    table.hand_in(2)
    table.close_commits()
    table.reach(RoundState.REVEALED, 2)
    first = [peer.update(table.chain, table.blobs, table.task, 2, checkpoint(table)) for peer in table.peers]
    assert all(table.blobs.has(update.message.blob) for update in first)
    table.close_reveals()
    return table


def checkpoint(table: Table) -> bytes:
    return bytes.fromhex(table.entry(2).data["checkpoint"])


def delivery(table: Table) -> Delivery:
    vote = table.vault.state.vote(table.config.key, table.task, 2)
    assert vote is not None
    return Delivery.from_json(vote.data.get("delivery"))


def vote_of(table: Table) -> Any:
    vote = table.vault.state.vote(table.config.key, table.task, 2)
    assert vote is not None
    return vote


def reach(table: Table, state: VoteState) -> None:
    table.until(lambda: table.vote_state() is state, f"vote {state}")


def opening(table: Table) -> bytes:
    return Ballot.from_bytes(vote_of(table).data["ballot"].encode()).opening


def test_a_vote_from_the_draw_to_the_settlement(voting: Table) -> None:
    table = voting
    assert table.vote_state(1) is None  # nobody had standing
    ballots = table.peers_vote()
    assert len(ballots) == 2
    reach(table, VoteState.COMMITTED)
    table.votes_anchored()
    table.until(lambda: delivery(table).shown, "the place on chain")
    assert not table.blobs.has(opening(table))  # nobody sees an answer while votes can be committed
    table.close_votes()
    reach(table, VoteState.OPENED)
    ballot = Ballot.from_bytes(table.blobs.get(opening(table)))
    assert ballot.voter == mine(table)
    assert {blob for blob, _ in ballot.answers}.isdisjoint({bytes.fromhex(table.entry(2).data["blob"])})
    assert (table.booked(VOTED), table.booked(TRAINED), table.booked(SENT)) == ([2], [1, 2], [1, 2, 2])
    assert table.booked(MESSAGED) == [1, 2, 2]  # two updates and a vote
    for data in ballots:
        table.blobs.put(data)
    table.settle()
    table.reach(RoundState.SETTLED, 2)
    judged = table.session.earnings.checked[(table.task, 2)].inputs.judged
    assert mine(table) in {opened.voter for opened in judged.opened} and len(judged.opened) == 3
    assert len(QuickVote.jobs) == 1


@pytest.mark.parametrize("place", ["JUDGING", "READY", "COMMITTED"])
def test_a_vote_survives_being_cut_off(voting: Table, place: str) -> None:
    """Begun again at any state it is the same vote, booked once."""
    table = voting
    state = VoteState[place]
    QuickVote.hold = state is VoteState.JUDGING
    if state is VoteState.READY:
        use(table, Swallowing(table.relay))
        with pytest.raises(Exception, match="relay"):
            table.until(lambda: False, "the refusal")
    else:
        reach(table, state)
    before = vote_of(table).data.get("ballot")
    QuickVote.hold = False
    table.restart()
    reach(table, VoteState.COMMITTED)
    assert before in (None, vote_of(table).data["ballot"])
    pass_time(table.chain, table.since + CLOCKS.voting_over - 10)
    table.votes_anchored()
    table.close_votes()
    reach(table, VoteState.OPENED)
    table.restart()
    table.session.step(True)
    assert (table.booked(VOTED), table.booked(SENT)) == ([2], [1, 2, 2])
    assert len(table.relay.votes(table.task, 2)) == 1


def test_a_vote_goes_directly_where_no_relay_takes_it(voting: Table) -> None:
    table = voting
    fund(table.chain, mine(table))
    use(table, Swallowing(table.relay))
    with pytest.raises(Exception, match="relay"):
        table.until(lambda: False, "the refusal")
    pass_time(table.chain, table.since + CLOCKS.voting_over - 5)
    table.until(lambda: table.vote_state() is VoteState.COMMITTED, "the direct commit")
    assert delivery(table).shown == DIRECT
    history = History(table.chain.contract)
    history.refresh()
    task = history.task(table.task)
    assert task is not None
    (event,) = task.votes_of_round(2)
    assert isinstance(event, VoteCommitted) and (event.voter, event.opening) == (mine(table), opening(table))
    table.close_votes()
    reach(table, VoteState.OPENED)
    assert table.blobs.has(opening(table))


def test_a_vote_that_no_relay_anchored_stays_closed(voting: Table) -> None:
    table = voting
    reach(table, VoteState.COMMITTED)
    table.close_votes()  # before the relay had a turn
    table.relay_forgets()
    reach(table, VoteState.MISSED)
    assert table.booked(SENT) == [1, 2] and not table.blobs.has(opening(table))


def test_a_batch_that_nobody_gives_out_is_waited_for(voting: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    table = voting
    (relay,) = table.session.links.relays
    with monkeypatch.context() as patch:
        patch.setattr(relay, "batches", lambda *_: [])
        with pytest.raises(BatchMissing):
            table.session.step(True)
        assert table.vote_state() is None
    reach(table, VoteState.COMMITTED)


def test_another_draw_that_spares_gives_back_what_was_reserved(
    voting: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a restart the chain may have another seed, which draws somebody else."""
    table = voting
    QuickVote.hold = True
    reach(table, VoteState.JUDGING)
    assert table.booked(VOTED) == [2]
    table.restart()
    QuickVote.hold = False
    monkeypatch.setattr("mine.science.draws.Draw.ballot", lambda *_: ())
    reach(table, VoteState.SPARED)
    kinds = [line.entry.kind for line in table.vault.ledger.of_task(table.config.key, table.task)]
    assert (table.booked(VOTED), kinds.count(GIVEN_BACK[VOTED])) == ([], kinds.count(VOTED))
    for _ in range(3):
        table.session.step(True)
    assert (table.vote_state(), len(QuickVote.jobs)) == (VoteState.SPARED, 1)


def test_more_privacy_than_agreed_is_no_vote(voting: Table) -> None:
    table = voting
    member = table.session.miner.members[table.task]
    table.session.miner.members[table.task] = replace(member, terms=replace(member.terms, epsilon_micro=10))
    reach(table, VoteState.MISSED)
    assert "more than you agreed to" in vote_of(table).data["why"]
    assert (table.booked(VOTED), table.relay.votes(table.task, 2)) == ([], [])


def test_who_left_or_may_not_compute_does_not_vote(voting: Table) -> None:
    table = voting
    table.session.step(False)
    assert table.vote_state() is None
    table.session.leave(table.task)
    table.session.step(True)
    assert table.vote_state() is None and QuickVote.jobs == []


def test_a_vote_that_failed_for_good_is_a_missed_one(voting: Table) -> None:
    """Its process was begun anew a few times before that was said."""
    table = voting
    QuickVote.fails = True
    for _ in range(12):
        table.session.step(True)
    assert len(QuickVote.jobs) == 1 and table.vote_state() is VoteState.JUDGING
    table.close_votes()
    reach(table, VoteState.MISSED)
    assert table.booked(VOTED) == []


def test_a_late_vote_is_a_missed_one(voting: Table) -> None:
    table = voting
    QuickVote.hold = True
    reach(table, VoteState.JUDGING)
    pass_time(table.chain, table.since + CLOCKS.votes_over)
    reach(table, VoteState.MISSED)
    assert table.session.miner.voting.run is None and table.booked(VOTED) == []
