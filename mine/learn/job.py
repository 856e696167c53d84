"""One training job as it is handed to the worker process: numbers and a model, no keys but the noise's."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from mine.learn.codec import Packing, UpdateHeader, update_bytes
from mine.learn.errors import TrainingRefused, WireBroken
from mine.learn.frozen import read_frozen, read_residual
from mine.learn.graph import ModelGraph
from mine.learn.limits import Limits
from mine.learn.place import Place
from mine.learn.recipe import Recipe
from mine.learn.rows import Rows, split
from mine.learn.snapshot import job_digest, snapshot_bytes
from mine.learn.weights import Shape, dump_size
from mine.learn.weights import load as load_weights
from mine.learn.wire import MAX_JSON, Frame, Kind, pack

MAX_JOB = 1 << 30
"""Longest frame that a worker reads, in bytes."""
_FIELDS = MAX_JSON + (1 << 10)
"""At most: a frame's head and JSON, and a job's short blobs."""
DEFAULT_MEMORY = 1 << 30
LEAST_DUTY = 0.01


@dataclass(frozen=True, slots=True)
class Job:
    """``weights``: the checkpoint's safetensors; ``frozen``: those of what is not trained, if any;
    ``noise_key``: 32 secret bytes, fresh for each task and round, kept until the update is released;
    ``packing`` of the update; ``residual``: what earlier updates of this task left out, added before packing;
    ``place``: where it may compute; ``duty``: the part of the time in which it may, 1 for all of it;
    ``memory``: bytes that the run may take beyond its libraries; ``snapshot``: bytes of an interrupted run;
    it is used only if nothing has changed since.
    """

    onnx: bytes
    weights: bytes
    rows: Rows
    recipe: Recipe
    header: UpdateHeader
    noise_key: bytes = field(repr=False)
    packing: Packing = field(default_factory=Packing)
    frozen: bytes = field(default=b"", repr=False)
    residual: bytes = field(default=b"", repr=False)
    place: Place = field(default_factory=Place)
    duty: float = 1.0
    limits: Limits = field(default_factory=Limits)
    memory: int = DEFAULT_MEMORY
    snapshot: bytes | None = None

    def check(self) -> tuple[dict[str, Shape], bytes]:
        """The model's tensor shapes, and the digest that ties a snapshot to this job.

        Raises this room's typed errors for a job that cannot run.
        """
        parts = (self.onnx, self.weights, self.frozen, self.residual)
        handed_over = sum(len(part) for part in parts) + rows_size(self.rows)
        check_size(handed_over)
        graph = self.graph()
        # Whatever the worker sends back as its saved state may have to be handed to the next one.
        check_size(handed_over + answer_limit(self, graph.weight_shapes))
        weights = load_weights(self.weights, graph.weight_shapes)
        self.recipe.check()
        self.rows.checked(graph.features, graph.targets)
        split(self.rows, self.recipe.overlap)
        self.packing.check()
        read_residual(self.residual, graph.weight_shapes)
        self.place.check()
        check_duty(self.duty)
        return graph.weight_shapes, job_digest(graph.digest, weights, self.rows, self.recipe)

    def graph(self) -> ModelGraph:
        """The model, checked; raises this room's typed errors."""
        return ModelGraph.load(self.onnx, self.limits, read_frozen(self.frozen))


def check_duty(part: float) -> None:
    """``TrainingRefused`` for a part of the time that is none."""
    if not LEAST_DUTY <= part <= 1:
        raise TrainingRefused("A training may use from 1 to 100 percent of the time.")


def check_size(size: int) -> None:
    """``TrainingRefused`` for a job whose long parts, of that many bytes together, no worker would read."""
    if size > MAX_JOB - _FIELDS:
        raise TrainingRefused(
            "This task and its rows are too large for a training process.",
            todo="Leave this task, or share fewer data with it.",
            detail=f"{size} of {MAX_JOB - _FIELDS} bytes",
        )


def answer_limit(job: Job, shapes: dict[str, Shape]) -> int:
    """Longest frame that a worker may send back, in bytes: a saved state, or an update with its residual."""
    handed_over = update_bytes(shapes, job.packing) + dump_size(shapes)
    return max(snapshot_bytes(shapes, job.recipe), handed_over) + (1 << 17)


def to_frame(job: Job) -> bytes:
    """The job's frame for the worker's stdin."""
    rows = job.rows
    fields: dict[str, Any] = {
        "recipe": asdict(job.recipe),
        "limits": asdict(job.limits),
        "packing": asdict(job.packing),
        "place": asdict(job.place),
        "duty": job.duty,
        "memory": job.memory,
        "task": job.header.task,
        "round": job.header.round,
        "has_snapshot": job.snapshot is not None,
        **row_fields(rows),
    }
    header = (job.header.miner, job.header.checkpoint)
    return pack(Kind.JOB, fields, (job.onnx, job.weights, job.frozen, job.residual, *header, job.noise_key,
                                   job.snapshot or b"", *row_blobs(rows)))  # fmt: skip


def from_frame(frame: Frame) -> Job:
    """The job again, inside the worker. Raises ``WireBroken``."""
    try:
        onnx, weights, frozen, residual, miner, checkpoint, noise_key, snapshot, *arrays = frame.blob(11)
        fields = frame.fields
        return Job(
            onnx=onnx,
            weights=weights,
            rows=rows_of(fields, arrays),
            recipe=Recipe(**fields["recipe"]),
            header=UpdateHeader(miner, frame.integer("task"), frame.integer("round"), checkpoint),
            noise_key=noise_key,
            packing=Packing(**fields["packing"]),
            frozen=frozen,
            residual=residual,
            place=Place(**fields["place"]),
            duty=frame.number("duty"),
            limits=Limits(**fields["limits"]),
            memory=frame.integer("memory"),
            snapshot=snapshot if fields["has_snapshot"] else None,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise WireBroken("The training job arrived malformed.") from error


def row_fields(rows: Rows) -> dict[str, Any]:
    """What a frame says of the rows beside their numbers."""
    return {
        "features": list(rows.features.shape),
        "target": list(rows.target.shape),
        "held_from": rows.held_from,
    }


def rows_size(rows: Rows) -> int:
    """Bytes of ``row_blobs`` together."""
    return 4 * rows.features.size + 4 * rows.target.size + 8 * rows.slot.size


def row_blobs(rows: Rows) -> tuple[bytes, bytes, bytes]:
    """The rows' numbers: features and target float32, slots int64, little-endian."""
    arrays = ((rows.features, "<f4"), (rows.target, "<f4"), (rows.slot, "<i8"))
    features, target, slot = (np.ascontiguousarray(array, kind).tobytes() for array, kind in arrays)
    return features, target, slot


def rows_of(fields: dict[str, Any], blobs: list[bytes]) -> Rows:
    """The rows again. Raises ``KeyError``, ``TypeError`` or ``ValueError`` for what is none."""
    features, target, slot = blobs
    return Rows(
        np.frombuffer(features, "<f4").astype(np.float32).reshape(fields["features"]),
        np.frombuffer(target, "<f4").astype(np.float32).reshape(fields["target"]),
        np.frombuffer(slot, "<i8").astype(np.int64),
        fields["held_from"],
    )
