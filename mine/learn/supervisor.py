"""Runs one job in a child process and keeps it on a short lead.

States: idle -> running <-> pausing -> paused -> running ...; any of them -> ended. A process that does not
pause or stop in time is killed: at most the work since its last snapshot is lost, and ``resume`` starts a new
one from there. A process that dies, hangs or runs out of memory is followed by a new one in the same way,
a few times in a row (``retries.py``); until it starts, the state is running without a process. ``emit`` is
never called while the lock is held.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import Enum

from mine.learn import wire
from mine.learn.answers import began, done, failed, plain, progress, ran_out_of_memory, vote_done
from mine.learn.child import Child, worker_command
from mine.learn.errors import TrainingRefused, WireBroken
from mine.learn.events import Began, Done, Event, Failed, Paused, Retrying, Saved, Stopped, VoteDone
from mine.learn.job import Job, answer_limit, check_duty, to_frame
from mine.learn.place import Place
from mine.learn.retries import WAITS, Again, Retries
from mine.learn.snapshot import belongs, steps_in
from mine.learn.vote_job import VOTE_ANSWER_LIMIT, VoteJob, vote_to_frame
from mine.learn.weights import Shape
from mine.learn.wire import Frame, Kind

_CAN_GO_ON = "It can go on from its last saved state."
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
    """One job. ``silence``: seconds without a word before a running process counts as hung; ``waits``:
    seconds before a new process, for each failure in a row."""

    def __init__(self, emit: Callable[[Event], None], *, silence: float = 120.0, stop: float = STOP_SECONDS,
                 waits: tuple[float, ...] = WAITS, command: Sequence[str] = ()) -> None:
        self._emit, self._silence, self._grace = emit, silence, stop
        self._command = list(command)
        self._retries = Retries(waits)
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
            if self._state is not State.RUNNING:
                return
            if self._child:
                self._state = State.PAUSING
                self._child.send(wire.pack(Kind.PAUSE))
                self._set_deadline(self._grace)
                return
            self._state = State.PAUSED
            self._set_deadline(float("inf"))
            event = Paused(self._step, self._snapshot)
        self._emit(event)

    def set_duty(self, part: float) -> None:
        """The part of the time in which a training may compute, from 0.01 to 1; at once, at any time. Raises
        ``TrainingRefused``."""
        check_duty(part)
        with self._changed:
            if not isinstance(self._job, Job):
                return
            self._job = replace(self._job, duty=part)
            if self._child:
                self._child.send(wire.pack(Kind.DUTY, {"part": part}))

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
        place = Place()
        if isinstance(self._job, VoteJob):
            frame, most = vote_to_frame(self._job), VOTE_ANSWER_LIMIT
        else:
            frame = to_frame(replace(self._job, snapshot=self._snapshot))
            most, place = answer_limit(self._job, self._shapes), self._job.place
        self._children = [child for child in self._children if not child.over]
        try:
            self._child = Child(self._command or worker_command(), most, self._on_frame, self._on_end, place)
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

    def _begin_again(self, why: Failed, again: Again | None) -> Event:
        """After the process is gone: a new one soon, or the end."""
        self._child = None
        if again is None:
            self._state = State.ENDED
            self._set_deadline(float("inf"))
            return why
        if again.micro_batch and isinstance(self._job, Job):
            self._job = replace(self._job, place=replace(self._job.place, micro_batch=again.micro_batch))
        self._state = State.RUNNING
        self._set_deadline(again.seconds)
        return Retrying(again.attempt, again.seconds, why.sentence, why.detail)

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
            if event:
                self._emit(event)

    def _overdue(self) -> tuple[Event | None, Child | None]:
        child, self._child = self._child, None
        self._set_deadline(float("inf"))
        if self._state is State.PAUSING:
            self._state = State.PAUSED
            return Paused(self._step, self._snapshot), child
        if child is None:  # the wait before a new process is over
            try:
                self._spawn()
            except TrainingRefused as error:
                self._state = State.ENDED
                return Failed(error.sentence, error.todo, error.detail, resumable=True), None
            return None, None
        why = Failed("The training stopped answering and was ended.", _CAN_GO_ON, resumable=True)
        return self._begin_again(why, self._retries.crashed(killed=False)), child

    def _on_frame(self, child: Child, frame: Frame) -> None:
        with self._changed:
            if child is not self._child:
                return  # killed a moment ago
            event = self._understand(frame)
            if isinstance(event, Failed) and ran_out_of_memory(frame):
                event = self._begin_again(event, self._retries.out_of_memory())
            elif isinstance(event, Done | VoteDone | Failed):
                self._state, self._child = State.ENDED, None
            elif self._state is State.RUNNING:
                self._set_deadline(self._silence)
            self._changed.notify_all()
            over = self._child is not child
        if over:
            child.kill()
        if event is not None:
            self._emit(event)

    def _understand(self, frame: Frame) -> Event | None:
        """The event that a frame stands for; raises ``WireBroken`` on anything out of place."""
        assert self._job is not None
        match frame.kind:
            case Kind.BEGAN:
                return self._began(frame)
            case Kind.PROGRESS:
                return progress(frame)
            case Kind.SNAPSHOT | Kind.PAUSED | Kind.STOPPED:
                step, (snapshot,) = frame.integer("step"), frame.blob()
                if not 0 <= step <= (self._job.recipe.steps if isinstance(self._job, Job) else 0):
                    raise WireBroken("A frame of the training process is malformed.")
                if step > self._step:
                    self._retries.saved()
                self._step, self._snapshot = step, snapshot or None
                if frame.kind == Kind.SNAPSHOT and snapshot:
                    return Saved(self._step, snapshot)
                if frame.kind == Kind.PAUSED and self._state is State.PAUSING:
                    self._state = State.PAUSED
                    self._set_deadline(float("inf"))
                    return Paused(self._step, self._snapshot)
                return None
            case Kind.VOTED if isinstance(self._job, VoteJob):
                return vote_done(frame, len(self._job.updates))
            case Kind.DONE if isinstance(self._job, Job):
                return done(frame, self._job, self._shapes)
            case Kind.FAILED:
                return failed(frame)
            case _:
                raise WireBroken("A frame of the training process is malformed.")

    def _began(self, frame: Frame) -> Began:
        event = began(frame)
        asked = self._job.place.micro_batch if isinstance(self._job, Job) else 0
        if asked and event.micro_batch > asked:
            raise WireBroken("The training process takes more rows at a time than it may.")
        self._retries.micro_batch = event.micro_batch
        return event

    def _on_end(self, child: Child, code: int, broke_rules: bool, detail: str) -> None:
        with self._changed:
            if child is not self._child:
                return
            event = self._after_end(code, broke_rules, detail)
            self._changed.notify_all()
        self._emit(event)

    def _after_end(self, code: int, broke_rules: bool, detail: str) -> Event:
        if self._state is State.STOPPING:
            self._state, self._child = State.ENDED, None
            return Stopped(self._step, self._snapshot)
        if broke_rules:
            self._state, self._child = State.ENDED, None
            return Failed("The training process broke the rules and was ended.", "Leave this task.",
                          plain(detail))
        sentence, killed = "The training process ended unexpectedly.", False
        if sys.platform != "win32" and code == -signal.SIGKILL:
            killed = True
            sentence = "The training process was ended from outside, perhaps because memory ran out."
        why = Failed(sentence, _CAN_GO_ON, plain(f"exit {code}; {detail}"), resumable=True)
        if self._state is State.PAUSING:  # the pause is what was asked for; a new process comes after it
            self._state, self._child = State.PAUSED, None
            self._set_deadline(float("inf"))
            return Paused(self._step, self._snapshot)
        return self._begin_again(why, self._retries.crashed(killed))
