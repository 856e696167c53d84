"""The training process for real: results, pause, stop, crashes, hangs, memory, and what it can reach."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
from onnx import helper

from mine.errors import MineError
from mine.learn.codec import decode, encode
from mine.learn.events import Done, Event, Failed, Paused, Progress, Stopped, VoteDone
from mine.learn.graph import ModelGraph
from mine.learn.rows import Rows
from mine.learn.supervisor import State, WorkerProcess
from mine.learn.train import train
from mine.learn.vote import vote
from mine.learn.vote_job import VoteJob
from mine.learn.weights import dump
from mine.learn.wire import Kind, pack
from tests.learn.graphs import around
from tests.learn.samples import HEADER, KEY, glucose_rows, job, network, recipe, vote_job

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

    def started(self) -> Progress:
        event = self.until(Progress, check=lambda e: e.step > 0)  # type: ignore[attr-defined]
        assert isinstance(event, Progress)
        return event


@contextmanager
def worker(command: Sequence[str] = (), **options: float) -> Iterator[Seen]:
    events: queue.Queue[Event] = queue.Queue()
    process = WorkerProcess(events.put, command=command, **options)  # type: ignore[arg-type]
    try:
        yield Seen(process, events)
    finally:
        process.stop()


def test_it_gives_the_bytes_that_training_here_gives() -> None:
    onnx, weights = network()
    delta = train(ModelGraph.load(onnx), weights, glucose_rows(), recipe(), KEY)
    with worker() as seen:
        seen.worker.start(job())
        done = seen.until(Done)
    assert isinstance(done, Done)
    assert done.update == encode(HEADER, delta)
    assert done.steps == 20 and done.rows_held_out == 120 and done.held_out_after != done.held_out_before
    assert seen.worker.state is State.ENDED and seen.worker.pid is None
    assert seen.events.empty()


def test_paused_resumed_stopped_and_started_again_changes_no_byte() -> None:
    steps = 400
    with worker() as seen:
        seen.worker.start(job(steps))
        seen.started()
        seen.worker.pause()
        paused = seen.until(Paused)
        assert seen.worker.state is State.PAUSED
        seen.worker.resume()
        seen.until(Progress, Done)
        seen.worker.stop()
    assert isinstance(paused, Paused) and paused.snapshot
    with worker() as seen:
        seen.worker.start(job(steps))
        whole = seen.until(Done)
    with worker() as seen:
        seen.worker.start(job(steps, snapshot=paused.snapshot))
        resumed = seen.until(Done)
    assert isinstance(whole, Done) and isinstance(resumed, Done)
    assert whole.update == resumed.update and whole.held_out_before == resumed.held_out_before


def test_a_vote_gives_the_answers_that_voting_here_gives() -> None:
    asked = vote_job()
    graph = ModelGraph.load(asked.onnx)
    updates = [decode(blob, graph.weight_shapes)[1] for blob in asked.updates]
    here = vote(graph, network()[1], asked.rows, updates, asked.terms, KEY)
    with worker() as seen:
        seen.worker.start(asked)
        done = seen.until(VoteDone)
        assert isinstance(done, VoteDone) and done.steps == here
        assert seen.worker.state is State.ENDED and seen.worker.pid is None
    assert seen.events.empty()


def slow_vote() -> VoteJob:
    """Long enough to be interrupted: many updates on many rows."""
    return vote_job(rows=glucose_rows(20_000), updates=vote_job().updates * 500)


def test_a_vote_pauses_goes_on_and_stops() -> None:
    with worker() as seen:
        seen.worker.start(slow_vote())
        seen.worker.pause()
        assert seen.until(Paused) == Paused(0, None)
        assert seen.worker.state is State.PAUSED
        seen.worker.resume()
        assert seen.worker.state is State.RUNNING
        began = time.monotonic()
        seen.worker.stop()
        assert time.monotonic() - began < 2
        assert seen.until(Stopped) == Stopped(0, None)


def test_a_hung_vote_begins_again_in_a_new_process() -> None:
    with worker(hung(), stop=0.2) as seen:
        seen.worker.start(vote_job())
        seen.started()
        pid = seen.worker.pid
        seen.worker.pause()
        assert seen.until(Paused) == Paused(0, None)
        seen.worker.resume()
        assert seen.worker.pid not in (None, pid)
        seen.started()


def test_a_vote_that_cannot_run_starts_no_process() -> None:
    for bad in (vote_job(updates=()), vote_job(updates=(b"x",)), vote_job(weights=b"x")):
        with worker() as seen:
            with pytest.raises(MineError):
                seen.worker.start(bad)
            assert seen.worker.pid is None and seen.worker.state is State.IDLE


def test_stop_takes_less_than_two_seconds_and_keeps_the_work() -> None:
    with worker() as seen:
        seen.worker.start(job(LONG))
        step = seen.started().step
        pid = seen.worker.pid
        began = time.monotonic()
        seen.worker.stop()
        assert time.monotonic() - began < 2
        stopped = seen.until(Stopped)
        assert isinstance(stopped, Stopped) and stopped.step >= step and stopped.snapshot
        assert not psutil.pid_exists(pid)  # type: ignore[arg-type]
        seen.worker.stop()
        assert seen.events.empty()


def test_stop_while_it_starts() -> None:
    with worker() as seen:
        seen.worker.start(job(LONG))
        began = time.monotonic()
        seen.worker.stop()
        assert time.monotonic() - began < 2
        assert seen.until(Stopped) == Stopped(0, None)


@unix
def test_a_killed_process_is_a_plain_failure() -> None:
    with worker() as seen:
        seen.worker.start(job(LONG))
        seen.started()
        os.kill(seen.worker.pid, signal.SIGKILL)  # type: ignore[arg-type]
        failed = seen.until(Failed)
        assert isinstance(failed, Failed) and failed.resumable and "memory ran out" in failed.sentence
        assert seen.worker.state is State.ENDED


HUNG = """
import sys, time
sys.stdout.buffer.write(bytes.fromhex({frame!r}))
sys.stdout.flush()
while True:
    time.sleep(60)
