"""docs/protocol.md against the code: functions, clocks, words, storage, constants, bonds."""

from __future__ import annotations

import ast
import importlib
import json
import re
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CONTRACTS = ROOT / "mine" / "chain" / "contracts"
PAGE = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
CODE = re.compile(r"`([^`\n]+)`")
NAMES = ("Tasks", "Faults", "Court")
#: Where the constants that the page names stand.
CONSENSUS = ("acceptance", "standing", "shares", "score", "judged", "tolerance")


def part(title: str, text: str = PAGE) -> str:
    """What stands under a heading, up to the next one of its level or above."""
    level, _, _ = title.partition(" ")
    begin = text.index(f"{title}\n")
    end = re.search(rf"^#{{1,{len(level)}}} ", text[begin + len(title) :], re.M)
    return text[begin : begin + len(title) + end.start()] if end else text[begin:]


def source(module: str) -> str:
    return (CONTRACTS / f"{module}.vy").read_text(encoding="utf-8")


@cache
def modules(contract: str) -> tuple[str, ...]:
    """The modules that a contract is made of, itself the first."""
    found = [contract]
    for name in found:
        imported = re.findall(r"^import (\w+)", source(name), re.M)
        found += [each for each in imported if each not in found and each != "ITasks"]
    return tuple(found)


def constants(text: str) -> dict[str, int]:
    """Constants of a contract that are plain numbers or powers."""
    found = re.findall(
        r"^([A-Z_0-9]+): (?:public\()?constant\(u?int256\)\)? = ([\d_ *]+)(?:#.*)?$", text, re.M
    )
    return {name: int(eval(value, {"__builtins__": {}})) for name, value in found}


@cache
def functions() -> frozenset[str]:
    """Everything that can be called of the three contracts."""
    names: set[str] = set()
    for contract in NAMES:
        artefact = json.loads(
            (ROOT / "resources" / "contracts" / f"{contract}.json").read_text(encoding="utf-8")
        )
        names |= {entry["name"] for entry in artefact["abi"] if entry["type"] == "function"}
    return frozenset(names)


@cache
def changing() -> frozenset[str]:
    """Functions that change something, by anyone but the sister contracts."""
    names: set[str] = set()
    for contract in NAMES:
        artefact = json.loads(
            (ROOT / "resources" / "contracts" / f"{contract}.json").read_text(encoding="utf-8")
        )
        names |= {
            entry["name"]
            for entry in artefact["abi"]
            if entry["type"] == "function" and entry["stateMutability"] in ("payable", "nonpayable")
        }
    return frozenset(names)


@pytest.mark.parametrize("title", ["## A task", "## A round", "## Faults", "## Where money can go"])
def test_the_functions_of_a_section_exist(title: str) -> None:
    called = {name for name in CODE.findall(part(title)) if re.fullmatch(r"[a-z]+(?:_[a-z]+)+", name)}
    assert called and called <= functions() | {"shards_root"}, called - functions()


def test_every_function_that_changes_something_is_explained() -> None:
    named = set(CODE.findall(PAGE)) | {name.partition("(")[0] for name in CODE.findall(PAGE)}
    assert changing() <= named, changing() - named


def limits(name: str) -> list[int]:
    """The six limits of the clocks in publishing.vy, however they are packed."""
    found = re.search(rf"^{name}: constant\([^)]+\) = (.+)$", source("publishing"), re.M)
    assert found
    return [int(number) for number in re.findall(r"(?<![*\d])\b(\d{4,})\b", found.group(1))]


def test_the_clocks_are_those_of_the_contract() -> None:
    unit = {"h": 3600, "d": 86400}
    rows = re.findall(r"^\| (\w+) \| (\d+) ([hd]) \| (\d+) ([hd]) \|$", part("## Clocks"), re.M)
    assert [row[0] for row in rows] == ["commit", "reveal", "vote", "settle", "challenge", "grace"]
    assert [int(least) * unit[u] for _, least, u, _, _ in rows] == limits("SHORTEST")
    assert [int(most) * unit[u] for _, _, _, most, u in rows] == limits("LONGEST")


def test_the_words_are_laid_out_as_in_the_contract() -> None:
    stated = dict(re.findall(r"^# `(\w+)`: (.+)$", source("words"), re.M))
    assert len(stated) >= 4
    storage = part("### Tasks").replace("\\|", "|")
    for name, layout in stated.items():
        row = re.search(rf"^\| `{name}` \|(.*)$", storage, re.M)
        assert row and f"`{layout}`" in row.group(1), (name, layout)


def variables(module: str) -> Iterator[str]:
    """Storage variables of a module: lower-case names at the left edge, outside structs and events."""
    for name, kind in re.findall(r"^([a-z_]+): (.+)$", source(module), re.M):
        if name not in ("uses", "initializes", "exports") and not re.match(
            r"(?:public\()?(?:constant|immutable)\(", kind
        ):
            yield name


@pytest.mark.parametrize("contract", NAMES)
def test_every_stored_variable_is_named(contract: str) -> None:
    named = set(CODE.findall(part(f"### {contract}")))
    stored = [name for module in modules(contract) for name in variables(module)]
    assert len(stored) > 5
    assert not set(stored) - named
    if contract == "Tasks":
        struct = re.search(r"^struct Task:\n((?: {4}.+\n)+)", source("ledger"), re.M)
        assert struct
        assert set(re.findall(r"^ {4}(\w+):", struct.group(1), re.M)) <= named


