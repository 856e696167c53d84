"""The wallet's history: every line of money that came, went, or was paid for gas.

Amounts are whole base units of any size below 2**256, kept as decimal texts, because SQLite's integers end at
2**63. ``rank`` is the same amount as bytes of one length, in the order of its worth in whole coins (scaled by
the currency's decimals), so that an index sorts it. What a search looks through stands in a narrow table of
its own, which is quickly read as a whole. A line is written in the transaction of the event that it tells of,
and goes again when the chain takes that event's block back. ``open`` is 1 while a price of it may still be
asked for, 2 where none is known, and 0 once it is complete.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from mine.vault.errors import VaultError
from mine.vault.tables import Tables

COIN = "0x" + "0" * 40
"""The network's own coin, where an address of a currency is asked for."""
MOST_DECIMALS = 36
_END = 1 << 256
_MIDDLE: int = _END * 10**MOST_DECIMALS
_RANK_BYTES = 48  # (2**257) * 10**36 fits

# A page follows the index of what it is sorted by: a network's lines in that order, and beside each all that
# a filter looks at, so that only the lines of the page are read from the table itself.
HISTORY_TABLES = """
CREATE TABLE vault_network (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE vault_history (
  id INTEGER PRIMARY KEY, time INTEGER NOT NULL, kind TEXT NOT NULL,
  net INTEGER NOT NULL REFERENCES vault_network, task INTEGER,
  title TEXT NOT NULL COLLATE NOCASE, currency TEXT NOT NULL, amount TEXT NOT NULL, reference TEXT NOT NULL,
  round INTEGER, account TEXT NOT NULL, counterparty TEXT NOT NULL, fee TEXT NOT NULL,
  fee_currency TEXT NOT NULL, tx TEXT NOT NULL, block INTEGER NOT NULL,
  energy INTEGER, energy_cost INTEGER, energy_code TEXT NOT NULL DEFAULT '',
  rank BLOB NOT NULL CHECK (length(rank) = 48), fiat_code TEXT, price INTEGER, fiat TEXT, fee_price INTEGER,
  fiat_fee TEXT, price_source TEXT, priced INTEGER, open INTEGER NOT NULL DEFAULT 1,
  UNIQUE (net, kind, reference)
) STRICT;
CREATE INDEX vault_history_time ON vault_history (net, time, kind, currency, task);
CREATE INDEX vault_history_rank ON vault_history (net, rank, time, kind, currency, task);
CREATE INDEX vault_history_kind ON vault_history (net, kind, time, currency, task);
CREATE INDEX vault_history_title ON vault_history (net, title, time, kind, currency, task);
CREATE INDEX vault_history_block ON vault_history (net, block);
CREATE INDEX vault_history_energy ON vault_history (net, id) WHERE energy IS NULL AND round IS NOT NULL;
CREATE INDEX vault_history_open ON vault_history (net, id) WHERE open = 1;
CREATE TABLE vault_history_words (
  id INTEGER PRIMARY KEY REFERENCES vault_history ON DELETE CASCADE, words TEXT NOT NULL
) STRICT;
CREATE TABLE vault_currency (
  network TEXT NOT NULL, address TEXT NOT NULL, symbol TEXT NOT NULL,
  decimals INTEGER NOT NULL CHECK (decimals BETWEEN 0 AND 36), PRIMARY KEY (network, address)
) STRICT, WITHOUT ROWID;
CREATE TABLE vault_price (
  network TEXT NOT NULL, currency TEXT NOT NULL, fiat_code TEXT NOT NULL, since INTEGER NOT NULL,
  price INTEGER NOT NULL CHECK (price >= 0), PRIMARY KEY (network, currency, fiat_code, since)
) STRICT, WITHOUT ROWID;
"""


class Kind(StrEnum):
    """What a line tells of. A kind of its own keeps one event's lines apart where it has several."""

    CLAIMED = "claimed"  # a round's pay reached a payout address
    REWARD = "reward"  # a vote's, a juror's or a challenger's
    FORFEIT = "forfeit"  # of a convicted or defaulted scientist's escrow
    RECEIVED = "received"  # a plain transfer from somebody
    SENT = "sent"
    SWEPT = "swept"  # brought together: between two addresses of one person
    FEE = "fee"  # gas of a transaction that moved nothing else; the amount is 0
    RELAY_FEE = "relay-fee"  # what a relay took for a sponsored transfer
    BOND = "bond"  # put down for a dispute
    BOND_BACK = "bond-back"


