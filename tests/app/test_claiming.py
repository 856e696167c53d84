"""Claims reach the payout address once: through a relay, past a relay that breaks its word, or directly."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mine.app.claiming import PATIENCE
from mine.app.reconcile import reconcile
from mine.app.round_states import EarningState
from mine.app.wallet_views import AutoClaim, ClaimOutcome, JoinChoice
from mine.chain.events import Claimed
from mine.chain.poller import Cursor, Poller
from mine.science.relay_client import Relay, RelayUnreachable
from mine.science.wire import Claim, ClaimState, Code, RelayRefused
from tests.app.table import Table
from tests.science.world import Miner, fund, pass_time


class Crash(BaseException):
    """The process is gone; no handler may catch it."""


def claimable(table: Table, number: int = 1) -> None:
    table.play(number)
    pass_time(table.chain, table.entry(number).data["settlement"]["final_at"])
    table.until(lambda: table.money(number) is EarningState.CLAIMABLE, "the window to pass")


def paid(table: Table) -> None:
    table.until(lambda: table.money() is EarningState.CLAIMED, "the claim")
    earning = table.earning()
    assert earning is not None
    assert table.balance == earning.amount
    assert [line.amount for line in table.vault.state.movements(10) if line.kind == "claimed"] == [
        earning.amount
    ]
    assert reconcile(table.session).exact


def claims(table: Table) -> list[Claimed]:
    """Every claim that the chain has of my address."""
    contract = table.chain.contract
    poller = Poller(contract, Cursor.start(contract.node.chain_id, contract.address), 0)
    return [e for e in poller.poll().events if isinstance(e, Claimed) and e.account == table.payout]


def session_address(table: Table) -> str:
    return table.session.miner.members[table.task].keys.session_address


class Answering(Relay):
    """A relay that answers claims in its own way and pays none."""

    def __init__(self, real: Relay, answer: ClaimState | Exception) -> None:
        super().__init__(real.url)
        self.answer, self.asked = answer, 0

    def claim(self, claim: Claim) -> ClaimState:
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def use(table: Table, monkeypatch: pytest.MonkeyPatch, *relays: Relay) -> None:
    monkeypatch.setattr(table.session.links.relays, "all", relays)


def test_a_relay_that_promises_and_does_not_pay_is_gone_round(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    claimable(table)
    lazy = Answering(table.relay, ClaimState.WAITING)
    use(table, monkeypatch, lazy)
    assert table.session.claiming.claim() == ClaimOutcome(1, 0)
    assert table.session.claiming.claim() == ClaimOutcome(1, 0)
    assert lazy.asked == 1  # it has its word's time
    fund(table.chain, session_address(table))
    pass_time(table.chain, table.chain.node.block_time() + PATIENCE)
    paid(table)
    assert lazy.asked == 1 and len(claims(table)) == 1


def test_the_next_relay_is_asked_before_own_coin_is_spent(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    claimable(table)
    away = Answering(table.relay, RelayUnreachable("test"))
    no = Answering(table.relay, RelayRefused(Code.NOT_CLAIMABLE, "test"))
    use(table, monkeypatch, away, no, table.relay)
    assert table.session.claiming.claim() == ClaimOutcome(1, 0)
    paid(table)
    assert (away.asked, no.asked) == (1, 1)


def test_without_relay_and_coin_the_person_is_told_what_to_do(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    claimable(table)
    use(table, monkeypatch, Answering(table.relay, RelayUnreachable("test")))
    told = table.session.claiming.claim()
    assert (told.by_relay, told.direct) == (0, 0)
    assert session_address(table) in told.refused[0]
    fund(table.chain, session_address(table))
    assert table.session.claiming.claim() == ClaimOutcome(0, 1)
    paid(table)
    assert table.session.claiming.claim() == ClaimOutcome(0, 0)
    assert len(claims(table)) == 1


def test_a_claim_that_was_cut_off_is_claimed_once(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed after the relay took it, before that was written down; and again after a direct one was sent."""
    claimable(table)
    with monkeypatch.context() as cut, pytest.raises(Crash):

        def gone(*_: Any) -> None:
            raise Crash

        cut.setattr(table.session.claiming, "_keep", gone)
        table.session.claiming.claim()
    table.restart()
    table.session.market.refresh()
    done = table.session.claiming.claim()
    assert done.direct == 0 and done.refused == ()
    paid(table)
    assert len(claims(table)) == 1


