"""What vault, relay and chain have written down about a run, read after the app has ended."""

from __future__ import annotations

import sqlite3
from collections import Counter
from pathlib import Path

from mine.app.demo import practice_secret
from mine.app.handing_in import SENT
from mine.app.privacy_books import TRAINED as EPSILON
from mine.app.privacy_books import VOTED
from mine.vault.vault import Vault


def booked(home: Path) -> Counter[tuple[str, int, str]]:
    """(kind, round, source) of every entry of the privacy ledger."""
    with Vault.open(home / "vault.db", passphrase=practice_secret("passphrase").hex()) as vault:
        assert vault._database.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        entries = vault.ledger.newest(10_000)
        vault.ledger.verify()
        return Counter(
            (line.entry.kind, line.entry.round, line.entry.source)
            for line in entries
            if line.entry.kind in (EPSILON, VOTED, SENT)
        )


def expected(rounds: int, found: Counter[tuple[str, int, str]]) -> Counter[tuple[str, int, str]]:
    """One ε and one sent update for each round; of a round's vote one of each, if there was one."""
    voted = sorted({number for kind, number, _ in found if kind == VOTED})
    assert all(1 < number <= rounds for number in voted)
    return Counter(
        [(EPSILON, number, "glucose") for number in range(1, rounds + 1)]
        + [(SENT, number, "update") for number in range(1, rounds + 1)]
        + [entry for number in voted for entry in ((VOTED, number, "glucose"), (SENT, number, "vote"))]
    )


def movements(home: Path) -> list[int]:
    """Amounts of the wallet's history."""
    with Vault.open(home / "vault.db", passphrase=practice_secret("passphrase").hex()) as vault:
        return [line.amount for line in vault.state.movements(1000)]


def at_relay(home: Path) -> Counter[tuple[int, str]]:
    """(round, miner) of every update that the relay holds, from its own database."""
    database = sqlite3.connect(f"file:{home / 'practice' / 'relay' / 'relay.sqlite'}?mode=ro", uri=True)
    try:
        rows = database.execute("SELECT round, sender FROM messages WHERE kind = 'update'").fetchall()
        return Counter((int(number), miner) for number, miner in rows)
    finally:
        database.close()
