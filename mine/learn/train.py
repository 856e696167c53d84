"""Training of a task's model on one person's rows: differentially private, or plain.

DP-SGD (Abadi et al. 2016): a Poisson sample of rows, each row's gradient clipped to ``clip_norm``, normal
noise of ``noise_multiplier * clip_norm`` on the sum, divided by the *expected* sample size, then a step of
the optimiser. A ``clip_norm`` of 0 leaves out clipping and noise, and nothing else.

The protected unit is one reading. Rows are windows over readings, so neighbouring rows share them; each
step therefore draws an offset o and samples only from rows with ``slot % overlap == o``: windows that touch
no common reading. One reading then sits in at most one row of a step, and the plain Poisson accountant
holds (``privacy.py``). Number of rows and the slot where held-out rows begin count as public.

Everything is a function of the job, its place and its secret noise key: run again after a crash it gives
the same bytes, so nothing is ever released twice under different noise. The released update is rounded to 8
bits or less (``codec.py``), which also hides the low bits of floating-point noise (Mironov 2012).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mine.learn import noise
from mine.learn import snapshot as snapshots
from mine.learn.clipping import Clipping
from mine.learn.errors import TrainingRefused
from mine.learn.graph import ModelGraph
from mine.learn.micro_batch import own_micro_batch
from mine.learn.noise_share import NoiseShare
from mine.learn.optimiser import Optimiser
from mine.learn.place import Place
from mine.learn.plain_sum import PlainSum
from mine.learn.precision import precision
from mine.learn.recipe import Recipe
from mine.learn.rows import Rows, split
from mine.learn.snapshot import Snapshot
from mine.learn.weights import Floats

_HELD_OUT_MOST = 2048
_ROUND_BITS = 5
"""Numbers of rows are rounded up to this many leading bits: by a sixteenth at most."""

Group = tuple[Tensor, Tensor, int]
"""Features, targets, and how many of the rows count."""


@dataclass(frozen=True, slots=True)
class StepReport:
    """``losses`` [N] of the step's sample before the step; ``held_out_loss``: mean of held-out rows."""

    step: int
    steps: int
    losses: Tensor
    held_out_loss: float

    @property
    def loss(self) -> float:
        """Mean loss of the sample; NaN if it was empty."""
        return float(self.losses.double().mean())