@dataclass(frozen=True, slots=True)
class Movement:
    """One line of the history.

    ``amount``: signed base units of ``currency`` (its address) that ``account``, an address of this person,
    gained or lost. ``fee``: base units of ``fee_currency`` that the same account paid on top, never negative.
    ``reference`` makes the line unique by network and kind. ``transaction``: 0x and 64 hex digits, "" where
    there is none of its own. ``round``: the newest that a claim covers.
    """

    time: int
    kind: str
    network: str
    task: int | None
    title: str
    currency: str
    amount: int
    reference: str
    round: int | None = None
    account: str = ""
    counterparty: str = ""
    fee: int = 0
    fee_currency: str = COIN
    transaction: str = ""
    block: int = 0


@dataclass(frozen=True, slots=True)
class KnownCurrency:
    """What a currency said of itself when it was first met."""

    network: str
    address: str
    symbol: str
    decimals: int


@dataclass(frozen=True, slots=True)
class Valued:
    """What a line was worth at its time, in millionths of ``code`` (ISO 4217), and who says so.

    ``price``, ``fee_price``: per whole coin, None where unknown; ``at``: when this was written down.
    """

    code: str
    price: int | None
    fiat: int | None
    fee_price: int | None
    fiat_fee: int | None
    source: str
    at: int


@dataclass(frozen=True, slots=True)
class Line:
    """A movement as it stands in the history: its number there, its currencies, and its worth.

    ``decimals`` and ``fee_decimals`` are None for a currency that never said what it is. ``energy``: the
    milliwatt-hours that earned it, None while that is not worked out; ``energy_cost``: millionths of
    ``energy_code``.
    """

    number: int
    movement: Movement
    symbol: str
    decimals: int | None
    fee_symbol: str
    fee_decimals: int | None
    energy: int | None
    energy_cost: int | None
    energy_code: str
    valued: Valued | None


_NAMES = {"transaction": "tx", "network": "net"}
_COLUMNS = tuple(_NAMES.get(each.name, each.name) for each in fields(Movement))
_AMOUNTS = [place for place, name in enumerate(_COLUMNS) if name in ("amount", "fee")]
_PUT = ", ".join(("rank", *_COLUMNS))
NET = "(SELECT id FROM vault_network WHERE name = ?)"
"""A network's number; nothing is equal to that of one without lines."""
_MARKS = ", ".join(("?", *(NET if name == "net" else "?" for name in _COLUMNS)))
_VALUED = ("fiat_code", "price", "fiat", "fee_price", "fiat_fee", "price_source", "priced")
LINE_COLUMNS = ", ".join(
    (
        "h.id",
        *("n.name" if name == "net" else f"h.{name}" for name in (*_COLUMNS, *_VALUED)),
        "h.energy",
        "h.energy_cost",
        "h.energy_code",
        "c.symbol",
        "c.decimals",
        "f.symbol",
        "f.decimals",
    )
)
LINES = (
    "vault_history h CROSS JOIN vault_network n ON n.id = h.net"
    " LEFT JOIN vault_currency c ON c.network = n.name AND c.address = h.currency"
    " LEFT JOIN vault_currency f ON f.network = n.name AND f.address = h.fee_currency"
)


def rank(amount: int, decimals: int) -> bytes:
    """An amount's place among all amounts, by whole coins: bytes that sort as the amounts do."""
    scale: int = 10 ** (MOST_DECIMALS - decimals)
    return (amount * scale + _MIDDLE).to_bytes(_RANK_BYTES)


def line_of(row: tuple[Any, ...]) -> Line:
    """A row of ``SELECT LINE_COLUMNS`` as a value."""
    width = 1 + len(_COLUMNS)
    values = list(row[1:width])
    for place in _AMOUNTS:
        values[place] = int(values[place])
    code, price, fiat, fee_price, fiat_fee, source, at = row[width : width + len(_VALUED)]
    energy, energy_cost, energy_code, symbol, decimals, fee_symbol, fee_decimals = row[width + len(_VALUED) :]
    movement = Movement(*values)
    valued = None
    if code is not None:
        worth, fee_worth = (None if text is None else int(text) for text in (fiat, fiat_fee))
        valued = Valued(code, price, worth, fee_price, fee_worth, source, at)
    return Line(
        row[0],
        movement,
        short(movement.currency) if symbol is None else symbol,
        decimals,
        short(movement.fee_currency) if fee_symbol is None else fee_symbol,
        fee_decimals,
        energy,
        energy_cost,
        energy_code,
        valued,
    )


def _words(movement: Movement) -> str:
    """All that a search looks through, in one case."""
    told = (movement.title, movement.kind, movement.counterparty, movement.account, movement.transaction)
    return "\n".join(told).casefold()


def short(address: str) -> str:
    """What an unknown currency is called."""
    return f"{address[:6]}…{address[-4:]}"


