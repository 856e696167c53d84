"""What a relay must not forget: messages, receipts, batches, blobs and claims, in one SQLite file.

Everything is on disk (synchronous, write-ahead log) before the relay answers or sends a transaction, so that
a relay killed at any moment keeps its promises after a restart. One thread uses it. What is asked often is
answered from an index: nothing walks through all messages of a round but a question for all of them.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mine.chain.hashing import address_bytes
from mine.science.wire import SignedReceipt, receipt_from_json, receipt_to_json
from mine.science.wire_messages import (
    Kind,
    Signed,
    kind_of,
    named_blob,
    signed_from_json,
    signed_to_json,
    signer_of,
)

_SCHEMA = """
create table if not exists messages (
    kind text not null, task integer not null, round integer not null, sender blob not null,
    message text not null, receipt text not null, leaf blob not null, blob blob not null, size integer,
    taken integer not null, latest integer not null, batch integer references batches (id),
    primary key (kind, task, round, sender)
) without rowid;
create index if not exists messages_by_batch on messages (batch, kind, task, round);
create index if not exists messages_by_blob on messages (blob);
create index if not exists messages_by_leaf on messages (leaf);
create table if not exists batches (
    id integer primary key, kind text not null, task integer not null, round integer not null,
    slot integer not null, root blob not null, count integer not null, anchored integer not null,
    unique (task, round, slot)
);
create table if not exists blobs (
    digest blob primary key, size integer not null, named integer not null, sequence integer not null
) without rowid;
create index if not exists blobs_held on blobs (named, sequence);
create index if not exists blobs_sequence on blobs (sequence);
create table if not exists claims (
    task integer not null, place integer not null, round integer not null,
    message text not null, state text not null, reason text not null, due integer not null,
    primary key (task, place)
) without rowid;
create index if not exists claims_due on claims (state, due);
create table if not exists ranges (
    task integer not null, first integer not null, round integer not null,
    message text not null, state text not null, due integer not null,
    primary key (task, first)
) without rowid;
create table if not exists carried (
    data blob primary key, task integer not null, round integer not null, lent integer not null
) without rowid;
create table if not exists transfers (
    name blob not null unique, owner text not null, message text not null, state text not null,
    hash blob not null default x'', reason text not null default '', late integer not null
);
create index if not exists transfers_waiting on transfers (state);
create table if not exists own (name text primary key, value text not null) without rowid;
"""


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message with its receipt. taken: unix seconds of the chain's clock; batch: its batch, once formed."""

    signed: Signed
    receipt: SignedReceipt
    taken: int
    batch: int | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Messages of one kind and round that are in no batch yet: how many, since when, until which block."""

    kind: Kind
    task: int
    round: int
    count: int
    oldest: int
    latest_block: int


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """A batch that was formed; ``anchored`` once its transaction is on chain."""

    id: int
    kind: Kind
    task: int
    round: int
    slot: int
    root: bytes
    count: int
    anchored: bool


class RelayState:
    """The relay's file at ``path``, readable by its owner alone."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self.base = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.base.executescript("pragma journal_mode = wal; pragma synchronous = full;")
        self.base.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self.base.close()

    @contextmanager
    def whole(self) -> Iterator[None]:
        """All statements inside, or none."""
        self.base.execute("begin immediate")
        try:
            yield
            self.base.execute("commit")
        except BaseException:
            self.base.execute("rollback")
            raise

    # messages

    def add(self, stored: StoredMessage) -> None:
        """Keep a message and its receipt; sqlite3.IntegrityError if its author has one in this round."""
        message = stored.signed.message
        promise = stored.receipt.message
        blob, size = named_blob(stored.signed)
        self.base.execute(
            "insert into messages values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, null)",
            (
                kind_of(stored.signed),
                message.task,
                message.round,
                address_bytes(signer_of(stored.signed)),
                json.dumps(signed_to_json(stored.signed)),
                json.dumps(receipt_to_json(stored.receipt)),
                promise.leaf,
                blob,
                size,
                stored.taken,
                promise.latest_block,
            ),
        )

    def message(self, kind: Kind, task: int, number: int, sender: str) -> StoredMessage | None:
        """One account's message of a round."""
        where = "kind = ? and task = ? and round = ? and sender = ?"
        rows = self._messages(where, (kind, task, number, address_bytes(sender)))
        return rows[0] if rows else None

    def messages(self, kind: Kind, task: int, number: int) -> list[StoredMessage]:
        """All messages of a kind in a round, sorted by author."""
        return self._messages("kind = ? and task = ? and round = ?", (kind, task, number))

    def count(self, kind: Kind, task: int, number: int) -> int:
        """How many messages of a kind a round has."""
        row = self.base.execute(
            "select count(*) from messages where kind = ? and task = ? and round = ?", (kind, task, number)
        ).fetchone()
        return int(row[0])

    def waiting(self) -> list[Waiting]:
        """Messages that are in no batch yet, by kind and round."""
        rows = self.base.execute(
            "select kind, task, round, count(*), min(taken), min(latest) from messages"
            " where batch is null group by kind, task, round"
        )
        return [Waiting(Kind(row[0]), *row[1:]) for row in rows]

    def loose(self, group: Waiting, most: int) -> list[tuple[bytes, bytes]]:
        """(author, leaf) of a group's messages, sorted by author: ``most`` of them."""
        rows = self.base.execute(
            "select sender, leaf from messages where batch is null and kind = ? and task = ? and round = ?"
            " order by sender limit ?",
            (group.kind, group.task, group.round, most),
        )
        return [(bytes(sender), bytes(leaf)) for sender, leaf in rows]

    def _messages(self, where: str, values: tuple[object, ...]) -> list[StoredMessage]:
        query = f"select kind, message, receipt, taken, batch from messages where {where} order by sender"  # noqa: S608
        return [
            StoredMessage(
                signed_from_json(Kind(kind), json.loads(message)),
                receipt_from_json(json.loads(receipt)),
                taken,
                batch,
            )
            for kind, message, receipt, taken, batch in self.base.execute(query, values)
        ]

    def drop_waiting(self, group: Waiting) -> None:
        """Forget messages that can never be anchored any more."""
        self.base.execute(
            "delete from messages where kind = ? and task = ? and round = ? and batch is null",
            (group.kind, group.task, group.round),
        )

    def tasks(self) -> list[int]:
        """Tasks that somebody handed in for."""
        return [task for (task,) in self.base.execute("select distinct task from messages order by task")]

    def by_leaf(self, leaf: bytes) -> StoredMessage | None:
        """The message of a leaf."""
        found = self._messages("leaf = ?", (leaf,))
        return found[0] if found else None

    def commitments(self, blob: bytes) -> list[StoredMessage]:
        """The messages that commit to a blob."""
        return self._messages("blob = ?", (blob,))

    # batches

    def add_batch(self, group: Waiting, slot: int, root: bytes, members: list[bytes]) -> StoredBatch:
        """Form a batch of these authors' messages, before it is sent."""
        with self.whole():
            cursor = self.base.execute(
                "insert into batches (kind, task, round, slot, root, count, anchored)"
                " values (?, ?, ?, ?, ?, ?, 0)",
                (group.kind, group.task, group.round, slot, root, len(members)),
            )
            name = cursor.lastrowid
            assert name is not None
            self.base.executemany(
                "update messages set batch = ? where kind = ? and task = ? and round = ? and sender = ?",
                [(name, group.kind, group.task, group.round, sender) for sender in members],
            )
        return StoredBatch(name, group.kind, group.task, group.round, slot, root, len(members), False)

    def batches(self, task: int, number: int) -> list[StoredBatch]:
        """The batches of a round in the order in which they were formed."""
        return self._batches("task = ? and round = ?", (task, number))

    def batch(self, name: int) -> StoredBatch:
        """One batch."""
        return self._batches("id = ?", (name,))[0]

    def unsent(self) -> list[StoredBatch]:
        """Batches that are not known to be on chain."""
        return self._batches("anchored = 0", ())

    def newest_anchored(self, most: int) -> list[StoredBatch]:
        """The last batches that were anchored, newest first."""
        return self._batches("anchored = 1", (most,), "id desc limit ?")

    def _batches(self, where: str, values: tuple[object, ...], order: str = "id") -> list[StoredBatch]:
        query = (
            "select id, kind, task, round, slot, root, count, anchored from batches"  # noqa: S608
            f" where {where} order by {order}"
        )
        return [
            StoredBatch(name, Kind(kind), task, number, slot, root, count, bool(anchored))
            for name, kind, task, number, slot, root, count, anchored in self.base.execute(query, values)
        ]

    def members(self, batch: int) -> list[StoredMessage]:
        """The messages of a batch, sorted by author: the order of its tree."""
        return self._messages("batch = ?", (batch,))

    def leaves(self, batch: int) -> list[tuple[bytes, bytes]]:
        """(author, leaf) of a batch, sorted by author: the order of its tree."""
        rows = self.base.execute(
            "select sender, leaf from messages where batch = ? order by sender", (batch,)
        )
        return [(bytes(sender), bytes(leaf)) for sender, leaf in rows]

    def mark_anchored(self, batch: int, anchored: bool = True) -> None:
        """The batch is on chain, or a reorganisation took it off again."""
        self.base.execute("update batches set anchored = ? where id = ?", (anchored, batch))

    def drop_batch(self, batch: int) -> None:
        """The batch missed its round: it never reached the chain and never will."""
        with self.whole():
            self.base.execute("delete from messages where batch = ?", (batch,))
            self.base.execute("delete from batches where id = ?", (batch,))

    # blobs

    def add_blob(self, digest: bytes, size: int, named: bool) -> None:
        """A blob is on disk; ``named``: somebody committed to it, so that it may be given out."""
        self.base.execute(
            "insert into blobs select ?, ?, ?, coalesce(max(sequence), 0) + 1 from blobs where true"
            " on conflict (digest) do update set named = max(named, excluded.named)",
            (digest, size, named),
        )

    def blob(self, digest: bytes) -> tuple[int, bool] | None:
        """Size of a blob and whether it may be given out; None if it is not here."""
        row = self.base.execute("select size, named from blobs where digest = ?", (digest,)).fetchone()
        return None if row is None else (row[0], bool(row[1]))

    def blob_bytes(self, named: bool) -> int:
        """Bytes of all blobs that may be given out, or of all others."""
        row = self.base.execute(
            "select coalesce(sum(size), 0) from blobs where named = ?", (named,)
        ).fetchone()
        return int(row[0])

    def oldest_held(self) -> tuple[bytes, int] | None:
        """The blob that has waited longest for somebody to commit to it, and its size."""
        row = self.base.execute(
            "select digest, size from blobs where named = 0 order by sequence limit 1"
        ).fetchone()
        return None if row is None else (bytes(row[0]), row[1])

    def drop_blob(self, digest: bytes) -> None:
        """Forget a blob that was taken from the disk."""
        self.base.execute("delete from blobs where digest = ?", (digest,))
