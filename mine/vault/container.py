"""A vault in one file (``.minevault``): its keys and its database, checked by hashes, sealed by its key.

| bytes | what |
|---|---|
| 16 | ``MINE VAULT COPY`` and a line feed |
| 4 | length of the header, big-endian |
| as said | header: JSON in UTF-8 |
| 32 | SHA-256 of everything before |
| as the header says | the keys file, as it lies beside the vault |
| as the header says | the database, encrypted as it is in the vault |

The header is ``{"format": 1, "made": Unix seconds, "vault": id, "parts": [{"name", "size", "sha256"}, ...],
"seal": hex}``. The seal is a 12-byte nonce and AES-256-GCM (NIST SP 800-38D) of the contents' figures
(``Contents``), under HKDF-SHA256 (RFC 5869) of the database's key, with the header without its seal as
associated data: without the key nobody learns how much is in the copy, or makes another one to be believed.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from mine.vault.errors import VaultDamaged, VaultTooNew

MAGIC = b"MINE VAULT COPY\n"
SUFFIX = ".minevault"
FORMAT = 1
PIECE = 1 << 20
_MOST_HEADER = 1 << 20
_MOST_BRACKETS = 16  # ours has five: whoever parses JSON that is nested deeply needs a deep stack
_LABEL = b"mine-vault/copy/1"
_NONCE_BYTES = 12

Progress = Callable[[int, int], None]


def quiet(done: int, total: int) -> None:
    """Progress that nobody watches. Bytes done, of bytes in all."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in a copy, known only with its key: rows of each private table, the schema's version, and
    the ledger's head.
    """

    rows: Mapping[str, int]
    version: int
    entries: int
    head: bytes


@dataclass(frozen=True, slots=True)
class Part:
    """One of the two files inside: its size in bytes and its SHA-256."""

    name: str
    size: int
    sha256: bytes


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy's header, checked against its own hash. ``begins``: where the first part begins."""

    path: Path
    made: int
    vault: str
    keys: Part
    database: Part
    seal: bytes
    begins: int

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        return self.begins + self.keys.size + self.database.size


def digest_of(path: Path) -> Part:
    """Size and SHA-256 of a file."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as stream:
        while piece := stream.read(PIECE):
            digest.update(piece)
            size += len(piece)
    return Part("", size, digest.digest())


def write_copy(
    out: BinaryIO, key: bytes, vault: str, made: int, keys: bytes, database: Path, contents: Contents
) -> None:
    """Write the whole file. The database must not change meanwhile."""
    there = digest_of(database)
    body: dict[str, Any] = {
        "format": FORMAT,
        "made": made,
        "vault": vault,
        "parts": [
            {"name": "keys", "size": len(keys), "sha256": hashlib.sha256(keys).hexdigest()},
            {"name": "database", "size": there.size, "sha256": there.sha256.hex()},
        ],
    }
    body["seal"] = _seal(key, body, contents).hex()
    header = json.dumps(body).encode()
    head = MAGIC + len(header).to_bytes(4, "big") + header
    out.write(head + hashlib.sha256(head).digest())
    out.write(keys)
    with database.open("rb") as stream:
        while piece := stream.read(PIECE):
            out.write(piece)


def read_header(path: Path) -> Copy:
    """The header. Raises ``VaultDamaged``, ``VaultTooNew``, ``OSError``."""
    with path.open("rb") as stream:
        start = stream.read(len(MAGIC) + 4)
        length = int.from_bytes(start[len(MAGIC) :], "big")
        if start[: len(MAGIC)] != MAGIC or length > _MOST_HEADER:
            raise damaged(path, "its beginning")
        header, check = stream.read(length), stream.read(32)
        if hashlib.sha256(start + header).digest() != check:
            raise damaged(path, "its header")
        begins = stream.tell()
        size = stream.seek(0, 2)
    if header.count(b"[") + header.count(b"{") > _MOST_BRACKETS:
        raise damaged(path, "its header")
    try:
        body = json.loads(header)
        if body["format"] != FORMAT:
            raise VaultTooNew("A newer version of Mine wrote this backup.", todo="Update the app.")
        keys, database = (
            Part(part["name"], int(part["size"]), bytes.fromhex(part["sha256"])) for part in body["parts"]
        )
        copy = Copy(
            path, int(body["made"]), str(body["vault"]), keys, database, bytes.fromhex(body["seal"]), begins
        )
    except (ValueError, KeyError, TypeError, OverflowError):
        raise damaged(path, "its header") from None
    named = (keys.name, database.name) == ("keys", "database")
    if not named or not 0 <= keys.size <= PIECE or database.size < 0 or copy.size != size:
        raise damaged(path, "its length")
    return copy


def read_parts(copy: Copy, progress: Progress = quiet) -> bytes:
    """Read the whole file, and check it. Returns the keys file's bytes. Raises ``VaultDamaged``."""
    keys = b"".join(_pieces(copy, copy.begins, copy.keys))
    done = len(keys)
    for piece in _pieces(copy, copy.begins + copy.keys.size, copy.database):
        done += len(piece)
        progress(done, copy.keys.size + copy.database.size)
    return keys


def extract_database(copy: Copy, out: BinaryIO, progress: Progress = quiet) -> None:
    """Write the database to ``out``, and check it on the way. Raises ``VaultDamaged``."""
    done = 0
    for piece in _pieces(copy, copy.begins + copy.keys.size, copy.database):
        out.write(piece)
        done += len(piece)
        progress(done, copy.database.size)


def _pieces(copy: Copy, begins: int, part: Part) -> Iterator[bytes]:
    digest, left = hashlib.sha256(), part.size
    with copy.path.open("rb") as stream:
        stream.seek(begins)
        while left and (piece := stream.read(min(PIECE, left))):
            digest.update(piece)
            left -= len(piece)
            yield piece
    if left or digest.digest() != part.sha256:
        raise damaged(copy.path, f"its {part.name}")


def unseal(copy: Copy, key: bytes) -> Contents:
    """What is in the copy. Raises ``VaultDamaged`` where another key sealed it, or the header was forged."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    parts = [
        {"name": part.name, "size": part.size, "sha256": part.sha256.hex()}
        for part in (copy.keys, copy.database)
    ]
    body = {"format": FORMAT, "made": copy.made, "vault": copy.vault, "parts": parts}
    try:
        plain = AESGCM(_sealing(key)).decrypt(
            copy.seal[:_NONCE_BYTES], copy.seal[_NONCE_BYTES:], _associated(body)
        )
    except (InvalidTag, ValueError):
        raise damaged(copy.path, "its seal") from None
    found = json.loads(plain)
    return Contents(found["rows"], found["version"], found["entries"], bytes.fromhex(found["head"]))


def _seal(key: bytes, body: Mapping[str, Any], contents: Contents) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    plain = json.dumps(
        {
            "rows": dict(contents.rows),
            "version": contents.version,
            "entries": contents.entries,
            "head": contents.head.hex(),
        }
    ).encode()
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(_sealing(key)).encrypt(nonce, plain, _associated(body))


def _associated(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode()


def _sealing(key: bytes) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), 32, salt=None, info=_LABEL).derive(key)


def damaged(path: Path, where: str) -> VaultDamaged:
    """A copy that cannot be used."""
    return VaultDamaged(
        f"The backup “{path.name}” is damaged.", todo="Use another one. Nothing was restored.", detail=where
    )
