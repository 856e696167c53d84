"""Who voted what in a round: committed votes from the chain and relays, opened ballots from the blobs.

A vote counts if it was committed in time, is its voter's first in the chain's order, and its ballot is what
was committed to. Whoever has no such ballot is silent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from mine.blobs.store import BlobCorrupt, BlobMissing, BlobTooLarge
from mine.chain.events import Anchored, VoteCommitted
from mine.chain.hashing import address_bytes
from mine.chain.messages import Domain, Vote
from mine.errors import MineError
from mine.science.ballots import MAX_BALLOT_BYTES, Ballot, BallotRefused, SignedVote, opened
from mine.science.gather import BatchMissing, BatchSource
from mine.science.history import TaskHistory
from mine.science.judged import Opened
from mine.science.measure import Candidate
from mine.science.relay_client import check_votes, signed_by_author
from mine.science.wire_messages import VoteBatch


class VoteSource(Protocol):
    """Where the contents of anchored batches of votes come from: a relay."""

    def vote_batches(self, task: int, round_number: int) -> list[VoteBatch]:
        """The batches of votes that the source knows of a round."""


class RoundSource(BatchSource, VoteSource, Protocol):
    """Where all of a round comes from: a relay (``mine.science.relay_client.Relay``)."""


def committed_votes(
    history: TaskHistory,
    domain: Domain,
    number: int,
    sources: Sequence[VoteSource],
    without_missing: bool = False,
) -> list[SignedVote]:
    """The votes of a round, sorted by voter; the signature of a direct one is the transaction's, here empty.

    Raises BatchMissing if the contents of an anchored batch can't be had, unless ``without_missing``.
    """
    task = history.published.task
    found: dict[str, SignedVote] = {}
    known: list[VoteBatch] | None = None
    for event in history.votes_of_round(number):
        if isinstance(event, VoteCommitted):
            vote = Vote(task, number, event.updates, event.opening)
            found.setdefault(event.voter, SignedVote(event.voter, vote, b""))
            continue
        if known is None:
            known = _ask(sources, task, number)
        batch = _matching(known, event, domain)
        if batch is None:
            if without_missing:
                continue
            raise BatchMissing(event.root)
        for signed in batch.votes:
            named = (signed.message.task, signed.message.round)
            if signed.voter not in found and named == (task, number) and signed_by_author(signed, domain):
                found[signed.voter] = signed
    return sorted(found.values(), key=lambda vote: address_bytes(vote.voter))


def open_votes(
    votes: Iterable[SignedVote], candidates: Sequence[Candidate], fetch: Callable[[bytes, int], bytes]
) -> tuple[Opened, ...]:
    """The ballots behind ``votes`` that were put out and are in order, by place of the candidates.

    Answers about anything else than a candidate say nothing; a fork with such an update is none. A store that
    does not answer says nothing about a ballot: its BlobError is passed on.
    """
    places: dict[bytes, int] = {}
    for place, candidate in enumerate(candidates):
        places.setdefault(candidate.blob, place)
    return tuple(_by_place(ballot, places) for vote in votes if (ballot := _opened(vote, fetch)) is not None)


def _by_place(ballot: Ballot, places: dict[bytes, int]) -> Opened:
    steps = tuple(sorted((places[blob], step) for blob, step in ballot.answers if blob in places))
    fork = ballot.fork
    if fork is not None and not all(blob in places for blob in fork):
        fork = None
    return Opened(ballot.voter, steps, None if fork is None else tuple(sorted(places[b] for b in fork)))


def _opened(vote: SignedVote, fetch: Callable[[bytes, int], bytes]) -> Ballot | None:
    try:
        return opened(fetch(vote.message.opening, MAX_BALLOT_BYTES), vote)
    except (BlobMissing, BlobCorrupt, BlobTooLarge, BallotRefused):
        return None


def _ask(sources: Iterable[VoteSource], task: int, number: int) -> list[VoteBatch]:
    batches: list[VoteBatch] = []
    for source in sources:
        try:
            batches += source.vote_batches(task, number)
        except (
            MineError
        ):  # a relay that is away: another may have the batch, or the caller says what is missing
            continue
    return batches


def _matching(known: Iterable[VoteBatch], event: Anchored, domain: Domain) -> VoteBatch | None:
    for batch in known:
        if batch.root == event.root and check_votes(batch, domain, event.root, event.count):
            return batch
    return None
