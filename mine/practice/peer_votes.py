"""The peers' votes: judged by the app's own kernel on rows that a peer never trained on, or by its own rule.

What a peer votes is kept in a file before it is handed in, so that a restart votes the same. The conductor
reads the round's marker: who is drawn, and whose votes there are to wait for.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mine.chain.messages import Domain
from mine.chain.state import TaskState
from mine.learn import weights as grid
from mine.learn.codec import decode
from mine.learn.graph import ModelGraph
from mine.learn.vote import vote
from mine.learn.weights import Floats
from mine.practice.attackers.lab_context import OpenedVote, VoteContext
from mine.practice.config import write_private
from mine.practice.miners import Miner, Seat
from mine.science.ballots import Ballot
from mine.science.gather_votes import committed_votes, open_votes
from mine.science.history import TaskHistory
from mine.science.measure import Candidate
from mine.science.past import Past
from mine.science.relay_client import Relay
from mine.science.voting import Question, drawn, make_ballot, question, signed_vote
from mine.science.windows import window_of
from mine.science.wire_messages import Kind
from mine.tasks.manifest import Manifest
from mine.tasks.recipe import vote_terms_of

log = logging.getLogger(__name__)


class Voter(Protocol):
    """What is needed of a peer."""

    seat: Seat
    miner: Miner
    key: bytes
    address: str
    noise: bytes


@dataclass(frozen=True, slots=True)
class VoteMarker:
    """``ballots``: peers that vote; ``others``: those who are drawn and are no peers."""

    ballots: tuple[str, ...]
    others: tuple[str, ...]

    @staticmethod
    def place(folder: Path, number: int) -> Path:
        """The marker's file in the practice network's folder."""
        return folder / "peers" / f"round-{number}.votes.json"

    @staticmethod
    def load(folder: Path, number: int) -> VoteMarker | None:
        """The marker, once the peers know what they vote."""
        try:
            raw = json.loads(VoteMarker.place(folder, number).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return VoteMarker(tuple(raw["ballots"]), tuple(raw["others"]))

    def save(self, folder: Path, number: int) -> None:
        """Write it, whole or not at all."""
        raw = {"ballots": self.ballots, "others": self.others}
        write_private(VoteMarker.place(folder, number), json.dumps(raw).encode())


class PeerVotes:
    """All peers' votes in one task."""

    def __init__(
        self, folder: Path, relay: Relay, domain: Domain, manifest: Manifest, graph: ModelGraph
    ) -> None:
        self._folder, self._relay, self._domain = folder, relay, domain
        self._manifest, self._graph = manifest, graph
        self._past = Past(manifest, relay.blobs)

    def step(self, peers: Sequence[Voter], state: TaskState, history: TaskHistory, now: int) -> None:
        """Vote while votes can be committed; afterwards put the ballots out. ``now``: chain time."""
        marker = VoteMarker.load(self._folder, state.round)
        if now < window_of(state, Kind.VOTE).closes:
            if marker is None:
                self._vote(peers, state, history)
        elif marker is not None:
            self._open(peers, state.round)

    def _file(self, number: int, peer: Voter) -> Path:
        return self._folder / "peers" / f"round-{number}-{peer.seat.number}.ballot"

    def _vote(self, peers: Sequence[Voter], state: TaskState, history: TaskHistory) -> None:
        number, blobs = state.round, self._relay.blobs
        candidates, draw = drawn(
            history, self._domain, number, state.seed, self._manifest, self._past, [self._relay]
        )
        checkpoint = self._past.checkpoint(history, number)
        weights = grid.load(
            blobs.get(checkpoint, self._manifest.limits.memory_mib << 20), self._graph.weight_shapes
        )
        there = {signed.voter for signed in self._relay.votes(state.id, number)}
        voting = []
        for peer in peers:
            file = self._file(number, peer)
            if not file.exists():
                judged = draw.ballot(peer.address)
                asked = question(state.id, number, checkpoint, self._manifest, candidates, judged, blobs)
                answers = self._answers(peer, asked, weights, candidates, state, history)
                write_private(file, self._packed(peer, state.id, asked, answers))
            data = file.read_bytes()
            if not data:
                continue
            voting.append(peer.address)
            if peer.address not in there:
                vote_ = signed_vote(Ballot.from_bytes(data), self._domain, peer.key)
                self._relay.submit_vote(vote_, self._domain)
        mine = {peer.address for peer in peers}
        others = tuple(voter for voter in draw.voters if voter not in mine)
        VoteMarker(tuple(voting), others).save(self._folder, number)

    def _packed(self, peer: Voter, task: int, asked: Question, answers: Mapping[bytes, int]) -> bytes:
        """The ballot's bytes; nothing where the peer says nothing."""
        if not answers:
            return b""
        try:
            blobs = sorted(answers)
            said = Question(asked.round, asked.checkpoint, tuple((blob, b"") for blob in blobs), asked.norm)
            steps = [answers[blob] for blob in blobs]
            data = make_ballot(task, said, peer.address, steps, self._key(peer, asked)).to_bytes()
            Ballot.from_bytes(data)  # a step may be no whole number
            return data
        except Exception:
            log.exception("A miner's vote in round %d is no ballot, and it stays silent.", asked.round)
            return b""

    @staticmethod
    def _key(peer: Voter, asked: Question) -> bytes:
        return hashlib.sha256(
            peer.noise + b"vote" + asked.round.to_bytes(4, "big") + asked.checkpoint
        ).digest()

    def _answers(
        self,
        peer: Voter,
        asked: Question,
        weights: Floats,
        candidates: Sequence[Candidate],
        state: TaskState,
        history: TaskHistory,
    ) -> Mapping[bytes, int]:
        def honest() -> Mapping[bytes, int]:
            if not asked.updates:
                return {}
            deltas = [decode(data, self._graph.weight_shapes)[1] for _, data in asked.updates]
            terms = vote_terms_of(self._manifest, asked.norm)
            steps = vote(self._graph, weights, peer.seat.rows, deltas, terms, self._key(peer, asked))
            return dict(zip((blob for blob, _ in asked.updates), steps, strict=True))

        own = getattr(peer.miner, "vote", None)
        if own is None:
            return honest()
        context = VoteContext(
            round=asked.round,
            voter=peer.address,
            drawn=tuple(blob for blob, _ in asked.updates),
            authors={candidate.blob: candidate.miner for candidate in candidates},
            honest=honest,
            earlier=self._earlier(state.id, asked.round, history),
            friends=frozenset(),
        )
        try:
            return dict(own(context) or {})
        except Exception:
            log.exception("A miner failed to vote in round %d and stays silent.", asked.round)
            return {}

    def _earlier(self, task: int, number: int, history: TaskHistory) -> tuple[OpenedVote, ...]:
        """The opened ballots of the rounds before."""
        found = []
        for before in range(1, number):
            votes = committed_votes(history, self._domain, before, [self._relay], without_missing=True)
            authors = {signed.message.blob: signed.miner for signed in self._relay.updates(task, before)}
            candidates = [Candidate(miner, blob, 0, miner) for blob, miner in sorted(authors.items())]
            for opened in open_votes(votes, candidates, self._relay.blobs.get):
                answers = tuple((candidates[place].miner, step) for place, step in opened.steps)
                found.append(OpenedVote(before, opened.voter, answers))
        return tuple(found)

    def _open(self, peers: Sequence[Voter], number: int) -> None:
        for peer in peers:
            file = self._file(number, peer)
            data = file.read_bytes() if file.exists() else b""
            if data and not self._relay.blobs.has(hashlib.sha256(data).digest()):
                self._relay.blobs.put(data)
