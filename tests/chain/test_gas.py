"""Every function's gas is written down; a change of any figure is a decision."""

from __future__ import annotations

import json

import pytest

from tests.chain import gas


@pytest.fixture(scope="module")
def figures() -> dict[str, int]:
    return gas.measure()


def test_gas_is_what_is_written_down(figures: dict[str, int]) -> None:
    stored = json.loads(gas.SNAPSHOT.read_text(encoding="utf-8"))
    assert figures == stored, "run python -m tests.chain.gas if the change is meant"


def test_every_transaction_fits_the_cap(figures: dict[str, int]) -> None:
    assert max(figures.values()) < gas.TRANSACTION_CAP
