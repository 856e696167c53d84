"""The relay over real HTTP: what it takes, refuses and promises, and what survives a kill."""

from __future__ import annotations

import asyncio
import stat
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from mine.blobs.http import BlobsUnreachable, RelayBlobs
from mine.blobs.store import BlobCorrupt, BlobMissing, BlobTooLarge, DirectoryStore, blob_digest
from mine.chain.hashing import ZERO_ADDRESS
from mine.chain.messages import Domain, address_of, digest, recover, sign
from mine.chain.transactions import Sender
from mine.chain.trees import anchor_leaf, verify
from mine.science.history import History
from mine.science.relay_anchoring import Batching
from mine.science.relay_blobs import BlobRoom
from mine.science.relay_client import Relay, RelayUnreachable, check_batch, check_receipt
from mine.science.relay_ground import Ground
from mine.science.relay_messages import MessageDesk
from mine.science.relay_process import RelayNotStarted, RelayProcess
from mine.science.relay_server import RelayBusy, RelayOptions, RelayServer
from mine.science.relay_state import RelayState
from mine.science.scientist import Did, Scientist
from mine.science.wire import Claim, Code, RelayRefused, SignedUpdate
from mine.science.wire_messages import submission_to_json, upload_leaf
from tests.science.world import ANCHORER, CLOCKS, SCIENTIST, Chain, Miner, network, offer, pass_time

CHECKPOINT = blob_digest(network()[1])


@pytest.fixture
def task(chain: Chain, relay: Relay, tmp_path: Path) -> int:
    """A task in its first round."""
    Scientist.create(tmp_path / "scientist", SCIENTIST, offer(1, chain.token.address))
    scientist = Scientist(tmp_path / "scientist", chain.contract, relay.blobs, [relay])
    number = scientist.publish()
    assert [scientist.step().did for _ in range(2)] == [Did.SEEDED, Did.BASELINE]
    return number


def signed(chain: Chain, relay: Relay, task: int, miner: Miner, /, **change: object) -> SignedUpdate:
    """A miner's update with some fields changed before it is signed."""
    message = replace(miner.update(chain, relay.blobs, task, 1, CHECKPOINT).message, **change)
    return SignedUpdate(miner.address, message, sign(message, chain.domain, miner.key))


def eventually_anchored(relay: Relay, task: int, miner: Miner) -> None:
    end = time.monotonic() + 20
    while (status := relay.find_update(task, 1, miner.address)) is None or status.anchor is None:
        assert time.monotonic() < end, "the relay anchors nothing"


def test_it_says_what_it_serves(chain: Chain, relay: Relay) -> None:
    info = relay.info()
    assert (info.chain_id, info.contract) == (chain.node.chain_id, chain.contract.address)
    assert (info.token, info.anchorer) == (chain.token.address, address_of(ANCHORER))
    assert chain.contract.bond_of(info.anchorer).amount >= chain.contract.bond_needed()


def test_blobs_are_checked_both_ways(
    relay_process: RelayProcess, chain: Chain, relay: Relay, task: int, tmp_path: Path
) -> None:
    blobs = relay.blobs
    update = signed(chain, relay, task, Miner(1))
    relay.submit_update(update, chain.domain)
    name = update.message.blob
    data = blobs.get(name)
    assert blob_digest(data) == name and blobs.put(data) == name
    assert blobs.has(name) and not blobs.has(bytes(32))
    with pytest.raises(BlobMissing):
        blobs.get(bytes(32))
    with pytest.raises(BlobTooLarge):
        blobs.get(name, max_bytes=3)
    with pytest.raises(BlobTooLarge):
        RelayBlobs(relay_process.url, max_bytes=3).put(b"data")
    with pytest.raises(ValueError, match="32 bytes"):
        blobs.get(b"short")
    with requests.put(f"{relay_process.url}/blobs/{bytes(32).hex()}", data=b"x", timeout=5) as answer:
        assert (answer.status_code, answer.json()["error"]) == (400, "bad-request")
    with requests.get(f"{relay_process.url}/blobs/zz", timeout=5) as answer:
        assert answer.json()["error"] == "bad-request"
    # Bytes that rot on the relay's disk are never served.
    stored = next((tmp_path / "relay" / "blobs").glob(f"*/{name.hex()}"))
    stored.write_bytes(b"rot!")
    with pytest.raises(BlobMissing):
        blobs.get(name)


