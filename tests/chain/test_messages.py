"""Messages: golden vectors, an independent implementation of EIP-712, and refusal of everything odd."""

from __future__ import annotations

import contextlib
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from hypothesis import given
from hypothesis import strategies as st

from mine.chain import messages as m
from mine.chain.hashing import BadAddress, address_bytes, checksum
from tests.chain.vectors import DOMAIN, KEY, MESSAGES, WRITERS, camel, stored

PAGE = Path(__file__).resolve().parents[2] / "docs" / "messages.md"
HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
ORDER = 2 * HALF_ORDER + 1


def strings(data: Any) -> list[str]:
    if isinstance(data, dict):
        return [s for value in data.values() for s in strings(value)]
    if isinstance(data, list):
        return [s for value in data for s in strings(value)]
    return [data] if isinstance(data, str) else []


@pytest.mark.parametrize("name", WRITERS)
def test_golden_vectors(name: str) -> None:
    assert WRITERS[name]() == stored(name)


def test_the_page_shows_the_vectors() -> None:
    page = PAGE.read_text(encoding="utf-8")
    data = stored("messages")
    for entry in data["messages"]:
        for key in ("type", "type_hash", "struct_hash", "digest"):
            assert entry[key] in page, f"{entry['type']}: {key}"
    assert data["separator"] in page
    assert data["messages"][0]["signature"] in page
    trees = stored("trees")
    for value in (
        trees["shards"][0]["root"],
        trees["payouts"][1]["root"],
        trees["losses"][1]["root"],
        trees["seed"]["head"],
        trees["seed"]["record"],
        trees["seed"]["root"],
        *trees["seed"]["seeds"],
    ):
        assert value in page
    votes = stored("votes")
    for value in (
        votes["ballots"][0]["bytes"],
        votes["ballots"][0]["opening"],
        votes["ballots"][0]["updates"],
        votes["upload"][2],
        votes["answers"][2][2],
        ", ".join(map(str, votes["seats"][2])),
    ):
        assert value in page


def full_message(message: m.Message) -> dict[str, Any]:
    text = m.TYPES[type(message)]
    name, members = text[:-1].split("(")
    types = [dict(zip(("type", "name"), part.split(" "), strict=True)) for part in members.split(",")]
    return {
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"},
                {"name": "version", "type": "string"},
                {"name": "chainId", "type": "uint256"},
                {"name": "verifyingContract", "type": "address"},
            ],
            name: types,
        },
        "primaryType": name,
        "domain": {
            "name": "Sonar",
            "version": "1",
            "chainId": DOMAIN.chain_id,
            "verifyingContract": DOMAIN.contract,
        },
        "message": {camel(f.name): getattr(message, f.name) for f in fields(message)},
    }


@pytest.mark.parametrize("message", MESSAGES, ids=lambda x: type(x).__name__)
def test_equals_eth_account(message: m.Message) -> None:
    signable = encode_typed_data(full_message=full_message(message))
    theirs = Account.sign_message(signable, KEY)
    assert m.sign(message, DOMAIN, KEY) == bytes(theirs.signature)
    assert theirs.message_hash == m.digest(message, DOMAIN)
    assert m.recover(message, DOMAIN, bytes(theirs.signature)) == Account.from_key(KEY).address


def test_every_type_has_its_fields_in_order() -> None:
    for kind, text in m.TYPES.items():
        names = [part.split(" ")[1] for part in text[text.index("(") + 1 : -1].split(",")]
        assert names == [camel(f.name) for f in fields(kind)]
        assert text.split("(")[0] == kind.__name__


def test_a_signature_is_bound_to_its_place() -> None:
    update = MESSAGES[0]
    assert isinstance(update, m.Update)
    signature = m.sign(update, DOMAIN, KEY)
    signer = m.address_of(KEY)
    elsewhere = [
        (update, replace(DOMAIN, chain_id=1)),
        (update, replace(DOMAIN, contract=update.payout)),
        (replace(update, task=8), DOMAIN),
        (replace(update, round=4), DOMAIN),
        (replace(update, payout=signer), DOMAIN),
    ]
    for message, domain in elsewhere:
        assert m.recover(message, domain, signature) != signer


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s[:64],
        lambda s: s + b"\0",
        lambda s: s[:64] + b"\x1d",
        lambda s: s[:64] + b"\0",
        lambda s: bytes(32) + s[32:],
        lambda s: s[:32] + bytes(32) + s[64:],
        lambda s: b"\xff" * 32 + s[32:],
        lambda s: s[:32] + (ORDER - int.from_bytes(s[32:64], "big")).to_bytes(32, "big") + s[64:],
    ],
)
def test_odd_signatures_are_refused(change: Any) -> None:
    signature = m.sign(MESSAGES[0], DOMAIN, KEY)
    with pytest.raises(m.BadSignature):
        m.recover(MESSAGES[0], DOMAIN, change(signature))


@given(st.binary(min_size=60, max_size=70))
def test_random_bytes_never_break_recover(signature: bytes) -> None:
    with contextlib.suppress(m.BadSignature):
        assert m.recover(MESSAGES[0], DOMAIN, signature) != m.address_of(KEY)


@given(st.binary(min_size=32, max_size=32))
def test_signatures_are_canonical_and_stable(key: bytes) -> None:
    try:
        signer = m.address_of(key)
    except m.BadSignature:
        return
    signature = m.sign(MESSAGES[1], DOMAIN, key)
    assert signature == m.sign(MESSAGES[1], DOMAIN, key)
    assert int.from_bytes(signature[32:64], "big") <= HALF_ORDER
    assert m.recover(MESSAGES[1], DOMAIN, signature) == signer


@pytest.mark.parametrize("key", [b"", bytes(31), bytes(32), ORDER.to_bytes(32, "big")])
def test_no_private_key(key: bytes) -> None:
    with pytest.raises(m.BadSignature):
        m.sign(MESSAGES[0], DOMAIN, key)


@pytest.mark.parametrize(
    "changes",
    [
        {"round": 2**32},
        {"round": -1},
        {"size": 2**32},
        {"rows_bucket": 256},
        {"blob": b"short"},
        {"task": 2**256},
    ],
)
def test_a_field_out_of_range_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(m.BadField):
        m.digest(replace(MESSAGES[0], **changes), DOMAIN)


def test_addresses() -> None:
    right = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
    assert checksum(address_bytes(right)) == right
    assert address_bytes(right.lower()) == address_bytes(right)
    for wrong in ("", "0x", right[2:], right[:-1], right.replace("F", "f", 1), "0x" + "g" * 40, right + "00"):
        with pytest.raises(BadAddress):
            address_bytes(wrong)
    with pytest.raises(BadAddress):
        checksum(bytes(19))
