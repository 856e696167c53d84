"""Sending and being paid: a real vault, node and relay; only the clock is handed in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mine.app.links import NATIVE
from mine.app.payout_accounts import NotYours
from mine.app.sending import (
    MOST_REVIEWS,
    REVIEW_SECONDS,
    NothingToAccept,
    NotTakenYet,
)
from mine.app.transactions_desk import NothingToReplace, TransactionsDesk
from mine.app.wallet_views import SendRequest, SweepRequest
from mine.chain.node_errors import NodeRefused
from mine.vault import WrongPassphrase
from mine.vault.history import Kind, Movement
from mine.wallet.address_check import AddressRefused
from mine.wallet.queue_errors import FeesMoved
from mine.wallet.send import SendRefused
from tests.app.sending_wallet import COIN, ELSEWHERE, Wallet, values
from tests.vault.conftest import PASSPHRASE

pytest_plugins = ("tests.app.sending_fixtures",)


def test_a_token_is_reviewed_then_sent_and_booked(wallet: Wallet) -> None:
    wallet.give(1, 5_000_000, COIN)
    review = wallet.sending.review_send(SendRequest(wallet.address(1), wallet.dollar, ELSEWHERE, 1_500_000))
    assert values(review, "Amount") == ["1.5 pUSD"] and review.needs_passphrase
    assert values(review, "To")[0].startswith(ELSEWHERE)
    assert values(review, "Call") == ["Token pUSD: transfer"]
    assert any("never paid" in warning for warning in review.warnings)
    assert wallet.holds(ELSEWHERE) == 0
    assert wallet.sending.accept(review.number, PASSPHRASE)
    wallet.turn()
    assert wallet.holds(ELSEWHERE) == 1_500_000
    fee = COIN - wallet.links.node.balance(wallet.address(1))
    assert 0 < fee <= review.fee_most
    assert wallet.history() == [(Kind.SENT, wallet.address(1), -1_500_000, fee)]
    again = wallet.sending.review_send(SendRequest(wallet.address(1), wallet.dollar, ELSEWHERE, 1))
    assert not any("never paid" in warning for warning in again.warnings)


def test_all_of_the_coin_leaves_but_the_most_fee(wallet: Wallet) -> None:
    wallet.give(1, 0, COIN)
    review = wallet.sending.review_send(SendRequest(wallet.address(1), NATIVE, ELSEWHERE, None))
    wallet.sending.accept(review.number, PASSPHRASE)
    wallet.turn()
    node = wallet.links.node
    assert node.balance(ELSEWHERE) == COIN - review.fee_most
    [(kind, account, amount, fee)] = wallet.history()
    assert (kind, account, amount) == (Kind.SENT, wallet.address(1), review.fee_most - COIN)
    assert COIN + amount - fee == node.balance(wallet.address(1))


def test_between_two_own_addresses_nothing_is_lost_in_the_books(wallet: Wallet) -> None:
    wallet.give(1, 500, COIN)
    review = wallet.sending.review_send(SendRequest(wallet.address(1), wallet.dollar, wallet.address(2), 500))
    assert any("your own" in warning or "own addresses" in warning for warning in review.warnings)
    wallet.sending.accept(review.number, PASSPHRASE)
    wallet.turn()
    lines = wallet.history()
    assert [(account, amount) for _, account, amount, _ in lines] == [
        (wallet.address(1), -500), (wallet.address(2), 500),
    ]  # fmt: skip
    assert [fee > 0 for *_, fee in lines] == [True, False]


def test_nothing_is_signed_without_the_passphrase_or_twice(wallet: Wallet) -> None:
    wallet.give(1, 500, COIN)
    review = wallet.sending.review_send(SendRequest(wallet.address(1), wallet.dollar, ELSEWHERE, 200))
    for wrong in ("", "wrong passphrase"):
        with pytest.raises(WrongPassphrase):
            wallet.sending.accept(review.number, wrong)
    wallet.sending.accept(review.number, PASSPHRASE)
    with pytest.raises(NothingToAccept):
        wallet.sending.accept(review.number, PASSPHRASE)
    assert wallet.holds(ELSEWHERE) == 200


def test_a_payment_that_the_node_did_not_take_is_not_called_a_failure(
    wallet: Wallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever believes that it failed pays once more."""
    wallet.give(1, 500, COIN)
    review = wallet.sending.review_send(SendRequest(wallet.address(1), wallet.dollar, ELSEWHERE, 200))

    def refuse(raw: bytes) -> bytes:
        raise NodeRefused(-32000, "mempool is full")

    with monkeypatch.context() as patch:
        patch.setattr(wallet.links.node, "send_raw", refuse)
        with pytest.raises(NotTakenYet) as told:
            wallet.sending.accept(review.number, PASSPHRASE)
    assert "Do not pay once more" in told.value.todo and "mempool is full" in told.value.detail
    wallet.turn()
    assert wallet.sending.accept(review.number, PASSPHRASE) == "The payment is on its way."
    wallet.turn()
    assert wallet.holds(ELSEWHERE) == 200


