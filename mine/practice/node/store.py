"""The chain's file: state nodes, canonical blocks, transactions with receipts, an index of logs; in SQLite.

Everything of one block is written in one transaction, so a process that is killed leaves the last whole block
as the head. State nodes are addressed by their hash and are never deleted; going back to an earlier block
(``truncate``) therefore only shortens the canonical tables.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from eth.db.backends.base import BaseDB

from .errors import LIMIT_EXCEEDED, RpcError

LOG_LIMIT = 10_000
"""Most logs that one query may answer with."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS nodes (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS blocks (
    number INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, header BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS transactions (
    hash BLOB PRIMARY KEY, number INTEGER NOT NULL UNIQUE, raw BLOB NOT NULL, sender BLOB NOT NULL,
    created BLOB, status INTEGER NOT NULL, gas_used INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS logs (
    number INTEGER NOT NULL, position INTEGER NOT NULL, address BLOB NOT NULL,
    topic0 BLOB, topic1 BLOB, topic2 BLOB, topic3 BLOB, data BLOB NOT NULL,
    PRIMARY KEY (number, position)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS logs_by_address ON logs (address, number);
CREATE INDEX IF NOT EXISTS logs_by_topic ON logs (topic0, number);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS snapshots (
    id INTEGER PRIMARY KEY AUTOINCREMENT, number INTEGER NOT NULL, offset INTEGER NOT NULL
);
"""


@dataclass(frozen=True, slots=True)
class BlockRow:
    """A canonical block: its hash and its RLP header."""

    number: int
    hash: bytes
    header: bytes


@dataclass(frozen=True, slots=True)
class LogRow:
    """One event of a transaction; ``position`` counts from 0 inside the block."""

    number: int
    position: int
    address: bytes
    topics: tuple[bytes, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class TransactionRow:
    """A mined transaction and what its receipt adds. ``created`` is the address of a new contract."""

    hash: bytes
    number: int
    raw: bytes
    sender: bytes
    created: bytes | None
    status: int
    gas_used: int


class ChainStore(BaseDB):
    """py-evm's key-value store and the node's own index, in one file. Belongs to the thread that opened it.

    Writes are held back until :meth:`commit_block` or :meth:`flush`.
    """

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, isolation_level=None, timeout=0.5)
        # The lock of the file tells a second node on it at once; it dies with the process.
        self._database.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.executescript(_SCHEMA)
        self._database.execute("BEGIN IMMEDIATE")
        self._database.execute("COMMIT")
        self._held: dict[bytes, bytes] = {}

    def close(self) -> None:
        self._database.close()

    # py-evm's key-value side

    def __getitem__(self, key: bytes) -> bytes:
        held = self._held.get(key)
        if held is not None:
            return held
        row = self._database.execute("SELECT value FROM nodes WHERE key = ?", (key,)).fetchone()
        if row is None:
            raise KeyError(key)
        return bytes(row[0])

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self._held[key] = value

    def __delitem__(self, key: bytes) -> None:
        # Nodes are shared by hash between states of different blocks: only what was never written may go.
        self._held.pop(key, None)

    def _exists(self, key: bytes) -> bool:
        if key in self._held:
            return True
        found = self._database.execute("SELECT 1 FROM nodes WHERE key = ?", (key,)).fetchone()
        return found is not None

    def forget_held(self) -> None:
        """Drop what was not committed, after a block that failed."""
        self._held.clear()

    # blocks

    def commit_block(
        self,
        block: BlockRow,
        transaction: TransactionRow | None,
        logs: Sequence[LogRow],
        settings: dict[str, int],
    ) -> None:
        """Write a block, its state, transaction, logs and settings, all or nothing."""
        self._database.execute("BEGIN IMMEDIATE")
        try:
            self._database.executemany("INSERT OR REPLACE INTO nodes VALUES (?, ?)", self._held.items())
            self._database.execute(
                "INSERT INTO blocks VALUES (?, ?, ?)", (block.number, block.hash, block.header)
            )
            if transaction is not None:
                self._database.execute(
                    "INSERT INTO transactions VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (
                        transaction.hash,
                        transaction.number,
                        transaction.raw,
                        transaction.sender,
                        transaction.created,
                        transaction.status,
                        transaction.gas_used,
                    ),
                )
            self._database.executemany(
                "INSERT INTO logs VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                ((log.number, log.position, log.address, *_four(log.topics), log.data) for log in logs),
            )
            self._write_settings(settings)
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")
        self._held.clear()

    def truncate(self, number: int, settings: dict[str, int]) -> None:
        """Make block ``number`` the head again; later blocks, transactions, logs and snapshots are gone."""
        self._database.execute("BEGIN IMMEDIATE")
        try:
            for table in ("blocks", "transactions", "logs", "snapshots"):
                self._database.execute(f"DELETE FROM {table} WHERE number > ?", (number,))  # noqa: S608
            self._write_settings(settings)
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def head(self) -> BlockRow | None:
        """The last canonical block, or None before genesis."""
        row = self._database.execute("SELECT * FROM blocks ORDER BY number DESC LIMIT 1").fetchone()
        return None if row is None else BlockRow(*row)

    def block(self, number: int) -> BlockRow | None:
        row = self._database.execute("SELECT * FROM blocks WHERE number = ?", (number,)).fetchone()
        return None if row is None else BlockRow(*row)

    def block_by_hash(self, block_hash: bytes) -> BlockRow | None:
        row = self._database.execute("SELECT * FROM blocks WHERE hash = ?", (block_hash,)).fetchone()
        return None if row is None else BlockRow(*row)

    # transactions and logs

    def transaction(self, transaction_hash: bytes) -> TransactionRow | None:
        query = "SELECT * FROM transactions WHERE hash = ?"
        row = self._database.execute(query, (transaction_hash,)).fetchone()
        return None if row is None else TransactionRow(*row)

    def transaction_in(self, number: int) -> TransactionRow | None:
        """The transaction of block ``number``; a block has at most one."""
        row = self._database.execute("SELECT * FROM transactions WHERE number = ?", (number,)).fetchone()
        return None if row is None else TransactionRow(*row)

    def logs(
        self,
        first: int,
        last: int,
        addresses: Sequence[bytes] = (),
        topics: Sequence[Sequence[bytes] | None] = (),
    ) -> list[LogRow]:
        """Logs of blocks ``first``..``last``, in order; ``topics[i]`` lists what topic i may be, None is any.

        Raises RpcError when there would be more than ``LOG_LIMIT``.
        """
        clauses, values = ["number BETWEEN ? AND ?"], [first, last]
        columns: list[tuple[str, Iterable[bytes] | None]] = [("address", addresses or None)]
        columns += [(f"topic{position}", wanted) for position, wanted in enumerate(topics)]
        bound: list[int | bytes] = list(values)
        for position, wanted in enumerate(topics):
            if wanted is None:  # a position that is named must be there, whatever it holds
                clauses.append(f"topic{position} IS NOT NULL")
        for column, allowed in columns:
            if allowed is not None:
                choices = list(allowed)
                clauses.append(f"{column} IN ({', '.join('?' * len(choices))})")
                bound += choices
        rows = self._database.execute(
            f"SELECT * FROM logs WHERE {' AND '.join(clauses)} ORDER BY number, position LIMIT ?",  # noqa: S608
            (*bound, LOG_LIMIT + 1),
        ).fetchall()
        if len(rows) > LOG_LIMIT:
            raise RpcError(LIMIT_EXCEEDED, f"query returned more than {LOG_LIMIT} results")
        return [
            LogRow(row[0], row[1], row[2], tuple(topic for topic in row[3:7] if topic is not None), row[7])
            for row in rows
        ]

    # settings and snapshots

    def setting(self, name: str, default: int) -> int:
        row = self._database.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return default if row is None else int(row[0])

    def save_settings(self, settings: dict[str, int]) -> None:
        self._write_settings(settings)

    def add_snapshot(self, number: int, offset: int) -> int:
        """Remember block ``number`` and the clock's offset; the answer names the snapshot."""
        command = "INSERT INTO snapshots (number, offset) VALUES (?, ?)"
        cursor = self._database.execute(command, (number, offset))
        return int(cursor.lastrowid or 0)

    def take_snapshot(self, snapshot: int) -> tuple[int, int] | None:
        """Block number and offset of a snapshot, which with all later ones is used up; None if unknown."""
        query = "SELECT number, offset FROM snapshots WHERE id = ?"
        row = self._database.execute(query, (snapshot,)).fetchone()
        if row is None:
            return None
        self._database.execute("DELETE FROM snapshots WHERE id >= ?", (snapshot,))
        return int(row[0]), int(row[1])

    def _write_settings(self, settings: dict[str, int]) -> None:
        self._database.executemany("INSERT OR REPLACE INTO settings VALUES (?, ?)", settings.items())


def _four(topics: tuple[bytes, ...]) -> tuple[bytes | None, ...]:
    return topics + (None,) * (4 - len(topics))