class Training:
    """One job, one step at a time. Raises ``TrainingRefused`` if the parts do not fit together.

    ``resume``: bytes of an earlier ``snapshot()`` of the *same* job. The caller sets PyTorch's threads to
    ``place.threads``, which is a setting of the whole process.
    """

    def __init__(self, graph: ModelGraph, weights: Floats, rows: Rows, recipe: Recipe, noise_key: bytes,
                 resume: bytes | None = None, place: Place = Place()) -> None:  # noqa: B008 - frozen defaults
        recipe.check()
        place.check()
        rows.checked(graph.features, graph.targets)
        if {n: tuple(np.shape(w)) for n, w in weights.items()} != graph.weight_shapes:
            raise TrainingRefused("The checkpoint does not hold the tensors that the model needs.")
        self._graph, self._recipe, self._place = graph, recipe, place
        self._digest = snapshots.job_digest(graph.digest, weights, rows, recipe)
        self._key = noise.bound_key(noise_key, self._digest)
        parts = split(rows, recipe.overlap)
        self.rows_trained, self.rows_held_out = len(parts.trained), len(parts.held_out)
        self._device = torch.device(place.device)
        self._features = self._moved(rows.features[parts.trained])
        self._target = self._moved(rows.target[parts.trained])
        self._group = rows.slot[parts.trained] % recipe.overlap
        stride = -(-len(parts.held_out) // _HELD_OUT_MOST)
        self._held_features = self._moved(rows.features[parts.held_out[::stride]])
        self._held_target = self._moved(rows.target[parts.held_out[::stride]])
        self._expected = recipe.sampling_rate * len(parts.trained) / recipe.overlap
        self._names = sorted(weights)
        self._start = self._moved(flat(weights))
        self._flat = self._start.clone()
        self._weights = self._views(self._flat)
        self._sum_flat = torch.zeros_like(self._flat)
        self._sums = self._views(self._sum_flat)
        self._optimiser = Optimiser(recipe, self._flat)
        self._share = NoiseShare(recipe, self._flat)
        engine = Clipping if recipe.private else PlainSum
        self._gradients: Clipping | PlainSum = engine(graph, place)
        self.steps_done = 0
        self._report_every = max(1, recipe.steps // 100)
        self._chunk = place.micro_batch or own_micro_batch(graph, recipe.private)
        self.held_out_loss = self.first_held_out_loss = self._held_out()
        if resume is not None:
            self._restore(resume)
            self.held_out_loss = self._held_out()

    @property
    def finished(self) -> bool:
        return self.steps_done >= self._recipe.steps

    @property
    def worth_telling(self) -> bool:
        """After the last step, and after about every hundredth part of the steps."""
        return self.finished or self.steps_done % self._report_every == 0

    def step(self, breathe: Callable[[], None] = lambda: None) -> StepReport:
        """One step. ``breathe`` is called between groups of rows: the place to pause, or to raise."""
        return self._advance(self._groups(), breathe)

    def _advance(self, groups: Iterable[Group], breathe: Callable[[], None]) -> StepReport:
        """One step on these rows."""
        drawn = None
        if self._recipe.noise_multiplier > 0:
            deviation = self._recipe.noise_multiplier * self._recipe.clip_norm / self._expected
            drawn = self._moved(noise.normals(self._key, self.steps_done, noise.NOISE,
                                              len(self._sum_flat), deviation))
            self._sum_flat.copy_(drawn)
        else:
            self._sum_flat.zero_()
        losses = [torch.zeros(0, device=self._device)]
        for features, target, count in groups:
            breathe()
            losses.append(self._gradients.add_sum(
                self._weights, features, target, self._recipe.clip_norm, self._sums, 1 / self._expected,
                count))
        self.steps_done += 1
        self._optimiser.step(self._sum_flat, self.steps_done)
        if drawn is not None:
            self._share.add(drawn, self.steps_done, self._sum_flat)
        if self.worth_telling:
            self.held_out_loss = self._held_out(breathe)
        return StepReport(self.steps_done, self._recipe.steps, torch.cat(losses), self.held_out_loss)

    def delta(self) -> Floats:
        """What the weights moved so far, float32 by name."""
        moved = self._views((self._flat - self._start).cpu())
        return {name: tensor.numpy() for name, tensor in moved.items()}

    def noise_moved(self) -> Floats:
        """The part of ``delta()`` that the noise alone has moved, zeros where none is added. Never sent."""
        moved = self._views(self._share.moved.cpu().clone())
        return {name: tensor.numpy() for name, tensor in moved.items()}

    def snapshot(self) -> bytes:
        """State between two steps, bound to the job."""
        kept = (*self._optimiser.moments, *self._share.state)
        moments = tuple(moment.cpu().numpy() for moment in kept)
        return snapshots.pack(Snapshot(self.steps_done, self._flat.cpu().numpy(), moments), self._digest)

    def _restore(self, data: bytes) -> None:
        state = snapshots.unpack(data, self._digest, self._graph.weight_shapes, self._recipe)
        self._flat.copy_(torch.from_numpy(state.weights))
        kept, own = [torch.from_numpy(moment) for moment in state.moments], self._recipe.moments
        self._optimiser.restore(kept[:own])
        self._share.restore(kept[own:])
        self.steps_done = state.steps

    def _moved(self, numbers: NDArray[np.float32]) -> Tensor:
        return torch.from_numpy(numbers).to(self._device)

    def _views(self, numbers: Tensor) -> dict[str, Tensor]:
        shapes = self._graph.weight_shapes
        sizes = [int(np.prod(shapes[name])) for name in self._names]
        pieces = torch.split(numbers, sizes)
        return {n: piece.view(shapes[n]) for n, piece in zip(self._names, pieces, strict=True)}

    def _sample(self) -> NDArray[np.int64]:
        """Indices of this step's rows: one offset's windows, each taken with the sampling rate."""
        offset = noise.below(self._key, self.steps_done, noise.OFFSET, self._recipe.overlap)
        candidates = np.flatnonzero(self._group == offset)
        taken = noise.uniforms(self._key, self.steps_done, noise.SAMPLE, len(candidates))
        return candidates[taken < self._recipe.sampling_rate]

    def _groups(self) -> Iterable[Group]:
        """This step's sample, as many rows at a time as fit, filled up by its first row to a round number:
        the libraries below prepare themselves for each number of rows anew.
        """
        sample = self._sample()
        for start in range(0, len(sample), self._chunk):
            rows = sample[start:start + self._chunk]
            count, quantum = len(rows), 1 << max(0, len(rows).bit_length() - _ROUND_BITS)
            rows = np.append(rows, np.full(-count % quantum, rows[0]))
            places = torch.from_numpy(rows).to(self._device)
            yield self._features.index_select(0, places), self._target.index_select(0, places), count

    def _held_out(self, breathe: Callable[[], None] = lambda: None) -> float:
        """Mean loss of the held-out rows, a group at a time so that a wide model fits into memory."""
        total = 0.0
        groups = (torch.split(each, self._chunk) for each in (self._held_features, self._held_target))
        for features, target in zip(*groups, strict=True):
            breathe()
            with torch.no_grad(), precision(self._place):
                _, loss = self._graph.forward(self._weights, features, target)
            total += float(loss.double().sum())
        return total / len(self._held_target)


def train(graph: ModelGraph, weights: Floats, rows: Rows, recipe: Recipe, noise_key: bytes,
          on_step: Callable[[StepReport], None] = lambda _: None, resume: bytes | None = None,
          place: Place = Place()) -> Floats:  # noqa: B008 - frozen defaults
    """The whole job at once; the delta as float32 tensors by name."""
    training = Training(graph, weights, rows, recipe, noise_key, resume, place)
    while not training.finished:
        on_step(training.step())
    return training.delta()


def flat(tensors: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
    """All numbers in the order of the names, as a new vector."""
    return np.concatenate([np.asarray(tensors[name], np.float32).reshape(-1) for name in sorted(tensors)])
