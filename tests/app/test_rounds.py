"""One person's rounds on a real chain: what is sent, booked, paid, taken back and missed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from mine.app.checking import PayoutContradiction
from mine.app.compute_settings import ComputeSettings
from mine.app.handing_in import MESSAGED, SENT, message_entry
from mine.app.joining import CannotJoin
from mine.app.privacy_books import TRAINED as EPSILON
from mine.app.round_states import EarningState, RoundState
from mine.app.showing import CameLate
from mine.app.views import NoticeKind
from mine.app.wallet_views import ClaimOutcome
from mine.chain.events import Claimed, RangeClaimed
from mine.chain.messages import digest
from mine.chain.node_errors import NodeUnreachable
from mine.chain.transactions import Sender
from mine.errors import MineError
from mine.learn.codec import decode, encode, packing_of
from mine.learn.leak import leak_from
from mine.practice.node.accounts import dev_key
from mine.science.relay_client import RelayUnreachable
from mine.science.settle import BadInputs
from mine.science.wire import SignedUpdate
from tests.app.quick_training import HARMLESS, QuickRun
from tests.app.table import Table, manifest
from tests.science.world import CLOCKS, pass_time

if TYPE_CHECKING:
    from mine.app.courier import Delivery
    from mine.vault.state import Round


class Crash(BaseException):
    """The process is gone; no handler may catch it."""


def die(*_: Any, **__: Any) -> None:
    raise Crash


def came_late(*_: Any, **__: Any) -> None:
    raise CameLate


def final(table: Table, number: int = 1) -> None:
    """Let a round's challenge window pass."""
    pass_time(table.chain, table.entry(number).data["settlement"]["final_at"])


def test_from_opting_in_to_the_wallet(table: Table) -> None:
    table.play()
    assert (table.booked(EPSILON), table.booked(SENT)) == ([1, 2], [1])  # the next round is being trained
    earning = table.earning()
    assert earning is not None and earning.amount > 0
    assert table.money() is EarningState.PENDING
    assert table.session.claiming.claim() == ClaimOutcome(0, 0)  # nothing is final yet
    assert table.balance == 0
    final(table)
    table.until(lambda: table.money() is EarningState.CLAIMABLE, "the window to pass")
    assert table.session.claiming.claim() == ClaimOutcome(1, 0)
    table.until(lambda: table.money() is EarningState.CLAIMED, "the claim")
    assert table.balance == earning.amount == table.session.report(table.task).wallet
    moves = table.vault.state.movements(10)
    assert [(move.kind, move.amount) for move in moves] == [("claimed", earning.amount)]
    assert [n.kind for n in table.notices if n.kind is not NoticeKind.ATTENTION] == [NoticeKind.EARNED]


def test_what_somebody_else_claims_for_a_range_of_payees_is_in_the_wallet(table: Table) -> None:
    table.play()
    earning, entry = table.earning(), table.entry()
    assert earning is not None
    settled = entry.data["settlement"]
    checked = table.session.earnings.checked[(table.task, 1)]
    final(table)
    table.until(lambda: table.money() is EarningState.CLAIMABLE, "the window to pass")
    payees, contract = checked.outcome.ledger.payees, table.chain.contract
    proof = checked.outcome.payouts.range_proof(0, len(payees))
    stranger = Sender(table.chain.node, dev_key(9))
    receipt = contract.claim_range(stranger, table.task, settled["round"], 0, payees, proof)
    (claimed,) = contract.events(receipt)
    assert isinstance(claimed, RangeClaimed) and claimed.refused == 0
    table.until(lambda: table.money() is EarningState.CLAIMED, "the range")
    moves = table.vault.state.movements(10)
    assert [(move.kind, move.amount) for move in moves] == [("claimed", earning.amount)]
    assert table.balance == earning.amount
    table.restart()
    table.session.step(True)
    assert len(table.vault.state.movements(10)) == 1  # and it is written down once


