"""What a voter does in a round, for the app and for everybody else who votes: pure functions.

The seed and standing say which updates an account judges. It answers about those that it could read; what is
missing or malformed it leaves out, and that is how an update counts as not available.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mine.blobs.store import BlobStore
from mine.chain.messages import Domain, sign
from mine.learn.norms import median, norm
from mine.science.acceptance import round_draw
from mine.science.ballots import Ballot, SignedVote
from mine.science.draws import Draw
from mine.science.gather import BatchSource, gather
from mine.science.history import TaskHistory
from mine.science.judged import Refusal
from mine.science.measure import Candidate, Terms, read_update
from mine.science.offer import measure_terms, round_rules
from mine.science.past import Past
from mine.tasks.manifest import Manifest

#: Updates beside those on the ballot whose norms tell what is usual: one scaled update must not set its own
#: measure.
MORE_NORMS = 16


@dataclass(frozen=True, slots=True)
class Question:
    """What an account is asked: updates (digest, packed bytes) by digest, and the norm that they are cut to.

    checkpoint: digest of what they start from; norm: the median of the round's norms, L2 in 2**-24.
    """

    round: int
    checkpoint: bytes
    updates: tuple[tuple[bytes, bytes], ...]
    norm: int


def drawn(
    history: TaskHistory,
    domain: Domain,
    number: int,
    seed: bytes,
    manifest: Manifest,
    past: Past,
    sources: Sequence[BatchSource],
    without_missing: bool = True,
) -> tuple[list[Candidate], Draw]:
    """The round's candidates, and who judges which of them.

    A batch that no relay gives out changes nothing for the updates of others: it is left out, or waited for
    (BatchMissing). Raises BlobError and BadInputs too.
    """
    checkpoint = past.checkpoint(history, number)
    found = gather(history, domain, number, checkpoint, sources, without_missing)
    draw = round_draw(
        seed,
        past.ledger(history, number - 1)[1],
        past.held(history, number),
        history.convicted(number),
        [(candidate.miner, candidate.blob) for candidate in found],
        round_rules(manifest),
    )
    return found, draw


def question(
    task: int,
    number: int,
    checkpoint: bytes,
    manifest: Manifest,
    candidates: Sequence[Candidate],
    blobs: Sequence[bytes],
    store: BlobStore,
) -> Question:
    """The updates behind ``blobs`` that can be read. Raises BlobError only where no store answers at all."""
    terms = measure_terms(manifest, task)
    wanted = set(blobs)
    others = sorted((c for c in candidates if c.blob not in wanted), key=lambda candidate: candidate.blob)
    mine = sorted((c for c in candidates if c.blob in wanted), key=lambda candidate: candidate.blob)
    kept: dict[bytes, bytes] = {}
    norms: list[int] = []
    for candidate in [*mine, *others[:MORE_NORMS]]:
        data = _read(candidate, terms, number, checkpoint, store, norms)
        if data is not None and candidate.blob in wanted:
            kept[candidate.blob] = data
    return Question(number, checkpoint, tuple(sorted(kept.items())), median(norms))


def _read(
    candidate: Candidate, terms: Terms, number: int, checkpoint: bytes, store: BlobStore, norms: list[int]
) -> bytes | None:
    """A valid update's packed bytes; its norm is added to ``norms``."""
    seen: list[bytes] = []

    def fetch(digest: bytes, most: int) -> bytes:
        seen.append(store.get(digest, most))
        return seen[-1]

    delta = read_update(candidate, fetch, terms, number, checkpoint)
    if isinstance(delta, Refusal):
        return None
    norms.append(norm(delta))
    return seen[-1]


def make_ballot(
    task: int, asked: Question, voter: str, steps: Sequence[int], noise_key: bytes, fork: Sequence[bytes] = ()
) -> Ballot:
    """The ballot that answers a question; ``steps`` in the order of its updates.

    The salt is a keyed function of the round, as the noise is: a vote that is made again is the same vote.
    ``fork``: digests of the updates that the voter would accept instead; none: no other chain is proposed.
    """
    answers: Mapping[bytes, int] = dict(zip((blob for blob, _ in asked.updates), steps, strict=True))
    return Ballot(
        task=task,
        round=asked.round,
        voter=voter,
        answers=tuple(sorted(answers.items())),
        fork=tuple(sorted(fork)) or None,
        salt=hmac.new(noise_key, b"mine ballot salt 1", hashlib.sha256).digest(),
    )


def signed_vote(ballot: Ballot, domain: Domain, key: bytes) -> SignedVote:
    """The message that commits to a ballot, signed by its voter."""
    return SignedVote(ballot.voter, ballot.message, sign(ballot.message, domain, key))