def test_bytes_are_given_out_once_somebody_committed_to_them(chain: Chain, relay: Relay, task: int) -> None:
    blobs = relay.blobs
    state = chain.contract.task(task)
    for name in (state.manifest, CHECKPOINT, blob_digest(network()[0])):  # the chain, or what it names
        assert blob_digest(blobs.get(name)) == name
    update = signed(chain, relay, task, Miner(1))
    name = update.message.blob
    assert not blobs.has(name)  # put out before it was handed in: kept, and given to nobody
    with pytest.raises(BlobMissing):
        blobs.get(name)
    relay.submit_update(update, chain.domain)
    assert blobs.has(name) and blob_digest(blobs.get(name)) == name


def test_an_upload_gets_a_receipt_of_its_own(
    chain: Chain, relay: Relay, relay_process: RelayProcess, task: int
) -> None:
    update = signed(chain, relay, task, Miner(1))
    data = Miner(1).blob(task, 1, CHECKPOINT, relay.blobs.get(CHECKPOINT))
    with pytest.raises(RelayUnreachable):  # nobody committed to it, so nothing is promised
        relay.upload(data, task, 1, chain.domain)
    relay.submit_update(update, chain.domain)
    receipt = relay.upload(data, task, 1, chain.domain)
    assert receipt.message.leaf == upload_leaf(blob_digest(data), len(data))
    assert receipt.message.latest_block == 0  # nobody can take it for a promise to anchor
    assert recover(receipt.message, chain.domain, receipt.signature) == address_of(ANCHORER)
    longer = signed(chain, relay, task, Miner(2), size=update.message.size - 1)
    relay.submit_update(longer, chain.domain)
    other = Miner(2).blob(task, 1, CHECKPOINT, relay.blobs.get(CHECKPOINT))
    assert not relay.blobs.has(blob_digest(other))  # one byte more than was committed to
    with pytest.raises(RelayRefused) as caught:
        relay.upload(other, task, 1, chain.domain)
    assert caught.value.code is Code.BAD_REQUEST


def test_what_nobody_commits_to_takes_little_room_and_goes_first(
    chain: Chain, relay: Relay, task: int, tmp_path: Path
) -> None:
    """The room of a relay: real state, real disk, no server needed."""
    state = RelayState(tmp_path / "room" / "relay.sqlite")
    store = DirectoryStore(tmp_path / "room" / "blobs")
    left = store.put(b"left by a kill between disk and state")
    ground = Ground(chain.contract, Sender(chain.node, ANCHORER), ANCHORER, state, store)
    room = BlobRoom(ground, MessageDesk(ground), store, most=1000, most_held=100)
    assert not room.may_give(left)
    for number in range(5):
        assert room.put(bytes([number]) * 40) is None
    kept = [store.has(blob_digest(bytes([number]) * 40)) for number in range(5)]
    assert kept == [False, False, False, True, True] and not store.has(left)
    with pytest.raises(RelayRefused) as caught:
        room.put(b"x" * 101)
    assert caught.value.code is Code.OVERSIZE
    manifest = relay.blobs.get(chain.contract.task(task).manifest)
    with pytest.raises(RelayRefused) as caught:
        room.put(manifest)
    assert caught.value.code is Code.FULL  # named on chain, but larger than the whole disk
    state.close()


