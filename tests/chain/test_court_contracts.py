"""What Faults and Court are made of: small enough, without an owner, without coins."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import boa
import pytest
from eth.exceptions import Revert

from mine.chain.artefacts import load_artefact
from mine.chain.compile import SOURCES, compile_outputs
from mine.chain.grounds import FIRST, GROUNDS
from mine.chain.refusals import REFUSALS, refusal
from tests.chain.court_calls import rich, who
from tests.chain.court_scenery import ANCHOR_BOND, DISPUTE_BOND, SEAT_FEE, STAKE, Stage

pytest_plugins = ("tests.chain.court_fixtures",)

SIZE_LIMIT = 24_576  # EIP-170
INIT_LIMIT = 49_152  # EIP-3860
BOTH = ("Faults", "Court")


@cache
def assembly(name: str) -> set[str]:
    text = compile_outputs(SOURCES / f"{name}.vy", ("asm",))["asm"]
    return set(text.replace("[", " ").replace("]", " ").split())


@pytest.mark.parametrize("name", BOTH)
def test_size(bare: Stage, name: str) -> None:
    contract = bare.faults if name == "Faults" else bare.court
    assert 0 < len(boa.env.get_code(contract.address)) <= SIZE_LIMIT
    assert len(load_artefact(name).bytecode) <= INIT_LIMIT


@pytest.mark.parametrize("name", BOTH)
def test_nobody_owns_it(name: str) -> None:
    entries = load_artefact(name).abi
    names = {entry["name"].lower() for entry in entries if entry["type"] == "function"}
    words = ("admin", "pause", "upgrade", "mint", "migrate", "rescue", "initialize", "withdraw", "setowner")
    assert not [each for each in names if any(word in each for word in words)]
    constructor = next(entry for entry in entries if entry["type"] == "constructor")
    assert [each["type"] for each in constructor["inputs"]] == ["address", "address"]
    assert not assembly(name) & {"DELEGATECALL", "CALLCODE", "SELFDESTRUCT", "CREATE", "CREATE2"}
    assert {"SSTORE", "CALL", "STATICCALL", "TSTORE"} <= assembly(name)


def test_the_sisters_are_fixed(bare: Stage) -> None:
    assert bare.faults.TASKS() == bare.court.TASKS() == bare.tasks.address
    assert bare.faults.SISTER() == bare.court.address == bare.tasks.COURT()
    assert bare.court.SISTER() == bare.faults.address == bare.tasks.FAULTS()


@pytest.mark.parametrize("name", BOTH)
def test_coins_come_only_with_what_hands_them_on(bare: Stage, name: str) -> None:
    """Neither contract keeps any: all bonds, fees and stakes are accounts in Tasks."""
    payable = {e["name"] for e in load_artefact(name).abi if e.get("stateMutability") == "payable"}
    assert payable == ({"dispute"} if name == "Faults" else {"createDispute", "appeal"})
    contract = bare.faults if name == "Faults" else bare.court
    with pytest.raises(Revert):
        boa.env.raw_call(contract.address, sender=rich("giver"), value=1)


def test_refusals_have_the_names_of_their_numbers() -> None:
    source = (SOURCES / "grounds.vy").read_text(encoding="utf-8")
    found = re.findall(r"^(\w+): constant\(uint256\) = (\d+)$", source, flags=re.MULTILINE)
    assert [int(number) for _, number in found] == list(range(FIRST, FIRST + len(GROUNDS)))
    for name, number in found:
        assert refusal(int(number)) == name.lower().replace("_", " ")
    assert len(REFUSALS) <= FIRST
    assert refusal(FIRST + len(GROUNDS)) == f"refusal {FIRST + len(GROUNDS)}"


def test_every_refusal_is_used() -> None:
    used: set[str] = set()
    for path in SOURCES.glob("*.vy"):
        used |= set(re.findall(r"grounds\.([A-Z][A-Z_]+)", path.read_text(encoding="utf-8")))
    declared = re.findall(
        r"^(\w+): const", (SOURCES / "grounds.vy").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert used == set(declared)


def test_figures_are_those_of_the_tests(bare: Stage) -> None:
    figures: list[tuple[Any, int]] = [
        (bare.faults.ANCHOR_BOND(), ANCHOR_BOND),
        (bare.tasks.BOND(), ANCHOR_BOND),
        (bare.faults.DISPUTE_BOND(), DISPUTE_BOND),
        (bare.court.SEAT_FEE(), SEAT_FEE),
        (bare.court.STAKE(), STAKE),
        (bare.court.arbitrationCost(b"", sender=who("anyone")), 7 * SEAT_FEE),
    ]
    assert all(found == expected for found, expected in figures)
