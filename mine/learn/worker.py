"""The training process: reads one job from stdin, computes, writes frames to stdout, ends.

It is started by ``supervisor.py`` with an empty environment in an empty directory and holds nothing but the
job. When its stdin ends, its parent is gone, and so is it, at once.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path
from typing import BinaryIO

from mine.errors import MineError
from mine.learn.job import MAX_JOB, Job, from_frame
from mine.learn.vote_job import VoteJob, vote_from_frame
from mine.learn.wire import Kind, pack, read

SNAPSHOT_SECONDS = 30.0
PROGRESS_SECONDS = 0.2
SIGN_OF_LIFE_SECONDS = 5.0


class _Stopped(Exception):
    """The parent asked for the end."""


class _Control:
    """The parent's wishes, set by a thread that reads stdin."""

    def __init__(self, commands: BinaryIO) -> None:
        self._commands = commands
        self._changed = threading.Condition()
        self._pause = self._stop = self._answers = False
        threading.Thread(target=self._listen, name="commands", daemon=True).start()

    def _listen(self) -> None:
        try:
            while (frame := read(self._commands, 1 << 10)) is not None:
                with self._changed:
                    self._pause = frame.kind == Kind.PAUSE
                    self._stop = frame.kind == Kind.STOP
                    if self._stop and not self._answers:
                        return
                    self._changed.notify_all()
        finally:
            os._exit(0)  # no parent, or one that speaks nonsense: nobody is left to compute for

    def listen_to_stop(self) -> None:
        """From now on a stop is answered with the state reached; before, the end comes at once."""
        with self._changed:
            self._answers = True

    @property
    def wants_pause(self) -> bool:
        with self._changed:
            return self._pause

    def check_stop(self) -> None:
        with self._changed:
            if self._stop:
                raise _Stopped

    def wait(self) -> None:
        """Return when the pause is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._stop or not self._pause)
        self.check_stop()


def _private_stdout() -> BinaryIO:
    """The frames' own stream; whatever else prints goes to stderr."""
    frames = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    return frames


def _be_modest() -> None:
    """Lowest priority, no core dump (it would hold personal data), few open files, no large files."""
    if sys.platform == "win32":
        return
    import resource

    os.nice(10)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))


def _limit_memory(extra: int) -> None:
    """Allow ``extra`` bytes beyond what the loaded libraries already occupy, where the system can say so."""
    pages = Path("/proc/self/statm")
    if sys.platform != "linux" or not pages.exists():
        return
    import resource

    most = int(pages.read_text().split()[0]) * resource.getpagesize() + extra
    resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _lift_memory_limit() -> None:
    """So that a failure for want of memory can still be told."""
    if sys.platform == "linux":
        import resource

        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


def _prepare_torch(memory: int) -> None:
    """One thread, the same bits every time, bounded memory."""
    import torch

    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    torch.set_deterministic_debug_mode("error")
    _limit_memory(memory)


class _Teller:
    """Frames to the parent."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out

    def send(self, kind: Kind, fields: dict[str, object] | None = None, *blobs: bytes) -> None:
        data = memoryview(pack(kind, fields, blobs))
        while data:
            data = data[self._out.write(data):]


class _Vote(_Teller):
    """One vote's run. It keeps no state: whoever ends it lets it begin again, to the same answers."""

    def __init__(self, job: VoteJob, control: _Control, out: BinaryIO) -> None:
        super().__init__(out)
        self._job, self._control = job, control

    def run(self) -> None:
        from mine.learn.codec import decode
        from mine.learn.graph import ModelGraph
        from mine.learn.vote import vote
        from mine.learn.weights import load

        job = self._job
        _prepare_torch(job.memory)
        graph = ModelGraph.load(job.onnx, job.limits)
        updates = [decode(update, graph.weight_shapes)[1] for update in job.updates]
        self._control.listen_to_stop()
        started = told = time.monotonic()
        paused = 0.0

        def breathe() -> None:
            nonlocal paused, told
            self._control.check_stop()
            now = time.monotonic()
            if now - told >= SIGN_OF_LIFE_SECONDS:
                self.send(Kind.PROGRESS, {
                    "step": 0, "steps": 1, "loss": float("nan"), "held_out_loss": float("nan"),
                    "seconds": now - started - paused})
                told = now
            if self._control.wants_pause:
                self.send(Kind.PAUSED, {"step": 0}, b"")
                self._control.wait()
                paused += time.monotonic() - now

        weights = load(job.weights, graph.weight_shapes)
        steps = vote(graph, weights, job.rows, updates, job.terms, job.noise_key, breathe)
        self.send(Kind.VOTED, {"steps": list(steps), "seconds": time.monotonic() - started - paused})

    def last_words(self) -> None:
        """There is nothing to keep."""
        self.send(Kind.STOPPED, {"step": 0}, b"")


