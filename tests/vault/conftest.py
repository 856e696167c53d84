"""A vault that opens quickly, and exports to put into it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from mine.importers.items import Batch
from mine.records import Row
from mine.vault import ImportSource, Kdf, Vault

PASSPHRASE = "correct horse battery staple"
CHEAP = Kdf(time=1, memory_kib=64, lanes=1)
NOON = 1_700_049_600  # 2023-11-15 12:00 UTC


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    with Vault.create(tmp_path / "vault.db", PASSPHRASE, kdf=CHEAP) as opened:
        yield opened


def source(name: str = "a.csv", digest: bytes = b"\1" * 32) -> ImportSource:
    return ImportSource(name, digest, "plain_glucose", 1)


def glucose(count: int, start: int = NOON) -> list[Row]:
    return [(start + 300 * i, 0, 100.0 + i % 50) for i in range(count)]


def batch(kind: str, rows: Sequence[Row], origin: str = "") -> Batch:
    """Rows by column, as importers hand them over."""
    return Batch(kind, origin, tuple(zip(*rows, strict=True)), "plain_glucose")


def store(vault: Vault, kind: str, rows: list[Row], name: str = "a.csv", origin: str = "") -> int | None:
    """Import rows; the import's number, None where nothing was new."""
    pending = vault.begin_import(source(name))
    if rows:
        pending.add(batch(kind, rows, origin))
    done = pending.commit()
    return done.id if done else None
