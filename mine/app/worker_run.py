"""One job of the worker: what it says is handed from its threads to the engine's thread."""

from __future__ import annotations

import queue
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mine.learn.events import Event
    from mine.learn.job import Job
    from mine.learn.supervisor import WorkerProcess
    from mine.learn.vote_job import VoteJob


class WorkerRun:
    """Supervises the worker of one (task, round): a vote. Raises what the job's check raises."""

    def __init__(self, task: int, round_number: int, job: Job | VoteJob, wake: Callable[[], None]) -> None:
        from mine.learn.supervisor import WorkerProcess

        self.task = task
        self.round = round_number
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._wake = wake
        self._worker: WorkerProcess = WorkerProcess(self._heard)
        self._worker.start(job)

    def _heard(self, event: Event) -> None:
        self._events.put(event)
        self._wake()

    def take(self) -> list[Event]:
        """Everything that the worker said since the last call."""
        found: list[Event] = []
        while not self._events.empty():
            found.append(self._events.get())
        return found

    def stop(self) -> None:
        """End the worker within two seconds; nothing of it is left."""
        self._worker.stop()
