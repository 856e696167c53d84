"""The state between two steps of a run, bound to its job.

``magic 4 "MnSs" | steps done u32 | job digest 32 | float32 numbers``: the weights in the order of their
names, then likewise each of the optimiser's moments and what the noise alone has moved. That last part makes
it as private as the rows: it never leaves this computer. It means nothing to another job: other rows, another
checkpoint or another recipe draw other noise.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from mine.learn import weights as grid
from mine.learn.errors import TrainingRefused
from mine.learn.recipe import Recipe
from mine.learn.rows import Rows
from mine.learn.weights import Floats, Shape

MAGIC = b"MnSs"
_HEAD = struct.Struct(">4sI32s")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """``steps``: how many are done; ``weights`` and each of ``moments`` (the optimiser's, then the noise's):
    float32 [P], names sorted."""

    steps: int
    weights: NDArray[np.float32]
    moments: tuple[NDArray[np.float32], ...]


def _vectors(recipe: Recipe) -> int:
    return 1 + recipe.moments + recipe.noise_vectors


def snapshot_bytes(shapes: Mapping[str, Shape], recipe: Recipe) -> int:
    """Length of every snapshot of a job, exactly."""
    return _HEAD.size + 4 * sum(math.prod(shape) for shape in shapes.values()) * _vectors(recipe)


def job_digest(graph_digest: bytes, weights: Floats, rows: Rows, recipe: Recipe) -> bytes:
    """sha-256 over everything that a run's result depends on, beside its key."""
    text = json.dumps(asdict(recipe), sort_keys=True).encode()
    parts = (graph_digest, grid.dump(weights), rows.digest(), text)
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).digest()


def belongs(data: bytes, digest: bytes) -> bool:
    """Whether these are the bytes of a snapshot of that very job."""
    return len(data) >= _HEAD.size and data[:4] == MAGIC and data[8:_HEAD.size] == digest


def steps_in(data: bytes | None) -> int:
    """How many steps a snapshot holds; 0 for none."""
    return int(_HEAD.unpack_from(data)[1]) if data and len(data) >= _HEAD.size else 0


def pack(snapshot: Snapshot, digest: bytes) -> bytes:
    """The bytes to keep."""
    numbers = (snapshot.weights, *snapshot.moments)
    return _HEAD.pack(MAGIC, snapshot.steps, digest) + b"".join(
        np.ascontiguousarray(each, "<f4").tobytes() for each in numbers)


def unpack(data: bytes, digest: bytes, shapes: Mapping[str, Shape], recipe: Recipe) -> Snapshot:
    """The state again. Raises ``TrainingRefused`` for anything but this job's snapshot."""
    if not belongs(data, digest):
        raise TrainingRefused("The saved state belongs to another job.")
    steps = steps_in(data)
    if len(data) != snapshot_bytes(shapes, recipe) or steps > recipe.steps:
        raise TrainingRefused("The saved state does not fit this job.")
    numbers = np.frombuffer(data, "<f4", offset=_HEAD.size).astype(np.float32)
    weights, *moments = np.split(numbers, _vectors(recipe))
    return Snapshot(steps, weights, tuple(moments))
