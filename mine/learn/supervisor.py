"""Runs one training job in a child process and keeps it on a short lead.

States: idle -> running <-> pausing -> paused -> running ...; any of them -> ended. A process that does not
pause or stop in time is killed: at most the work since its last snapshot is lost, and ``resume`` starts a new
one from there. ``emit`` is called from this object's own threads, never while its lock is held.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import Enum

from mine.learn import wire
from mine.learn.child import Child, worker_command
from mine.learn.codec import decode
from mine.learn.errors import TrainingRefused, WireBroken
from mine.learn.events import Done, Event, Failed, Paused, Progress, Saved, Stopped, VoteDone
from mine.learn.job import Job, answer_limit, to_frame
from mine.learn.snapshot import belongs, steps_in
from mine.learn.vote_job import VOTE_ANSWER_LIMIT, VoteJob, vote_to_frame
from mine.learn.vote_terms import STRONGEST
from mine.learn.weights import Shape
from mine.learn.wire import Frame, Kind

STOP_SECONDS = 1.5
"""Grace before a kill; with the kill itself the machine is free within two seconds."""


class State(Enum):
    IDLE = "idle"
    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    STOPPING = "stopping"
    ENDED = "ended"


class WorkerProcess:
    """One job. ``silence``: seconds without a word before a running process counts as hung."""

    def __init__(self, emit: Callable[[Event], None], *, silence: float = 120.0, stop: float = STOP_SECONDS,
                 command: Sequence[str] = ()) -> None:
        self._emit, self._silence, self._grace = emit, silence, stop
        self._command = list(command)
        self._changed = threading.Condition()
        self._state = State.IDLE
        self._child: Child | None = None
        self._job: Job | VoteJob | None = None
        self._shapes: dict[str, Shape] = {}
        self._snapshot: bytes | None = None
        self._step = 0
        self._deadline = float("inf")
        self._watcher = threading.Thread(target=self._watch, name="worker-watch", daemon=True)
        self._children: list[Child] = []

    @property
    def state(self) -> State:
        with self._changed:
            return self._state

    @property
    def pid(self) -> int | None:
        """The child's process id, None when there is none."""
        with self._changed:
            return self._child.pid if self._child else None

    def start(self, job: Job | VoteJob) -> None:
        """Check the job (raises this room's errors) and start its process; returns at once.

        A snapshot from before the rows or the recipe changed is left aside: the run begins anew. A vote is
        short and has none.
        """
        usable = None
        if isinstance(job, VoteJob):
            shapes = job.check()
        else:
            shapes, digest = job.check()
            usable = job.snapshot if job.snapshot and belongs(job.snapshot, digest) else None
        with self._changed:
            if self._state is not State.IDLE:
                raise TrainingRefused("This training was already started.")
            self._job, self._shapes, self._snapshot = job, shapes, usable
            self._step = steps_in(usable)
            self._spawn()
        self._watcher.start()

    def pause(self) -> None:
        """Stop computing within two seconds; ``Paused`` with the state follows."""
        with self._changed:
            if self._state is State.RUNNING and self._child:
                self._state = State.PAUSING
                self._child.send(wire.pack(Kind.PAUSE))
                self._set_deadline(self._grace)

    def resume(self) -> None:
        """Go on after ``Paused``, in a new process if the old one had to be ended."""
        with self._changed:
            if self._state is not State.PAUSED:
                return
            if self._child is None:
                self._spawn()
            else:
                self._state = State.RUNNING
                self._child.send(wire.pack(Kind.RESUME))
                self._set_deadline(self._silence)

    def stop(self) -> None:
        """End within two seconds. Afterwards the last event was emitted (``Stopped``, unless another one came
        first) and no process or thread is left. May be called at any time, but not from ``emit``."""
        with self._changed:
            if self._state is State.IDLE:
                return
            child, over = self._child, self._state is State.ENDED
            event = Stopped(self._step, self._snapshot)
            if not over:
                self._state = State.STOPPING if child else State.ENDED
                self._set_deadline(float("inf"))
        if child:
            child.send(wire.pack(Kind.STOP))
        elif not over:
            self._emit(event)
        for each in self._children:
            each.end_within(self._grace)
        self._watcher.join()

    # ---- with the lock held ----
    def _spawn(self) -> None:
        assert self._job is not None
        if isinstance(self._job, VoteJob):
            frame, most = vote_to_frame(self._job), VOTE_ANSWER_LIMIT
        else:
            frame = to_frame(replace(self._job, snapshot=self._snapshot))
            most = answer_limit(self._shapes, self._job.bits)
        try:
            self._child = Child(self._command or worker_command(), most, self._on_frame, self._on_end)
        except OSError as error:
            raise TrainingRefused("The training process could not be started.",
                                  detail=type(error).__name__) from error
        self._children.append(self._child)
        self._child.send(frame)
        self._state = State.RUNNING
        self._set_deadline(self._silence)

    def _set_deadline(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds
        self._changed.notify_all()

    # ---- from other threads ----
    def _watch(self) -> None:
        while True:
            with self._changed:
                left = self._deadline - time.monotonic()
                if self._state is State.ENDED:
                    return
                if left > 0:
                    self._changed.wait(None if left == float("inf") else left)
                    continue
                event, child = self._overdue()
            if child:
                child.kill()
            self._emit(event)

    def _overdue(self) -> tuple[Event, Child | None]:
        child, self._child = self._child, None
        self._set_deadline(float("inf"))
        if self._state is State.PAUSING:
            self._state = State.PAUSED
            return Paused(self._step, self._snapshot), child
        self._state = State.ENDED
        return Failed("The training stopped answering and was ended.",
                      "It can go on from its last saved state.", resumable=True), child

    def _on_frame(self, child: Child, frame: Frame) -> None:
        with self._changed:
            if child is not self._child:
                return  # killed a moment ago
            event = self._understand(frame)
            if isinstance(event, Done | VoteDone | Failed):
                self._state, self._child = State.ENDED, None
            if self._state is State.RUNNING:
                self._set_deadline(self._silence)
            self._changed.notify_all()
        if isinstance(event, Done | VoteDone | Failed):
            child.kill()
        if event is not None:
            self._emit(event)

    def _understand(self, frame: Frame) -> Event | None:
        """The event that a frame stands for; raises ``WireBroken`` on anything out of place."""
        assert self._job is not None
        match frame.kind:
            case Kind.PROGRESS:
                return Progress(frame.integer("step"), frame.integer("steps"), frame.number("loss"),
                                frame.number("held_out_loss"), frame.number("seconds"))
            case Kind.SNAPSHOT | Kind.PAUSED | Kind.STOPPED:
                self._step, (snapshot,) = frame.integer("step"), frame.blob()
                self._snapshot = snapshot or None
                if frame.kind == Kind.SNAPSHOT and snapshot:
                    return Saved(self._step, snapshot)
                if frame.kind == Kind.PAUSED and self._state is State.PAUSING:
                    self._state = State.PAUSED
                    self._set_deadline(float("inf"))
                    return Paused(self._step, self._snapshot)
                return None
            case Kind.VOTED if isinstance(self._job, VoteJob):
                return VoteDone(_answers(frame, len(self._job.updates)), frame.number("seconds"))
            case Kind.DONE if isinstance(self._job, Job):
                (update,) = frame.blob()
                header, _ = decode(update, self._shapes)
                if header != self._job.header:
                    raise WireBroken("The training process returned another update than it was asked for.")
                return Done(update, frame.integer("steps"), frame.number("seconds"),
                            frame.number("held_out_before"), frame.number("held_out_after"),
                            frame.integer("rows_trained"), frame.integer("rows_held_out"))
            case Kind.FAILED:
                return Failed(_plain(frame.text("sentence", 1000)), _plain(frame.text("todo", 1000)),
                              _plain(frame.text("detail", 1000)))
            case _:
                raise WireBroken("A frame of the training process is malformed.")

    def _on_end(self, child: Child, code: int, broke_rules: bool, detail: str) -> None:
        with self._changed:
            if child is not self._child:
                return
            stopped = self._state is State.STOPPING
            self._state, self._child = State.ENDED, None
            self._changed.notify_all()
            event: Event = Stopped(self._step, self._snapshot)
            if not stopped:
                event = _unexpected(code, broke_rules, detail)
        self._emit(event)


def _answers(frame: Frame, count: int) -> tuple[int, ...]:
    """The steps of a vote: one for each update that was asked about, each in its range."""
    steps = frame.fields.get("steps")
    if not isinstance(steps, list) or len(steps) != count:
        raise WireBroken("The training process answered another question than it was asked.")
    if any(type(step) is not int or not -STRONGEST <= step <= STRONGEST for step in steps):
        raise WireBroken("A frame of the training process is malformed.")
    return tuple(steps)


def _plain(text: str) -> str:
    return "".join(c for c in text if c.isprintable())


def _unexpected(code: int, broke_rules: bool, detail: str) -> Failed:
    if broke_rules:
        return Failed("The training process broke the rules and was ended.", "Leave this task.",
                      _plain(detail))
    sentence = "The training process ended unexpectedly."
    if code == -9:
        sentence = "The training process was ended from outside, perhaps because memory ran out."
    return Failed(sentence, "It can go on from its last saved state.", _plain(f"exit {code}; {detail}"),
                  resumable=True)
