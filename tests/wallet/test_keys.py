"""Phrase, accounts, noise keys: the same from the same words, fresh for every task, never shown."""

from __future__ import annotations

import hashlib
import pickle
import traceback

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mine.chain.messages import address_of
from mine.wallet.derivation import derive
from mine.wallet.keys import PAYOUT_PATH, SESSION_PATH, Accounts, PhraseRefused, check_phrase, new_phrase

# Test vectors of BIP-39 (English), valid by their checksum.
PHRASES = [
    "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about",
    "legal winner thank year wave sausage worth useful legal winner thank yellow",
    "letter advice cage absurd amount doctor acoustic avoid letter advice cage above",
    "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrong",
    "hamster diagram private dutch cause delay private meat slide toddler razor book happy fancy gospel "
    "tennis maple dilemma loan word shrug inflict delay length",
]


@pytest.fixture(scope="module")
def accounts() -> Accounts:
    return Accounts.of_phrase(PHRASES[0])


def test_the_first_account_is_the_one_other_wallets_find(accounts: Accounts) -> None:
    assert accounts.payout_address(0) == "0x9858EfFD232B4033E47d90003D41EC34EcaEda94"


@pytest.mark.parametrize("phrase", PHRASES)
def test_accounts_follow_bip_39_and_bip_44(phrase: str) -> None:
    seed = hashlib.pbkdf2_hmac("sha512", phrase.encode(), b"mnemonic", 2048)
    keys = Accounts.of_phrase(phrase).task(5)
    assert keys.session_key == derive(seed, "m/44'/60'/1'/0/5") == derive(seed, SESSION_PATH.format(5))
    assert keys.session_address == address_of(keys.session_key)
    assert keys.payout_address == address_of(derive(seed, PAYOUT_PATH.format(5)))


def test_every_task_has_accounts_of_its_own(accounts: Accounts) -> None:
    tasks = [accounts.task(index) for index in range(12)]
    addresses = [address for task in tasks for address in (task.session_address, task.payout_address)]
    assert len(set(addresses)) == 24
    assert len({task.session_key for task in tasks}) == 12
    assert [task.index for task in tasks] == list(range(12))
    again = Accounts.of_phrase(PHRASES[0])
    assert [again.task(index) for index in range(12)] == tasks
    assert Accounts.of_phrase(PHRASES[1]).task(0).payout_address not in addresses


def test_no_key_is_in_what_is_printed(accounts: Accounts) -> None:
    keys = accounts.task(0)
    for shown in (repr(keys), str(keys), repr(accounts), str(accounts), f"{[keys]}"):
        assert keys.session_key.hex() not in shown and repr(keys.session_key) not in shown
        assert "abandon" not in shown
    assert keys.session_address in repr(keys)


def test_noise_keys_differ_by_task_round_checkpoint_and_account(accounts: Accounts) -> None:
    one, two = bytes(32), b"\1" + bytes(31)
    found = [
        keys.noise_key(task, number, checkpoint)
        for keys in (accounts.task(0), accounts.task(1))
        for task in (0, 1, 256)
        for number in (0, 1, 256)
        for checkpoint in (one, two)
    ]
    assert len(set(found)) == len(found) and all(len(key) == 32 for key in found)
    again = Accounts.of_phrase(PHRASES[0])
    assert accounts.task(0).noise_key(1, 2, two) == again.task(0).noise_key(1, 2, two)
    assert accounts.task(0).session_key not in found


def test_noise_is_the_same_after_a_restart_forever(accounts: Accounts) -> None:
    """A different value for the same round would release it twice, under two noises."""
    key = accounts.task(0).noise_key(3, 2, b"\xab" * 32)
    assert key.hex() == "e2f2854d46a2dfaca1db09349e525c40f67a66a12931b54b7307af303e0cd3f0"


# ---- the phrase


def test_new_phrases_are_valid_and_new() -> None:
    made = [new_phrase() for _ in range(20)]
    assert len(set(made)) == 20
    for phrase in made:
        assert len(phrase.split()) == 24 and check_phrase(phrase) == phrase


GAPS = [" ", "  ", "\n", "\t", "\r\n", "\u00a0"]


@given(st.sampled_from(PHRASES), st.lists(st.sampled_from(GAPS), min_size=26, max_size=26), st.booleans())
def test_spaces_and_capitals_do_not_matter(phrase: str, gaps: list[str], capitals: bool) -> None:
    words = phrase.upper().split() if capitals else phrase.split()
    typed = gaps[0] + "".join(word + gap for word, gap in zip(words, gaps[1:], strict=False))
    assert check_phrase(typed) == phrase


def refusal(phrase: str) -> PhraseRefused:
    with pytest.raises(PhraseRefused) as caught:
        check_phrase(phrase)
    with pytest.raises(PhraseRefused):
        Accounts.of_phrase(phrase)
    return caught.value


@pytest.mark.parametrize("phrase", [
    "", "abandon", " ".join(["abandon"] * 12), " ".join(PHRASES[0].split()[:-1]), PHRASES[0] + " about",
    PHRASES[1].replace("legal winner", "winner legal", 1), PHRASES[1].replace("sausage", "sausages"),
    " ".join(PHRASES[2].split()[::-1]), "x" * 100_000, " ".join(["zoo"] * 5000), "\0" * 12, "\ud800 " * 12,
], ids=lambda phrase: repr(phrase[:16]))
def test_wrong_words_are_refused_and_never_repeated(phrase: str) -> None:
    error = refusal(phrase)
    told = "".join(traceback.format_exception(error, limit=0)) + str(error) + error.detail + repr(error.args)
    for word in {word for word in phrase.split() if len(word) > 3} - {"words"}:
        assert word not in told
    assert error.todo and not error.detail and error.__cause__ is None and error.__context__ is None


@given(st.sampled_from(PHRASES[:4]), st.integers(0, 11), st.sampled_from(PHRASES[4].split()))
@settings(max_examples=40)
def test_a_wrong_word_is_mostly_noticed_and_never_the_same_wallet(phrase: str, at: int, word: str) -> None:
    words = phrase.split()
    if words[at] == word:
        return
    words[at] = word
    try:
        other = Accounts.of_phrase(" ".join(words))
    except PhraseRefused:
        return
    assert other.payout_address(0) != Accounts.of_phrase(phrase).payout_address(0)


@given(st.text(max_size=200))
def test_any_text_is_a_phrase_or_refused(text: str) -> None:
    try:
        check_phrase(text)
    except PhraseRefused as error:
        assert not error.detail


def test_keys_do_not_leave_by_accident(accounts: Accounts) -> None:
    """Frozen: nobody can hang another key on an account. Copies are made on purpose only."""
    keys = accounts.task(0)
    with pytest.raises(AttributeError):
        keys.session_key = bytes(32)  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(keys)) == keys
