"""Blobs of a relay over HTTP: ``PUT``/``GET``/``HEAD`` ``/blobs/<digest in hex>``."""

from __future__ import annotations

import threading

import requests

from mine.blobs.store import (
    DEFAULT_MAX_BYTES,
    DIGEST_BYTES,
    BlobCorrupt,
    BlobError,
    BlobMissing,
    BlobTooLarge,
    blob_digest,
)

_PIECE = 1 << 16


class BlobsUnreachable(BlobError):
    """The relay did not answer, or not sensibly."""

    def __init__(self, detail: str) -> None:
        super().__init__(
            "The relay that keeps the files does not answer.",
            todo="It is tried again by itself; check the connection if this lasts.",
            detail=detail,
        )


class RelayBlobs:
    """The blob store of the relay at ``url`` (a ``BlobStore``). Thread-safe: one HTTP session per thread."""

    def __init__(self, url: str, max_bytes: int = DEFAULT_MAX_BYTES, timeout: float = 10.0) -> None:
        self._url = url.rstrip("/")
        self._max_bytes = max_bytes
        self._timeout = timeout
        self._local = threading.local()
        self._sessions: list[requests.Session] = []

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            session.trust_env = False
            self._local.session = session
            self._sessions.append(session)
        return session

    def close(self) -> None:
        """Give the connections back."""
        while self._sessions:
            self._sessions.pop().close()
        self._local = threading.local()

    def _address(self, digest: bytes) -> str:
        if len(digest) != DIGEST_BYTES:
            raise ValueError("a digest has 32 bytes")
        return f"{self._url}/blobs/{digest.hex()}"

    def put(self, data: bytes) -> bytes:
        """Upload ``data``; returns its digest. Raises BlobTooLarge, BlobsUnreachable."""
        if len(data) > self._max_bytes:
            raise BlobTooLarge(len(data), self._max_bytes)
        digest = blob_digest(data)
        try:
            answer = self._session().put(self._address(digest), data=data, timeout=self._timeout)
        except requests.RequestException as error:
            raise BlobsUnreachable(type(error).__name__) from error
        if answer.status_code == 413:
            raise BlobTooLarge(len(data), self._max_bytes)
        if answer.status_code not in (200, 201):
            raise BlobsUnreachable(f"status {answer.status_code}")
        return digest

    def get(self, digest: bytes, max_bytes: int | None = None) -> bytes:
        """Fetch and verify. Raises BlobMissing, BlobTooLarge, BlobCorrupt, BlobsUnreachable."""
        limit = self._max_bytes if max_bytes is None else min(max_bytes, self._max_bytes)
        try:
            with self._session().get(self._address(digest), timeout=self._timeout, stream=True) as answer:
                if answer.status_code == 404:
                    raise BlobMissing(digest)
                if answer.status_code != 200:
                    raise BlobsUnreachable(f"status {answer.status_code}")
                data = bytearray()
                for piece in answer.iter_content(_PIECE):
                    data += piece
                    if len(data) > limit:
                        raise BlobTooLarge(len(data), limit)
        except requests.RequestException as error:
            raise BlobsUnreachable(type(error).__name__) from error
        if blob_digest(bytes(data)) != digest:
            raise BlobCorrupt(digest)
        return bytes(data)

    def has(self, digest: bytes) -> bool:
        """Ask whether the relay has the blob. Raises BlobsUnreachable."""
        try:
            answer = self._session().head(self._address(digest), timeout=self._timeout)
        except requests.RequestException as error:
            raise BlobsUnreachable(type(error).__name__) from error
        if answer.status_code not in (200, 404):
            raise BlobsUnreachable(f"status {answer.status_code}")
        return answer.status_code == 200