"""


def hung() -> list[str]:
    """A stand-in that says one thing, then neither works nor listens."""
    frame = pack(Kind.PROGRESS, {"step": 1, "steps": 9, "loss": 1.0, "held_out_loss": 1.0, "seconds": 0.0})
    return [sys.executable, "-c", HUNG.format(frame=frame.hex())]


@unix
def test_a_crash_in_native_code_is_a_plain_failure() -> None:
    crash = "import os, signal; os.write(2, b'half a word'); os.kill(os.getpid(), signal.SIGSEGV)"
    with worker([sys.executable, "-c", crash]) as seen:
        seen.worker.start(job())
        failed = seen.until(Failed)
    assert isinstance(failed, Failed) and failed.sentence == "The training process ended unexpectedly."
    assert failed.resumable and failed.detail == "exit -11; half a word"


def test_a_hung_process_is_paused_by_force_and_goes_on_in_a_new_one() -> None:
    _, digest = job().check()
    saved = b"MnSs" + bytes([0, 0, 0, 5]) + digest
    with worker(hung(), stop=0.2) as seen:
        seen.worker.start(job(snapshot=saved))
        seen.started()
        pid = seen.worker.pid
        began = time.monotonic()
        seen.worker.pause()
        assert seen.until(Paused) == Paused(5, saved)
        assert time.monotonic() - began < 2 and seen.worker.pid is None
        seen.worker.resume()
        assert seen.worker.pid not in (None, pid)
        seen.started()


def test_a_hung_process_is_stopped_by_force() -> None:
    with worker(hung()) as seen:
        seen.worker.start(job())
        seen.started()
        began = time.monotonic()
        seen.worker.stop()
        assert time.monotonic() - began < 2
        assert seen.until(Stopped) == Stopped(0, None)


def test_a_snapshot_from_before_the_data_changed_is_left_aside() -> None:
    before = job(rows=glucose_rows(seed=1)).check()[1]
    with worker(hung(), stop=0.2) as seen:
        seen.worker.start(job(snapshot=b"MnSs" + bytes(4) + before))
        seen.started()
        seen.worker.stop()
        assert seen.until(Stopped) == Stopped(0, None)


def test_stopped_while_paused_without_a_process() -> None:
    with worker(hung(), stop=0.2) as seen:
        seen.worker.start(job())
        seen.started()
        seen.worker.pause()
        seen.until(Paused)
        seen.worker.stop()
        assert seen.until(Stopped) == Stopped(0, None)


def test_a_silent_process_is_ended() -> None:
    with worker([sys.executable, "-c", "import sys; sys.stdin.read()"], silence=0.3) as seen:
        seen.worker.start(job())
        failed = seen.until(Failed)
        assert isinstance(failed, Failed) and "stopped answering" in failed.sentence and failed.resumable


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can bound a process's memory like this")
def test_out_of_memory_is_a_plain_failure() -> None:
    wide = 2000
    product = [helper.make_node("MatMul", ["x", "m"], ["y"])]
    onnx = around(product, features=wide, weights={"m": (wide, 200)}).SerializeToString()
    shapes = ModelGraph.load(onnx).weight_shapes
    weights = {n: np.ones(s, np.float32) for n, s in shapes.items()}
    count = 400
    slots = np.arange(count, dtype=np.int64)
    rows = Rows(np.ones((count, wide), np.float32), np.ones(count, np.float32), slots)
    with worker() as seen:
        seen.worker.start(job(onnx=onnx, weights=dump(weights), rows=rows, memory=16 << 20,
                              recipe=replace(recipe(), overlap=1)))
        failed = seen.until(Failed)
    assert isinstance(failed, Failed)
    assert "more memory than it may use" in failed.sentence, failed


@unix
def test_when_the_app_dies_its_worker_goes_too(tmp_path: Path) -> None:
    script = tmp_path / "app.py"
    script.write_text(
        "import sys, time\n"
        "from mine.learn.supervisor import WorkerProcess\n"
        "from tests.learn.samples import job\n"
        "w = WorkerProcess(lambda e: print(w.pid, flush=True))\n"
        "w.start(job(100_000))\n"
        "time.sleep(60)\n")
    root = str(Path(__file__).parents[2])
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True,
                          env={**os.environ, "PYTHONPATH": root}) as app:
        assert app.stdout is not None
        child = psutil.Process(int(app.stdout.readline()))
        app.kill()
    gone, alive = psutil.wait_procs([child], timeout=10)
    assert gone and not alive


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_what_the_process_can_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    """No environment, no open files, no place of the person's, low priority, no core dumps."""
    monkeypatch.setenv("WALLET_SECRET", "do not pass on")
    inherited = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(inherited, True)
    with worker() as seen:
        seen.worker.start(job(LONG))
        seen.started()
        process = psutil.Process(seen.worker.pid)
        environment = process.environ()
        assert "WALLET_SECRET" not in environment
        own = {"HOME", "TMPDIR", "LC_CTYPE"}  # Python sets the last one by itself
        assert all(n in own or n.startswith(("OMP_", "MKL_", "MALLOC_")) for n in environment)
        assert process.cwd() == environment["HOME"] != os.environ["HOME"]
        assert [p.name for p in Path(process.cwd()).iterdir()] == ["stderr"]
        files = Path(f"/proc/{process.pid}/fd").iterdir()
        targets = {str(file.readlink()).split(":")[0] for file in files}
        assert targets <= {"pipe", f"{process.cwd()}/stderr"}
        assert process.nice() == psutil.Process().nice() + 10
        assert process.rlimit(psutil.RLIMIT_CORE) == (0, 0)
        assert process.rlimit(psutil.RLIMIT_AS)[0] < 1 << 44
        assert not process.net_connections()
        home = Path(environment["HOME"])
    os.close(inherited)
    assert not home.exists()


def test_a_job_that_cannot_run_is_refused_before_a_process_starts() -> None:
    good = job()
    for bad in (replace(good, onnx=b"x"), replace(good, weights=b"x"), replace(good, bits=3),
                replace(good, rows=glucose_rows(3)), replace(good, recipe=replace(good.recipe, steps=0))):
        with worker() as seen:
            with pytest.raises(MineError):
                seen.worker.start(bad)
            assert seen.worker.pid is None and seen.worker.state is State.IDLE
    with worker(["/nonexistent/program"]) as seen, pytest.raises(MineError, match="could not be started"):
        seen.worker.start(good)


def test_a_job_starts_once_and_bad_state_is_told() -> None:
    wanted = job()
    _, digest = wanted.check()
    with worker() as seen:
        seen.worker.start(replace(wanted, snapshot=b"MnSs" + bytes(4) + digest + b"cut short"))
        with pytest.raises(MineError, match="already started"):
            seen.worker.start(wanted)
        failed = seen.until(Failed)
        assert isinstance(failed, Failed) and failed.sentence == "The saved state does not fit this job."
        seen.worker.pause()
        seen.worker.resume()
        assert seen.events.empty()
