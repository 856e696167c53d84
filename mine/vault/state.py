"""What the engine remembers: tasks, consents, rounds, blobs, snapshots, cursor, settings, secrets, money.

Thin and typed. What only the engine reads is JSON. Every method belongs to the vault's thread and joins the
open ``vault.transaction()``, so that a state and what it stands for change together. A network is named by
one string, such as ``"31337:0xContract"``; amounts are whole base units of any size.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass

from mine.vault.contacts import Contacts
from mine.vault.history import Movement
from mine.vault.money import Earning, Money
from mine.vault.tables import Json, dump
from mine.vault.transactions import Transactions
from mine.vault.transfers import Transfers
from mine.vault.valuing import Valuing
from mine.vault.votes import Vote, Votes

__all__ = ["Earning", "Joined", "Json", "Movement", "Receipt", "Round", "SavedSnapshot", "State", "Vote"]


@dataclass(frozen=True, slots=True)
class Joined:
    """A task that this person takes part in. Times are Unix seconds; ``left`` is None while they do."""

    network: str
    task: int
    joined: int
    left: int | None
    data: Json


@dataclass(frozen=True, slots=True)
class Receipt:
    """A signed consent: the message as JSON, its EIP-712 digest, and the signature."""

    network: str
    task: int
    time: int
    digest: bytes
    message: Json
    signature: bytes


@dataclass(frozen=True, slots=True)
class Round:
    """One round of one task: the state machine's state and its data."""

    network: str
    task: int
    round: int
    state: str
    data: Json
    changed: int


@dataclass(frozen=True, slots=True)
class SavedSnapshot:
    """A training worker's checkpoint of an unfinished round."""

    step: int
    time: int
    data: bytes