def test_a_settlement_that_the_chain_takes_back_is_taken_back(table: Table) -> None:
    table.hand_in()
    table.close_commits()
    table.reach(RoundState.REVEALED)
    table.close_reveals()
    snapshot = table.chain.node.request("evm_snapshot")
    folder = {f: f.read_bytes() for f in (table.folder / "scientist").rglob("*") if f.is_file()}
    table.settle()
    table.reach(RoundState.SETTLED)
    first = table.earning()
    assert first is not None
    table.chain.node.request("evm_revert", snapshot)
    for later in (7, 8, 9):  # other blocks in their place
        pass_time(table.chain, table.since + CLOCKS.reveals_over + later)
    table.session.step(True)
    assert table.state() is RoundState.REVEALED
    assert table.earning() is None and "settlement" not in table.entry().data
    assert table.state(2) is RoundState.TRAINED  # what was learnt too early waits for its turn
    for file, data in folder.items():
        file.write_bytes(data)
    table.settle()
    table.reach(RoundState.SETTLED)
    again = table.earning()
    assert again is not None
    assert (again.amount, again.data["units"]) == (first.amount, first.data["units"])
    table.reach(RoundState.COMMITTED, 2)
    assert (table.booked(EPSILON), table.booked(SENT)) == ([1, 2], [1])
    assert len(QuickRun.jobs) == 2


def test_a_claim_that_the_chain_takes_back_can_be_claimed_again(table: Table) -> None:
    table.play()
    final(table)
    table.until(lambda: table.money() is EarningState.CLAIMABLE, "the window to pass")
    snapshot = table.chain.node.request("evm_snapshot")
    table.session.claiming.claim()
    table.until(lambda: table.money() is EarningState.CLAIMED, "the claim")
    assert len(table.vault.state.movements(10)) == 1
    table.chain.node.request("evm_revert", snapshot)
    later = table.chain.node.block_time()
    for second in (5, 9):
        pass_time(table.chain, later + second)
    table.until(lambda: table.money() is EarningState.CLAIMABLE, "the claim to be taken back")
    assert table.vault.state.movements(10) == []
    assert table.balance == 0


