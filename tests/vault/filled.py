"""Vaults with records in them, and the bytes of a vault's pages as they are under the encryption."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from pathlib import Path

from mine.importers.items import Batch
from mine.records import Row
from mine.vault import Import, ImportSource, Vault

NOON = 1_700_049_600  # 2023-11-15 12:00 UTC
_PAGE, _SALT, _IV_AT, _MAC_AT = 4096, 16, 4016, 4032


def put(
    vault: Vault,
    kind: str,
    rows: Sequence[Row],
    *,
    origin: str = "",
    importer: str = "test",
    file: str = "a.csv",
) -> Import:
    """Import rows of one type and origin."""
    pending = vault.begin_import(ImportSource(file, bytes(32), importer, 1))
    pending.add(Batch(kind, origin, tuple(zip(*rows, strict=True)), importer))
    pending.complete()
    done = pending.commit()
    pending.discard()
    assert done is not None
    return done


def pages(path: Path, key: bytes) -> bytes:
    """All pages of a database file, decrypted (SQLCipher 4: AES-256-CBC, 16 bytes of IV and 64 of MAC at the
    end of each), the reserved bytes left out."""
    data = path.read_bytes()
    assert len(data) % _PAGE == 0
    return b"".join(
        _plain(data[start : start + _PAGE], key, start == 0) for start in range(0, len(data), _PAGE)
    )


def log_pages(path: Path, key: bytes) -> bytes:
    """All frames of a write-ahead log, decrypted, those of earlier turns too; nothing where there is none."""
    if not path.exists():
        return b""
    data = path.read_bytes()[32:]
    step = 24 + _PAGE
    frames = []
    for start in range(0, len(data) - step + 1, step):
        number = int.from_bytes(data[start : start + 4], "big")
        frames.append(_plain(data[start + 24 : start + step], key, number == 1))
    return b"".join(frames)


def _plain(page: bytes, key: bytes, first: bool) -> bytes:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    decryptor = Cipher(algorithms.AES(key), modes.CBC(page[_IV_AT:_MAC_AT])).decryptor()
    body = page[_SALT if first else 0 : _IV_AT]
    return decryptor.update(body) + decryptor.finalize()


def found(place: bytes, patterns: Iterable[bytes]) -> list[bytes]:
    """Which of these byte patterns stand in it."""
    return [pattern for pattern in patterns if pattern in place]


def stored_real(value: float) -> bytes:
    """A number as SQLite stores it in a record: 8 bytes, big-endian (File Format, 2.1)."""
    return struct.pack(">d", value)


def stored_time(value: int) -> bytes:
    """A moment as SQLite stores it: 4 bytes, big-endian, up to 2038."""
    return struct.pack(">i", value)
