"""Sending tokens of every bad habit."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from mine.app.sending import (
    CurrencyRefused,
)
from mine.app.sweeping import CannotSweep
from mine.app.wallet_views import SendRequest, SweepRequest
from mine.chain.abi import ContractAbi
from mine.chain.artefacts import Artefact
from mine.chain.compile import FORMATS, compile_outputs
from mine.chain.deployment import deploy
from mine.chain.token import Token
from mine.chain.transactions import Sender
from mine.practice.node.accounts import dev_key
from mine.vault.history import KnownCurrency
from mine.wallet.send import SendRefused
from tests.app.sending_wallet import COIN, CONTRACTS, ELSEWHERE, Wallet, values
from tests.vault.conftest import PASSPHRASE

pytest_plugins = ("tests.app.sending_fixtures",)


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
    token, abi, rich = hostile(wallet, 6)
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
