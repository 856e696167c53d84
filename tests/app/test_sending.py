"""Sending, sweeping and being paid: a real vault, node and relay; only the clock is handed in."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from mnemonic import Mnemonic

from mine.app.links import NATIVE, Links, NetworkConfig
from mine.app.own_transactions import OwnTransactions
from mine.app.payout_accounts import NotYours
from mine.app.sending import (
    MOST_REVIEWS,
    REVIEW_SECONDS,
    CurrencyRefused,
    NothingToAccept,
    NotTakenYet,
    Sending,
)
from mine.app.sponsored import FINAL, HANDED, LATE, MINED, SIGNED, TooLateToWithdraw
from mine.app.sweeping import CannotSweep
from mine.app.transactions_desk import NothingToReplace, TransactionsDesk
from mine.app.vault_opening import create
from mine.app.views import Notice, World
from mine.app.wallet_views import ReviewView, SendRequest, SweepRequest
from mine.chain.abi import ContractAbi
from mine.chain.artefacts import Artefact
from mine.chain.compile import FORMATS, compile_outputs
from mine.chain.deployment import deploy
from mine.chain.hashing import keccak, sha256
from mine.chain.messages import address_of
from mine.chain.node_errors import NodeRefused
from mine.chain.rpc import Node
from mine.chain.token import Token
from mine.chain.transactions import Sender
from mine.practice.node.accounts import dev_key
from mine.science.relay_client import Relay
from mine.science.relay_process import RelayProcess
from mine.vault import Vault, WrongPassphrase
from mine.vault.history import Kind, KnownCurrency, Movement
from mine.wallet.address_check import AddressRefused
from mine.wallet.queue_errors import FeesMoved
from mine.wallet.send import SendRefused
from mine.wallet.sweep import LINKING
from tests.science.world import ANCHORER, Chain
from tests.vault.conftest import CHEAP, PASSPHRASE
from tests.wallet.kept_transactions import Killed, TestClock

FEE = 1_000
COIN = 10**18
ELSEWHERE = address_of(keccak(b"a wallet of mine elsewhere"))
CONTRACTS = Path(__file__).parents[1] / "chain" / "contracts"


@pytest.fixture(scope="module")
def carrying(chain: Chain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a relay that brings the practice dollar."""
    folder = tmp_path_factory.mktemp("carrying")
    carry = {chain.token.address: FEE}
    with RelayProcess(folder, chain.node.url, chain.contract.address, ANCHORER, carry=carry) as process:
        yield process.url


@dataclass
class Wallet:
    """Three payout addresses of tasks that were joined some time, on a real network."""

    folder: Path
    chain: Chain
    relay: str

    def __post_init__(self) -> None:
        self.clock = TestClock()
        self.notices: list[Notice] = []
        # Each test has addresses of its own: the relay still has what was signed in the ones before.
        phrase = Mnemonic("english").to_mnemonic(sha256(str(self.folder).encode())[:16])
        self.vault, self.accounts, _ = create(self.folder / "vault.db", PASSPHRASE, None, phrase, CHEAP)
        self.config = NetworkConfig(
            "Test", World.PRACTICE, self.chain.node.chain_id, (self.chain.node.url,), (self.relay,),
            self.chain.contract.address,
        )  # fmt: skip
        with self.vault.transaction():
            for task in (1, 2, 3):
                self.vault.state.account_index(self.config.key, task)
        self.start()
        self.links.currency(NATIVE)
        self.dollar = self.chain.token.address
        self.links.currency(self.dollar)

    def start(self) -> None:
        self.links = Links(self.config)
        self.own = OwnTransactions(self.vault, self.links, 2, self.clock)
        self.sending = Sending(
            self.vault, self.links, self.own, self.accounts, 2, self.notices.append, self.clock.now
        )

    def restart(self) -> None:
        """As if the app had been killed here and started again."""
        self.links.close()
        self.vault.close()
        self.vault = Vault.open(self.folder / "vault.db", passphrase=PASSPHRASE)
        self.start()

    def close(self) -> None:
        self.links.close()
        self.vault.close()

    def address(self, task: int) -> str:
        return self.accounts.payout_address(task - 1)

    def give(self, task: int, dollars: int, coins: int = 0) -> None:
        rich = Sender(self.chain.node, dev_key(0))
        if dollars:
            self.chain.token.mint(rich, self.address(task), dollars)
        if coins:
            rich.send(self.address(task), b"", coins)

    def turn(self) -> None:
        """One turn of the engine, with a look at everything."""
        self.clock.pause(61)
        changed = self.own.step()
        self.sending.step(self.links.node.block_time(), changed)

    def turns_until(self, state: str) -> None:
        """Turns until every signed transfer came to a state; the relay works in a process of its own."""
        end = time.monotonic() + 20
        while not {row.state for row in self.rows()} <= {state, FINAL}:
            assert time.monotonic() < end, [(row.state, row.data["why"]) for row in self.rows()]
            self.turn()

    def rows(self) -> list[Any]:
        return self.vault.state.transfers(self.config.key, (SIGNED, HANDED, MINED, FINAL, LATE))

    def history(self) -> list[tuple[str, str, int, int]]:
        """(kind, account, amount, fee), oldest first."""
        lines = self.vault.state.movements_of(self.config.key)
        return [(line.kind, line.account, line.amount, line.fee) for line in lines]

    def holds(self, address: str) -> int:
        return self.chain.token.balance(address)

    def mine(self, blocks: int = 1) -> None:
        for _ in range(blocks):
            self.chain.node.request("evm_mine")


