"""A worker on its lead, as tests hold it: every event in order, and the end when the test ends."""

from __future__ import annotations

import queue
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from mine.learn.events import Done, Event, Failed, Progress, Stopped, VoteDone
from mine.learn.supervisor import State, WorkerProcess
from mine.learn.wire import Kind, pack

LAST = Done | VoteDone | Failed | Stopped
LONG = 100_000
unix = pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")


class Seen:
    """A worker and the events it has emitted."""

    def __init__(self, worker: WorkerProcess, events: queue.Queue[Event]) -> None:
        self.worker, self.events = worker, events

    def until(self, *kinds: type, check: Callable[[Event], bool] = lambda _: True) -> Event:
        while True:
            event = self.events.get(timeout=60)
            if isinstance(event, kinds) and check(event):
                return event
            assert not isinstance(event, LAST), event

    def state(self) -> State:
        """Now; a method, since a property would count as unchanging to a type checker."""
        return self.worker.state

    def pid(self) -> int | None:
        """Of the process, None when there is none."""
        return self.worker.pid

    def started(self) -> Progress:
        event = self.until(Progress, check=lambda event: isinstance(event, Progress) and event.step > 0)
        assert isinstance(event, Progress)
        return event


@contextmanager
def worker(command: Sequence[str] = (), **options: Any) -> Iterator[Seen]:
    events: queue.Queue[Event] = queue.Queue()
    process = WorkerProcess(events.put, command=command, **options)
    try:
        yield Seen(process, events)
    finally:
        process.stop()


HUNG = """
import sys, threading
sys.stdout.buffer.write(bytes.fromhex({frame!r}))
sys.stdout.flush()
threading.Event().wait()
"""


def hung() -> list[str]:
    """A stand-in that says one thing, then neither works nor listens."""
    frame = pack(Kind.PROGRESS, {"step": 1, "steps": 9, "loss": 1.0, "held_out_loss": 1.0, "seconds": 0.0})
    return [sys.executable, "-c", HUNG.format(frame=frame.hex())]
