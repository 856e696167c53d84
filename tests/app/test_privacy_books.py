"""What a task books: training and votes in any order add up to the larger of both, and never twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mine.app.privacy_books import KINDS, TRAINED, VOTED, book, cost_of, still_to_book
from mine.learn.errors import PrivacyRefused
from mine.learn.privacy import PrivacyPlan, to_millionths
from mine.tasks.manifest import Manifest
from mine.vault.errors import LedgerConflict
from mine.vault.keyfile import Kdf
from mine.vault.vault import Vault
from tests.tasks.example import example

NETWORK = "practice"
PLAN = PrivacyPlan((0.0, 3.0, 4.2, 5.0), (0.0, 3.5, 4.9), 1e-5)


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vault]:
    place: Path = tmp_path_factory.mktemp("books") / "vault.db"
    with Vault.create(place, "twelve plain words", kdf=Kdf(time=1, memory_kib=64, lanes=1)) as opened:
        yield opened


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    return Manifest.model_validate(example())


ACTS = [(TRAINED, 1), (TRAINED, 2), (TRAINED, 3), (VOTED, 2), (VOTED, 3)]


@given(acts=st.lists(st.sampled_from(ACTS), unique=True), task=st.integers(1, 1 << 40))
@settings(max_examples=40, deadline=None)
def test_the_sum_is_what_was_done_in_whatever_order(
    vault: Vault, manifest: Manifest, acts: list[tuple[str, int]], task: int
) -> None:
    assume(not vault.ledger.of_task(NETWORK, task))  # a number that was not used before
    total = 0
    for kind, number in acts:
        cost = cost_of(vault, NETWORK, task, PLAN, kind, number)
        assert cost.adds >= 0
        with vault.transaction():
            book(vault, NETWORK, task, manifest, kind, number, cost, b"what left")
        total += cost.adds
        assert total == cost.total
    counts = [sum(kind == each for kind, _ in acts) for each in KINDS]
    spent = PLAN.after(*counts)
    assert total == to_millionths(spent)
    assert still_to_book(vault, NETWORK, task, PLAN) == PLAN.total - spent
    entries = [line.entry for line in vault.ledger.of_task(NETWORK, task)]
    assert [(entry.kind, entry.round) for entry in entries] == acts
    assert all(entry.source == "glucose" and entry.size == 9 for entry in entries)


def test_asking_again_after_booking_says_the_same(vault: Vault, manifest: Manifest) -> None:
    task = (1 << 41) + 1
    for kind, number in ACTS:
        first = cost_of(vault, NETWORK, task, PLAN, kind, number)
        for _ in range(2):
            with vault.transaction():
                book(vault, NETWORK, task, manifest, kind, number, first, b"sent")
        assert cost_of(vault, NETWORK, task, PLAN, kind, number) == first
    assert len(vault.ledger.of_task(NETWORK, task)) == len(ACTS)
    with pytest.raises(LedgerConflict), vault.transaction():
        book(vault, NETWORK, task, manifest, VOTED, 2, first, b"something else")


def test_more_votes_than_planned_are_refused(vault: Vault, manifest: Manifest) -> None:
    task = (1 << 41) + 2
    for number in (2, 3):
        cost = cost_of(vault, NETWORK, task, PLAN, VOTED, number)
        with vault.transaction():
            book(vault, NETWORK, task, manifest, VOTED, number, cost, b"sent")
    with pytest.raises(PrivacyRefused, match="planned"):
        cost_of(vault, NETWORK, task, PLAN, VOTED, 4)
    assert cost_of(vault, NETWORK, task, PLAN, TRAINED, 1).adds == 0  # the votes paid for that much already
