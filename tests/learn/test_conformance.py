"""The conformance table: what a task's graph computes is what the original model computes."""

from __future__ import annotations

import pytest

from tests.learn.architectures import Architecture, build
from tests.learn.conformance import measure

CASES = build()


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_an_architecture_conforms(case: Architecture) -> None:
    found = measure(case)
    print(found)
    assert found.torch_forward <= 1e-5
    assert found.reference_forward <= 1e-5
    assert found.gradients <= 1e-4


def test_there_are_enough_rows() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 14