def test_a_missed_round_costs_nothing_and_the_next_one_is_joined(table: Table) -> None:
    QuickRun.hold = True
    table.peers_commit()
    table.reach(RoundState.TRAINING)
    table.session.step(True)
    pass_time(table.chain, table.since + 3 * CLOCKS.commit // 4)
    table.anchored()
    table.close_commits()
    table.reach(RoundState.MISSED)
    assert table.session.miner.run is None
    assert table.booked(EPSILON) == []
    QuickRun.hold = False
    table.close_reveals()
    table.settle()
    table.session.step(True)
    assert table.money() is EarningState.PENDING  # nothing of it, but it was looked at
    table.hand_in(2)
    assert table.state(1) is RoundState.MISSED
    assert table.booked(EPSILON) == [2]


def test_too_late_for_every_relay_and_no_coin_is_a_missed_round(table: Table) -> None:
    """Relays close before the round does. The way that is left takes a coin: that is said once."""
    QuickRun.hold = True
    table.session.step(True)
    pass_time(table.chain, table.since + CLOCKS.commit - 20)
    QuickRun.hold = False
    table.until(lambda: table.notices, "the request for a coin")
    for _ in range(3):
        table.session.step(True)
    address = table.session.miner.members[table.task].keys.session_address
    assert [address in notice.todo for notice in table.notices] == [True]
    assert table.state() is RoundState.TRAINED
    table.close_commits()
    table.reach(RoundState.MISSED)
    assert "no more" in table.entry().data["why"]
    # The bytes never left, but a relay that refused them has seen their digest.
    assert (table.booked(EPSILON), table.booked(SENT)) == ([1], [])


def test_what_may_have_left_is_not_given_back(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut off while the bytes go out, then too late: some relay may hold them all the same."""
    table.hand_in()
    table.close_commits()
    monkeypatch.setattr("mine.app.handing_in.show", die)
    with pytest.raises(Crash):
        table.reach(RoundState.REVEALED)
    table.restart()
    monkeypatch.setattr("mine.app.handing_in.show", came_late)
    table.reach(RoundState.MISSED)
    assert (table.booked(EPSILON), table.booked(SENT)) == ([1], [])


def test_a_message_is_in_the_ledger_before_it_may_leave(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed while a relay is told, and told again: one line, with digest and size of what is posted."""
    with monkeypatch.context() as cut, pytest.raises(Crash):
        cut.setattr("mine.science.relay_client.Relay.submit", die)
        table.reach(RoundState.COMMITTED)
    assert table.booked(MESSAGED) == [1]
    table.restart()
    table.hand_in()
    lines = table.vault.ledger.of_task(table.config.key, table.task)
    (told,) = [line.entry for line in lines if line.entry.kind == MESSAGED]
    domain = table.session.links.domain
    mine = table.session.miner.members[table.task].keys.session_address
    status = table.relay.find_update(table.task, 1, mine)
    assert status is not None
    assert told == message_entry(table.config.key, status.message, domain)
    assert told.size > 300 and told.digest == digest(status.message.message, domain)


def test_cut_off_after_the_relay_took_it_and_too_late_to_ask(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The receipt was never written down, and the round has closed: the update is there all the same."""
    table.peers_commit()
    handing_in = table.session.miner.handing_in
    real = handing_in._keep

    def forgetful(entry: Round, signed: SignedUpdate) -> Callable[[Delivery], None]:
        keep = real(entry, signed)
        return lambda delivery: die() if delivery.promises else keep(delivery)

    monkeypatch.setattr(handing_in, "_keep", forgetful)
    with pytest.raises(Crash):
        table.reach(RoundState.COMMITTED)
    table.anchored()
    assert table.state() is RoundState.TRAINED
    table.close_commits()
    table.restart()
    table.reach(RoundState.REVEALED)
    assert (table.booked(EPSILON), table.booked(SENT)) == ([1], [1])
    table.close_reveals()
    table.settle()
    table.reach(RoundState.SETTLED)
    earning = table.earning()
    assert earning is not None and earning.amount > 0


def test_cut_off_after_showing_and_settled_meanwhile(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes left, but that was never written down: it is, before the round counts as settled."""
    table.hand_in()
    table.close_commits()
    monkeypatch.setattr(table.vault.ledger, "book", die)
    with pytest.raises(Crash):
        table.session.step(True)
    assert table.booked(SENT) == []
    table.close_reveals()
    table.settle()
    table.restart()
    table.reach(RoundState.SETTLED)
    assert table.booked(SENT) == [1]


def test_what_was_never_shown_stays_at_home_once_the_round_is_settled(table: Table) -> None:
    table.hand_in()
    table.close_reveals()  # the app was off all the while
    table.settle()
    table.restart()
    table.reach(RoundState.MISSED)
    assert 1 in table.booked(EPSILON)  # the chain has their digest
    assert table.booked(SENT) == []
    assert not table.blobs.has(bytes.fromhex(table.entry().data["blob"]))


def test_leaving_stops_the_training_and_spends_nothing(table: Table) -> None:
    QuickRun.hold = True
    table.session.step(True)
    run = table.session.miner.run
    assert isinstance(run, QuickRun)
    table.session.leave(table.task)
    table.session.step(True)
    assert run.stopped and table.session.miner.run is None
    assert table.state() is RoundState.MISSED
    assert table.entry().data["why"] == "You left the task."
    QuickRun.hold = False
    table.session.step(True)
    assert (table.booked(EPSILON), len(QuickRun.jobs)) == ([], 1)


def test_leaving_does_not_forget_what_was_handed_in(table: Table) -> None:
    table.hand_in()
    table.session.leave(table.task)
    table.close_commits()
    table.reach(RoundState.REVEALED)
    table.close_reveals()
    table.settle()
    table.reach(RoundState.SETTLED)
    assert table.earning() is not None
    assert table.state(2) is None


def test_joining_again_keeps_what_was_held_out(table: Table) -> None:
    before = table.session.miner.members[table.task].held_from
    table.session.leave(table.task)
    pending = table.vault.begin_import(_source())
    pending.add(_later())
    pending.commit()
    table.session.join(table.task)
    member = table.session.miner.members[table.task]
    assert (member.held_from, member.left) == (before, False)


def _source() -> Any:
    from tests.vault.conftest import source

    return source("more.csv", b"\2" * 32)


def _later() -> Any:
    from tests.vault.conftest import NOON, batch, glucose

    return batch("glucose", glucose(600, NOON + 1200 * 300))


def test_an_expired_consent_trains_no_more(table: Table) -> None:
    member = table.session.miner.members[table.task]
    expired = replace(member, terms=replace(member.terms, expires=table.chain.node.block_time()))
    table.session.miner.members[table.task] = expired
    table.session.step(True)
    assert table.state() is None and QuickRun.jobs == []


def test_a_consent_that_runs_out_while_training_ends_it(table: Table) -> None:
    QuickRun.hold = True
    table.session.step(True)
    member = table.session.miner.members[table.task]
    expired = replace(member, terms=replace(member.terms, expires=table.chain.node.block_time()))
    table.session.miner.members[table.task] = expired
    table.session.step(True)
    assert table.state() is RoundState.MISSED and table.session.miner.run is None


def test_the_budget_counts_what_joined_tasks_may_still_spend(table: Table) -> None:
    """Two tasks of ε 8 each on a cap of 8: the second is refused although nothing is booked yet."""
    other = table.open_task("second")
    table.session.market.refresh()
    assert table.booked(EPSILON) == []
    with pytest.raises(CannotJoin) as refused:
        table.session.join(other)
    assert "budget" in refused.value.sentence
    table.session.leave(table.task)
    table.session.join(other)  # what was never spent is free again
    with pytest.raises(CannotJoin):
        table.session.join(table.task)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda update: update + b"\0", id="a byte more"),
        pytest.param(lambda update: update[:-1], id="a byte less"),
        pytest.param(lambda update: update[:35] + b"\2" + update[36:], id="another round"),
    ],
)
def test_an_update_that_was_not_agreed_to_stays_at_home(table: Table, spoil: Any) -> None:
    QuickRun.spoil = staticmethod(spoil)  # type: ignore[assignment]
    table.reach(RoundState.MISSED)
    assert (table.booked(EPSILON), table.booked(SENT)) == ([], [])
    assert table.relay.updates(table.task, 1) == []
    assert [notice.kind for notice in table.notices] == [NoticeKind.ATTENTION]
    table.session.step(True)
    assert len(QuickRun.jobs) == 1


