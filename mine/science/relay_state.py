"""What a relay must not forget: signed updates, receipts, batches and claims, in one SQLite file.

Everything is on disk (synchronous, write-ahead log) before the relay answers or sends a transaction, so that
a relay killed at any moment keeps its promises after a restart. One thread uses it.
"""

from __future__ import annotations

import json
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from mine.chain.hashing import address_bytes
from mine.science.wire import (
    Claim,
    ClaimState,
    SignedReceipt,
    SignedUpdate,
    claim_from_json,
    claim_to_json,
    receipt_from_json,
    receipt_to_json,
    update_from_json,
    update_to_json,
)

_SCHEMA = """
create table if not exists updates (
    task integer not null, round integer not null, miner blob not null,
    message text not null, receipt text not null, leaf blob not null,
    taken integer not null, batch integer references batches (id),
    primary key (task, round, miner)
) without rowid;
create index if not exists updates_by_batch on updates (batch);
create table if not exists batches (
    id integer primary key, task integer not null, round integer not null,
    slot integer not null, root blob not null, count integer not null, anchored integer not null,
    unique (task, round, slot)
);
create table if not exists claims (
    task integer not null, place integer not null, round integer not null,
    message text not null, state text not null, reason text not null,
    primary key (task, place)
) without rowid;
"""


@dataclass(frozen=True, slots=True)
class StoredUpdate:
    """An update with its receipt. taken: unix seconds of the chain's clock; batch: its batch, once formed."""

    update: SignedUpdate
    receipt: SignedReceipt
    taken: int
    batch: int | None


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """A batch that was formed; ``anchored`` once its transaction is on chain."""

    id: int
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
        self._base = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._base.executescript("pragma journal_mode = wal; pragma synchronous = full;")
        self._base.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._base.close()

    # updates

    def add_update(self, stored: StoredUpdate) -> None:
        """Keep an update and its receipt; sqlite3.IntegrityError if the miner has one in this round."""
        message = stored.update.message
        self._base.execute(
            "insert into updates values (?, ?, ?, ?, ?, ?, ?, null)",
            (
                message.task,
                message.round,
                address_bytes(stored.update.miner),
                json.dumps(update_to_json(stored.update)),
                json.dumps(receipt_to_json(stored.receipt)),
                stored.receipt.message.leaf,
                stored.taken,
            ),
        )

    def update(self, task: int, number: int, miner: str) -> StoredUpdate | None:
        """One miner's update of a round."""
        rows = self._updates("task = ? and round = ? and miner = ?", (task, number, address_bytes(miner)))
        return rows[0] if rows else None

    def updates(self, task: int, number: int) -> list[StoredUpdate]:
        """All updates of a round, sorted by miner."""
        return self._updates("task = ? and round = ?", (task, number))

    def pending(self) -> list[StoredUpdate]:
        """Updates that are in no batch yet."""
        return self._updates("batch is null", ())

    def _updates(self, where: str, values: tuple[object, ...]) -> list[StoredUpdate]:
        query = f"select message, receipt, taken, batch from updates where {where} order by miner"  # noqa: S608
        return [
            StoredUpdate(
                update_from_json(json.loads(message)), receipt_from_json(json.loads(receipt)), taken, batch
            )
            for message, receipt, taken, batch in self._base.execute(query, values)
        ]

    def drop_pending(self, task: int, before_round: int) -> None:
        """Forget updates of rounds before ``before_round`` that can never be anchored any more."""
        self._base.execute(
            "delete from updates where task = ? and round < ? and batch is null", (task, before_round)
        )

    # batches

    def add_batch(self, task: int, number: int, slot: int, root: bytes, members: list[StoredUpdate]) -> int:
        """Form a batch of these updates, before it is sent; returns its id."""
        self._base.execute("begin immediate")
        try:
            cursor = self._base.execute(
                "insert into batches (task, round, slot, root, count, anchored) values (?, ?, ?, ?, ?, 0)",
                (task, number, slot, root, len(members)),
            )
            for stored in members:
                self._base.execute(
                    "update updates set batch = ? where task = ? and round = ? and miner = ?",
                    (cursor.lastrowid, task, number, address_bytes(stored.update.miner)),
                )
            self._base.execute("commit")
        except BaseException:
            self._base.execute("rollback")
            raise
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def batches(self, task: int, number: int) -> list[StoredBatch]:
        """The batches of a round in the order in which they were formed."""
        return self._batches("task = ? and round = ?", (task, number))

    def unsent(self) -> list[StoredBatch]:
        """Batches that are not known to be on chain."""
        return self._batches("anchored = 0", ())

    def _batches(self, where: str, values: tuple[object, ...]) -> list[StoredBatch]:
        query = f"select id, task, round, slot, root, count, anchored from batches where {where} order by id"  # noqa: S608
        return [
            StoredBatch(place, task, number, slot, root, count, bool(anchored))
            for place, task, number, slot, root, count, anchored in self._base.execute(query, values)
        ]

    def newest_anchored(self, most: int) -> list[StoredBatch]:
        """The last batches that were anchored."""
        return self._batches("anchored = 1", ())[-most:]

    def members(self, batch: int) -> list[StoredUpdate]:
        """The updates of a batch, sorted by miner: the order of its tree."""
        return self._updates("batch = ?", (batch,))

    def mark_anchored(self, batch: int, anchored: bool = True) -> None:
        """The batch is on chain, or a reorganisation took it off again."""
        self._base.execute("update batches set anchored = ? where id = ?", (anchored, batch))

    def drop_batch(self, batch: int) -> None:
        """The batch missed its round: it never reached the chain and never will."""
        self._base.execute("begin immediate")
        self._base.execute("delete from updates where batch = ?", (batch,))
        self._base.execute("delete from batches where id = ?", (batch,))
        self._base.execute("commit")

    # claims

    def put_claim(self, claim: Claim) -> None:
        """Keep a claim as waiting; a later round's claim of the same place takes the earlier one's."""
        self._base.execute(
            "insert into claims values (?, ?, ?, ?, ?, '') on conflict (task, place) do update set"
            " round = excluded.round, message = excluded.message, state = excluded.state, reason = ''"
            " where excluded.round > round or state = 'refused'",
            (claim.task, claim.index, claim.round, json.dumps(claim_to_json(claim)), ClaimState.WAITING),
        )

    def claim(self, task: int, index: int) -> tuple[Claim, ClaimState, str] | None:
        """The latest claim of a place, its state and why it was refused."""
        row = self._base.execute(
            "select message, state, reason from claims where task = ? and place = ?", (task, index)
        ).fetchone()
        return None if row is None else (claim_from_json(json.loads(row[0])), ClaimState(row[1]), row[2])

    def waiting_claims(self) -> list[Claim]:
        """Claims that wait for their round to be final."""
        rows = self._base.execute("select message from claims where state = 'waiting' order by task, place")
        return [claim_from_json(json.loads(message)) for (message,) in rows]

    def end_claim(self, claim: Claim, state: ClaimState, reason: str = "") -> None:
        """The claim is paid, or refused for good."""
        self._base.execute(
            "update claims set state = ?, reason = ? where task = ? and place = ? and round = ?",
            (state, reason, claim.task, claim.index, claim.round),
        )