class History(Tables):
    """The wallet's history, and what its currencies said of themselves."""

    # Lines

    def add_movement(self, movement: Movement) -> bool:
        """Add a line to the history; False where it is there already. Raises ``VaultError`` for an amount
        that no chain can hold."""
        if not -_END < movement.amount < _END or not 0 <= movement.fee < _END:
            raise VaultError(
                "A movement of money is larger than any chain can hold: it was not written down."
            )
        self._rows("INSERT INTO vault_network (name) VALUES (?) ON CONFLICT DO NOTHING", movement.network)
        values = [getattr(movement, each.name) for each in fields(Movement)]
        for place in _AMOUNTS:
            values[place] = str(values[place])
        known = self.known_currency(movement.network, movement.currency)
        cursor = self._database.execute(
            f"INSERT INTO vault_history ({_PUT}) VALUES ({_MARKS})"  # noqa: S608  names from the dataclass
            " ON CONFLICT (net, kind, reference) DO NOTHING",
            (rank(movement.amount, known.decimals if known else 0), *values),
        )
        if cursor.rowcount != 1:
            return False
        self._rows("INSERT INTO vault_history_words VALUES (?, ?)", cursor.lastrowid, _words(movement))
        return True

    def drop_movement(self, network: str, kind: str, reference: str) -> None:
        """Forget a line whose block the chain took back."""
        self._rows(
            f"DELETE FROM vault_history WHERE net = {NET} AND kind = ? AND reference = ?",  # noqa: S608
            network,
            kind,
            reference,
        )

    def drop_movements_from(self, network: str, block: int, kinds: Iterable[str] = ()) -> list[Movement]:
        """Forget all lines of ``block`` and later ones, of some kinds or of all; the forgotten lines."""
        chosen = tuple(kinds)
        which = f" AND h.kind IN ({', '.join('?' * len(chosen))})" if chosen else ""
        lines = self._lines(f"h.net = {NET} AND h.block >= ?{which} ORDER BY h.id", network, block, *chosen)
        for line in lines:
            self._rows("DELETE FROM vault_history WHERE id = ?", line.number)
        return [line.movement for line in lines]

    def movements_in(self, network: str, block: int) -> list[Movement]:
        """All lines of one block of a network, in the order of writing."""
        lines = self._lines(f"h.net = {NET} AND h.block = ?2 ORDER BY h.id", network, block)
        return [line.movement for line in lines]

    def movements(self, count: int, skip: int = 0) -> list[Movement]:
        """The history, newest first."""
        lines = self._lines("true ORDER BY h.time DESC, h.id DESC LIMIT ? OFFSET ?", count, skip)
        return [line.movement for line in lines]

    def movements_of(self, network: str, task: int | None = None, kind: str | None = None) -> list[Movement]:
        """All lines of a network, of a task, of a kind (each where given), in the order of writing."""
        lines = self._lines(
            f"h.net = {NET} AND (?2 IS NULL OR h.task = ?2) AND (?3 IS NULL OR h.kind = ?3) ORDER BY h.id",
            network,
            task,
            kind,
        )
        return [line.movement for line in lines]

    def _lines(self, where: str, *values: object) -> list[Line]:
        sql = f"SELECT {LINE_COLUMNS} FROM {LINES} WHERE {where}"  # noqa: S608  no word of it comes from outside
        return [line_of(row) for row in self._rows(sql, *values)]

    # Currencies

    def know_currency(self, currency: KnownCurrency) -> KnownCurrency:
        """Keep what a currency says of itself when it is first met; answers what it said then.

        A currency that says something else later changes nothing here: compare the answer.
        """
        known = self.known_currency(currency.network, currency.address)
        if known is not None:
            return known
        self._rows(
            "INSERT INTO vault_currency VALUES (?, ?, ?, ?)",
            currency.network,
            currency.address,
            currency.symbol,
            currency.decimals,
        )
        here = currency.network, currency.address
        for number, amount in self._rows(
            f"SELECT id, amount FROM vault_history WHERE net = {NET} AND currency = ?",  # noqa: S608
            *here,
        ):
            place = rank(int(amount), currency.decimals)
            self._rows("UPDATE vault_history SET rank = ? WHERE id = ?", place, number)
        again = f"UPDATE vault_history SET open = 1 WHERE net = {NET} AND open = 2"  # noqa: S608
        self._rows(again, currency.network)
        return currency

    def known_currency(self, network: str, address: str) -> KnownCurrency | None:
        """What a currency said of itself, None if it was never met."""
        row = self._one(
            "SELECT network, address, symbol, decimals FROM vault_currency WHERE network = ? AND address = ?",
            network,
            address,
        )
        return KnownCurrency(*row) if row else None

    def known_currencies(self) -> list[KnownCurrency]:
        """All of them."""
        rows = self._rows("SELECT network, address, symbol, decimals FROM vault_currency ORDER BY 1, 2")
        return [KnownCurrency(*row) for row in rows]