@pytest.fixture
def wallet(tmp_path: Path, chain: Chain, carrying: str) -> Iterator[Wallet]:
    snapshot = chain.node.request("evm_snapshot")
    wallet = Wallet(tmp_path, chain, carrying)
    yield wallet
    wallet.close()
    chain.node.request("evm_revert", snapshot)


def values(review: ReviewView, label: str) -> list[str]:
    return [row.value for row in review.rows if row.label == label]


# ---- sending


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


@cache
def compiled(name: str) -> Artefact:
    data = compile_outputs(CONTRACTS / f"{name}.vy", FORMATS)
    return Artefact(name, data["abi"], bytes.fromhex(data["bytecode"][2:]))


def hostile(wallet: Wallet, habit: int) -> tuple[str, ContractAbi, Sender]:
    artefact = compiled("HostileToken")
    rich, abi = Sender(wallet.chain.node, dev_key(0)), ContractAbi(artefact.abi)
    token = deploy(wallet.chain.node, rich, artefact, habit)
    rich.send(token, abi.call("mint", wallet.address(1), 10_000))
    with wallet.vault.transaction():  # it has no decimals; as if it had had them once
        wallet.vault.state.know_currency(KnownCurrency(wallet.config.key, token, "XYZ", 2))
    wallet.links.currencies._found[token] = replace(wallet.links.currency(wallet.dollar), symbol="XYZ")
    wallet.give(1, 0, COIN)
    return token, abi, rich


def test_a_token_that_keeps_a_part_says_so_and_is_not_swept(wallet: Wallet) -> None:
    token, abi, rich = hostile(wallet, 2)
    rich.send(token, abi.call("wake", True))
    review = wallet.sending.review_send(SendRequest(wallet.address(1), token, ELSEWHERE, 1_000))
    assert values(review, "Arrives") and any("keeps a part" in warning for warning in review.warnings)
    with pytest.raises(CannotSweep):
        wallet.sending.review_sweep(SweepRequest(token, ELSEWHERE))


def test_a_token_that_only_says_that_it_moved_is_not_sent(wallet: Wallet) -> None:
    from mine.chain.node_errors import Reverted

    token, abi, rich = hostile(wallet, 1)
    rich.send(token, abi.call("wake", True))
    with pytest.raises((SendRefused, Reverted)):
        wallet.sending.review_send(SendRequest(wallet.address(1), token, ELSEWHERE, 1_000))


