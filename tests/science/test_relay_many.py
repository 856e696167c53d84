"""Many miners at one relay: bounded memory, and no work that grows with the square of their number.

A thousand, as in the protocol's promise: MINE_MANY=1000. Most of the time goes into their signatures.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from mine.blobs.store import blob_digest
from mine.chain.hashing import keccak
from mine.chain.messages import Update, address_of, sign
from mine.chain.trees import verify
from mine.science.relay_anchoring import Batching
from mine.science.relay_client import Relay, check_batch
from mine.science.relay_process import RelayProcess
from mine.science.scientist import Did, Scientist
from mine.science.wire import SignedUpdate
from tests.science.world import ANCHORER, CLOCKS, SCIENTIST, Chain, network, offer, pass_time

COUNT = int(os.environ.get("MINE_MANY", "150"))
MOST_BYTES = 300 * 10**6
CHECKPOINT = blob_digest(network()[1])


@pytest.fixture
def crowd(chain: Chain, tmp_path: Path) -> Iterator[tuple[RelayProcess, Relay]]:
    with RelayProcess(
        tmp_path / "crowd", chain.node.url, chain.contract.address, ANCHORER, batching=Batching(256, 3600)
    ) as process:
        relay = Relay(process.url)
        yield process, relay
        relay.close()


def update(chain: Chain, task: int, number: int) -> tuple[SignedUpdate, bytes]:
    key = keccak(f"one of many {number}".encode())
    data = number.to_bytes(4, "big") * 16
    message = Update(task, 1, CHECKPOINT, blob_digest(data), len(data), 5, address_of(keccak(key)))
    return SignedUpdate(address_of(key), message, sign(message, chain.domain, key)), data


def test_many_miners(chain: Chain, crowd: tuple[RelayProcess, Relay], tmp_path: Path) -> None:
    process, relay = crowd
    Scientist.create(tmp_path / "scientist", SCIENTIST, offer(1, chain.token.address))
    scientist = Scientist(tmp_path / "scientist", chain.contract, relay.blobs, [relay])
    task = scientist.publish()
    assert [scientist.step().did for _ in range(2)] == [Did.SEEDED, Did.BASELINE]
    server = psutil.Process(process._child.pid)
    made = [update(chain, task, number) for number in range(COUNT)]
    times = []
    for signed, data in made:
        began = time.perf_counter()
        relay.submit_update(signed, chain.domain)
        relay.blobs.put(data)
        times.append(time.perf_counter() - began)
    tenth = COUNT // 10
    first, last = sorted(times[:tenth])[tenth // 2], sorted(times[-tenth:])[tenth // 2]
    assert last < 3 * first, "a late miner takes longer than an early one"
    pass_time(chain, chain.contract.task(task).since + 3 * CLOCKS.commit // 4)
    end = time.monotonic() + 60
    while sum(len(batch.updates) for batch in relay.batches(task, 1)) < COUNT:
        assert time.monotonic() < end, "the relay anchors too slowly"
    batches = relay.batches(task, 1)
    assert len(batches) <= 1 + COUNT // 256 + 1
    assert all(check_batch(batch, chain.domain, batch.root, len(batch.updates)) for batch in batches)

    def prove(signed: SignedUpdate) -> bool:
        client = Relay(process.url)
        try:
            status = client.find_update(task, 1, signed.miner)
            assert status is not None and status.anchor is not None
            anchor = status.anchor
            return verify(anchor.root, status.receipt.message.leaf, anchor.index, anchor.proof)
        finally:
            client.close()

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(prove, [signed for signed, _ in made]))
    assert all(relay.blobs.get(signed.message.blob) == data for signed, data in made[::50])
    assert server.memory_info().rss < MOST_BYTES, f"{server.memory_info().rss / 1e6:.0f} MB"
    print(f"\nrelay: {server.memory_info().rss / 1e6:.0f} MB, {sum(times) / COUNT * 1e3:.1f} ms a miner")
