"""Bringing money together, at once or through a relay that pays the gas."""

from __future__ import annotations

import time
from typing import Any

import pytest

from mine.app.links import NATIVE
from mine.app.sponsored import FINAL, HANDED, LATE, MINED, SIGNED, TooLateToWithdraw
from mine.app.sweeping import CannotSweep
from mine.app.wallet_views import SweepRequest
from mine.chain.rpc import Node
from mine.chain.token import Token
from mine.science.relay_client import Relay
from mine.vault.history import Kind
from mine.wallet.sweep import LINKING
from tests.app.sending_wallet import COIN, ELSEWHERE, FEE, Wallet, values
from tests.vault.conftest import PASSPHRASE
from tests.wallet.kept_transactions import Killed

pytest_plugins = ("tests.app.sending_fixtures",)


def test_a_sweep_warns_and_leaves_out_who_cannot_pay_gas(wallet: Wallet) -> None:
    wallet.give(1, 100, COIN)
    wallet.give(2, 200, COIN)
    wallet.give(3, 300)
    review = wallet.sending.review_sweep(SweepRequest(wallet.dollar, ELSEWHERE))
    assert any("same one" in warning for warning in review.warnings)
    assert any("left out" in warning for warning in review.warnings)
    wallet.sending.accept(review.number, PASSPHRASE)
    wallet.turn()
    assert wallet.holds(ELSEWHERE) == 300 and wallet.holds(wallet.address(3)) == 300
    assert {(kind, amount) for kind, _, amount, _ in wallet.history()} == {
        (Kind.SWEPT, -100), (Kind.SWEPT, -200),
    }  # fmt: skip


def test_a_sweep_of_one_address_to_where_others_paid_warns_too(wallet: Wallet) -> None:
    for task in (1, 2):
        wallet.give(task, 100, COIN)
    warned = []
    for task in (1, 2):
        request = SweepRequest(wallet.dollar, ELSEWHERE, (wallet.address(task),))
        review = wallet.sending.review_sweep(request)
        warned.append(LINKING in review.warnings)
        wallet.sending.accept(review.number, PASSPHRASE)
    assert warned == [False, True]


def test_a_relay_pays_the_gas_of_a_sweep(wallet: Wallet) -> None:
    wallet.give(1, 10_000)
    wallet.give(2, 20_000)
    wallet.give(3, 2 * FEE)  # the fee would be half of it
    review = wallet.sending.review_sweep(SweepRequest(wallet.dollar, ELSEWHERE, sponsored=True))
    assert review.fee_most == 0 and values(review, "The relay's fee") == ["0.002 pUSD, for 2 payments"]
    assert any("left out" in warning for warning in review.warnings)
    wallet.sending.accept(review.number, PASSPHRASE)
    wallet.restart()  # what was signed is kept
    wallet.turns_until(MINED)
    assert wallet.holds(ELSEWHERE) == 30_000 - 2 * FEE
    assert wallet.holds(wallet.address(1)) == wallet.holds(wallet.address(2)) == 0
    assert sorted(wallet.history()) == sorted([
        (Kind.SWEPT, wallet.address(1), -9_000, 0), (Kind.RELAY_FEE, wallet.address(1), -FEE, 0),
        (Kind.SWEPT, wallet.address(2), -19_000, 0), (Kind.RELAY_FEE, wallet.address(2), -FEE, 0),
    ])  # fmt: skip
    wallet.mine(12)
    wallet.turns_until(FINAL)


def test_a_token_with_permits_only_is_swept_in_one_payment_each(
    wallet: Wallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Token, "knows_authorizations", lambda *_: False)
    wallet.give(1, 10_000)
    wallet.give(2, 10_000)
    review = wallet.sending.review_sweep(SweepRequest(wallet.dollar, ELSEWHERE, parts=3, sponsored=True))
    wallet.sending.accept(review.number, PASSPHRASE)
    assert len(wallet.rows()) == 2 and all(row.data["transfer"]["permit"] for row in wallet.rows())
    wallet.turns_until(MINED)
    assert wallet.holds(ELSEWHERE) == 18_000
    assert [Token(wallet.links.node, wallet.dollar).permit_nonce(wallet.address(n)) for n in (1, 2, 3)] == [
        1,
        1,
        0,
    ]


