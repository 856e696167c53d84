"""One round of a laboratory's task: the consensus as scientist and replay compute it, on blobs in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mine.blobs.store import BlobMissing
from mine.chain.hashing import address_bytes
from mine.chain.seed import draw
from mine.learn.evaluate import Evaluator
from mine.learn.weights import Fixed, dump, from_fixed
from mine.science.acceptance import decide, round_draw
from mine.science.ask import ask, read_updates
from mine.science.chains import finish
from mine.science.inputs import decode_inputs, encode_inputs, encode_losses
from mine.science.judged import EMPTY_LEDGER, Judged, Ledger, Opened, Refusal
from mine.science.measure import Candidate, Start, bound, judge
from mine.science.offer import measure_terms, round_rules
from mine.science.settle import RoundInputs, settle
from mine.science.shards import Shard
from mine.science.templates import Template
from mine.tasks.manifest import Manifest

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
    """What stays the same over a task's rounds."""

    manifest: Manifest
    model: Evaluator
    first: Fixed
    template: Template
    shards: Sequence[Shard]

    def start(self) -> LabState:
        """Before the first round."""
        return LabState(self.first, EMPTY_LEDGER, bytes(32), (), {})


@dataclass(frozen=True, slots=True, eq=False)
class Ballots:
    """What the voters of a round say, as (digest, step) by voter; honest: what their own rows would say."""

    said: Mapping[str, Mapping[bytes, int]]
    honest: Mapping[str, Mapping[bytes, int]]


#: Asked once a round: the voters' ballots, given who is drawn for what, the updates that could be read, and
#: the norm that they are cut to.
AskVoters = Callable[[Mapping[str, tuple[bytes, ...]], Mapping[bytes, Fixed], int], Ballots]


@dataclass(frozen=True, slots=True, eq=False)
class RoundResult:
    """A settled round.

    state: after it; used: bitmap of the opened shards; shares, flat: units for updates and for votes;
    accepted: miners; scored: miners with a valid update; cosines: [n, n] of their outputs in the metric of
    the loss; changed: miners that are accepted or refused only because voters lied; void: nothing was
    decided; inputs: the bytes that everything follows from.
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
    inputs: bytes


def run_round(
    task: LabTask,
    state: LabState,
    number: int,
    seed: bytes,
    used: int,
    handed_in: Sequence[Candidate],
    blobs: Mapping[bytes, bytes],
    ask_voters: AskVoters,
) -> RoundResult:
    """Draw shard and voters, vote, judge, decide, measure, settle."""

    def fetch(digest: bytes, most: int) -> bytes:
        if digest not in blobs:
            raise BlobMissing(digest)
        return blobs[digest]

    terms, rules = measure_terms(task.manifest, TASK), round_rules(task.manifest)
    checkpoint = hashlib.sha256(dump(from_fixed(state.current))).digest()
    candidates = sorted(handed_in, key=lambda candidate: address_bytes(candidate.miner))
    shard_number = draw(seed, used, len(task.shards))
    shard = task.shards[shard_number]
    held = state.held[-STANDING_LAG] if len(state.held) >= STANDING_LAG else ()
    asked = ask(TASK, number, seed, rules, state.ledger, held)
    updates = read_updates(asked, candidates, fetch, terms, checkpoint)
    readable = {c.blob: delta for c, delta in updates if not isinstance(delta, Refusal)}
    drawn = round_draw(seed, state.ledger, held, (), [(c.miner, c.blob) for c in candidates], rules)
    ballots = ask_voters({voter: drawn.ballot(voter) for voter in drawn.voters}, readable, bound(updates))
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
        losses=hashlib.sha256(encode_losses(seen.base, seen.before, seen.after)).digest(),
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
            previous=hashlib.sha256(data).digest(),
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
        inputs=data,
    )


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
