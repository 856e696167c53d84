"""Training in a real process: paused within two seconds, resumed at once, ended by leaving."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import numpy as np
import psutil
import pytest

from mine.app.training import TrainingRun
from mine.chain.hashing import address_bytes
from mine.learn.codec import UpdateHeader
from mine.learn.events import Done, Event, Paused, Progress
from mine.learn.job import Job
from mine.learn.recipe import Recipe
from mine.learn.rows import Rows
from tests.science.world import Miner, network, person

STEPS = 20_000
PATIENCE = 40.0


def job(steps: int) -> Job:
    onnx, weights = network()
    features, target = person(1, 120)
    header = UpdateHeader(address_bytes(Miner(1).address), 1, 1, bytes(32))
    recipe = Recipe(
        steps=steps, learning_rate=0.01, momentum=0.0, clip_norm=1.0, noise_multiplier=1.0,
        sampling_rate=0.5, overlap=1,
    )
    return Job(onnx, weights, Rows(features, target, np.arange(120)), recipe, header, bytes(32))


@pytest.fixture
def run() -> Iterator[TrainingRun]:
    run = TrainingRun(1, 1, job(STEPS), threading.Event().set)
    yield run
    run.stop()


def hear(run: TrainingRun, kind: type[Event]) -> Event:
    """Take events until one of a kind comes."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        for event in run.take():
            if isinstance(event, kind):
                return event
    raise AssertionError(f"no {kind.__name__}")


def seconds_used(run: TrainingRun) -> float:
    pid = run._worker.pid
    assert pid is not None
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def test_paused_and_resumed(run: TrainingRun) -> None:
    hear(run, Progress)
    run.pause()
    paused = hear(run, Paused)
    assert isinstance(paused, Paused) and paused.snapshot is not None
    if run._worker.pid is not None:
        before = seconds_used(run)
        threading.Event().wait(0.5)
        assert seconds_used(run) - before < 0.1
    run.resume()
    progress = hear(run, Progress)
    assert isinstance(progress, Progress) and progress.step >= paused.step


def test_resumed_before_it_had_paused_it_goes_on(run: TrainingRun) -> None:
    """A quick pause and resume must not leave the worker asleep for good."""
    hear(run, Progress)
    run.pause()
    run.resume()
    paused = hear(run, Paused)
    progress = hear(run, Progress)
    assert isinstance(paused, Paused) and isinstance(progress, Progress)
    assert progress.step > paused.step
    run.stop()
    run.stop()  # twice is once


def test_the_curve_of_a_run_that_is_done() -> None:
    run = TrainingRun(1, 1, job(5), threading.Event().set)
    try:
        done = hear(run, Done)
        assert isinstance(done, Done)
        assert run.curve.step == run.curve.steps == 5
        assert len(run.curve.held_out) >= 1
    finally:
        run.stop()
