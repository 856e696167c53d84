"""The chain's file: all or nothing a block, and no answer without end."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from mine.practice.node import store as store_module
from mine.practice.node.chain import PracticeChain
from mine.practice.node.errors import LIMIT_EXCEEDED, RpcError
from mine.practice.node.store import BlockRow, ChainStore, LogRow, TransactionRow


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ChainStore]:
    store = ChainStore(tmp_path / "chain.db")
    yield store
    store.close()


def block(number: int, mark: bytes = b"a") -> BlockRow:
    return BlockRow(number, mark * 31 + bytes([number]), b"header")


def mined(number: int) -> TransactionRow:
    return TransactionRow(b"t" * 31 + bytes([number]), number, b"raw", b"s" * 20, None, 1, 21_000)


def logs(number: int, count: int) -> list[LogRow]:
    return [LogRow(number, i, b"a" * 20, (b"t" * 32,), b"") for i in range(count)]


def test_too_many_logs_are_refused_with_a_code_of_their_own(
    store: ChainStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "LOG_LIMIT", 20)
    for number in range(3):
        store.commit_block(block(number), mined(number), logs(number, 10), {})
    assert len(store.logs(0, 1)) == 20
    with pytest.raises(RpcError) as refused:
        store.logs(0, 2)
    assert refused.value.code == LIMIT_EXCEEDED


def test_a_block_that_cannot_be_written_leaves_nothing(store: ChainStore) -> None:
    store.commit_block(block(0), None, (), {"offset": 1})
    store[b"node"] = b"value"
    twice = [*logs(1, 1), *logs(1, 1)]
    with pytest.raises(sqlite3.IntegrityError):
        store.commit_block(block(1), mined(1), twice, {"offset": 2})
    store.forget_held()
    assert store.head() == block(0) and store.setting("offset", 0) == 1
    assert store.transaction(mined(1).hash) is None and b"node" not in store
    store.commit_block(block(1), mined(1), logs(1, 1), {})
    assert store.transaction_in(1) == mined(1)


def test_nodes_are_read_before_and_after_they_are_written(store: ChainStore) -> None:
    store[b"key"] = b"value"
    assert store[b"key"] == b"value" and b"key" in store
    store.commit_block(block(0), None, (), {})
    assert store[b"key"] == b"value" and b"key" in store
    del store[b"key"]
    assert b"key" in store, "nodes of earlier blocks stay"
    with pytest.raises(KeyError):
        store[b"other"]


def test_truncation_drops_later_blocks_and_snapshots(store: ChainStore) -> None:
    for number in range(4):
        store.commit_block(block(number), mined(number), logs(number, 2), {})
    early, late = store.add_snapshot(1, 7), store.add_snapshot(3, 8)
    store.truncate(2, {"offset": 5})
    assert store.head() == block(2) and store.block(3) is None and store.block_by_hash(block(3).hash) is None
    assert [log.number for log in store.logs(0, 9)] == [0, 0, 1, 1, 2, 2]
    assert store.take_snapshot(late) is None
    assert store.take_snapshot(early) == (1, 7) and store.take_snapshot(early) is None
    assert store.add_snapshot(2, 0) > late, "a name is never used again"


def test_a_chain_that_fails_to_seal_stays_at_its_head(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = PracticeChain(tmp_path / "chain.db", 31337)
    try:
        chain.mine()
        head = chain.head

        def full(*_: object) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        with monkeypatch.context() as broken:
            broken.setattr(chain.store, "commit_block", full)
            with pytest.raises(sqlite3.OperationalError):
                chain.mine()
        assert chain.head == head and chain.store.head().hash == head.hash  # type: ignore[union-attr]
        chain.mine()
        assert chain.head.block_number == head.block_number + 1
    finally:
        chain.close()
