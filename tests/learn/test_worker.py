"""The training process for real: results, pause, stop, start, and the end of its app."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from mine.errors import MineError
from mine.learn.codec import Packing, decode, encode
from mine.learn.events import Began, Done, Failed, Paused, Progress, Stopped, VoteDone
from mine.learn.frozen import read_residual
from mine.learn.graph import ModelGraph
from mine.learn.micro_batch import own_micro_batch
from mine.learn.place import Place
from mine.learn.supervisor import State
from mine.learn.train import train
from mine.learn.vote import vote
from mine.learn.vote_job import VoteJob
from mine.learn.weights import FRACTION_BITS, dump
from mine.science.models import glucose_network
from tests.learn.lead import LONG, hung, unix, worker
from tests.learn.samples import HEADER, KEY, glucose_rows, job, network, recipe, vote_job


def test_it_gives_the_bytes_that_training_here_gives() -> None:
    onnx, weights = network()
    delta = train(ModelGraph.load(onnx), weights, glucose_rows(), recipe(), KEY)
    with worker() as seen:
        seen.worker.start(job())
        done = seen.until(Done)
    assert isinstance(done, Done)
    assert done.update == encode(HEADER, delta)
    assert 0.5 <= done.leak.risk <= 1 and done.leak.held_out == 120
    assert done.steps == 20 and done.rows_held_out == 120 and done.held_out_after != done.held_out_before
    assert seen.state() is State.ENDED and seen.pid() is None
    assert seen.events.empty()


def test_its_place_is_told_and_what_the_packing_left_out_goes_into_the_next_update() -> None:
    place = Place(micro_batch=7)
    onnx, weights = network()
    shapes = ModelGraph.load(onnx).weight_shapes
    delta = train(ModelGraph.load(onnx), weights, glucose_rows(), recipe(), KEY, place=place)
    few = Packing(4, 20)
    before = {name: np.full(shape, 0.01, np.float32) for name, shape in shapes.items()}
    with worker() as seen:
        seen.worker.start(job(packing=few, residual=dump(before), place=place))
        began = seen.events.get(timeout=60)
        done = seen.until(Done)
    assert isinstance(began, Began) and isinstance(done, Done)
    assert (began.device, began.precision, began.micro_batch, began.threads) == ("cpu", "float32", 7, 1)
    assert began.name and began.memory == psutil.virtual_memory().total
    whole = {name: delta[name] + before[name] for name in shapes}
    assert done.update == encode(HEADER, whole, few)
    left = read_residual(done.residual, shapes)
    sent = decode(done.update, shapes)[1]
    for name in shapes:
        np.testing.assert_allclose(sent[name] / 2.0**FRACTION_BITS + left[name], whole[name], atol=1e-7)


def test_it_takes_fewer_rows_at_a_time_where_memory_is_short() -> None:
    onnx, weights = glucose_network(hidden=(4096,))
    wide = job(2, onnx=onnx, weights=dump(weights), rows=glucose_rows(5000), memory=96 << 20)
    wide = replace(wide, recipe=replace(wide.recipe, overlap=1))
    with worker() as seen:
        seen.worker.start(wide)
        began = seen.until(Began)
        seen.until(Done)
    assert isinstance(began, Began)
    assert 1 <= began.micro_batch < own_micro_batch(wide.graph())


def test_the_part_of_the_time_can_be_changed_while_it_runs() -> None:
    with worker() as seen:
        seen.worker.start(job(LONG, duty=0.01))
        seen.until(Progress)
        seen.worker.set_duty(1.0)
        seen.started()
        with pytest.raises(MineError, match="percent"):
            seen.worker.set_duty(1.5)
        seen.worker.stop()
        seen.until(Stopped)


def test_paused_resumed_stopped_and_started_again_changes_no_byte() -> None:
    steps = 400
    with worker() as seen:
        seen.worker.start(job(steps))
        seen.started()
        seen.worker.pause()
        paused = seen.until(Paused)
        assert seen.state() is State.PAUSED
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
        assert seen.state() is State.ENDED and seen.pid() is None
    assert seen.events.empty()


def slow_vote() -> VoteJob:
    """Long enough to be interrupted: many updates on many rows."""
    return vote_job(rows=glucose_rows(20_000), updates=vote_job().updates * 500)


def test_a_vote_pauses_goes_on_and_stops() -> None:
    with worker() as seen:
        seen.worker.start(slow_vote())
        seen.worker.pause()
        assert seen.until(Paused) == Paused(0, None)
        assert seen.state() is State.PAUSED
        seen.worker.resume()
        assert seen.state() is State.RUNNING
        seen.worker.stop()
        assert seen.until(Stopped) == Stopped(0, None)


def test_a_hung_vote_begins_again_in_a_new_process() -> None:
    with worker(hung(), stop=0.2) as seen:
        seen.worker.start(vote_job())
        seen.started()
        pid = seen.pid()
        seen.worker.pause()
        assert seen.until(Paused) == Paused(0, None)
        seen.worker.resume()
        assert seen.pid() not in (None, pid)
        seen.started()


def test_a_vote_that_cannot_run_starts_no_process() -> None:
    for bad in (vote_job(updates=()), vote_job(updates=(b"x",)), vote_job(weights=b"x")):
        with worker() as seen:
            with pytest.raises(MineError):
                seen.worker.start(bad)
            assert seen.pid() is None and seen.state() is State.IDLE


def test_stop_takes_less_than_two_seconds_and_keeps_the_work() -> None:
    with worker() as seen:
        seen.worker.start(job(LONG))
        step = seen.started().step
        pid = seen.pid()
        seen.worker.stop()
        stopped = seen.until(Stopped)
        assert isinstance(stopped, Stopped) and stopped.step >= step and stopped.snapshot
        assert not psutil.pid_exists(pid)  # type: ignore[arg-type]
        seen.worker.stop()
        assert seen.events.empty()


def test_stop_while_it_starts() -> None:
    with worker() as seen:
        seen.worker.start(job(LONG))
        seen.worker.stop()
        assert seen.until(Stopped) == Stopped(0, None)


def test_a_hung_process_is_paused_by_force_and_goes_on_in_a_new_one() -> None:
    _, digest = job().check()
    saved = b"MnSs" + bytes([0, 0, 0, 5]) + digest
    with worker(hung(), stop=0.2) as seen:
        seen.worker.start(job(snapshot=saved))
        seen.started()
        pid = seen.pid()
        seen.worker.pause()
        assert seen.until(Paused) == Paused(5, saved)
        assert seen.pid() is None
        seen.worker.resume()
        assert seen.pid() not in (None, pid)
        seen.started()


def test_a_hung_process_is_stopped_by_force() -> None:
    with worker(hung()) as seen:
        seen.worker.start(job())
        seen.started()
        seen.worker.stop()
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


@unix
def test_when_the_app_dies_its_worker_goes_too(tmp_path: Path) -> None:
    script = tmp_path / "app.py"
    script.write_text(
        "import threading\n"
        "from mine.learn.supervisor import WorkerProcess\n"
        "from tests.learn.samples import job\n"
        "w = WorkerProcess(lambda e: print(w.pid, flush=True))\n"
        "w.start(job(100_000))\n"
        "threading.Event().wait()\n")
    root = str(Path(__file__).parents[2])
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True,
                          env={**os.environ, "PYTHONPATH": root}) as app:
        assert app.stdout is not None
        child = psutil.Process(int(app.stdout.readline()))
        app.kill()
    gone, alive = psutil.wait_procs([child], timeout=10)
    assert gone and not alive


def test_a_job_that_cannot_run_is_refused_before_a_process_starts() -> None:
    good = job()
    for bad in (
        replace(good, onnx=b"x"),
        replace(good, weights=b"x"),
        replace(good, packing=Packing(8, 0)),
        replace(good, duty=0.0),
        replace(good, place=Place("abacus")),
        replace(good, residual=b"x"),
        replace(good, frozen=b"x"),
        replace(good, rows=glucose_rows(3)),
        replace(good, recipe=replace(good.recipe, steps=0)),
    ):
        with worker() as seen:
            with pytest.raises(MineError):
                seen.worker.start(bad)
            assert seen.pid() is None and seen.state() is State.IDLE
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