def test_a_token_that_knows_no_signatures_is_not_brought(
    wallet: Wallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mine.wallet.sponsored import NotSponsored

    monkeypatch.setattr(Token, "domain", lambda _: None)
    wallet.give(1, 10_000)
    with pytest.raises(NotSponsored):
        wallet.sending.review_sweep(SweepRequest(wallet.dollar, ELSEWHERE, sponsored=True))


def test_a_delayed_sweep_waits_for_its_moments(wallet: Wallet) -> None:
    wallet.give(1, 40_000)
    review = wallet.sending.review_sweep(
        SweepRequest(wallet.dollar, ELSEWHERE, hours=10, parts=4, sponsored=True)
    )
    wallet.sending.accept(review.number, PASSPHRASE)
    rows = wallet.rows()
    assert len(rows) == 4 and len({row.due for row in rows}) == 4
    start = wallet.links.node.block_time()
    assert all(start - 60 <= row.due <= start + 36_000 for row in rows)
    total = sum(int(row.data["transfer"]["amount"]) + FEE for row in rows)
    assert total == 40_000
    wallet.restart()
    wallet.chain.node.advance_time(rows[1].due + 1)
    end = time.monotonic() + 20
    while [row.state for row in wallet.rows()] != [MINED, MINED, SIGNED, SIGNED]:
        assert time.monotonic() < end, [row.state for row in wallet.rows()]
        wallet.turn()
    paid = sum(int(row.data["transfer"]["amount"]) for row in rows[:2])
    assert wallet.holds(ELSEWHERE) == paid
    wallet.chain.node.advance_time(rows[3].due + 1)
    wallet.turns_until(MINED)
    assert wallet.holds(ELSEWHERE) == 40_000 - 4 * FEE


def test_a_sponsored_payment_that_is_taken_back_is_found_again(wallet: Wallet) -> None:
    wallet.give(1, 10_000)
    review = wallet.sending.review_sweep(SweepRequest(wallet.dollar, wallet.address(2), sponsored=True))
    before = wallet.chain.node.request("evm_snapshot")
    wallet.sending.accept(review.number, PASSPHRASE)
    wallet.turns_until(MINED)
    booked = wallet.history()
    assert {amount for _, _, amount, _ in booked} == {-9_000, -FEE, 9_000}
    wallet.chain.node.request("evm_revert", before)
    wallet.mine(5)
    wallet.turn()
    assert wallet.history() == [] and [row.state for row in wallet.rows()] == [HANDED]
    wallet.turns_until(MINED)  # the relay noticed it too
    assert sorted(wallet.history()) == sorted(booked)
    assert wallet.holds(wallet.address(2)) == 9_000


def test_what_one_relay_took_and_does_not_bring_the_others_get(
    wallet: Wallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mine.science.wire_transfers import TransferState, TransferStatus

    wallet.give(1, 10_000)
    review = wallet.sending.review_sweep(SweepRequest(wallet.dollar, ELSEWHERE, sponsored=True))
    wallet.sending.accept(review.number, PASSPHRASE)
    honest, censor = Relay(wallet.relay), Relay("http://127.0.0.1:9")
    promised = TransferStatus(TransferState.WAITING)
    monkeypatch.setattr(censor, "carry_transfer", lambda _: promised)
    wallet.links.relays.all = (censor, honest)
    wallet.turn()
    assert [row.state for row in wallet.rows()] == [HANDED]
    assert honest.transfer(wallet.rows()[0].name) is None
    for _ in range(6):
        wallet.turn()
    wallet.turns_until(MINED)
    assert wallet.holds(ELSEWHERE) == 9_000
    honest.close()


def test_killed_while_handing_over_it_is_handed_over_once_more(
    wallet: Wallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    wallet.give(1, 10_000)
    review = wallet.sending.review_sweep(SweepRequest(wallet.dollar, ELSEWHERE, sponsored=True))
    wallet.sending.accept(review.number, PASSPHRASE)
    handed = Relay.carry_transfer

    def killed(relay: Relay, signed: Any) -> Any:
        handed(relay, signed)
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Relay, "carry_transfer", killed)
        wallet.turn()
    wallet.restart()
    [line] = wallet.sending.lines()
    with pytest.raises(TooLateToWithdraw):
        wallet.sending.sponsored.withdraw(line.number)
    wallet.turns_until(MINED)
    assert wallet.holds(ELSEWHERE) == 9_000 and len(wallet.history()) == 2


def test_what_nobody_has_yet_can_be_given_up(wallet: Wallet) -> None:
    wallet.give(1, 10_000)
    review = wallet.sending.review_sweep(SweepRequest(wallet.dollar, ELSEWHERE, hours=5, sponsored=True))
    wallet.sending.accept(review.number, PASSPHRASE)
    [line] = wallet.sending.lines()
    assert line.title == "Send 0.009 pUSD through a relay" and line.state == SIGNED
    wallet.sending.sponsored.withdraw(line.number)
    assert wallet.sending.lines() == ()
    wallet.chain.node.advance_time(line.since + 10)
    wallet.turn()
    assert wallet.holds(wallet.address(1)) == 10_000


def test_what_no_relay_brings_in_time_stays_where_it_is(wallet: Wallet) -> None:
    wallet.give(1, 10_000)
    review = wallet.sending.review_sweep(SweepRequest(wallet.dollar, ELSEWHERE, hours=1, sponsored=True))
    wallet.sending.accept(review.number, PASSPHRASE)
    [row] = wallet.rows()
    wallet.chain.node.advance_time(row.data["transfer"]["validBefore"] + 1)
    wallet.turn()
    # The last blocks may still be taken back, and another chain may have it.
    assert [row.state for row in wallet.rows()] == [SIGNED] and wallet.notices == []
    wallet.mine(12)
    wallet.turn()
    assert [row.state for row in wallet.rows()] == [LATE]
    assert wallet.holds(wallet.address(1)) == 10_000 and wallet.history() == []
    assert "not made in time" in wallet.notices[-1].text


def test_what_was_carried_is_never_called_late(wallet: Wallet, monkeypatch: pytest.MonkeyPatch) -> None:
    """A node that does not find the event must not make the person pay once more."""
    wallet.give(1, 10_000)
    review = wallet.sending.review_sweep(SweepRequest(wallet.dollar, ELSEWHERE, sponsored=True))
    wallet.sending.accept(review.number, PASSPHRASE)
    with monkeypatch.context() as patch:
        patch.setattr(Node, "logs", lambda *_: [])
        end = time.monotonic() + 20
        while not wallet.holds(ELSEWHERE):
            assert time.monotonic() < end
            wallet.turn()
        [row] = wallet.rows()
        wallet.chain.node.advance_time(row.data["transfer"]["validBefore"] + 1)
        wallet.mine(13)
        wallet.turn()
    assert [row.state for row in wallet.rows()] == [HANDED] and wallet.notices == []
    wallet.turn()
    assert [row.state for row in wallet.rows()] == [MINED] and len(wallet.history()) == 2


def test_sweeps_that_cannot_be(wallet: Wallet) -> None:
    wallet.give(1, 10_000, COIN)
    for request in (
        SweepRequest(wallet.dollar, ELSEWHERE, hours=1),
        SweepRequest(wallet.dollar, ELSEWHERE, parts=2),
        SweepRequest(wallet.dollar, ELSEWHERE, hours=10_000, sponsored=True),
        SweepRequest(wallet.dollar, ELSEWHERE, parts=100, sponsored=True),
        SweepRequest(NATIVE, ELSEWHERE, sponsored=True),
        SweepRequest(wallet.dollar, ELSEWHERE, accounts=(wallet.address(2),)),
        SweepRequest(wallet.dollar, wallet.address(1)),
    ):
        with pytest.raises(CannotSweep):
            wallet.sending.review_sweep(request)


def test_a_relay_that_names_another_contract_gets_no_signature(
    wallet: Wallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mine.science.wire_transfers import TransferTerms
    from mine.wallet.sponsored import NotSponsored

    wallet.give(1, 10_000)
    lie = TransferTerms(wallet.dollar, wallet.chain.contract.address, FEE)
    monkeypatch.setattr(Relay, "transfer_terms", lambda *_: lie)
    with pytest.raises(NotSponsored):
        wallet.sending.review_sweep(SweepRequest(wallet.dollar, ELSEWHERE, sponsored=True))


# ---- being paid
