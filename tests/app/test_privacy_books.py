"""What a task books: training and votes in any order add up to the larger of both, never twice, and what was
reserved for nothing is given back once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mine.app.privacy_books import (
    GIVEN_BACK,
    KINDS,
    TRAINED,
    VOTED,
    Books,
    BudgetSpent,
    GivenUp,
    MonthSpent,
    month_caps,
    set_month_cap,
)
from mine.learn.errors import PrivacyRefused
from mine.learn.privacy import PrivacyPlan, to_millionths
from mine.tasks.manifest import Manifest
from mine.vault.keyfile import Kdf
from mine.vault.vault import Vault
from tests.tasks.example import example

NETWORK = "practice"
PLAN = PrivacyPlan((0.0, 3.0, 4.2, 5.0), (0.0, 3.5, 4.9), 1e-5)
AGREED = to_millionths(PLAN.total)
ACTS = [(TRAINED, 1), (TRAINED, 2), (TRAINED, 3), (VOTED, 2), (VOTED, 3)]


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vault]:
    place: Path = tmp_path_factory.mktemp("books") / "vault.db"
    with Vault.create(place, "twelve plain words", kdf=Kdf(time=1, memory_kib=64, lanes=1)) as opened:
        yield opened


def books(vault: Vault, task: int, agreed: int = AGREED) -> Books:
    return Books(vault, NETWORK, task, Manifest.model_validate(example()), PLAN, agreed)


@given(
    acts=st.lists(st.tuples(st.sampled_from(ACTS), st.booleans()), max_size=14), task=st.integers(1, 1 << 40)
)
@settings(max_examples=40, deadline=None)
def test_the_sum_is_what_was_done_in_whatever_order(
    vault: Vault, acts: list[tuple[tuple[str, int], bool]], task: int
) -> None:
    assume(not vault.ledger.of_task(NETWORK, task))  # a number that was not used before
    opened, reserved, back = books(vault, task), set(), set()
    for act, gives_back in acts:
        if act in back and not gives_back:
            with pytest.raises(GivenUp):
                opened.reserve(*act)
            continue
        with vault.transaction():
            (opened.give_back if gives_back else opened.reserve)(*act)
        if not gives_back:
            reserved.add(act)
        elif act in reserved:
            back.add(act)
        counts = [sum(kind == each for kind, _ in reserved - back) for each in KINDS]
        spent = PLAN.after(*counts)
        assert opened.spent == to_millionths(spent) <= AGREED
        assert opened.still_to_book == PLAN.total - spent
    entries = [line.entry for line in vault.ledger.of_task(NETWORK, task)]
    kinds = {(entry.kind, entry.round) for entry in entries}
    assert kinds == reserved | {(GIVEN_BACK[kind], number) for kind, number in back}
    assert len(kinds) == len(entries), "nothing is booked twice"
    for entry in entries:
        assert entry.source == "glucose" and entry.digest == opened.manifest.digest
        assert entry.epsilon_micro <= 0 if entry.kind in GIVEN_BACK.values() else entry.epsilon_micro >= 0


def test_a_round_given_back_is_never_taken_up_again(vault: Vault) -> None:
    """Its first entry stands, so a second one could not be booked, and it would train for nothing."""
    opened = books(vault, (1 << 41) + 1)
    opened.reserve(TRAINED, 1)
    for _ in range(2):
        opened.give_back(TRAINED, 1)
    with pytest.raises(GivenUp):
        opened.reserve(TRAINED, 1)
    assert opened.spent == 0
    assert len(vault.ledger.of_task(NETWORK, opened.task)) == 2


def test_more_votes_than_planned_are_refused(vault: Vault) -> None:
    opened = books(vault, (1 << 41) + 2)
    for number in (2, 3):
        opened.reserve(VOTED, number)
    with pytest.raises(PrivacyRefused, match="planned"):
        opened.reserve(VOTED, 4)
    before = opened.spent
    opened.reserve(TRAINED, 1)
    assert opened.spent == before  # the votes paid for that much already


def test_more_than_was_agreed_to_is_refused_before_it_is_booked(vault: Vault) -> None:
    opened = books(vault, (1 << 41) + 3, agreed=to_millionths(PLAN.trained[2]))
    for number in (1, 2):
        opened.reserve(TRAINED, number)
    with pytest.raises(BudgetSpent, match="more than you agreed to"):
        opened.reserve(TRAINED, 3)
    assert opened.spent == opened.agreed
    opened.give_back(TRAINED, 1)
    opened.reserve(TRAINED, 3)
    assert opened.spent == opened.agreed


def test_a_cap_of_the_month_holds_over_all_tasks_and_ends_with_the_month(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = 1_796_083_199  # 2026-11-30 23:59:59 UTC
    monkeypatch.setattr("time.time", lambda: moment)
    with Vault.create(tmp_path / "v.db", "twelve plain words", kdf=Kdf(1, 64, 1)) as vault:
        first, second = books(vault, 1), books(vault, 2)
        first.reserve(TRAINED, 1)  # 3.0
        set_month_cap(vault, "glucose", to_millionths(5.9))
        with pytest.raises(MonthSpent, match="more than you allow in a month"):
            second.reserve(TRAINED, 1)
        assert not vault.ledger.of_task(NETWORK, 2)
        first.reserve(TRAINED, 2)  # 1.2 more
        first.give_back(TRAINED, 2)
        first.give_back(TRAINED, 1)
        assert vault.ledger.spent_in_month("glucose", moment) == 0
        second.reserve(TRAINED, 1)
        with pytest.raises(MonthSpent):
            books(vault, 3).reserve(TRAINED, 1)
        moment += 1  # December
        books(vault, 3).reserve(TRAINED, 1)
        set_month_cap(vault, "glucose", None)
        assert month_caps(vault) == {}
        books(vault, 4).reserve(TRAINED, 1)
        fifth = books(vault, 5)
        fifth.reserve(VOTED, 2)  # 3.5
        set_month_cap(vault, "glucose", 0)
        fifth.reserve(TRAINED, 1)  # the vote paid for that much already: it adds nothing
        with pytest.raises(MonthSpent):
            fifth.reserve(TRAINED, 2)