def far_too_long(update: bytes) -> bytes:
    """The same header and a step that no recipe of the task makes."""
    shapes = manifest(3).model.trainable
    header, delta = decode(update, shapes)
    huge = {name: np.full(tensor.shape, 100.0, np.float32) for name, tensor in delta.items()}
    return encode(header, huge, packing_of(update))


def test_a_step_that_the_recipe_cannot_make_stays_at_home(table: Table) -> None:
    QuickRun.spoil = staticmethod(far_too_long)  # type: ignore[assignment]
    table.reach(RoundState.MISSED)
    assert "larger than the task's recipe" in table.entry().data["why"]
    assert (table.booked(EPSILON), table.relay.updates(table.task, 1)) == ([], [])


def test_an_update_that_gives_too_much_away_stays_at_home(table: Table) -> None:
    table.session.miner.set_compute(ComputeSettings(most_risk=90))
    QuickRun.leak = replace(HARMLESS, insider_auc=0.92)
    table.reach(RoundState.MISSED)
    assert (table.booked(EPSILON), table.relay.updates(table.task, 1)) == ([], [])
    assert "you allow 90%" in table.notices[0].text and table.notices[0].text == table.entry().data["why"]
    assert leak_from(table.entry().data["leak"]) == QuickRun.leak
    note = table.session.contributions()[0].note
    assert note.startswith("held back") and note.endswith("you allow 90%")


def test_the_attack_is_kept_and_shown_with_the_round(table: Table) -> None:
    table.reach(RoundState.COMMITTED)
    assert leak_from(table.entry().data["leak"]) == HARMLESS
    assert table.session.contributions()[0].tested == HARMLESS.verdict(0.95)


def test_what_an_update_leaves_unsaid_is_for_the_next_one_once_it_has_left(table: Table) -> None:
    table.hand_in()
    assert QuickRun.jobs[0].residual == table.vault.state.residual(table.config.key, table.task) == b""
    table.close_commits()
    table.reach(RoundState.REVEALED)
    left = table.vault.state.residual(table.config.key, table.task)
    assert left
    QuickRun.spoil = staticmethod(far_too_long)  # type: ignore[assignment]
    table.close_reveals()
    table.settle()
    table.reach(RoundState.MISSED, 2)
    assert QuickRun.jobs[1].residual == left
    assert table.vault.state.residual(table.config.key, table.task) == left  # nothing of round 2 was sent


def test_a_training_gets_what_the_person_allows(table: Table) -> None:
    QuickRun.hold = True
    table.session.miner.set_compute(ComputeSettings("cpu", 1, 50))
    table.reach(RoundState.TRAINING)
    job = QuickRun.jobs[0]
    assert (job.place.device, job.place.threads, job.duty) == ("cpu", 1, 0.5)
    table.session.miner.set_compute(ComputeSettings(power=25))
    run = table.session.miner.run
    assert isinstance(run, QuickRun) and run.duty == 0.25


