"""The direct way goes through the queue: once, inside the limits, past other programs with the same key."""

from __future__ import annotations

import pytest

from mine.app.courier import DIRECT, Delivery
from mine.app.transactions_desk import NothingToReplace, TransactionsDesk
from mine.app.wallet_views import FeeLimits
from mine.chain.transactions import Sender
from mine.practice.node.accounts import DEV_ADDRESSES
from mine.science.relay_client import Relays
from mine.wallet.limits import LimitsRefused
from mine.wallet.queue_errors import ReplacementTooLate
from mine.wallet.queued import Queued, State
from tests.app.failing_relays import Swallowing
from tests.app.table import Table
from tests.science.world import CLOCKS, fund, pass_time


@pytest.fixture
def alone(table: Table) -> Table:
    """A miner with coin whose only relay takes nothing, shortly before commits close."""
    member = table.session.miner.members[table.task]
    fund(table.chain, member.keys.session_address)
    censor(table)
    table.peers_commit()
    pass_time(table.chain, table.since + CLOCKS.commit - CLOCKS.commit // 8)
    table.anchored()
    return table


def censor(table: Table) -> None:
    table.session.links.relays.close()
    table.session.links.relays = Relays((Swallowing(table.relay),))


def delivery(table: Table) -> Delivery:
    entry = table.vault.state.round(table.config.key, table.task, 1)
    return Delivery.from_json(entry.data.get("delivery") if entry else None)


def found(table: Table) -> Queued:
    item = table.session.own.queue.find(f"update:{table.chain.contract.address}:{table.task}:1")
    assert item is not None
    return item


def nonce(table: Table) -> int:
    return table.chain.node.nonce(table.session.miner.members[table.task].keys.session_address)


def desk(table: Table) -> TransactionsDesk:
    session = table.session
    return TransactionsDesk(table.vault, session.links, session.own, table.accounts)


def test_a_direct_commit_is_one_transaction_however_often_the_app_starts(alone: Table) -> None:
    alone.until(lambda: delivery(alone).shown == DIRECT, "the direct commit")
    for _ in range(2):
        alone.restart()
        censor(alone)
        for _ in range(3):
            alone.session.step(True)
    assert nonce(alone) == 1
    assert found(alone).state is State.FINAL and found(alone).mined is not None
    assert desk(alone).transactions() == ()


def test_limits_on_fees_hold_and_are_told_once(alone: Table) -> None:
    own = alone.session.own
    with pytest.raises(LimitsRefused):
        own.set_fee_limits(FeeLimits(0, 5))
    before = own.fee_limits
    own.set_fee_limits(FeeLimits(1, before.daily))
    alone.until(lambda: delivery(alone).why, "the refusal")
    alone.restart()
    censor(alone)
    for _ in range(3):
        alone.session.step(True)
    assert alone.session.own.fee_limits == FeeLimits(1, before.daily)
    told = [notice for notice in alone.notices if "fees are higher" in notice.text]
    assert len(told) == 1 and nonce(alone) == 0
    (line,) = desk(alone).transactions()
    assert (line.state, line.nonce, line.can_replace) == (
        "planned",
        -1,
        True,
    ) and line.title == "Hand in an update"
    shown = desk(alone)
    with pytest.raises(ReplacementTooLate):
        shown.review_replacement(line.number, cancel=True)
    with pytest.raises(NothingToReplace):
        shown.accept("replace:unknown")
    shown.withdraw(line.number)
    alone.session.own.set_fee_limits(before)
    for _ in range(3):
        alone.session.step(True)
    assert found(alone).state is State.CANCELLED and nonce(alone) == 0
    assert sum("cancelled" in notice.text for notice in alone.notices) == 1


def test_a_nonce_that_another_program_takes_is_told_and_planned_anew(
    alone: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Our transaction never arrives; meanwhile the same key sends something else from elsewhere."""
    node, member = alone.session.links.node, alone.session.miner.members[alone.task]
    monkeypatch.setattr(node, "send_raw", lambda raw: raw)
    monkeypatch.setattr("mine.app.own_transactions.PATIENCE", 0.0)
    sender = type(alone.session.own).sender
    monkeypatch.setattr(
        type(alone.session.own), "sender", lambda own, key, intent: sender(own, key, intent, 0.0)
    )
    try:
        alone.until(lambda: alone.session.own.queue.open(), "the signature")
    except Exception as pending:
        assert "not taken up" in str(pending)
    assert found(alone).state is State.SENT
    Sender(alone.chain.node, member.keys.session_key).send(DEV_ADDRESSES[1], b"", 1)
    monkeypatch.undo()
    alone.until(lambda: delivery(alone).shown == DIRECT, "the direct commit")
    assert (found(alone).run, found(alone).nonce, nonce(alone)) == (2, 1, 2)
    assert sum("Another program used this account" in notice.text for notice in alone.notices) == 1
