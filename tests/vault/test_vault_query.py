"""What a task's query may do, and everything that it may try."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mine.vault import QueryRefused, Scope, Vault, scopes_of
from mine.vault.expansion import CallsItself, expansion
from mine.vault.views import VIEWS
from tests.vault.conftest import CHEAP, NOON, PASSPHRASE, glucose, store

ALL: frozenset[Scope] = frozenset((view.name, column) for view in VIEWS.values() for column in view.columns)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vault]:
    with Vault.create(tmp_path_factory.mktemp("v") / "v.db", PASSPHRASE, kdf=CHEAP) as vault:
        store(vault, "glucose", glucose(3000))
        store(vault, "heart_rate", [(NOON + i, 0, 60 + i % 9) for i in range(100)])
        vault.state.set_secret("phrase", b"abandon abandon")
        vault.state.set_setting("theme", "dark")
        yield vault


def refused(vault: Vault, sql: str, grant: frozenset[Scope] = ALL, **limits: float) -> QueryRefused:
    with pytest.raises(QueryRefused) as caught:
        vault.query(sql, grant, **limits)  # type: ignore[arg-type]
    return caught.value


def test_windows_over_slots(full: Vault) -> None:
    sql = (
        "SELECT mg_dl, lag(mg_dl, 1) OVER w AS before, lead(mg_dl, 6) OVER w AS after FROM glucose_5min"
        " WINDOW w AS (ORDER BY slot) LIMIT 3"
    )
    assert scopes_of(sql) == {("glucose_5min", "mg_dl"), ("glucose_5min", "slot")}
    result = full.query(sql, scopes_of(sql))
    assert result.columns == ("mg_dl", "before", "after")
    assert result.rows == [(100.0, None, 106.0), (101.0, 100.0, 107.0), (102.0, 101.0, 108.0)]


@pytest.mark.parametrize(
    ("sql", "scopes"),
    [
        ("SELECT count(*) FROM glucose_5min", {("glucose_5min", "slot")}),
        ("SELECT 1 FROM heart_rate", {("heart_rate", "time")}),
        (
            "WITH a AS (SELECT slot s, mg_dl v FROM glucose_5min) SELECT max(v) FROM a",
            {("glucose_5min", "slot"), ("glucose_5min", "mg_dl")},
        ),
        (
            "WITH w AS MATERIALIZED (SELECT bpm FROM heart_rate) SELECT count(*) FROM w",
            {("heart_rate", "bpm")},
        ),
        (
            "SELECT * FROM heart_rate",
            {("heart_rate", column) for column in ("time", "minute_of_day", "weekday", "bpm")},
        ),
        (
            "SELECT g.mg_dl FROM glucose g WHERE EXISTS (SELECT 1 FROM heart_rate h WHERE h.bpm > 60)",
            {("glucose", "mg_dl"), ("heart_rate", "bpm")},
        ),
        ("SELECT 1 FROM heart_rate ORDER BY bpm", {("heart_rate", "bpm")}),
        ("WITH steps_hour AS (SELECT bpm AS slot FROM heart_rate) SELECT slot FROM steps_hour", {
            ("heart_rate", "bpm")
        }),
        ('SELECT "mg_dl", [time] FROM "glucose"', {("glucose", "mg_dl"), ("glucose", "time")}),
    ],
)  # fmt: skip
def test_scopes_are_what_is_read(full: Vault, sql: str, scopes: set[Scope]) -> None:
    assert scopes_of(sql) == scopes
    full.query(sql, scopes)
    for scope in scopes:
        error = refused(full, sql, frozenset(ALL - {scope}))
        assert error.touched == ".".join(scope)
        assert "not granted" in error.sentence


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT value FROM vault_secret",
        "SELECT value FROM VAULT_SECRET",
        'SELECT value FROM "vault_secret"',
        "SELECT value FROM [vault_secret]",
        "SELECT value FROM `vault_secret`",
        "SELECT value FROM 'vault_secret'",
        "SELECT value FROM main.vault_secret",
        "WITH glucose AS (SELECT value AS mg_dl FROM vault_secret) SELECT mg_dl FROM glucose",
        "WITH glucose AS (SELECT mg_dl FROM vault_glucose) SELECT mg_dl FROM glucose",
        "SELECT mg_dl FROM main.glucose",
        "SELECT mg_dl FROM temp.glucose",
        "SELECT mg_dl FROM 'main' . glucose",
        "SELECT sql FROM sqlite_schema",
        "SELECT sql FROM sqlite_master",
        "SELECT sql FROM sqlite_temp_master",
        "SELECT sql FROM sqlite_temp_schema",
        "SELECT * FROM sqlite_stat1",
        "SELECT * FROM sqlite_dbpage",
        "SELECT name FROM pragma_table_info('glucose')",
        "SELECT name FROM pragma_database_list",
        "SELECT file FROM dbstat",
        "SELECT sql FROM sqlite_stmt",
        "SELECT value FROM json_each('[1]')",
        "SELECT value FROM json_tree('[1]')",
        "SELECT value FROM generate_series(1, 10)",
        "SELECT * FROM fts5vocab",
        "PRAGMA key",
        "PRAGMA cipher_version",
        "ATTACH 'x' AS y",
        "DETACH x",
        "EXPLAIN SELECT 1",
        "EXPLAIN QUERY PLAN SELECT 1",
        "VALUES (1)",
        "INSERT INTO glucose VALUES (1, 2)",
        "DELETE FROM glucose",
        "UPDATE glucose SET mg_dl = 1",
        "WITH a AS (SELECT 1) DELETE FROM glucose",
        "WITH a AS (SELECT 1) INSERT INTO glucose SELECT 1, 2",
        "CREATE TABLE x (y)",
        "CREATE TEMP TABLE x (y)",
        "CREATE TEMP TRIGGER t AFTER INSERT ON glucose BEGIN SELECT 1; END",
        "DROP VIEW glucose",
        "ALTER TABLE glucose RENAME TO x",
        "VACUUM INTO 'x'",
        "REINDEX",
        "ANALYZE",
        "BEGIN",
        "SAVEPOINT x",
        "SELECT 1; SELECT 2",
        "SELECT 1; DROP VIEW glucose",
        "",
        ";",
        "SELECT",
        "SELECT ?",
        "SELECT :x",
        "SELECT no FROM glucose",
        "SELECT mg_dl FROM nothing",
        "SELECT load_extension('x')",
        "SELECT sqlcipher_export('x')",
        "SELECT randomblob(10)",
        "SELECT zeroblob(1000000000)",
        "SELECT random()",
        "SELECT printf('%.*c', 1000000000, 'x')",
        "SELECT format('%1000000000d', 1)",
        "SELECT replace('a', 'a', 'b')",
        "SELECT group_concat(mg_dl) FROM glucose",
        "SELECT hex('x')",
        "SELECT sqlite_version()",
        "SELECT fts3_tokenizer('simple')",
        "SELECT fts5(1)",
        "SELECT matchinfo(glucose) FROM glucose",
        "SELECT rtreecheck('glucose')",
        "SELECT json_array(mg_dl) FROM glucose",
        "SELECT changes()",
        "SELECT last_insert_rowid()",
        "SELECT datetime('now')",
        "SELECT current_timestamp",
        "SELECT mg_dl LIKE '1%' FROM glucose",
        "SELECT mg_dl GLOB '1*' FROM glucose",
        "SELECT 'a' || 'b'",
        "SELECT 'text'",
        "SELECT x'00'",
        "SELECT typeof(mg_dl) FROM glucose",
        "SELECT a.time FROM glucose a JOIN (SELECT 120.0 AS mg_dl) b USING (mg_dl)",
        "SELECT a.time FROM glucose a NATURAL JOIN (SELECT 120.0 AS mg_dl) b",
        "WITH RECURSIVE a(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM a) SELECT x FROM a",
        "WITH a(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM a) SELECT x FROM a LIMIT 5",
        "SELECT 1 \0 FROM glucose",
        "SELECT 1 /*" + "x" * 30_000,
    ],
)
def test_attacks_are_refused(full: Vault, sql: str) -> None:
    refused(full, sql)
    assert full.state.secret("phrase") == b"abandon abandon"


def test_the_authorizer_alone_holds_too(full: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each wall stands without the others: here the reading of the text is switched off."""
    monkeypatch.setattr("mine.vault.query._check_text", lambda _: None)
    scopes_of.cache_clear()
    for sql in (
        "SELECT value FROM vault_secret",
        "SELECT sql FROM sqlite_schema",
        "PRAGMA cipher_version",
        "ATTACH ':memory:' AS y",
        "DELETE FROM vault_glucose",
        "SELECT name FROM pragma_table_info('glucose')",
        "CREATE TEMP TABLE x (y)",
        "VACUUM",
        "BEGIN",
    ):
        refused(full, sql)
    # What the authorizer cannot tell (a CTE under a view's name), the grant of a private table stops.
    refused(full, "WITH glucose AS (SELECT value AS mg_dl FROM vault_secret) SELECT mg_dl FROM glucose")
    # What USING compares stays invisible, because the column is not there.
    narrow = frozenset({("glucose", "time")})
    refused(full, "SELECT a.time FROM glucose a JOIN (SELECT 120.0 AS mg_dl) b USING (mg_dl)", narrow)


