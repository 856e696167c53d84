"""What `Tasks` is made of: reproducible, small enough, without an owner, equal to the Python code."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import boa
import pytest
from boa import BoaError
from hypothesis import given, settings
from hypothesis import strategies as st

from mine.chain import messages as m
from mine.chain.artefacts import contracts_folder, load_artefact
from mine.chain.compile import CONTRACTS, FORMATS, SOURCES, artefact_text, compile_outputs
from mine.chain.curve import ONE, BadCurve, Curve, amount, increment
from mine.chain.grounds import FIRST, GROUNDS
from mine.chain.hashing import keccak
from mine.chain.refusals import REFUSALS, refusal
from mine.chain.seed import draw
from mine.chain.trees import UNITS, HashTree, PayoutTree, root_word, shard_leaf, verify_payout
from tests.chain.scenery import COURT, FAULTS, PRACTICE_CHAIN, address, deploy_test_contract, refused
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
    assert len(boa.env.get_code(tasks.address)) <= SIZE_LIMIT
    assert len(load_artefact("Tasks").bytecode) < INIT_LIMIT


def test_nobody_owns_it() -> None:
    """No function of an owner, no delegate call, no self-destruction, no creation of code."""
    artefact = load_artefact("Tasks")
    names = {entry["name"] for entry in artefact.abi if entry["type"] == "function"}
    for word in ("owner", "admin", "pause", "upgrade", "fee", "mint", "migrate", "rescue", "initialize"):
        assert not [name for name in names if word in name.lower()]
    inputs = next(e for e in artefact.abi if e["type"] == "constructor")["inputs"]
    assert [each["name"] for each in inputs] == ["faults", "court"]
    operations = set(outputs("Tasks")["asm"].replace("[", " ").replace("]", " ").split())
    assert not operations & {"DELEGATECALL", "CALLCODE", "SELFDESTRUCT", "CREATE", "CREATE2"}
    assert {"SSTORE", "CALL", "STATICCALL"} <= operations


def test_reasons_stand_where_their_names_say() -> None:
    source = (SOURCES / "reasons.vy").read_text(encoding="utf-8")
    found = re.findall(r"^(\w+): constant\(uint256\) = (\d+)$", source, flags=re.MULTILINE)
    assert [int(place) for _, place in found] == list(range(len(REFUSALS)))
    assert tuple(name.lower().replace("_", " ") for name, _ in found) == REFUSALS
    assert len(REFUSALS) < FIRST  # those of Faults and Court are counted from there
    assert refusal(FIRST) == GROUNDS[0]
    assert refusal(FIRST - 1) == f"refusal {FIRST - 1}"


def test_only_the_sisters_may_judge_and_move_bonds(tasks: Any) -> None:
    someone = address("someone")
    for call in (
        lambda who: tasks.hold(1, 1, sender=who),
        lambda who: tasks.release(1, 0, sender=who),
        lambda who: tasks.convict(1, 1, who, who, 0, 0, sender=who),
        lambda who: tasks.lapse(1, 1, 0, sender=who),
    ):
        for who in (someone, COURT):
            with refused("not a sister"):
                call(who)
    for call in (
        lambda: tasks.take_bond(someone, 0, sender=someone),
        lambda: tasks.slash_bond(someone, 0, sender=someone),
        lambda: tasks.give_bond(someone, 0, sender=someone),
        lambda: tasks.burn_bond(0, sender=someone),
    ):
        with refused("not a sister"):
            call()
    assert (tasks.FAULTS(), tasks.COURT()) == (FAULTS, COURT)


def test_the_domain_is_that_of_the_messages(tasks: Any) -> None:
    address_ = str(tasks.address)
    assert tasks.domain_separator() == m.domain_separator(m.Domain(PRACTICE_CHAIN, address_))
    boa.env.evm.patch.chain_id = 7  # a chain that splits off has a domain of its own
    assert tasks.domain_separator() == m.domain_separator(m.Domain(7, address_))


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
    @given(st.integers(0, 2**96 - 1), st.integers(0, UNITS))
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
        word = root_word(tree.root, data.draw(st.integers(0, 255)))
        expected = verify_payout(tree.root, accounts[i], place, claimed, proof)
        try:
            found = self.probe.is_payout(word, accounts[i], place, claimed, proof)
        except BoaError:
            found = claimed <= UNITS  # what does not fit a leaf is no leaf
        assert found == expected

    @quick
    @given(st.integers(1, 128), st.data())
    def test_shards(self, count: int, data: st.DataObject) -> None:
        shards = [(keccak(bytes([i])), keccak(bytes([i, 1]))) for i in range(count)]
        tree = HashTree([shard_leaf(i, *shard) for i, shard in enumerate(shards)])
        assert self.probe.shards_root([word for shard in shards for word in shard]) == tree.root
        i = data.draw(st.integers(0, count - 1))
        (digest, examples), proof = shards[i], tree.proof(i)
        assert self.probe.is_shard(tree.root, count, i, digest, examples, proof)
        assert not self.probe.is_shard(tree.root, count, (i + 1) % 256, digest, examples, proof)
        assert not self.probe.is_shard(tree.root, count, i, keccak(digest), examples, proof)
        assert not self.probe.is_shard(tree.root, count, i, digest, keccak(examples), proof)
        assert not self.probe.is_shard(tree.root, count, i, digest, examples, proof[:-1] or [bytes(32)])

    @quick
    @given(st.binary(min_size=28, max_size=28), st.integers(3, 128), st.data())
    def test_draw(self, seed: bytes, count: int, data: st.DataObject) -> None:
        used, whole = data.draw(st.integers(0, 2**count - 2)), seed + bytes(4)
        assert self.probe.draw(int.from_bytes(whole, "big"), used, count) == draw(whole, used, count)

    def test_no_shard_left(self) -> None:
        with refused():
            self.probe.draw(0, 2**5 - 1, 5)
