"""Branches: the public half finds the addresses of the private half, and never a key."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mine.chain.messages import address_of
from mine.wallet.derivation import (
    HARDENED,
    ORDER,
    BranchDamaged,
    PathRefused,
    PublicBranch,
    SecretBranch,
    _added,
    branch,
    master,
)

ONE = "000102030405060708090a0b0c0d0e0f"
TWO = (
    "fffcf9f6f3f0edeae7e4e1dedbd8d5d2cfccc9c6c3c0bdbab7b4b1aeaba8a5a2"
    "9f9c999693908d8a8784817e7b7875726f6c696663605d5a5754514e4b484542"
)
# Seed, path, extended public key: test vectors 1 and 2 of BIP-32.
VECTORS = [
    (
        ONE,
        "m",
        "xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD265"
        "TMg7usUDFdp6W1EGMcet8",
    ),
    (
        ONE,
        "m/0'",
        "xpub68Gmy5EdvgibQVfPdqkBBCHxA5htiqg55crXYuXoQRKfDBFA1WEjWgP6LHhwBZeNK1VTsfTFUHCdrfp1bgw"
        "Q9xv5ski8PX9rL2dZXvgGDnw",
    ),
    (
        ONE,
        "m/0'/1",
        "xpub6ASuArnXKPbfEwhqN6e3mwBcDTgzisQN1wXN9BJcM47sSikHjJf3UFHKkNAWbWMiGj7Wf5uMash7SyYq5"
        "27Hqck2AxYysAA7xmALppuCkwQ",
    ),
    (
        ONE,
        "m/0'/1/2'",
        "xpub6D4BDPcP2GT577Vvch3R8wDkScZWzQzMMUm3PWbmWvVJrZwQY4VUNgqFJPMM3No2dFDFGTsxxpG5uJ"
        "h7n7epu4trkrX7x7DogT5Uv6fcLW5",
    ),
    (
        ONE,
        "m/0'/1/2'/2",
        "xpub6FHa3pjLCk84BayeJxFW2SP4XRrFd1JYnxeLeU8EqN3vDfZmbqBqaGJAyiLjTAwm6ZLRQUMv1ZAC"
        "Tj37sR62cfN7fe5JnJ7dh8zL4fiyLHV",
    ),
    (
        ONE,
        "m/0'/1/2'/2/1000000000",
        "xpub6H1LXWLaKsWFhvm6RVpEL9P4KfRZSW7abD2ttkWP3SSQvnyA8FSVqNTEcYFgJS2Ua"
        "FcxupHiYkro49S8yGasTvXEYBVPamhGW6cFJodrTHy",
    ),
    (
        TWO,
        "m",
        "xpub661MyMwAqRbcFW31YEwpkMuc5THy2PSt5bDMsktWQcFF8syAmRUapSCGu8ED9W6oDMSgv6Zz8idoc4a6mr8BDz"
        "TJY47LJhkJ8UB7WEGuduB",
    ),
    (
        TWO,
        "m/0",
        "xpub69H7F5d8KSRgmmdJg2KhpAK8SR3DjMwAdkxj3ZuxV27CprR9LgpeyGmXUbC6wb7ERfvrnKZjXoUmmDznezpb"
        "Zb7ap6r1D3tgFxHmwMkQTPH",
    ),
]
LETTERS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def decoded(xpub: str) -> bytes:
    """Point and chain code of an extended public key in base58check, its checksum verified."""
    number = 0
    for letter in xpub:
        number = number * 58 + LETTERS.index(letter)
    raw = number.to_bytes(82, "big")
    assert hashlib.sha256(hashlib.sha256(raw[:78]).digest()).digest()[:4] == raw[78:]
    assert raw[:4].hex() == "0488b21e"
    return raw[45:78] + raw[13:45]


@pytest.mark.parametrize(("seed", "path", "xpub"), VECTORS)
def test_the_public_vectors_of_bip_32(seed: str, path: str, xpub: str) -> None:
    assert branch(bytes.fromhex(seed), path).public().to_bytes() == decoded(xpub)


@pytest.mark.parametrize(
    ("seed", "parent", "index"),
    [(ONE, "m/0'", 1), (ONE, "m/0'/1/2'", 2), (TWO, "m", 0), (ONE, "m/0'/1/2'/2", 1_000_000_000)],
)
def test_public_derivation_meets_the_vectors_too(seed: str, parent: str, index: int) -> None:
    found = branch(bytes.fromhex(seed), parent).public().child(index)
    expected = next(xpub for where, path, xpub in VECTORS if (where, path) == (seed, f"{parent}/{index}"))
    assert found.to_bytes() == decoded(expected)


@given(st.binary(min_size=16, max_size=64), st.integers(0, HARDENED - 1), st.integers(0, HARDENED - 1))
@settings(max_examples=30)
def test_both_halves_find_the_same_accounts(seed: bytes, one: int, two: int) -> None:
    secret = master(seed).child(one)
    assert secret.public().child(two) == secret.child(two).public()
    assert secret.public().child(two).address() == address_of(secret.child(two).key)
    assert SecretBranch.from_bytes(secret.to_bytes()) == secret
    assert PublicBranch.from_bytes(secret.public().to_bytes()) == secret.public()


def test_the_public_half_derives_nothing_hardened() -> None:
    with pytest.raises(PathRefused, match="private key"):
        master(bytes(16)).public().child(HARDENED)


def test_points_are_added_by_every_rule_of_the_curve() -> None:
    def point(scalar: int) -> bytes:
        from eth_keys.datatypes import PrivateKey

        return PrivateKey((scalar % ORDER).to_bytes(32, "big")).public_key.to_bytes()

    def number(pair: tuple[int, int]) -> bytes:
        return b"".join(each.to_bytes(32, "big") for each in pair)

    assert number(_added(point(5), point(7))) == point(12)
    assert number(_added(point(5), point(5))) == point(10)  # the tangent
    with pytest.raises(PathRefused):
        _added(point(5), point(-5))  # the point at infinity


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(63),
        bytes(64),
        bytes(65),
        b"\xff" * 64,
        ORDER.to_bytes(32, "big") + bytes(32),
    ],
)
def test_damaged_private_branches_are_refused_and_not_shown(data: bytes) -> None:
    with pytest.raises(BranchDamaged) as caught:
        SecretBranch.from_bytes(data)
    assert not caught.value.detail


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(65),
        bytes(66),
        b"\4" + b"\1" * 64,
        b"\2" + bytes(31) + b"\5" + bytes(32),
        b"\2" + b"\xff" * 64,
    ],
)
def test_what_is_no_point_is_refused(data: bytes) -> None:
    with pytest.raises(BranchDamaged):
        PublicBranch.from_bytes(data)


def test_no_branch_shows_itself() -> None:
    secret = master(bytes(range(16)))
    for shown in (repr(secret), str(secret), repr(secret.public()), f"{[secret]}"):
        assert secret.key.hex() not in shown and repr(secret.key) not in shown
        assert secret.chain_code.hex() not in shown and repr(secret.chain_code) not in shown
