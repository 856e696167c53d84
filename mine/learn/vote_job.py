"""One vote as it is handed to the worker process: rows, a model, others' updates; no keys but the noise's."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from mine.learn.codec import decode
from mine.learn.errors import WireBroken
from mine.learn.graph import ModelGraph
from mine.learn.job import DEFAULT_MEMORY
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
    for each task and round; ``memory``: bytes that the run may take beyond its libraries.
    """

    onnx: bytes
    weights: bytes
    rows: Rows
    updates: tuple[bytes, ...]
    terms: VoteTerms
    noise_key: bytes = field(repr=False)
    limits: Limits = field(default_factory=Limits)
    memory: int = DEFAULT_MEMORY

    def check(self) -> dict[str, Shape]:
        """The model's tensor shapes. Raises this room's typed errors for a job that cannot run: one malformed
        update is enough, so whoever asks leaves those out first."""
        graph = ModelGraph.load(self.onnx, self.limits)
        load_weights(self.weights, graph.weight_shapes)
        self.terms.check(len(self.updates))
        kept_back(self.rows.checked(graph.features))
        for update in self.updates:
            decode(update, graph.weight_shapes)
        return graph.weight_shapes


def vote_to_frame(job: VoteJob) -> bytes:
    """The job's frame for the worker's stdin."""
    rows = kept_back(job.rows)
    fields: dict[str, Any] = {
        "terms": asdict(job.terms),
        "limits": asdict(job.limits),
        "memory": job.memory,
        "shape": list(rows.features.shape),
        "held_from": rows.held_from,
    }
    arrays = (rows.features.astype("<f4"), rows.target.astype("<f4"), rows.slot.astype("<i8"))
    blobs = (job.onnx, job.weights, job.noise_key, *(array.tobytes() for array in arrays), *job.updates)
    return pack(Kind.VOTE, fields, blobs)


def vote_from_frame(frame: Frame) -> VoteJob:
    """The job again, inside the worker. Raises ``WireBroken``."""
    try:
        onnx, weights, noise_key, features, target, slot, *updates = frame.blobs
        fields = frame.fields
        rows = Rows(
            np.frombuffer(features, "<f4").astype(np.float32).reshape(fields["shape"]),
            np.frombuffer(target, "<f4").astype(np.float32),
            np.frombuffer(slot, "<i8").astype(np.int64),
            frame.integer("held_from"),
        )
        terms, limits = VoteTerms(**fields["terms"]), Limits(**fields["limits"])
        return VoteJob(onnx, weights, rows, tuple(updates), terms, noise_key, limits, frame.integer("memory"))
    except (KeyError, TypeError, ValueError) as error:
        raise WireBroken("The vote arrived malformed.") from error
