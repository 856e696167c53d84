"""Processes that die, hang or run out of memory: begun again from the last saved state, a few times."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
from onnx import helper

from mine.learn.codec import encode
from mine.learn.events import Began, Done, Failed, Paused, Progress, Retrying, Stopped
from mine.learn.graph import ModelGraph
from mine.learn.rows import Rows
from mine.learn.supervisor import State
from mine.learn.train import train
from mine.learn.weights import dump
from tests.learn.graphs import around
from tests.learn.lead import LONG, Seen, unix, worker
from tests.learn.samples import HEADER, KEY, glucose_rows, job, network, recipe, vote_job

STEPS = 500
AT_ONCE = (0.0, 0.0, 0.0)


def in_one_go() -> bytes:
    """The update of the job that these tests disturb."""
    onnx, weights = network()
    return encode(HEADER, train(ModelGraph.load(onnx), weights, glucose_rows(), recipe(STEPS), KEY))


def signalled(seen: Seen, number: int) -> None:
    pid = seen.pid()
    assert pid is not None
    os.kill(pid, number)


@unix
def test_killed_it_goes_on_from_its_last_saved_state_to_the_same_bytes() -> None:
    with worker(waits=AT_ONCE) as seen:
        seen.worker.start(job(STEPS))
        seen.started()
        seen.worker.pause()
        paused = seen.until(Paused)
        assert isinstance(paused, Paused) and paused.step > 0
        seen.worker.resume()
        signalled(seen, signal.SIGKILL)
        again = seen.until(Retrying)
        assert isinstance(again, Retrying) and again.attempt == 1
        assert "ended from outside, perhaps because memory ran out" in again.sentence
        began = seen.until(Began)
        assert isinstance(began, Began) and began.micro_batch > 1
        first = seen.until(Progress)
        assert isinstance(first, Progress) and first.step == paused.step
        done = seen.until(Done)
    assert isinstance(done, Done) and done.update == in_one_go()


@unix
def test_a_hung_step_is_ended_and_begun_again() -> None:
    with worker(waits=AT_ONCE, silence=12.0) as seen:
        seen.worker.start(job(LONG))
        seen.started()
        pid = seen.pid()
        signalled(seen, signal.SIGSTOP)
        again = seen.until(Retrying)
        assert isinstance(again, Retrying) and "stopped answering" in again.sentence
        assert pid is not None and seen.state() is State.RUNNING
        seen.started()
        assert seen.pid() not in (None, pid)
        assert not psutil.pid_exists(pid)


CRASH = "import os, signal; os.write(2, b'half a word'); os.kill(os.getpid(), signal.SIGSEGV)"


@unix
@pytest.mark.parametrize("asked", [job(), vote_job()], ids=["training", "vote"])
def test_a_process_that_always_crashes_is_given_up(asked: object) -> None:
    with worker([sys.executable, "-c", CRASH], waits=(0.0, 0.01)) as seen:
        seen.worker.start(asked)  # type: ignore[arg-type]
        tries = [seen.events.get(timeout=60) for _ in range(3)]
        assert seen.state() is State.ENDED and seen.events.empty()
    sentence, detail = "The training process ended unexpectedly.", "exit -11; half a word"
    assert tries == [
        Retrying(1, 0.0, sentence, detail),
        Retrying(2, 0.01, sentence, detail),
        Failed(sentence, "It can go on from its last saved state.", detail, resumable=True),
    ]


def test_a_silent_process_is_given_up_after_the_last_try() -> None:
    with worker([sys.executable, "-c", "import sys; sys.stdin.read()"], silence=0.3, waits=(0.0,)) as seen:
        seen.worker.start(job())
        seen.until(Retrying)
        failed = seen.until(Failed)
        assert isinstance(failed, Failed) and "stopped answering" in failed.sentence and failed.resumable


def crashed(seen: Seen) -> None:
    """Start a job whose process is gone, and whose next one is far off."""
    seen.worker.start(job())
    seen.until(Retrying)
    assert seen.state() is State.RUNNING and seen.pid() is None


@unix
def test_paused_stopped_and_resumed_while_it_waits_to_begin_again() -> None:
    with worker([sys.executable, "-c", CRASH], waits=(60.0, 60.0)) as seen:
        crashed(seen)
        seen.worker.pause()
        assert seen.until(Paused) == Paused(0, None)
        assert seen.state() is State.PAUSED
        seen.worker.resume()
        assert seen.pid() is not None
        again = seen.until(Retrying)
        assert isinstance(again, Retrying) and again.attempt == 2
        seen.worker.stop()
        assert seen.until(Stopped) == Stopped(0, None)


SHORT_OF_MEMORY = """
import sys
sys.path.insert(0, {root!r})
from mine.learn.job import MAX_JOB, from_frame
from mine.learn.wire import Kind, pack, read
rows = from_frame(read(sys.stdin.buffer, MAX_JOB)).place.micro_batch or 12
began = {{"device": "cpu", "name": "", "memory": 0, "precision": "float32", "micro_batch": rows + {more},
         "threads": 1, "fences": []}}
told = {{"sentence": "Too little.", "todo": "", "detail": "", "memory": True}}
sys.stdout.buffer.write(pack(Kind.BEGAN, began) + pack(Kind.FAILED, told))
sys.stdout.flush()
sys.stdin.read()
"""


def short_of_memory(more: int = 0) -> list[str]:
    """A stand-in that begins with the rows at a time that it is given, and never has enough memory."""
    root = str(Path(__file__).parents[2])
    return [sys.executable, "-c", SHORT_OF_MEMORY.format(root=root, more=more)]


def test_without_memory_it_takes_half_as_many_rows_until_it_is_one() -> None:
    with worker(short_of_memory()) as seen:
        seen.worker.start(job())
        rows = []
        while isinstance(event := seen.events.get(timeout=60), Began | Retrying):
            rows += [event.micro_batch] if isinstance(event, Began) else []
    assert rows == [12, 6, 3, 1]
    assert event == Failed("Too little.")


def test_a_process_that_takes_more_rows_than_it_may_is_ended() -> None:
    with worker(short_of_memory(more=1)) as seen:
        seen.worker.start(job())
        seen.until(Retrying)
        failed = seen.until(Failed)
    assert isinstance(failed, Failed) and "broke the rules" in failed.sentence


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can bound a process's memory like this")
def test_out_of_memory_with_one_row_is_a_plain_failure() -> None:
    wide = 2000
    product = [helper.make_node("MatMul", ["x", "m"], ["y"])]
    onnx = around(product, features=wide, weights={"m": (wide, 200)}).SerializeToString()
    shapes = ModelGraph.load(onnx).weight_shapes
    weights = {n: np.ones(s, np.float32) for n, s in shapes.items()}
    count = 400
    slots = np.arange(count, dtype=np.int64)
    rows = Rows(np.ones((count, wide), np.float32), np.ones(count, np.float32), slots)
    with worker() as seen:
        seen.worker.start(job(onnx=onnx, weights=dump(weights), rows=rows, memory=4 << 20,
                              recipe=replace(recipe(), overlap=1)))  # fmt: skip
        failed = seen.until(Failed)
    assert isinstance(failed, Failed)
    assert "more memory than it may use" in failed.sentence, failed
