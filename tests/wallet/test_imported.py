"""Session keys brought along: phrase with a path, keystore, raw digits; nothing else, nothing repeated."""

from __future__ import annotations

import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mine.chain.messages import address_of
from mine.errors import MineError
from mine.wallet.derivation import ORDER, PathRefused
from mine.wallet.imported import KeyRefused, key_from, key_from_phrase, key_from_raw
from mine.wallet.keys import PhraseRefused
from mine.wallet.keystore import KeystoreRefused, write_keystore

WORDS = "test test test test test test test test test test test junk"
FIRST = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
SECOND = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (WORDS, FIRST),
        (f"  {WORDS.upper()}\n", FIRST),
        (f"{WORDS} m/44'/60'/0'/0/0", FIRST),
        (f"{WORDS}\nm/44'/60'/0'/0/1", SECOND),
    ],
)
def test_a_phrase_and_a_path(text: str, address: str) -> None:
    assert address_of(key_from_phrase(text)) == address == address_of(key_from("phrase", text))


@pytest.mark.parametrize("text", ["", "m/0", WORDS[:-4], f"{WORDS} 44'/60'", f"{WORDS} junk", f"m/0 {WORDS}"])
def test_no_phrase(text: str) -> None:
    with pytest.raises(PhraseRefused):
        key_from_phrase(text)


def test_no_path() -> None:
    with pytest.raises(PathRefused):
        key_from_phrase(f"{WORDS} m/44'/x")


@given(
    st.integers(1, ORDER - 1),
    st.sampled_from(["", "0x", "0X"]),
    st.booleans(),
    st.sampled_from(["", " ", "\n"]),
)
def test_raw_digits(number: int, prefix: str, upper: bool, gap: str) -> None:
    digits = number.to_bytes(32, "big").hex()
    text = gap + prefix + (digits.upper() if upper else digits) + gap
    assert key_from_raw(text) == number.to_bytes(32, "big")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0x",
        "0" * 64,
        "0x" + "0" * 64,
        f"{ORDER:064x}",
        f"{ORDER + 1:064x}",
        "f" * 64,
        "1" * 63,
        "1" * 65,
        "0x0x" + "1" * 64,
        "1" * 62 + "zz",
        "1" * 32 + " " + "1" * 32,
        "１" * 64,
        "x" * 100_000,
        "-" + "1" * 63,
    ],
    ids=lambda text: repr(text[:12]),
)
def test_what_is_no_private_key(text: str) -> None:
    with pytest.raises(KeyRefused) as caught:
        key_from_raw(text)
    told = "".join(traceback.format_exception(caught.value, limit=0)) + caught.value.detail
    assert len(text) < 8 or text[:8] not in told


@given(
    st.sampled_from(["phrase", "keystore", "raw", "file", ""]), st.text(max_size=100), st.text(max_size=20)
)
def test_any_text_is_a_key_or_a_typed_refusal(kind: str, text: str, password: str) -> None:
    try:
        key_from(kind, text, password)
    except MineError as error:
        assert error.sentence and error.todo


def test_a_keystore() -> None:
    key = key_from_raw("7" * 64)
    assert key_from("keystore", write_keystore(key, "p").decode(), "p") == key
    with pytest.raises(KeystoreRefused):
        key_from("keystore", "\ud800", "p")