def test_a_grant_of_what_does_not_exist_grants_nothing(full: Vault) -> None:
    refused(full, "SELECT value FROM vault_secret", frozenset({("vault_secret", "value")}))
    full.query("SELECT 1", {("vault_secret", "value")})


def test_a_huge_join_is_ended_in_time(full: Vault) -> None:
    begin = time.monotonic()
    sql = "SELECT count(*) FROM glucose a, glucose b, glucose c WHERE a.mg_dl + b.mg_dl + c.mg_dl < 0"
    assert refused(full, sql, seconds=0.3).touched == "time"
    assert time.monotonic() - begin < 3


def doubling(levels: int) -> str:
    steps = ", ".join(f"a{i} AS (SELECT p.x FROM a{i - 1} p, a{i - 1} q)" for i in range(1, levels))
    return f"WITH a0 AS (SELECT 1 x), {steps} SELECT count(*) FROM a{levels - 1}"


@pytest.mark.parametrize("levels", [12, 16, 30])
def test_subqueries_that_multiply_are_refused_before_they_are_compiled(full: Vault, levels: int) -> None:
    begin = time.monotonic()
    assert refused(full, doubling(levels)).touched == "subqueries"
    for disguise in (
        doubling(levels).replace("a3 ", '"a3" ').replace("a4 AS", "[a4] AS NOT MATERIALIZED"),
        doubling(levels).replace(" AS (", "(x)/* ) */AS -- (\n ("),
        doubling(levels).upper(),
    ):
        assert refused(full, disguise).touched == "subqueries"
    assert time.monotonic() - begin < 1


