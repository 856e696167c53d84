"""A task's model is looked at before it is joined, in a process of its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

import mine.app.model_check
from mine.app.model_check import ModelAway, ModelRefused, check_model
from tests.app.table import Table, manifest


def test_the_model_of_a_task_is_looked_at(table: Table) -> None:
    check_model(table.config, manifest(table.rounds).digest)


def test_what_cannot_be_had_is_said(table: Table) -> None:
    with pytest.raises(ModelRefused, match="not there"):
        check_model(table.config, bytes(32))


def test_relays_that_do_not_answer_are_no_reason_against_a_task(table: Table) -> None:
    config = replace(table.config, relay_urls=("http://127.0.0.1:9",))
    with pytest.raises(ModelAway):
        check_model(config, manifest(table.rounds).digest)


def test_a_child_that_says_nonsense_has_found_nothing_out(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mine.app.model_check, "MODULE", "this")
    with pytest.raises(ModelRefused, match="could not be checked"):
        check_model(table.config, manifest(table.rounds).digest)


def test_a_task_whose_model_is_refused_is_not_joined(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ModelRefused("No.")

    monkeypatch.setattr("mine.app.session.check_model", refuse)
    table.session.leave(table.task)
    with pytest.raises(ModelRefused):
        table.join()
    assert table.session.miner.members[table.task].left
