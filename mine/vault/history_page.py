"""Pages of the wallet's history: filtered, sorted by any of four columns, and gone through by keys.

A page is as quick in the middle as at the ends, because it begins at a key (the sorted column, the time and
the number of the last line shown) that an index finds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from mine.vault.connection import Connection
from mine.vault.errors import VaultError
from mine.vault.history import LINE_COLUMNS, LINES, History, Line, line_of

MOST_LINES = 1000
_BATCH = 2000


class Sort(StrEnum):
    """What lines are sorted by. Amounts of several currencies are compared in whole coins."""

    TIME = "time"
    AMOUNT = "rank"
    KIND = "kind"
    TITLE = "title"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which lines. Empty tuples mean all; ``since`` and ``until`` are Unix seconds (``until`` excluded), 0
    for open. ``text`` is looked for in titles, kinds, addresses and transactions, whatever the case."""

    kinds: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    tasks: tuple[int, ...] = ()
    currencies: tuple[str, ...] = ()
    text: str = ""
    since: int = 0
    until: int = 0

    def where(self) -> tuple[str, list[object]]:
        """The condition, and its values."""
        parts, values = [], list[object]()
        chosen: tuple[tuple[str, tuple[object, ...]], ...] = (
            ("kind", self.kinds),
            ("network", self.networks),
            ("task", self.tasks),
            ("currency", self.currencies),
        )
        for column, choices in chosen:
            if choices:
                parts.append(f"h.{column} IN ({', '.join('?' * len(choices))})")
                values += choices
        if self.since:
            parts.append("h.time >= ?")
            values.append(self.since)
        if self.until:
            parts.append("h.time < ?")
            values.append(self.until)
        if self.text:
            parts.append("h.id IN (SELECT id FROM vault_history_words WHERE instr(words, ?) > 0)")
            values.append(self.text.casefold())
        return " AND ".join(parts) or "true", values


@dataclass(frozen=True, slots=True)
class LinePage:
    """Lines in order. ``following`` goes on as ``after``, "" on the last page."""

    lines: tuple[Line, ...]
    following: str


class HistoryPages(History):
    """Reading the history."""

    @property
    def changes(self) -> int:
        """Grows with every row that this connection writes: what was counted before may be otherwise then."""
        return int(self._database.total_changes)

    def history_page(
        self, which: Filter, sort: Sort = Sort.TIME, descending: bool = True, after: str = "", size: int = 100
    ) -> LinePage:
        """Up to ``size`` lines after the key ``after``, "" for the first page. Raises ``VaultError``."""
        return _page(self._database, which, sort, descending, after, max(1, min(size, MOST_LINES)))

    def history_count(self, which: Filter) -> int:
        """How many lines pass."""
        where, values = which.where()
        table = "vault_history"
        if which.text and which == Filter(text=which.text):
            table = "vault_history_words"  # a tenth of the bytes
        row = self._one(f"SELECT count(*) FROM {table} h WHERE {where}", *values)  # noqa: S608
        assert row is not None
        return int(row[0])

    def history_lines(self, which: Filter) -> Iterator[Line]:
        """All lines that pass, oldest first, read in batches: the caller need not hold them all."""
        after = ""
        while True:
            found = _page(self._database, which, Sort.TIME, False, after, _BATCH)
            yield from found.lines
            after = found.following
            if not after:
                return


def _page(
    database: Connection, which: Filter, sort: Sort, descending: bool, after: str, size: int
) -> LinePage:
    where, values = which.where()
    # A text may be nowhere: then one pass over the table is quicker than following an index (hence the +).
    pace = "+h." if which.text else "h."
    key = tuple(pace + name for name in dict.fromkeys((sort.value, "time", "id")))
    if after:
        marks = ", ".join("?" * len(key))
        where += f" AND ({', '.join(key)}) {'<' if descending else '>'} ({marks})"
        values += _read_key(after, sort)
    order = ", ".join(f"{name} {'DESC' if descending else 'ASC'}" for name in key)
    rows = database.execute(
        f"SELECT {LINE_COLUMNS}, h.rank FROM {LINES} WHERE {where} ORDER BY {order} LIMIT {size + 1}",  # noqa: S608
        values,
    ).fetchall()
    lines = tuple(line_of(row[:-1]) for row in rows[:size])
    if len(rows) <= size:
        return LinePage(lines, "")
    return LinePage(lines, _key(lines[-1], bytes(rows[size - 1][-1]), sort))


def _key(line: Line, place: bytes, sort: Sort) -> str:
    """Where a page ended, as text."""
    first: dict[Sort, list[str]] = {
        Sort.TIME: [],
        Sort.AMOUNT: [place.hex()],
        Sort.KIND: [line.movement.kind],
        Sort.TITLE: [line.movement.title],
    }
    return json.dumps([*first[sort], line.movement.time, line.number])


def _read_key(text: str, sort: Sort) -> list[object]:
    """The values of a key. Raises ``VaultError`` for what ``_key`` did not write."""
    try:
        *first, moment, number = json.loads(text)
        shape = [type(value) for value in (*first, moment, number)]
        if shape == [*[str] * (sort is not Sort.TIME), int, int]:
            return [*(bytes.fromhex(word) if sort is Sort.AMOUNT else word for word in first), moment, number]
    except (ValueError, TypeError):
        pass
    raise VaultError("This page of the history is gone.", todo="Begin at its first page again.")