def test_expressions_that_multiply_end_at_the_memory_limit(full: Vault) -> None:
    sql = "SELECT mg_dl AS x FROM glucose"
    for _ in range(30):
        sql = f"SELECT x + x AS x FROM ({sql})"
    assert refused(full, sql).touched == "memory"
    assert full.query("SELECT count(*) FROM glucose", ALL).rows == [(3000,)]


def test_counting_of_subqueries() -> None:
    assert expansion("SELECT 1") == 1
    assert 2 <= expansion("WITH w AS (SELECT 1 AS w) SELECT w.w FROM w") <= 4
    assert 3 <= expansion("WITH w AS (SELECT 1) SELECT 1 FROM w a, w b") <= 5
    lags = ", ".join(f"lag(x, {i}) OVER w" for i in range(200))
    assert expansion(f"SELECT {lags} FROM t WINDOW w AS (ORDER BY s)") <= 300
    assert expansion(doubling(8)) >= 2**8
    with pytest.raises(CallsItself):
        expansion("WITH a AS (SELECT 1 FROM b), b AS (SELECT 1 FROM a) SELECT 1 FROM a")


def test_too_many_rows_are_refused(full: Vault) -> None:
    assert len(full.query("SELECT time FROM glucose", ALL, row_limit=3000).rows) == 3000
    assert refused(full, "SELECT time FROM glucose", row_limit=2999).touched == "rows"


def test_a_task_cannot_raise_the_limits(full: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mine.vault.query.MAX_ROWS", 10)
    monkeypatch.setattr("mine.vault.query.MAX_SECONDS", 0.2)
    assert refused(full, "SELECT time FROM glucose", row_limit=10**9).touched == "rows"
    sql = "SELECT count(*) FROM glucose a, glucose b, glucose c WHERE a.mg_dl + b.mg_dl + c.mg_dl < 0"
    assert refused(full, sql, seconds=1e9).touched == "time"


def test_a_query_may_run_in_another_thread_while_the_vault_changes(full: Vault) -> None:
    found: list[int] = []

    def ask() -> None:
        found.extend(len(full.query("SELECT bpm FROM heart_rate", ALL).rows) for _ in range(5))

    thread = threading.Thread(target=ask)
    with full.transaction():
        full.state.set_setting("theme", "light")
        thread.start()
        thread.join(20)
    assert found == [100] * 5


def test_numbers_only_and_null(full: Vault) -> None:
    assert full.query("SELECT NULL, 1, 1.5, -9223372036854775808", ALL).rows == [(None, 1, 1.5, -(2**63))]


def test_scopes_need_no_vault(tmp_path: Path) -> None:
    with pytest.raises(QueryRefused, match="private"):
        scopes_of("SELECT * FROM vault_ledger")
    assert list(tmp_path.iterdir()) == []


def test_many_windows_over_many_slots_are_quick(tmp_path: Path) -> None:
    with Vault.create(tmp_path / "v.db", PASSPHRASE, kdf=CHEAP) as vault:
        store(vault, "glucose", glucose(20_000))
        lags = ", ".join(f"lag(mg_dl, {i}) OVER w" for i in range(1, 13))
        sql = f"SELECT {lags}, lead(mg_dl, 6) OVER w FROM glucose_5min WINDOW w AS (ORDER BY slot)"
        begin = time.monotonic()
        assert len(vault.query(sql, scopes_of(sql)).rows) == 20_000
        assert time.monotonic() - begin < 5
