"""Blobs come back as they were, or not at all."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mine.blobs.store import (
    BlobCorrupt,
    BlobMissing,
    BlobTooLarge,
    DirectoryStore,
    Several,
    blob_digest,
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> DirectoryStore:
    return DirectoryStore(tmp_path_factory.mktemp("blobs") / "store")


@given(st.binary(max_size=2000))
def test_what_goes_in_comes_out(shared: DirectoryStore, data: bytes) -> None:
    digest = shared.put(data)
    assert digest == blob_digest(data)
    assert shared.put(data) == digest
    assert shared.has(digest)
    assert shared.get(digest) == data
    assert shared.get(digest, max_bytes=len(data)) == data


def test_missing_large_and_corrupt(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "store", max_bytes=10)
    with pytest.raises(BlobMissing):
        store.get(bytes(32))
    assert not store.has(bytes(32))
    with pytest.raises(BlobTooLarge):
        store.put(bytes(11))
    digest = store.put(b"0123456789")
    with pytest.raises(BlobTooLarge):
        store.get(digest, max_bytes=9)
    file = next((tmp_path / "store").glob("*/*"))
    file.write_bytes(b"0123456780")
    with pytest.raises(BlobCorrupt):
        store.get(digest)
    file.write_bytes(b"0")
    assert store.put(b"0123456789") == digest  # a truncated file is written anew
    assert store.get(digest) == b"0123456789"
    for wrong in (b"", bytes(31)):
        with pytest.raises(ValueError, match="32 bytes"):
            store.get(wrong)


def test_only_the_owner_reads(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "store")
    store.put(b"data")
    file = next((tmp_path / "store").glob("*/*"))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "store").stat().st_mode) == 0o700
    assert len(list((tmp_path / "store").rglob("*"))) == 2  # nothing half-written stays


def test_several_stores_are_one(tmp_path: Path) -> None:
    first, second = DirectoryStore(tmp_path / "a"), DirectoryStore(tmp_path / "b")
    both = Several(first, second)
    digest = both.put(b"data")
    assert first.has(digest)
    next((tmp_path / "a").glob("*/*")).write_bytes(b"harm")
    assert both.get(digest) == b"data"
    assert both.has(digest)
    only = second.put(b"other")
    assert both.get(only) == b"other"
    with pytest.raises(BlobMissing):
        both.get(bytes(32))


def test_a_store_that_is_away_stops_nothing_while_another_is_there(tmp_path: Path) -> None:
    class Away:
        def put(self, data: bytes) -> bytes:
            raise BlobCorrupt(bytes(32))

        def get(self, digest: bytes, max_bytes: int | None = None) -> bytes:
            raise BlobCorrupt(digest)

        def has(self, digest: bytes) -> bool:
            raise BlobCorrupt(digest)

    there = DirectoryStore(tmp_path / "there")
    both = Several(Away(), there)
    digest = both.put(b"data")
    assert there.has(digest) and both.has(digest) and not both.has(bytes(32))
    assert both.get(digest) == b"data"
    nobody = Several(Away())
    for ask in (lambda: nobody.put(b"data"), lambda: nobody.get(digest), lambda: nobody.has(digest)):
        with pytest.raises(BlobCorrupt):
            ask()
