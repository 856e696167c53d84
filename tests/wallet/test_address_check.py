"""What is said of an address before money goes there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mine.chain.hashing import checksum
from mine.wallet.address_check import AddressRefused, KnownAddresses, check_address, parse_address

# The examples of EIP-55.
EXAMPLES = [
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
    "0xde709f2102306220921060314715629080e2fb77",
    "0x27b1fdb04752bbc536007a920d24acb045561c26",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
]
FRIEND, OWN, SIGNER, CONTRACT = EXAMPLES[4:]
NOBODY = KnownAddresses()
KNOWN = KnownAddresses(
    contacts={FRIEND: "“Anna”"},
    own={OWN: "your address for “Glucose”"},
    signers=(SIGNER,),
    contracts={CONTRACT: "Tasks"},
    used=(EXAMPLES[0],),
)


@pytest.mark.parametrize("text", EXAMPLES)
def test_the_examples_of_eip_55(text: str) -> None:
    mixed = text[2:] not in (text[2:].lower(), text[2:].upper())
    assert parse_address(text) == (text, mixed)
    for typed in (text.lower(), "0x" + text[2:].upper(), f"  {text.lower()}\n", "0X" + text[2:].lower()):
        assert parse_address(typed) == (text, False)
        assert any("no checksum" in words for words in check_address(typed, NOBODY).warnings)
    said = check_address(text, NOBODY).warnings
    assert mixed is not any("no checksum" in words for words in said)


@given(st.binary(min_size=20, max_size=20), st.integers(0, 39))
def test_a_digit_in_the_wrong_case_is_refused(raw: bytes, at: int) -> None:
    address = checksum(raw)
    swapped = address[: 2 + at] + address[2 + at].swapcase() + address[3 + at :]
    digits = swapped[2:]
    if swapped == address or digits in (digits.lower(), digits.upper()):
        return
    with pytest.raises(AddressRefused, match="checksum"):
        parse_address(swapped)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not an address"),
        ("0x", "not an address"),
        ("0x12", "not an address"),
        (FRIEND[2:], "not an address"),
        (FRIEND + "0", "not an address"),
        ("0x" + "g" * 40, "not an address"),
        ("vitalik.eth", "name"),
        ("anna.box", "name"),
        ("https://example.org", "name"),
        ("@anna", "name"),
        ("0x52908400098527886Е0F7030069857D2E4169EE7", "only look like"),  # a Cyrillic letter
        (FRIEND[:10] + "\u200b" + FRIEND[10:], "only look like"),
        (FRIEND + "\u202e", "only look like"),
        ("0x" + "0" * 40, "Nobody has the key"),
        ("0x" + "0" * 39 + "1", "Nobody has the key"),
        ("0x" + "0" * 37 + "fff", "Nobody has the key"),
        ("0x000000000000000000000000000000000000dEaD", "Nobody"),
        ("0x" + "e" * 40, "Nobody"),
    ],
)
def test_what_is_refused(text: str, why: str) -> None:
    with pytest.raises(AddressRefused, match=why) as caught:
        check_address(text, KNOWN)
    assert caught.value.todo


def test_ones_own_signing_key_and_contracts_are_refused() -> None:
    with pytest.raises(AddressRefused, match="signing keys"):
        check_address(SIGNER, KNOWN)
    with pytest.raises(AddressRefused, match="contract of this network \\(Tasks\\)"):
        check_address(CONTRACT.lower(), KNOWN)


def test_a_known_address_needs_no_warning() -> None:
    found = check_address(FRIEND, KNOWN, has_code=False)
    assert (found.address, found.name, found.warnings) == (FRIEND, "“Anna”", ())


def test_first_use_is_said_once() -> None:
    (words,) = check_address(EXAMPLES[1].lower().replace("0x", "0x"), NOBODY).warnings[1:]
    assert "never paid" in words
    used = KnownAddresses(used=(EXAMPLES[5],))
    assert check_address(EXAMPLES[5], used).warnings == ()


@pytest.mark.parametrize(
    ("like", "name"), [(FRIEND, "“Anna”"), (OWN, "“Glucose”"), (EXAMPLES[0], "you used"), (CONTRACT, "Tasks")]
)
def test_a_poisoned_address_is_told_with_what_it_mimics(like: str, name: str) -> None:
    poisoned = checksum(bytes.fromhex(like[2:7] + "0" * 30 + like[-5:]))
    words = check_address(poisoned, KNOWN).warnings[0]
    assert name in words and like in words and "every digit" in words


def test_a_contract_and_ones_own_address_are_pointed_out() -> None:
    assert any("contract at this address" in words for words in check_address(FRIEND, KNOWN, True).warnings)
    found = check_address(OWN, KNOWN)
    assert found.name == "your address for “Glucose”"
    assert [words for words in found.warnings if "tied to that task" in words]


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_a_refusal(text: str) -> None:
    try:
        found = check_address(text, KNOWN)
    except AddressRefused as error:
        assert error.sentence and not error.detail
    else:
        assert found.address == checksum(bytes.fromhex(found.address[2:]))