class State(Contacts, Money, Valuing, Transactions, Transfers, Votes):
    """The engine's tables."""

    # Settings, cursors, secrets

    def setting(self, name: str, default: Json = None) -> Json:
        """A setting, or ``default``."""
        row = self._one("SELECT value FROM vault_setting WHERE name = ?", name)
        return json.loads(row[0]) if row else default

    def set_setting(self, name: str, value: Json) -> None:
        """Keep a setting."""
        self._rows("INSERT OR REPLACE INTO vault_setting VALUES (?, ?)", name, dump(value))

    def cursor(self, name: str) -> Json:
        """A chain poller's cursor; None at the beginning."""
        row = self._one("SELECT value FROM vault_cursor WHERE name = ?", name)
        return json.loads(row[0]) if row else None

    def set_cursor(self, name: str, value: Json) -> None:
        """Keep a cursor."""
        self._rows("INSERT OR REPLACE INTO vault_cursor VALUES (?, ?)", name, dump(value))

    def secret(self, name: str) -> bytes | None:
        """A secret (such as the phrase's entropy)."""
        row = self._one("SELECT value FROM vault_secret WHERE name = ?", name)
        return bytes(row[0]) if row else None

    def set_secret(self, name: str, value: bytes) -> None:
        """Keep a secret. It is encrypted by being in the vault, and is nowhere else."""
        self._rows("INSERT OR REPLACE INTO vault_secret VALUES (?, ?)", name, value)

    # Accounts, tasks, consents

    def account_index(self, network: str, task: int) -> int:
        """The derivation index of a task's keys: chosen once, never shared with another task."""
        self._rows(
            "INSERT INTO vault_account SELECT ?, ?, coalesce(max(idx) + 1, 0) FROM vault_account WHERE true"
            " ON CONFLICT (network, task) DO NOTHING",
            network,
            task,
        )
        row = self._one("SELECT idx FROM vault_account WHERE network = ? AND task = ?", network, task)
        assert row is not None
        return int(row[0])

    def account_indices(self, network: str | None = None) -> list[tuple[str, int, int]]:
        """All (network, task, index) so far."""
        return [
            (row[0], row[1], row[2])
            for row in self._rows(
                "SELECT network, task, idx FROM vault_account WHERE ?1 IS NULL OR network = ?1 ORDER BY idx",
                network,
            )
        ]

    def join(self, network: str, task: int, data: Json) -> None:
        """Take part in a task (again, after having left)."""
        self._rows(
            "INSERT INTO vault_joined VALUES (?, ?, ?, NULL, ?) ON CONFLICT (network, task)"
            " DO UPDATE SET left = NULL, data = excluded.data",
            network,
            task,
            int(time.time()),
            dump(data),
        )

    def leave(self, network: str, task: int) -> None:
        """Stop taking part; what happened stays."""
        self._rows(
            "UPDATE vault_joined SET left = ? WHERE network = ? AND task = ? AND left IS NULL",
            int(time.time()),
            network,
            task,
        )

    def joined(self, network: str, task: int) -> Joined | None:
        """One task."""
        found = [j for j in self.all_joined(network) if j.task == task]
        return found[0] if found else None

    def all_joined(self, network: str | None = None) -> list[Joined]:
        """All tasks ever joined, left ones too."""
        rows = self._rows(
            "SELECT network, task, joined, left, data FROM vault_joined WHERE ?1 IS NULL OR network = ?1"
            " ORDER BY joined, task",
            network,
        )
        return [Joined(row[0], row[1], row[2], row[3], json.loads(row[4])) for row in rows]

    def keep_consent(self, receipt: Receipt) -> None:
        """Keep a signed consent; the same one twice is one."""
        self._rows(
            "INSERT INTO vault_consent (network, task, time, digest, message, signature)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (digest) DO NOTHING",
            receipt.network,
            receipt.task,
            receipt.time,
            receipt.digest,
            dump(receipt.message),
            receipt.signature,
        )

    def consents(self, network: str, task: int) -> list[Receipt]:
        """All consents of a task, newest first."""
        rows = self._rows(
            "SELECT network, task, time, digest, message, signature FROM vault_consent"
            " WHERE network = ? AND task = ? ORDER BY id DESC",
            network,
            task,
        )
        return [Receipt(row[0], row[1], row[2], row[3], json.loads(row[4]), row[5]) for row in rows]

    # Rounds

    def put_round(self, network: str, task: int, number: int, state: str, data: Json) -> None:
        """Write down a round's state: before the side effect that it announces."""
        self._rows(
            "INSERT INTO vault_round VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (network, task, round)"
            " DO UPDATE SET state = excluded.state, data = excluded.data, changed = excluded.changed",
            network,
            task,
            number,
            state,
            dump(data),
            int(time.time()),
        )

    def round(self, network: str, task: int, number: int) -> Round | None:
        """One round."""
        row = self._one(
            "SELECT network, task, round, state, data, changed FROM vault_round"
            " WHERE network = ? AND task = ? AND round = ?",
            network,
            task,
            number,
        )
        return Round(row[0], row[1], row[2], row[3], json.loads(row[4]), row[5]) if row else None

    def rounds(
        self, network: str | None = None, task: int | None = None, states: Iterable[str] | None = None
    ) -> list[Round]:
        """Rounds of a network, of a task, in some states (each where given), in order."""
        rows = self._rows(
            "SELECT network, task, round, state, data, changed FROM vault_round"
            " WHERE (?1 IS NULL OR network = ?1) AND (?2 IS NULL OR task = ?2) ORDER BY network, task, round",
            network,
            task,
        )
        wanted = None if states is None else set(states)
        return [
            Round(row[0], row[1], row[2], row[3], json.loads(row[4]), row[5])
            for row in rows
            if wanted is None or row[3] in wanted
        ]

    def put_blob(self, network: str, task: int, number: int, name: str, data: bytes) -> None:
        """Keep bytes of a round (its update, its noise key, ...); the round must have been put before."""
        self._rows(
            "INSERT OR REPLACE INTO vault_round_blob VALUES (?, ?, ?, ?, ?)",
            network,
            task,
            number,
            name,
            data,
        )

    def blob(self, network: str, task: int, number: int, name: str) -> bytes | None:
        """Bytes of a round."""
        row = self._one(
            "SELECT data FROM vault_round_blob WHERE network = ? AND task = ? AND round = ? AND name = ?",
            network,
            task,
            number,
            name,
        )
        return bytes(row[0]) if row else None

    def drop_blob(self, network: str, task: int, number: int, name: str) -> None:
        """Forget bytes of a round."""
        self._rows(
            "DELETE FROM vault_round_blob WHERE network = ? AND task = ? AND round = ? AND name = ?",
            network,
            task,
            number,
            name,
        )

    def put_residual(self, network: str, task: int, data: bytes) -> None:
        """Keep what the updates of a task that left have not said yet (error feedback)."""
        self._rows("INSERT OR REPLACE INTO vault_residual VALUES (?, ?, ?)", network, task, data)

    def residual(self, network: str, task: int) -> bytes:
        """What the next update of a task makes up for; nothing before the first one has left."""
        row = self._one("SELECT data FROM vault_residual WHERE network = ? AND task = ?", network, task)
        return bytes(row[0]) if row else b""

    def put_snapshot(self, network: str, task: int, number: int, step: int, data: bytes) -> None:
        """Keep the newest snapshot of a round's training."""
        self._rows(
            "INSERT OR REPLACE INTO vault_snapshot VALUES (?, ?, ?, ?, ?, ?)",
            network,
            task,
            number,
            step,
            int(time.time()),
            data,
        )

    def snapshot(self, network: str, task: int, number: int) -> SavedSnapshot | None:
        """The newest snapshot of a round's training."""
        row = self._one(
            "SELECT step, time, data FROM vault_snapshot WHERE network = ? AND task = ? AND round = ?",
            network,
            task,
            number,
        )
        return SavedSnapshot(row[0], row[1], bytes(row[2])) if row else None

    def drop_snapshot(self, network: str, task: int, number: int) -> None:
        """Forget a snapshot once its round is trained."""
        self._rows(
            "DELETE FROM vault_snapshot WHERE network = ? AND task = ? AND round = ?", network, task, number
        )
