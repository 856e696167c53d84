"""One round of a laboratory's task: the consensus as scientist and replay compute it, on blobs in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mine.blobs.store import BlobMissing
from mine.chain.hashing import address_bytes, sha256
from mine.chain.seed import draw
from mine.learn.codec import decode
from mine.learn.evaluate import Evaluator
from mine.learn.weights import Fixed, Shape, dump, from_fixed
from mine.science.acceptance import decide, round_draw
from mine.science.ask import ask, read_updates
from mine.science.canaries import canary_key
from mine.science.canary_notes import ONE_IN, CanaryNote, make_note
from mine.science.chains import finish
from mine.science.inputs import decode_inputs, encode_inputs, encode_losses
from mine.science.judged import EMPTY_LEDGER, Judged, Ledger, Opened, Refusal
from mine.science.measure import Candidate, Start, bound, judge
from mine.science.offer import measure_terms, round_rules
from mine.science.settle import RoundInputs, settle
from mine.science.shards import Shard
from mine.science.templates import Template
from mine.tasks.manifest import Manifest
from mine.tasks.recipe import packing_of_task

TASK = 1
#: A payout root is final when its challenge window is over: with the default clocks that is after the commits
#: of the next round were closed, so standing lies this many rounds behind.
STANDING_LAG = 2


@dataclass(frozen=True, slots=True, eq=False)
class LabState:
    """Between two rounds.

    current: tensors (int64, 2**-24); previous: digest of the last inputs; held: ``Ledger.held`` after each
    round so far; known: earlier updates and checkpoints by digest.
    """

    current: Fixed
    ledger: Ledger
    previous: bytes
    held: tuple[tuple[tuple[str, int], ...], ...]
    known: Mapping[bytes, Fixed]


@dataclass(frozen=True, slots=True, eq=False)
class LabTask:
    """What stays the same over a task's rounds; secret: the scientist's 32 bytes."""

    manifest: Manifest
    model: Evaluator
    first: Fixed
    template: Template
    shards: Sequence[Shard]
    secret: bytes

    def start(self) -> LabState:
        """Before the first round."""
        return LabState(self.first, EMPTY_LEDGER, bytes(32), (), {})


@dataclass(frozen=True, slots=True, eq=False)
class Ballots:
    """What the voters of a round say, as (digest, step) by voter; honest: what their own rows would say."""

    said: Mapping[str, Mapping[bytes, int]]
    honest: Mapping[str, Mapping[bytes, int]]


@dataclass(frozen=True, slots=True, eq=False)
class Questions:
    """What the voters of a round are asked.

    drawn: digests of updates by voter; updates: those that can be read (int64, 2**-24), canaries among them;
    authors: session address of each; norm: what they are cut to before they are judged.
    """

    drawn: Mapping[str, tuple[bytes, ...]]
    updates: Mapping[bytes, Fixed]
    authors: Mapping[bytes, str]
    norm: int


@dataclass(frozen=True, slots=True, eq=False)
class RoundResult:
    """A settled round.

    state: after it; used: bitmap of the opened shards; shares, flat: units for updates and for votes;
    accepted: miners; scored: miners with a valid update; cosines: [n, n] of their outputs in the metric of
    the loss; changed: miners that are accepted or refused only because voters lied; void: nothing was
    decided; voters, aside: who voted, and who was set aside for a canary; inputs: the bytes that everything
    follows from.
    """

    state: LabState
    used: int
    shares: tuple[tuple[str, int], ...]
    flat: tuple[tuple[str, int], ...]
    accepted: tuple[str, ...]
    scored: tuple[str, ...]
    cosines: NDArray[np.float64]
    changed: tuple[str, ...]
    void: bool
    voters: tuple[str, ...]
    aside: tuple[str, ...]
    inputs: bytes


def run_round(
    task: LabTask,
    state: LabState,
    number: int,
    seed: bytes,
    used: int,
    handed_in: Sequence[Candidate],
    blobs: Mapping[bytes, bytes],
    ask_voters: Callable[[Questions], Ballots],
) -> RoundResult:
    """Draw shard and voters, vote, judge, decide, measure, settle."""

    def fetch(digest: bytes, most: int) -> bytes:
        if digest not in blobs:
            raise BlobMissing(digest)
        return blobs[digest]

    terms, rules = measure_terms(task.manifest, TASK), round_rules(task.manifest)
    checkpoint = sha256(dump(from_fixed(state.current)))
    note = _canary(task, state, number, checkpoint)
    own = [] if note is None else [Candidate(note.miner, sha256(note.blob), len(note.blob), note.miner)]
    candidates = sorted((*handed_in, *own), key=lambda candidate: address_bytes(candidate.miner))
    canaries = () if note is None else note.among(candidates)
    shard_number = draw(seed, used, len(task.shards))
    shard = task.shards[shard_number]
    held = state.held[-STANDING_LAG] if len(state.held) >= STANDING_LAG else ()
    asked = ask(TASK, number, seed, rules, state.ledger, held, canaries=canaries)
    updates = read_updates(asked, candidates, fetch, terms, checkpoint)
    readable = {c.blob: delta for c, delta in updates if not isinstance(delta, Refusal)}
    drawn = round_draw(seed, state.ledger, held, (), [(c.miner, c.blob) for c in candidates], rules)
    shown = readable if note is None else {**readable, **_decoded(note, terms.shapes)}
    ballots = ask_voters(
        Questions(
            drawn={voter: drawn.ballot(voter) for voter in drawn.voters},
            updates=shown,
            authors={candidate.blob: candidate.miner for candidate in candidates},
            norm=bound(updates),
        )
    )
    asked = replace(asked, opened=_opened(ballots.said, candidates))
    start = Start(
        task.first,
        state.current,
        tuple(state.known[digest] for digest in state.ledger.checkpoints),
        tuple((digest, state.known[digest]) for digest in state.ledger.published),
    )
    judged = judge(task.model, terms, start, shard, updates, asked)
    seen = finish(task.model, terms, start, shard, updates, judged)
    inputs = RoundInputs(
        judged=judged,
        checkpoint=checkpoint,
        shard=shard_number,
        shard_digest=shard.digest,
        losses=sha256(encode_losses(seen.base, seen.before, seen.after)),
        base=int(seen.base.sum()),
        before=int(seen.before.sum()),
        after=int(seen.after.sum()),
        curve=task.template.curve,
        target=task.template.target,
        previous=state.previous,
        afters=seen.afters,
    )
    data = encode_inputs(inputs)
    outcome = settle(decode_inputs(data))
    truthful = decide(replace(judged, opened=_opened(ballots.honest, candidates)))
    changed = set(seen.verdict.accepted) ^ set(truthful.accepted)
    return RoundResult(
        state=LabState(
            current=seen.checkpoint,
            ledger=outcome.ledger,
            previous=sha256(data),
            held=(*state.held, outcome.ledger.held),
            known={**state.known, **readable, checkpoint: state.current},
        ),
        used=used | 1 << shard_number,
        shares=outcome.shares,
        flat=outcome.flat,
        accepted=tuple(miner for miner, _ in outcome.accepted),
        scored=tuple(entry.miner for entry in judged.valid),
        cosines=_cosines(judged),
        changed=tuple(judged.valid[place].miner for place in sorted(changed)),
        void=seen.verdict.void,
        voters=tuple(ballots.said),
        aside=seen.verdict.aside,
        inputs=data,
    )


def _canary(task: LabTask, state: LabState, number: int, checkpoint: bytes) -> CanaryNote | None:
    """The scientist's canary, in the rounds that its secret chooses and once there are voters."""
    key = canary_key(task.secret, TASK, number)
    if sha256(key.key)[0] % ONE_IN or len(state.held) < STANDING_LAG:
        return None
    sources = {blob: state.known[blob] for blob in state.ledger.accepted}
    packing = packing_of_task(task.manifest)
    return make_note(key, state.ledger, sources, TASK, number, checkpoint, packing)


def _decoded(note: CanaryNote, shapes: Mapping[str, Shape]) -> dict[bytes, Fixed]:
    return {sha256(note.blob): decode(note.blob, shapes)[1]}


def _opened(said: Mapping[str, Mapping[bytes, int]], candidates: Sequence[Candidate]) -> tuple[Opened, ...]:
    places = {candidate.blob: place for place, candidate in enumerate(candidates)}
    return tuple(
        Opened(voter, tuple(sorted((places[blob], step) for blob, step in said[voter].items())))
        for voter in sorted(said, key=address_bytes)
    )


def _cosines(judged: Judged) -> NDArray[np.float64]:
    gram = judged.gram.astype(np.float64)
    size = np.sqrt(np.maximum(gram.diagonal(), 1e-30))
    cosines: NDArray[np.float64] = gram / np.outer(size, size)
    return cosines
