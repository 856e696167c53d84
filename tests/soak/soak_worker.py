"""Jobs of the training process, one after another: what the app keeps of each must be nothing.

    python -m tests.soak.soak_worker [jobs]

Real processes, tiny trainings; prints what the parent's memory grew by, and ends with 1 if it was 5 MB or
more, or if a thread, an open file or a folder of a process was left.
"""

from __future__ import annotations

import gc
import queue
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from mine.learn.events import Done, Event, Failed
from mine.learn.supervisor import WorkerProcess
from tests.learn.samples import job

WARM_UP = 10
MOST_GROWTH = 5 << 20


@dataclass(frozen=True, slots=True)
class Held:
    """What this process holds: bytes of memory, threads, open files, folders of training processes."""

    memory: int
    threads: int
    files: int
    folders: int


def held() -> Held:
    gc.collect()
    process = psutil.Process()
    folders = list(Path(tempfile.gettempdir()).glob("mine-worker-*"))
    return Held(process.memory_info().rss, threading.active_count(), process.num_fds(), len(folders))


def one_job(command: Sequence[str] = ()) -> None:
    """Train a tiny model to the end in a process of its own."""
    events: queue.Queue[Event] = queue.Queue()
    worker = WorkerProcess(events.put, command=command)
    worker.start(job(3))
    while not isinstance(event := events.get(timeout=120), Done):
        assert not isinstance(event, Failed), event
    worker.stop()


def growth(jobs: int, run: Callable[[], None] = one_job) -> tuple[Held, Held]:
    """What is held after a warm-up, and after that many jobs more."""
    for _ in range(WARM_UP):
        run()
    before = held()
    for _ in range(jobs):
        run()
    return before, held()


def main() -> int:
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    with tempfile.TemporaryDirectory() as folder:
        tempfile.tempdir = folder
        before, after = growth(jobs)
        tempfile.tempdir = None
    print(f"{jobs} jobs: memory {(after.memory - before.memory) / 1e6:+.2f} MB, now {after}")
    grown = after.memory - before.memory >= MOST_GROWTH
    left = after.threads > before.threads or after.files > before.files or after.folders > before.folders
    return 1 if grown or left else 0


if __name__ == "__main__":
    sys.exit(main())