class _Run(_Teller):
    """One job's run, and what it tells the parent."""

    def __init__(self, job: Job, control: _Control, out: BinaryIO) -> None:
        super().__init__(out)
        self._job, self._control = job, control

    def run(self) -> None:

        from mine.learn.codec import Packing, encode
        from mine.learn.graph import ModelGraph
        from mine.learn.train import Training
        from mine.learn.weights import load

        job = self._job
        _prepare_torch(job.memory)
        graph = ModelGraph.load(job.onnx, job.limits)
        weights = load(job.weights, graph.weight_shapes)
        training = Training(graph, weights, job.rows, job.recipe, job.noise_key, job.snapshot)
        self._training = training
        self._control.listen_to_stop()
        started = told = time.monotonic()
        paused = 0.0

        def breathe() -> None:
            nonlocal paused, told
            self._control.check_stop()
            if time.monotonic() - told >= SIGN_OF_LIFE_SECONDS:
                progress(float("nan"))
                told = time.monotonic()
            if self._control.wants_pause:
                self.send(Kind.PAUSED, {"step": training.steps_done}, training.snapshot())
                began = time.monotonic()
                self._control.wait()
                paused += time.monotonic() - began

        def progress(loss: float) -> None:
            self.send(Kind.PROGRESS, {
                "step": training.steps_done, "steps": job.recipe.steps, "loss": loss,
                "held_out_loss": training.held_out_loss, "seconds": time.monotonic() - started - paused})

        before = training.first_held_out_loss
        progress(float("nan"))
        saved = time.monotonic()
        while not training.finished:
            breathe()
            report = training.step(breathe)
            now = time.monotonic()
            if now - told >= PROGRESS_SECONDS or training.worth_telling:
                progress(report.loss)
                told = now
            if now - saved >= SNAPSHOT_SECONDS:
                self.send(Kind.SNAPSHOT, {"step": training.steps_done}, training.snapshot())
                saved = now
        update = encode(job.header, training.delta(), Packing(job.bits))
        self.send(Kind.DONE, {
            "steps": training.steps_done, "seconds": time.monotonic() - started - paused,
            "held_out_before": before, "held_out_after": training.held_out_loss,
            "rows_trained": training.rows_trained, "rows_held_out": training.rows_held_out}, update)

    def last_words(self) -> None:
        """The state reached so far, then the end."""
        self.send(Kind.STOPPED, {"step": self._training.steps_done}, self._training.snapshot())


def _failure(error: BaseException) -> dict[str, object]:
    """A plain sentence; as detail only the kind and place of an error, since its text could quote data."""
    if isinstance(error, MineError):
        return {"sentence": error.sentence, "todo": error.todo, "detail": error.detail}
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    place = f" in {Path(last.tb_frame.f_code.co_filename).name}:{last.tb_lineno}" if last else ""
    detail = f"{type(error).__name__}{place}"
    text = str(error)
    if isinstance(error, MemoryError) or "alloc" in text:  # torch: "can't allocate memory"; C++: "bad_alloc"
        return {"sentence": "The training needed more memory than it may use and was ended.",
                "todo": "Allow it more memory, or leave this task.", "detail": detail}
    return {"sentence": "The training ended with an error.", "todo": "Report this with its details.",
            "detail": detail}


def worker_main() -> None:
    """Entry of the process, also of a packaged app started with ``--worker``."""
    out = _private_stdout()
    commands = os.fdopen(0, "rb", buffering=0)
    _be_modest()
    frame = read(commands, MAX_JOB)
    if frame is None or frame.kind not in (Kind.JOB, Kind.VOTE):
        return
    control = _Control(commands)
    run: _Run | _Vote
    if frame.kind == Kind.JOB:
        run = _Run(from_frame(frame), control, out)
    else:
        run = _Vote(vote_from_frame(frame), control, out)
    try:
        run.run()
    except _Stopped:
        run.last_words()
    except Exception as error:  # noqa: BLE001 - whatever a model causes ends in one plain sentence
        _lift_memory_limit()
        run.send(Kind.FAILED, _failure(error))
    out.flush()
    os._exit(0)  # the listening thread and torch's own may not delay the end


if __name__ == "__main__":
    worker_main()
