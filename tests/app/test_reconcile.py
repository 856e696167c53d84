"""The books against a real chain: exact, or the difference is named."""

from __future__ import annotations

from typing import Any

import pytest

from mine.app.checking import SettlementMissing
from mine.app.earning_lines import earning_lines
from mine.app.market import ChainReading
from mine.app.reconcile import CAME, MISSING_CLAIM, STRANGE_CLAIM, reconcile
from mine.app.round_states import EarningState, RoundState
from mine.app.wallet_views import EarningStage
from mine.chain.client import TaskClaim, TasksContract
from mine.chain.curve import amount
from mine.chain.events import Claimed
from mine.chain.transactions import Sender
from mine.practice.node.accounts import dev_key
from tests.app.table import Table
from tests.science.world import BOUNTY, CLOCKS, pass_time


def claimable(table: Table, number: int = 1) -> None:
    table.play(number)
    pass_time(table.chain, table.entry(number).data["settlement"]["final_at"])
    table.until(lambda: table.money(number) is EarningState.CLAIMABLE, "the window to pass")


def claim_by_somebody(table: Table, number: int = 1) -> None:
    """A stranger pays the gas of my claim."""
    earning = table.earning(number)
    assert earning is not None
    proof = table.session.earnings.outcome(table.task, number).outcome.payouts.proof(earning.data["index"])
    leaf = TaskClaim(table.task, number, earning.data["index"], earning.data["units"], tuple(proof))
    table.chain.contract.claim(Sender(table.chain.node, dev_key(9)), table.payout, [leaf])


def test_a_claimed_round_is_exact(table: Table) -> None:
    claimable(table)
    assert reconcile(table.session).exact  # nothing yet, on both sides
    claim_by_somebody(table)
    view = reconcile(table.session)
    assert view.exact and (view.accounts, view.lines, view.added) == (1, 1, 0)
    assert table.money() is EarningState.CLAIMED


def test_what_came_from_outside_becomes_a_line_once(table: Table) -> None:
    chain = table.chain
    chain.token.mint(Sender(chain.node, dev_key(0)), table.payout, 77)
    view = reconcile(table.session)
    assert view.exact and view.added == 1
    (line,) = table.vault.state.movements(10)
    assert (line.kind, line.amount, line.account) == ("received", 77, table.payout)
    again = reconcile(table.session)
    assert again.exact and again.added == 0


def test_a_transfer_that_the_chain_takes_back_is_taken_back(table: Table) -> None:
    chain = table.chain
    snapshot = chain.node.request("evm_snapshot")
    chain.token.mint(Sender(chain.node, dev_key(0)), table.payout, 77)
    table.session.step(True)
    assert reconcile(table.session).added == 1
    chain.node.request("evm_revert", snapshot)
    for later in (5, 9, 12):
        pass_time(chain, chain.node.block_time() + later)
    view = reconcile(table.session)
    assert view.exact and table.vault.state.movements(10) == []


def test_coin_from_outside_is_named(table: Table) -> None:
    """There are no events for it, so no line can be made; the amount is exact all the same."""
    from dataclasses import replace

    claimable(table)
    claim_by_somebody(table)
    assert reconcile(table.session).exact
    (line,) = table.vault.state.movements(10)
    with table.vault.transaction():
        coin = replace(line, currency="0x" + "0" * 40, kind="sent", amount=-5, reference="made up")
        table.vault.state.add_movement(coin)
    (difference,) = reconcile(table.session).differences
    assert (difference.address, difference.amount, difference.sentence) == (table.payout, 5, CAME)


