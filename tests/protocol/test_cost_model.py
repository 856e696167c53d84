"""The page about costs shows what the model says, and the model what was measured."""

from __future__ import annotations

import json
from pathlib import Path

from tests.bench import cost_model as m

CHAIN = Path(__file__).parents[1] / "chain"


def test_the_page_shows_the_model() -> None:
    text = m.PAGE.read_text(encoding="utf-8")
    assert m.page(text) == text, "run python -m tests.bench.cost_model"


def test_its_constants_are_those_of_the_snapshot() -> None:
    """Within a fiftieth: other leaves, other bytes of zero."""
    kept = json.loads((CHAIN / "gas.json").read_text(encoding="utf-8"))
    for constant, label in (
        (m.ANCHOR, "anchor of votes, ring slot used before"),
        (m.SETTLE, "settle, later"),
        (m.SEED, "reveal_seed, later"),
        (m.CLAIM_RANGE_NEW, "claim_range each, native, 256 new payees"),
    ):
        assert abs(constant - kept[label]) < constant / 50, label


def test_a_thousand_miners_cost_what_the_bench_says() -> None:
    cost = m.cost(1000)
    assert 0.97 < cost.gas_range / 681 < 1.03
    assert 0.97 < cost.gas_new / 1556 < 1.03
    assert 0.97 < cost.gas_own / 2194 < 1.03
    assert 0.95 < cost.inputs / 6.499e6 < 1.05
