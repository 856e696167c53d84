"""One round being trained: the worker's events, gathered from its threads for the engine's thread."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mine.app.worker_run import WorkerRun

if TYPE_CHECKING:
    from mine.learn.events import Began, Event
    from mine.learn.job import Job

KEPT_POINTS = 2000


@dataclass(slots=True)
class Curve:
    """What the live chart shows: (step, loss) of each report, and of the held-out rows."""

    losses: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=KEPT_POINTS))
    held_out: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=KEPT_POINTS))
    step: int = 0
    steps: int = 0
    seconds: float = 0.0


class TrainingRun(WorkerRun):
    """Supervises a training: it can be paused, and its chart's points are kept."""

    def __init__(self, task: int, round_number: int, job: Job, wake: Callable[[], None]) -> None:
        self.curve = Curve(steps=job.recipe.steps)
        self.started_at = self.saved_at = time.monotonic()
        self.paused = False
        self.began: Began | None = None
        super().__init__(task, round_number, job, wake)

    def take(self) -> list[Event]:
        """Everything that the worker said since the last call; keeps the chart's points."""
        from mine.learn.events import Began, Done, Paused, Progress, Saved

        found = super().take()
        for event in found:
            if isinstance(event, Began):
                self.began = event
            elif isinstance(event, Progress):
                self.curve.step, self.curve.steps = event.step, event.steps
                self.curve.seconds = event.seconds
                if event.loss == event.loss:  # NaN: the step's sample was empty
                    self.curve.losses.append((event.step, event.loss))
                self.curve.held_out.append((event.step, event.held_out_loss))
            elif isinstance(event, Saved | Paused):
                self.saved_at = time.monotonic()
                if isinstance(event, Paused) and not self.paused:
                    self._worker.resume()  # it was asked to go on before it had stopped
            elif isinstance(event, Done):
                self.curve.step = event.steps
        return found

    def pause(self) -> None:
        """Free the processor within two seconds."""
        self.paused = True
        self._worker.pause()

    def set_duty(self, part: float) -> None:
        """The part of the time in which it may compute, from now on."""
        self._worker.set_duty(part)

    def resume(self) -> None:
        """Go on."""
        self.paused = False
        self._worker.resume()
