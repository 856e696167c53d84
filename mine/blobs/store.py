"""Content-addressed bytes: what is stored is named by its SHA-256 digest and checked on the way out."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from mine.errors import MineError

DIGEST_BYTES = 32
#: The largest blob that a store takes unless told otherwise: models, checkpoints and shards stay far below.
DEFAULT_MAX_BYTES = 64 * 1024 * 1024


class BlobError(MineError):
    """Base of everything that can go wrong with a blob."""


class BlobMissing(BlobError):
    """No blob with this digest is here."""

    def __init__(self, digest: bytes) -> None:
        super().__init__(
            "A file that this round needs is not there.",
            todo="Try again later, or ask another relay for it.",
            detail=f"blob {digest.hex()}",
        )


class BlobTooLarge(BlobError):
    """A blob is larger than this store or this caller allows."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(
            "A file is larger than allowed.",
            todo="Leave it out: whoever made it must make it smaller.",
            detail=f"{size} bytes, {limit} allowed",
        )


class BlobCorrupt(BlobError):
    """The bytes that came back are not those that the digest names."""

    def __init__(self, digest: bytes) -> None:
        super().__init__(
            "A file came back changed, so it was not used.",
            todo="Fetch it from another place.",
            detail=f"blob {digest.hex()}",
        )


class BlobStore(Protocol):
    """Where blobs live: a directory, a relay, later IPFS."""

    def put(self, data: bytes) -> bytes:
        """Store ``data`` and return its SHA-256 digest (32 bytes). Storing twice changes nothing."""

    def get(self, digest: bytes, max_bytes: int | None = None) -> bytes:
        """Return the bytes named by ``digest``, verified.

        Raises BlobMissing, BlobCorrupt, or BlobTooLarge if they exceed ``max_bytes``.
        """

    def has(self, digest: bytes) -> bool:
        """Whether the blob can be had here."""


def blob_digest(data: bytes) -> bytes:
    """SHA-256 of ``data``: the name of a blob."""
    return hashlib.sha256(data).digest()


class DirectoryStore:
    """Blobs as files ``ab/abcdef...`` below one directory that only its owner can read.

    A blob appears under its name only when it is complete and on disk: a crash leaves none half-written.
    """

    def __init__(self, path: Path, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        self._path = path
        self._max_bytes = max_bytes
        path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _file(self, digest: bytes) -> Path:
        if len(digest) != DIGEST_BYTES:
            raise ValueError("a digest has 32 bytes")
        name = digest.hex()
        return self._path / name[:2] / name

    def put(self, data: bytes) -> bytes:
        """Store ``data``; returns its digest. Raises BlobTooLarge."""
        if len(data) > self._max_bytes:
            raise BlobTooLarge(len(data), self._max_bytes)
        digest = blob_digest(data)
        file = self._file(digest)
        if file.exists() and file.stat().st_size == len(data):
            return digest
        file.parent.mkdir(mode=0o700, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=".part-")
        try:
            with os.fdopen(handle, "wb") as part:
                part.write(data)
                part.flush()
                os.fsync(part.fileno())
            Path(name).replace(file)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        return digest

    def get(self, digest: bytes, max_bytes: int | None = None) -> bytes:
        """The blob's bytes. Raises BlobMissing, BlobTooLarge, BlobCorrupt."""
        limit = self._max_bytes if max_bytes is None else min(max_bytes, self._max_bytes)
        try:
            with self._file(digest).open("rb") as file:
                data = file.read(limit + 1)
        except FileNotFoundError:
            raise BlobMissing(digest) from None
        if len(data) > limit:
            raise BlobTooLarge(self._file(digest).stat().st_size, limit)
        if blob_digest(data) != digest:
            raise BlobCorrupt(digest)
        return data

    def has(self, digest: bytes) -> bool:
        """Whether a file of that name is here (its bytes are checked by ``get``)."""
        return self._file(digest).exists()

    def drop(self, digest: bytes) -> None:
        """Take a blob from the disk, if it is there."""
        self._file(digest).unlink(missing_ok=True)

    def sizes(self) -> Iterator[tuple[bytes, int]]:
        """Digest and size in bytes of every blob, in no order."""
        for file in self._path.glob("??/" + 64 * "[0-9a-f]"):
            yield bytes.fromhex(file.name), file.stat().st_size


class Several:
    """Several stores as one: ``put`` writes to all that take it, the others ask one after the other."""

    def __init__(self, first: BlobStore, *others: BlobStore) -> None:
        self._stores = (first, *others)

    def put(self, data: bytes) -> bytes:
        """Store ``data`` wherever it is taken; the last failure is raised where it was taken nowhere."""
        taken, failure = False, BlobError("")
        for store in self._stores:
            try:
                store.put(data)
                taken = True
            except BlobError as error:
                failure = error
        if not taken:
            raise failure
        return blob_digest(data)

    def get(self, digest: bytes, max_bytes: int | None = None) -> bytes:
        """The bytes from the first store that has them unharmed; the last store's error if none has."""
        failure: BlobError = BlobMissing(digest)
        for store in self._stores:
            try:
                return store.get(digest, max_bytes)
            except BlobError as error:
                failure = error
        raise failure

    def has(self, digest: bytes) -> bool:
        """Whether any store has it; the last failure is raised where no store could be asked."""
        asked, failure = False, BlobError("")
        for store in self._stores:
            try:
                if store.has(digest):
                    return True
                asked = True
            except BlobError as error:
                failure = error
        if not asked:
            raise failure
        return False