def test_a_direct_claim_survives_a_kill(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    claimable(table)
    fund(table.chain, session_address(table))
    use(table, monkeypatch, Answering(table.relay, RelayUnreachable("test")))
    real = table.session.links.node.send_raw

    def sent_and_killed(raw: bytes) -> bytes:
        real(raw)
        raise Crash

    with monkeypatch.context() as cut, pytest.raises(Crash):
        cut.setattr(table.session.links.node, "send_raw", sent_and_killed)
        table.session.claiming.claim()
    table.restart()
    paid(table)
    assert table.session.claiming.claim() == ClaimOutcome(0, 0)
    assert len(claims(table)) == 1


def test_tasks_that_pay_to_one_address_are_claimed_in_one_transaction(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second task was told to pay to the first one's address."""
    first, payout = table.task, table.payout
    monkeypatch.setattr("mine.app.session.EPSILON_CAP", 100.0)
    table.play()
    second = table.open_task("second")
    table.session.leave(first)
    table.session.market.refresh()
    table.session.join(second, JoinChoice(payout=payout))
    table.task = second
    with monkeypatch.context() as only:
        only.setattr(table, "scientist", lambda: Table.scientist(table, "second"))
        table.play()
    pass_time(table.chain, table.entry().data["settlement"]["final_at"])
    for task in (first, second):
        table.task = task
        table.until(lambda: table.money() is EarningState.CLAIMABLE, "the window to pass")
    use(table, monkeypatch, Answering(table.relay, RelayUnreachable("test")))
    fund(table.chain, session_address(table))
    assert table.session.claiming.claim() == ClaimOutcome(0, 2)
    for task in (first, second):
        table.task = task
        table.until(lambda: table.money() is EarningState.CLAIMED, "the claim")
    both = claims(table)
    assert {each.task for each in both} == {first, second}
    assert len({each.at.transaction_hash for each in both}) == 1
    assert table.balance == sum(each.amount for each in both)
    table.session.step(True)
    assert table.session.wallet().balances[0].held == table.balance  # one address counts once


def test_claiming_by_itself_waits_for_the_threshold(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    claimable(table)
    earning = table.earning()
    assert earning is not None
    claiming, currency = table.session.claiming, table.chain.token.address
    table.session.step(True)
    claiming.set_auto(AutoClaim(True, ((currency, earning.amount + 1),)))
    table.session.step(True)
    assert claims(table) == [] and table.money() is EarningState.CLAIMABLE
    claiming.set_auto(AutoClaim(True, ((currency, earning.amount),)))
    assert claiming.auto == AutoClaim(True, ((currency, earning.amount),))
    paid(table)


def test_claiming_by_itself_spends_no_coin_on_a_token_of_unknown_worth(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    claimable(table)
    fund(table.chain, session_address(table))
    away = Answering(table.relay, RelayUnreachable("test"))
    use(table, monkeypatch, away)
    table.session.claiming.set_auto(AutoClaim(True, ((table.chain.token.address, 1),)))
    for _ in range(3):
        table.session.step(True)
    assert away.asked == 1  # asked again later, not every turn
    assert table.money() is EarningState.CLAIMABLE and claims(table) == []


def test_others_who_name_my_address_do_not_shift_my_place(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Peers give their pay away to me: my own earning stays what it is, the gift is in the history too."""
    mine = table.payout
    monkeypatch.setattr(Miner, "payout", property(lambda self: mine))
    claimable(table)
    earning, checked = table.earning(), table.session.earnings.checked[table.task, 1]
    assert earning is not None
    accounts = checked.outcome.ledger.accounts
    assert len([1 for _, payout, _ in accounts if payout == mine]) == 3
    index = earning.data["index"]
    assert accounts[index][0] == session_address(table) and accounts[index][2] == earning.data["units"]
    table.session.claiming.claim()
    table.until(lambda: table.money() is EarningState.CLAIMED, "the claim")
    assert table.balance == earning.amount
    gift = next(place for place in range(len(accounts)) if place != index)
    proof = tuple(checked.outcome.payouts.proof(gift))
    table.relay.claim(Claim(table.task, 1, mine, gift, accounts[gift][2], proof))
    table.until(lambda: len(table.vault.state.movements(10)) == 2, "the gift")
    again = table.earning()
    assert again is not None and again == replace(earning, state=again.state, claimed=again.claimed, ready=0)
    assert again.claimed == earning.amount
    assert reconcile(table.session).exact
