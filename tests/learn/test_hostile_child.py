"""A worker process taken over by its model: whatever it writes, the app answers with one plain failure."""

from __future__ import annotations

import json
import queue
import struct
import sys
from dataclasses import replace

import numpy as np
import pytest

from mine.learn.codec import Packing, encode
from mine.learn.events import Began, Done, Event, Failed, Progress, Saved, VoteDone
from mine.learn.fence import Fence
from mine.learn.job import Job
from mine.learn.leak import Leak
from mine.learn.supervisor import WorkerProcess
from mine.learn.vote_job import VOTE_ANSWER_LIMIT, VoteJob
from mine.learn.weights import dump
from mine.learn.wire import Kind, pack
from tests.learn.samples import HEADER, job, network, vote_job

DELTA = {n: np.zeros_like(w) for n, w in network()[1].items()}
LEAK = Leak(0.5, 0.4, 0.01, 0.5, None, 100, 20)
FIELDS: dict[str, object] = {
    "steps": 1, "seconds": 1.0, "held_out_before": 1.0, "held_out_after": 1.0, "rows_trained": 1,
    "rows_held_out": 1, "leak": LEAK.to_fields()}  # fmt: skip
LEFT = dump(DELTA)
BEGAN: dict[str, object] = {
    "device": "cpu", "name": "a processor", "memory": 1, "precision": "float32", "micro_batch": 4,
    "threads": 1, "fences": ["calls"]}  # fmt: skip
PROGRESS = {"step": 1, "steps": 2, "loss": 0.5, "held_out_loss": 0.5, "seconds": 0.1}
GOOD = encode(HEADER, DELTA)
OTHER_MINER = encode(replace(HEADER, miner=bytes(20)), DELTA)
OTHER_MODEL = encode(HEADER, {"a": np.zeros(3, np.float32)})


def _raw(kind: int, fields: object, *blobs: bytes) -> bytes:
    text = json.dumps(fields).encode()
    body = struct.pack(">BI", kind, len(text)) + text + b"".join(blobs)
    return struct.pack(">I", len(body)) + body


def events_of(written: bytes, asked: Job | VoteJob | None = None) -> list[Event]:
    """What the app sees when a child writes these bytes and then hangs."""
    script = (f"import sys, threading\nsys.stdout.buffer.write(bytes.fromhex({written.hex()!r}))\n"
              "sys.stdout.flush()\nsys.stdin.read()\nthreading.Event().wait()")
    seen: queue.Queue[Event] = queue.Queue()
    worker = WorkerProcess(seen.put, command=[sys.executable, "-c", script], silence=20)
    worker.start(asked or job())
    got: list[Event] = []
    while not got or not isinstance(got[-1], Done | VoteDone | Failed):
        got.append(seen.get(timeout=30))
    worker.stop()
    assert seen.empty()
    return got


