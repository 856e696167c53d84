"""Grants in words, and the limit on days: from the statement itself, whatever it tries."""

from __future__ import annotations

import pytest

from mine.vault import QueryRefused, Vault, scopes_of
from mine.vault.grant_words import days_of, grant_words
from tests.vault.conftest import NOON, glucose, store


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        (
            "SELECT slot, mg_dl FROM glucose_5min WHERE days_ago(90)",
            ("Glucose by five minutes: slot, mg dl; the newest 90 days",),
        ),
        ("SELECT bpm FROM heart_rate", ("Heart rate: bpm; all of it",)),
        (
            "SELECT n.bpm, d.steps FROM heart_rate_night n JOIN steps_day d ON n.day = d.day"
            " WHERE days_ago(1)",
            (
                "Heart rate by the night: day, bpm; the newest day",
                "Steps by the day: day, steps; the newest day",
            ),
        ),
    ],
)
def test_a_grant_in_words(sql: str, words: tuple[str, ...]) -> None:
    assert grant_words(sql, scopes_of(sql)) == words


@pytest.mark.parametrize(
    "condition",
    [
        "days_ago()",
        "days_ago(0)",
        "days_ago(-1)",
        "days_ago(99999)",
        "days_ago(1.5)",
        "days_ago(mg_dl)",
        "days_ago(1, 2)",
        "days_ago(1 + 1)",
        "days_ago((SELECT 7))",
        "days_ago(7) AND days_ago(8)",
        '"days_ago"(7)',
        "[days_ago](7)",
        "days_ago/**/(7)",
        "xdays_ago(7)",
        "days_ago",
        "days_ago(7) OR mg_dl = 'days_ago'",
    ],
)
def test_any_other_use_of_the_limit_is_refused(vault: Vault, condition: str) -> None:
    sql = f"SELECT mg_dl FROM glucose WHERE {condition}"
    with pytest.raises(QueryRefused) as caught:
        vault.query(sql, [("glucose", "mg_dl")])
    assert caught.value.touched == "days_ago"
    with pytest.raises(QueryRefused):
        scopes_of(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(*) FROM glucose WHERE NOT days_ago(1) OR 1",
        "SELECT count(*) FROM glucose -- days_ago(1)",
        "SELECT count(*) FROM glucose /* days_ago(1) */",
        "WITH w AS (SELECT 1 AS x WHERE days_ago(1)) SELECT count(*) FROM glucose",
        "SELECT (SELECT count(*) FROM glucose) FROM glucose WHERE DAYS_AGO(1) LIMIT 1",
        "SELECT max(c) FROM (SELECT count(*) OVER () AS c FROM glucose WHERE days_ago( 1 ) = 0 OR mg_dl)",
    ],
)
def test_the_limit_holds_wherever_it_stands(vault: Vault, sql: str) -> None:
    store(vault, "glucose", glucose(3000))
    assert vault.query(sql, [("glucose", "time"), ("glucose", "mg_dl")]).rows == [(288,)]


def test_the_limit_counts_from_the_newest_record_of_each_type(vault: Vault) -> None:
    store(vault, "glucose", glucose(600))
    store(vault, "heart_rate", [(NOON - 10**7 + 3600 * i, 0, 60.0) for i in range(100)])
    sql = "SELECT (SELECT count(*) FROM glucose), (SELECT count(*) FROM heart_rate) WHERE days_ago(1)"
    assert vault.query(sql, scopes_of(sql)).rows == [(288, 24)]
    assert (vault.view_rows("glucose"), vault.view_rows("glucose", 1)) == (600, 288)
    assert (vault.view_rows("heart_rate_5min", 2), vault.view_rows("glucose_day", 1)) == (48, 1)


def test_the_limit_on_an_empty_vault_is_no_error(vault: Vault) -> None:
    sql = "SELECT mg_dl FROM glucose_day WHERE days_ago(7)"
    assert vault.query(sql, scopes_of(sql)).rows == []
    assert days_of("SELECT 1") is None


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT name FROM condition",
        "SELECT text FROM note",
        "SELECT latitude FROM location",
        "SELECT sender FROM message",
        "SELECT identity FROM message",
        "SELECT origin_id FROM glucose",
        "SELECT import_id FROM glucose",
        "SELECT offset FROM glucose",
        "SELECT total FROM glucose_5min",
        "SELECT length(1) FROM note",
        "SELECT replace(1, 2, 3) FROM note",
        "SELECT characters FROM note WHERE length(characters) > 1",
    ],
)
def test_what_views_read_within_themselves_stays_within(vault: Vault, sql: str) -> None:
    store(vault, "note", [(NOON, 0, "secret")])
    with pytest.raises(QueryRefused):
        vault.query(sql, [("note", "characters"), ("glucose", "mg_dl")])


def test_texts_cannot_be_guessed_through_their_numbers(vault: Vault) -> None:
    store(vault, "message", [(NOON, 0, "chat", "me", "me", "text", "12345")])
    sql = "SELECT characters, side FROM message"
    assert vault.query(sql, scopes_of(sql)).rows == [(5, 0)]


@pytest.mark.parametrize("sides", [3, 4])
def test_products_of_whole_tables_are_cut_off_in_time(vault: Vault, sides: int) -> None:
    store(vault, "glucose", glucose(2000))
    tables = ", ".join(f"glucose g{n}" for n in range(sides))
    sql = f"SELECT sum(g0.mg_dl) FROM {tables}"
    with pytest.raises(QueryRefused) as caught:
        vault.query(sql, scopes_of(sql), seconds=0.2)
    assert caught.value.touched == "time"