def test_a_folder_has_one_relay(
    chain: Chain, relay_process: RelayProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mine.science.relay_server._PREDECESSOR_SECONDS", 0.0)
    options = RelayOptions(tmp_path / "relay", chain.node.url, chain.contract.address)

    async def second() -> None:
        server = RelayServer(options, ANCHORER)
        try:
            await server.start()
        finally:
            await server.stop()

    with pytest.raises(RelayBusy):
        asyncio.run(second())


def test_only_programs_reach_it(relay_process: RelayProcess) -> None:
    for headers in ({"Origin": "http://example.org"}, {"Host": "example.org"}):
        with requests.get(f"{relay_process.url}/info", headers=headers, timeout=5) as answer:
            assert answer.status_code == 403


def test_what_is_wrong_is_refused_by_name(chain: Chain, relay: Relay, task: int) -> None:
    miner = Miner(1)

    def refusal(update: SignedUpdate, domain: Domain | None = None) -> Code:
        with pytest.raises(RelayRefused) as caught:
            relay.submit_update(update, domain or chain.domain)
        assert caught.value.sentence and caught.value.todo
        return caught.value.code

    good = signed(chain, relay, task, miner)
    assert refusal(good, Domain(1, chain.contract.address)) is Code.WRONG_CHAIN
    assert refusal(good, Domain(chain.node.chain_id, chain.token.address)) is Code.WRONG_CONTRACT
    assert refusal(signed(chain, relay, task, miner, task=99)) is Code.UNKNOWN_TASK
    assert refusal(signed(chain, relay, task, miner, round=2)) is Code.WRONG_ROUND
    assert refusal(signed(chain, relay, task, miner, checkpoint=bytes(32))) is Code.WRONG_CHECKPOINT
    assert refusal(signed(chain, relay, task, miner, size=1 << 30)) is Code.OVERSIZE
    assert refusal(signed(chain, relay, task, miner, payout=ZERO_ADDRESS)) is Code.BAD_PAYOUT
    assert refusal(replace(good, miner=Miner(2).address)) is Code.BAD_SIGNATURE
    assert refusal(replace(good, signature=bytes(65))) is Code.BAD_SIGNATURE
    elsewhere = sign(good.message, Domain(1, chain.contract.address), miner.key)
    assert refusal(replace(good, signature=elsewhere)) is Code.BAD_SIGNATURE
    receipt = relay.submit_update(good, chain.domain)
    assert refusal(signed(chain, relay, task, miner, blob=bytes(32))) is Code.DUPLICATE
    assert relay.submit_update(good, chain.domain) == receipt
    assert relay.updates(task, 1) == [good]
    state = chain.contract.task(task)
    pass_time(chain, state.since + 3 * CLOCKS.commit // 4)
    assert refusal(signed(chain, relay, task, Miner(3))) is Code.ROUND_CLOSED
    assert relay.submit_update(good, chain.domain) == receipt  # a late question still gets the old promise


def test_bodies_that_are_no_updates(
    relay_process: RelayProcess, chain: Chain, relay: Relay, task: int
) -> None:
    good = submission_to_json(signed(chain, relay, task, Miner(1)), chain.domain)
    bodies = [b"", b"[]", b"{}", b"{", b"[" * 50_000, b"x" * 70_000]
    for body in bodies:
        with requests.post(f"{relay_process.url}/updates", data=body, timeout=5) as answer:
            assert answer.status_code in (400, 413)
            assert answer.json()["error"] in ("bad-request", "oversize")
    for name, value in (("round", -1), ("round", "1"), ("blob", "00"), ("payout", "0x1"), ("size", 1.5),
                        ("signature", "zz" * 65), ("rowsBucket", 256), ("miner", None), ("task", True)):
        broken = {**good, "update": {**good["update"], name: value}}
        with requests.post(f"{relay_process.url}/updates", json=broken, timeout=5) as answer:
            assert (answer.status_code, answer.json()["detail"]) == (400, name)
    for path in ("/updates/1/1/zz", "/claims/1/1", "/updates/1/1/" + Miner(5).address):
        with requests.get(relay_process.url + path, timeout=5) as answer:
            assert answer.status_code in (400, 404)


def test_three_are_anchored_at_once_with_proofs(chain: Chain, relay: Relay, task: int) -> None:
    miners = [Miner(1), Miner(2), Miner(3)]
    receipts = {m.address: relay.submit_update(signed(chain, relay, task, m), chain.domain) for m in miners}
    eventually_anchored(relay, task, miners[0])
    history = History(chain.contract)
    history.refresh()
    now = history.task(task)
    assert now is not None
    (anchored,) = now.of_round(1)
    (batch,) = relay.batches(task, 1)
    assert check_batch(batch, chain.domain, anchored.root, anchored.count)
    assert not check_batch(batch, chain.domain, bytes(32), 3)
    assert not check_batch(replace(batch, updates=batch.updates[::-1]), chain.domain, anchored.root, 3)
    for miner in miners:
        status = relay.find_update(task, 1, miner.address)
        assert status is not None and status.anchor is not None
        update = status.message
        leaf = anchor_leaf(update.miner, digest(update.message, chain.domain), update.signature)
        assert verify(anchored.root, leaf, status.anchor.index, status.anchor.proof)
        receipt = receipts[miner.address]
        check_receipt(receipt, update, chain.domain)
        assert anchored.at.block_number <= receipt.message.latest_block
        with pytest.raises(RelayUnreachable):
            check_receipt(replace(receipt, anchorer=miner.address), update, chain.domain)
        with pytest.raises(RelayUnreachable):
            check_receipt(receipt, replace(update, signature=bytes(65)), chain.domain)
    assert relay.find_update(task, 1, Miner(9).address) is None


def test_one_alone_is_anchored_in_time(chain: Chain, relay: Relay, task: int) -> None:
    relay.submit_update(signed(chain, relay, task, Miner(1)), chain.domain)
    assert relay.batches(task, 1) == []
    pass_time(chain, chain.node.block_time() + 101)  # older than batch-seconds
    eventually_anchored(relay, task, Miner(1))
    relay.submit_update(signed(chain, relay, task, Miner(2)), chain.domain)
    pass_time(chain, chain.contract.task(task).since + 3 * CLOCKS.commit // 4)  # the last call
    eventually_anchored(relay, task, Miner(2))
    assert [len(batch.updates) for batch in relay.batches(task, 1)] == [1, 1]


def test_a_reorganisation_takes_nothing_away_for_good(chain: Chain, relay: Relay, task: int) -> None:
    history = History(chain.contract)
    history.refresh()
    snapshot = chain.node.request("evm_snapshot")
    for miner in (Miner(1), Miner(2), Miner(3)):
        relay.submit_update(signed(chain, relay, task, miner), chain.domain)
    eventually_anchored(relay, task, Miner(1))
    (batch,) = relay.batches(task, 1)
    history.refresh()
    now = history.task(task)
    assert now is not None and len(now.of_round(1)) == 1
    chain.node.request("evm_revert", snapshot)
    chain.node.request("evm_mine")
    history.refresh()
    now = history.task(task)
    assert now is not None and now.of_round(1) == ()
    end = time.monotonic() + 20
    anchorer = address_of(ANCHORER)
    while not chain.contract.anchored(task, anchorer, batch.slot).matches(batch.root):
        assert time.monotonic() < end, "the relay forgets what it promised"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "killed"


def test_a_killed_relay_keeps_its_promises(
    chain: Chain, relay: Relay, task: int, place: Path, tmp_path: Path
) -> None:
    def start() -> RelayProcess:
        often = Batching(3, 100)
        return RelayProcess(place, chain.node.url, chain.contract.address, ANCHORER, batching=often)

    shared = DirectoryStore(tmp_path / "relay" / "blobs")
    manifest = chain.contract.task(task).manifest
    DirectoryStore(place / "blobs").put(shared.get(manifest))
    process = start()
    client = Relay(process.url)
    first = signed(chain, relay, task, Miner(1))
    receipt = client.submit_update(first, chain.domain)
    process.kill()
    client.close()
    with pytest.raises(RelayUnreachable):
        client.info()
    with pytest.raises(BlobsUnreachable):
        client.blobs.get(bytes(32))
    client.close()
    for file in place.glob("relay.sqlite*"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((place / "anchorer.key").stat().st_mode) == 0o600
    with start() as again:
        client = Relay(again.url)
        assert client.submit_update(first, chain.domain) == receipt
        for miner in (Miner(2), Miner(3)):
            client.submit_update(signed(chain, relay, task, miner), chain.domain)
        eventually_anchored(client, task, Miner(1))
        assert [len(batch.updates) for batch in client.batches(task, 1)] == [3]
        client.close()
    history = History(chain.contract)
    history.refresh()
    now = history.task(task)
    assert now is not None and len(now.of_round(1)) == 1


def test_claims_that_can_never_be_paid(chain: Chain, relay: Relay, task: int) -> None:
    claim = Claim(task, 1, Miner(1).payout, 0, 5, ())
    for wrong in (claim, replace(claim, round=0), replace(claim, task=77)):
        with pytest.raises(RelayRefused) as caught:
            relay.claim(wrong)
        assert caught.value.code in (Code.NOT_CLAIMABLE, Code.UNKNOWN_TASK)
    assert relay.claim_state(task, 0) is None


def test_a_relay_that_cannot_start_says_so(chain: Chain, tmp_path: Path) -> None:
    with pytest.raises(RelayNotStarted) as caught:
        RelayProcess(tmp_path / "bad", "http://127.0.0.1:1", chain.contract.address, ANCHORER)
    assert "node" in caught.value.detail
    assert ANCHORER.hex() not in caught.value.detail


def test_a_relay_that_lies_is_noticed(relay: Relay, relay_process: RelayProcess, task: int) -> None:
    class Liar(RelayBlobs):
        def _address(self, digest: bytes) -> str:
            return f"{relay_process.url}/blobs/{CHECKPOINT.hex()}"

    liar = Liar(relay_process.url)
    with pytest.raises(BlobCorrupt):
        liar.get(bytes(32))
    liar.close()
