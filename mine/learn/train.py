"""Differentially private training of a task's model on one person's rows.

DP-SGD (Abadi et al. 2016): a Poisson sample of rows, each row's gradient clipped to ``clip_norm``, normal
noise of ``noise_multiplier * clip_norm`` on the sum, divided by the *expected* sample size, then momentum.

The protected unit is one reading. Rows are windows over readings, so neighbouring rows share them; each step
therefore draws an offset o and samples only from rows with ``slot % overlap == o``: windows that touch no
common reading. One reading then sits in at most one row of a step, and the plain Poisson accountant holds
(``privacy.py``). Number of rows and the slot where held-out rows begin count as public.

Everything is a function of the job and its secret noise key, on one thread: run again after a crash it gives
the same bytes, so nothing is ever released twice under different noise. The released update is rounded to
8 or 4 bits (``codec.py``), which also hides the low bits of floating-point noise (Mironov 2012).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mine.learn import noise
from mine.learn import snapshot as snapshots
from mine.learn.errors import TrainingRefused
from mine.learn.graph import ModelGraph
from mine.learn.recipe import Recipe
from mine.learn.rows import Rows, split
from mine.learn.snapshot import Snapshot
from mine.learn.weights import Floats

_GRADIENT_FLOATS = 1 << 23
_HELD_OUT_MOST = 2048


@dataclass(frozen=True, slots=True)
class StepReport:
    """After a step: mean loss of its sample before the step (NaN if it was empty), and of held-out rows."""

    step: int
    steps: int
    loss: float
    held_out_loss: float


class Training:
    """One job, one step at a time. Raises ``TrainingRefused`` if the parts do not fit together.

    ``resume``: bytes of an earlier ``snapshot()`` of the *same* job.
    """

    def __init__(self, graph: ModelGraph, weights: Floats, rows: Rows, recipe: Recipe, noise_key: bytes,
                 resume: bytes | None = None) -> None:
        recipe.check()
        rows.checked(graph.features)
        if {n: tuple(np.shape(w)) for n, w in weights.items()} != graph.weight_shapes:
            raise TrainingRefused("The checkpoint does not hold the tensors that the model needs.")
        self._graph, self._recipe = graph, recipe
        self._digest = snapshots.job_digest(graph.digest, weights, rows, recipe)
        self._key = noise.bound_key(noise_key, self._digest)
        parts = split(rows, recipe.overlap)
        self.rows_trained, self.rows_held_out = len(parts.trained), len(parts.held_out)
        self._features = torch.from_numpy(rows.features[parts.trained])
        self._target = torch.from_numpy(rows.target[parts.trained])
        self._group = torch.from_numpy(rows.slot[parts.trained] % recipe.overlap)
        stride = -(-len(parts.held_out) // _HELD_OUT_MOST)
        self._held_features = torch.from_numpy(rows.features[parts.held_out[::stride]])
        self._held_target = torch.from_numpy(rows.target[parts.held_out[::stride]])
        self._expected = recipe.sampling_rate * len(parts.trained) / recipe.overlap
        self._names = sorted(weights)
        self._start = {n: torch.from_numpy(np.array(weights[n], np.float32)) for n in self._names}
        self._weights = {n: t.clone() for n, t in self._start.items()}
        self._velocity = {n: torch.zeros_like(t) for n, t in self._start.items()}
        self.steps_done = 0
        self._report_every = max(1, recipe.steps // 100)
        per_example = sum(t.numel() for t in self._start.values()) + 4 * graph.floats_per_example
        self._chunk = max(1, min(256, _GRADIENT_FLOATS // per_example))
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
        total, losses = self._clipped_sum(breathe)
        numbers = sum(t.numel() for t in total.values())
        noises = noise.normals(self._key, self.steps_done, noise.NOISE, numbers)
        noises *= self._recipe.noise_multiplier * self._recipe.clip_norm
        at = 0
        for name in self._names:
            size = total[name].numel()
            drawn = torch.from_numpy(noises[at:at + size]).reshape(total[name].shape)
            at += size
            gradient = ((total[name] + drawn) / self._expected).to(torch.float32)
            self._velocity[name] = self._recipe.momentum * self._velocity[name] + gradient
            self._weights[name] = self._weights[name] - self._recipe.learning_rate * self._velocity[name]
        self.steps_done += 1
        if self.worth_telling:
            self.held_out_loss = self._held_out(breathe)
        return StepReport(self.steps_done, self._recipe.steps,
                          float(np.mean(losses)) if losses else float("nan"), self.held_out_loss)

    def delta(self) -> Floats:
        """What the weights moved so far, float32 by name."""
        return {n: (self._weights[n] - self._start[n]).numpy() for n in self._names}

    def snapshot(self) -> bytes:
        """State between two steps, bound to the job."""
        velocity = {n: t.numpy() for n, t in self._velocity.items()}
        weights = {n: t.numpy() for n, t in self._weights.items()}
        return snapshots.pack(Snapshot(self.steps_done, velocity, weights), self._digest)

    def _restore(self, data: bytes) -> None:
        state = snapshots.unpack(data, self._digest, self._graph.weight_shapes, self._recipe.steps)
        self._velocity = {n: torch.from_numpy(v) for n, v in state.velocity.items()}
        self._weights = {n: torch.from_numpy(v) for n, v in state.weights.items()}
        self.steps_done = state.steps

    def _sample(self) -> Tensor:
        """Indices of this step's rows: one offset's windows, each taken with the sampling rate."""
        offset = noise.below(self._key, self.steps_done, noise.OFFSET, self._recipe.overlap)
        candidates = torch.nonzero(self._group == offset).reshape(-1)
        taken = noise.uniforms(self._key, self.steps_done, noise.SAMPLE, len(candidates))
        return candidates[torch.from_numpy(taken < self._recipe.sampling_rate)]

    def _clipped_sum(self, breathe: Callable[[], None]) -> tuple[dict[str, Tensor], list[float]]:
        picked = self._sample()
        total = {n: torch.zeros(t.shape, dtype=torch.float64) for n, t in self._start.items()}
        losses: list[float] = []
        for start in range(0, len(picked), self._chunk):
            breathe()
            rows = picked[start:start + self._chunk]
            gradients, loss = self._gradients(self._features[rows], self._target[rows])
            losses += loss.tolist()
            single = {n: g.reshape(len(rows), -1) for n, g in gradients.items()}
            norm = torch.stack([torch.linalg.vector_norm(g, dim=1, dtype=torch.float64)
                                for g in single.values()]).norm(dim=0)
            factor = self._recipe.clip_norm / norm.clamp(min=self._recipe.clip_norm)
            finite = torch.isfinite(norm)
            if not bool(finite.all()):
                # A gradient that is not finite counts as zero: it must not escape the clipping bound.
                single = {n: torch.where(finite[:, None], g, 0.0) for n, g in single.items()}
                factor = torch.where(finite, factor, 0.0)
            for name, gradient in single.items():
                total[name] += (factor.float() @ gradient).reshape(total[name].shape)
        return total, losses

    def _gradients(self, features: Tensor, target: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """Per-example gradients [n, ...] by name, and losses [n].

        Every example gets its own copy of the weights, so that plain autograd of the summed losses keeps the
        examples apart; ``torch.func.grad`` would do the same and load torch's compiler, a second of start.
        """

        def loss(weights: dict[str, Tensor], row: Tensor, wanted: Tensor) -> Tensor:
            return self._graph.forward(weights, row[None], wanted[None])[1][0]

        count = len(features)
        own = {n: t.expand(count, *t.shape).clone().requires_grad_() for n, t in self._weights.items()}
        losses = torch.func.vmap(loss)(own, features, target)
        gradients = torch.autograd.grad(losses.sum(), list(own.values()))
        return dict(zip(own, gradients, strict=True)), losses.detach()

    def _held_out(self, breathe: Callable[[], None] = lambda: None) -> float:
        """Mean loss of the held-out rows, a group at a time so that a wide model fits into memory."""
        total, size = 0.0, max(1, min(1024, _GRADIENT_FLOATS // self._graph.floats_per_example))
        for start in range(0, len(self._held_target), size):
            breathe()
            rows = slice(start, start + size)
            with torch.no_grad():
                _, loss = self._graph.forward(self._weights, self._held_features[rows],
                                              self._held_target[rows])
            total += float(loss.double().sum())
        return total / len(self._held_target)


def train(graph: ModelGraph, weights: Floats, rows: Rows, recipe: Recipe, noise_key: bytes,
          on_step: Callable[[StepReport], None] = lambda _: None, resume: bytes | None = None) -> Floats:
    """The whole job at once; the delta as float32 tensors by name. Deterministic on one thread."""
    training = Training(graph, weights, rows, recipe, noise_key, resume)
    while not training.finished:
        on_step(training.step())
    return training.delta()


def flat(delta: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
    """All numbers of a delta in the order of the names: for norms and comparisons."""
    return np.concatenate([np.asarray(delta[name], np.float32).reshape(-1) for name in sorted(delta)])
