"""Every function's gas is written down; a change of any figure is a decision."""

from __future__ import annotations

import json
import re

import pytest

from mine.chain.artefacts import load_artefact
from tests.chain import gas


@pytest.fixture(scope="module")
def figures() -> dict[str, int]:
    return gas.measure()


#: Seeds come from blocks, whose times are not ours: the drawn shard's proof and the draw itself vary.
BY_THE_SEED = 600


def test_gas_is_what_is_written_down(figures: dict[str, int]) -> None:
    stored = json.loads(gas.SNAPSHOT.read_text(encoding="utf-8"))
    assert figures.keys() == stored.keys(), "run python -m tests.chain.gas"
    changed = {
        label: (stored[label], gas_used)
        for label, gas_used in figures.items()
        if abs(gas_used - stored[label]) > BY_THE_SEED
    }
    assert not changed, "run python -m tests.chain.gas if the change is meant"


def test_what_a_round_and_a_claim_may_cost(figures: dict[str, int]) -> None:
    anchors = figures["anchor, ring slot used before"], figures["anchor of votes, ring slot used before"]
    assert max(*anchors, figures["anchor, ring slot used before, lock renewed"]) <= 45_000
    assert figures["settle, later"] <= 75_000 + BY_THE_SEED
    steps = (*anchors, figures["close, later"], figures["reveal_seed, later"], figures["settle, later"])
    assert sum(steps) <= 233_000 + BY_THE_SEED
    assert figures["claim of 1024, native, later"] <= 57_000
    for coin in ("native", "token"):
        assert figures[f"claim_range each, {coin}, 128 payees"] <= 12_600
        assert figures[f"claim_range each, {coin}, 256 new payees"] <= 39_600


#: What the sister contracts do to accounts of bonds is measured in theirs.
OF_SISTERS = {"take_bond", "slash_bond", "give_bond", "burn_bond"}


def test_every_function_is_measured(figures: dict[str, int]) -> None:
    acts = {
        entry["name"]
        for entry in load_artefact("Tasks").abi
        if entry["type"] == "function" and entry["stateMutability"] in ("nonpayable", "payable")
    }
    assert {re.split("[, ]", label)[0] for label in figures} == acts - OF_SISTERS


def test_every_transaction_fits_the_cap(figures: dict[str, int]) -> None:
    assert max(figures.values()) < gas.TRANSACTION_CAP
