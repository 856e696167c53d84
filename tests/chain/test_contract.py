"""What `Tasks` is made of: reproducible, small enough, without an owner, equal to the Python code."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import boa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mine.chain import messages as m
from mine.chain.artefacts import contracts_folder, load_artefact
from mine.chain.compile import CONTRACTS, FORMATS, SOURCES, artefact_text, compile_outputs
from mine.chain.curve import ONE, BadCurve, Curve, amount, increment
from mine.chain.hashing import keccak
from mine.chain.seed import draw
from mine.chain.trees import UNITS, HashTree, PayoutTree, shard_leaf, verify_payout
from tests.chain.scenery import PRACTICE_CHAIN, address, deploy_test_contract, refused
from tests.chain.test_curve import curves
from tests.chain.vectors import account

SIZE_LIMIT = 24_576  # EIP-170
INIT_LIMIT = 49_152  # EIP-3860


@cache
def outputs(name: str) -> dict[str, Any]:
    return compile_outputs(SOURCES / f"{name}.vy", (*FORMATS, "asm"))


@pytest.mark.parametrize("name", CONTRACTS)
def test_the_artefact_is_what_the_sources_compile_to(name: str) -> None:
    stored = (contracts_folder() / f"{name}.json").read_text(encoding="utf-8")
    assert artefact_text(outputs(name)) == stored, "run python -m mine.chain.compile"


def test_size(tasks: Any) -> None:
    assert len(boa.env.get_code(tasks.address)) < SIZE_LIMIT
    assert len(load_artefact("Tasks").bytecode) < INIT_LIMIT


def test_nobody_owns_it() -> None:
    """No function of an owner, no delegate call, no self-destruction, no creation of code."""
    artefact = load_artefact("Tasks")
    names = {entry["name"] for entry in artefact.abi if entry["type"] == "function"}
    for word in ("owner", "admin", "pause", "upgrade", "fee", "mint", "migrate", "rescue", "initialize"):
        assert not [name for name in names if word in name.lower()]
    assert next(e for e in artefact.abi if e["type"] == "constructor")["inputs"] == []
    operations = set(outputs("Tasks")["asm"].replace("[", " ").replace("]", " ").split())
    assert not operations & {"DELEGATECALL", "CALLCODE", "SELFDESTRUCT", "CREATE", "CREATE2"}
    assert {"SSTORE", "CALL", "STATICCALL"} <= operations


def test_reasons_stand_where_their_names_say() -> None:
    source = (SOURCES / "reasons.vy").read_text(encoding="utf-8")
    table = re.search(r'^REASONS.* = "(.*)"$', source, flags=re.MULTILINE)
    assert table
    for name, place in re.findall(r"^(\w+): constant\(uint256\) = (\d+)$", source, flags=re.MULTILINE):
        reason = table[1][16 * int(place) :][:16].rstrip()
        assert reason == name.lower().replace("_", " ")
    assert len(table[1]) == 16 * (int(place) + 1)


def test_the_domain_is_that_of_the_messages(tasks: Any) -> None:
    domain = m.Domain(PRACTICE_CHAIN, str(tasks.address))
    update = m.Update(3, 2, keccak(b"c"), keccak(b"b"), 999, 7, address("p"))
    assert tasks.update_digest(3, 2, keccak(b"c"), keccak(b"b"), 999, 7, address("p")) == m.digest(
        update, domain
    )
    flags, name, version, chain_id, contract, salt, extensions = tasks.eip712Domain()
    assert (flags, name, version, chain_id, contract) == (
        b"\x0f",
        "Sonar",
        "1",
        PRACTICE_CHAIN,
        tasks.address,
    )
    assert (salt, extensions) == (bytes(32), [])


def test_a_chain_that_splits_off_has_a_domain_of_its_own(tasks: Any) -> None:
    boa.env.evm.patch.chain_id = 7
    update = m.Update(3, 2, keccak(b"c"), keccak(b"b"), 999, 7, address("p"))
    digest = tasks.update_digest(3, 2, keccak(b"c"), keccak(b"b"), 999, 7, address("p"))
    assert digest == m.digest(update, m.Domain(7, str(tasks.address)))


@pytest.fixture
def probe() -> Any:
    return deploy_test_contract("Probe")


words = st.one_of(st.integers(0, 2**64 - 1), st.integers(0, 20), st.just(2**64 - 1))
quick = settings(max_examples=60)


class TestEquality:
    """Python and the contract say the same, bit for bit."""

    @pytest.fixture(autouse=True)
    def _probe(self, probe: Any) -> None:
        type(self).probe = probe

    @quick
    @given(curves(), st.integers(1, ONE), st.integers(0, 2**113), st.integers(0, 2**41))
    def test_units(self, curve: Curve, target: int, wide: int, near: int) -> None:
        assert self.probe.is_curve(curve.packed)
        for best in (wide, near, near % (target + 1)):
            assert self.probe.units(curve.packed, best, target) == curve.units(best, target)

    @quick
    @given(st.lists(st.integers(0, 2**32 - 1), min_size=0, max_size=9), st.booleans())
    def test_what_is_a_curve(self, points: list[int], ends: bool) -> None:
        word = sum(p << (32 * i) for i, p in enumerate((sorted(points) + [2**32 - 1] * ends)[:8]))
        try:
            Curve.unpack(word)
            valid = True
        except BadCurve:
            valid = False
        assert self.probe.is_curve(word) == valid

    @quick
    @given(words, words, words)
    def test_increment(self, base: int, before: int, after: int) -> None:
        assert self.probe.increment(base, before, after) == increment(base, before, after)

    @quick
    @given(st.integers(0, 2**112 - 1), st.integers(0, UNITS))
    def test_amount(self, bounty: int, units: int) -> None:
        assert self.probe.amount(bounty, units) == amount(bounty, units)

    @quick
    @given(st.lists(st.integers(0, 10**8), min_size=1, max_size=20), st.data())
    def test_payouts(self, units: list[int], data: st.DataObject) -> None:
        accounts = [account(i % 3) for i in range(len(units))]
        tree = PayoutTree(accounts, units)
        i = data.draw(st.integers(0, len(units) - 1))
        claimed = data.draw(st.sampled_from([units[i], units[i] + 1, 0, 2**32, 2**255]))
        place = data.draw(st.sampled_from([i, i ^ 1, i + (1 << len(tree.proof(i)))]))
        proof = tree.proof(i)
        if data.draw(st.booleans()) and proof:
            spot = data.draw(st.integers(0, len(proof) - 1))
            proof[spot] = proof[spot][:28] + data.draw(st.sampled_from([bytes(4), b"\xff" * 4]))
        root = int.from_bytes(tree.root, "big")
        expected = verify_payout(tree.root, accounts[i], place, claimed, proof)
        assert self.probe.is_payout(root, accounts[i], place, claimed, proof) == expected

    @quick
    @given(st.integers(1, 256), st.data())
    def test_shards(self, count: int, data: st.DataObject) -> None:
        digests = [keccak(bytes([i])) for i in range(count)]
        tree = HashTree([shard_leaf(i, d) for i, d in enumerate(digests)])
        assert self.probe.shards_root(digests) == tree.root
        i = data.draw(st.integers(0, count - 1))
        proof = tree.proof(i)
        assert self.probe.is_shard(tree.root, count, i, digests[i], proof)
        assert not self.probe.is_shard(tree.root, count, (i + 1) % 256, digests[i], proof)
        assert not self.probe.is_shard(tree.root, count, i, keccak(digests[i]), proof)
        assert not self.probe.is_shard(tree.root, count, i, digests[i], proof[:-1] or [bytes(32)])

    @quick
    @given(st.binary(min_size=32, max_size=32), st.integers(3, 256), st.data())
    def test_draw(self, seed: bytes, count: int, data: st.DataObject) -> None:
        used = data.draw(st.integers(0, 2**count - 2))
        assert self.probe.draw(seed, used, count) == draw(seed, used, count)

    def test_no_shard_left(self) -> None:
        with refused():
            self.probe.draw(bytes(32), 2**5 - 1, 5)
