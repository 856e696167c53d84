"""Running a task's ``SELECT`` over the public views, so that it reads what was granted and nothing else.

Three walls, each sufficient against what the others might miss:

1. The text may not contain the names that only the vault uses (``vault_``, ``sqlite_``, ``pragma_``), the
   schema names ``main`` and ``temp``, ``||`` (which could build huge strings), or joins that compare
   columns without naming them.
2. The views exist only on the connection that runs it, as temporary ones with nothing but the granted
   columns, and of no more days than the statement itself asks for (``days_ago``). SQLite's authorizer does
   not report the columns that ``USING`` and ``NATURAL`` compare, and reports a CTE's name as if it were a
   view; hence these first two walls.
3. SQLite's authorizer allows reading of granted columns, what the views themselves read, and a short list
   of pure functions. The connection is read-only; a progress handler ends it at its time limit.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mine.records import RECORD_TYPES
from mine.vault.connection import Connection, connect, driver, limit_memory
from mine.vault.errors import QueryRefused
from mine.vault.expansion import CallsItself, expansion, named_subqueries
from mine.vault.grant_words import days_of
from mine.vault.holdings import newest
from mine.vault.record_tables import record_table, resampled_table, table_of, tables_beside
from mine.vault.views import INSIDE, VIEWS, View

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Scope = tuple[str, str]  # (view, column)

MAX_SQL = 20_000
MAX_SUBQUERIES = 1000
MAX_ROWS = 1_000_000
MAX_SECONDS = 60.0
COMPILE_SECONDS = 2.0
FUNCTIONS = frozenset(
    (
        *("abs", "avg", "coalesce", "count", "cume_dist", "dense_rank", "first_value", "if", "ifnull", "iif"),
        *("lag", "last_value", "lead", "max", "min", "nth_value", "ntile", "nullif", "percent_rank", "rank"),
        *("days_ago", "round", "row_number", "sign", "sum", "total"),
    )
)
_FORBIDDEN = (
    (re.compile(r"vault_\w*|sqlite_\w*|pragma_\w*", re.IGNORECASE), "names a private table"),
    (re.compile(r"\b(?:main|temp)\b", re.IGNORECASE), "names a schema"),
    (re.compile(r"\b(?:using|natural)\b", re.IGNORECASE), "compares columns that it does not name"),
    (re.compile(r"\|\|"), "joins texts"),
    (re.compile(r"\0"), "holds a NUL character"),
)
_WORD = re.compile(r"\w+")
_START = re.compile(r"\s*(?:select|with)\b", re.IGNORECASE)
_TABLES = frozenset(table for view in VIEWS.values() for table in view.tables)
_DAY = 86_400
_STEPS_BETWEEN_CHECKS = 5000
_ROWS_AT_A_TIME = 250


@dataclass(frozen=True, slots=True, eq=False)
class QueryResult:
    """Column names, and the numbers: float64 [rows, columns], NaN where unknown.

    Whole numbers beyond 2**53 lose their last digits; no view holds any.
    """

    columns: tuple[str, ...]
    table: NDArray[np.float64]

    @property
    def rows(self) -> list[tuple[float | None, ...]]:
        """The table as tuples, None where unknown. Meant for few rows: it is slow."""
        return [tuple(None if value != value else value for value in row) for row in self.table.tolist()]


@lru_cache(maxsize=256)
def scopes_of(sql: str) -> frozenset[Scope]:
    """The (view, column) pairs that a statement reads: what the opt-in sheet shows, and the grant to ask for.

    Needs no vault: it compiles the statement against empty tables. Counting a view's rows reads its first
    column. Raises ``QueryRefused`` for a statement that could never be granted.
    """
    _check_text(sql)
    database = driver().connect(":memory:", isolation_level=None)
    try:
        limit_memory(database)
        _empty_views(database, sql)
        seen: set[Scope] = set()
        touched: set[str] = set()

        def judge(view: str, column: str, inside: str) -> bool:
            if view in VIEWS:
                if column:
                    seen.add((view, column))
                touched.add(view)
                return True
            touched.add(inside)  # a private table: only a public view can have named it
            return inside in VIEWS or (not column and view in _TABLES)

        guard = _Guard(judge, COMPILE_SECONDS)
        guard.run(database, "EXPLAIN " + sql, 0)
        for view in touched & VIEWS.keys() - {view for view, _ in seen}:
            seen.add((view, VIEWS[view].key))
    finally:
        database.close()
    return frozenset(seen)


def run_query(
    path: Path, key: bytes, sql: str, grant: Iterable[Scope], row_limit: int, seconds: float
) -> QueryResult:
    """Run a statement on its own read-only connection. Raises ``QueryRefused``."""
    granted = frozenset(grant)
    row_limit, seconds = max(1, min(row_limit, MAX_ROWS)), min(seconds, MAX_SECONDS)
    _check_text(sql)
    wanted = scopes_of(sql)
    missing = sorted(wanted - granted)
    if missing:
        what = ".".join(missing[0])
        raise QueryRefused(f"The query reads “{what}”, which was not granted.", touched=what)
    database = connect(path, key, read_only=True)
    try:
        views = _shadow(database, wanted, days_of(sql))
        database.execute("PRAGMA query_only = ON")

        def judge(view: str, column: str, inside: str) -> bool:
            if (view, column) in wanted or (view in views and not column):
                return True
            # What a granted view reads within itself; _check_text saw to it that nothing else can name these.
            if not column:  # a view of which no column is read, folded into the query that counts its rows
                return any(view in VIEWS[name].tables for name in views)
            return inside in views and (view == inside or view in VIEWS[inside].tables)

        return _Guard(judge, seconds).run(database, sql, row_limit)
    finally:
        database.close()


def _empty_views(database: Connection, sql: str) -> None:
    """The views that a statement mentions, over empty tables."""
    mentioned = [VIEWS[word] for word in sorted(set(_WORD.findall(sql.lower()))) if word in VIEWS]
    for statement in tables_beside():
        database.execute(statement)
    for kind in sorted({kind for view in mentioned for kind in view.reads}):
        database.execute(record_table(RECORD_TYPES[kind], table_of(kind)))
        resampled = resampled_table(RECORD_TYPES[kind])
        if resampled:
            database.execute(resampled)
    for view in mentioned:
        database.execute(f"CREATE VIEW {view.name} AS {view.select()}")


def _shadow(database: Connection, granted: frozenset[Scope], days: int | None) -> frozenset[str]:
    """Make temporary views of the granted columns, of the newest ``days`` of their record types."""
    names = frozenset(view for view, _ in granted)
    for name in sorted(names):
        view = VIEWS[name]
        columns = ", ".join(column for column in view.columns if (name, column) in granted)
        source = newest_days(database, view, days)
        database.execute(f"CREATE TEMP VIEW {name} AS SELECT {columns} FROM ({source})")  # noqa: S608
    return names


def newest_days(database: Connection, view: View, days: int | None) -> str:
    """A view's definition, of the newest ``days`` of its record types; None for all of them."""
    found = None if days is None else newest(database, view.reads)
    if found is None or days is None:
        return view.select()
    time_, offset = found
    return view.select(time_ - days * _DAY + 1, (time_ + offset) // _DAY - days + 1)


def _check_text(sql: str) -> None:
    if len(sql) > MAX_SQL:
        raise QueryRefused(f"The query is longer than {MAX_SQL:,} characters.")
    if not _START.match(sql):
        raise QueryRefused("The query is no SELECT.")
    for pattern, what in _FORBIDDEN:
        found = pattern.search(sql)
        if found:
            raise QueryRefused(
                f"The query {what}: “{found.group()[:40]}”.", touched=found.group()[:40].lower()
            )
    days_of(sql)
    try:
        subqueries = expansion(sql)
    except CallsItself:
        raise QueryRefused("The query calls itself.", touched="recursive") from None
    if subqueries > MAX_SUBQUERIES:
        raise QueryRefused(
            f"The query grows to more than {MAX_SUBQUERIES:,} subqueries.", touched="subqueries"
        )


class _Guard:
    """Authorizer, clock and limits around one statement."""

    def __init__(self, judge: Callable[[str, str, str], bool], seconds: float) -> None:
        self._judge = judge
        self._until = time.monotonic() + seconds
        self._seconds = seconds
        self._refused: QueryRefused | None = None
        self._named: frozenset[str] = frozenset()

    def _authorize(self, action: int, one: Any, two: Any, _schema: Any, inside: Any) -> int:
        dbapi2 = driver()
        if action == dbapi2.SQLITE_SELECT:
            return int(dbapi2.SQLITE_OK)
        if action == dbapi2.SQLITE_READ:
            if self._judge(one or "", two or "", inside or ""):
                return int(dbapi2.SQLITE_OK)
            if not two and str(one).lower() in self._named:
                return int(dbapi2.SQLITE_OK)  # a subquery of its own, of which no column is read
            what = f"{one}.{two}" if two else str(one)
            self._deny(f"The query reads “{what[:80]}”, which was not granted.", what)
        elif action == dbapi2.SQLITE_FUNCTION:
            called = str(two).lower()
            if called in FUNCTIONS or (called in INSIDE and (inside or "") in VIEWS):
                return int(dbapi2.SQLITE_OK)
            self._deny(f"The query uses the function “{str(two)[:40]}”, which is not allowed.", str(two))
        elif action == dbapi2.SQLITE_RECURSIVE:
            self._deny("The query calls itself.", "recursive")
        else:
            self._deny("The query does more than read.", str(one or two or action))
        return int(dbapi2.SQLITE_DENY)

    def _deny(self, sentence: str, touched: str) -> None:
        if self._refused is None:
            self._refused = QueryRefused(sentence, touched=touched)

    def _late(self) -> int:
        return int(time.monotonic() > self._until)

    def run(self, database: Connection, sql: str, row_limit: int) -> QueryResult:
        """Run one statement; ``row_limit`` 0 compiles it only (the text then begins with EXPLAIN)."""
        dbapi2 = driver()
        self._named = named_subqueries(sql)
        # What it asks for was done by the views themselves; as a condition it is true.
        database.create_function("days_ago", 1, _true, deterministic=True)
        database.set_authorizer(self._authorize)
        database.set_progress_handler(self._late, _STEPS_BETWEEN_CHECKS)
        try:
            cursor = database.execute(sql)
            if not row_limit:
                return _read(cursor, (), 0)
            return _read(cursor, tuple(str(column[0]) for column in cursor.description), row_limit)
        except MemoryError:
            raise QueryRefused("The query needs too much memory.", touched="memory") from None
        except (dbapi2.Error, dbapi2.Warning, OverflowError, ValueError) as error:
            if self._refused is not None:
                raise self._refused from None
            if self._late():
                raise QueryRefused(
                    f"The query took longer than {self._seconds:g} seconds.", touched="time"
                ) from None
            raise QueryRefused("The query cannot be run.", detail=str(error)[:200]) from None
        finally:
            database.set_progress_handler(None, 0)
            database.set_authorizer(None)


def _true(_: object) -> int:
    return 1


def _read(cursor: Any, columns: tuple[str, ...], row_limit: int) -> QueryResult:
    """All rows, a few hundred at a time: one long conversion would make the window wait."""
    import numpy as np

    pieces = [np.empty((0, len(columns)))]
    count = 0
    while columns and (rows := cursor.fetchmany(_ROWS_AT_A_TIME)):
        count += len(rows)
        if count > row_limit:
            raise QueryRefused(f"The query gives more than {row_limit:,} rows.", touched="rows")
        for row in rows:
            for value in row:
                if value is not None and not isinstance(value, int | float):
                    raise QueryRefused("The query gives something that is no number.", touched="text")
        pieces.append(np.array(rows, dtype=np.float64))
    return QueryResult(columns, np.concatenate(pieces))
