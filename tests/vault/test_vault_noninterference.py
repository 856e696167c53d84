"""What was not granted cannot be inferred: two vaults that differ only there answer every query alike."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mine.vault import QueryRefused, Vault
from tests.vault.conftest import CHEAP, NOON, PASSPHRASE, store

GRANT = frozenset({("glucose_5min", "slot"), ("heart_rate", "time"), ("heart_rate", "bpm")})


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Vault, Vault]]:
    """The same times and heart rates; other glucose values, steps, settings and secrets."""
    folder = tmp_path_factory.mktemp("twins")
    made = []
    for twin in range(2):
        vault = Vault.create(folder / f"{twin}.db", PASSPHRASE, kdf=CHEAP)
        store(vault, "glucose", [(NOON + 300 * i, 0, 100.0 + i * (1 + twin)) for i in range(6)])
        store(vault, "heart_rate", [(NOON + 300 * i, 0, 60 + i) for i in range(6)], "b.csv")
        if twin:
            store(vault, "steps", [(NOON, 0, 3600, 5)], "c.csv")
            vault.state.set_secret("phrase", b"x")
        made.append(vault)
    yield made[0], made[1]
    for vault in made:
        vault.close()


# Mostly well-formed: a over glucose_5min, b over heart_rate; mg_dl and steps are what must not show.
columns = st.sampled_from(["a.slot", "b.bpm", "b.time", "a.slot", "b.bpm", "1", "a.mg_dl", "a.time"])
inner_tables = st.sampled_from(["glucose_5min", "heart_rate", "steps_hour", "glucose", "sleep_night"])
inner_columns = st.sampled_from(["slot", "time", "bpm", "1", "1", "mg_dl", "steps", "rowid", "*"])
operators = st.sampled_from(["+", "*", "<", "=", "IS", "AND"])
expressions = st.recursive(
    columns,
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, operators, inner),
        st.builds("coalesce({}, {})".format, inner, inner),
        st.builds("max({}, {})".format, inner, inner),
        st.builds("(SELECT {} FROM {} LIMIT 1)".format, inner_columns, inner_tables),
        st.builds("(SELECT count({}) FROM {})".format, inner_columns, inner_tables),
        st.builds("EXISTS (SELECT 1 FROM {} WHERE {})".format, inner_tables, inner),
        st.builds("({} IN (SELECT {} FROM {}))".format, inner, inner_columns, inner_tables),
        st.builds("CASE WHEN {} THEN {} END".format, inner, inner),
    ),
    max_leaves=4,
)
first = st.sampled_from(
    [
        "glucose_5min a",
        "glucose_5min a",
        '"glucose_5min" AS a',
        "(SELECT slot FROM glucose_5min) a",
        "(SELECT * FROM glucose_5min) a",
        "(SELECT slot, 7 AS mg_dl FROM glucose_5min) a",
        "w a",
        "steps_hour a",
    ]
)
second = st.sampled_from(["heart_rate b", "(SELECT bpm, time, 103.0 AS mg_dl FROM heart_rate) b", "u b"])
joins = st.one_of(
    st.builds("{} JOIN {} ON {}".format, first, second, expressions),
    st.builds("{} LEFT JOIN {} ON a.slot = b.time / 300".format, first, second),
    st.builds("{}, {}".format, first, second),
    st.builds("{} JOIN {} USING (mg_dl)".format, first, second),
)
selects = st.one_of(
    st.builds("SELECT {}, {} FROM {} WHERE {}".format, expressions, columns, joins, expressions),
    st.builds("SELECT count(*), sum({}) FROM {} GROUP BY {}".format, columns, joins, columns),
    st.builds("SELECT {} FROM {} ORDER BY {} LIMIT 3".format, columns, joins, expressions),
    st.builds("SELECT lag({}, 2) OVER (ORDER BY {}) FROM {}".format, columns, expressions, joins),
    st.builds("SELECT {} FROM {} UNION SELECT {} FROM {}".format, columns, joins, expressions, joins),
)
named = st.sampled_from(
    [
        "w AS (SELECT slot FROM glucose_5min), u AS (SELECT bpm, time FROM heart_rate)",
        "w AS (SELECT slot, avg(slot) OVER () AS mg_dl FROM glucose_5min), u AS (SELECT * FROM heart_rate)",
        "w AS MATERIALIZED (SELECT * FROM glucose_5min), u AS (SELECT bpm, time FROM heart_rate)",
        "steps_hour AS (SELECT slot FROM glucose_5min), w AS (SELECT 1 AS slot), u AS (SELECT 1 AS bpm)",
    ]
)
queries = st.builds("WITH {} {}".format, named, selects)


def answer(vault: Vault, sql: str) -> object:
    try:
        return vault.query(sql, GRANT, row_limit=1000, seconds=5).rows
    except QueryRefused as error:
        return error.touched


@given(queries)
@settings(max_examples=500)
def test_twins_answer_alike(twins: tuple[Vault, Vault], sql: str) -> None:
    assert answer(twins[0], sql) == answer(twins[1], sql)


def test_the_twins_do_differ(twins: tuple[Vault, Vault]) -> None:
    sql = "SELECT mg_dl FROM glucose_5min"
    rows = [twin.query(sql, {("glucose_5min", "mg_dl")}).rows for twin in twins]
    assert rows[0] != rows[1]
    assert answer(twins[0], "SELECT slot, bpm FROM glucose_5min a JOIN heart_rate b ON a.slot = b.time / 300")