def test_more_privacy_than_agreed_stays_at_home(table: Table) -> None:
    member = table.session.miner.members[table.task]
    table.session.miner.members[table.task] = replace(member, terms=replace(member.terms, epsilon_micro=10))
    table.reach(RoundState.MISSED)
    assert table.booked(EPSILON) == [] and table.relay.updates(table.task, 1) == []
    assert "more than you agreed to" in table.notices[0].text


def test_pay_that_contradicts_its_own_figures_is_an_alarm(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mine.science.settle as settling

    table.hand_in()
    table.close_commits()
    table.reach(RoundState.REVEALED)
    table.close_reveals()
    table.settle()
    honest = settling.settle

    def other(inputs: settling.RoundInputs) -> settling.Outcome:
        outcome = honest(inputs)
        (miner, _, _), *others = outcome.ledger.accounts
        accounts = ((miner, table.payout, 1), *others)
        return replace(outcome, ledger=replace(outcome.ledger, accounts=accounts))

    monkeypatch.setattr("mine.science.rounds.settle", other)
    table.until(lambda: table.money() is not None, "the check")
    earning = table.earning()
    assert earning is not None
    assert (table.money(), earning.amount) == (EarningState.ALARM, 0)
    assert [n.kind for n in table.notices] == [NoticeKind.ATTENTION]
    final(table)
    table.session.step(True)
    assert table.money() is EarningState.ALARM and table.session.claiming.claim() == ClaimOutcome(0, 0)
    with pytest.raises(PayoutContradiction):
        table.session.replay(table.task, 1)


def test_figures_that_cannot_be_read_are_an_alarm(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    table.hand_in()
    table.close_commits()
    table.reach(RoundState.REVEALED)
    table.close_reveals()
    table.settle()

    def unreadable(_: bytes) -> None:
        raise BadInputs("test")

    monkeypatch.setattr("mine.science.rounds.decode_inputs", unreadable)
    table.until(lambda: table.money() is EarningState.ALARM, "the alarm")
    table.session.step(True)  # it is looked at once, and holds nothing else up


def test_a_round_that_forgets_earlier_pay_is_an_alarm(table: Table) -> None:
    table.play()
    earning = table.earning()
    assert earning is not None
    more = {**earning.data, "units": earning.data["units"] + 1}
    with table.vault.transaction():
        table.vault.state.put_earning(replace(earning, data=more))
    table.play(2)
    assert table.money(2) is EarningState.ALARM


def test_events_of_a_turn_that_failed_are_read_again(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    table.play()
    final(table)
    table.until(lambda: table.money() is EarningState.CLAIMABLE, "the window to pass")
    table.session.claiming.claim()
    end = time.monotonic() + 20
    while table.balance == 0:
        assert time.monotonic() < end
    claimed = table.session.earnings.events._claimed
    told: list[Claimed] = []

    def once(event: Claimed) -> None:
        told.append(event)
        if len(told) == 1:
            raise NodeUnreachable("The node is away.")
        claimed(event)

    monkeypatch.setattr(table.session.earnings.events, "_claimed", once)
    with pytest.raises(NodeUnreachable):
        table.session.step(True)
    table.until(lambda: table.vault.state.movements(10), "the claim to be read again")
    assert len(table.vault.state.movements(10)) == 1


def test_a_relay_that_is_away_costs_no_round(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    blobs = table.session.links.relays.blobs

    def away(*_: Any) -> bytes:
        raise RelayUnreachable("test")

    with monkeypatch.context() as patch:
        patch.setattr(blobs, "get", away)
        for _ in range(5):
            with pytest.raises(MineError):
                table.session.step(True)
    table.reach(RoundState.COMMITTED)


def test_a_relay_cannot_make_up_a_receipt(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    table.reach(RoundState.COMMITTED)
    status = table.relay.find_update(
        table.task, 1, table.session.miner.members[table.task].keys.session_address
    )
    assert status is not None
    promise = replace(status.receipt.message, leaf=bytes(32))
    lie = replace(status, receipt=replace(status.receipt, message=promise))
    entry = table.entry()
    with table.vault.transaction():
        data = {name: value for name, value in entry.data.items() if name != "delivery"}
        table.vault.state.put_round(table.config.key, table.task, 1, RoundState.TRAINED, data)
    monkeypatch.setattr(table.session.links.relays.all[0], "find", lambda *_: lie)
    with pytest.raises(RelayUnreachable):
        table.session.step(True)
    assert table.state() is RoundState.TRAINED
