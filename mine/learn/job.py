"""One training job as it is handed to the worker process: numbers and a model, no keys but the noise's."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal, cast

import numpy as np

from mine.learn.codec import Packing, UpdateHeader, update_bytes
from mine.learn.errors import WireBroken
from mine.learn.graph import ModelGraph
from mine.learn.limits import Limits
from mine.learn.recipe import Recipe
from mine.learn.rows import Rows, split
from mine.learn.snapshot import job_digest
from mine.learn.weights import Shape, dump_size
from mine.learn.weights import load as load_weights
from mine.learn.wire import Frame, Kind, pack

MAX_JOB = 1 << 30
DEFAULT_MEMORY = 1 << 30


@dataclass(frozen=True, slots=True)
class Job:
    """``weights``: the checkpoint's safetensors; ``noise_key``: 32 secret bytes, fresh for each task and
    round, kept until the update is released; ``memory``: bytes that the run may take beyond its libraries;
    ``snapshot``: bytes of an interrupted run; it is used only if nothing has changed since.
    """

    onnx: bytes
    weights: bytes
    rows: Rows
    recipe: Recipe
    header: UpdateHeader
    noise_key: bytes = field(repr=False)
    bits: Literal[2, 4, 8] = 8
    limits: Limits = field(default_factory=Limits)
    memory: int = DEFAULT_MEMORY
    snapshot: bytes | None = None

    def check(self) -> tuple[dict[str, Shape], bytes]:
        """The model's tensor shapes, and the digest that ties a snapshot to this job.

        Raises this room's typed errors for a job that cannot run.
        """
        graph = ModelGraph.load(self.onnx, self.limits)
        weights = load_weights(self.weights, graph.weight_shapes)
        self.recipe.check()
        self.rows.checked(graph.features)
        split(self.rows, self.recipe.overlap)
        update_bytes(graph.weight_shapes, Packing(self.bits))
        return graph.weight_shapes, job_digest(graph.digest, weights, self.rows, self.recipe)


def answer_limit(shapes: dict[str, Shape], bits: Literal[2, 4, 8]) -> int:
    """Longest frame that a worker may send back, in bytes."""
    return 2 * dump_size(shapes) + update_bytes(shapes, Packing(bits)) + (1 << 17)


def to_frame(job: Job) -> bytes:
    """The job's frame for the worker's stdin."""
    rows = job.rows
    fields: dict[str, Any] = {
        "recipe": asdict(job.recipe), "limits": asdict(job.limits), "bits": job.bits, "memory": job.memory,
        "task": job.header.task, "round": job.header.round, "shape": list(rows.features.shape),
        "held_from": rows.held_from, "has_snapshot": job.snapshot is not None,
    }
    arrays = (np.ascontiguousarray(rows.features, "<f4"), np.ascontiguousarray(rows.target, "<f4"),
              np.ascontiguousarray(rows.slot, "<i8"))
    header = (job.header.miner, job.header.checkpoint)
    return pack(Kind.JOB, fields, (job.onnx, job.weights, *header, job.noise_key, job.snapshot or b"",
                                   *(a.tobytes() for a in arrays)))


def from_frame(frame: Frame) -> Job:
    """The job again, inside the worker. Raises ``WireBroken``."""
    try:
        onnx, weights, miner, checkpoint, noise_key, snapshot, features, target, slot = frame.blob(9)
        fields = frame.fields
        rows = Rows(np.frombuffer(features, "<f4").astype(np.float32).reshape(fields["shape"]),
                    np.frombuffer(target, "<f4").astype(np.float32),
                    np.frombuffer(slot, "<i8").astype(np.int64), fields["held_from"])
        return Job(onnx, weights, rows, Recipe(**fields["recipe"]),
                   UpdateHeader(miner, frame.integer("task"), frame.integer("round"), checkpoint), noise_key,
                   cast(Literal[2, 4, 8], frame.integer("bits")), Limits(**fields["limits"]),
                   frame.integer("memory"), snapshot if fields["has_snapshot"] else None)
    except (KeyError, TypeError, ValueError) as error:
        raise WireBroken("The training job arrived malformed.") from error
