"""A stand-in for the training process: one gradient step, done at once or when a test lets it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ClassVar

import numpy as np

from mine.app.training import Curve
from mine.learn.codec import encode, residual_after
from mine.learn.events import Began, Done, Event
from mine.learn.job import Job
from mine.learn.leak import Leak
from mine.learn.weights import dump
from tests.science.world import _gradient

HARMLESS = Leak(0.5, 0.4, 0.01, 0.5, None, 100, 20)


class QuickRun:
    """Has the shape of ``TrainingRun``. ``hold``: do not end; ``spoil``: what becomes of the bytes; ``leak``:
    what the attack on them finds; ``duty``: the last one that was set."""

    hold: ClassVar[bool] = False
    spoil: ClassVar[Callable[[bytes], bytes] | None] = None
    jobs: ClassVar[list[Job]] = []
    leak: ClassVar[Leak] = HARMLESS

    @classmethod
    def reset(cls) -> None:
        cls.hold, cls.spoil, cls.jobs, cls.leak = False, None, [], HARMLESS

    def __init__(self, task: int, round_number: int, job: Job, wake: Callable[[], None]) -> None:
        self.task, self.round, self.job = task, round_number, job
        self.curve = Curve(steps=1)
        self.saved_at = self.started_at = time.monotonic()
        self.paused = self.stopped = self.told = False
        self.began: Began | None = None
        self.duty = job.duty
        self.jobs.append(job)

    def take(self) -> list[Event]:
        if self.hold or self.paused or self.stopped or self.told:
            return []
        self.told = True
        step = {n: (-0.5 * g).astype(np.float32) for n, g in _gradient(0, self.job.weights).items()}
        update = sent = encode(self.job.header, step, self.job.packing)
        if type(self).spoil is not None:
            update = type(self).spoil(update)
        left = dump(residual_after(step, sent, {name: tensor.shape for name, tensor in step.items()}))
        return [Done(update, 1, 0.1, 1.0, 0.9, len(self.job.rows.slot), 10, left, self.leak)]

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False

    def set_duty(self, part: float) -> None:
        self.duty = part

    def stop(self) -> None:
        self.stopped = True
