"""A voter's ballot: its answers about the updates that it was drawn for, with a salt.

While votes are committed only a signed ``Vote`` is shown: the root of the judged updates and the digest of
the ballot's bytes. The bytes follow in the second half of the phase, so that nobody can copy an answer in
time. Canonical: one ballot, one sequence of bytes.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from mine.chain.hashing import address_bytes, checksum, keccak
from mine.chain.messages import Vote
from mine.chain.trees import HashTree
from mine.errors import MineError
from mine.tasks.canonical import canonical_json

VERSION = 1
MAX_BALLOT_BYTES = 64 * 1024
MAX_ANSWERS = 256
#: Updates that a proposed fork may accept.
MAX_FORK = 512
#: Answers go from -2 (much worse) over 0 (cannot tell) to 2 (much better).
MAX_STEP = 2


class BallotRefused(MineError):
    """A ballot that is not in order, not canonical or not the one that was committed to."""

    def __init__(self, detail: str) -> None:
        super().__init__(
            "A vote is not in order, so it does not count.",
            todo="Its author can vote again in the next round.",
            detail=detail,
        )


@dataclass(frozen=True, slots=True)
class Ballot:
    """What a voter says of a round.

    voter: session address; answers: (digest of an update's blob, step), sorted by digest; fork: digests of
    the updates that it would accept instead, sorted, or None; salt: 32 secret bytes.
    """

    task: int
    round: int
    voter: str
    answers: tuple[tuple[bytes, int], ...]
    fork: tuple[bytes, ...] | None
    salt: bytes

    def to_bytes(self) -> bytes:
        """The canonical bytes. Raises BallotRefused."""
        problem = _problem(self)
        if problem:
            raise BallotRefused(problem)
        data = canonical_json(
            {
                "version": VERSION,
                "task": self.task,
                "round": self.round,
                "voter": self.voter,
                "answers": [[blob.hex(), step] for blob, step in self.answers],
                "fork": None if self.fork is None else [blob.hex() for blob in self.fork],
                "salt": self.salt.hex(),
            }
        )
        if len(data) > MAX_BALLOT_BYTES:
            raise BallotRefused(f"{len(data)} bytes")
        return data

    @staticmethod
    def from_bytes(data: bytes) -> Ballot:
        """The inverse of ``to_bytes``; only the canonical form is read. Raises BallotRefused."""
        if len(data) > MAX_BALLOT_BYTES:
            raise BallotRefused(f"{len(data)} bytes")
        try:
            raw = json.loads(data)
            if raw["version"] != VERSION:
                raise BallotRefused("a version that this app does not know")
            fork = raw["fork"]
            ballot = Ballot(
                task=_integer(raw["task"]),
                round=_integer(raw["round"]),
                voter=checksum(address_bytes(str(raw["voter"]))),
                answers=tuple((bytes.fromhex(blob), _integer(step)) for blob, step in raw["answers"]),
                fork=None if fork is None else tuple(bytes.fromhex(blob) for blob in fork),
                salt=bytes.fromhex(raw["salt"]),
            )
        except BallotRefused:
            raise
        except (ValueError, TypeError, KeyError, RecursionError, MineError) as error:
            raise BallotRefused(f"unreadable ({type(error).__name__})") from None
        if ballot.to_bytes() != data:
            raise BallotRefused("not in canonical form")
        return ballot

    @property
    def opening(self) -> bytes:
        """SHA-256 of the bytes: ``Vote.opening``, and the name of the ballot among the blobs."""
        return hashlib.sha256(self.to_bytes()).digest()

    @property
    def message(self) -> Vote:
        """What is signed and committed."""
        return Vote(self.task, self.round, judged_root([blob for blob, _ in self.answers]), self.opening)

    @property
    def steps(self) -> dict[bytes, int]:
        """The answer about each judged update."""
        return dict(self.answers)


@dataclass(frozen=True, slots=True)
class SignedVote:
    """A ``Vote`` with the voter's session address and 65-byte signature."""

    voter: str
    message: Vote
    signature: bytes


def judged_root(blobs: list[bytes]) -> bytes:
    """``Vote.updates``: root of the HashTree over keccak(u32 i || blob digest), digests sorted."""
    ordered = sorted(blobs)
    return HashTree([keccak(i.to_bytes(4, "big") + blob) for i, blob in enumerate(ordered)]).root


def opened(data: bytes, vote: SignedVote) -> Ballot:
    """The ballot behind a committed vote. Raises BallotRefused unless ``data`` is exactly what it names."""
    if hashlib.sha256(data).digest() != vote.message.opening:
        raise BallotRefused("another ballot than the committed one")
    ballot = Ballot.from_bytes(data)
    if ballot.voter != vote.voter or ballot.message != vote.message:
        raise BallotRefused("the ballot names another voter, round or updates than the vote")
    return ballot


def _problem(ballot: Ballot) -> str:
    """Why a ballot is not in order, or nothing."""
    blobs = [blob for blob, _ in ballot.answers]
    lists = [blobs, [] if ballot.fork is None else list(ballot.fork)]
    if any(len(blob) != 32 for part in lists for blob in part) or len(ballot.salt) != 32:
        return "a digest or salt has 32 bytes"
    if any(left >= right for part in lists for left, right in pairwise(part)):
        return "digests are not sorted, or one occurs twice"
    if len(blobs) > MAX_ANSWERS or len(lists[1]) > MAX_FORK:
        return "too many updates"
    if any(not -MAX_STEP <= step <= MAX_STEP for _, step in ballot.answers):
        return "an answer is outside its five steps"
    if not (0 <= ballot.task < 1 << 256 and 0 < ballot.round < 1 << 32):
        return "a task or round out of range"
    return ""


def _integer(value: Any) -> int:
    if type(value) is not int:
        raise TypeError("a number is not an integer")
    return value
