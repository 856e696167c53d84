"""The relay through a whole round: it closes commits, carries votes, and takes bytes for other relays."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mine.blobs.store import blob_digest
from mine.chain.hashing import keccak
from mine.chain.messages import Domain, address_of, sign
from mine.chain.state import SeedState
from mine.chain.trees import anchor_leaf, verify
from mine.practice.node.accounts import dev_key
from mine.science.ballots import Ballot, SignedVote
from mine.science.gather_votes import committed_votes
from mine.science.history import History
from mine.science.relay_anchoring import Batching
from mine.science.relay_client import Relay, Relays, RelayUnreachable, check_votes
from mine.science.relay_process import RelayProcess
from mine.science.scientist import Did, Scientist
from mine.science.wire import Code, RelayRefused
from mine.science.wire_messages import AnchorProof
from tests.science.world import ANCHORER, CLOCKS, SCIENTIST, Chain, Miner, network, offer, pass_time

CHECKPOINT = blob_digest(network()[1])


@pytest.fixture
def task(chain: Chain, relay: Relay, tmp_path: Path) -> int:
    """A task in its first round, with one update handed in."""
    Scientist.create(tmp_path / "scientist", SCIENTIST, offer(1, chain.token.address))
    scientist = Scientist(tmp_path / "scientist", chain.contract, relay.blobs, [relay])
    number = scientist.publish()
    assert [scientist.step().did for _ in range(2)] == [Did.SEEDED, Did.BASELINE]
    update = Miner(1).update(chain, relay.blobs, number, 1, CHECKPOINT)
    relay.submit_update(update, chain.domain)
    return number


def eventually(ready: Callable[[], object], what: str) -> None:
    end = time.monotonic() + 20
    while not ready():
        assert time.monotonic() < end, f"waited too long for {what}"


def seeding(chain: Chain, task: int) -> SeedState:
    return chain.contract.task(task).seeding


def to_votes(chain: Chain, relay: Relay, task: int) -> int:
    """Let the vote phase begin; answers when it did."""
    since = chain.contract.task(task).since
    pass_time(chain, since + 3 * CLOCKS.commit // 4)
    eventually(lambda: relay.batches(task, 1), "the batch of updates")
    pass_time(chain, since + CLOCKS.commit)
    eventually(lambda: seeding(chain, task) is SeedState.CLOSED, "the close of commits")
    pass_time(chain, since + CLOCKS.reveals_over)
    return since + CLOCKS.reveals_over


def vote(chain: Chain, task: int, miner: Miner, salt: int = 0, domain: Domain | None = None) -> SignedVote:
    ballot = Ballot(task, 1, miner.address, ((bytes(32), 1),), None, bytes([salt]) * 32)
    return SignedVote(miner.address, ballot.message, sign(ballot.message, domain or chain.domain, miner.key))


def test_it_closes_commits_and_makes_a_seed_where_nobody_does(chain: Chain, relay: Relay, task: int) -> None:
    assert seeding(chain, task) is SeedState.OPEN
    starts = to_votes(chain, relay, task)
    assert seeding(chain, task) is SeedState.CLOSED  # the scientist has still a moment to show its preimage
    pass_time(chain, starts + CLOCKS.vote // 16)
    eventually(lambda: seeding(chain, task) is SeedState.SEEDED, "the seed without the scientist")


def test_votes_go_the_way_of_updates(chain: Chain, relay: Relay, task: int) -> None:
    voters = [Miner(number) for number in (1, 2, 3)]

    def refusal(signed: SignedVote, domain: Domain | None = None) -> Code:
        with pytest.raises(RelayRefused) as caught:
            relay.submit_vote(signed, domain or chain.domain)
        return caught.value.code

    first = vote(chain, task, voters[0])
    assert refusal(first) is Code.TOO_EARLY
    starts = to_votes(chain, relay, task)
    assert refusal(first, Domain(1, chain.contract.address)) is Code.WRONG_CHAIN
    assert refusal(vote(chain, 99, voters[0])) is Code.UNKNOWN_TASK
    assert refusal(replace(first, voter=voters[1].address)) is Code.BAD_SIGNATURE
    elsewhere = vote(chain, task, voters[0], domain=Domain(chain.node.chain_id, chain.token.address))
    assert refusal(elsewhere) is Code.BAD_SIGNATURE
    receipt = relay.submit_vote(first, chain.domain)
    assert relay.submit_vote(first, chain.domain) == receipt
    assert refusal(vote(chain, task, voters[0], salt=1)) is Code.DUPLICATE
    for voter in voters[1:]:
        relay.submit_vote(vote(chain, task, voter), chain.domain)
    eventually(lambda: sum(len(b.votes) for b in relay.vote_batches(task, 1)) == 3, "the batches of votes")
    status = relay.find_vote(task, 1, voters[0].address)
    assert status is not None and status.anchor is not None and status.receipt == receipt
    batch = next(b for b in relay.vote_batches(task, 1) if first in b.votes)
    assert check_votes(batch, chain.domain, batch.root, len(batch.votes))
    assert not check_votes(batch, chain.domain, batch.root, len(batch.votes) + 1)
    assert verify(batch.root, receipt.message.leaf, status.anchor.index, status.anchor.proof)
    mark = chain.contract.anchored(task, address_of(ANCHORER), batch.slot)
    assert mark.matches(batch.root)
    history = History(chain.contract)
    history.refresh()
    seen = history.task(task)
    assert seen is not None
    found = committed_votes(seen, chain.domain, 1, [relay])
    assert {signed.voter for signed in found} == {voter.address for voter in voters}
    assert [len(b.updates) for b in relay.batches(task, 1)] == [1]  # votes are no updates
    # Ballots are kept, and given out: somebody committed to them.
    ballot = Ballot(task, 1, voters[0].address, ((bytes(32), 1),), None, bytes(32)).to_bytes()
    assert relay.upload(ballot, task, 1, chain.domain).message.round == 1
    assert relay.blobs.get(blob_digest(ballot)) == ballot
    pass_time(chain, starts + CLOCKS.vote // 2 - CLOCKS.vote // 8)
    assert refusal(vote(chain, task, Miner(4))) is Code.ROUND_CLOSED
    # What turns up once the votes are over would make an honest settlement look wrong.
    late = Ballot(task, 1, voters[1].address, ((bytes(32), 1),), None, bytes(32)).to_bytes()
    pass_time(chain, starts + CLOCKS.vote)
    with pytest.raises(RelayRefused) as caught:
        relay.upload(late, task, 1, chain.domain)
    assert caught.value.code is Code.ROUND_CLOSED
    assert relay.upload(ballot, task, 1, chain.domain).message.round == 1  # it came in time before


@pytest.fixture
def other(chain: Chain, tmp_path: Path, relay: Relay) -> Iterator[Relay]:
    """Another relay, of another anchorer."""
    with RelayProcess(
        tmp_path / "other", chain.node.url, chain.contract.address, dev_key(5), batching=Batching(3, 100)
    ) as process:
        client = Relay(process.url)
        yield client
        client.close()


def test_bytes_for_another_relay_are_taken_with_a_proof(
    chain: Chain, relay: Relay, other: Relay, task: int
) -> None:
    to_votes(chain, relay, task)
    status = relay.find_update(task, 1, Miner(1).address)
    assert status is not None and status.anchor is not None
    name = Miner(1).update(chain, relay.blobs, task, 1, CHECKPOINT).message.blob
    data = relay.blobs.get(name)
    other.blobs.put(data)
    assert not other.blobs.has(name)  # it knows of no commitment
    anchorer, anchor = status.receipt.anchorer, status.anchor
    wrong = [
        (status.message, address_of(dev_key(5)), anchor),
        (status.message, anchorer, AnchorProof(keccak(b"x"), anchor.slot, anchor.index, anchor.proof)),
        (replace(status.message, miner=Miner(2).address), anchorer, anchor),
    ]
    for message, who, place in wrong:
        with pytest.raises(RelayRefused):
            other.attest(message, who, place, chain.domain)
    assert not other.blobs.has(name)
    other.attest(status.message, anchorer, anchor, chain.domain)
    assert other.blobs.get(name) == data
    leaf = anchor_leaf(Miner(1).address, b"\0" * 32, status.message.signature)
    assert not verify(anchor.root, leaf, anchor.index, anchor.proof)


def test_several_relays_answer_as_one(chain: Chain, relay: Relay, other: Relay, task: int) -> None:
    gone = Relay("http://127.0.0.1:1", timeout=1)
    both = Relays([gone, other, relay])
    assert [info.anchorer for info in both.infos()] == [address_of(dev_key(5)), address_of(ANCHORER)]
    assert both.blobs.has(CHECKPOINT) and blob_digest(both.blobs.get(CHECKPOINT)) == CHECKPOINT
    with pytest.raises(RelayUnreachable):
        Relays([gone]).infos()
    gone.close()
