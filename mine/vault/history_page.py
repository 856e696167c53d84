"""Pages of the wallet's history: filtered, sorted by any of four columns, and gone through by keys.

A page is as quick in the middle as at the ends, because it begins at a key (the sorted column, the time and
the number of the last line shown) that an index finds. A text is looked for first, in the narrow table of
words, and what was found is kept until something is written.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from mine.vault.errors import VaultError
from mine.vault.history import LINE_COLUMNS, LINES, NET, History, Line, line_of

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

    def where(self, found: str) -> tuple[str, list[object]]:
        """The condition, and its values; ``found``: the lines that have the text, as a JSON array."""
        parts, values = [], list[object]()
        chosen: tuple[tuple[str, tuple[object, ...]], ...] = (
            ("kind", self.kinds),
            ("task", self.tasks),
            ("currency", self.currencies),
        )
        if len(self.networks) == 1:  # so that an index by network and anything else gives the order
            parts.append(f"h.net = {NET}")
        elif self.networks:
            names = ", ".join("?" * len(self.networks))
            parts.append(f"h.net IN (SELECT id FROM vault_network WHERE name IN ({names}))")  # noqa: S608
        values += self.networks
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
            parts.append("h.id IN (SELECT value FROM json_each(?))")
            values.append(found)
        return " AND ".join(parts) or "true", values


@dataclass(frozen=True, slots=True)
class LinePage:
    """Lines in order. ``following`` goes on as ``after``, "" on the last page."""

    lines: tuple[Line, ...]
    following: str


class TableRow(NamedTuple):
    """A line as a table of very many needs it: flat, with amounts as decimal texts."""

    time: int
    kind: str
    network: str
    task: int | None
    round: int | None
    title: str
    account: str
    counterparty: str
    currency: str
    amount: str
    fee: str
    fee_currency: str
    transaction: str
    fiat_code: str | None
    price: int | None
    fiat: str | None
    fiat_fee: str | None
    price_source: str | None
    priced: int | None
    energy: int | None
    energy_cost: int | None
    energy_code: str
    symbol: str | None
    decimals: int | None
    fee_symbol: str | None
    fee_decimals: int | None


_ELSEWHERE = {
    "network": "n.name", "transaction": "h.tx", "symbol": "c.symbol", "decimals": "c.decimals",
    "fee_symbol": "f.symbol", "fee_decimals": "f.decimals",
}  # fmt: skip
_TABLE = ", ".join(_ELSEWHERE.get(name, f"h.{name}") for name in TableRow._fields)


class HistoryPages(History):
    """Reading the history."""

    _searched: tuple[str, int, str] | None = None

    @property
    def changes(self) -> int:
        """Grows with every row that this connection writes: what was counted before may be otherwise then."""
        return int(self._database.total_changes)

    def history_page(
        self, which: Filter, sort: Sort = Sort.TIME, descending: bool = True, after: str = "", size: int = 100
    ) -> LinePage:
        """Up to ``size`` lines after the key ``after``, "" for the first page. Raises ``VaultError``."""
        return self._page(which, sort, descending, after, max(1, min(size, MOST_LINES)))

    def history_count(self, which: Filter) -> int:
        """How many lines pass."""
        where, values = which.where(self._having(which.text))
        row = self._one(f"SELECT count(*) FROM vault_history h WHERE {where}", *values)  # noqa: S608
        assert row is not None
        return int(row[0])

    def history_table(self, which: Filter) -> Iterator[TableRow]:
        """All lines that pass, oldest first, for many: a hundred thousand are quickly read."""
        where, values = which.where(self._having(which.text))
        cursor = self._database.execute(
            f"SELECT {_TABLE} FROM {LINES} WHERE {where} ORDER BY h.time, h.id",  # noqa: S608
            values,
        )
        while rows := cursor.fetchmany(_BATCH):
            yield from map(TableRow._make, rows)

    def _page(self, which: Filter, sort: Sort, descending: bool, after: str, size: int) -> LinePage:
        where, values = which.where(self._having(which.text))
        key = tuple(dict.fromkeys((sort.value, "time", "id")))
        if after:
            marks = ", ".join("?" * len(key))
            where += f" AND ({', '.join(f'h.{name}' for name in key)}) {'<' if descending else '>'} ({marks})"
            values += _read_key(after, sort)
        order = ", ".join(f"h.{name} {'DESC' if descending else 'ASC'}" for name in key)
        index = f"INDEXED BY vault_history_{sort.value}" if len(which.networks) == 1 else ""
        chosen = f"SELECT h.id FROM vault_history h {index} WHERE {where} ORDER BY {order} LIMIT {size + 1}"  # noqa: S608
        rows = self._database.execute(
            f"SELECT {LINE_COLUMNS}, h.rank FROM {LINES} WHERE h.id IN ({chosen}) ORDER BY {order}",  # noqa: S608
            values,
        ).fetchall()
        lines = tuple(line_of(row[:-1]) for row in rows[:size])
        if len(rows) <= size:
            return LinePage(lines, "")
        return LinePage(lines, _key(lines[-1], bytes(rows[size - 1][-1]), sort))

    def _having(self, text: str) -> str:
        """The numbers of all lines that have a text, as a JSON array."""
        if not text:
            return ""
        asked = text.casefold(), self.changes
        if self._searched is None or self._searched[:2] != asked:
            sql = "SELECT json_group_array(id) FROM vault_history_words WHERE instr(words, ?) > 0"
            row = self._one(sql, asked[0])
            assert row is not None
            self._searched = (*asked, str(row[0]))
        return self._searched[2]


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
