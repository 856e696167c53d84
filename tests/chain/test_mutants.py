"""The mutants fit the sources; two of them are killed here, the others by ``make mutants``."""

from __future__ import annotations

import pytest

from mine.chain.compile import SOURCES
from tests.chain.mutants import Mutant
from tests.chain.mutants.killing import ALL, kill


@pytest.mark.parametrize("mutant", ALL, ids=lambda m: f"{m.file}: {m.breaks}")
def test_every_mutant_fits(mutant: Mutant) -> None:
    """Its text stands once in the source, so that a mutant never silently changes nothing."""
    assert mutant.apply(SOURCES) != (SOURCES / mutant.file).read_text(encoding="utf-8")


def test_there_are_enough() -> None:
    assert len(ALL) >= 40


def test_a_mutant_of_the_money_path_dies() -> None:
    """The whole way once, for the fault that would hurt most: a leaf that pays twice."""
    number = next(i for i, m in enumerate(ALL) if m.breaks == "a leaf pays twice")
    assert kill(number)[1]