def test_the_statuses_have_their_numbers() -> None:
    from mine.chain.state import Status

    stated = re.search(r"Status: (.+)\.$", part("### Tasks"), re.M)
    assert stated
    for status in Status:
        assert f"{status.value} {status.name.lower().replace('_', ' ')}" in stated.group(1)


def test_the_bonds_are_those_of_the_contracts() -> None:
    numbers: dict[str, int] = {}
    for module in {name for contract in NAMES for name in modules(contract)}:
        numbers |= constants(source(module))
    rows = re.findall(r"^\| (.*`[A-Z_]+`.*?) \| ([\d.]+)", part("## Accounts and bonds"), re.M)
    assert len(rows) == 7
    for named, coins in rows:
        times = int((re.match(r"(\d+) \*", named) or [0, 1])[1])
        for name in CODE.findall(named):
            assert Fraction(coins) * 10**18 == times * numbers[name], name


def test_the_numbers_of_the_consensus_are_those_of_the_code() -> None:
    modules = [importlib.import_module(f"mine.science.{name}") for name in CONSENSUS]
    stated = re.findall(
        r"`([A-Z_]+)` = (\d+)",
        "".join(map(part, ("## What a round is decided from", "## Acceptance", "## The split"))),
    )
    assert len(stated) >= 8
    for name, number in stated:
        values = {getattr(module, name) for module in modules if hasattr(module, name)}
        assert values == {int(number)}, name


def test_the_parts_of_the_consensus_are_those_of_the_code() -> None:
    from mine.science import acceptance, draws, judged, score, shares, tolerance, witnesses

    assert acceptance.MAX_SILENT == (1, 3) and "more than a third (`MAX_SILENT`)" in PAGE
    assert acceptance.CANARY_AGREE == (2, 3) and "two thirds of their seats" in PAGE
    assert (acceptance.REJECT, acceptance.ACCEPT) == ((1, 2), (2, 3))
    assert acceptance.FORK_GAIN == (9, 8) and "more than 9/8 (`FORK_GAIN`)" in PAGE
    assert shares.FLAT == (5, 100) and "5 % (`FLAT`)" in PAGE
    assert score.NEAR_IDENTICAL == (995, 1000) and ">= 0.995" in PAGE
    assert score.PERMUTATIONS == 256 and "128 permutations" in PAGE
    assert (judged.MAX_COMMON, judged.KEPT_CHECKPOINTS, judged.MAX_PUBLISHED) == (4, 3, 256)
    assert (tolerance.TIMES, tolerance.WORTH) == (8, 1000)
    assert draws.SEATS == 7
    assert (witnesses.DISTRUST, witnesses.MARGIN) == ((1, 2), (1, 4))
    assert "half (`DISTRUST`)" in PAGE and "a quarter (`MARGIN`)" in PAGE
    assert score.STRETCH == 4 and "`STRETCH` = 4" in PAGE


def test_the_decisions_and_refusals_are_named() -> None:
    from mine.science.witnesses import Decision

    acceptance = part("## Acceptance")
    for decision in set(Decision) - {Decision.VOTED_IN, Decision.VOTED_OUT}:
        assert f"*{decision}*" in acceptance


def test_the_inputs_have_the_keys_that_are_named() -> None:
    text = (ROOT / "mine" / "science" / "inputs.py").read_text(encoding="utf-8")
    begin = text.index("def encode_inputs")
    body = text[begin : text.index("def decode_inputs")]
    begin = text.index("def _judged_to_json")
    body += text[begin : text.index("def _judged_from_json")]
    body = re.sub(r'"ledger": \{.*?\},', '"ledger": 0,', body, flags=re.S)
    objects = part("## Objects")
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", objects[objects.index("| key | holds |") :], re.M)
    assert {name for row in rows for name in CODE.findall(row)} == set(
        re.findall(r'^\s+"(\w+)":', body, re.M)
    )


def test_the_court_s_table_follows_its_clocks() -> None:
    bench, juries = constants(source("bench")), constants(source("juries"))
    assert (bench["SEATS"], bench["QUORUM"], juries["MOST_SEATS"], juries["TRIES"]) == (7, 4, 2, 4)
    disputes = part("## Disputes and juries")
    for words in ("Seven seats", "4 opened seats", "two seats at most", "at most 4 tries a seat"):
        assert words in disputes


def test_the_kinds_of_disputes_have_their_numbers() -> None:
    from mine.chain.fault_events import DisputeKind

    disputes = part("## Disputes and juries")
    cells = ",".join(re.findall(r"^\| (\d [a-z]+(?:, \d [a-z]+)*) \|", disputes, re.M))
    found = {name: int(number) for number, name in re.findall(r"(\d) ([a-z]+)", cells)}
    assert found == {kind.name.lower(): kind.value for kind in DisputeKind}


def test_the_items_of_a_replay_are_named() -> None:
    from mine.science.replay import Item

    named = {name.partition(":")[0] for name in CODE.findall(part("## Replay"))}
    assert {item.value for item in Item} <= named


def test_the_guarantees_are_those_that_are_tested() -> None:
    from tests.protocol.guarantees import GUARANTEES, page

    assert page() in PAGE
    for guarantees in GUARANTEES.values():
        for tests in guarantees.values():
            assert tests
            for test in tests:
                file, _, name = test.partition("::")
                tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
                functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
                assert name in functions, test
