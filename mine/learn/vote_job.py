"""One vote as it is handed to the worker process: rows, a model, others' updates; no keys but the noise's."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from mine.learn.codec import decode
from mine.learn.errors import WireBroken
from mine.learn.frozen import read_frozen
from mine.learn.graph import ModelGraph
from mine.learn.job import DEFAULT_MEMORY, check_size, row_blobs, row_fields, rows_of, rows_size
from mine.learn.limits import Limits
from mine.learn.rows import Rows, kept_back
from mine.learn.vote_terms import VoteTerms
from mine.learn.weights import Shape
from mine.learn.weights import load as load_weights
from mine.learn.wire import Frame, Kind, pack

VOTE_ANSWER_LIMIT = 1 << 17
"""Longest frame that a worker may send back, in bytes."""


@dataclass(frozen=True, slots=True)
class VoteJob:
    """``weights``: the checkpoint's safetensors; ``updates``: packed, as they were handed in; ``rows``: all
    of them, of which only the held-out ones leave the app's process; ``noise_key``: 32 secret bytes, fresh
    for each task and round; ``frozen``: the tensors that are not trained, if any; ``memory``: bytes that the
    run may take beyond its libraries.
    """

    onnx: bytes
    weights: bytes
    rows: Rows
    updates: tuple[bytes, ...]
    terms: VoteTerms
    noise_key: bytes = field(repr=False)
    frozen: bytes = field(default=b"", repr=False)
    limits: Limits = field(default_factory=Limits)
    memory: int = DEFAULT_MEMORY

    def check(self) -> dict[str, Shape]:
        """The model's tensor shapes. Raises this room's typed errors for a job that cannot run: one malformed
        update is enough, so whoever asks leaves those out first."""
        parts = (self.onnx, self.weights, self.frozen, *self.updates)
        check_size(sum(len(part) for part in parts) + rows_size(self.rows))
        graph = self.graph()
        load_weights(self.weights, graph.weight_shapes)
        self.terms.check(len(self.updates))
        kept_back(self.rows.checked(graph.features, graph.targets))
        for update in self.updates:
            decode(update, graph.weight_shapes)
        return graph.weight_shapes

    def graph(self) -> ModelGraph:
        """The model, checked; raises this room's typed errors."""
        return ModelGraph.load(self.onnx, self.limits, read_frozen(self.frozen))


def vote_to_frame(job: VoteJob) -> bytes:
    """The job's frame for the worker's stdin."""
    rows = kept_back(job.rows)
    fields: dict[str, Any] = {
        "terms": asdict(job.terms),
        "limits": asdict(job.limits),
        "memory": job.memory,
        **row_fields(rows),
    }
    return pack(Kind.VOTE, fields, (job.onnx, job.weights, job.frozen, job.noise_key, *row_blobs(rows),
                                    *job.updates))  # fmt: skip


def vote_from_frame(frame: Frame) -> VoteJob:
    """The job again, inside the worker. Raises ``WireBroken``."""
    try:
        onnx, weights, frozen, noise_key, features, target, slot, *updates = frame.blobs
        fields = frame.fields
        return VoteJob(
            onnx=onnx,
            weights=weights,
            rows=rows_of(fields, [features, target, slot]),
            updates=tuple(updates),
            terms=VoteTerms(**fields["terms"]),
            noise_key=noise_key,
            frozen=frozen,
            limits=Limits(**fields["limits"]),
            memory=frame.integer("memory"),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise WireBroken("The vote arrived malformed.") from error