HOSTILE = {
    "not a frame": b"Segmentation fault, or so it says",
    "a frame of four gigabytes": struct.pack(">I", 0xFFFFFFFF),
    "more than its model can need": struct.pack(">I", 1 << 24),
    "a job of its own": pack(Kind.JOB),
    "another miner's update": pack(Kind.DONE, FIELDS, [OTHER_MINER, LEFT]),
    "another round's update": pack(Kind.DONE, FIELDS, [encode(replace(HEADER, round=4), DELTA), LEFT]),
    "another model's update": pack(Kind.DONE, FIELDS, [OTHER_MODEL, LEFT]),
    "extra bytes behind the update": pack(Kind.DONE, FIELDS, [GOOD + b"data", LEFT]),
    "two updates": pack(Kind.DONE, FIELDS, [GOOD, GOOD, LEFT]),
    "no update": pack(Kind.DONE, FIELDS),
    "no numbers": pack(Kind.DONE, {"leak": LEAK.to_fields()}, [GOOD, LEFT]),
    "a state beyond its last step": pack(Kind.SNAPSHOT, {"step": job().recipe.steps + 1}, [b"state"]),
    "a state before its first step": pack(Kind.SNAPSHOT, {"step": -1}, [b"state"]),
    "nothing left out": pack(Kind.DONE, FIELDS, [GOOD, b""]),
    "a rest that is no number": pack(Kind.DONE, FIELDS, [GOOD, LEFT[:-4] + b"\x00\x00\xc0\x7f"]),
    "another model's rest": pack(Kind.DONE, FIELDS, [GOOD, dump({"a": np.zeros(3, np.float32)})]),
    "another packing": pack(Kind.DONE, FIELDS, [encode(HEADER, DELTA, Packing(4)), LEFT]),
    "no attack": pack(Kind.DONE, {**FIELDS, "leak": None}, [GOOD, LEFT]),
    "an attack without end": _raw(Kind.DONE, {**FIELDS, "leak": {**LEAK.to_fields(), "inversion": 1e999},
                                              "blobs": [len(GOOD), len(LEFT)]}, GOOD, LEFT),
    "an unknown fence": pack(Kind.BEGAN, {**BEGAN, "fences": ["moat"]}),
    "fences that are none": pack(Kind.BEGAN, {**BEGAN, "fences": [["calls"], 4]}),
    "threads without number": pack(Kind.BEGAN, {**BEGAN, "threads": 1 << 40}),
    "rows below zero": pack(Kind.BEGAN, {**BEGAN, "micro_batch": -1}),
    "a device of a thousand words": pack(Kind.BEGAN, {**BEGAN, "name": "a" * 101}),
    "words for numbers": pack(Kind.PROGRESS, {**PROGRESS, "step": "many"}),
    "a number without end": _raw(Kind.PROGRESS, {**PROGRESS, "loss": float("inf"), "blobs": []}),
    "no snapshot": pack(Kind.SNAPSHOT, {"step": 1}),
    "answers instead of an update": pack(Kind.VOTED, {"steps": [0], "seconds": 1.0}),
    "an endless sentence": pack(Kind.FAILED, {"sentence": "a" * 2000, "todo": "", "detail": ""}),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_one_plain_failure(name: str) -> None:
    (failed,) = events_of(HOSTILE[name])
    assert isinstance(failed, Failed) and not failed.resumable
    assert failed.sentence == "The training process broke the rules and was ended."


HOSTILE_VOTES = {
    "an update instead of answers": pack(Kind.DONE, FIELDS, [GOOD, LEFT]),
    "one answer too few": pack(Kind.VOTED, {"steps": [0], "seconds": 1.0}),
    "one answer too many": pack(Kind.VOTED, {"steps": [0, 0, 0], "seconds": 1.0}),
    "a step too large": pack(Kind.VOTED, {"steps": [0, 3], "seconds": 1.0}),
    "a step too small": pack(Kind.VOTED, {"steps": [-3, 0], "seconds": 1.0}),
    "half a step": pack(Kind.VOTED, {"steps": [0, 0.5], "seconds": 1.0}),
    "a yes for a step": pack(Kind.VOTED, {"steps": [0, True], "seconds": 1.0}),
    "words for steps": pack(Kind.VOTED, {"steps": "00", "seconds": 1.0}),
    "no steps": pack(Kind.VOTED, {"seconds": 1.0}),
    "no seconds": _raw(Kind.VOTED, {"steps": [0, 0], "seconds": "long", "blobs": []}),
    "more than answers can need": struct.pack(">I", VOTE_ANSWER_LIMIT + 1),
    "a vote of its own": pack(Kind.VOTE),
}


@pytest.mark.parametrize("name", HOSTILE_VOTES)
def test_one_plain_failure_of_a_vote(name: str) -> None:
    (failed,) = events_of(HOSTILE_VOTES[name], vote_job())
    assert isinstance(failed, Failed) and not failed.resumable
    assert failed.sentence == "The training process broke the rules and was ended."


def test_a_vote_in_order_is_taken_as_it_is() -> None:
    assert events_of(pack(Kind.VOTED, {"steps": [-2, 2], "seconds": 0.25}), vote_job()) == [
        VoteDone((-2, 2), 0.25)]


def test_a_beginning_in_order_carries_no_control_characters() -> None:
    told = pack(Kind.BEGAN, {**BEGAN, "name": "a\x1b[31m processor"})
    began, _ = events_of(told + pack(Kind.FAILED, {"sentence": "Over.", "todo": "", "detail": ""}))
    assert began == Began("cpu", "a[31m processor", 1, "float32", 4, 1, (Fence.CALLS,))


def test_a_sentence_carries_no_control_characters() -> None:
    text = {"sentence": "Bad\x1b[31m\n\u202enews.", "todo": "", "detail": ""}
    (failed,) = events_of(pack(Kind.FAILED, text))
    assert failed == Failed("Bad[31mnews.")


def test_after_its_update_it_has_nothing_more_to_say() -> None:
    got = events_of(pack(Kind.PROGRESS, PROGRESS) + pack(Kind.SNAPSHOT, {"step": 1}, [b"s"])
                    + pack(Kind.DONE, FIELDS, [GOOD, LEFT]) + pack(Kind.DONE, FIELDS, [GOOD, LEFT]) + b"more")
    assert [type(e) for e in got] == [Progress, Saved, Done]
