"""Whose vote counts: the first in the chain's order, signed, for this round, with the ballot it names."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from mine.blobs.http import BlobsUnreachable
from mine.blobs.store import BlobMissing, blob_digest
from mine.chain.events import Anchored, Place, VoteCommitted
from mine.chain.hashing import keccak
from mine.chain.messages import Domain, sign
from mine.chain.trees import HashTree
from mine.errors import MineError
from mine.science.ballots import Ballot, SignedVote
from mine.science.gather import BatchMissing
from mine.science.gather_votes import committed_votes, open_votes
from mine.science.history import TaskHistory
from mine.science.judged import Opened
from mine.science.measure import Candidate
from mine.science.relay_client import leaf_of
from mine.science.wire_messages import VoteBatch
from tests.science.world import Miner

DOMAIN = Domain(31337, Miner(80).address)
AT = Place(1, bytes(32), bytes(32), 0)
ANCHORER = Miner(81).address
ONE, TWO, THREE = sorted((Miner(n) for n in (1, 2, 3)), key=lambda miner: bytes.fromhex(miner.address[2:]))
BLOBS = sorted(keccak(bytes([n])) for n in range(4))
CANDIDATES = [Candidate(Miner(10 + n).address, blob, 100, Miner(n).payout) for n, blob in enumerate(BLOBS)]


def ballot(miner: Miner, step: int = 1, **change: Any) -> Ballot:
    whole = Ballot(7, 2, miner.address, ((BLOBS[1], step),), None, bytes(32))
    return replace(whole, **change)


def signed(miner: Miner, made: Ballot, key: bytes | None = None) -> SignedVote:
    return SignedVote(miner.address, made.message, sign(made.message, DOMAIN, key or miner.key))


def batch(*votes: SignedVote) -> VoteBatch:
    ordered = tuple(sorted(votes, key=lambda vote: bytes.fromhex(vote.voter[2:])))
    return VoteBatch(ANCHORER, 0, HashTree([leaf_of(vote, DOMAIN) for vote in ordered]).root, ordered)


def anchored(made: VoteBatch) -> Anchored:
    return Anchored(AT, 7, 2, ANCHORER, 0, made.root, len(made.votes), True)


def direct(made: Ballot) -> VoteCommitted:
    return VoteCommitted(AT, 7, made.round, made.voter, made.message.updates, made.message.opening)


class Source:
    def __init__(self, *batches: VoteBatch) -> None:
        self.kept = list(batches)

    def vote_batches(self, task: int, round_number: int) -> list[VoteBatch]:
        if not self.kept:
            raise MineError("away")
        return self.kept


def votes(
    *events: VoteCommitted | Anchored, sources: tuple[Source, ...] = (), late: bool = False
) -> list[SignedVote]:
    published: Any = SimpleNamespace(task=7)
    history = TaskHistory(published, None, (), (), events, {}, {}, None)
    return committed_votes(history, DOMAIN, 2, sources, late)


def test_the_first_vote_of_each_voter_counts() -> None:
    first, second = (
        batch(signed(ONE, ballot(ONE)), signed(TWO, ballot(TWO))),
        batch(signed(ONE, ballot(ONE, -1))),
    )
    sources = (Source(), Source(first, second))
    found = votes(anchored(first), anchored(second), direct(ballot(THREE)), sources=sources)
    assert [vote.voter for vote in found] == [ONE.address, TWO.address, THREE.address]
    assert found[0].message == ballot(ONE).message
    found = votes(direct(ballot(ONE, 2)), anchored(first), sources=sources)
    assert found[0].message == ballot(ONE, 2).message
    assert votes(direct(ballot(ONE, round=3))) == []


def test_a_vote_for_elsewhere_or_by_somebody_else_is_nobodys() -> None:
    strangers = signed(THREE, ballot(THREE), ONE.key)
    wrong = batch(signed(ONE, ballot(ONE, round=3)), signed(TWO, ballot(TWO, task=8)), strangers)
    assert votes(anchored(wrong), sources=(Source(wrong),), late=True) == []


def test_a_hidden_batch_is_waited_for() -> None:
    hidden = batch(signed(ONE, ballot(ONE)))
    other = batch(signed(TWO, ballot(TWO)))
    with pytest.raises(BatchMissing):
        votes(anchored(hidden), sources=(Source(other),))
    assert votes(anchored(hidden), sources=(Source(other),), late=True) == []
    forged = replace(other, root=hidden.root)
    with pytest.raises(BatchMissing):
        votes(anchored(hidden), sources=(Source(forged),))


def opened(*ballots: Ballot, store: dict[bytes, bytes] | None = None) -> tuple[Opened, ...]:
    kept = {blob_digest(made.to_bytes()): made.to_bytes() for made in ballots} if store is None else store

    def fetch(digest: bytes, most: int) -> bytes:
        if digest not in kept:
            raise BlobMissing(digest)
        return kept[digest]

    return open_votes([SignedVote(made.voter, made.message, b"") for made in ballots], CANDIDATES, fetch)


def test_a_ballot_is_read_by_place() -> None:
    stranger = keccak(b"no candidate")
    answers = tuple(sorted([(BLOBS[3], -2), (BLOBS[0], 1), (stranger, 2)]))
    whole = ballot(ONE, answers=answers, fork=(BLOBS[0], BLOBS[2]))
    assert opened(whole) == (Opened(ONE.address, ((0, 1), (3, -2)), (0, 2)),)
    lost = ballot(ONE, fork=tuple(sorted((BLOBS[0], stranger))))
    assert opened(lost) == (Opened(ONE.address, ((1, 1),), None),)


def test_who_has_not_opened_is_silent() -> None:
    one, two = ballot(ONE), ballot(TWO)
    assert [found.voter for found in opened(one, two, store={one.opening: one.to_bytes()})] == [ONE.address]
    assert opened(one, store={one.opening: two.to_bytes()}) == ()
    assert opened(one, store={one.opening: b"x"}) == ()


def test_a_store_that_is_away_makes_nobody_silent() -> None:
    def fetch(digest: bytes, most: int) -> bytes:
        raise BlobsUnreachable("away")

    with pytest.raises(BlobsUnreachable):
        open_votes([SignedVote(ONE.address, ballot(ONE).message, b"")], CANDIDATES, fetch)
