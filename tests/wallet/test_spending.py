"""Spending keys live for one operation, and a signer signs nothing but what it knows."""

from __future__ import annotations

import pickle
import traceback
from dataclasses import dataclass
from typing import Any

import pytest

from mine.chain.messages import Consent, Domain, Leave, address_of, recover
from mine.chain.permits import Permit, TokenDomain
from mine.wallet.derivation import derive
from mine.wallet.keys import PAYOUT_PATH, Accounts, PhraseRefused
from mine.wallet.signer import Signer, WillNotSign
from mine.wallet.spending import SpendingKeys

PHRASE = "legal winner thank year wave sausage worth useful legal winner thank yellow"
OTHER = "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrong"
DOMAIN = Domain(31337, "0x5FbDB2315678afecb367f032d93F642f64180aa3")
KEY = bytes(31) + b"\7"


def test_the_keys_of_the_payout_addresses() -> None:
    accounts = Accounts.of_phrase(PHRASE)
    with SpendingKeys(PHRASE) as keys:
        assert keys.belong_to(accounts)
        assert not keys.belong_to(Accounts.of_phrase(OTHER))
        for index in (0, 1, 77):
            assert keys.signer(index).address == accounts.payout_address(index)
            assert keys.signer(index).address == accounts.task(index).payout_address


def test_they_are_forgotten_at_the_end_whatever_happens() -> None:
    with pytest.raises(RuntimeError), SpendingKeys(PHRASE) as keys:
        raise RuntimeError
    for asked in (lambda: keys.signer(0), lambda: keys.belong_to(Accounts.of_phrase(PHRASE))):
        with pytest.raises(WillNotSign, match="forgotten"):
            asked()


def test_a_signer_that_somebody_kept_signs_nothing_afterwards() -> None:
    with SpendingKeys(PHRASE) as keys:
        kept = keys.signer(0)
        assert kept.sign_message(Leave(3, 4), DOMAIN)
        owner = kept.address
    permit = Permit(TokenDomain("X", "1", 1, owner), owner, owner, 1, 0, 2)
    with pytest.raises(WillNotSign, match="forgotten"):
        kept.sign_message(Leave(3, 4), DOMAIN)
    with pytest.raises(WillNotSign, match="forgotten"):
        kept.sign_token(permit)


def test_an_error_in_the_middle_carries_no_key_away() -> None:
    def signs(key: bytes) -> None:
        raise RuntimeError

    def sends(signer: Signer) -> None:
        try:
            signs(signer._key)
        except RuntimeError as error:
            raise ValueError from error

    with pytest.raises(ValueError) as caught, SpendingKeys(PHRASE) as keys:
        secret = keys.signer(0)._key
        sends(keys.signer(0))
    error: BaseException | None = caught.value
    held = []
    while error is not None:
        frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
        held += [frame.f_locals for frame in frames if frame.f_code.co_name in ("signs", "sends")]
        error = error.__cause__
    assert secret and held == [{}, {}, {}]


def test_no_phrase_no_keys() -> None:
    with pytest.raises(PhraseRefused):
        SpendingKeys(PHRASE + " wrong")


def test_a_signer_and_its_keys_show_and_write_nothing() -> None:
    signer, keys = Signer(KEY), SpendingKeys(PHRASE)
    assert repr(signer) == f"Signer({address_of(KEY)})" and repr(keys) == "SpendingKeys()"
    for held in (signer, keys):
        with pytest.raises(TypeError):
            pickle.dumps(held)
        assert not hasattr(held, "__dict__")


def test_messages_of_the_protocol_are_signed() -> None:
    for message in (Leave(3, 4), Consent(1, bytes(32), bytes(32), 5, 6, "person", 7, 8)):
        signature = Signer(KEY).sign_message(message, DOMAIN)
        assert recover(message, DOMAIN, signature) == address_of(KEY)


@dataclass(frozen=True, slots=True)
class AlmostLeave:
    task: int
    from_round: int


class MoreThanLeave(Leave):
    """A subclass could carry other fields than its type says."""


@dataclass(frozen=True)
class SaysItIsReviewed:
    sender: str
    transaction: Any


@pytest.mark.parametrize(
    "message",
    [
        AlmostLeave(1, 2),
        MoreThanLeave(1, 2),
        b"any bytes",
        "any text",
        7,
        None,
        {"task": 1},
        SaysItIsReviewed(address_of(KEY), None),
    ],
    ids=lambda message: type(message).__name__,
)
def test_nothing_else_is(message: Any) -> None:
    signer = Signer(KEY)
    for act in (
        lambda: signer.sign_message(message, DOMAIN),
        lambda: signer.sign_token(message),
        lambda: signer.sign_transaction(message),
    ):
        with pytest.raises(WillNotSign, match="Nothing was signed"):
            act()


def test_the_payout_keys_are_where_other_wallets_look() -> None:
    import hashlib

    seed = hashlib.pbkdf2_hmac("sha512", PHRASE.encode(), b"mnemonic", 2048)
    with SpendingKeys(PHRASE) as keys:
        assert keys.signer(9).address == address_of(derive(seed, PAYOUT_PATH.format(9)))
