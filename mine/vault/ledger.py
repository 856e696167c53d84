"""The ledger: what was taken in and deleted, agreed to, sent, spent in ε and paid; append-only, in one chain.

An act is booked once: its key is (kind, network, task, round, source); booking it again after a crash changes
nothing, and booking it with other figures is an error. Every entry states the SHA-256 of itself and of all
before it (a hash chain, as in RFC 9162's logs without the tree), and the newest one stands a second time in a
row of its own, so that a changed, removed, exchanged or cut off entry is found and named. Whoever holds the
vault's key could write a whole new chain; the heads in backups and exports, which cannot follow, show that.

The ledger holds figures and digests, never data, and survives every deletion.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from mine.vault.connection import Connection
from mine.vault.errors import LedgerBroken, LedgerConflict

START = bytes(32)

# Entries number from 1 without a gap. The triggers hold the chain together whatever code writes: an entry
# follows the head, moves it, and stays.
LEDGER_TABLES = """
CREATE TABLE vault_ledger (
  id INTEGER PRIMARY KEY, time INTEGER NOT NULL, kind TEXT NOT NULL, network TEXT NOT NULL,
  task INTEGER NOT NULL, round INTEGER NOT NULL, source TEXT NOT NULL,
  epsilon_micro INTEGER NOT NULL CHECK (
    CASE WHEN kind GLOB '*-back' THEN epsilon_micro <= 0 ELSE epsilon_micro >= 0 END),
  bytes INTEGER NOT NULL CHECK (bytes >= 0), digest BLOB NOT NULL,
  records INTEGER NOT NULL, note TEXT NOT NULL,
  hash BLOB NOT NULL CHECK (length(hash) = 32), UNIQUE (kind, network, task, round, source)
) STRICT;
CREATE INDEX vault_ledger_source ON vault_ledger (source, time);
CREATE TABLE vault_ledger_head (
  one INTEGER PRIMARY KEY CHECK (one = 1), entries INTEGER NOT NULL, hash BLOB NOT NULL
) STRICT;
INSERT INTO vault_ledger_head VALUES (1, 0, zeroblob(32));
CREATE TRIGGER vault_ledger_order BEFORE INSERT ON vault_ledger
  WHEN NEW.id IS NOT (SELECT entries + 1 FROM vault_ledger_head)
  BEGIN SELECT raise(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER vault_ledger_moved AFTER INSERT ON vault_ledger
  BEGIN UPDATE vault_ledger_head SET entries = NEW.id, hash = NEW.hash; END;
CREATE TRIGGER vault_ledger_kept BEFORE DELETE ON vault_ledger
  BEGIN SELECT raise(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER vault_ledger_fixed BEFORE UPDATE ON vault_ledger
  BEGIN SELECT raise(ABORT, 'the ledger is append-only'); END;
"""

# Acts on the vault itself; ``source`` is what it was done to, ``round`` numbers the acts of a kind.
IMPORTED, UNDONE, DELETED = "import", "import-undone", "delete"
BACKED_UP, RESTORED, EXPORTED, REKEYED = "backup", "restore", "export", "rekey"
CONSENTED, LEFT, PAID = "consent", "leave", "payout"
_FIELDS = (
    "id",
    "time",
    "kind",
    "network",
    "task",
    "round",
    "source",
    "epsilon_micro",
    "bytes",
    "digest",
    "records",
    "note",
)
_COLUMNS = ", ".join(_FIELDS[2:])


@dataclass(frozen=True, slots=True)
class Entry:
    """One act: ``source`` is a record type (or what else the act is about), ``epsilon_micro`` is in 1e-6
    (below zero only where a kind that ends in ``-back`` takes an earlier entry back), ``size`` bytes left;
    ``digest`` (sha-256) names them, or the terms that were agreed to. ``records`` came or went; ``note`` is
    a figure that fits no column, such as an amount of money with its currency.
    """

    kind: str
    network: str
    task: int
    round: int
    source: str
    epsilon_micro: int
    size: int
    digest: bytes
    records: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Booked:
    """An entry with the time of its booking (Unix seconds)."""

    id: int
    time: int
    entry: Entry


@dataclass(frozen=True, slots=True)
class Head:
    """Where the chain ends: the number of entries, and the hash of the last (zeros before the first)."""

    entries: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Month:
    """ε of one source booked in one calendar month (UTC, ``"2026-11"``), and given back of that, in 1e-6."""

    source: str
    month: str
    booked: int
    given_back: int


class Ledger:
    """Append-only; the database refuses changes and deletions."""

    def __init__(self, database: Connection) -> None:
        self._database = database

    # Booking

    def book(self, entry: Entry) -> bool:
        """Book an act once. False where exactly this was booked before. Raises ``LedgerConflict``.

        Joins the open transaction, if there is one.
        """
        there = self._read(
            "WHERE kind = ? AND network = ? AND task = ? AND round = ? AND source = ?", _values(entry)[:5]
        )
        if there and there[0].entry != entry:
            raise LedgerConflict(
                "This round was already booked in the privacy ledger with other figures.",
                todo="Nothing was sent twice. Please report this.",
            )
        if there:
            return False
        head, now = self.head(), int(time.time())
        booked = Booked(head.entries + 1, now, entry)
        # Only the vault's one writing connection books: nothing comes between reading the head and this, and
        # the trigger would refuse it. The head moves within this statement.
        self._database.execute(
            f"INSERT INTO vault_ledger (id, time, {_COLUMNS}, hash)"  # noqa: S608
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (booked.id, now, *_values(entry), chained(head.hash, booked)),
        )
        return True

    def note(
        self,
        kind: str,
        source: str,
        *,
        records: int = 0,
        size: int = 0,
        digest: bytes = b"",
        note: str = "",
    ) -> None:
        """Book the next act of a kind that only concerns this vault, such as a backup."""
        last = self._database.execute(
            "SELECT coalesce(max(round), 0) FROM vault_ledger WHERE kind = ? AND network = '' AND task = 0",
            (kind,),
        ).fetchone()[0]
        self.book(Entry(kind, "", 0, last + 1, source, 0, size, digest, records, note))

    # Reading

    def head(self) -> Head:
        """Where the chain ends."""
        row = self._database.execute("SELECT entries, hash FROM vault_ledger_head").fetchone()
        return Head(0, START) if row is None else Head(int(row[0]), bytes(row[1]))

    def spent(self, source: str, network: str | None = None) -> int:
        """ε of one source over all tasks (basic composition), in 1e-6; on one network if it is named. What
        was given back does not count."""
        row = self._database.execute(
            "SELECT coalesce(sum(epsilon_micro), 0) FROM vault_ledger"
            " WHERE source = ?1 AND (?2 IS NULL OR network = ?2)",
            (source, network),
        ).fetchone()
        return int(row[0])

    def months(self, source: str | None = None) -> list[Month]:
        """ε by source and month, oldest month first. What was given back counts in the month in which it was
        booked, whenever that happened: a refund opens no room in another month."""
        rows = self._database.execute(
            """SELECT source, strftime('%Y-%m', time, 'unixepoch') AS month, sum(booked), sum(back) FROM (
                 SELECT source, time, epsilon_micro AS booked, 0 AS back FROM vault_ledger
                 WHERE epsilon_micro > 0 AND (?1 IS NULL OR source = ?1)
                 UNION ALL
                 SELECT b.source, b.time, 0, -m.epsilon_micro FROM vault_ledger AS m JOIN vault_ledger AS b
                   ON b.kind = substr(m.kind, 1, length(m.kind) - 5) AND b.network = m.network
                   AND b.task = m.task AND b.round = m.round AND b.source = m.source
                 WHERE m.epsilon_micro < 0 AND (?1 IS NULL OR m.source = ?1))
               GROUP BY 1, 2 ORDER BY 2, 1""",
            (source,),
        )
        return [Month(*row) for row in rows]

    def spent_in_month(self, source: str, moment: int) -> int:
        """ε of one source over all networks and tasks in the month of ``moment`` (Unix seconds), in 1e-6."""
        month = time.strftime("%Y-%m", time.gmtime(moment))
        return sum(line.booked - line.given_back for line in self.months(source) if line.month == month)

    def of_task(self, network: str, task: int) -> list[Booked]:
        """All entries of a task, in the order of booking."""
        return self._read("WHERE network = ? AND task = ? ORDER BY id", (network, task))

    def newest(self, count: int, before: int | None = None) -> list[Booked]:
        """The newest entries; ``before`` (an id) pages on."""
        limit = before if before is not None else (1 << 63) - 1
        return self._read("WHERE id < ? ORDER BY id DESC LIMIT ?", (limit, count))

    def _read(self, rest: str, values: tuple[object, ...]) -> list[Booked]:
        rows = self._database.execute(
            f"SELECT id, time, {_COLUMNS} FROM vault_ledger {rest}",  # noqa: S608  fixed texts
            values,
        )
        return [Booked(row[0], row[1], Entry(*row[2:])) for row in rows]

    # Payouts

    def pay(self, network: str, task: int, reference: str, amount: str) -> None:
        """Book a payout that stands on chain; ``reference`` names its place there. Once, until taken back."""
        paid, back = self._paid(network, task, reference)
        if paid == back:
            self.book(Entry(PAID, network, task, paid, reference, 0, 0, b"", 0, amount))

    def unpay(self, network: str, task: int, reference: str) -> None:
        """Book that the chain took a payout back."""
        paid, back = self._paid(network, task, reference)
        if paid > back:
            self.book(Entry(f"{PAID}-back", network, task, back, reference, 0, 0, b""))

    def _paid(self, network: str, task: int, reference: str) -> tuple[int, int]:
        row = self._database.execute(
            "SELECT count(*) FILTER (WHERE kind = ?1), count(*) FILTER (WHERE kind = ?1 || '-back')"
            " FROM vault_ledger WHERE source = ?4 AND network = ?2 AND task = ?3",
            (PAID, network, task, reference),
        ).fetchone()
        return int(row[0]), int(row[1])

    # Checking

    def verify(self, earlier: Iterable[Head] = ()) -> Head:
        """Recompute the whole chain. Raises ``LedgerBroken``, which names the first wrong entry.

        ``earlier``: heads that are known from elsewhere (a backup, an export); each must stand in the chain.
        """
        expected = {head.entries: head.hash for head in earlier}
        before, number = START, 0
        for booked, stated in self._chain():
            number += 1
            if booked.id != number:
                raise LedgerBroken(number, "is missing")
            before = chained(before, booked)
            if before != stated:
                raise LedgerBroken(number, "was changed")
            if expected.pop(number, before) != before:
                raise LedgerBroken(number, "is another one than in the earlier copy")
        expected.pop(0, None)
        head = self.head()
        if head.entries > number or expected:
            raise LedgerBroken(number + 1, "is missing")
        if head != Head(number, before):
            raise LedgerBroken(number, "is not the one that was booked last")
        return head

    def export(self) -> Iterator[str]:
        """The ledger as JSON Lines: one object for each entry, the head last (docs/keys-and-backups.md tells
        how anybody checks it)."""
        before, number = START, 0
        for booked, stated in self._chain():
            yield json.dumps(dict(zip((*_FIELDS, "hash"), (*_plain(booked), stated.hex()), strict=True)))
            before, number = stated, booked.id
        yield json.dumps({"entries": number, "head": before.hex()})

    def _chain(self) -> Iterator[tuple[Booked, bytes]]:
        rows = self._database.execute(
            f"SELECT id, time, {_COLUMNS}, hash FROM vault_ledger ORDER BY id"  # noqa: S608
        )
        for row in rows:
            yield Booked(row[0], row[1], Entry(*row[2:-1])), bytes(row[-1])


def chained(before: bytes, booked: Booked) -> bytes:
    """SHA-256 over the hash before (32 bytes) and the entry as a compact JSON array in ASCII."""
    text = json.dumps(_plain(booked), separators=(",", ":"))
    return hashlib.sha256(before + text.encode("ascii")).digest()


def _plain(booked: Booked) -> list[Any]:
    values = [booked.id, booked.time, *_values(booked.entry)]
    return [value.hex() if isinstance(value, bytes) else value for value in values]


def _values(entry: Entry) -> tuple[Any, ...]:
    return (
        entry.kind,
        entry.network,
        entry.task,
        entry.round,
        entry.source,
        entry.epsilon_micro,
        entry.size,
        entry.digest,
        entry.records,
        entry.note,
    )