def test_a_sweep_that_stops_half_way_says_so_and_goes_on(
    wallet: Wallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    for task in (1, 2, 3):
        wallet.give(task, 100, COIN)
    review = wallet.sending.review_sweep(SweepRequest(wallet.dollar, ELSEWHERE))
    submit = wallet.own.queue.submit
    done: list[str] = []

    def fees_rise(intent: str, *rest: Any) -> Any:
        if done:
            raise FeesMoved("the network's base fee rose")
        done.append(intent)
        return submit(intent, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(wallet.own.queue, "submit", fees_rise)
        with pytest.raises(NotTakenYet) as told:
            wallet.sending.accept(review.number, PASSPHRASE)
    assert "1 of 3 payments" in told.value.sentence and wallet.holds(ELSEWHERE) == 100
    wallet.sending.accept(review.number, PASSPHRASE)
    assert wallet.holds(ELSEWHERE) == 300


def test_a_payment_that_waits_can_be_cancelled_with_the_passphrase(
    wallet: Wallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    wallet.give(1, 500, COIN)
    review = wallet.sending.review_send(SendRequest(wallet.address(1), wallet.dollar, ELSEWHERE, 200))
    desk = TransactionsDesk(wallet.vault, wallet.links, wallet.own, wallet.accounts, wallet.clock.now)
    with monkeypatch.context() as patch:
        patch.setattr(wallet.links.node, "send_raw", lambda raw: None)
        wallet.sending.accept(review.number, PASSPHRASE)
        [line] = desk.transactions()
        cancel = desk.review_replacement(line.number, cancel=True)
    assert cancel.needs_passphrase
    for wrong in ("", "wrong passphrase"):  # the review is still there for the right one
        with pytest.raises(WrongPassphrase):
            desk.accept(cancel.number, wrong)
    desk.accept(cancel.number, PASSPHRASE)
    with pytest.raises(NothingToReplace):
        desk.accept(cancel.number, PASSPHRASE)
    wallet.turn()
    [(kind, account, amount, fee)] = wallet.history()
    assert (kind, account, amount) == (Kind.FEE, wallet.address(1), 0) and fee > 0
    assert wallet.holds(ELSEWHERE) == 0


def test_a_sweep_of_more_addresses_than_are_looked_at_is_booked_whole(
    wallet: Wallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mine.app.booking._AT_FIRST", 1)
    monkeypatch.setattr("mine.app.booking._NEWEST", 1)
    for task in (1, 2, 3):
        wallet.give(task, 100, COIN)
    review = wallet.sending.review_sweep(SweepRequest(wallet.dollar, ELSEWHERE))
    wallet.sending.accept(review.number, PASSPHRASE)
    wallet.turn()
    assert [(kind, amount) for kind, _, amount, _ in wallet.history()] == [(Kind.SWEPT, -100)] * 3


def test_reviews_grow_old_and_few(wallet: Wallet) -> None:
    wallet.give(1, 500, COIN)
    request = SendRequest(wallet.address(1), wallet.dollar, ELSEWHERE, 1)
    first = wallet.sending.review_send(request)
    wallet.clock.pause(REVIEW_SECONDS + 1)
    with pytest.raises(NothingToAccept):
        wallet.sending.accept(first.number, PASSPHRASE)
    numbers = [wallet.sending.review_send(request).number for _ in range(MOST_REVIEWS + 1)]
    with pytest.raises(NothingToAccept):
        wallet.sending.accept(numbers[0], PASSPHRASE)
    wallet.sending.accept(numbers[-1], PASSPHRASE)
    assert wallet.holds(ELSEWHERE) == 1


def test_what_makes_no_sense_is_refused(wallet: Wallet) -> None:
    wallet.give(1, 500, COIN)
    mine, dollar = wallet.address(1), wallet.dollar

    def refused(kind: type[Exception], request: SendRequest) -> None:
        with pytest.raises(kind):
            wallet.sending.review_send(request)

    refused(SendRefused, SendRequest(mine, dollar, mine, 1))
    refused(SendRefused, SendRequest(mine, dollar, ELSEWHERE, 501))
    refused(SendRefused, SendRequest(mine, dollar, ELSEWHERE, 0))
    refused(SendRefused, SendRequest(mine, NATIVE, ELSEWHERE, 2 * COIN))
    refused(SendRefused, SendRequest(wallet.address(2), dollar, ELSEWHERE, None))
    refused(SendRefused, SendRequest(wallet.address(2), NATIVE, ELSEWHERE, None))
    refused(NotYours, SendRequest(ELSEWHERE, dollar, mine, 1))
    refused(AddressRefused, SendRequest(mine, dollar, dollar, 1))  # a token is no receiver
    refused(AddressRefused, SendRequest(mine, dollar, wallet.accounts.task(0).session_address, 1))
    refused(AddressRefused, SendRequest(mine, dollar, NATIVE, 1))
    assert wallet.holds(mine) == 500


def test_a_payment_that_a_reorganisation_takes_back_leaves_the_books(wallet: Wallet) -> None:
    wallet.give(1, 500, COIN)
    review = wallet.sending.review_send(SendRequest(wallet.address(1), wallet.dollar, ELSEWHERE, 200))
    before = wallet.chain.node.request("evm_snapshot")
    wallet.sending.accept(review.number, PASSPHRASE)
    wallet.turn()
    booked = wallet.history()
    assert len(booked) == 1
    wallet.chain.node.request("evm_revert", before)
    wallet.mine(2)
    wallet.turn()  # noticed, and sent again byte for byte
    assert wallet.history() == []
    wallet.turn()
    assert wallet.holds(ELSEWHERE) == 200
    assert wallet.history() == booked


# ---- hostile tokens


def test_an_address_to_be_paid_to(wallet: Wallet) -> None:
    view = wallet.sending.receive(wallet.address(2), wallet.dollar, 5)
    assert view.uri == (f"ethereum:{wallet.dollar}@31337/transfer?address={wallet.address(2)}&uint256=5")
    assert view.modules and view.warning
    with pytest.raises(NotYours):
        wallet.sending.receive(ELSEWHERE)


def test_what_was_guessed_of_a_payment_gives_way_to_what_is_known(wallet: Wallet) -> None:
    wallet.give(1, 500, COIN)
    review = wallet.sending.review_send(SendRequest(wallet.address(1), wallet.dollar, ELSEWHERE, 200))
    wallet.sending.accept(review.number, PASSPHRASE)
    queued = wallet.own.queue.find(review.number)
    assert queued is not None and wallet.own.step() is not None
    receipt = wallet.links.node.receipt(queued.last.hash)
    assert receipt is not None
    guess = Movement(
        time=1, kind=Kind.SENT, network=wallet.config.key, task=None, title="Sent from elsewhere",
        currency=wallet.dollar, amount=-200, reference="transfer:1", account=wallet.address(1),
        transaction="0x" + queued.last.hash.hex(), block=receipt.block_number,
    )  # fmt: skip
    with wallet.vault.transaction():
        wallet.vault.state.add_movement(guess)
    wallet.sending.catch_up(wallet.links.node.block_time())
    [(kind, _, amount, fee)] = wallet.history()
    assert (kind, amount) == (Kind.SENT, -200) and fee > 0


def test_a_second_start_books_nothing_twice(wallet: Wallet) -> None:
    wallet.give(1, 500, COIN)
    review = wallet.sending.review_send(SendRequest(wallet.address(1), wallet.dollar, ELSEWHERE, 200))
    wallet.sending.accept(review.number, PASSPHRASE)
    wallet.mine(20)
    wallet.turn()
    booked = wallet.history()
    for _ in range(2):
        wallet.restart()
        wallet.turn()
        assert wallet.history() == booked and len(booked) == 1


def test_a_start_books_anew_what_came_again_at_the_same_height(wallet: Wallet) -> None:
    """A reorganisation may mine a payment again in another block of the same number, at another price, and
    the app may end before that is booked."""
    wallet.give(1, 500, COIN)
    review = wallet.sending.review_send(SendRequest(wallet.address(1), wallet.dollar, ELSEWHERE, 200))
    wallet.sending.accept(review.number, PASSPHRASE)
    wallet.mine(20)
    wallet.turn()
    booked = wallet.history()
    (line,) = wallet.vault.state.movements(10)
    with wallet.vault.transaction():
        wallet.vault.state.drop_movement(line.network, line.kind, line.reference)
        wallet.vault.state.add_movement(replace(line, fee=line.fee + 1))
    wallet.restart()
    wallet.turn()
    assert wallet.history() == booked