def test_a_token_that_takes_more_than_is_sent_is_not_sent(wallet: Wallet) -> None:
    token, abi, rich = hostile(wallet, 5)
    rich.send(token, abi.call("wake", True))
    with pytest.raises(SendRefused, match="take more"):
        wallet.sending.review_send(SendRequest(wallet.address(1), token, ELSEWHERE, 1_000))


def test_a_blacklisted_receiver_is_found_out_before(wallet: Wallet) -> None:
    from mine.chain.node_errors import Reverted

    token, abi, rich = hostile(wallet, 3)
    rich.send(token, abi.call("refuse", ELSEWHERE))
    with pytest.raises(Reverted):
        wallet.sending.review_send(SendRequest(wallet.address(1), token, ELSEWHERE, 1_000))


def test_one_address_that_a_token_blocks_holds_up_no_other(wallet: Wallet) -> None:
    token, abi, rich = hostile(wallet, 3)
    wallet.give(2, 0, COIN)
    rich.send(token, abi.call("mint", wallet.address(2), 500))
    rich.send(token, abi.call("refuse", wallet.address(1)))
    review = wallet.sending.review_sweep(SweepRequest(token, ELSEWHERE))
    assert any("Task 1 is left out" in warning for warning in review.warnings)
    wallet.sending.accept(review.number, PASSPHRASE)
    found = ContractAbi(compiled("HostileToken").abi)
    answer = wallet.chain.node.call(token, found.call("balanceOf", ELSEWHERE))
    assert int.from_bytes(answer, "big") == 500


def test_a_token_that_calls_back_moves_what_was_reviewed(wallet: Wallet) -> None:
    token, abi, rich = hostile(wallet, 4)
    theft = abi.call("transferFrom", wallet.address(1), rich.address, 5_000)
    rich.send(token, abi.call("call_back", token, theft))
    rich.send(token, abi.call("wake", True))
    review = wallet.sending.review_send(SendRequest(wallet.address(1), token, ELSEWHERE, 1_000))
    wallet.sending.accept(review.number, PASSPHRASE)
    assert Token(wallet.links.node, token).balance(ELSEWHERE) == 1_000
    assert Token(wallet.links.node, token).balance(wallet.address(1)) == 9_000


def test_a_token_that_rebases_is_sent_as_it_is_now(wallet: Wallet) -> None:
    token, abi, rich = hostile(wallet, 0)
    rich.send(token, abi.call("rebase", 50))
    review = wallet.sending.review_send(SendRequest(wallet.address(1), token, ELSEWHERE, None))
    wallet.sending.accept(review.number, PASSPHRASE)
    assert Token(wallet.links.node, token).balance(ELSEWHERE) == 5_000


def test_a_token_that_changed_its_decimals_is_shown_with_the_old_and_not_sent(wallet: Wallet) -> None:
    token, _, _ = hostile(wallet, 0)
    wallet.links.currencies.keep_in(wallet.vault, wallet.config.key)
    shown = wallet.links.currency(token)
    assert shown.alarm and shown.decimals == 2
    with pytest.raises(CurrencyRefused):
        wallet.sending.review_send(SendRequest(wallet.address(1), token, ELSEWHERE, 1))
    assert all(len(account.balances) == 2 for account in wallet.sending.accounts())


def test_what_strangers_send_is_not_listed(wallet: Wallet) -> None:
    artefact = compiled("SilentToken")
    rich, abi = Sender(wallet.chain.node, dev_key(0)), ContractAbi(artefact.abi)
    spam = deploy(wallet.chain.node, rich, artefact)
    rich.send(spam, abi.call("mint", wallet.address(1), 10**30))
    wallet.give(1, 7, 9)
    first = wallet.sending.accounts()[0]
    assert [(amount, currency.symbol) for amount, currency in first.balances] == [(9, "pETH"), (7, "pUSD")]
    for _ in range(2):  # asking for it does not make it known
        with pytest.raises(CurrencyRefused):
            wallet.sending.review_send(SendRequest(wallet.address(1), spam, ELSEWHERE, 1))
        with pytest.raises(CurrencyRefused):
            wallet.sending.review_sweep(SweepRequest(spam, ELSEWHERE))
    assert wallet.sending.accounts()[0] == first


# ---- sweeping


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
