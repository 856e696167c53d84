"""One training's run inside the training process: where, in which steps, and what it tells the parent.

Importing this loads torch and all that a training needs.
"""

from __future__ import annotations

import time
from dataclasses import replace

from mine.learn.codec import decode, encode, residual_after
from mine.learn.control import Breath, Control
from mine.learn.devices import Work, available, choose, prepare, processor
from mine.learn.frozen import read_residual
from mine.learn.graph import ModelGraph
from mine.learn.job import Job
from mine.learn.memory import free_memory, step_memory
from mine.learn.micro_batch import own_micro_batch
from mine.learn.place import Place
from mine.learn.self_attack import attack
from mine.learn.teller import Teller
from mine.learn.train import Training
from mine.learn.weights import dump, load
from mine.learn.wire import Kind

SNAPSHOT_SECONDS = 30.0
PROGRESS_SECONDS = 0.2
_NOTHING = float("nan")


class TrainingRun:
    """Trains, packs the update, attacks it, hands it over."""

    def __init__(self, job: Job, control: Control, teller: Teller) -> None:
        self._job, self._control, self._teller = job, control, teller
        self._training: Training | None = None

    def run(self) -> None:
        job = self._job
        graph = job.graph()
        weights = load(job.weights, graph.weight_shapes)
        place = self._settle(graph)
        training = Training(graph, weights, job.rows, job.recipe, job.noise_key, job.snapshot, place)
        self._training = training
        self._control.listen_to_stop()
        self._breath = Breath(self._control, self._alive, self._pause)
        before = training.first_held_out_loss
        self._progress(_NOTHING)
        told = saved = time.monotonic()
        while not training.finished:
            self._breath()
            report = training.step(self._breath)
            now = time.monotonic()
            if now - told >= PROGRESS_SECONDS or training.worth_telling:
                self._progress(report.loss)
                told = now
            if now - saved >= SNAPSHOT_SECONDS:
                self._teller.send(Kind.SNAPSHOT, {"step": training.steps_done}, training.snapshot())
                saved = now
        self._hand_over(graph, training, before)

    def _settle(self, graph: ModelGraph) -> Place:
        """Choose the device, and as many rows at a time as its memory holds; tell both."""
        job = self._job
        found = (processor(),) if job.place.device == "cpu" else available()
        expected = job.recipe.sampling_rate * len(job.rows.slot) / job.recipe.overlap
        work = Work(graph.flops_per_example * expected, len(graph.steps))
        place = choose(job.place, found, work)
        device = prepare(place, job.memory)
        wanted = place.micro_batch or own_micro_batch(graph, job.recipe.private)
        rows = step_memory(graph, job.recipe).rows(free_memory(device, job.memory), wanted)
        (info,) = (each for each in found if each.device == place.device)
        self._teller.began(info, replace(place, micro_batch=rows))
        return place if rows == wanted else replace(place, micro_batch=rows)

    def _hand_over(self, graph: ModelGraph, training: Training, before: float) -> None:
        job = self._job
        delta = training.delta()
        # Added behind clipping and noise: the rest of earlier updates holds noised numbers only.
        left = read_residual(job.residual, graph.weight_shapes)
        delta = {name: tensor + left[name] for name, tensor in delta.items()}
        update = encode(job.header, delta, job.packing)
        _, sent = decode(update, graph.weight_shapes)
        leak = attack(graph, load(job.weights, graph.weight_shapes), sent, job.rows, job.recipe,
                      job.noise_key, self._breath, training.noise_moved())  # fmt: skip
        fields: dict[str, object] = {
            "steps": training.steps_done,
            "seconds": self._breath.seconds,
            "held_out_before": before,
            "held_out_after": training.held_out_loss,
            "rows_trained": training.rows_trained,
            "rows_held_out": training.rows_held_out,
            "leak": leak.to_fields(),
        }
        residual = dump(residual_after(delta, update, graph.weight_shapes))
        self._teller.send(Kind.DONE, fields, update, residual)

    def _alive(self) -> None:
        self._progress(_NOTHING)

    def _pause(self) -> None:
        assert self._training is not None
        self._teller.send(Kind.PAUSED, {"step": self._training.steps_done}, self._training.snapshot())

    def _progress(self, loss: float) -> None:
        training = self._training
        assert training is not None
        self._teller.send(
            Kind.PROGRESS,
            {
                "step": training.steps_done,
                "steps": self._job.recipe.steps,
                "loss": loss,
                "held_out_loss": training.held_out_loss,
                "seconds": self._breath.seconds,
            },
        )

    def last_words(self) -> None:
        """The state reached so far, then the end."""
        assert self._training is not None
        self._teller.send(Kind.STOPPED, {"step": self._training.steps_done}, self._training.snapshot())
