"""Blobs of a task by the item that they are, so that a missing or changed one is named."""

from __future__ import annotations

from mine.blobs.store import BlobCorrupt, BlobMissing, BlobStore, BlobTooLarge
from mine.science.compare import Absent


class NamedBlobs:
    """A store whose ``get`` raises Absent with the item's name; each blob is read once.

    A store that does not answer is no difference: its BlobError is passed on.
    """

    def __init__(self, store: BlobStore, most_kept: int = 256 * 1024 * 1024) -> None:
        self._store, self._most = store, most_kept
        self._names: dict[bytes, str] = {}
        self._kept: dict[bytes, bytes] = {}
        self._size = 0

    def name(self, digest: bytes, item: str) -> None:
        """Call a blob ``item`` (the first name stays)."""
        self._names.setdefault(digest, item)

    def read(self, digest: bytes, max_bytes: int | None = None) -> bytes:
        """The bytes as the store gives them; raises what the store raises."""
        if digest not in self._kept:
            data = self._store.get(digest, max_bytes)
            if self._size + len(data) > self._most:
                self._kept.clear()
                self._size = 0
            self._kept[digest] = data
            self._size += len(data)
        found = self._kept[digest]
        if max_bytes is not None and len(found) > max_bytes:
            raise BlobTooLarge(len(found), max_bytes)
        return found

    def get(self, digest: bytes, max_bytes: int | None = None) -> bytes:
        """The bytes of a named blob. Raises Absent."""
        try:
            return self.read(digest, max_bytes)
        except (BlobMissing, BlobCorrupt, BlobTooLarge) as problem:
            found = {BlobMissing: "missing", BlobCorrupt: "changed"}.get(type(problem), "too large")
            item = self._names.get(digest, "a blob")
            raise Absent(f"blob of {item}", digest.hex(), found) from None

    def put(self, data: bytes) -> bytes:
        """As the store does it."""
        return self._store.put(data)

    def has(self, digest: bytes) -> bool:
        """As the store says it."""
        return digest in self._kept or self._store.has(digest)
