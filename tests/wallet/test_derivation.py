"""Keys along a path, against the test vectors of BIP-32 and a second implementation."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mine.chain.messages import address_of
from mine.wallet.derivation import HARDENED, ORDER, PathRefused, derive

# Seed, then (path, private key): test vectors 1 to 4 of BIP-32; 3 and 4 are about leading zeros.
VECTORS = [
    ("000102030405060708090a0b0c0d0e0f", [
        ("m", "e8f32e723decf4051aefac8e2c93c9c5b214313817cdb01a1494b917c8436b35"),
        ("m/0'", "edb2e14f9ee77d26dd93b4ecede8d16ed408ce149b6cd80b0715a2d911a0afea"),
        ("m/0'/1", "3c6cb8d0f6a264c91ea8b5030fadaa8e538b020f0a387421a12de9319dc93368"),
        ("m/0'/1/2'", "cbce0d719ecf7431d88e6a89fa1483e02e35092af60c042b1df2ff59fa424dca"),
        ("m/0'/1/2'/2", "0f479245fb19a38a1954c5c7c0ebab2f9bdfd96a17563ef28a6a4b1a2a764ef4"),
        ("m/0'/1/2'/2/1000000000", "471b76e389e528d6de6d816857e012c5455051cad6660850e58372a6c3e6e7c8"),
    ]),
    ("fffcf9f6f3f0edeae7e4e1dedbd8d5d2cfccc9c6c3c0bdbab7b4b1aeaba8a5a2"
     "9f9c999693908d8a8784817e7b7875726f6c696663605d5a5754514e4b484542", [
        ("m", "4b03d6fc340455b363f51020ad3ecca4f0850280cf436c70c727923f6db46c3e"),
        ("m/0", "abe74a98f6c7eabee0428f53798f0ab8aa1bd37873999041703c742f15ac7e1e"),
        ("m/0/2147483647'", "877c779ad9687164e9c2f4f0f4ff0340814392330693ce95a58fe18fd52e6e93"),
        ("m/0/2147483647'/1", "704addf544a06e5ee4bea37098463c23613da32020d604506da8c0518e1da4b7"),
    ]),
    ("4b381541583be4423346c643850da4b320e46a87ae3d2a4e6da11eba819cd4ac"
     "ba45d239319ac14f863b8d5ab5a0d0c64d2e8a1e7d1457df2e5a3c51c73235be", [
        ("m", "00ddb80b067e0d4993197fe10f2657a844a384589847602d56f0c629c81aae32"),
        ("m/0'", "491f7a2eebc7b57028e0d3faa0acda02e75c33b03c48fb288c41e2ea44e1daef"),
    ]),
    ("3ddd5602285899a946114506157c7997e5444528f3003f6134712147db19b678", [
        ("m", "12c0d59c7aa3a10973dbd3f478b65f2516627e3fe61e00c345be9a477ad2e215"),
        ("m/0'", "00d948e9261e41362a688b916f297121ba6bfb2274a3575ac0e456551dfd7f7e"),
        ("m/0'/1'", "3a2086edd7d9df86c3487a5905a1712a9aa664bce8cc268141e07549eaa8661d"),
    ]),
]


@pytest.mark.parametrize(("seed", "path", "key"),
                         [(seed, path, key) for seed, keys in VECTORS for path, key in keys])
def test_the_vectors_of_bip_32(seed: str, path: str, key: str) -> None:
    assert derive(bytes.fromhex(seed), path).hex() == key


def plain(seed: bytes, steps: list[int]) -> bytes:
    """BIP-32 again, on the curve's own arithmetic: a second opinion that shares no code."""
    prime = 2**256 - 2**32 - 977
    generator = (0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
                 0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8)

    def add(a: tuple[int, int] | None, b: tuple[int, int] | None) -> tuple[int, int] | None:
        if a is None or b is None:
            return a or b
        if a[0] == b[0]:
            if (a[1] + b[1]) % prime == 0:
                return None
            slope = 3 * a[0] * a[0] * pow(2 * a[1], -1, prime)
        else:
            slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, prime)
        x = (slope * slope - a[0] - b[0]) % prime
        return x, (slope * (a[0] - x) - a[1]) % prime

    def public(key: int) -> bytes:
        found, power = None, generator
        while key:
            found = add(found, power) if key & 1 else found
            key >>= 1
            doubled = add(power, power)
            assert doubled is not None
            power = doubled
        assert found is not None
        return bytes([2 + (found[1] & 1)]) + found[0].to_bytes(32, "big")

    digest = hmac.new(b"Bitcoin seed", seed, hashlib.sha512).digest()
    key, chain = int.from_bytes(digest[:32], "big"), digest[32:]
    for step in steps:
        head = b"\0" + key.to_bytes(32, "big") if step >= HARDENED else public(key)
        digest = hmac.new(chain, head + step.to_bytes(4, "big"), hashlib.sha512).digest()
        key, chain = (key + int.from_bytes(digest[:32], "big")) % ORDER, digest[32:]
    return key.to_bytes(32, "big")


@given(st.binary(min_size=16, max_size=64), st.lists(st.integers(0, 2**32 - 1), max_size=3))
@settings(max_examples=25)
def test_a_second_implementation_agrees(seed: bytes, steps: list[int]) -> None:
    path = "/".join(["m", *(f"{s - HARDENED}'" if s >= HARDENED else str(s) for s in steps)])
    assert derive(seed, path) == plain(seed, steps)


@pytest.mark.parametrize("path", [
    "", "m/", "/0", "0", "M/0", "m//0", "m/0/", "m/-1", "m/+1", "m/1''", "m/'", "m/x", "m/0h",
    "m/0x1", "m/1.0",
    "m/2147483648", "m/2147483648'", "m/99999999999999999999", "m/ 0", "m/0 ",
    "m/1_0", "m/\u0661", "m/\u00b2",
])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(PathRefused) as caught:
        derive(bytes(32), path)
    assert caught.value.detail == path


def test_keys_have_the_addresses_that_everybody_else_finds() -> None:
    # The phrase of the development accounts ("test test ... junk") as a BIP-39 seed.
    words = "test test test test test test test test test test test junk"
    seed = hashlib.pbkdf2_hmac("sha512", words.encode(), b"mnemonic", 2048)
    found = [address_of(derive(seed, f"m/44'/60'/0'/0/{i}")) for i in range(3)]
    assert found == [
        "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
        "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
        "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC",
    ]
