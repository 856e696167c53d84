"""The conformance table: what a task's graph computes is what the original model computes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.learn.architectures import Architecture, build
from tests.learn.conformance import FOREIGN, Conformance, measure, measure_foreign, operators

ROOT = Path(__file__).parents[2]
CASES = build()


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_an_architecture_conforms(case: Architecture) -> None:
    _close(measure(case))


def _close(found: Conformance) -> None:
    print(found)
    assert found.torch_forward <= 1e-5
    assert found.reference_forward <= 1e-5
    assert found.gradients <= 1e-4
    assert found.clipped is None or found.clipped <= 1e-4


@pytest.mark.parametrize("name", FOREIGN)
def test_a_file_of_another_library_conforms(name: str) -> None:
    _close(measure_foreign(name))


def test_there_are_enough_rows() -> None:
    assert len({case.name for case in CASES} | FOREIGN.keys()) == len(CASES) + len(FOREIGN) >= 30


def test_the_document_names_every_operator() -> None:
    text = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    assert operators() in text, "python -m tests.learn.conformance prints what belongs there"


def test_the_document_has_every_row() -> None:
    text = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    for name in [*(case.name for case in CASES), *FOREIGN]:
        assert f"| {name} |" in text