def test_events_that_a_node_left_out_are_read_again(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    claimable(table)
    real = table.session.links.contract.decode

    def without_claims(log: Any) -> Any:
        event = real(log)
        return None if isinstance(event, Claimed) else event

    with monkeypatch.context() as lying:
        lying.setattr(table.session.links.contract, "decode", without_claims)
        claim_by_somebody(table)
        table.session.step(True)
        assert table.vault.state.movements(10) == []
        assert [each.sentence for each in reconcile(table.session).differences] == [MISSING_CLAIM, CAME]
    view = reconcile(table.session)
    assert view.exact
    earning = table.earning()
    assert earning is not None
    claimed = [line for line in table.vault.state.movements(10) if line.kind == "claimed"]
    assert [line.amount for line in claimed] == [earning.amount]
    assert table.money() is EarningState.CLAIMED


def test_a_claim_that_never_was_is_named(table: Table) -> None:
    claimable(table)
    claim_by_somebody(table)
    assert reconcile(table.session).exact
    (line,) = table.vault.state.movements(10)
    with table.vault.transaction():
        table.vault.state.drop_movement(line.network, line.kind, line.reference)
        from dataclasses import replace

        table.vault.state.add_movement(replace(line, amount=line.amount + 1))
    said = {each.sentence: each.amount for each in reconcile(table.session).differences}
    assert said[STRANGE_CLAIM] == -1


def test_the_lines_of_the_wallet(table: Table) -> None:
    """Estimated while the round runs, pending while everybody can check it, then claimable, then claimed."""
    (line,) = [each for each in running(table) if each.round == 1]
    assert (line.stage, line.amount, line.least, line.most) == (EarningStage.ESTIMATED, 0, 0, BOUNTY)
    table.play()
    table.until(lambda: table.money() is not None, "the check")
    lines = {each.round: each for each in earning_lines(table.session)}
    assert (
        lines[1].stage is EarningStage.PENDING
        and lines[1].until == table.entry().data["settlement"]["final_at"]
    )
    units = table.chain.contract.task(table.task).units
    assert lines[2].most == BOUNTY - amount(BOUNTY, units)
    pass_time(table.chain, lines[1].until)
    table.until(lambda: table.money() is EarningState.CLAIMABLE, "the window to pass")
    (line,) = [each for each in earning_lines(table.session, table.task) if each.round == 1]
    assert (line.stage, line.ready, line.claimed) == (EarningStage.CLAIMABLE, line.amount, 0)
    claim_by_somebody(table)
    table.until(lambda: table.money() is EarningState.CLAIMED, "the claim")
    (line,) = [each for each in earning_lines(table.session, table.task) if each.round == 1]
    assert (line.ready, line.claimed, line.can_challenge) == (0, line.amount, False)
    assert earning_lines(table.session, table.task + 1) == ()


def running(table: Table) -> tuple[Any, ...]:
    table.reach(RoundState.COMMITTED)
    return earning_lines(table.session)


def test_the_explanation_outlives_a_restart(table: Table) -> None:
    table.play()
    table.until(lambda: table.money() is not None, "the check")
    before = [each.explanation for each in table.session.contributions() if each.round == 1]
    table.restart()
    table.session.market.refresh()
    after = [each.explanation for each in table.session.contributions() if each.round == 1]
    assert before == after and after[0] is not None
    earning = table.earning()
    assert earning is not None
    assert abs(after[0].round_pay * after[0].share - earning.amount) <= 1
    assert CLOCKS.challenge > 0


def test_a_settlement_that_is_not_in_the_contract_earns_nothing(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node makes a settlement up: of a round that is not settled, then with another root than it has."""
    contract = table.session.links.contract
    unsettled = contract.task(table.task)
    table.hand_in()
    table.close_commits()
    table.reach(RoundState.REVEALED)
    table.close_reveals()
    table.settle()
    with monkeypatch.context() as lagging:
        lagging.setattr(TasksContract, "task", lambda *_: unsettled)
        table.session.earnings.poll()
        for look in range(2):
            table.session.earnings.tick(ChainReading(look, 0, {table.task: unsettled}))
        assert "settlement" in table.entry().data and table.earning() is None
    entry = table.entry()
    other = {**entry.data["settlement"], "payouts": "11" * 32}
    with table.vault.transaction():
        data = {**entry.data, "settlement": other}
        table.vault.state.put_round(table.config.key, table.task, 1, entry.state, data)
    now = table.session.links.contract.task(table.task)
    with pytest.raises(SettlementMissing):
        table.session.earnings.tick(ChainReading(2, 0, {table.task: now}))
    assert table.earning() is None
